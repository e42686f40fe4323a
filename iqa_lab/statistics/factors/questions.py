"""A claim and a table of results -> which networks are compared, each with its columns; nothing is computed yet."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pandas as pd

from iqa_lab.statistics.factors.claims import (
    COVARIATES,
    DEPTH,
    LINK,
    PLACES,
    Claim,
    Group,
    NoSuchLevel,
    groups_of,
    kept_rows,
    parse_claim,
)
from iqa_lab.statistics.factors.columns import NETWORK, layers_in_order, one_a_unit, read_in, readouts_of
from iqa_lab.statistics.factors.contrasts import independent_pairs, placed_everywhere
from iqa_lab.statistics.factors.replicates import CORRELATIONS, replicates_of
from iqa_lab.statistics.factors.units import (
    FACTORS,
    ORIGIN,
    UNTRAINED,
    Columns,
    TooFewUnits,
    history,
    joined,
    with_values,
)

LINKED = BESIDE, BESIDE_LAYERS = "beside another benchmark", "layers beside another benchmark"
LAYERS, OVER, PAIRS, GROUPS, METRICS = "layers", "over networks", "pairs", "groups", "metrics"
BASE = {"goal.family": "goal", "goal.supervision": "goal"}  # the factor of an attribute


@dataclass(frozen=True)
class Question:
    """What a claim compares."""

    claim: Claim
    kind: str  # layers of networks | a trend over networks | pairs | two groups without pairs | two metrics
    left: pd.DataFrame  # one row a unit (of a trend along the depth: a layer) with ``columns``
    right: pd.DataFrame
    left_out: Sequence[str] = field(default=())  # networks that were not read as the claim wants
    matched_by: Sequence[str] = field(default=())  # what the two of a pair share, besides the benchmark

    @property
    def columns(self) -> list[Columns]:
        """All columns that it needs."""
        return [*self.left["columns"], *self.right["columns"]]

    @property
    def candidates(self) -> str:
        """Among how many columns each side is chosen."""
        most = [max((len(columns) for columns in side["columns"]), default=0) for side in (self.left, self.right)]
        return f"{most[0]} against {most[1]}" if len(self.right) else str(most[0])


def question_of(claim: Claim, table: pd.DataFrame) -> Question:
    """What a claim compares in a table with ``value`` and ``statistic``.

    Raises:
        NoSuchLevel: it names what no result has.
        UserError: a word is a level of several factors, or not exact.
    """
    found = _question(claim, table)
    if found.kind in LINKED:  # each benchmark by its own
        return found
    statistics = sorted(set(pd.concat([found.left, found.right])["statistic"].dropna()))
    if len(statistics) > 1:
        raise NoSuchLevel(
            f"its benchmarks are judged by different statistics ({', '.join(statistics)}): add 'for benchmark = NAME'"
        )
    return found


def replicates_beside(question: Question, table: pd.DataFrame) -> pd.DataFrame | None:
    """The networks of all results whose cell has several trainings, read as a claim reads them, on its benchmarks.

    Returns:
        One row a unit with ``columns``; None where the claim compares no networks that differ in a factor, or its
        statistic is no correlation: there is no noise floor.
    """
    held = [name for name in FACTORS if name in question.matched_by]
    of_networks = question.kind == GROUPS or (question.kind == PAIRS and len(held) == len(FACTORS) - 1)
    sides = pd.concat([question.left, question.right])
    if not of_networks or not len(sides) or not set(sides["statistic"].dropna()) <= set(CORRELATIONS):
        return None
    shared = set(question.left["benchmark"]) & set(question.right["benchmark"])
    readouts = tuple(sorted(set(sides.loc[sides["goal"] != "baseline", "readout"].astype(str))))
    networks = replicates_of(table[(table["goal"] != "baseline") & table["benchmark"].isin(shared)])
    rows, _ = read_in(networks, question.claim.only.get("readout") or readouts)
    units = rows[:0].assign(columns=pd.Series(dtype=object))
    with suppress(NoSuchLevel):  # no other network has such a layer
        units = one_a_unit(rows, question.claim.place)
    return replicates_of(units)


def _question(claim: Claim, table: pd.DataFrame) -> Question:
    if link := LINK.fullmatch(claim.left):
        here, there = (
            _linked(claim, table, over_layers=bool(link[2])),
            replace(claim, only={**claim.only, "benchmark": (link[1],)}),
        )
        return Question(claim, BESIDE_LAYERS if link[2] else BESIDE, here, _linked(there, table, bool(link[2])))
    kept = kept_rows(claim, table)
    networks = kept[kept["goal"] != "baseline"]
    if claim.left in (DEPTH, *COVARIATES):
        rows, left_out = read_in(networks, readouts_of(claim, networks))
        if claim.left == DEPTH:
            layers = layers_in_order(rows, claim)
            layers = layers.assign(
                columns=pd.Series([(name,) for name in layers.index], index=layers.index, dtype=object)
            )
            return Question(claim, LAYERS, layers, layers[:0], left_out)
        units = one_a_unit(rows, claim.place)
        return Question(claim, OVER, units, units[:0], left_out)
    if claim.left in PLACES:
        rows, left_out = read_in(networks, readouts_of(claim, networks))
        sides = [one_a_unit(rows, place) for place in (claim.left, claim.right)]
        return Question(claim, PAIRS, sides[0], sides[1], left_out, (*FACTORS, "weights"))
    left, right = groups_of(claim, table)
    if left.factor == "readout" and right.factor == "readout":
        lists = [read_in(networks, group.levels["readout"]) for group in (left, right)]
        sides = [one_a_unit(rows, claim.place) for rows, _ in lists]
        return Question(claim, PAIRS, sides[0], sides[1], (), (*FACTORS, "weights"))
    involved = kept.loc[left.within(kept).index.union(right.within(kept).index)]
    rows, left_out = read_in(involved, readouts_of(claim, involved))
    units = one_a_unit(rows, claim.place)
    one, other = left.within(units), right.within(units)
    if set(one.index) & set(other.index):
        raise NoSuchLevel("some networks are on both sides")
    baselines = [len(side) > 0 and bool((side["goal"] == "baseline").all()) for side in (one, other)]
    if all(baselines):
        return Question(claim, METRICS, one, other, left_out)
    if any(baselines):
        return Question(claim, PAIRS, one, other, left_out)
    factor = _common_factor(left, right)
    if factor is None:
        return Question(claim, GROUPS, one, other, left_out)
    matched_by = [name for name in FACTORS if name != factor]
    if left.levels and right.levels:  # all that was learned, wherever it began, is what trained networks have
        matched_by.append(ORIGIN)
    return Question(claim, PAIRS, one, other, left_out, tuple(matched_by))


def _linked(claim: Claim, table: pd.DataFrame, over_layers: bool) -> pd.DataFrame:
    """The networks of one benchmark, a row each with ``columns``; or a row for each of their layers."""
    kept = kept_rows(claim, table)
    rows, _ = read_in(kept[kept["goal"] != "baseline"], readouts_of(claim, kept))
    if not over_layers:
        return one_a_unit(rows, claim.place)
    layers = layers_in_order(rows, claim)
    return layers.assign(columns=pd.Series([(name,) for name in layers.index], index=layers.index, dtype=object))


def _common_factor(left: Group, right: Group) -> str | None:
    """The factor in which two groups differ, where it is one."""
    factors = {BASE.get(group.factor, group.factor) for group in (left, right) if group.factor}
    # all trained networks against the untrained differ in their goal
    if (not left.levels or not right.levels) and (UNTRAINED,) not in (*left.levels.values(), *right.levels.values()):
        return None
    return factors.pop() if len(factors) == 1 and all(len(group.levels) < 2 for group in (left, right)) else None


def paired(question: Question, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a question: a row with ``benchmark, pair, cluster, first, second, difference`` and the networks.

    Args:
        question: of the kind ``pairs`` or ``metrics``.
        left: its left side with ``value``; the index names the rows.
        right: its right side.

    Raises:
        TooFewUnits: no two units can be compared.
    """
    shared = [name for name in question.matched_by if name != ORIGIN]
    # an untrained network is the same wherever it is placed
    left, right = (side.assign(network=joined(side, NETWORK)) for side in (left, right))
    if set(shared) == {"dataset", "architecture"}:
        left, right = placed_everywhere(left, right)
    factors = [name for name in FACTORS if name in shared]
    if ORIGIN in question.matched_by:
        (factor,) = [name for name in FACTORS if name not in shared]
        left, right = (side.assign(_history=history(side, factor)) for side in (left, right))
        shared.append("_history")
    one, other = (side.assign(name=side.index) for side in (left, right))
    both = one.merge(other, on=["benchmark", *shared], suffixes=("_first", "_second"))
    if both.empty:
        raise TooFewUnits(_nothing_to_pair(question))
    for name in FACTORS:  # a metric shares nothing: the networks' own levels
        if name not in both:
            own = "first" if not (left["goal"] == "baseline").all() else "second"
            both[name] = both[f"{name}_{own}"]
    metric = [both["goal" if "goal" in shared else f"goal_{side}"] == "baseline" for side in ("first", "second")]
    both = both.assign(
        first=both["name_first"],
        second=both["name_second"],
        first_network=both["network_first"].where(~metric[0]),
        second_network=both["network_second"].where(~metric[1]),
        difference=both["value_first"] - both["value_second"],
    )
    both["pair"] = joined(both, FACTORS) if not factors or len(factors) == len(FACTORS) else joined(
        both.assign(left=_levels(both, "first"), right=_levels(both, "second")), [*factors, "left", "right"]
    )  # fmt: skip
    both["cluster"] = independent_pairs(both, factors or FACTORS)
    return both


