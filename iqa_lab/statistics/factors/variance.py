"""Units -> how much of their variance goes with each factor, and what the grid at hand cannot tell apart."""

from collections.abc import Sequence
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from iqa_lab.statistics.correlation.coefficients import fisher_z
from iqa_lab.statistics.factors.units import FACTORS, Floats, TooFewUnits, history, joined

PERMUTATIONS = 499


def decompose_variance(
    units: pd.DataFrame, factors: Sequence[str] = ("benchmark", *FACTORS), value: str = "srcc", seed: int = 0
) -> pd.DataFrame:
    """How much of the variance of Fisher's z between units goes with each factor, by least squares.

    Args:
        units: one row a unit.
        factors: columns that may explain, at most 8.
        value: a correlation.
        seed: of the permutations.

    Returns:
        A row a factor, a row for every two whose interaction the grid can tell (``goal x architecture``), and one
        ``residual``: ``levels``, ``df`` (that it adds to all others), ``sum_sq`` (type II: what it explains beyond all
        others), ``share`` (that of the whole), ``omega`` (omega squared: the share less what as many parameters explain
        of pure noise), ``null`` (the omega squared below which 95 % of permutations stay), ``p`` (of the permutations),
        ``lmg`` (its share of the whole averaged over all orders of the factors: Lindeman, Merenda & Gold, 1980, the
        Shapley value; shares of confounded factors are divided between them), ``aliased`` (degrees of freedom that the
        other factors explain as well).

    Raises:
        TooFewUnits: fewer than three units more than parameters, or no factor that varies.
    """
    data = units[units[value].notna()]
    varying = [factor for factor in factors if data[factor].nunique() > 1]
    if not varying or len(varying) > 8:
        raise TooFewUnits(f"{len(data)} units in which none of {', '.join(factors)} varies (or more than 8 do)")
    z = fisher_z(data[value].clip(-0.999999, 0.999999))
    designs = {name: _indicators(data[name]) for name in varying}
    explained, ranks = {}, {}
    for size in range(len(varying) + 1):
        for chosen in combinations(varying, size):
            residual, rank = _residual(z, [designs[name] for name in chosen])
            explained[frozenset(chosen)], ranks[frozenset(chosen)] = residual, rank
    everything = frozenset(varying)
    if len(data) - ranks[everything] < 3:
        raise TooFewUnits(
            f"{len(data)} units cannot estimate {ranks[everything]} parameters of {', '.join(varying)} and an error: "
            f"at least {ranks[everything] + 3} are needed"
        )
    total = explained[frozenset()]
    order = _Permutations(data, seed)
    rows = []
    for name in varying:
        rest = everything - {name}
        sum_sq = explained[rest] - explained[everything]
        added, levels = ranks[everything] - ranks[rest], data[name].nunique()
        lmg = sum(
            factorial(len(before)) * factorial(len(varying) - len(before) - 1) / factorial(len(varying))
            * (explained[before] - explained[before | {name}])
            for before in explained if name not in before
        )  # fmt: skip
        adjusted = order.compared(z, [designs[one] for one in rest], [designs[name]], networks=name != "benchmark")
        rows.append((name, levels, added, sum_sq, sum_sq / total, *adjusted, lmg / total, levels - 1 - added))
    mains = list(designs.values())
    networks = len(_networks(data).unique())
    for one, other in combinations([name for name in varying if name != "benchmark"], 2):
        both = (designs[one][:, :, None] * designs[other][:, None, :]).reshape(len(data), -1)
        left, rank = _residual(z, [*mains, both])
        added = rank - ranks[everything]
        # networks are a sample: some have to be left over in the cells of the two
        if added and len(data) - rank >= 3 and networks - data[list(FACTORS)].drop_duplicates().shape[0] >= 3:
            sum_sq = explained[everything] - left
            adjusted = order.compared(z, mains, [both], networks=True)
            rows.append((f"{one} x {other}", data[[one, other]].drop_duplicates().shape[0], added, sum_sq,
                         sum_sq / total, *adjusted, float("nan"), 0))  # fmt: skip
    left = explained[everything]
    nan = float("nan")
    rows.append(("residual", 0, len(data) - ranks[everything], left, left / total, nan, nan, nan, left / total, 0))
    names = ["factor", "levels", "df", "sum_sq", "share", "omega", "null", "p", "lmg", "aliased"]
    return pd.DataFrame(rows, columns=names)


def _networks(data: pd.DataFrame) -> pd.Series:
    return joined(data, [*FACTORS, "weights"] if "weights" in data else FACTORS)


