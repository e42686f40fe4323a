"""The claims of a study: a small language, and its parts. ``verdicts`` judges them.

A claim compares two groups of networks, two readouts or two layers of the same networks, or a trend with zero::

    classification > jigsaw
    [rotation, jigsaw, colorization] < classification
    goal.supervision=labels > none
    goal=classification > goal=jigsaw for architecture in [alexnet, resnet50]
    places365 ~ imagenet1k within .03
    all > baseline/ssim_gray
    most > baseline/ssim_gray                                  each, at least 3 (networks)
    at least 3 of 4 architectures > baseline/ssim_gray
    gram ~ plain within .03
    last layer < best layer                                    first layer, concat
    trend(depth) > 0 for architecture in [alexnet, vgg16]
    trend(depth) ~ 0 within .2
    trend(parameters) < 0                                      depth of network, own task, imagenet
    trend(benchmark tid2013) > 0 for benchmark = modelfest     over networks: who agrees better there, does here, too
    trend(benchmark tid2013 over layers) > 0 for benchmark = modelfest     over the layers of each network

A group is ``all`` (every trained network: no baseline, nothing untrained), a level of goal, dataset, architecture or
readout (``FACTOR=LEVEL`` where a word is a level of several), a list of levels, or ``goal/architecture``. A baseline
is named exactly. ``~`` claims that two groups differ by less than what ``within`` says. ``at`` says where networks
are read: ``at best heldout`` (the layer that other references choose; this goes without saying), ``at layer NAME``,
``at depth .5``, ``at first layer``, ``at last layer``. ``for FACTOR in [..]``, several joined by ``and``, keeps these
units only; it may also name ``benchmark``, ``readout``, ``weights`` and ``family`` (a controlled family of
trainings). Without a readout a claim is about ``plain``. Untrained networks take part where a claim names
``untrained``, and nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iqa_lab.errors import UserError, choices
from iqa_lab.statistics.factors.units import FACTORS, UNTRAINED

EXAMPLES = (
    "classification > jigsaw; all > baseline/ssim_gray; places365 ~ imagenet1k within .03; "
    "trend(depth) > 0 for architecture in [alexnet, vgg16]"
)
ATTRIBUTES = ("goal.family", "goal.supervision")  # of a goal: several goals share a level
FILTERS = ("benchmark", *FACTORS, "weights", "family", "readout", *ATTRIBUTES)
GROUPED = (*FACTORS, "readout", *ATTRIBUTES)
DEPTH = "trend(depth)"
# what a trend over networks is a trend of, and the column that holds it
COVARIATES = {
    "trend(parameters)": "parameters",
    "trend(depth of network)": "layers",
    "trend(own task)": "own_task",
    "trend(imagenet)": "imagenet",
}
TRENDS = (DEPTH, *COVARIATES)
# one benchmark beside another: over networks, or over the layers of each
LINK = re.compile(r"trend\(benchmark ([\w.\-]+?)( over layers)?\)")
BEST, FIRST, LAST, CONCAT = "best layer", "first layer", "last layer", "concat"
PLACES = (BEST, FIRST, LAST, CONCAT)
_NAME = r"[\w.\-]+"
_NUMBER = r"\d*\.?\d+"
_SIDE = rf"(?:{_NAME}=)?(?:{_NAME}(?:/{_NAME})?|\[ ?{_NAME}(?: ?, ?{_NAME})* ?\])"
_QUANTIFIER = rf"(most|each|at least (\d+))(?: of (\d+))?(?: (networks|{'|'.join(f'{name}s' for name in FACTORS)}))?"


class NoSuchLevel(UserError):
    """A claim names what no result has: misspelt, or not computed yet."""


@dataclass(frozen=True)
class Quantifier:
    """Of how many networks, or levels of a factor, something is claimed one by one."""

    kind: str  # most | each | at least
    number: int  # of "at least"
    of: int | None  # how many there have to be
    what: str  # network, or a factor

    def needed(self, number: int) -> int:
        """How many of so many have to be as claimed."""
        return {"most": number // 2 + 1, "each": number}.get(self.kind, self.number)


@dataclass(frozen=True)
class Claim:
    """A claim in its parts."""

    text: str
    left: str
    relation: str  # > or <, or ~: they differ by less than the margin
    right: str
    margin: float  # 0 but for ~
    only: Mapping[str, tuple[str, ...]]  # the levels of each factor that it is about
    place: str = BEST  # where networks are read: a place, ``layer NAME``, or ``depth NUMBER``
    quantifier: Quantifier | None = None


@dataclass(frozen=True)
class Group:
    """The units, or readouts, that a word means: levels of factors; empty: all trained networks."""

    levels: Mapping[str, tuple[str, ...]]

    def within(self, units: pd.DataFrame) -> pd.DataFrame:
        """Those of the units that belong to it."""
        if not self.levels:
            return units[~units["goal"].isin(["baseline", UNTRAINED])]
        inside = [units[factor].astype(str).isin(levels) for factor, levels in self.levels.items()]
        if self.factor in ATTRIBUTES:  # a metric was trained for nothing
            inside.append(units["goal"] != "baseline")
        return units[np.logical_and.reduce(inside)]

    @property
    def factor(self) -> str | None:
        """The factor whose levels it consists of, where it is a single one."""
        return next(iter(self.levels)) if len(self.levels) == 1 else None


def parse_claim(text: str) -> Claim:
    """A claim from its text.

    Raises:
        UserError: it is none of the vocabulary; the message says what is wrong, and gives examples.

    >>> parse_claim("trend(depth) > 0 for architecture in [alexnet, vgg16]").only
    {'architecture': ('alexnet', 'vgg16')}
    >>> parse_claim("plain ~ mean within .05").margin
    0.05
    >>> parse_claim("most > baseline/ssim_gray at depth .5").place
    'depth .5'
    """
    statement, _, condition = " ".join(text.split()).partition(" for ")
    statement, at, place = statement.partition(" at ") if not statement.startswith("at ") else _at_of(statement)
    match = re.fullmatch(rf"(.+?) ?([<>~]) ?(.+?)(?: within ({_NUMBER}))?", statement)
    if match is None:
        raise UserError(f"claim {text!r}: write LEFT > RIGHT, LEFT < RIGHT or LEFT ~ RIGHT within .05: {EXAMPLES}")
    left, relation, right, margin = match.groups()
    if (relation == "~") != (margin is not None) or (margin is not None and not float(margin)):
        raise UserError(f"claim {text!r}: ~ and within belong together, as in places365 ~ imagenet1k within .03")
    quantifier, left = _quantified(text, left)
    if quantifier and relation == "~":
        raise UserError(f"claim {text!r}: {quantifier.kind} goes with > and <")
    if left.startswith("trend("):
        _check_trend(text, left, right, at)
    elif left in PLACES or right in PLACES:
        if not (left in PLACES and right in PLACES) or at or left == right:
            raise UserError(f"claim {text!r}: compare two of {', '.join(PLACES)} of the same networks")
    else:
        for side in (left, right):
            if re.fullmatch(_SIDE, side) is None:
                raise UserError(f"claim {text!r}: {side!r} is no group of networks; write it as in {EXAMPLES}")
    only = _conditions(text, condition)
    link = LINK.fullmatch(left)
    if link and (len(only.get("benchmark", ())) != 1 or link[1] in only["benchmark"]):
        raise UserError(f"claim {text!r}: beside which benchmark? add 'for benchmark = NAME', another one")
    if link and margin:
        raise UserError(f"claim {text!r}: the equality of such trends cannot be tested: write > 0 or < 0")
    return Claim(text, left, relation, right, float(margin or 0), only, _place(text, place), quantifier)


def _at_of(statement: str) -> tuple[str, str, str]:
    """A statement that begins with ``at least``, and its ``at``."""
    rest, at, place = statement.removeprefix("at ").partition(" at ")
    return f"at {rest}", at, place


def _quantified(text: str, left: str) -> tuple[Quantifier | None, str]:
    match = re.fullmatch(_QUANTIFIER, left)
    if match is None:
        return None, left
    words, number, of, what = match.groups()
    count = int(number or 0)
    if words.startswith("at least") and not (0 < count <= int(of or count)):
        raise UserError(f"claim {text!r}: at least {count} of {of} is no number of networks")
    if of and not words.startswith("at least"):
        raise UserError(f"claim {text!r}: write {words}, or at least N of {of}")
    return Quantifier(words.partition(" least")[0] + (" least" if number else ""), count, int(of) if of else None,
                      (what or "networks").removesuffix("s")), "all"  # fmt: skip


def _check_trend(text: str, left: str, right: str, at: str) -> None:
    if left == "trend(performance)":
        raise UserError(f"claim {text!r}: performance is two things: write trend(own task) or trend(imagenet)")
    link = LINK.fullmatch(left)
    if left not in TRENDS and not link:
        raise UserError(
            f"claim {text!r}: there is no {left}; choose from {', '.join(TRENDS)}, trend(benchmark NAME), "
            "trend(benchmark NAME over layers)"
        )
    if right != "0":
        raise UserError(f"claim {text!r}: a trend is compared with 0, as in {left} > 0")
    if at and (left == DEPTH or (link and link[2])):
        raise UserError(f"claim {text!r}: a trend along the depth is of all layers")


def _place(text: str, place: str) -> str:
    """Where networks are read."""
    if place in ("", "best heldout"):
        return BEST
    if place in (FIRST, LAST) or re.fullmatch(rf"layer {_NAME}", place):
        return place
    if re.fullmatch(rf"depth {_NUMBER}", place) and float(place.removeprefix("depth ")) <= 1:
        return place
    raise UserError(
        f"claim {text!r}: after 'at' write best heldout, layer NAME, depth .5 (0 to 1), first layer or last layer"
    )


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
        if factor in only:
            raise UserError(f"claim {text!r}: {factor} is named twice")
        only[factor] = levels
    return only


def groups_of(claim: Claim, table: pd.DataFrame) -> tuple[Group, Group]:
    """What the two sides of a claim mean.

    Raises:
        NoSuchLevel: one is no level of any factor.
        UserError: one is a level of several, a readout is compared with networks, or a network is on both sides.
    """
    left = _group(claim.left, claim.text, table)
    right_text = claim.right
    # goal.supervision=labels > none
    if left.factor in ATTRIBUTES and "=" not in right_text:
        right_text = f"{left.factor}={right_text}"
    right = _group(right_text, claim.text, table)
    if (left.factor == "readout") != (right.factor == "readout"):
        raise UserError(f"claim {claim.text!r}: a readout is compared with a readout, networks with networks")
    same = left.factor is not None and left.factor == right.factor
    both: list[str] = sorted(set(*left.levels.values()) & set(*right.levels.values())) if same else []
    if both:
        raise UserError(f"claim {claim.text!r}: {both[0]} is on both sides")
    return left, right


def _group(side: str, text: str, table: pd.DataFrame) -> Group:
    if side == "all":
        return Group({})
    goal, slash, architecture = side.partition("/")
    if slash:
        names = sorted(map(str, table.loc[table["goal"].astype(str) == goal, "architecture"].unique()))
        if architecture not in names:
            variants = [name for name in names if name.startswith(f"{architecture}_")]
            if len(variants) > 1:
                raise UserError(f"claim {text!r}: {side} is not exact: write one of {', '.join(variants)}")
            raise NoSuchLevel(f"no result is {side}; of {goal} there are {choices(architecture, names)}")
        return Group({"goal": (goal,), "architecture": (architecture,)})
    factor, equals, named = side.rpartition("=")
    if equals and factor not in GROUPED:
        raise UserError(f"claim {text!r}: there is no factor {factor}; choose from {choices(factor, GROUPED)}")
    words = tuple(word.strip() for word in named.strip("[] ").split(","))
    # a baseline is its own readout
    levels = {name: set(map(str, table[name].unique())) for name in GROUPED if name in table}
    levels["readout"] = set(map(str, table.loc[table["goal"] != "baseline", "readout"].unique()))
    asked = [factor] if equals else [name for name in GROUPED if name not in ATTRIBUTES]
    having = [name for name in asked if name in levels and set(words) <= levels[name]]
    if not having:
        known = sorted(set().union(*(levels[name] for name in asked if name in levels)))
        missing = next((word for word in words if word not in known), words[0])
        raise NoSuchLevel(f"no result has {missing}; there are {choices(missing, known)}")
    if len(having) > 1:
        raise UserError(f"claim {text!r}: {named} is a level of {' and of '.join(having)}: write {having[0]}={named}")
    return Group({having[0]: words})


def kept_rows(claim: Claim, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the networks that meet the conditions of a claim; untrained networks only where it names them.

    Readouts are not chosen here (``columns.read_in``), so that networks without them can be named.

    Raises:
        NoSuchLevel: a condition names what no result has.
    """
    # a metric that is compared with has levels of its own
    names_metric = claim.left.startswith("baseline/") or claim.right.startswith("baseline/")
    metric = (table["goal"] == "baseline") & names_metric
    kept = table
    for factor, levels in claim.only.items():
        known = sorted(map(str, table[factor].unique())) if factor in table else []
        for level in levels:
            if level not in known:
                raise NoSuchLevel(f"no result has {factor}={level}; there are {choices(level, known)}")
        if factor != "readout":
            kept = kept[kept[factor].astype(str).isin(levels) | (metric & (factor != "benchmark"))[kept.index]]
    words = re.split(r"[=/,\[\] ]+", f"{claim.left}/{claim.right}")
    if UNTRAINED not in (*words, *claim.only.get("goal", ())):
        kept = kept[kept["goal"] != UNTRAINED]
    return kept
