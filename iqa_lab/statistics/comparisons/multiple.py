"""Many tests at once: p values corrected for their number. NaN is not a test: it stays, and does not count."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def holm(p: ArrayLike) -> Floats:
    """P values that control the chance of any false claim (Holm, A simple sequentially rejective procedure, 1979).

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    return _corrected(p, lambda ascending: np.maximum.accumulate(ascending * np.arange(len(ascending), 0, -1)))


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """P values that control the expected share of false claims (Benjamini & Hochberg, 1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """

    def correct(ascending: Floats) -> Floats:
        shares = ascending * len(ascending) / np.arange(1, len(ascending) + 1)
        smallest: Floats = np.minimum.accumulate(shares[::-1])[::-1]
        return smallest

    return _corrected(p, correct)


def _corrected(p: ArrayLike, correct: Callable[[Floats], Floats]) -> Floats:
    """The corrected p values of those that are tests; ``correct`` takes them in ascending order."""
    values = np.asarray(p, dtype=float)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    result = np.full(values.shape, np.nan)
    result[order] = np.minimum(correct(values[order]), 1.0)
    return result
