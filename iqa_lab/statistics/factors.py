"""Which factor makes networks agree with people? Analysis across units, in the form of ``correlations.csv`` of many.

In the order in which to believe them: matched contrasts (units that differ in one factor only), a mixed model, a
decomposition of variance. What the grid at hand cannot tell apart is named by ``aliases``, and what it is too small for
raises ``TooFewUnits``: nothing is estimated from next to nothing.
"""

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import statsmodels.formula.api as formula
from numpy.typing import NDArray
from scipy.stats import ttest_1samp
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from iqa_lab.statistics.bootstrap import bootstrap_p, cluster_bootstrap, percentile_interval
from iqa_lab.statistics.correlation import fisher_z

Floats = NDArray[np.float64]
Distributions = Mapping[Hashable, Floats]

FACTORS = ("goal", "dataset", "architecture")
UNIT = ["benchmark", *FACTORS, "weights"]
UNTRAINED = "untrained"
# from so many pairs of networks on, networks too are resampled: the effect is then about other networks as well
ENOUGH_PAIRS = 5


class TooFewUnits(ValueError):
    """The units at hand cannot answer the question; the message says what is missing."""


def best_of_units(table: pd.DataFrame, value: str = "srcc") -> pd.DataFrame:
    """One row a unit: its best layer and readout, the pixels and what was fitted in-sample left out.

    Args:
        table: rows of ``correlations.csv`` of any number of units. Its index names the rows.
        value: the column that decides.
    """
    own = table[(table["layer"] != "pixels") & ~table["readout"].astype(str).str.endswith("_insample")]
    own = own[own[value].notna()]
    return own.loc[own.groupby(UNIT, sort=True)[value].idxmax()]


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by which networks can be compared: of the readouts that all networks on a benchmark have; baselines.

    A unit's result grows by readouts. The best of many is better than the best of few, and what was fitted to opinions
    is no rival of what was not.

    Args:
        table: rows of ``correlations.csv`` of any number of units. Its index names the rows.
    """
    networks = table[(table["goal"] != "baseline") & (table["layer"] != "pixels")]
    units = networks.drop_duplicates([*UNIT, "readout"])
    having = units.groupby(["benchmark", "readout"]).size()
    number = networks.drop_duplicates(UNIT).groupby("benchmark").size()
    shared = having.index[having == number.reindex(having.index.get_level_values(0)).to_numpy()]
    own = pd.MultiIndex.from_frame(table[["benchmark", "readout"]])
    return table[(table["goal"] == "baseline") | own.isin(shared)]


def resample_units(scores: Mapping[Hashable, pd.DataFrame], *, resamples: int = 2000, seed: int = 0) -> Distributions:
    """The SRCC of each unit in every resample of references, ``[resamples]`` each, by the name of its row.

    The draws are the same for all units on the same references, so that their differences are paired.

    Args:
        scores: of each unit ``reference``, ``opinion`` and ``quality`` (both larger = better), one row a pair.
        resamples: number of resamples.
        seed: of the draws.
    """
    return {
        name: cluster_bootstrap(
            frame["quality"], frame["opinion"], frame["reference"], resamples=resamples, seed=seed
        )[:, 0]
        for name, frame in scores.items()
    }  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """A mean difference of SRCC, with what it rests on."""

    difference: float
    low: float
    high: float
    p: float  # two-sided, uncorrected
    pairs: int  # of networks
    units: int
    benchmarks: int
    about: str  # what else it holds for: other references | other networks | other networks and references | nothing


def matched_pairs(units: pd.DataFrame, factor: str, value: str = "srcc") -> pd.DataFrame:
    """Pairs of units on one benchmark that differ in exactly one factor.

    Args:
        units: one row a unit, as ``best_of_units`` gives.
        factor: goal, dataset or architecture.
        value: what is compared.

    Returns:
        A row a pair: ``benchmark``, ``pair`` (what the two share, and their levels: the same on all benchmarks),
        ``first_level``, ``second_level`` (in sorted order), ``first``, ``second`` (names of the units' rows),
        ``difference`` (first less second). Several trainings of a cell make several rows of one pair. An untrained
        network learned from no images: it differs in its goal alone from the trained ones of its architecture, whatever
        their dataset.
    """
    others = [name for name in FACTORS if name != factor]
    if factor == "goal":
        units = _untrained_everywhere(units)
    rows = []
    for (benchmark, *shared), group in units.groupby(["benchmark", *others], sort=True):
        entries = list(zip(group.index, group[factor], group["weights"], group[value], strict=True))
        for one, other in combinations(sorted(entries, key=lambda entry: (str(entry[1]), str(entry[2]))), 2):
            if one[1] != other[1]:
                pair = "-".join(map(str, [*shared, one[1], other[1]]))
                rows.append((benchmark, pair, one[1], other[1], one[0], other[0], one[3] - other[3]))
    names = ["benchmark", "pair", "first_level", "second_level", "first", "second", "difference"]
    return pd.DataFrame(rows, columns=names)


def _untrained_everywhere(units: pd.DataFrame) -> pd.DataFrame:
    """The units, with a row of each untrained one for every dataset that its architecture was trained on."""
    untrained = units["goal"] == UNTRAINED
    cells = units.loc[~untrained, ["benchmark", "dataset", "architecture"]].drop_duplicates()
    rows = units[untrained].drop(columns="dataset").assign(_row=lambda rows: rows.index)
    placed = rows.merge(cells, on=["benchmark", "architecture"]).set_index("_row")
    return pd.concat([units[~untrained], placed])


def matched_contrasts(
    units: pd.DataFrame,
    factor: str,
    distributions: Distributions | None = None,
    *,
    value: str = "srcc",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Every two levels of a factor that can be compared: a row with the mean difference of their matched pairs.

    Args:
        units: one row a unit, as ``best_of_units`` gives.
        factor: goal, dataset or architecture.
        distributions: of the units, by the names of their rows, as ``resample_units`` gives.
        value: what is compared.
        confidence: of the intervals.

    Returns:
        ``factor``, ``first_level``, ``second_level``, and the fields of ``Effect``.

    Raises:
        TooFewUnits: no two units differ in this factor only.
    """
    pairs = matched_pairs(units, factor, value)
    if pairs.empty:
        raise TooFewUnits(
            f"no two of the {len(units)} units differ in {factor} alone: run two cells of the grid that share "
            + ", ".join(name for name in ("benchmark", *FACTORS) if name != factor)
        )
    rows = []
    for (first, second), group in pairs.groupby(["first_level", "second_level"], sort=True):
        effect = mean_effect(group, distributions, confidence=confidence)
        rows.append({"factor": factor, "first_level": first, "second_level": second, **vars(effect)})
    return pd.DataFrame(rows)


def mean_effect(
    pairs: pd.DataFrame,
    distributions: Distributions | None = None,
    *,
    confidence: float = 0.95,
    null: float = 0.0,
    seed: int = 0,
) -> Effect:
    """The mean difference over pairs of networks, each the mean over its rows, with the interval that it allows.

    With five pairs of networks or more, networks are resampled (without distributions: Student's t over pairs), so that
    the effect is about other networks too. With fewer, only references are: it then holds for these networks. With
    neither there is no interval.

    Args:
        pairs: as ``matched_pairs`` gives.
        distributions: of the units; None, or where one of the units is missing: references are not resampled.
        confidence: of the interval.
        null: the mean difference that ``p`` is about.
        seed: of the drawing of networks.

    Raises:
        TooFewUnits: there is no pair.
    """
    if pairs.empty:
        raise TooFewUnits("there is no pair of units to compare")
    networks, network = np.unique(pairs["pair"].astype(str), return_inverse=True)
    number = len(networks)
    # rows to means of pairs of networks
    average = np.zeros((len(pairs), number))
    average[np.arange(len(pairs)), network] = 1 / np.bincount(network)[network]
    means = pairs["difference"].to_numpy(dtype=float) @ average
    difference = float(means.mean())
    known = distributions is not None and set(pairs["first"]).union(pairs["second"]) <= set(distributions)
    low = high = p = float("nan")
    about = "nothing"
    if known and distributions is not None:
        rows = [distributions[a] - distributions[b] for a, b in zip(pairs["first"], pairs["second"], strict=True)]
        resampled = np.stack(rows, axis=1) @ average
        about = "other references"
        weights = np.full_like(resampled, 1 / number)
        if number >= ENOUGH_PAIRS:
            drawn = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=len(resampled))
            weights, about = drawn / number, "other networks and references"
        distribution = (resampled * weights).sum(axis=1)[:, None]
        low, high = (float(end[0]) for end in percentile_interval(distribution, confidence))
        p = float(bootstrap_p(distribution, null)[0])
    elif number >= ENOUGH_PAIRS and np.ptp(means) > 0:
        test = ttest_1samp(means, null)
        interval = test.confidence_interval(confidence)
        low, high, p, about = float(interval.low), float(interval.high), float(test.pvalue), "other networks"
    units = set(pairs["first"]) | set(pairs["second"])
    return Effect(difference, low, high, p, number, len(units), pairs["benchmark"].nunique(), about)


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


