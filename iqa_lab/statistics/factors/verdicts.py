"""The claims of a study and its results -> a verdict on each claim, and what the verdict is about.

``supported`` and ``contradicted`` are about other networks than those at hand; with fewer than five independent pairs
of networks the word itself says that it is about these: ``holds for these 2 networks``, ``fails for these 2 networks``.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.comparisons.multiple import holm
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.factors.claims import COVARIATES, Claim, NoSuchLevel, Quantifier, parse_claim
from iqa_lab.statistics.factors.columns import NETWORK
from iqa_lab.statistics.factors.contrasts import independent_pairs, independent_trends
from iqa_lab.statistics.factors.covariates import trend_within
from iqa_lab.statistics.factors.effects import NOTHING, OTHER_NETWORKS, Effect, Side, compared
from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS
from iqa_lab.statistics.factors.estimate import Estimate
from iqa_lab.statistics.factors.links import link_over_layers, link_over_networks
from iqa_lab.statistics.factors.questions import (
    BESIDE,
    GROUPS,
    LAYERS,
    LINKED,
    METRICS,
    OVER,
    Question,
    columns_of_claims,
    paired,
    question_of,
    replicates_beside,
)
from iqa_lab.statistics.factors.replicates import NO_FLOOR, Floor, difference_beside_floor, z_of
from iqa_lab.statistics.factors.serial import trend_p
from iqa_lab.statistics.factors.units import (
    FACTORS,
    UNIT,
    Columns,
    Distributions,
    Judged,
    TooFewUnits,
    joined,
    with_values,
)
from iqa_lab.statistics.factors.valued import floor_of, valued_units
from iqa_lab.statistics.intervals.few import FEWEST

Floats = NDArray[np.float64]
__all__ = ["columns_of_claims", "judge_claims"]


@dataclass(frozen=True)
class Judgement:
    """What the results say about one claim, before the other claims of its study count."""

    effect: Effect
    agrees: bool  # whether what was found is as claimed
    note: str = ""
    difference_z: float = float("nan")  # the difference in Fisher's z, where networks are compared
    floor: Floor = NO_FLOOR  # how far apart trainings of one cell are


def judge_claims(
    claims: Sequence[str],
    table: pd.DataFrame,
    distributions: Mapping[Columns, Judged] | None = None,
    *,
    confidence: float = 0.95,
    headlines: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A verdict on each claim of a study.

    Args:
        claims: as their texts.
        table: rows of ``correlations.csv`` of many units; its index names the rows. With ``parameters``, ``layers``,
            ``own_task``, ``imagenet`` for claims of their trends, ``goal.family`` and ``goal.supervision`` for those.
        distributions: how well networks do, by the columns among which theirs is chosen (``resample_unit`` of
            ``columns_of_claims``). Without, no layer can be chosen on other references, and references are no sample.
        confidence: 1 less the chance of any wrong verdict in the whole study (Holm).
        headlines: the statistic of each benchmark; None: SRCC, or the agreement with choices.

    Returns:
        A row a claim: ``claim``, ``verdict`` (supported, contradicted, holds for these N networks, fails for these N
        networks, undecided), ``difference`` (left less right; of a trend Spearman's rho), ``low``, ``high``, ``p``
        (two-sided: of a difference like this if there were none; where a claim has a margin, if it were as large as
        that), ``p_holm`` (corrected across the study), ``se``, ``df``, ``pairs`` (independent ones of networks),
        ``networks``, ``units``, ``references``, ``benchmarks``, ``candidates`` (columns among which each side was
        chosen), ``rests_on`` (in words), ``about`` (what else it holds for), ``note``; and where networks are compared
        the columns of ``difference_beside_floor``. A note says when a difference is inside the noise floor.

    Raises:
        UserError: a claim cannot be read, or means several things.
    """
    parsed = [parse_claim(text) for text in claims]
    valued = with_values(table, headlines)
    rows, judgements = [], []
    for claim in parsed:
        candidates = ""
        try:
            question = question_of(claim, valued)
            candidates = question.candidates
            judgement = _judgement(question, valued, distributions, confidence)
        except (TooFewUnits, NoSuchLevel) as error:
            judgement = Judgement(NOTHING, False, str(error))
        effect = judgement.effect
        judgements.append(judgement)
        rows.append({"claim": claim.text, "verdict": "undecided", **vars(effect), "candidates": candidates,
                     "rests_on": _rests_on(effect), "note": judgement.note,
                     **difference_beside_floor(judgement.difference_z, judgement.floor)})  # fmt: skip
    names = ["claim", "verdict", "difference", "low", "high", "p", "p_holm", "se", "df", "pairs", "networks", "units",
             "references", "benchmarks", "candidates", "rests_on", "about", "note", "difference_z", "floor_sd",
             "floor_df", "floor_reach", "inside_floor"]  # fmt: skip
    judged = pd.DataFrame(rows).reindex(columns=names)
    judged["p_holm"] = holm(judged["p"].to_numpy(dtype=float))
    verdicts, notes = [], []
    for claim, judgement, p in zip(parsed, judgements, judged["p_holm"], strict=True):
        decided = p < 1 - confidence
        verdicts.append(_word(judgement, claim.quantifier is not None) if decided else "undecided")
        said = [
            judgement.note,
            "" if decided or not judgement.effect.units else _unclear(judgement.effect, claim),
            judgement.floor.said_of(judgement.difference_z),
        ]
        notes.append("; ".join(part for part in said if part))
    return judged.assign(verdict=verdicts, note=notes)


