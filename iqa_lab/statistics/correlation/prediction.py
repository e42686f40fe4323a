"""How far predicted opinions are from opinions, in the opinion's own unit. Predictions are scores after a mapping.

All take predictions ``[n]`` or ``[n, columns]`` and give ``[]`` or ``[columns]``. A NaN in a column makes its number
NaN, and so does a NaN among opinions or standard errors.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# of a normal distribution: 95 % lie within so many standard errors
WITHIN_95 = 1.96


def rmse(predicted: ArrayLike, opinion: ArrayLike) -> Floats:
    """Root of the mean squared difference; NaN without pairs. No degrees of freedom are taken off.

    >>> float(rmse([1.0, 2.0], [1.0, 4.0]).round(4))
    1.4142
    """
    residual = _residual(predicted, opinion)
    return np.sqrt((residual**2).mean(axis=0)) if len(residual) else np.full(residual.shape[1:], np.nan)


def outlier_ratio(predicted: ArrayLike, opinion: ArrayLike, standard_error: ArrayLike) -> Floats:
    """Share of pairs whose prediction is further from the opinion than 1.96 standard errors; NaN without pairs.

    A standard error of zero makes an outlier of any difference. VQEG's final report (2000); ITU-T P.1401 (2020).

    >>> float(outlier_ratio([1.0, 2.0], [1.1, 4.0], [0.1, 0.1]))
    0.5
    """
    residual = _residual(predicted, opinion)
    limit = _like(standard_error, residual) * WITHIN_95
    undefined = np.isnan(residual + limit).any(axis=0) | (len(residual) == 0)
    share = (np.abs(residual) > limit).sum(axis=0) / max(len(residual), 1)
    return np.where(undefined, np.nan, share)


def rmse_star(predicted: ArrayLike, opinion: ArrayLike, standard_error: ArrayLike, *, parameters: int = 4) -> Floats:
    """Epsilon-insensitive RMSE: only what exceeds 1.96 standard errors counts as an error.

    sqrt(sum(max(0, abs(difference) - 1.96 standard errors)^2) / (n - parameters)), ITU-T P.1401 (2020).

    Args:
        predicted: ``[n]`` or ``[n, columns]``.
        opinion: ``[n]``.
        standard_error: of each opinion, ``[n]``.
        parameters: of the mapping that made the predictions, taken off the degrees of freedom.

    Returns:
        NaN where no degree of freedom is left.
    """
    residual = _residual(predicted, opinion)
    freedom = len(residual) - parameters
    if freedom < 1:
        return np.full(residual.shape[1:], np.nan)
    excess = np.maximum(np.abs(residual) - WITHIN_95 * _like(standard_error, residual), 0)
    result: Floats = np.sqrt((excess**2).sum(axis=0) / freedom)
    return result


def _residual(predicted: ArrayLike, opinion: ArrayLike) -> Floats:
    predictions = np.asarray(predicted, dtype=float)
    residual: Floats = predictions - _like(opinion, predictions)
    return residual


def _like(values: ArrayLike, columns: Floats) -> Floats:
    """``[n]`` in the shape that goes with ``[n]`` or ``[n, columns]``."""
    numbers = np.asarray(values, dtype=float)
    return numbers if columns.ndim < 2 else numbers[:, None]
