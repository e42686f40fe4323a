"""Correlations of scores with opinions, for one column ``[n]`` or many at once ``[n, columns]``.

Signs are kept: a caller turns distances into qualities before, never with ``abs`` after. Fewer than two pairs, a
constant column or constant opinions give NaN, and so does a NaN in a column, for that column alone.

``weights`` ``[n]`` count a pair as often as they say (0: not at all), as if its row were repeated.
"""

from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def srcc(scores: ArrayLike, opinion: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Spearman's rank correlation, mid-ranks for ties: ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``.

    Spearman, The proof and measurement of association between two things (1904).

    >>> float(srcc([1.0, 2.0, 3.0], [10.0, 30.0, 20.0]))
    0.5
    """
    scores, opinion = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    if len(opinion) == 0:
        return np.full(scores.shape[1:], np.nan)
    if weights is None:
        return plcc(
            scipy.stats.rankdata(scores, axis=0, nan_policy="propagate"),
            scipy.stats.rankdata(opinion, nan_policy="propagate"),
        )
    columns = scores[:, None] if scores.ndim == 1 else scores
    count = np.asarray(weights, dtype=float)
    ranks = np.column_stack([np.empty((len(opinion), 0)), *(weighted_ranks(column, count) for column in columns.T)])
    return plcc(ranks.reshape(scores.shape), weighted_ranks(opinion, count), count)


def weighted_ranks(values: ArrayLike, weights: ArrayLike) -> Floats:
    """Mid-ranks of values ``[n]``, each counted as often as its weight says; all NaN where a value is NaN.

    >>> weighted_ranks([7.0, 5.0, 9.0], [2, 1, 1]).tolist()  # of 5, 7, 7, 9
    [2.5, 1.0, 4.0]
    """
    numbers, count = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if np.isnan(numbers).any():
        return np.full(len(numbers), np.nan)
    _, place = np.unique(numbers, return_inverse=True)
    group = np.bincount(place, weights=count)
    ranks: Floats = (np.cumsum(group) - group / 2 + 0.5)[place]
    return ranks


def plcc(scores: ArrayLike, opinion: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Pearson's correlation, without any mapping: ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``.

    Pearson, Note on regression and inheritance in the case of two parents (1895).

    >>> float(plcc([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]))
    1.0
    """
    x, y = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    if weights is not None:
        count = np.asarray(weights, dtype=float)
        if not (count >= 0).all():
            raise ValueError("weights say how often a pair counts: none may be negative or NaN")
        x, y, count = x[count > 0], y[count > 0], count[count > 0]
    if len(y) < 2:
        return np.full(x.shape[1:], np.nan)
    # no mean of infinite numbers
    x, y = np.where(np.isfinite(x), x, np.nan), np.where(np.isfinite(y), y, np.nan)
    x, y = x / _largest(x), y / _largest(y)  # a sum of large ones overflows
    # a constant column is exactly constant, whatever its mean rounds to
    varies = (x != x[:1]).any(axis=0) & (y != y[0]).any()
    if weights is None:
        x, y = x - x.mean(axis=0), y - y.mean()
    else:
        x, y = x - count @ x / count.sum(), y - count @ y / count.sum()
    # numbers near the ends of what a float can hold: their squares are 0 or infinite
    x, y = x / _largest(x), y / _largest(y)
    weighted = y if weights is None else count * y
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = (x * x).sum(axis=0) if weights is None else count @ (x * x)
        r = (weighted @ x) / np.sqrt(squares * (weighted @ y))
    return np.where(varies, np.clip(r, -1, 1), np.nan)


def _largest(values: Floats) -> Floats:
    """The power of 2 below the largest absolute value of each column: dividing by it rounds nothing."""
    _, exponent = np.frexp(np.abs(values).max(axis=0))
    return np.asarray(np.ldexp(1.0, exponent - 1))


def krcc(scores: ArrayLike, opinion: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Kendall's tau-b, which corrects for ties: ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``.

    Kendall, The treatment of ties in ranking problems (1945); counted in O(n log n) as Knight, A computer method for
    calculating Kendall's tau with ungrouped data (1966). Weights have to be whole numbers: rows are repeated.

    >>> float(krcc([1.0, 2.0, 3.0], [10.0, 30.0, 20.0]).round(4))
    0.3333
    """
    scores, opinion = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    if weights is not None:
        count = np.asarray(weights, dtype=float)
        if (count != np.round(count)).any() or (count < 0).any():
            raise ValueError("Kendall's tau takes whole numbers as weights: how often a pair counts")
        scores, opinion = np.repeat(scores, count.astype(int), axis=0), np.repeat(opinion, count.astype(int))
    if len(opinion) < 2:
        return np.full(scores.shape[1:], np.nan)
    columns = scores[:, None] if scores.ndim == 1 else scores
    taus = [scipy.stats.kendalltau(column, opinion, variant="b").statistic for column in columns.T]
    return np.array(taus, dtype=float).reshape(scores.shape[1:])


def srcc_by_group(scores: ArrayLike, opinion: ArrayLike, groups: ArrayLike) -> dict[object, Floats]:
    """The SRCC within each group (distortion, reference), by the group's name in sorted order; NaN where undefined."""
    scores, opinion, groups = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float), np.asarray(groups)
    return {group: srcc(scores[groups == group], opinion[groups == group]) for group in np.unique(groups)}


FEWEST_PAIRS = 10  # of a group within which a correlation means something


def large_enough(groups: ArrayLike, fewest: int = FEWEST_PAIRS) -> NDArray[np.generic]:
    """The names of the groups with so many pairs, in sorted order; all of them where none has.

    >>> large_enough(["a", "b", "b", "b"], 3).tolist(), large_enough(["a", "b"], 3).tolist()
    (['b'], ['a', 'b'])
    """
    names, counts = np.unique(np.asarray(groups), return_counts=True)
    return names[counts >= fewest] if (counts >= fewest).any() else names


def srcc_within(
    scores: ArrayLike,
    opinion: ArrayLike,
    groups: ArrayLike,
    *,
    absolute: bool = False,
    fewest: int = FEWEST_PAIRS,
    average: Literal["mean", "fisher_z"] = "mean",
) -> Floats:
    """Mean over groups (distortions, say) of the SRCC within a group; groups in which it is undefined do not count.

    ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``; NaN where no group has one. Groups with few pairs are
    left out (``large_enough`` names the others): one photograph's type with six images counted as much as a hundred.

    Args:
        scores: ``[n]`` or ``[n, columns]``, larger = better.
        opinion: ``[n]``, larger = better.
        groups: ``[n]``.
        absolute: the mean of absolute values, as some papers print; it hides groups that disagree.
        fewest: pairs of a group that counts; where none has so many, all count.
        average: of the correlations, as papers print it, or of their Fisher's z, back as a correlation.
    """
    scores = np.asarray(scores, dtype=float)
    kept = set(large_enough(groups, fewest).tolist()) if len(np.asarray(groups)) else set()
    of_groups = srcc_by_group(scores, opinion, groups)
    each = np.array([value for name, value in of_groups.items() if name in kept]).reshape(-1, *scores.shape[1:])
    if average == "fisher_z":
        each = np.arctanh(np.clip(each, -0.999999, 0.999999))
    each = np.abs(each) if absolute else each
    defined = np.isfinite(each).sum(axis=0)
    mean = np.nansum(each, axis=0) / np.maximum(defined, 1)
    return np.where(defined > 0, np.tanh(mean) if average == "fisher_z" else mean, np.nan)


def fisher_z(r: ArrayLike) -> Floats:
    """Fisher's transformation artanh(r) of correlations, any shape; -inf and inf at -1 and 1, NaN outside.

    Fisher, Frequency distribution of the values of the correlation coefficient in samples from an indefinitely large
    population (1915).

    >>> float(fisher_z(0.5).round(4))
    0.5493
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        z: Floats = np.arctanh(np.asarray(r, dtype=float))
    return z