def _word(judgement: Judgement, quantified: bool) -> str:
    networks = judgement.effect.networks
    about_others = not judgement.effect.these_networks or networks == 0  # 0: named metrics, which are no sample
    if about_others and not quantified:
        return "supported" if judgement.agrees else "contradicted"
    these = "this network" if networks == 1 else f"these {networks} networks"
    return f"{'holds' if judgement.agrees else 'fails'} for {these}"


def _unclear(effect: Effect, claim: Claim) -> str:
    if not np.isnan(effect.p):
        return f"it may be larger or smaller than {claim.margin:g}" if claim.margin else "the difference may be chance"
    few = f"fewer than {ENOUGH_NETWORKS} independent pairs of networks"
    if 0 < effect.references < FEWEST:
        return f"no interval: fewer than {FEWEST} references"
    if effect.pairs >= ENOUGH_NETWORKS or effect.references:
        return "no interval: nothing varies between networks or references"
    return f"no interval: {few}, and no scores to resample {FEWEST} references or more of"


def _rests_on(effect: Effect) -> str:
    """The samples in words.

    >>> _rests_on(replace(NOTHING, networks=12, pairs=6, units=12, references=25, benchmarks=1))
    '12 networks in 6 independent pairs, 25 references, 1 benchmark'
    """

    def many(number: int, what: str) -> str:
        return f"{number} {what}{'' if number == 1 else 's'}"

    if not effect.units:
        return ""
    networks = many(effect.networks, "network")
    if effect.pairs != effect.networks:
        networks += f" in {many(effect.pairs, 'independent pair')}"
    parts = [networks] if effect.networks else []
    parts += [many(effect.references, "reference")] if effect.references else []
    return ", ".join([*parts, many(effect.benchmarks, "benchmark")])


