"""The claims of a study, in a small vocabulary; what results say of them is in ``verdicts``.

A claim compares two groups of networks, two readouts of the same networks, or a trend with zero::

    classification > jigsaw
    goal=classification > goal=jigsaw for architecture in [alexnet, resnet50]
    all > baseline/ssim
    places365 ~ imagenet1k within .03
    plain > gram
    trend(depth) > 0 for architecture in [alexnet, vgg16]
    trend(performance) > 0

A group is ``all`` (every trained network: no baseline, nothing untrained), a level of goal, dataset, architecture or
readout (``FACTOR=LEVEL`` where a word is a level of several), or ``goal/architecture``; ``baseline/ssim`` also means
all of its variants, ``ssim_gray`` and so on. ``~`` claims that two groups differ by less than what ``within`` says.
``for FACTOR in [..]``, several joined by ``and``, keeps these units only; it may also name ``benchmark``, ``readout``
and ``weights``. Untrained networks take part where a claim names ``untrained``, and nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iqa_lab.errors import UserError, choices
from iqa_lab.statistics.factors.units import FACTORS, UNTRAINED, best_of_units, comparable

EXAMPLES = (
    "classification > jigsaw; all > baseline/ssim; places365 ~ imagenet1k within .03; "
    "trend(depth) > 0 for architecture in [alexnet, vgg16]"
)
FILTERS = ("benchmark", *FACTORS, "weights", "readout")
GROUPED = (*FACTORS, "readout")
DEPTH, PERFORMANCE = "trend(depth)", "trend(performance)"
_NAME = r"[\w.\-]+"
_NUMBER = r"\d*\.?\d+"


class NoSuchLevel(UserError):
    """A claim names what no result has: misspelt, or not computed yet."""


@dataclass(frozen=True)
class Claim:
    """A claim in its parts."""

    text: str
    left: str
    relation: str  # > or <, or ~: they differ by less than the margin
    right: str
    margin: float  # of SRCC; 0 but for ~
    only: Mapping[str, tuple[str, ...]]  # the levels of each factor that it is about


@dataclass(frozen=True)
class Group:
    """The units, or readouts, that a word means: levels of factors; empty: all trained networks."""

    levels: Mapping[str, tuple[str, ...]]

    def within(self, units: pd.DataFrame) -> pd.DataFrame:
        """Those of the units that belong to it."""
        if not self.levels:
            return units[~units["goal"].isin(["baseline", UNTRAINED])]
        inside = [units[factor].astype(str).isin(levels) for factor, levels in self.levels.items()]
        return units[np.logical_and.reduce(inside)]

    def only_level(self) -> tuple[str, str] | None:
        """The factor and its level, where it is a single one."""
        if len(self.levels) != 1:
            return None
        ((factor, levels),) = self.levels.items()
        return factor, levels[0]


def parse_claim(text: str) -> Claim:
    """A claim from its text.

    Raises:
        UserError: it is none of the vocabulary; the message says what is wrong, and gives examples.

    >>> parse_claim("trend(depth) > 0 for architecture in [alexnet, vgg16]").only
    {'architecture': ('alexnet', 'vgg16')}
    >>> parse_claim("plain ~ mean within .05").margin
    0.05
    """
    statement, _, condition = " ".join(text.split()).partition(" for ")
    match = re.fullmatch(rf"(.+?) ?([<>~]) ?(.+?)(?: within ({_NUMBER}))?", statement)
    if match is None:
        raise UserError(f"claim {text!r}: write LEFT > RIGHT, LEFT < RIGHT or LEFT ~ RIGHT within .05: {EXAMPLES}")
    left, relation, right, margin = match.groups()
    if (relation == "~") != (margin is not None) or (margin is not None and not float(margin)):
        raise UserError(f"claim {text!r}: ~ and within belong together, as in places365 ~ imagenet1k within .03")
    if left in (DEPTH, PERFORMANCE):
        if right != "0" or relation == "~":
            raise UserError(f"claim {text!r}: a trend is compared with 0, as in {left} > 0")
    else:
        for side in (left, right):
            if re.fullmatch(rf"(?:{_NAME}=)?{_NAME}(?:/{_NAME})?", side) is None:
                raise UserError(f"claim {text!r}: {side!r} is no group of networks; write it as in {EXAMPLES}")
    return Claim(text, left, relation, right, float(margin or 0), _conditions(text, condition))


def _conditions(text: str, condition: str) -> dict[str, tuple[str, ...]]:
    only: dict[str, tuple[str, ...]] = {}
    for part in re.split(r" and (?![^\[]*\])", condition) if condition else []:
        match = re.fullmatch(rf"({_NAME}) ?(?:in ?\[([^\]]*)\]|= ?({_NAME}))", part.strip())
        if match is None:
            raise UserError(f"claim {text!r}: after 'for' write FACTOR in [LEVEL, LEVEL], several joined by 'and'")
        factor, listed, single = match.groups()
        if factor not in FILTERS:
            raise UserError(f"claim {text!r}: there is no factor {factor}; choose from {choices(factor, FILTERS)}")
        levels = tuple(level.strip() for level in (listed or single or "").split(",") if level.strip())
        if not levels:
            raise UserError(f"claim {text!r}: no level of {factor} is named")
        only[factor] = levels
    return only


def groups_of(claim: Claim, table: pd.DataFrame) -> tuple[Group, Group]:
    """What the two sides of a claim mean.

    Raises:
        NoSuchLevel: one is no level of any factor.
        UserError: one is a level of several, or a readout is compared with networks.
    """
    left, right = (_group(side, claim.text, table) for side in (claim.left, claim.right))
    if ("readout" in left.levels) != ("readout" in right.levels):
        raise UserError(f"claim {claim.text!r}: a readout is compared with a readout, networks with networks")
    return left, right


def rows_of(claim: Claim, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that a claim rests on.

    Of every network that it is about the best row, by the readouts that all of them have unless it names some; of every
    readout that it compares; for a trend along the depth, all layers.

    Raises:
        NoSuchLevel: it names what no result has.
        UserError: a word is a level of several factors, or a readout is compared with networks.
    """
    kept = table
    for factor, levels in claim.only.items():
        known = sorted(map(str, table[factor].unique()))
        for level in levels:
            if level not in known:
                raise NoSuchLevel(f"no result has {factor}={level}; there are {choices(level, known)}")
        kept = kept[kept[factor].astype(str).isin(levels)]
    words = re.split("[=/]", f"{claim.left}/{claim.right}")
    if UNTRAINED not in (*words, *claim.only.get("goal", ())):
        kept = kept[kept["goal"] != UNTRAINED]
    if claim.left == DEPTH:
        concatenated = kept["layer"].astype(str).str.startswith("concat_")
        return kept[(kept["layer"] != "pixels") & ~concatenated & (kept["goal"] != "baseline")]
    if claim.left == PERFORMANCE:
        return best_of_units(comparable(kept))
    groups = groups_of(claim, table)
    if "readout" in groups[0].levels:
        best = [best_of_units(group.within(kept[kept["goal"] != "baseline"])) for group in groups]
        return kept.loc[best[0].index.union(best[1].index)]
    return best_of_units(kept if "readout" in claim.only else comparable(kept))