def mixed_model(units: pd.DataFrame, factor: str, value: str = "srcc") -> pd.DataFrame:
    """Fisher's z by the levels of one factor, with benchmark and network as crossed random effects.

    Args:
        units: one row a unit.
        factor: goal, dataset or architecture; its most frequent level is what the others are compared with.
        value: a correlation.

    Returns:
        A row a level: ``level``, ``against``, ``difference`` (of z), ``low``, ``high`` (95 %), ``p``, ``converged``.

    Raises:
        TooFewUnits: fewer than 20 units, 3 benchmarks, 6 networks, or 2 networks of each of 2 levels: variances between
            benchmarks and between networks cannot be estimated from less.
    """
    data = units[units[value].notna()].copy()
    data["network"] = joined(data, [*FACTORS, "weights"])
    networks = data.groupby(factor)["network"].nunique()
    data = data[data[factor].isin(networks[networks >= 2].index)]
    found = (len(data), data["benchmark"].nunique(), data["network"].nunique(), data[factor].nunique())
    if any(have < need for have, need in zip(found, (20, 3, 6, 2), strict=True)):
        raise TooFewUnits(
            f"a mixed model needs 20 units on 3 benchmarks, with 6 networks and 2 of each of 2 levels of {factor}; "
            f"usable are {found[0]} units, {found[1]} benchmarks, {found[2]} networks, {found[3]} levels"
        )
    z = fisher_z(data[value].clip(-0.999999, 0.999999))
    scale = float(z.std()) or 1.0
    data["z"] = z / scale  # statsmodels takes small variances for none
    data["level"], data["everything"] = data[factor].astype(str), 1
    against = str(data["level"].mode().iloc[0])
    model = formula.mixedlm(
        f"z ~ C(level, Treatment({against!r}))",
        data,
        groups="everything",
        vc_formula={"benchmark": "0 + C(benchmark)", "network": "0 + C(network)"},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the column says it
        fit = model.fit(reml=True)
    interval, rows = fit.conf_int(), []
    for term in fit.fe_params.index[1:]:
        level = term.split("[T.")[1].rstrip("]")
        estimates = scale * np.array([fit.fe_params[term], *interval.loc[term]])
        rows.append((level, against, *estimates, fit.pvalues[term], bool(fit.converged)))
    return pd.DataFrame(rows, columns=["level", "against", "difference", "low", "high", "p", "converged"])


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


def joined(units: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The levels of several columns as one name a row."""
    names = ["-".join(row) for row in units[list(columns)].astype(str).itertuples(index=False)]
    return pd.Series(names, index=units.index, dtype=object)


def _indicators(levels: pd.Series) -> Floats:
    return pd.get_dummies(levels.astype(str), drop_first=True).to_numpy(dtype=float)


def _residual(z: Floats, designs: list[Floats]) -> tuple[float, int]:
    """Sum of squares that a constant and the designs leave over, and the rank of both together."""
    design = np.column_stack([np.ones(len(z)), *designs])
    solution, _, rank, _ = np.linalg.lstsq(design, z, rcond=None)
    return float(np.sum((z - design @ solution) ** 2)), int(rank)
