"""Many tests at once: p values corrected for their number. NaN are no tests: they stay, and do not count."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.multitest import multipletests

Floats = NDArray[np.float64]


def holm(p: ArrayLike) -> Floats:
    """P values that control the chance of any false claim (Holm, A simple sequentially rejective procedure, 1979).

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    return _corrected(p, "holm")


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """P values that control the expected share of false claims (Benjamini & Hochberg, 1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    return _corrected(p, "fdr_bh")


def _corrected(p: ArrayLike, method: str) -> Floats:
    values = np.asarray(p, dtype=float)
    tested = np.isfinite(values)
    result = np.full(values.shape, np.nan)
    if tested.any():
        result[tested] = multipletests(values[tested], method=method)[1]
    return result