def _group(side: str, text: str, table: pd.DataFrame) -> Group:
    if side == "all":
        return Group({})
    goal, slash, architecture = side.partition("/")
    if slash:
        inside = table[table["goal"].astype(str) == goal]
        names = sorted(map(str, inside["architecture"].unique()))
        variants = [name for name in names if name == architecture] or [
            name for name in names if name.startswith(f"{architecture}_")
        ]
        if not variants:
            raise NoSuchLevel(f"no result is {side}; of {goal} there are {choices(architecture, names)}")
        return Group({"goal": (goal,), "architecture": tuple(variants)})
    factor, equals, level = side.rpartition("=")
    if equals and factor not in GROUPED:
        raise UserError(f"claim {text!r}: there is no factor {factor}; choose from {choices(factor, GROUPED)}")
    # a baseline is its own readout
    levels = {name: set(table[name].astype(str)) for name in FACTORS}
    levels["readout"] = set(table.loc[table["goal"] != "baseline", "readout"].astype(str))
    having = [name for name in ([factor] if equals else GROUPED) if level in levels[name]]
    if not having:
        known = sorted(set().union(*levels.values()))
        raise NoSuchLevel(f"no result has {level}; there are {choices(level, known)}")
    if len(having) > 1:
        raise UserError(f"claim {text!r}: {level} is a level of {' and of '.join(having)}: write {having[0]}={level}")
    return Group({having[0]: (level,)})
