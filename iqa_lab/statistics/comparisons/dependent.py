"""Two metrics on the same images: do their correlations with the opinions differ?

Notation of all: r12 and r13 are the correlations of two metrics with the opinions (variable 1), r23 is the one between
the two metrics; n is the number of pairs. All take numbers or arrays of one shape. These tests were made for Pearson's
correlation of independent observations. Images of one reference are not independent: the paired cluster bootstrap comes
first, and these are what other papers print.

Undefined input gives NaN, never an error: correlations outside of -1..1, three that cannot belong together, too few
pairs.
"""

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.correlation.coefficients import fisher_z

Floats = NDArray[np.float64]


class Comparison(NamedTuple):
    """A test statistic, positive where r12 > r13, and its two-sided p value."""

    statistic: Floats
    p: Floats


class Interval(NamedTuple):
    """The two ends of an interval."""

    low: Floats
    high: Floats


def williams(r12: ArrayLike, r13: ArrayLike, r23: ArrayLike, n: ArrayLike) -> Comparison:
    """Williams' t with n - 3 degrees of freedom (Williams, The comparison of regression variables, 1959).

    >>> williams(0.4, 0.5, 0.1, 103).statistic.round(2).item()
    -0.89
    """
    a, b, c, size = _checked(r12, r13, r23, n)
    with np.errstate(all="ignore"):
        determinant = _determinant(a, b, c)
        mean = (a + b) / 2
        scale = 2 * (size - 1) / (size - 3) * determinant + mean**2 * (1 - c) ** 3
        statistic = (a - b) * np.sqrt((size - 1) * (1 + c) / scale)
    statistic = _where_defined(statistic, a, b, c, size)
    return Comparison(statistic, 2 * scipy.stats.t.sf(np.abs(statistic), np.maximum(size - 3, 1)))


def steiger(r12: ArrayLike, r13: ArrayLike, r23: ArrayLike, n: ArrayLike) -> Comparison:
    """Steiger's z with the pooled correlation (Steiger, Tests for comparing elements of a correlation matrix, 1980).

    His equation 14: the covariance is taken at the mean of the two correlations (Dunn & Clark, 1969).
    """
    a, b, c, size = _checked(r12, r13, r23, n)
    with np.errstate(all="ignore"):
        square = ((a + b) / 2) ** 2
        psi = c * (1 - 2 * square) - square * (1 - 2 * square - c**2) / 2
        covariance = psi / (1 - square) ** 2
        statistic = (fisher_z(a) - fisher_z(b)) * np.sqrt((size - 3) / (2 - 2 * covariance))
    return _normal(_where_defined(statistic, a, b, c, size))


def meng(r12: ArrayLike, r13: ArrayLike, r23: ArrayLike, n: ArrayLike) -> Comparison:
    """The z of Meng, Rosenthal & Rubin, Comparing correlated correlation coefficients (1992)."""
    a, b, c, size = _checked(r12, r13, r23, n)
    with np.errstate(all="ignore"):
        square = (a**2 + b**2) / 2
        f = np.minimum(1, (1 - c) / (2 * (1 - square)))
        h = (1 - f * square) / (1 - square)
        statistic = (fisher_z(a) - fisher_z(b)) * np.sqrt((size - 3) / (2 * (1 - c) * h))
    return _normal(_where_defined(statistic, a, b, c, size))


def zou(r12: ArrayLike, r13: ArrayLike, r23: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Interval:
    """The interval of r12 - r13 (Zou, Toward using confidence intervals to compare correlations, 2007).

    >>> [round(float(end), 3) for end in zou(0.396, 0.179, 0.088, 66)]
    [-0.093, 0.517]
    """
    a, b, c, size = _checked(r12, r13, r23, n)
    with np.errstate(all="ignore"):
        low_a, high_a = fisher_interval(a, size, confidence)
        low_b, high_b = fisher_interval(b, size, confidence)
        k = ((c - a * b / 2) * (1 - a**2 - b**2 - c**2) + c**3) / ((1 - a**2) * (1 - b**2))
        low = a - b - np.sqrt((a - low_a) ** 2 + (high_b - b) ** 2 - 2 * k * (a - low_a) * (high_b - b))
        high = a - b + np.sqrt((high_a - a) ** 2 + (b - low_b) ** 2 - 2 * k * (high_a - a) * (b - low_b))
    return Interval(_where_defined(low, a, b, c, size), _where_defined(high, a, b, c, size))


def fisher_interval(
    r: ArrayLike, n: ArrayLike, confidence: float = 0.95, standard_error: ArrayLike | None = None
) -> Interval:
    """The interval of one correlation of independent pairs, by Fisher's z with standard error 1 / sqrt(n - 3).

    Args:
        r: a correlation.
        n: number of pairs, more than 3.
        confidence: between 0 and 1.
        standard_error: of z, where it is another: sqrt(bonett_wright(r, n)) for Spearman's correlation.
    """
    correlation, size = np.asarray(r, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(all="ignore"):
        error = 1 / np.sqrt(size - 3) if standard_error is None else np.asarray(standard_error, dtype=float)
        half = scipy.stats.norm.ppf((1 + confidence) / 2) * error
        z = fisher_z(correlation)
        low, high = np.where(size > 3, np.tanh([z - half, z + half]), np.nan)
    return Interval(low, high)


def bonett_wright(r: ArrayLike, n: ArrayLike) -> Floats:
    """Variance of Fisher's z of a Spearman correlation: (1 + r^2 / 2) / (n - 3); NaN for n <= 3.

    Bonett & Wright, Sample size requirements for estimating Pearson, Kendall and Spearman correlations (2000).
    """
    correlation, size = np.asarray(r, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(all="ignore"):
        return np.where((size > 3) & (np.abs(correlation) <= 1), (1 + correlation**2 / 2) / (size - 3), np.nan)


def _checked(*values: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in values)))


def _determinant(a: Floats, b: Floats, c: Floats) -> Floats:
    determinant: Floats = 1 - a**2 - b**2 - c**2 + 2 * a * b * c
    return determinant


def _where_defined(value: Floats, a: Floats, b: Floats, c: Floats, n: Floats) -> Floats:
    inside = (np.abs(a) < 1) & (np.abs(b) < 1) & (np.abs(c) < 1) & (n > 3)
    # rounding may make the determinant of two almost equal metrics a little negative
    return np.where(inside & (_determinant(a, b, c) > -1e-9) & np.isfinite(value), value, np.nan)


def _normal(statistic: Floats) -> Comparison:
    return Comparison(statistic, 2 * scipy.stats.norm.sf(np.abs(statistic)))
