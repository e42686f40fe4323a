"""The claims of a study, in a small vocabulary, and what the results say of them.

A claim compares two groups of networks, or a trend with zero::

    classification > jigsaw
    goal=classification > goal=jigsaw for architecture in [alexnet, resnet50]
    all > baseline/ssim
    trend(depth) > 0 for architecture in [alexnet, vgg16]

A group is ``all`` (every trained network: no baseline, nothing untrained), a level of goal, dataset or architecture
(``FACTOR=LEVEL`` where a word is a level of several), or ``goal/architecture``; ``baseline/ssim`` also means all of its
variants, ``ssim_gray`` and so on. ``for FACTOR in [..]``, several joined by ``and``, keeps these units only; it may
also name ``benchmark``, ``readout`` and ``weights``. Networks are compared by their best layer and readout, in the
mean: two levels of one factor by matched pairs, which differ in nothing else; other groups by what there is on each
benchmark.
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.errors import UserError, choices
from iqa_lab.statistics.correlation import srcc
from iqa_lab.statistics.factors import (
    FACTORS,
    UNIT,
    Distributions,
    Effect,
    TooFewUnits,
    best_of_units,
    joined,
    matched_pairs,
    mean_effect,
)
from iqa_lab.statistics.multiple import holm
from iqa_lab.statistics.trend import depth_trend

Floats = NDArray[np.float64]

EXAMPLES = "classification > jigsaw; all > baseline/ssim; trend(depth) > 0 for architecture in [alexnet, vgg16]"
FILTERS = ("benchmark", *FACTORS, "weights", "readout")
_TREND = "trend(depth)"
_NAME = r"[\w.\-]+"


@dataclass(frozen=True)
class Claim:
    """A claim in its parts."""

    text: str
    left: str
    greater: bool  # left > right; else left < right
    right: str
    only: Mapping[str, tuple[str, ...]]  # the levels of each factor that it is about


def parse_claim(text: str) -> Claim:
    """A claim from its text.

    Raises:
        UserError: it is none of the vocabulary; the message says what is wrong, and gives examples.

    >>> parse_claim("trend(depth) > 0 for architecture in [alexnet, vgg16]").only
    {'architecture': ('alexnet', 'vgg16')}
    """
    statement, _, condition = " ".join(text.split()).partition(" for ")
    match = re.fullmatch(r"(.+?) ?([<>]) ?(.+)", statement)
    if match is None:
        raise UserError(f"claim {text!r}: write LEFT > RIGHT or LEFT < RIGHT, as in {EXAMPLES}")
    left, sign, right = match.groups()
    if left == _TREND and right != "0":
        raise UserError(f"claim {text!r}: a trend is compared with 0, as in trend(depth) > 0")
    for side in (left, right) if left != _TREND else ():
        if re.fullmatch(rf"(?:{_NAME}=)?{_NAME}(?:/{_NAME})?", side) is None:
            raise UserError(f"claim {text!r}: {side!r} is no group of networks; write it as in {EXAMPLES}")
    return Claim(text, left, sign == ">", right, _conditions(text, condition))


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
        table: rows of ``correlations.csv`` of many units; its index names the rows.
        distributions: SRCC of rows in every resample of references, by the names of the rows (``resample_units``);
            where those that a claim rests on are all there, references are resampled, in pairs.
        confidence: 1 less the chance of any wrong verdict in the whole study (Holm).

    Returns:
        A row a claim: ``claim``, ``verdict`` (supported, contradicted, undecided), ``difference`` (of SRCC, left less
        right; of a trend Spearman's rho of depth and SRCC), ``low``, ``high``, ``p`` (two-sided), ``p_holm`` (corrected
        across the study), ``pairs``, ``units``, ``benchmarks``, ``about`` (what else it holds for), ``note``.

    Raises:
        UserError: a claim cannot be read, or names what is in no factor.
    """
    parsed = [parse_claim(text) for text in claims]
    rows = []
    for claim in parsed:
        try:
            effect, note = _effect(claim, table, distributions, confidence), ""
        except TooFewUnits as error:
            nan = float("nan")
            effect, note = Effect(nan, nan, nan, nan, 0, 0, 0, "nothing"), str(error)
        rows.append({"claim": claim.text, "verdict": "undecided", **vars(effect), "note": note})
    judged = pd.DataFrame(rows, columns=["claim", "verdict", *Effect.__dataclass_fields__, "note"])
    judged.insert(list(judged).index("p") + 1, "p_holm", holm(judged["p"].to_numpy(dtype=float)))
    agrees = np.sign(judged["difference"]) == [1 if claim.greater else -1 for claim in parsed]
    decided = judged["p_holm"] < 1 - confidence
    judged.loc[decided & agrees, "verdict"] = "supported"
    judged.loc[decided & ~agrees, "verdict"] = "contradicted"
    unclear = (judged["verdict"] == "undecided") & (judged["note"] == "")
    judged.loc[unclear & judged["p"].isna(), "note"] = (
        "no interval: fewer than five pairs of networks, and no scores to resample references of"
    )
    judged.loc[unclear & judged["p"].notna(), "note"] = "the difference may be chance"
    return judged


def _effect(claim: Claim, table: pd.DataFrame, distributions: Distributions | None, confidence: float) -> Effect:
    known = {factor: sorted(map(str, table[factor].unique())) for factor in FILTERS}
    kept = table
    for factor, levels in claim.only.items():
        for level in levels:
            if level not in known[factor]:
                raise UserError(
                    f"claim {claim.text!r}: no result has {factor}={level}; there are {choices(level, known[factor])}"
                )
        kept = kept[kept[factor].astype(str).isin(levels)]
    if claim.left == _TREND:
        return _trend(kept, distributions, confidence)
    units = best_of_units(kept)
    left, right = (_group(side, claim.text, table) for side in (claim.left, claim.right))
    return mean_effect(_pairs(units, left, right), distributions, confidence=confidence)


