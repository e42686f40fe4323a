"""Values of a sample -> an interval of the median that holds whatever their distribution is (order statistics)."""

from collections.abc import Sequence

import scipy


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Two of the values, between which the median lies with at least this confidence; None of fewer than there must be.

    The k-th lowest and the k-th highest, k as large as it can be: the median is outside with twice the probability that
    fewer than k of n throws of a coin are heads.

    Args:
        values: independent draws.
        confidence: at least.

    >>> median_interval([5, 1, 2, 4, 3]), median_interval([6, 5, 1, 2, 4, 3])
    (None, (1, 6))
    """
    ordered = sorted(values)
    k = int(scipy.stats.binom.ppf((1 - confidence) / 2, len(ordered), 0.5))
    if k < 1 or 2 * float(scipy.stats.binom.cdf(k - 1, len(ordered), 0.5)) > 1 - confidence:
        return None
    return ordered[k - 1], ordered[-k]
