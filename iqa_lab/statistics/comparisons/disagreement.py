"""Two metrics' scores of the same images -> the pairs of images on which the metrics disagree most.

The idea is the maximum differentiation competition of Wang & Simoncelli (2008), on images that are there instead of
made ones, as in Ma et al., Group MAD competition (2016): of two images that one metric calls equally good, the other
metric says most strongly that they are not. People's opinions of such pairs tell which metric is right, where an
average over all images hardly does.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# rows of the table of all pairs that are in memory at once
_ROWS = 512


def disagreements(equal: ArrayLike, different: ArrayLike, *, within: float = 0.1, most: int = 10) -> NDArray[np.int64]:
    """The pairs of images whose ``equal`` scores are nearly the same and whose ``different`` scores are furthest apart.

    Each image takes part once, so that the list does not show one odd image again and again: the pair that is furthest
    apart comes first, then the one that is furthest apart among the images that are left, and so on. Of pairs equally
    far apart the one of the earlier images comes first.

    Args:
        equal: scores of one metric, ``[n]``.
        different: scores of the other metric, ``[n]``.
        within: how far apart ``equal`` scores may be, in their standard deviations.
        most: how many pairs at most.

    Returns:
        Places of images, ``[pairs, 2]``: of each pair first the one with the smaller ``different`` score. Pairs that
        ``different`` does not tell apart either are left out.

    Raises:
        ValueError: the scores are not as many, not finite, or ``within`` is negative.

    >>> disagreements([1, 1, 5, 5], [2, 9, 4, 3], most=2).tolist()
    [[0, 1], [3, 2]]
    """
    steady, moving = np.asarray(equal, dtype=float), np.asarray(different, dtype=float)
    if steady.shape != moving.shape or steady.ndim != 1:
        raise ValueError(f"two metrics score the same images: {steady.shape} and {moving.shape}")
    if not (np.isfinite(steady).all() and np.isfinite(moving).all()) or not within >= 0:
        raise ValueError("scores are finite numbers, and within is 0 or more")
    order = np.argsort(steady, kind="stable")
    near = within * steady.std() if len(steady) else 0.0
    left = order
    found: list[tuple[int, int]] = []
    while len(found) < most and len(left) > 1:
        pair = _furthest_apart(steady[left], moving[left], left, near)
        if pair is None:
            break
        found.append(pair)
        left = left[~np.isin(left, pair)]
    return np.asarray(found, dtype=np.int64).reshape(-1, 2)


def _furthest_apart(
    steady: NDArray[np.float64], moving: NDArray[np.float64], names: NDArray[np.int64], near: float
) -> tuple[int, int] | None:
    """The pair furthest apart in ``moving``, of those at most ``near`` apart in ``steady``, which is sorted."""
    last = np.searchsorted(steady, steady + near, side="right")  # beyond the last image that is near enough
    best, pair = 0.0, None
    for start in range(0, len(steady), _ROWS):
        stop = min(start + _ROWS, len(steady))
        end = int(last[stop - 1])
        apart = np.abs(moving[start:stop, None] - moving[None, start:end])
        # rounding may put an image a hair beyond what its distance says: the distance decides
        apart[np.abs(steady[start:stop, None] - steady[None, start:end]) > near] = 0
        furthest = float(apart.max(initial=0.0))
        if furthest == 0 or furthest < best:
            continue
        rows, columns = np.nonzero(apart == furthest)
        for one, other in zip(names[rows + start], names[columns + start], strict=True):
            candidate = (min(one, other), max(one, other))
            if furthest > best or pair is None or candidate < pair:
                best, pair = furthest, (int(candidate[0]), int(candidate[1]))
    if pair is None:
        return None
    score = dict(zip(names.tolist(), moving.tolist(), strict=True))
    return pair if score[pair[0]] <= score[pair[1]] else (pair[1], pair[0])