@dataclass(frozen=True)
class _Group:
    """The units that a word means: levels of factors; empty: all trained networks."""

    levels: Mapping[str, tuple[str, ...]]

    def within(self, units: pd.DataFrame) -> pd.DataFrame:
        """Those of the units that belong to it."""
        if not self.levels:
            return units[~units["goal"].isin(["baseline", "untrained"])]
        inside = [units[factor].astype(str).isin(levels) for factor, levels in self.levels.items()]
        return units[np.logical_and.reduce(inside)]


def _group(side: str, text: str, table: pd.DataFrame) -> _Group:
    """What one side of a claim means.

    Raises:
        UserError: it is no level of any factor, or of several.
    """
    if side == "all":
        return _Group({})
    goal, slash, architecture = side.partition("/")
    if slash:
        inside = table[table["goal"].astype(str) == goal]
        names = sorted(map(str, inside["architecture"].unique()))
        variants = [name for name in names if name == architecture] or [
            name for name in names if name.startswith(f"{architecture}_")
        ]
        if not variants:
            raise UserError(f"claim {text!r}: no result is {side}; of {goal} there are {choices(architecture, names)}")
        return _Group({"goal": (goal,), "architecture": tuple(variants)})
    factor, equals, level = side.rpartition("=")
    if equals and factor not in FACTORS:
        raise UserError(f"claim {text!r}: there is no factor {factor}; choose from {choices(factor, FACTORS)}")
    having = [name for name in ([factor] if equals else FACTORS) if (table[name].astype(str) == level).any()]
    if not having:
        known = [str(name) for column in FACTORS for name in table[column].unique()]
        raise UserError(f"claim {text!r}: no result has {level}; there are {choices(level, sorted(set(known)))}")
    if len(having) > 1:
        raise UserError(f"claim {text!r}: {level} is a level of {' and of '.join(having)}: write {having[0]}={level}")
    return _Group({having[0]: (level,)})


def _pairs(units: pd.DataFrame, left: _Group, right: _Group) -> pd.DataFrame:
    """Pairs of units to compare: matched where both groups are levels of one factor, else all on the same benchmark."""
    factors = set(left.levels)
    if len(factors) == 1 and factors == set(right.levels):
        (factor,) = factors
        (one,), (other,) = left.levels[factor], right.levels[factor]
        pairs = matched_pairs(units[units[factor].astype(str).isin([one, other])], factor)
        if pairs.empty:
            raise TooFewUnits(f"no two units differ in {factor} alone, {one} and {other}")
        turned = pairs["first_level"].astype(str) != one
        swapped = {"first": "second", "second": "first", "first_level": "second_level", "second_level": "first_level"}
        pairs[turned] = pairs[turned].rename(columns=swapped)[pairs.columns]
        pairs.loc[turned, "difference"] *= -1
        return pairs
    first, second = (
        group.within(units).assign(name=lambda rows: rows.index, network=lambda rows: joined(rows, FACTORS))[
            ["benchmark", "name", "network", "srcc"]
        ]
        for group in (left, right)
    )
    both = first.merge(second, on="benchmark", suffixes=("_first", "_second"))
    both = both[both["name_first"] != both["name_second"]]
    if both.empty:
        raise TooFewUnits("no two units of these groups are on the same benchmark")
    # a network that is compared with several is one observation: those of the larger group are counted
    counted = "first" if first["network"].nunique() >= second["network"].nunique() else "second"
    return pd.DataFrame(
        {
            "benchmark": both["benchmark"],
            "pair": both[f"network_{counted}"],
            "first": both["name_first"],
            "second": both["name_second"],
            "difference": both["srcc_first"] - both["srcc_second"],
        }
    )


def _trend(table: pd.DataFrame, distributions: Distributions | None, confidence: float) -> Effect:
    """The mean trend of the networks: Spearman's correlation of depth and SRCC over the layers of each readout."""
    own = table[
        (table["layer"] != "pixels")
        & ~table["layer"].astype(str).str.startswith("concat_")
        & ~table["goal"].isin(["baseline"])
    ]
    rows: list[tuple[object, ...]] = []
    resampled: dict[Hashable, Floats] = {}
    for (*unit, readout), layers in own.groupby([*UNIT, "readout"], sort=True):
        ordered = layers.sort_values("depth")
        rho = depth_trend(ordered["depth"], ordered["srcc"]).rho
        if np.isnan(rho):
            continue
        name = (*unit, readout)
        # compared with a trend of zero, which has no spread
        rows.append((unit[0], "-".join(map(str, unit[1:4])), name, "zero", rho))
        if distributions is not None and set(ordered.index) <= set(distributions):
            drawn = np.stack([distributions[index] for index in ordered.index], axis=1)
            resampled[name] = srcc(drawn.T, ordered["depth"])
            resampled["zero"] = np.zeros(len(drawn))
    if not rows:
        raise TooFewUnits("no network with three layers or more has a trend")
    pairs = pd.DataFrame(rows, columns=["benchmark", "pair", "first", "second", "difference"])
    effect = mean_effect(pairs, resampled or None, confidence=confidence)
    return replace(effect, units=own[UNIT].drop_duplicates().shape[0])