def _judgement(
    question: Question, table: pd.DataFrame, distributions: Mapping[Columns, Judged] | None, confidence: float
) -> Judgement:
    claim = question.claim
    note = ""
    if question.left_out:
        note = f"left out, for they were not read in this way: {', '.join(question.left_out[:3])}"
        note += f" and {len(question.left_out) - 3} more" if len(question.left_out) > 3 else ""
    if question.kind in LINKED:
        here, judged_here = valued_units(question.left, table, distributions, "here")
        there, judged_there = valued_units(question.right, table, distributions, "there")
        found_link = (
            link_over_networks(here, there, confidence)
            if question.kind == BESIDE
            else link_over_layers(here, there, judged_here, judged_there, confidence)
        )
        rises = found_link.difference > 0
        return Judgement(found_link, rises if claim.relation == ">" else not rises, note)
    if question.kind == OVER:
        units, _ = valued_units(question.left, table, distributions, "left")
        return _trend_over_networks(claim, units, confidence, note)
    if question.kind == LAYERS:
        return _trend_along_depth(question, table, distributions, confidence, note)
    left, of_left = valued_units(question.left, table, distributions, "left")
    right, of_right = valued_units(question.right, table, distributions, "right")
    judged: Distributions = {**of_left, **of_right}
    if question.kind != GROUPS and claim.quantifier:
        return _one_by_one(claim, claim.quantifier, paired(question, left, right), judged, confidence, note)
    sides = _sides(question, left, right)
    if claim.quantifier:
        raise NoSuchLevel("one by one only a metric, or the same networks untrained, can be compared with")
    effect, found = compared(sides, judged, confidence)
    judgement = _compared_with_margin(claim, effect, found, note)
    beside = replicates_beside(question, table)
    if beside is None:
        return judgement
    in_z = _sides(question, *(side.assign(value=z_of(side["value"].to_numpy(dtype=float))) for side in (left, right)))
    return replace(
        judgement,
        difference_z=compared(in_z, None)[0].difference,
        floor=floor_of(question, beside, table, distributions),
    )


def _sides(question: Question, left: pd.DataFrame, right: pd.DataFrame) -> list[Side]:
    """What is compared: the pairs of a question, or its two groups of networks."""
    if question.kind == GROUPS:
        return [_side(left, 1), _side(right, -1)]
    return [Side(paired(question, left, right), fixed=question.kind == METRICS)]


def _compared_with_margin(claim: Claim, effect: Effect, found: Estimate, note: str) -> Judgement:
    difference = effect.difference
    if not claim.margin:
        return Judgement(effect, difference > 0 if claim.relation == ">" else difference < 0, note)
    # two one-sided tests (Schuirmann, 1987), each at half of the chance that two-sided ones of other claims have
    ends = [found.p(claim.margin), found.p(-claim.margin)]
    nearest = ends[0] if difference > 0 else ends[1]
    inside = abs(difference) < claim.margin
    return Judgement(replace(effect, p=float(max(ends)) if inside else nearest), inside, note)


def _side(units: pd.DataFrame, sign: int) -> Side:
    """Networks without partners, those on all benchmarks of their group."""
    rows = units.assign(
        first=units.index, second=None, difference=units["value"], pair=joined(units, FACTORS),
        first_network=joined(units, NETWORK),
    )  # fmt: skip
    return Side(rows.assign(cluster=independent_pairs(rows, FACTORS)), sign)


def _one_by_one(
    claim: Claim, quantifier: Quantifier, rows: pd.DataFrame, judged: Distributions, confidence: float, note: str
) -> Judgement:
    """Whether so many of the networks (or levels of a factor) are as claimed, each by itself.

    That at least k of n are: (n - k + 1) times the k-th smallest one-sided p value, which holds whatever they share
    (partial conjunction: Benjamini & Heller, Screening for partial conjunction hypotheses, 2008). That fewer are: the
    same of the opposite.
    """
    key = rows["first_network"] if quantifier.what == "network" else rows[quantifier.what].astype(str)
    names = sorted(key.unique())
    if quantifier.of is not None and len(names) != quantifier.of:
        raise NoSuchLevel(f"there are {len(names)} {quantifier.what}s, not {quantifier.of}: {', '.join(names[:6])}")
    number, needed = len(names), quantifier.needed(len(names))
    if needed > number:
        raise NoSuchLevel(f"there are {number} {quantifier.what}s, fewer than {needed}")
    whole, _ = compared([Side(rows)], judged, confidence)
    sign = 1 if claim.relation == ">" else -1
    pro, better = [], 0
    for name in names:
        effect, _ = compared([Side(rows[key == name])], judged, confidence)
        ahead = sign * effect.difference > 0
        better += ahead
        p = effect.p
        pro.append(0.5 if np.isnan(p) else p / 2 if ahead else 1 - p / 2)
    for_claim, against = np.sort(pro), np.sort(1 - np.array(pro))
    p_for = (number - needed + 1) * for_claim[needed - 1]
    p_against = needed * against[number - needed]
    p = float(min(1.0, 2 * min(p_for, p_against)))
    sure = int(np.sum(np.array(pro) < (1 - confidence) / 2))
    how = f"{better} of {number} {quantifier.what}s are so, {sure} of them beyond chance by themselves"
    unknown = whole.references < FEWEST
    effect = replace(whole, low=float("nan"), high=float("nan"), p=float("nan") if unknown else p,
                     about="nothing" if unknown else "other references")  # fmt: skip
    return Judgement(effect, p_for <= p_against, "; ".join(filter(None, [how, note])))


