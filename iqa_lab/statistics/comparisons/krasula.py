"""Does a metric tell different pairs from similar ones, and the better image from the worse?

Krasula, Fliegel, Le Callet & Klima, On the accuracy of objective image and video quality models: new methodology for
performance evaluation, QoMEX 2016; ITU-T P.1401 (2020). Neither a mapping nor its form is needed, and opinions that
people cannot tell apart do not count as ranks. The pairs here are pairs of images, n (n - 1) / 2 of them.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.comparisons.dependent import Comparison

Floats = NDArray[np.float64]

# two opinions differ if their difference exceeds so many standard errors of it
_DIFFERENT = 1.96
MAX_PAIRS = 5_000_000


@dataclass(frozen=True)
class Krasula:
    """Areas under ROC curves, in 0..1, ``[]`` or ``[columns]``; one half is chance."""

    pairs: int  # that were compared
    pairs_different: int  # of these, whose opinions differ significantly
    sampled: bool  # whether only a random sample of all pairs was compared
    auc_ds: Floats  # different or similar: by the size of the difference of scores
    auc_bw: Floats  # better or worse: by its sign and size, different pairs only
    c0: Floats  # share of different pairs whose better image has the higher score


def krasula(
    scores: ArrayLike, opinion: ArrayLike, standard_error: ArrayLike, *, max_pairs: int = MAX_PAIRS, seed: int = 0
) -> Krasula:
    """Krasula's three numbers, from all pairs of images where there are at most ``max_pairs``, else from a sample.

    3000 images make 4.5 million pairs, which are all compared; 10,125 make 51 million, and then ``max_pairs`` random
    ones are (``sampled`` says so). Memory is about 50 bytes a pair, whatever the number of columns.

    Args:
        scores: ``[n]`` or ``[n, columns]``, larger = better.
        opinion: ``[n]``, larger = better.
        standard_error: of each opinion, ``[n]``, not negative.
        max_pairs: compared at most.
        seed: of the sample, drawn with replacement.

    Returns:
        NaN where there are no different pairs (for ``auc_ds`` also no similar ones), or where a score, opinion or
        standard error is none.
    """
    columns = np.asarray(scores, dtype=float)
    shape = columns.shape[1:]
    columns = columns[:, None] if columns.ndim == 1 else columns
    pairs = _pairs(opinion, standard_error, max_pairs, seed)
    results = np.full((3, columns.shape[1]), np.nan)
    for number, column in enumerate(columns.T):
        if pairs.defined and np.isfinite(column).all():
            size, oriented = pairs.differences(column)
            c0 = np.mean(oriented > 0) if len(oriented) else np.nan
            oriented.sort()
            sizes = _sizes_in_order(oriented)
            similar = np.sort(size[~pairs.different])
            results[:, number] = _area(sizes, similar), _area(oriented, -oriented[::-1]), c0
    ds, bw, better = (values.reshape(shape) for values in results)
    return Krasula(len(pairs.first), int(pairs.different.sum()), pairs.sampled, ds, bw, better)


@dataclass(frozen=True)
class KrasulaComparison:
    """Two metrics on the same pairs; the statistic is positive where the first is better."""

    auc_ds: Comparison
    auc_bw: Comparison


def compare_krasula(
    first: ArrayLike,
    second: ArrayLike,
    opinion: ArrayLike,
    standard_error: ArrayLike,
    *,
    max_pairs: int = MAX_PAIRS,
    seed: int = 0,
) -> KrasulaComparison:
    """DeLong's comparison of two metrics' areas, as Krasula et al. propose.

    It takes pairs as independent, and pairs that share an image are not: with all pairs of a database its p values are
    far too small. Read the sign, and take the cluster bootstrap for evidence.

    Args:
        first: scores of one metric, ``[n]``, larger = better.
        second: of the other.
        opinion: ``[n]``, larger = better.
        standard_error: ``[n]``.
        max_pairs: compared at most, see ``krasula``.
        seed: of the sample.
    """
    pairs = _pairs(opinion, standard_error, max_pairs, seed)
    columns = [np.asarray(first, dtype=float), np.asarray(second, dtype=float)]
    if not pairs.defined or not all(np.isfinite(column).all() for column in columns):
        nothing = Comparison(np.array(np.nan), np.array(np.nan))
        return KrasulaComparison(nothing, nothing)
    both = [pairs.differences(column) for column in columns]
    different = pairs.different
    return KrasulaComparison(
        delong([size[different] for size, _ in both], [size[~different] for size, _ in both]),
        delong([oriented for _, oriented in both], [-oriented for _, oriented in both]),
    )


def area(positive: ArrayLike, negative: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive value exceeds a negative one, ties counting half; NaN if empty.

    >>> area([0.9, 0.4], [0.4, 0.1])
    0.875
    """
    return _area(np.sort(np.asarray(positive, dtype=float)), np.sort(np.asarray(negative, dtype=float)))


