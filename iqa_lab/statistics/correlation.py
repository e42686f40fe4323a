"""Correlations of scores with opinions, for one column ``[n]`` or many at once ``[n, columns]``.

Signs are kept: a caller turns distances into qualities before, never with ``abs`` after. Fewer than two pairs, a
constant column or a NaN give NaN.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau, rankdata

Floats = NDArray[np.float64]


def srcc(scores: ArrayLike, opinion: ArrayLike) -> Floats:
    """Spearman's rank correlation, mid-ranks for ties: ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``.

    Spearman, The proof and measurement of association between two things (1904).

    >>> float(srcc([1.0, 2.0, 3.0], [10.0, 30.0, 20.0]))
    0.5
    """
    scores, opinion = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    if len(opinion) == 0:
        return np.full(scores.shape[1:], np.nan)
    return plcc(rankdata(scores, axis=0, nan_policy="propagate"), rankdata(opinion, nan_policy="propagate"))


def plcc(scores: ArrayLike, opinion: ArrayLike) -> Floats:
    """Pearson's correlation, without any mapping: ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``.

    >>> float(plcc([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]))
    1.0
    """
    x, y = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    if len(y) < 2:
        return np.full(x.shape[1:], np.nan)
    # a constant column is exactly constant, whatever its mean rounds to
    varies = (x != x[:1]).any(axis=0) & (y != y[0]).any()
    x, y = x - x.mean(axis=0), y - y.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (y @ x) / np.sqrt((x * x).sum(axis=0) * (y @ y))
    return np.where(varies, np.clip(r, -1, 1), np.nan)


def krcc(scores: ArrayLike, opinion: ArrayLike) -> Floats:
    """Kendall's tau-b, which corrects for ties: ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``.

    Kendall, The treatment of ties in ranking problems (1945).
    """
    scores, opinion = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    if len(opinion) < 2:
        return np.full(scores.shape[1:], np.nan)
    columns = scores.reshape(len(opinion), -1)
    taus = [kendalltau(column, opinion, variant="b").statistic for column in columns.T]
    return np.array(taus, dtype=float).reshape(scores.shape[1:])


def srcc_within(scores: ArrayLike, opinion: ArrayLike, groups: ArrayLike) -> Floats:
    """Mean over groups (distortions, say) of the SRCC within a group; groups in which it is undefined do not count.

    ``[]`` for scores ``[n]``, ``[columns]`` for ``[n, columns]``; NaN where no group has one.
    """
    scores, opinion = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    groups = np.asarray(groups)
    each = np.array([srcc(scores[groups == group], opinion[groups == group]) for group in np.unique(groups)])
    defined = np.isfinite(each).sum(axis=0)
    return np.where(defined > 0, np.nansum(each, axis=0) / np.maximum(defined, 1), np.nan)
