"""What results say of the claims of a study: supported, contradicted or undecided, and by how much.

Networks are compared by their best layer and readout, in the mean: two levels of one factor by matched pairs, which
differ in nothing else; two readouts by the same networks; other groups by what there is on each benchmark.
"""

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.comparisons.multiple import holm
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.factors.claims import (
    DEPTH,
    PERFORMANCE,
    Claim,
    Group,
    NoSuchLevel,
    groups_of,
    parse_claim,
    rows_of,
)
from iqa_lab.statistics.factors.contrasts import ENOUGH_PAIRS, Effect, matched_pairs, mean_effect
from iqa_lab.statistics.factors.trend import depth_trend
from iqa_lab.statistics.factors.units import FACTORS, UNIT, Distributions, TooFewUnits, best_of_units, joined
from iqa_lab.statistics.intervals.bootstrap import bootstrap_p, cluster_bootstrap, percentile_interval

Floats = NDArray[np.float64]


def judge_claims(
    claims: Sequence[str],
    table: pd.DataFrame,
    distributions: Distributions | None = None,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What the results say of a study's claims.

    Args:
        claims: as their texts.
        table: rows of ``correlations.csv`` of many units; its index names the rows. With ``performance`` (how good a
            network is at its own task) for claims of its trend.
        distributions: SRCC of rows in every resample of references, by the names of the rows (``resample_units`` of
            ``rows_of_claims``); where those that a claim rests on are all there, references are resampled, in pairs.
        confidence: 1 less the chance of any wrong verdict in the whole study (Holm).

    Returns:
        A row a claim: ``claim``, ``verdict`` (supported, contradicted, undecided), ``difference`` (of SRCC, left less
        right; of a trend Spearman's rho), ``low``, ``high``, ``p`` (two-sided: of a difference like this if there were
        none; where a claim has a margin, if it were as large as that), ``p_holm`` (corrected across the study),
        ``pairs``, ``units``, ``benchmarks``, ``about`` (what else it holds for), ``note``.

    Raises:
        UserError: a claim cannot be read, or means several things.
    """
    parsed = [parse_claim(text) for text in claims]
    rows = []
    for claim in parsed:
        try:
            effect, note = _effect(claim, table, distributions, confidence), ""
        except (TooFewUnits, NoSuchLevel) as error:
            nan = float("nan")
            effect, note = Effect(nan, nan, nan, nan, 0, 0, 0, "nothing"), str(error)
        rows.append({"claim": claim.text, "verdict": "undecided", **vars(effect), "note": note})
    judged = pd.DataFrame(rows, columns=["claim", "verdict", *Effect.__dataclass_fields__, "note"])
    judged.insert(list(judged).index("p") + 1, "p_holm", holm(judged["p"].to_numpy(dtype=float)))
    agrees = np.array([_agrees(claim, value) for claim, value in zip(parsed, judged["difference"], strict=True)], bool)
    decided = judged["p_holm"] < 1 - confidence
    judged.loc[decided & agrees, "verdict"] = "supported"
    judged.loc[decided & ~agrees, "verdict"] = "contradicted"
    unclear = (judged["verdict"] == "undecided") & (judged["note"] == "")
    judged.loc[unclear & judged["p"].isna(), "note"] = (
        "no interval: fewer than five pairs of networks, and no scores to resample references of"
    )
    for number, claim in enumerate(parsed):
        if unclear[number] and not np.isnan(judged["p"][number]):
            margin = f"it may be larger or smaller than {claim.margin:g}"
            judged.loc[number, "note"] = margin if claim.margin else "the difference may be chance"
    return judged


def rows_of_claims(claims: Sequence[str], table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that claims rest on, each once: those whose resamples ``judge_claims`` wants to have.

    Raises:
        UserError: a claim cannot be read, or means several things.
    """
    rows = []
    for text in claims:
        with suppress(NoSuchLevel):  # judge_claims says so
            rows.append(rows_of(parse_claim(text), table).index)
    return table.loc[table.index.isin([name for index in rows for name in index])]


def _agrees(claim: Claim, difference: float) -> bool:
    if claim.relation == "~":
        return abs(difference) < claim.margin
    return difference > 0 if claim.relation == ">" else difference < 0


def _effect(claim: Claim, table: pd.DataFrame, distributions: Distributions | None, confidence: float) -> Effect:
    rows = rows_of(claim, table)
    if claim.left == DEPTH:
        return _trend_of_depth(rows, distributions, confidence)
    if claim.left == PERFORMANCE:
        return _trend_of_performance(rows, confidence)
    pairs = _pairs(rows, *groups_of(claim, table))
    effect = mean_effect(pairs, distributions, confidence=confidence)
    if not claim.margin:
        return effect
    # two one-sided tests (Schuirmann, 1987), each at half of the chance that two-sided ones of other claims have
    ends = [mean_effect(pairs, distributions, null=end).p for end in (claim.margin, -claim.margin)]
    nearest = ends[0] if effect.difference > 0 else ends[1]
    return replace(effect, p=max(ends) if abs(effect.difference) < claim.margin else nearest)


def _pairs(units: pd.DataFrame, left: Group, right: Group) -> pd.DataFrame:
    """Pairs of rows to compare.

    Matched where both groups are a level of one factor, the same network where they are readouts, else all on the same
    benchmark.
    """
    one, other = left.only_level(), right.only_level()
    if one and other and one[0] == other[0] != "readout":
        return _matched(units, one[0], one[1], other[1])
    groups = [group.within(units).assign(name=lambda rows: rows.index) for group in (left, right)]
    if one and one[0] == "readout":
        groups = [best_of_units(group) for group in groups]
        both = groups[0].merge(groups[1], on=UNIT, suffixes=("_first", "_second"))
        if both.empty:
            raise TooFewUnits("no network was read in both ways")
        both["pair"] = joined(both, FACTORS)
    else:
        first, second = (
            group.assign(network=joined(group, FACTORS))[["benchmark", "name", "network", "srcc"]] for group in groups
        )
        both = first.merge(second, on="benchmark", suffixes=("_first", "_second"))
        both = both[both["name_first"] != both["name_second"]]
        if both.empty:
            raise TooFewUnits("no two units of these groups are on the same benchmark")
        # a network that is compared with several is one observation: those of the larger group are counted
        counted = "first" if first["network"].nunique() >= second["network"].nunique() else "second"
        both["pair"] = both[f"network_{counted}"]
    return pd.DataFrame(
        {
            "benchmark": both["benchmark"],
            "pair": both["pair"],
            "first": both["name_first"],
            "second": both["name_second"],
            "difference": both["srcc_first"] - both["srcc_second"],
        }
    )


def _matched(units: pd.DataFrame, factor: str, one: str, other: str) -> pd.DataFrame:
    pairs = matched_pairs(units[units[factor].astype(str).isin([one, other])], factor)
    if pairs.empty:
        raise TooFewUnits(f"no two units differ in {factor} alone, {one} and {other}")
    turned = pairs["first_level"].astype(str) != one
    swapped = {"first": "second", "second": "first", "first_level": "second_level", "second_level": "first_level"}
    pairs[turned] = pairs[turned].rename(columns=swapped)[pairs.columns]
    pairs.loc[turned, "difference"] *= -1
    return pairs


def _trend_of_depth(rows: pd.DataFrame, distributions: Distributions | None, confidence: float) -> Effect:
    """The mean trend of the networks: Spearman's correlation of depth and SRCC over the layers of each readout."""
    trends: list[tuple[object, ...]] = []
    resampled: dict[Hashable, Floats] = {}
    for (*unit, readout), layers in rows.groupby([*UNIT, "readout"], sort=True):
        ordered = layers.sort_values("depth")
        rho = depth_trend(ordered["depth"], ordered["srcc"]).rho
        if np.isnan(rho):
            continue
        name = (*unit, readout)
        # compared with a trend of zero, which has no spread
        trends.append((unit[0], "-".join(map(str, unit[1:4])), name, "zero", rho))
        if distributions is not None and set(ordered.index) <= set(distributions):
            drawn = np.stack([distributions[index] for index in ordered.index], axis=1)
            resampled[name] = srcc(drawn.T, ordered["depth"])
            resampled["zero"] = np.zeros(len(drawn))
    if not trends:
        raise TooFewUnits("no network with three layers or more has a trend")
    pairs = pd.DataFrame(trends, columns=["benchmark", "pair", "first", "second", "difference"])
    effect = mean_effect(pairs, resampled or None, confidence=confidence)
    return replace(effect, units=rows[UNIT].drop_duplicates().shape[0])


def _trend_of_performance(rows: pd.DataFrame, confidence: float) -> Effect:
    """Spearman's correlation, over networks, of performance at their own task and SRCC; the mean over benchmarks."""
    known = rows[rows["performance"].notna()] if "performance" in rows else rows[:0]
    known = known.assign(network=joined(known, [*FACTORS, "weights"]))
    groups = [group for _, group in known.groupby("benchmark") if group["network"].nunique() >= ENOUGH_PAIRS]
    if not groups:
        raise TooFewUnits(f"no benchmark has {ENOUGH_PAIRS} networks whose performance at their own task is published")
    rho = float(np.mean([srcc(group["srcc"].to_numpy(), group["performance"].to_numpy()) for group in groups]))
    drawn = [cluster_bootstrap(group["srcc"], group["performance"], group["network"])[:, 0] for group in groups]
    distribution = np.mean(drawn, axis=0)[:, None]
    distribution = distribution[np.isfinite(distribution)[:, 0]]  # some draw one network only
    low, high = (float(end[0]) for end in percentile_interval(distribution, confidence))
    used = pd.concat(groups)
    return Effect(
        rho, low, high, float(bootstrap_p(distribution)[0]), used["network"].nunique(), len(used), len(groups),
        "other networks",
    )  # fmt: skip
