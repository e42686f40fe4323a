"""Distances of stimuli at known contrasts -> log10 sensitivities of every column, beside people's."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.reading import Reading, rms_db

Floats = NDArray[np.float64]

# A distance is taken to be proportional to contrast if the slope of log d against log c is between these. Over a factor
# of 2 in contrast a slope of .8 moves a threshold by 1.2 dB, about the uncertainty of people's own means.
LINEAR = (0.8, 1.2)
LOWEST = 1e-4  # contrast of a ladder's first step
STEP_DB = 2.0  # between two contrasts of a ladder: thresholds interpolated on log axes are exact to .01 dB
STEPS = 60  # halvings of the criterion: more than the digits of a float64


def ladder(largest: float) -> list[float]:
    """Contrasts from ``LOWEST`` to the largest, in steps of at most ``STEP_DB``.

    >>> [round(c, 4) for c in ladder(1.0)[-3:]], len(ladder(1.0))
    ([0.631, 0.7943, 1.0], 41)
    """
    number = int(np.ceil(20 * np.log10(largest / LOWEST) / STEP_DB - 1e-9))
    return [float(value) for value in np.geomspace(LOWEST, largest, number + 1)]


def read_linear(trials: pd.DataFrame, distances: Floats, people: pd.DataFrame) -> Reading:
    """Log sensitivities s + log10 d of distances d at people's thresholds, and the local slope of log d.

    Args:
        trials: two rows a stimulus (``reference``): at people's threshold and at half of it (``level`` is the
            contrast), with ``distortion`` and ``opinion`` (people's mean log sensitivity).
        distances: of them ``[trials, columns]``; a stimulus with a NaN is left out.
        people: log sensitivities ``[observers, stimuli]``, columns named as the stimuli.

    Returns:
        ``extra``: ``slope`` (the median over stimuli), ``slopes_outside`` (how many are outside of .8..1.2),
        ``rms_db_sloped`` (as ``rms_db``, each log distance divided by its own slope first: what bisection finds if the
        slope goes on) and ``censored`` (stimuli whose distance is 0: such a column has no other statistics).
    """
    numbered, _ = pd.factorize(trials["reference"])
    # of each stimulus the lower contrast, then the higher
    half, at = np.lexsort((trials["level"].to_numpy(float), numbered)).reshape(-1, 2).T
    kept = np.isfinite(distances[at]).all(axis=1) & np.isfinite(distances[half]).all(axis=1)
    at, half = at[kept], half[kept]
    stimuli = trials.iloc[at]
    ratio = np.log10(stimuli["level"].to_numpy(float) / trials["level"].to_numpy(float)[half])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log10(distances[at])
        slope = (log - np.log10(distances[half])) / ratio
    seen = np.isfinite(log)
    human = stimuli["opinion"].to_numpy(float)
    values = np.where(seen, human[:, None] + log, np.nan)
    known = np.isfinite(slope)
    middle = np.nanmedian(np.where(known.any(axis=0), np.where(known, slope, np.nan), 0.0), axis=0)
    inside = (slope >= LINEAR[0]) & (slope <= LINEAR[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        sloped = rms_db(human[:, None] + np.where(slope > 0, log / slope, np.nan), human)
    extra = {
        "rms_db_sloped": sloped,
        "slope": np.where(known.any(axis=0), middle, np.nan),
        "slopes_outside": (~inside).sum(axis=0).astype(float),
        "censored": (~seen).sum(axis=0).astype(float),
    }
    return _reading(stimuli, values, people, extra)


def read_bisected(trials: pd.DataFrame, distances: Floats, people: pd.DataFrame) -> Reading:
    """Log sensitivities where the distance itself reaches a criterion, the same for all stimuli.

    Args:
        trials: stimuli (``reference``) at the same rising contrasts (``level``), with ``distortion`` and ``opinion``.
        distances: of them ``[trials, columns]``; a stimulus with a NaN is left out.
        people: log sensitivities ``[observers, stimuli]``.

    Returns:
        The criterion of each column is the one with which the mean of its log thresholds is people's. ``extra``:
        ``censored`` (stimuli that never reach it, taken as just seen at the highest contrast) and ``not_monotone``
        (stimuli whose distance falls somewhere by more than rounding: their threshold is the first crossing).
    """
    numbered, names = pd.factorize(trials["reference"])
    contrast = trials["level"].to_numpy(float)
    order = np.lexsort((contrast, numbered)).reshape(len(names), -1)  # [stimuli, contrasts]
    cube = distances[order]  # [stimuli, contrasts, columns]
    kept = np.isfinite(cube).all(axis=(1, 2))
    cube, order = cube[kept], order[kept]
    log_c = np.log10(contrast[order[0]])
    stimuli = trials.iloc[order[:, 0]]
    human = stimuli["opinion"].to_numpy(float)
    with np.errstate(divide="ignore"):
        log_d = np.log10(cube)
    # the highest so far: a threshold is where the criterion is first reached
    reached = np.maximum.accumulate(log_d, axis=1)
    falls = (np.diff(cube, axis=1) < -1e-3 * cube[:, :-1]).any(axis=1)
    values = np.empty(cube.shape[::2])
    censored = np.empty(cube.shape[2])
    for column in range(cube.shape[2]):
        thresholds = _with_peoples_mean(reached[:, :, column], log_c, -float(human.mean()))
        values[:, column] = -thresholds
        censored[column] = (thresholds >= log_c[-1]).sum()
    extra = {"censored": censored, "not_monotone": falls.sum(axis=0).astype(float)}
    return _reading(stimuli, values, people, extra)


def _with_peoples_mean(log_d: Floats, log_c: Floats, mean: float) -> Floats:
    """Log thresholds ``[stimuli]`` by the criterion that gives them this mean; NaN where a stimulus is never seen."""
    finite = log_d[np.isfinite(log_d)]
    if not len(finite) or not np.isfinite(log_d[:, -1]).all():
        return np.full(len(log_d), np.nan)
    low, high = float(finite.min()) - 1, float(log_d.max())
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if thresholds_at(log_d, log_c, middle).mean() < mean else (low, middle)
    return thresholds_at(log_d, log_c, high)


def thresholds_at(log_d: Floats, log_c: Floats, criterion: float) -> Floats:
    """Log10 of the contrast at which each stimulus first reaches a criterion; of one that never does, the highest.

    Below the lowest contrast the first two are continued in a straight line.

    Args:
        log_d: log10 of distances ``[stimuli, contrasts]``, never falling; -inf where a distance is 0.
        log_c: log10 of the contrasts, rising.
        criterion: log10 of a distance.

    >>> thresholds_at(np.array([[-3.0, -2.0, -1.0], [-5.0, -4.0, -3.0]]), np.array([-2.0, -1.0, 0.0]), -1.5).tolist()
    [-0.5, 0.0]
    """
    last = len(log_c) - 1
    above = (log_d < criterion).sum(axis=1)  # of the first contrast that reaches it
    place = np.clip(above, 1, last)
    rows = np.arange(len(log_d))
    low, high = log_d[rows, place - 1], log_d[rows, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (criterion - low) / (high - low)
    share = np.where(np.isfinite(share), share, 1.0)  # distance 0 below: the threshold is the first contrast above 0
    found = log_c[place - 1] + share * (log_c[place] - log_c[place - 1])
    return np.asarray(np.where(above > last, log_c[-1], found))


def _reading(stimuli: pd.DataFrame, values: Floats, people: pd.DataFrame, extra: dict[str, Floats]) -> Reading:
    names = stimuli["reference"].to_numpy(dtype=object)
    return Reading(
        values=values, human=stimuli["opinion"].to_numpy(float), stimulus=names,
        group=stimuli["distortion"].to_numpy(dtype=object), observers=people[list(names)].to_numpy(dtype=float),
        logarithmic=True, extra=extra,
    )  # fmt: skip
