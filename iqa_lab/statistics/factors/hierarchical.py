"""Numbers with several random factors -> differences between levels, with degrees of freedom that fit.

A linear mixed model by restricted maximum likelihood. A z test takes variances between few networks as known, and finds
too much; Satterthwaite's and Kenward & Roger's degrees of freedom do not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from iqa_lab.statistics.factors.units import TooFewUnits

Floats = NDArray[np.float64]
Method = Literal["satterthwaite", "kenward-roger"]
MOST_ROWS = 2000  # the covariance of all rows is held as a whole


@dataclass(frozen=True)
class Fitted:
    """A mixed model that was fitted: ``value ~ level + random factors``."""

    levels: tuple[str, ...]
    means: Floats  # of the levels, ``[levels]``: the coefficients
    covariance: Floats  # of the means
    variances: Mapping[str, float]  # of the random factors, and ``residual``
    converged: bool
    _gradients: tuple[Floats, ...]  # of ``covariance`` by each variance that is not 0
    _observed: Floats  # covariance of the variances, from the observed information
    _expected: Floats  # the same from the expected information
    _adjusted: Floats  # Kenward & Roger's covariance of the means


def fit_hierarchical(data: pd.DataFrame, value: str, factor: str, random: Sequence[str]) -> Fitted:
    """The means of a factor's levels with random factors, crossed or nested, by restricted maximum likelihood.

    Args:
        data: one row an observation.
        value: the column that is explained.
        factor: the column whose levels are compared.
        random: columns whose levels are samples: networks, architectures, benchmarks.

    Raises:
        TooFewUnits: a random factor has as many levels as there are rows, or only one; fewer than two levels; or more
            rows than fit.
    """
    y = data[value].to_numpy(dtype=float)
    levels = sorted(map(str, data[factor].unique()))
    if len(levels) < 2 or len(y) > MOST_ROWS:
        raise TooFewUnits(f"a hierarchical model compares 2 levels of {factor} or more, in at most {MOST_ROWS} rows")
    for name in random:
        if not 1 < data[name].nunique() < len(data):
            raise TooFewUnits(
                f"{data[name].nunique()} levels of {name} in {len(data)} rows: its variance is not defined"
            )
    design = (data[factor].astype(str).to_numpy()[:, None] == np.array(levels)).astype(float)
    scale = float(np.var(y - design @ np.linalg.lstsq(design, y, rcond=None)[0])) or 1.0
    same = [data[name].to_numpy()[:, None] == data[name].to_numpy()[None, :] for name in random]
    parts = [part.astype(float) for part in same] + [np.eye(len(y))]
    found, converged = _variances(y / np.sqrt(scale), design, parts)
    inside = [place for place, variance in enumerate(found) if variance > 1e-8]
    kept = [parts[place] for place in inside]
    inverse, covariance, projection = _solved(design, parts, found)
    left = inverse @ design
    slopes = [-left.T @ part @ left for part in kept]  # Kenward & Roger's P_i
    gradients = [-covariance @ slope @ covariance for slope in slopes]
    projected = [projection @ part for part in kept]
    traces = np.array([[np.sum(one * other.T) for other in projected] for one in projected])
    scaled = y / np.sqrt(scale)
    ahead = [part @ (projection @ scaled) for part in kept]
    observed = np.array([[2 * one @ projection @ other for other in ahead] for one in ahead]) - traces
    expected = 2 * np.linalg.inv(traces)
    correction = sum(
        expected[i, j] * (left.T @ kept[i] @ inverse @ kept[j] @ left - slopes[i] @ covariance @ slopes[j])
        for i in range(len(kept))
        for j in range(len(kept))
    )
    names = [*random, "residual"]
    return Fitted(
        levels=tuple(levels),
        means=covariance @ (left.T @ y),
        covariance=scale * covariance,
        variances={name: float(scale * variance) for name, variance in zip(names, found, strict=True)},
        converged=converged,
        _gradients=tuple(gradients),
        _observed=scale**2 * 2 * np.linalg.pinv(observed),
        _expected=scale**2 * expected,
        _adjusted=scale * (covariance + 2 * covariance @ correction @ covariance),
    )


def differences(fitted: Fitted, method: Method = "kenward-roger", confidence: float = 0.95) -> pd.DataFrame:
    """Every two levels of a fitted model: a row with their difference.

    Satterthwaite 1946 as in lmerTest; Kenward & Roger, Small sample inference for fixed effects from restricted maximum
    likelihood (1997), as in pbkrtest.

    Args:
        fitted: the model.
        method: where standard errors and degrees of freedom come from.
        confidence: of the intervals.

    Returns:
        ``first_level``, ``second_level``, ``difference``, ``se``, ``df``, ``p`` (two-sided), ``low``, ``high``.
    """
    satterthwaite = method == "satterthwaite"
    covariance = fitted.covariance if satterthwaite else fitted._adjusted
    of_variances = fitted._observed if satterthwaite else fitted._expected
    rows = []
    for first, second in combinations(range(len(fitted.levels)), 2):
        contrast = np.zeros(len(fitted.levels))
        contrast[first], contrast[second] = 1, -1
        gradient = np.array([contrast @ part @ contrast for part in fitted._gradients])
        plain = contrast @ fitted.covariance @ contrast
        df = 2 * plain**2 / (gradient @ of_variances @ gradient)
        difference, se = float(contrast @ fitted.means), float(np.sqrt(contrast @ covariance @ contrast))
        reach = float(scipy.stats.t.ppf((1 + confidence) / 2, df)) * se
        p = float(2 * scipy.stats.t.sf(abs(difference) / se, df))
        rows.append((fitted.levels[first], fitted.levels[second], difference, se, float(df), p,
                     difference - reach, difference + reach))  # fmt: skip
    names = ["first_level", "second_level", "difference", "se", "df", "p", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def _solved(design: Floats, parts: Sequence[Floats], variances: Floats) -> tuple[Floats, Floats, Floats]:
    """The inverse of the covariance of all rows, the covariance of the means, and the projection off the means."""
    whole = np.tensordot(variances, np.stack(parts), axes=1)
    inverse = np.asarray(np.linalg.inv(whole), dtype=np.float64)
    left = inverse @ design
    covariance = np.asarray(np.linalg.inv(design.T @ left), dtype=np.float64)
    return inverse, covariance, inverse - left @ covariance @ left.T


def _variances(y: Floats, design: Floats, parts: Sequence[Floats]) -> tuple[Floats, bool]:
    """The variances at which the restricted likelihood is highest; none is negative, the last one is positive."""

    def deviance(variances: Floats) -> tuple[float, Floats]:
        inverse, covariance, projection = _solved(design, parts, variances)
        projected = projection @ y
        value = -np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(covariance)[1] + y @ projected
        gradient = np.array([np.sum(projection * part) - projected @ part @ projected for part in parts])
        return float(value), gradient

    start = np.full(len(parts), 1 / len(parts))
    bounds = [(0.0, None)] * (len(parts) - 1) + [(1e-6, None)]
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000}
    found = scipy.optimize.minimize(deviance, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    variances = np.asarray(found.x, dtype=float)
    for _ in range(20):  # Newton's steps, where no variance is at its bound
        inside = [int(place) for place in np.flatnonzero(variances > 1e-8)]
        _, _, projection = _solved(design, parts, variances)
        projected = projection @ y
        ahead = [parts[place] @ projected for place in inside]
        slope = np.array(
            [np.sum(projection * parts[place]) - projected @ a for place, a in zip(inside, ahead, strict=True)]
        )
        traces = np.array(
            [[np.sum((projection @ parts[i]) * (projection @ parts[j]).T) for j in inside] for i in inside]
        )
        curvature = np.array([[2 * one @ projection @ other for other in ahead] for one in ahead]) - traces
        step = np.linalg.pinv(curvature) @ slope
        following = variances.copy()
        following[inside] -= step
        if (following < 0).any() or deviance(following)[0] > deviance(variances)[0] + 1e-9:
            break
        variances = following
        if np.abs(step).max() < 1e-12:
            break
    gradient = deviance(variances)[1]
    flat = np.where(variances > 1e-8, np.abs(gradient), np.maximum(0, -gradient))
    return variances, bool(flat.max() < 1e-3)
