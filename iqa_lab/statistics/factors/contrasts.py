"""Which factor makes networks agree with people? Analysis across units, in the form of ``correlations.csv`` of many.

In the order in which to believe them: matched contrasts (units that differ in one factor only), a mixed model, a
decomposition of variance. What the grid at hand cannot tell apart is named by ``aliases``, and what it is too small for
raises ``TooFewUnits``: nothing is estimated from next to nothing.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from iqa_lab.statistics.factors.units import FACTORS, UNTRAINED, Distributions, TooFewUnits
from iqa_lab.statistics.intervals.bootstrap import bootstrap_p, percentile_interval

# from so many pairs of networks on, networks too are resampled: the effect is then about other networks as well
ENOUGH_PAIRS = 5


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
