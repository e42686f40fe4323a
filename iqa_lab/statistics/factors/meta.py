"""Effects of several benchmarks with their standard errors -> one effect over benchmarks, by random effects.

Restricted maximum likelihood (or DerSimonian & Laird's moments) for the variance between benchmarks, Hartung & Knapp's
error of the mean: what R's ``metafor::rma(method=, test="knha")`` gives.
"""

from dataclasses import dataclass
from math import nan, sqrt
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """The mean effect over benchmarks, and how much they differ."""

    effect: float
    se: float
    low: float
    high: float
    p: float  # two-sided
    tau2: float  # variance of true effects between benchmarks
    i2: float  # share of it in the variance of a typical benchmark's effect, in percent
    prediction_low: float  # where the true effect of another benchmark lies
    prediction_high: float
    benchmarks: int


def random_effects(
    effects: ArrayLike,
    standard_errors: ArrayLike,
    *,
    method: Literal["REML", "DL"] = "REML",
    hartung_knapp: bool = True,
    confidence: float = 0.95,
) -> Pooled:
    """The mean of effects of benchmarks that are a sample of benchmarks; NaN with fewer than two.

    Viechtbauer, Conducting meta-analyses in R with the metafor package (2010); Hartung & Knapp, A refined method for
    the meta-analysis of controlled clinical trials (2001). The errors have to be independent of each other.

    Args:
        effects: one a benchmark; where it or its error is NaN the benchmark is left out.
        standard_errors: of the effects, > 0.
        method: of the variance between benchmarks.
        hartung_knapp: the error of the mean from the spread of effects, with t; False: from the weights, with z.
        confidence: of the intervals.

    Raises:
        ValueError: an error is not positive.
    """
    y, se = np.asarray(effects, dtype=float), np.asarray(standard_errors, dtype=float)
    known = np.isfinite(y) & np.isfinite(se)
    y, v = y[known], se[known] ** 2
    if not (se[known] > 0).all():
        raise ValueError("a standard error is above 0")
    number = len(y)
    if number < 2:
        return Pooled(nan, nan, nan, nan, nan, nan, nan, nan, nan, number)
    return pooled(y, v, _restricted(y, v) if method == "REML" else _moments(y, v), hartung_knapp, confidence)


def pooled(y: Floats, v: Floats, tau2: float, hartung_knapp: bool = True, confidence: float = 0.95) -> Pooled:
    """The mean of two effects or more with their variances, where the variance between benchmarks is known."""
    number = len(y)
    weights = 1 / (v + tau2)
    mean = float(weights @ y / weights.sum())
    error = 1 / sqrt(weights.sum())
    if hartung_knapp:
        error = sqrt(float(weights @ (y - mean) ** 2) / (number - 1) / weights.sum())
    reach = float(
        scipy.stats.t.ppf((1 + confidence) / 2, number - 1)
        if hartung_knapp
        else scipy.stats.norm.ppf((1 + confidence) / 2)
    )
    statistic = abs(mean) / error if error > 0 else np.inf if mean else nan
    p = float(2 * (scipy.stats.t.sf(statistic, number - 1) if hartung_knapp else scipy.stats.norm.sf(statistic)))
    fixed = 1 / v
    typical = (number - 1) * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    beyond = reach * sqrt(error**2 + tau2)
    return Pooled(
        mean, error, mean - reach * error, mean + reach * error, p, tau2, float(100 * tau2 / (tau2 + typical)),
        mean - beyond, mean + beyond, number,
    )  # fmt: skip


def _moments(y: Floats, v: Floats) -> float:
    """DerSimonian & Laird's variance between benchmarks."""
    weights = 1 / v
    spread = float(weights @ (y - weights @ y / weights.sum()) ** 2)
    return max(0.0, (spread - (len(y) - 1)) / float(weights.sum() - (weights**2).sum() / weights.sum()))


def _restricted(y: Floats, v: Floats) -> float:
    """The variance between benchmarks of the highest restricted likelihood."""

    def deviance(tau2: float) -> float:
        weights = 1 / (v + tau2)
        mean = weights @ y / weights.sum()
        return float(-np.log(weights).sum() + np.log(weights.sum()) + weights @ (y - mean) ** 2)

    # the likelihood may have two hills: the highest of a grid, then its neighbourhood
    widest = 10 * float(np.var(y) + v.max())
    grid = np.concatenate([[0.0], np.geomspace(widest * 1e-8, widest, 200)])
    best = int(np.argmin([deviance(value) for value in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = scipy.optimize.minimize_scalar(
        deviance, bounds=(low, high), method="bounded", options={"xatol": 1e-12 * widest}
    )
    return float(found.x) if found.fun < deviance(grid[best]) else float(grid[best])
