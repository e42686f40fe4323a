"""Intervals by resampling references: images of one reference are not independent observations.

Nothing is sorted twice for a resample. Its mid-ranks are sums over the clusters of counts that do not change, times how
often each cluster was drawn. With few clusters all of a resample's correlation is a cubic form in these numbers of
draws (exact: sums of quarters of whole numbers); with many it is cumulative sums of weights, in the order of one sort.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# numbers worked on at once, 8 bytes each: bounds the memory whatever the number of resamples, pairs or clusters
_CHUNK = 2_000_000


def cluster_bootstrap(
    scores: ArrayLike,
    opinion: ArrayLike,
    clusters: ArrayLike,
    *,
    resamples: int = 2000,
    seed: int = 0,
    crossed: ArrayLike | None = None,
    statistic: Literal["srcc", "plcc"] = "srcc",
) -> Floats:
    """The correlation of every column in every resample of whole clusters, ``[resamples, columns]``.

    As many clusters as there are are drawn with replacement, all rows of a drawn cluster are taken as often as it was
    drawn, and mid-ranks are made anew. Davison & Hinkley, Bootstrap methods and their application (1997), 3.8.

    Args:
        scores: ``[n]`` or ``[n, columns]``, finite.
        opinion: ``[n]``, finite.
        clusters: ``[n]``, the reference of each row.
        resamples: number of resamples.
        seed: of the drawing, which is the same for all columns, and for all tables with the same clusters: so
            differences of columns are paired.
        crossed: ``[n]``, the distortion of each row, say: drawn too, independently, and a row counts as often as its
            cluster times its distortion (Owen, The pigeonhole bootstrap, 2007). The interval is then about other
            references and other distortions.
        statistic: ``srcc``, or ``plcc`` without mapping.

    Returns:
        NaN where a resample has no variance (with one cluster there is nothing to draw, and all is NaN), and in
        columns with a NaN.

    Raises:
        ValueError: another statistic.
    """
    columns, target, number, cluster = _checked(scores, opinion, clusters)
    if number < 2:
        return np.full((resamples, columns.shape[1]), np.nan)
    generator = np.random.default_rng(seed)
    if crossed is None:
        return correlations_of_draws(columns, target, cluster, _draws(number, generator), resamples, statistic)
    others, other = np.unique(np.asarray(crossed), return_inverse=True)
    if len(others) < 2:
        return np.full((resamples, columns.shape[1]), np.nan)
    draw, draw_other = _draws(number, generator), _draws(len(others), np.random.default_rng([seed, 1]))

    def weights(some: int) -> Floats:
        product: Floats = draw(some)[:, cluster] * draw_other(some)[:, other]
        return product

    return _by_weights(columns, target, weights, resamples, statistic)


def jackknife(
    scores: ArrayLike, opinion: ArrayLike, clusters: ArrayLike, *, statistic: Literal["srcc", "plcc"] = "srcc"
) -> Floats:
    """The correlation of every column without each cluster in turn, ``[clusters, columns]``, clusters in sorted order.

    Arguments as of ``cluster_bootstrap``.
    """
    columns, target, number, cluster = _checked(scores, opinion, clusters)
    left_out = iter(range(number))

    def draw(some: int) -> Floats:
        draws = np.ones((some, number))
        draws[np.arange(some), [next(left_out) for _ in range(some)]] = 0
        return draws

    return correlations_of_draws(columns, target, cluster, draw, number, statistic)


def percentile_interval(
    distribution: Floats, confidence: float = 0.95, clusters: int | None = None
) -> tuple[Floats, Floats]:
    """The lower and upper percentile of each column of ``[resamples, columns]``; NaN resamples do not count.

    Args:
        distribution: of the resamples.
        confidence: between 0 and 1.
        clusters: how many were drawn from. With few of them percentiles are too narrow (of 25 references by 7 %); given
            their number, further ones are taken (the expanded percentile interval of Hesterberg, What teachers should
            know about the bootstrap, 2015). None: the plain percentiles, which other papers report.
    """
    tail = 100 * (1 - confidence) / 2
    if clusters is not None and clusters > 1:
        further = scipy.stats.t.ppf((1 - confidence) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
        tail = 100 * float(scipy.stats.norm.cdf(further))
    empty = ~np.isfinite(distribution).any(axis=0)
    low, high = np.nanpercentile(np.where(empty, 0.0, distribution), [tail, 100 - tail], axis=0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def bca_interval(
    distribution: Floats, estimate: ArrayLike, left_out: Floats, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """The bias-corrected and accelerated interval of each column (Efron, Better bootstrap confidence intervals, 1987).

    Args:
        distribution: of the resamples, ``[resamples, columns]``; a difference of columns has one column.
        estimate: from all rows, ``[columns]``.
        left_out: of the jackknife over the same clusters, ``[clusters, columns]``.
        confidence: between 0 and 1.

    Returns:
        NaN where the estimate lies outside of all resamples, or the jackknife does not vary.
    """
    estimates = np.atleast_1d(np.asarray(estimate, dtype=float))
    low, high = np.full(len(estimates), np.nan), np.full(len(estimates), np.nan)
    quantiles = scipy.stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    for number, value in enumerate(estimates):
        drawn = distribution[np.isfinite(distribution[:, number]), number]
        others = left_out[np.isfinite(left_out[:, number]), number]
        away = others.mean() - others if len(others) else others
        spread = np.sum(away**2) ** 1.5
        if not len(drawn) or spread == 0 or not np.isfinite(value):
            continue
        share = np.mean(drawn < value) + np.mean(drawn == value) / 2
        if not 0 < share < 1:
            continue
        bias, acceleration = scipy.stats.norm.ppf(share), np.sum(away**3) / (6 * spread)
        shifted = bias + quantiles
        low[number], high[number] = np.quantile(
            drawn, scipy.stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))
        )
    return low, high


def bootstrap_p(distribution: Floats, null: float = 0.0) -> Floats:
    """Two-sided p value of each column of ``[resamples, columns]``: twice the smaller share on either side of ``null``.

    Never 0: the observed order counts as one resample more (Davison & Hinkley, 1997, 4.2). NaN without resamples.
    """
    drawn = np.isfinite(distribution)
    number = drawn.sum(axis=0)
    below = (drawn & (distribution <= null)).sum(axis=0)
    above = (drawn & (distribution >= null)).sum(axis=0)
    p = np.minimum(1.0, 2 * (np.minimum(below, above) + 1) / (number + 1))
    return np.where(number > 0, p, np.nan)


Draw = Callable[[int], Floats]  # the next so many draws, [number, clusters] or [number, n]


def correlations_of_draws(
    columns: Floats, opinion: Floats, cluster: Indices, draw: Draw, number: int, statistic: str = "srcc"
) -> Floats:
    """The correlation of every column when each cluster counts as often as drawn, ``[number, columns]``.

    Args:
        columns: ``[n, columns]``.
        opinion: ``[n]``.
        cluster: index of each row's cluster, from 0.
        draw: gives the next draws, ``[as many as asked, clusters]``.
        number: of draws in all.
        statistic: ``srcc`` or ``plcc``.
    """
    clusters = int(cluster.max()) + 1 if len(cluster) else 0
    # measured: the form is worth its sums with few clusters and many draws
    if statistic == "srcc" and clusters**3 <= 100 * len(opinion) and 10 * number >= clusters**2:
        return _by_cubic_form(columns, opinion, cluster, clusters, draw, number)
    return _by_weights(columns, opinion, lambda some: draw(some)[:, cluster], number, statistic)


def _checked(scores: ArrayLike, opinion: ArrayLike, clusters: ArrayLike) -> tuple[Floats, Floats, int, Indices]:
    target = np.asarray(opinion, dtype=float)
    table = np.asarray(scores, dtype=float)
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    return (table[:, None] if table.ndim == 1 else table), target, len(names), cluster


def _draws(clusters: int, generator: np.random.Generator) -> Draw:
    """How often each of so many clusters is drawn when as many are drawn as there are."""
    share = np.full(clusters, 1 / clusters)
    return lambda number: generator.multinomial(clusters, share, size=number).astype(float)


def _chunks(number: int, size: int) -> Iterator[slice]:
    for start in range(0, number, max(1, size)):
        yield slice(start, min(start + max(1, size), number))


def _by_cubic_form(
    columns: Floats, opinion: Floats, cluster: Indices, clusters: int, draw: Draw, number: int
) -> Floats:
    """Spearman's correlations from sums over triples of clusters, which do not depend on the draws."""
    order = np.argsort(cluster, kind="stable")
    sizes = np.bincount(cluster, minlength=clusters).astype(float)
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(int)

    def counts(values: Floats) -> Floats:
        return _counts_below(values, cluster, clusters)[order]

    def form(one: Floats, other: Floats) -> Floats:
        """Sum over the rows of each cluster of products of counts, ``[clusters^2, clusters]``."""
        parts = [one[start:stop].T @ other[start:stop] for start, stop in zip(bounds, bounds[1:], strict=False)]
        return np.stack([part.ravel() for part in parts], axis=1)

    finite = np.isfinite(columns).all(axis=0) if np.isfinite(opinion).all() else np.zeros(columns.shape[1], bool)
    result = np.full((number, columns.shape[1]), np.nan)
    usable = np.flatnonzero(finite)
    if not len(usable):
        return result
    drawn = draw(number)
    y = counts(opinion)
    pairs = list(_chunks(number, _CHUNK // clusters**2))
    centre = (drawn @ sizes) ** 3 / 4

    def apply(forms: Floats) -> Floats:
        """Cubic forms ``[clusters^2, clusters x m]`` of every draw, less those of mean ranks, ``[number, m]``."""
        values = np.empty((number, forms.shape[1] // clusters))
        for part in pairs:
            some = drawn[part]
            products = (some[:, :, None] * some[:, None, :]).reshape(len(some), -1) @ forms
            values[part] = np.einsum("rmc,rc->rm", products.reshape(len(some), -1, clusters), some)
        centred: Floats = values - centre[:, None]
        return centred

    variance_y = apply(form(y, y))[:, 0]
    for some in _chunks(len(usable), 4 * _CHUNK // clusters**3):
        ranked = [counts(columns[:, place]) for place in usable[some]]
        with_y = apply(np.concatenate([form(x, y) for x in ranked], axis=1))
        with_x = apply(np.concatenate([form(x, x) for x in ranked], axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            result[:, usable[some]] = with_y / np.sqrt(with_x * variance_y[:, None])
    return result


def _counts_below(values: Floats, cluster: Indices, clusters: int) -> Floats:
    """How many rows of each cluster lie below each row, ties counting half: ``[n, clusters]``."""
    _, place = np.unique(values, return_inverse=True)
    groups = place.max() + 1
    tied = np.bincount(place * clusters + cluster, minlength=groups * clusters).reshape(groups, clusters)
    counts: Floats = (np.cumsum(tied, axis=0) - tied / 2)[place]
    return counts


def _by_weights(columns: Floats, opinion: Floats, draw: Draw, number: int, statistic: str) -> Floats:
    """Correlations from weights of rows; ``draw`` gives them, ``[as many as asked, n]``."""
    if statistic not in ("srcc", "plcc"):
        raise ValueError(f"statistic={statistic}: choose srcc or plcc")
    result = np.full((number, columns.shape[1]), np.nan)
    usable = np.flatnonzero(np.isfinite(columns).all(axis=0))
    if not len(opinion) or not len(usable) or not np.isfinite(opinion).all():
        return result
    varies = [place for place in usable if (columns[:, place] != columns[0, place]).any()]
    ordered = {place: _Order(columns[:, place]) for place in varies} if statistic == "srcc" else {}
    target = _Order(opinion)
    for part in _chunks(number, _CHUNK // len(opinion)):
        weights = np.ascontiguousarray(draw(part.stop - part.start).T)
        total = weights.sum(axis=0)
        y = target.ranks(weights) - total / 2 if statistic == "srcc" else _centred(opinion, weights, total)
        weighted = weights * y
        variance_y = np.einsum("nr,nr->r", weighted, y)
        for place in varies:
            if statistic == "srcc":
                x = ordered[place].ranks(weights) - total / 2
            else:
                x = _centred(columns[:, place], weights, total)
            covariance = np.einsum("nr,nr->r", weighted, x)
            variance = np.einsum("nr,nr,nr->r", weights, x, x)
            with np.errstate(invalid="ignore", divide="ignore"):
                result[part, place] = covariance / np.sqrt(variance * variance_y)
    result[np.abs(result) > 1 + 1e-9] = np.nan  # a variance that only rounding made
    clipped: Floats = np.clip(result, -1, 1)
    return clipped


class _Order:
    """The order of a column's rows, sorted once."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        _, self.place, counts = np.unique(values, return_inverse=True, return_counts=True)
        self.last = np.cumsum(counts) - 1

    def ranks(self, weights: Floats) -> Floats:
        """Mid-ranks less one half for weights ``[n, resamples]``, of the same shape."""
        ends = np.cumsum(weights[self.order], axis=0)
        if len(self.last) < len(ends):
            ends = ends[self.last]
        middles = ends.copy()
        middles[1:] += ends[:-1]
        middles *= 0.5
        ranks: Floats = middles[self.place]
        return ranks


def _centred(values: Floats, weights: Floats, total: Floats) -> Floats:
    """Values ``[n]`` less their weighted means, ``[n, resamples]``."""
    scaled = values - values.mean()
    result: Floats = scaled[:, None] - scaled @ weights / total
    return result