def _area(high: Floats, low: Floats) -> float:
    """As ``area``, of values in ascending order."""
    if not len(high) or not len(low) or np.isnan(high[-1]) or np.isnan(low[-1]):
        return float("nan")
    below = np.searchsorted(low, high, "left").sum(dtype=float) + np.searchsorted(low, high, "right").sum(dtype=float)
    return float(below / 2 / len(high) / len(low))


def _sizes_in_order(ordered: Floats) -> Floats:
    """Absolute values, in ascending order, of values in ascending order: two runs, which a stable sort merges."""
    negative = int(np.searchsorted(ordered, 0))
    sizes = np.concatenate([-ordered[:negative][::-1], ordered[negative:]])
    sizes.sort(kind="stable")
    return sizes


def delong(positive: list[Floats], negative: list[Floats]) -> Comparison:
    """Z and two-sided p of the difference of two correlated areas under ROC curves.

    DeLong, DeLong & Clarke-Pearson, Comparing the areas under two or more correlated receiver operating characteristic
    curves (1988).

    Args:
        positive: the values of two metrics for the same positive cases, two arrays ``[m]``.
        negative: likewise for the negative cases, ``[l]``.

    Returns:
        NaN with fewer than two cases of a kind, or where the two do not differ in any case.
    """
    m, size = len(positive[0]), len(negative[0])
    if m < 2 or size < 2:
        return Comparison(np.array(np.nan), np.array(np.nan))
    of_positive, of_negative = [], []
    for high, low in zip(positive, negative, strict=True):
        of_positive.append(_placements(low, high))
        of_negative.append(1 - _placements(high, low))
    difference_positive, difference_negative = of_positive[0] - of_positive[1], of_negative[0] - of_negative[1]
    variance = difference_positive.var(ddof=1) / m + difference_negative.var(ddof=1) / size
    z = np.array(difference_positive.mean() / np.sqrt(variance) if variance > 0 else np.nan)
    return Comparison(z, 2 * scipy.stats.norm.sf(np.abs(z)))


def _placements(among: Floats, values: Floats) -> Floats:
    """The share of ``among`` that lies below each value, ties counting half."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    share: Floats = below / (2 * len(ordered))
    return share


@dataclass(frozen=True)
class _Pairs:
    """Which images are compared, and what people say of them."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    sampled: bool
    defined: bool  # whether all opinions and standard errors are numbers
    better: NDArray[np.int8]  # 1: the first, -1: the second has the better opinion
    different: NDArray[np.bool_]

    def differences(self, column: Floats) -> tuple[Floats, Floats]:
        """Sizes of all pairs' differences of scores; and of different pairs, the better image's less the other's."""
        difference = column[self.first] - column[self.second]
        return np.abs(difference), difference[self.different] * self.better[self.different]


def _pairs(opinion: ArrayLike, standard_error: ArrayLike, max_pairs: int, seed: int) -> _Pairs:
    y, s = np.asarray(opinion, dtype=float), np.asarray(standard_error, dtype=float)
    n = len(y)
    sampled = n * (n - 1) // 2 > max_pairs
    if sampled:
        generator = np.random.default_rng(seed)
        first = generator.integers(n, size=max_pairs, dtype=np.int32)
        second = generator.integers(n - 1, size=max_pairs, dtype=np.int32)
        second += second >= first  # any other image
    else:
        first, second = (indices.astype(np.int32) for indices in np.triu_indices(n, k=1))
    defined = bool(np.isfinite(y).all() and np.isfinite(s).all() and (s >= 0).all())
    difference = y[first] - y[second]
    different = np.abs(difference) > _DIFFERENT * np.sqrt(s[first] ** 2 + s[second] ** 2)
    better = np.sign(np.nan_to_num(difference)).astype(np.int8)
    return _Pairs(first, second, sampled, defined, better, different & defined)
