"""Intervals by resampling references: images of one reference are no independent observations."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# resamples worked on at once: bounds the memory at about 3 x this x pairs x 8 bytes
_CHUNK = 250


def cluster_bootstrap(
    scores: ArrayLike, opinion: ArrayLike, clusters: ArrayLike, *, resamples: int = 2000, seed: int = 0
) -> Floats:
    """The SRCC of every column in every resample of whole clusters, ``[resamples, columns]``.

    As many clusters as there are are drawn with replacement, all rows of a drawn cluster are taken, and mid-ranks are
    made anew. Nothing is sorted twice for that: the rank of a row in a resample is the number of resampled rows below
    it, a sum over clusters of counts that do not change, times how often each cluster was drawn.

    Args:
        scores: ``[n]`` or ``[n, columns]``, finite.
        opinion: ``[n]``, finite.
        clusters: ``[n]``, the reference of each row.
        resamples: number of resamples.
        seed: of the drawing, which is the same for all columns: differences of columns are paired.

    Returns:
        NaN where a resample has no variance (with one cluster there is nothing to draw, and all is NaN).
    """
    opinion = np.asarray(opinion, dtype=float)
    columns = np.asarray(scores, dtype=float).reshape(len(opinion), -1)
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return np.full((resamples, columns.shape[1]), np.nan)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    opinion_counts = _counts_below(opinion, cluster, len(names))
    result = np.empty((resamples, columns.shape[1]))
    for number, column in enumerate(columns.T):
        counts = _counts_below(column, cluster, len(names))
        for start in range(0, resamples, _CHUNK):
            drawn = draws[start : start + _CHUNK].astype(float)
            result[start : start + _CHUNK, number] = _weighted_srcc(counts, opinion_counts, drawn, cluster)
    return result


def percentile_interval(distribution: Floats, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """The lower and upper percentile of each column of ``[resamples, columns]``; NaN resamples do not count."""
    tail = 100 * (1 - confidence) / 2
    empty = ~np.isfinite(distribution).any(axis=0)
    low, high = np.nanpercentile(np.where(empty, 0.0, distribution), [tail, 100 - tail], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _counts_below(values: Floats, cluster: NDArray[np.intp], number: int) -> Floats:
    """How many rows of each cluster lie below each row, ties counting half: ``[clusters, n]``."""
    counts = np.empty((number, len(values)))
    for index in range(number):
        own = np.sort(values[cluster == index])
        counts[index] = (np.searchsorted(own, values, "left") + np.searchsorted(own, values, "right")) / 2
    return counts


def _weighted_srcc(x_counts: Floats, y_counts: Floats, drawn: Floats, cluster: NDArray[np.intp]) -> Floats:
    """Spearman's correlation in each resample, ``[R]``, from counts ``[clusters, n]`` and draws ``[R, clusters]``."""
    weight = drawn[:, cluster]
    # mid-ranks less one half; their weighted mean is half the number of resampled rows
    centre = weight.sum(axis=1, keepdims=True) / 2
    x, y = drawn @ x_counts - centre, drawn @ y_counts - centre
    weighted = weight * x
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = np.einsum("ri,ri->r", weighted, y)
        variances = np.einsum("ri,ri->r", weighted, x) * np.einsum("ri,ri,ri->r", weight, y, y)
        r: Floats = covariance / np.sqrt(variances)
    return r