def _trend_along_depth(
    question: Question,
    table: pd.DataFrame,
    distributions: Mapping[Columns, Judged] | None,
    confidence: float,
    note: str,
) -> Judgement:
    """The mean over networks of Spearman's correlation of depth and agreement.

    It has to exceed what other networks or references would leave, and what random walks along the layers would show.
    """
    layers, judged = valued_units(question.left, table, distributions, "layer")
    rows, lengths = [], {}
    trends: dict[Hashable, Judged] = {}
    for unit, group in layers.groupby([*UNIT, "readout"], sort=True):
        depth, values = group["depth"].to_numpy(dtype=float), group["value"].to_numpy(dtype=float)
        if len(group) < 3:
            continue
        rho = float(srcc(values, depth))
        if np.isnan(rho):
            continue
        name = "/".join(map(str, unit))
        resampled = [judged[label].drawn for label in group.index]
        drawn = None
        if all(one is not None for one in resampled):
            drawn = srcc(np.stack([one for one in resampled if one is not None], axis=0), depth)
        trends[name] = Judged(rho, drawn, min(judged[label].references for label in group.index))
        first = group.iloc[0]
        rows.append({**{factor: first[factor] for factor in NETWORK}, "benchmark": unit[0], "first": name,
                     "second": None, "difference": rho})  # fmt: skip
        lengths[name] = len(group)
    if not rows:
        raise TooFewUnits("no network with three layers or more has a trend")
    frame = independent_trends(rows, lengths)
    effect, found = compared([Side(frame)], trends, confidence)
    if question.claim.margin:
        return _compared_with_margin(question.claim, effect, found, note)
    chance = trend_p(effect.difference, frame.groupby("cluster")["layers"].min().tolist())
    many = effect.pairs >= ENOUGH_NETWORKS
    if not np.isnan(effect.p):
        effect = replace(effect, p=max(effect.p, chance))
    elif many or effect.references >= FEWEST:  # the same trend in all networks or all resamples
        effect = replace(effect, p=chance, about=OTHER_NETWORKS if many else "other references")
    rises = effect.difference > 0
    return Judgement(effect, rises if question.claim.relation == ">" else not rises, note)


def _trend_over_networks(claim: Claim, units: pd.DataFrame, confidence: float, note: str) -> Judgement:
    """Spearman's correlation of a property of networks and their agreement, within goals."""
    found = trend_within(units, COVARIATES[claim.left], confidence=confidence)
    effect = replace(
        NOTHING, difference=found.rho, low=found.low, high=found.high, p=found.p, pairs=found.networks,
        networks=found.networks, units=len(units), benchmarks=units["benchmark"].nunique(), about=OTHER_NETWORKS,
    )  # fmt: skip
    if claim.margin:
        # an interval of 1 - 2 alpha inside the margin is two one-sided tests
        raise TooFewUnits("the equality of trends over networks cannot be tested: claim trend(..) > 0 or < 0")
    return Judgement(effect, found.rho > 0 if claim.relation == ">" else found.rho < 0, note)
