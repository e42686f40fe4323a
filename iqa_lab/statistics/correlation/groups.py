"""The distortions of a benchmark's pairs -> what a reader should know about them before believing a correlation."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from iqa_lab.errors import percent
from iqa_lab.statistics.correlation.coefficients import FEWEST_PAIRS, large_enough

SHOWN = 6  # names in a sentence
MOST = 0.9  # of the pairs
TID_GLOBAL = {"16": "mean shift", "17": "contrast", "18": "saturation"}  # types of TID by their numbers


def left_out_of_within(groups: ArrayLike, fewest: int = FEWEST_PAIRS) -> str:
    """How many groups ``srcc_within`` leaves out, in words; empty where it leaves out none.

    Args:
        groups: the distortion of each pair.
        fewest: pairs of a group that counts.

    >>> left_out_of_within(["a"] * 10 + ["b"] * 9)
    'SRCC within distortions: 1 of 2 types left out (9 of 19 pairs), for it has fewer than 10 pairs'
    """
    names, counts = np.unique(np.asarray(groups).astype(str), return_counts=True)
    if not len(names):
        return ""
    small = counts[~np.isin(names, large_enough(np.asarray(groups).astype(str), fewest))]
    if not len(small):
        return ""
    have = "it has" if len(small) == 1 else "they have"
    return (
        f"SRCC within distortions: {len(small)} of {len(names)} types left out "
        f"({small.sum()} of {counts.sum()} pairs), for {have} fewer than {fewest} pairs"
    )


def dominating(groups: ArrayLike) -> list[tuple[str, int]]:
    """The types that at least 90 % of the pairs belong to, with their numbers, most first; none where pairs are spread.

    Pairs are spread where the effective number of types, 1 / sum of squared shares, is more than two thirds of their
    number: all types of a whole benchmark have about as many pairs.

    >>> dominating(["a"] * 9 + ["b"]), dominating(["a", "b"] * 5), dominating(["a"] * 5)
    ([('a', 9)], [], [])
    """
    names, counts = np.unique(np.asarray(groups).astype(str), return_counts=True)
    if len(names) < 2 or 3 * counts.sum() ** 2 > 2 * len(names) * (counts**2).sum():
        return []
    order = np.argsort(-counts, kind="stable")
    needed = int(np.searchsorted(np.cumsum(counts[order]), MOST * counts.sum())) + 1
    return [(str(names[place]), int(counts[place])) for place in order[:needed]]


def range_restriction(groups: ArrayLike, alike: Mapping[str, str] | None = None) -> str:
    """A warning where a few types of distortion make up most of the pairs; empty where they do not.

    Args:
        groups: the distortion of each pair.
        alike: types that change the whole image alike, and what they are called.

    >>> range_restriction(["blur"] * 9 + ["noise"])
    '9 of 10 pairs have 1 of 2 types of distortion (blur 9): correlations over all pairs are mostly about these'
    """
    few = dominating(groups)
    if not few:
        return ""
    everything = np.asarray(groups).astype(str)
    number, types = sum(count for _, count in few), len(np.unique(everything))
    listed = ", ".join(f"{name} {count}" for name, count in few[:SHOWN])
    listed += f" and {len(few) - SHOWN} more" if len(few) > SHOWN else ""
    said = (
        f"{number} of {len(everything)} pairs have {len(few)} of {types} types of distortion ({listed}): correlations "
        "over all pairs are mostly about these"
    )
    there = {name: word for name, word in (alike or {}).items() if name in everything}
    inside = int(np.isin(everything, list(there)).sum())
    if inside:
        said += (
            f"; {inside} pairs ({percent(inside / len(everything))}) are {', '.join(there.values())}, which change "
            "the whole image alike: what does well there need not do so elsewhere"
        )
    return said
