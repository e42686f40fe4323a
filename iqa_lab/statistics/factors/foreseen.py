"""The claims of a study and the networks that its grid will have -> what each claim can rest on, and what it can find.

Nothing has been computed yet: claims are read by the same functions as afterwards (``questions``), on a table whose
values do not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import pandas as pd

from iqa_lab.statistics.factors.claims import (
    BEST,
    COVARIATES,
    PLACES,
    Claim,
    NoSuchLevel,
    parse_claim,
)
from iqa_lab.statistics.factors.columns import NETWORK
from iqa_lab.statistics.factors.contrasts import independent_pairs
from iqa_lab.statistics.factors.covariates import usable_networks
from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS
from iqa_lab.statistics.factors.power import detectable, detectable_trend, provable_margin
from iqa_lab.statistics.factors.questions import (
    BESIDE,
    GROUPS,
    LAYERS,
    LINKED,
    METRICS,
    OVER,
    Question,
    paired,
    question_of,
)
from iqa_lab.statistics.factors.units import FACTORS, UNIT, TooFewUnits, joined


@dataclass(frozen=True)
class Foreseen:
    """What one claim can rest on."""

    claim: str
    pairs: int = 0  # independent ones of networks; of two groups without pairs those of the smaller group
    networks: int = 0
    benchmarks: tuple[str, ...] = ()
    # found with a power of .8: a difference; of a trend over networks Spearman's rho; of ~ a margin; NaN: none is known
    detects: float = nan
    note: str = ""


def foresee(claims: Sequence[str], table: pd.DataFrame) -> list[Foreseen]:
    """What each claim of a study can rest on, and what it can find.

    Args:
        claims: as their texts.
        table: a row for each unit, readout and layer that the grid will have, in the form of ``correlations.csv``, with
            ``value`` (any number) and ``statistic``; the index names the rows. Layers are not known before networks
            are built: an early, a middle and a late one stand for all.

    Raises:
        UserError: a claim cannot be read, or means several things.
    """
    found = []
    for text in claims:
        claim = parse_claim(text)
        # the names and depths of layers are not known yet
        anywhere = claim if claim.left in PLACES else replace(claim, place=BEST)
        try:
            found.append(_of(claim, question_of(anywhere, table), len(claims)))
        except (TooFewUnits, NoSuchLevel) as error:
            found.append(Foreseen(claim.text, note=str(error).replace("no result ", "no network of the grid ")))
    return found


def _of(claim: Claim, question: Question, claims: int) -> Foreseen:
    if question.kind in LINKED:
        return _of_link(claim, question, claims)
    if question.kind == OVER:
        averaged = usable_networks(question.left, COVARIATES[claim.left])
        sizes = averaged.groupby("goal")["architecture"].nunique().tolist()
        rho = detectable_trend(sizes, claims)
        few = "too few permutations for so many claims: it stays undecided" if isnan(rho) else ""
        return Foreseen(claim.text, sum(sizes), sum(sizes), _names(averaged), rho, few)
    if question.kind == LAYERS:
        units = question.left.drop_duplicates(UNIT)
        if units.empty:
            raise TooFewUnits("no network of the grid is read as the claim wants")
        pairs = independent_pairs(units.assign(first_network=joined(units, NETWORK)), FACTORS).nunique()
        return Foreseen(claim.text, pairs, joined(units, NETWORK).nunique(), _names(units),
                        note=_few(pairs) or "the trend has to beat random walks along the layers")  # fmt: skip
    if question.kind == GROUPS:
        return _of_groups(claim, question, claims)
    rows = paired(question, question.left, question.right)
    networks = pd.concat([rows["first_network"], rows["second_network"]]).dropna().nunique()
    pairs = 0 if question.kind == METRICS else rows["cluster"].nunique()
    if question.kind == METRICS:
        size = provable_margin(1, claims) if claim.margin else detectable(1, claims)
        return Foreseen(claim.text, 0, 0, _names(rows), size,
                        _narrow(claim, size) or "two metrics, which are no sample: about photographs only")  # fmt: skip
    if claim.quantifier:
        what = claim.quantifier.what
        number = rows["first_network" if what == "network" else what].nunique()
        short = claim.quantifier.needed(number) > number or claim.quantifier.of not in (None, number)
        note = f"there are {number} {what}s" if short else f"one by one: about these {networks} networks only"
        return Foreseen(claim.text, pairs, networks, _names(rows), note=note)
    size = provable_margin(pairs, claims) if claim.margin else detectable(pairs, claims)
    return Foreseen(claim.text, pairs, networks, _names(rows), size,
                    "; ".join(filter(None, [_few(pairs, networks), _narrow(claim, size)])))  # fmt: skip


def _of_link(claim: Claim, question: Question, claims: int) -> Foreseen:
    """The same networks on two benchmarks."""
    units = question.left.drop_duplicates(UNIT).merge(question.right.drop_duplicates(UNIT)[NETWORK], on=NETWORK)
    if units.empty:
        raise TooFewUnits("no network of the grid is on both benchmarks")
    names = tuple(sorted({*_names(question.left), *_names(question.right)}))
    networks = joined(units, NETWORK).nunique()
    if question.kind == BESIDE:
        sizes = [number for number in units.groupby("goal").size().tolist() if number >= 3]
        if sum(sizes) - len(sizes) < ENOUGH_NETWORKS - 1:
            raise TooFewUnits(f"it takes {ENOUGH_NETWORKS} trainings of one goal (three of each of several) on both")
        rho = detectable_trend(sizes, claims)
        few = "too few permutations for so many claims: it stays undecided" if isnan(rho) else ""
        return Foreseen(claim.text, sum(sizes), sum(sizes), names, rho, few)
    pairs = independent_pairs(units.assign(first_network=joined(units, NETWORK)), FACTORS).nunique()
    return Foreseen(claim.text, pairs, networks, names,
                    note=_few(pairs) or "the trend has to beat two random walks along the layers")  # fmt: skip


def _of_groups(claim: Claim, question: Question, claims: int) -> Foreseen:
    """Two groups of networks that have no partners."""
    shared = set(question.left["benchmark"]) & set(question.right["benchmark"])
    counts, names = [], set()
    for side in (question.left, question.right):
        rows = side[side["benchmark"].isin(shared)]
        rows = rows.assign(first_network=joined(rows, NETWORK))
        counts.append(independent_pairs(rows, FACTORS).nunique())
        names |= set(rows["first_network"])
    if claim.quantifier or not min(counts):
        raise TooFewUnits("no two units of these groups are on the same benchmark" if not min(counts) else
                          "one by one only a metric, or the same networks untrained, can be compared with")  # fmt: skip
    size = (provable_margin if claim.margin else detectable)(counts[0], claims, others=counts[1])
    note = f"no pairs: {counts[0]} networks against {counts[1]}"
    said = [_few(min(counts), len(names)), _narrow(claim, size), note]
    return Foreseen(claim.text, min(counts), len(names), tuple(sorted(shared)), size, "; ".join(filter(None, said)))


def _few(pairs: int, networks: int | None = None) -> str:
    """What fewer than five pairs allow."""
    these = "these networks" if networks is None else f"these {networks} networks"
    return f"{these} only" if pairs < ENOUGH_NETWORKS else ""


def _narrow(claim: Claim, margin: float) -> str:
    return f"within {claim.margin:g} is more than this grid can show" if 0 < claim.margin < margin else ""


def _names(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(set(rows["benchmark"].astype(str))))