def _levels(both: pd.DataFrame, side: str) -> pd.Series:
    return joined(both, [name for name in both if name in {f"{factor}_{side}" for factor in FACTORS}])


def _nothing_to_pair(question: Question) -> str:
    claim, shared = question.claim, [name for name in FACTORS if name in question.matched_by]
    if not len(question.left) or not len(question.right):
        return "one side has no network that was read as the claim wants"
    if len(shared) == len(FACTORS):
        return "no network was read in both ways"
    if shared:
        (factor,) = [name for name in FACTORS if name not in shared]
        began = [set(history(side, factor)) for side in (question.left, question.right)]
        apart = " and began alike" if ORIGIN in question.matched_by and began[0] != began[1] else ""
        return f"no two units differ in {factor} alone{apart}, {claim.left} and {claim.right}"
    return "no two units of these groups are on the same benchmark"


def columns_of_claims(
    claims: Sequence[str], table: pd.DataFrame, headlines: Mapping[str, str] | None = None
) -> list[Columns]:
    """The sets of columns that claims rest on, each once: those whose values ``judge_claims`` wants to have.

    Args:
        claims: as their texts.
        table: rows of ``correlations.csv`` of many units; its index names the rows.
        headlines: the statistic of each benchmark.

    Raises:
        UserError: a claim cannot be read, or means several things.
    """
    valued = with_values(table, headlines)
    found: dict[Columns, None] = {}
    for text in claims:
        with suppress(NoSuchLevel):  # judge_claims says so
            question = question_of(parse_claim(text), valued)
            beside = replicates_beside(question, valued)
            found |= dict.fromkeys([*question.columns, *([] if beside is None else beside["columns"])])
    return list(found)
