"""Gratings of many contrasts and uniform grey -> the contrast that looks as strong as one of 5 c/deg, beside people's.

Georgeson and Sullivan (1975) as shown by Cai et al. (CVPR 2025): gratings over the whole image on 10 cd/m2. A grating
of 5 c/deg is shown at eight contrasts. People set gratings of other frequencies to look as strong; a column's match is
where its distance from grey equals that of the grating of 5 c/deg. ``log_rmse`` is the root mean square difference in
log10 contrast between column and people over 8 contrasts x 9 frequencies: 0 is human. ``log_rmse_by_frequency`` is the
published score, the mean over frequencies of the root mean square within each, which is smaller.

The published test searches for each match with every model. Here each frequency is shown at fixed contrasts, from .001
to 1 and including those that people set, and each column's match is interpolated between two of these on log axes. So
one pass serves all columns.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.psychophysics.cambridge.colour import grey_levels
from iqa_lab.psychophysics.cambridge.human import MATCHING, MATCHING_FREQUENCIES
from iqa_lab.psychophysics.cambridge.patterns import grating
from iqa_lab.psychophysics.cambridge.published import published_said
from iqa_lab.psychophysics.cambridge.show import SIDE, screen_of
from iqa_lab.psychophysics.experiment import Experiment, Picture
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]

LUMINANCE = 10.0  # cd/m2
STANDARD = 5.0  # c/deg, of the grating that others are matched to
LOWEST, HIGHEST = 1e-3, 1.0  # contrasts between which a match is looked for; if there is none, it is at an end
_STEPS = 13  # of each ladder, besides the contrasts that people set
_GREY = "grey"


def ladder(frequency: float) -> list[float]:
    """The contrasts at which gratings of a frequency are shown, rising."""
    column = MATCHING_FREQUENCIES.index(frequency)
    people = {contrasts[column] for contrasts in MATCHING.values()}
    return sorted({*(float(c) for c in np.geomspace(LOWEST, HIGHEST, _STEPS)), *people})


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it.

    Raises:
        UserError: the display cannot show a contrast of 1, or fewer than two frequencies.
    """
    screen = screen_of(config)
    names = {frequency: f"{frequency:g} c/deg" for frequency in MATCHING_FREQUENCIES}
    lost = [name for frequency, name in names.items() if frequency > screen.nyquist]
    shown = [frequency for frequency in MATCHING_FREQUENCIES if frequency <= screen.nyquist]
    screen.refuse_few(len(shown) if STANDARD in shown else 0, 2 * STANDARD, config)
    said = screen.left_out(lost, len(MATCHING_FREQUENCIES))

    def picture(name: str) -> Picture:
        frequency, contrast = (0.0, 0.0) if name == _GREY else map(float, name.split(" c/deg @ "))
        pattern = grating(frequency, SIDE, screen.pixels_per_degree)
        ground = np.full_like(pattern, LUMINANCE)
        return screen.picture(grey_levels(ground * (1 + contrast * pattern)), grey_levels(ground))

    rows = [
        {
            "reference": names[frequency],
            "distorted": f"{role} {frequency:g} c/deg @ {contrast:.6g}", "distortion": role, "level": contrast,
            "opinion": np.log10(contrast), "reference_picture": _GREY,
            "distorted_picture": f"{frequency!r} c/deg @ {contrast!r}", "frequency": frequency,
        }
        for role, frequency, contrasts in [
            ("standard", STANDARD, list(MATCHING)),
            *(("match", frequency, ladder(frequency)) for frequency in shown),
        ]
        for contrast in contrasts
    ]  # fmt: skip
    trials = pd.DataFrame(rows)
    return Experiment(
        trials=trials,
        picture=picture,
        read=lambda distances: read_matches(trials, distances),
        display=screen.said,
        side=SIDE,
        correlated="matching contrasts with people's",
        explained=(
            "log_rmse: root mean square of log10 of the column's matching contrasts less people's: 0 is human; "
            "log_rmse_by_frequency, in correlations.csv, is the published score. SRCC, PLCC: of the same logarithms; "
            "within: for one contrast of the grating of 5 c/deg.",
            *published_said(config.name),
        ),
        said=said,
    )


def read_matches(trials: pd.DataFrame, distances: Floats) -> Reading:
    """The log10 contrast of every match beside people's.

    Args:
        trials: ``distortion`` (standard or match), ``frequency``, ``level`` (contrast), as ``experiment`` makes them.
        distances: of them from grey, ``[trials, columns]``; rows of NaN were filtered out, and with them a standard, or
            a whole frequency.

    Returns:
        One row a standard and frequency. ``extra``: ``log_rmse_by_frequency``, the score as published, and
        ``censored``, how many matches are at an end of the contrasts shown.

    Raises:
        UserError: the filters left no standard, or no match.
    """
    kept = np.isfinite(distances).all(axis=1)
    role, frequency = trials["distortion"].to_numpy(), trials["frequency"].to_numpy(float)
    level = trials["level"].to_numpy(float)
    standards = np.flatnonzero((role == "standard") & kept)
    values, human, stimulus, group = [], [], [], []
    for place, shown in enumerate(MATCHING_FREQUENCIES):
        rows = np.flatnonzero((role == "match") & (frequency == shown) & kept)
        if not len(rows):
            continue
        for standard in standards:
            values.append(first_crossing(distances[rows], np.log10(level[rows]), distances[standard]))
            human.append(np.log10(MATCHING[level[standard]][place]))
            stimulus.append(f"{shown:g} c/deg")
            group.append(f"standard at {level[standard]:.4g}")
    if not human:
        raise UserError(
            f"matches are with the grating of {STANDARD:g} c/deg: benchmark.references needs it, beside another"
        )
    found = np.array(values).reshape(len(human), distances.shape[1])
    apart = pd.DataFrame((found - np.array(human)[:, None]) ** 2).groupby(stimulus, sort=False).mean().to_numpy(float)
    at_end = (found <= np.log10(LOWEST)) | (found >= np.log10(HIGHEST))
    return Reading(
        values=found, human=np.array(human), stimulus=np.array(stimulus, dtype=object),
        group=np.array(group, dtype=object), logarithmic=True, absolute=True, source="measured",
        extra={
            "log_rmse_by_frequency": np.sqrt(apart).mean(axis=0), "censored": at_end.sum(axis=0).astype(float),
        },
    )  # fmt: skip


def first_crossing(distances: Floats, log_contrast: Floats, wanted: Floats) -> Floats:
    """The log10 contrast at which each column first reaches a distance, ``[columns]``; an end where it never does.

    Args:
        distances: ``[contrasts, columns]``.
        log_contrast: rising, ``[contrasts]``.
        wanted: ``[columns]``.

    >>> first_crossing(np.array([[0.01], [0.1], [1.0]]), np.array([-3.0, -2.0, -1.0]), np.array([0.1])).tolist()
    [-2.0]
    """
    reached = distances >= wanted
    place = np.where(reached.any(axis=0), reached.argmax(axis=0), len(log_contrast) - 1)
    column = np.arange(distances.shape[1])
    before = np.maximum(place - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high, at = (np.log10(d) for d in (distances[before, column], distances[place, column], wanted))
        share = (at - low) / (high - low)
    share = np.clip(np.where(np.isfinite(share), share, 1.0), 0, 1)
    found = log_contrast[before] + share * (log_contrast[place] - log_contrast[before])
    return np.asarray(np.where(reached.any(axis=0), found, log_contrast[-1]))