class _Permutations:
    """Orders of the units that are as good as theirs where a factor means nothing.

    A network on several benchmarks is permuted as a whole, with those that are on the same ones.
    """

    def __init__(self, data: pd.DataFrame, seed: int) -> None:
        generator = np.random.default_rng(seed)
        network = _networks(data)
        self.network = network.to_numpy().astype(str)
        place = np.arange(len(data))
        self.units = np.stack([generator.permutation(place) for _ in range(PERMUTATIONS)], axis=1)
        self.of_networks = self.units
        if "benchmark" in data and data["benchmark"].nunique() > 1:
            self.of_networks = np.tile(place[:, None], PERMUTATIONS)
            rows = pd.DataFrame(
                {"network": network.to_numpy(), "benchmark": data["benchmark"].to_numpy(), "row": place}
            )
            rows = rows.sort_values(["network", "benchmark"])
            on = rows.groupby("network")["benchmark"].agg(tuple)
            for _, alike in on.groupby(on):
                cells = np.stack([rows.loc[rows["network"] == name, "row"].to_numpy() for name in alike.index])
                for number in range(PERMUTATIONS):
                    self.of_networks[cells.ravel(), number] = cells[generator.permutation(len(cells))].ravel()

    def compared(
        self, z: Floats, without: list[Floats], added: list[Floats], *, networks: bool
    ) -> tuple[float, float, float]:
        """Omega squared of what is added, its 95th percentile if that meant nothing, and p (Freedman & Lane, 1983)."""
        smaller, larger = _basis(len(z), without), _basis(len(z), [*without, *added])
        df, free = larger.shape[1] - smaller.shape[1], len(z) - larger.shape[1]
        if not df:
            return float("nan"), float("nan"), float("nan")
        fitted = smaller @ (smaller.T @ z)
        order = self.of_networks if networks else self.units
        left = self._widened(z - fitted, smaller) if networks else z - fitted
        many = np.column_stack([z, fitted[:, None] + left[order]])
        total = ((many - many.mean(axis=0)) ** 2).sum(axis=0)
        explained = [((basis.T @ many) ** 2).sum(axis=0) for basis in (smaller, larger)]
        error = ((many**2).sum(axis=0) - explained[1]) / free
        omega = (explained[1] - explained[0] - df * error) / (total + error)
        p = np.mean(omega >= omega[0] - 1e-12)
        return float(omega[0]), float(np.quantile(omega[1:], 0.95)), float(p)

    def _widened(self, left: Floats, basis: Floats) -> Floats:
        """Residuals whose part of each network has the spread that it had before a model was fitted to it."""
        averaging = (self.network == np.unique(self.network)[:, None]).astype(float)
        averaging /= averaging.sum(axis=1, keepdims=True)
        number = len(averaging)
        free = number - int(np.linalg.matrix_rank(averaging @ basis, tol=1e-8))
        means = (averaging @ left)[np.unique(self.network, return_inverse=True)[1]]
        wider: Floats = left + means * (np.sqrt((number - 1) / free) - 1 if free > 0 else 0.0)
        return wider


def _basis(rows: int, designs: list[Floats]) -> Floats:
    """Orthonormal columns that span a constant and the designs."""
    left, sizes, _ = np.linalg.svd(np.column_stack([np.ones(rows), *designs]), full_matrices=False)
    basis: Floats = left[:, sizes > sizes[0] * rows * np.finfo(float).eps]
    return basis


def aliases(units: pd.DataFrame, factors: Sequence[str] = FACTORS) -> list[str]:
    """What the grid at hand cannot tell apart, a sentence each.

    Levels that share no level of another factor with any of their rivals, levels that occur with few of another
    factor's, factors whose effect is a mixture of the others', and levels all of whose networks began with the weights
    of another training (``initialised_from``, where the units have it) while those of others did not.
    """
    cells = units[list(factors)].drop_duplicates()
    varying = [name for name in factors if cells[name].nunique() > 1]
    sentences = [f"{name} does not vary: it is {cells[name].iloc[0]} in all units" for name in factors
                 if name not in varying and len(cells)]  # fmt: skip
    for name in varying:
        for other in varying:
            if other == name:
                continue
            seen = cells.groupby(name)[other].agg(set)
            for level, with_levels in seen.items():
                rivals = set().union(*(levels for rival, levels in seen.items() if rival != level))
                listed = ", ".join(sorted(map(str, with_levels)))
                if not with_levels & rivals:
                    sentences.append(
                        f"{name}={level} cannot be told from {other}={listed}: no other {name} occurs with it"
                    )
                elif len(with_levels) <= 2 < cells[other].nunique():
                    sentences.append(f"{name}={level} occurs only with {other}={listed}")
    designs = {name: _indicators(cells[name]) for name in varying}
    for name in varying:
        _, rank = _residual(np.zeros(len(cells)), list(designs.values()))
        _, without = _residual(np.zeros(len(cells)), [designs[other] for other in varying if other != name])
        lost = cells[name].nunique() - 1 - (rank - without)
        if lost:
            sentences.append(
                f"{lost} of the {cells[name].nunique() - 1} differences between levels of {name} are mixtures of "
                f"differences of {', '.join(other for other in varying if other != name)}"
            )
    return sentences + [sentence for name in varying for sentence in _begun_elsewhere(units, name)]


def _begun_elsewhere(units: pd.DataFrame, factor: str) -> list[str]:
    """Which levels of a factor cannot be told from the training that all of their networks began with."""
    began = history(units, factor).groupby(units[factor]).agg(set)
    if not any("" in origins for origins in began):
        return []
    sentences: dict[str, list[str]] = {}
    for level, origins in began.items():
        if "" not in origins:
            sentences.setdefault(", ".join(sorted(origins)), []).append(str(level))
    return [
        f"{factor}={','.join(levels)} cannot be told from what their networks began with, a training on {origins}: "
        f"no network of {'these levels' if len(levels) > 1 else 'this level'} began at random"
        for origins, levels in sentences.items()
    ]


def _indicators(levels: pd.Series) -> Floats:
    return pd.get_dummies(levels.astype(str), drop_first=True).to_numpy(dtype=float)


def _residual(z: Floats, designs: list[Floats]) -> tuple[float, int]:
    """Sum of squares that a constant and the designs leave over, and the rank of both together."""
    design = np.column_stack([np.ones(len(z)), *designs])
    solution, _, rank, _ = np.linalg.lstsq(design, z, rcond=None)
    return float(np.sum((z - design @ solution) ** 2)), int(rank)
