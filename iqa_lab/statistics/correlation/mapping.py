"""Scores -> predicted opinions: the curves that a PLCC is reported after, fitted by least squares to many columns.

Scores are first oriented so that larger is better; a NaN or infinite score, a constant column, constant opinions and as
few pairs as parameters give NaN and ``converged`` False: never an exception, and never a number that means nothing.

The best curve may lie at infinity (an exponential, or a step); then its parameters have no limit, but the curve has,
and that is what is returned. So compare correlations and fitted values, never parameters.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.correlation.coefficients import plcc
from iqa_lab.statistics.correlation.logistic import best_logistic
from iqa_lab.statistics.correlation.prediction import rmse

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Start = Literal["monotone", "best", "customary"]


@dataclass(frozen=True)
class Mapping:
    """A fitted curve for each column; shapes as the scores', and without their first axis for the summaries."""

    fitted: Floats  # the opinions that it predicts
    plcc: Floats  # Pearson's correlation of fitted and given opinions: 0..1, as of any least squares fit
    rmse: Floats  # root mean squared difference of the two
    direction: (
        Floats  # 1 where the curve rises from the lowest to the highest score, -1 where it falls: a contrary column
    )
    converged: Booleans


def logistic4(scores: ArrayLike, opinion: ArrayLike) -> Mapping:
    """The 4-parameter logistic b2 + (b1 - b2) / (1 + exp(-(x - b3) / abs(b4))), ``[n]`` or ``[n, columns]``.

    VQEG, Final report from the video quality experts group on the validation of objective models of video quality
    assessment (2000); ITU-T P.1401 (2020). It may rise or fall: see ``Mapping.direction``.
    """
    return _fit_columns(scores, opinion, lambda x, y: best_logistic(x, y, linear=False, monotone=False), parameters=4)


def logistic5(scores: ArrayLike, opinion: ArrayLike, start: Start = "monotone") -> Mapping:
    """The 5-parameter logistic b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5, ``[n]`` or ``[n, columns]``.

    Sheikh, Sabir & Bovik, A statistical evaluation of recent full reference image quality assessment algorithms (2006).
    It has many local optima, so one has to say which fit a number is from.

    Args:
        scores: ``[n]`` or ``[n, columns]``, larger = better.
        opinion: ``[n]``, larger = better.
        start: ``monotone``: the best curve that never falls (b1 b2 >= 0, b4 >= 0), the recommended one; where scores
            run against opinions there is none, and the result is NaN. ``best``: without constraint, often a step.
            ``customary``: the optimum that Levenberg-Marquardt reaches from (max y - min y, 1, 0, 0, mean y) on
            standardised scores, which most published programs do.

    Raises:
        ValueError: ``start`` is none of the three.
    """
    if start not in ("monotone", "best", "customary"):
        raise ValueError(f"start={start}: choose monotone, best or customary")
    if start == "customary":
        return _fit_columns(scores, opinion, _customary, parameters=5)
    monotone = start == "monotone"
    return _fit_columns(scores, opinion, lambda x, y: best_logistic(x, y, linear=True, monotone=monotone), parameters=5)


def cubic(scores: ArrayLike, opinion: ArrayLike) -> Mapping:
    """The cubic polynomial, without constraint, ``[n]`` or ``[n, columns]``: what ITU-T P.1401 (2012) asks for."""

    def fit(x: Floats, y: Floats) -> tuple[Floats, Booleans]:
        with warnings.catch_warnings():
            # fewer than four distinct scores: any of the best curves will do
            warnings.filterwarnings("ignore", "The fit may be poorly conditioned")  # NumPy 2 moved its class
            fitted = [np.polynomial.Polynomial.fit(row, y, 3)(row) for row in x]
        return np.array(fitted), np.ones(len(x), dtype=bool)

    return _fit_columns(scores, opinion, fit, parameters=4)


# What fits columns: standardised scores [columns, n] and centred opinions [n] -> predictions [columns, n], converged.
Fit = Callable[[Floats, Floats], tuple[Floats, Booleans]]

# numbers worked on at once: a few arrays of this length stay in the processor's cache
_CHUNK = 200_000


def _fit_columns(scores: ArrayLike, opinion: ArrayLike, fit: Fit, parameters: int) -> Mapping:
    """The mapping that ``fit`` finds of every column that has one."""
    x, y = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    shape = x.shape
    columns = np.ascontiguousarray((x[:, None] if x.ndim == 1 else x).T)
    fitted = np.full(columns.shape, np.nan)
    converged = np.zeros(len(columns), dtype=bool)
    if len(y) > parameters and np.isfinite(y).all() and (y != y[0]).any():
        usable = np.flatnonzero(np.isfinite(columns).all(axis=1) & (columns != columns[:, :1]).any(axis=1))
        centre = y.mean()
        size = max(1, _CHUNK // len(y))
        for first in range(0, len(usable), size):
            chosen = usable[first : first + size]
            predicted, converged[chosen] = fit(_standardised(columns[chosen]), y - centre)
            fitted[chosen] = predicted + centre
    # a constant prediction is no mapping at all
    fitted[(fitted == fitted[:, :1]).all(axis=1)] = np.nan
    converged &= np.isfinite(fitted).all(axis=1)
    ends = np.take_along_axis(fitted, np.stack([columns.argmin(1), columns.argmax(1)], 1), 1) if len(y) else fitted
    direction = np.sign(ends[:, -1] - ends[:, 0]) if len(y) else np.full(len(columns), np.nan)
    predictions = fitted.T.reshape(shape)
    return Mapping(
        fitted=predictions,
        plcc=plcc(predictions, y),
        rmse=rmse(predictions, y),
        direction=direction.reshape(shape[1:]),
        converged=converged.reshape(shape[1:]),
    )


def _standardised(columns: Floats) -> Floats:
    """Rows with mean 0 and standard deviation 1, whatever their magnitude."""
    largest = np.abs(columns).max(axis=1, keepdims=True)
    scaled = columns / largest
    centred = scaled - scaled.mean(axis=1, keepdims=True)
    centred /= np.abs(centred).max(axis=1, keepdims=True)
    standard: Floats = centred / centred.std(axis=1, keepdims=True)
    return standard


def _customary(x: Floats, y: Floats) -> tuple[Floats, Booleans]:
    """What Levenberg-Marquardt reaches from the customary start, row by row."""

    def curve(b: Floats, row: Floats) -> Floats:
        predicted: Floats = b[0] * (0.5 - scipy.special.expit(-b[1] * (row - b[2]))) + b[3] * row + b[4]
        return predicted

    def derivatives(b: Floats, row: Floats) -> Floats:
        g = scipy.special.expit(-b[1] * (row - b[2]))
        slope = b[0] * g * (1 - g)
        return np.stack([0.5 - g, slope * (row - b[2]), -slope * b[1], row, np.ones_like(row)], axis=1)

    fitted, converged = np.full_like(x, np.nan), np.zeros(len(x), dtype=bool)
    start = np.array([np.ptp(y), 1.0, 0.0, 0.0, y.mean()])
    for number, row in enumerate(x):
        found = scipy.optimize.least_squares(
            lambda b, row=row: curve(b, row) - y,
            start,
            lambda b, row=row: derivatives(b, row),
            method="lm",
            max_nfev=2000,
        )
        fitted[number], converged[number] = curve(found.x, row), found.success
    return fitted, converged
