"""Which factor makes networks agree with people? Pairs of networks that differ in one factor only, and what they say.

Analysis across units, in the form of ``correlations.csv`` of many. What the grid at hand cannot tell apart is named by
``variance.aliases``, and what it is too small for raises ``TooFewUnits``: nothing is estimated from next to nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import combinations

import numpy as np
import pandas as pd
import scipy

from iqa_lab.statistics.factors.effects import Effect, Side, compared
from iqa_lab.statistics.factors.hierarchical import differences, fit_hierarchical
from iqa_lab.statistics.factors.meta import random_effects
from iqa_lab.statistics.factors.replicates import NO_FLOOR, Floors, difference_beside_floor, z_of
from iqa_lab.statistics.factors.units import FACTORS, UNTRAINED, Distributions, TooFewUnits, history, joined

NETWORK = [*FACTORS, "weights"]


def matched_pairs(units: pd.DataFrame, factor: str, value: str = "srcc") -> pd.DataFrame:
    """Pairs of units on one benchmark that differ in exactly one factor.

    A network whose training began with another's weights differs from one that began at random in that, too.

    Args:
        units: one row a unit; its index names the rows. ``initialised_from`` says where trainings began (``history``).
        factor: goal, dataset or architecture.
        value: what is compared.

    Returns:
        A row a pair: ``benchmark``, ``pair`` (what the two share, and their levels: the same on all benchmarks),
        ``first_level``, ``second_level`` (in sorted order), ``first``, ``second`` (names of the units' rows),
        ``difference`` (first less second), ``cluster`` (``independent_pairs``). Several trainings of a cell make
        several rows of one pair. An untrained network learned from no images: it differs in its goal alone from the
        trained ones of its architecture, whatever their dataset.
    """
    others = [name for name in FACTORS if name != factor]
    units = units.assign(_network=joined(units, NETWORK))  # an untrained one is the same wherever it is placed
    if factor == "goal":
        units = _untrained_everywhere(units)
    units = units.assign(_history=history(units, factor))
    rows = []
    for (benchmark, *shared, _), group in units.groupby(["benchmark", *others, "_history"], sort=True):
        entries = list(zip(group.index, group[factor], group["weights"], group[value], group["_network"], strict=True))
        for one, other in combinations(sorted(entries, key=lambda entry: (str(entry[1]), str(entry[2]))), 2):
            if one[1] != other[1]:
                pair = "-".join(map(str, [*shared, one[1], other[1]]))
                rows.append((benchmark, pair, one[1], other[1], one[0], other[0], one[3] - other[3],
                             *shared, one[4], other[4]))  # fmt: skip
    names = ["benchmark", "pair", "first_level", "second_level", "first", "second", "difference", *others,
             "first_network", "second_network"]  # fmt: skip
    pairs = pd.DataFrame(rows, columns=names)
    pairs["cluster"] = ""
    for _, group in pairs.groupby(["first_level", "second_level"]):
        pairs.loc[group.index, "cluster"] = independent_pairs(group, others)
    return pairs


def _untrained_everywhere(units: pd.DataFrame) -> pd.DataFrame:
    """The units, with a row of each untrained one for every dataset that its architecture was trained on."""
    untrained = units["goal"] == UNTRAINED
    cells = units.loc[~untrained, ["benchmark", "dataset", "architecture"]].drop_duplicates()
    rows = units[untrained].drop(columns="dataset").assign(_row=lambda rows: rows.index)
    placed = rows.merge(cells, on=["benchmark", "architecture"]).set_index("_row")
    return pd.concat([units[~untrained], placed])


def placed_everywhere(left: pd.DataFrame, right: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two sides that differ in their goal, with the untrained networks placed at every dataset of the trained ones."""
    both = _untrained_everywhere(pd.concat([left.assign(_left=True), right.assign(_left=False)]))
    is_left = both["_left"].astype(bool)
    return both[is_left].drop(columns="_left"), both[~is_left].drop(columns="_left")


def independent_trends(rows: Sequence[Mapping[str, object]], lengths: Mapping[str, int]) -> pd.DataFrame:
    """A row a network whose layers have a trend, with what makes it independent of others: ``pair``, ``cluster``.

    Args:
        rows: with the factors of a network, and its name as ``first``.
        lengths: its number of layers, by that name.
    """
    frame = pd.DataFrame(rows)
    frame = frame.assign(pair=joined(frame, FACTORS), first_network=joined(frame, NETWORK))
    return frame.assign(cluster=independent_pairs(frame, FACTORS), layers=frame["first"].map(lengths))


def independent_pairs(rows: pd.DataFrame, shared: Sequence[str]) -> pd.Series:
    """Which rows have something in common, so that together they are one observation: the same name.

    Rows with the same level of a shared factor (the one of them with the most levels: architectures, as a rule), and
    rows in which the same network takes part: one untrained network against six trainings is one pair, not six.

    Args:
        rows: with the columns ``shared``, and perhaps ``first_network`` and ``second_network``.
        shared: factors whose levels the two of a pair share.
    """
    order = sorted(shared, key=lambda name: (-rows[name].nunique(), name != "architecture"))
    labels = rows[order[0]].astype(str).tolist() if order else [str(name) for name in rows.index]
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    networks = [name for name in ("first_network", "second_network") if name in rows]
    for row, label in zip(rows[networks].itertuples(index=False), labels, strict=True):
        for network in filter(lambda name: isinstance(name, str), row):  # a metric is no network
            leader[find(f"network {network}")] = find(label)
    return pd.Series([find(label) for label in labels], index=rows.index, dtype=object)


def matched_contrasts(
    units: pd.DataFrame,
    factor: str,
    distributions: Distributions | None = None,
    *,
    value: str = "srcc",
    confidence: float = 0.95,
    floors: Floors | None = None,
) -> pd.DataFrame:
    """Every two levels of a factor that can be compared: a row with the mean difference of their matched pairs.

    Args:
        units: one row a unit; its index names the rows.
        factor: goal, dataset or architecture.
        distributions: of the units, by the names of their rows.
        value: what is compared.
        confidence: of the intervals, each by itself; ``simultaneous`` makes them hold together.
        floors: how far apart trainings of one cell are, if the value is a correlation; None: nothing is said of it.

    Returns:
        ``factor``, ``first_level``, ``second_level``, the fields of ``Effect``, and ``model_difference``, ``model_p``
        of the hierarchical model of all levels (Kenward & Roger), where there are several benchmarks; the ``meta_``
        columns of ``over_benchmarks``; and the noise floor beside the difference (``difference_beside_floor``).

    Raises:
        TooFewUnits: no two units differ in this factor only.
    """
    pairs = matched_pairs(units, factor, value)
    if pairs.empty:
        raise TooFewUnits(
            f"no two of the {len(units)} units differ in {factor} alone: run two cells of the grid that share "
            + ", ".join(name for name in ("benchmark", *FACTORS) if name != factor)
            + (" and where their training began" if history(units, factor).nunique() > 1 else "")
        )
    model = _by_model(units, factor, value)
    rows = []
    for (first, second), group in pairs.groupby(["first_level", "second_level"], sort=True):
        effect = mean_effect(group, distributions, confidence=confidence)
        difference, p = model.get((str(first), str(second)), (float("nan"), float("nan")))
        rows.append({"factor": factor, "first_level": first, "second_level": second, **vars(effect),
                     "model_difference": difference, "model_p": p,
                     **over_benchmarks(group, distributions, confidence),
                     **_beside_floor(group, units[value], floors, factor)})  # fmt: skip
    return pd.DataFrame(rows)


def _beside_floor(
    pairs: pd.DataFrame, values: pd.Series, floors: Floors | None, factor: str
) -> dict[str, float | bool]:
    """The mean difference of pairs in Fisher's z, and how far apart two trainings of one cell are."""
    if floors is None:
        return difference_beside_floor(float("nan"), NO_FLOOR)
    first, second = pairs.iloc[0][["first_level", "second_level"]]
    kinds = [factor == "goal" and level == UNTRAINED for level in (first, second)]
    return difference_beside_floor(mean_z_difference(pairs, values), floors.between(*kinds))


def mean_z_difference(pairs: pd.DataFrame, values: pd.Series) -> float:
    """The mean difference of pairs in Fisher's z, averaged as their effect is.

    Args:
        pairs: as ``matched_pairs`` gives.
        values: correlations, by the names of the units' rows.
    """
    known = values[~values.index.duplicated()]
    z = [z_of(known.reindex(pairs[side]).to_numpy(dtype=float)) for side in ("first", "second")]
    return compared([Side(pairs.assign(difference=z[0] - z[1]))], None)[0].difference


def over_benchmarks(pairs: pd.DataFrame, distributions: Distributions | None, confidence: float) -> dict[str, float]:
    """The random-effects meta-analysis of the mean differences on each benchmark: of these networks, other benchmarks.

    The same networks are on several benchmarks, so that their chance is no error of a benchmark: each one's error is
    that of its references alone.

    Args:
        pairs: as ``matched_pairs`` gives, of two levels.
        distributions: of the units.
        confidence: of the interval.

    Returns:
        ``meta_difference``, ``meta_low``, ``meta_high``, ``meta_p``, ``meta_tau2``, and ``meta_benchmarks``, how many
        have an error; NaN below two.
    """
    each = [compared([Side(rows, fixed=True)], distributions)[0] for _, rows in pairs.groupby("benchmark", sort=True)]
    found = random_effects([one.difference for one in each], [one.se for one in each], confidence=confidence)
    return {
        "meta_difference": found.effect, "meta_low": found.low, "meta_high": found.high, "meta_p": found.p,
        "meta_tau2": found.tau2, "meta_benchmarks": found.benchmarks,
    }  # fmt: skip


def _by_model(units: pd.DataFrame, factor: str, value: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Differences and p values of the hierarchical model, by levels; empty where the units cannot bear one."""
    data = units[units[value].notna()].assign(network=lambda rows: joined(rows, NETWORK))
    other = "architecture" if factor != "architecture" else "goal"
    varying = [name for name in (other, "network", "benchmark") if 1 < data[name].nunique() < len(data)]
    if data["benchmark"].nunique() < 2 or len(varying) < 2 or data["network"].nunique() < 6:
        return {}
    with suppress(TooFewUnits, np.linalg.LinAlgError):
        fitted = fit_hierarchical(data, value, factor, varying)
        if fitted.converged:
            return {
                (row["first_level"], row["second_level"]): (row["difference"], row["p"])
                for row in differences(fitted).to_dict("records")
            }
    return {}


def simultaneous(contrasts: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """The contrasts with intervals that hold for all of them together (Bonferroni).

    Args:
        contrasts: as ``matched_contrasts`` gives, of one or several factors.
        confidence: of all intervals together.
    """
    number = max(1, int(contrasts["se"].notna().sum()))
    reach = scipy.stats.t.ppf(1 - (1 - confidence) / (2 * number), contrasts["df"].astype(float)) * contrasts["se"]
    return contrasts.assign(low=contrasts["difference"] - reach, high=contrasts["difference"] + reach)


def mean_effect(
    pairs: pd.DataFrame,
    distributions: Distributions | None = None,
    *,
    confidence: float = 0.95,
) -> Effect:
    """The mean difference over independent pairs of networks, with the interval that they allow.

    From five independent pairs on it is about other networks, by Student's t, with the references' variance inside;
    with fewer it is about other references only, and holds for these networks. With neither there is no interval.

    Args:
        pairs: as ``matched_pairs`` gives.
        distributions: of the units; None, or where one of the units is missing: references are no sample.
        confidence: of the interval.

    Raises:
        TooFewUnits: there is no pair.
    """
    return compared([Side(pairs)], distributions, confidence)[0]
