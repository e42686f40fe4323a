"""Units -> how much of their variance goes with each factor, and what the grid at hand cannot tell apart."""

from collections.abc import Sequence
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from iqa_lab.statistics.correlation.coefficients import fisher_z
from iqa_lab.statistics.factors.units import FACTORS, Floats, TooFewUnits


def decompose_variance(
    units: pd.DataFrame, factors: Sequence[str] = ("benchmark", *FACTORS), value: str = "srcc"
) -> pd.DataFrame:
    """How much of the variance of Fisher's z between units goes with each factor: main effects, by least squares.

    Args:
        units: one row a unit.
        factors: columns that may explain, at most 8.
        value: a correlation.

    Returns:
        A row a factor, and one ``residual``: ``levels``, ``df`` (that it adds to all others), ``sum_sq`` (type II:
        what it explains beyond all others), ``share`` (that of the whole), ``lmg`` (its share of the whole averaged
        over all orders of the factors: Lindeman, Merenda & Gold, 1980, the Shapley value; shares of confounded factors
        are divided between them), ``aliased`` (degrees of freedom that the other factors explain as well).

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
        rows.append((name, levels, added, sum_sq, sum_sq / total, lmg / total, levels - 1 - added))
    left = explained[everything]
    rows.append(("residual", 0, len(data) - ranks[everything], left, left / total, left / total, 0))
    return pd.DataFrame(rows, columns=["factor", "levels", "df", "sum_sq", "share", "lmg", "aliased"])


def aliases(units: pd.DataFrame, factors: Sequence[str] = FACTORS) -> list[str]:
    """What the grid at hand cannot tell apart, a sentence each.

    Levels that share no level of another factor with any of their rivals, levels that occur with few of another
    factor's, and factors whose effect is a mixture of the others'.
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
    return sentences


def _indicators(levels: pd.Series) -> Floats:
    return pd.get_dummies(levels.astype(str), drop_first=True).to_numpy(dtype=float)


def _residual(z: Floats, designs: list[Floats]) -> tuple[float, int]:
    """Sum of squares that a constant and the designs leave over, and the rank of both together."""
    design = np.column_stack([np.ones(len(z)), *designs])
    solution, _, rank, _ = np.linalg.lstsq(design, z, rcond=None)
    return float(np.sum((z - design @ solution) ** 2)), int(rank)
