"""Conditions with human thresholds -> the experiment: does a distance depend on contrast in units of threshold only?

Each condition is shown at ten multiples of people's threshold, from .5 to 2. A distance that sees as people do depends
only on the multiple. The score, ``srcc``, is Spearman's correlation of multiple and distance over all conditions and
multiples together: 1 = it does. Cai et al. (CVPR 2025) take the angle between responses as distance; the readout
``cosine`` has the same ranks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.published import published_said
from iqa_lab.psychophysics.cambridge.show import SIDE, Screen, screen_of
from iqa_lab.psychophysics.experiment import Experiment, Picture
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.reading import DECIBELS, Reading

Floats = NDArray[np.float64]

MULTIPLES = tuple(float(value) for value in np.geomspace(0.5, 2, 10))
_AROUND = (MULTIPLES[4], MULTIPLES[5])  # the two nearest to 1, equally far from it on a log scale

# contrast -> image in linear RGB, cd/m2; at contrast 0 it is what the stimulus is shown on
Image = Callable[[float], Floats]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One stimulus: its image at any contrast, and the contrast at which people just see it."""

    name: str
    frequency: float  # the highest that it is named for, c/deg
    ground: str  # what it is shown on; conditions of one name share the picture
    threshold: float
    image: Image


def detection(
    config: BenchmarkConfig,
    conditions: Callable[[Screen], Sequence[Condition]],
    *,
    human: str,
    least: float = 1e-4,
    published_below: float | None = None,
) -> Experiment:
    """Every condition at ten multiples of its threshold.

    Args:
        config: the benchmark's settings.
        conditions: what is shown on a screen.
        human: measured, or formula.
        least: luminance in cd/m2 below which nothing falls, in each of red, green and blue.
        published_below: the published score is of frequencies below this one only, in c/deg; None: of all.

    Raises:
        UserError: contrasts are beyond the display.
    """
    screen = screen_of(config)
    chosen, said = screen.shown(conditions(screen), config)
    by_name = {condition.name: condition for condition in chosen}
    grounds = {condition.ground: condition for condition in chosen}

    def picture(name: str) -> Picture:
        which, _, multiple = name.rpartition(" x ")
        condition = grounds[name] if name in grounds else by_name[which]
        contrast = 0.0 if name in grounds else float(multiple) * condition.threshold
        around = condition.image(0.0) if screen.border else None
        return screen.picture(np.maximum(condition.image(contrast), least), around)

    trials = pd.DataFrame(
        [
            {
                "reference": condition.name, "distorted": f"{condition.name} x {multiple:.4g}",
                "distortion": condition.ground, "level": multiple * condition.threshold, "opinion": multiple,
                "reference_picture": condition.ground, "distorted_picture": f"{condition.name} x {multiple!r}",
            }
            for condition in chosen
            for multiple in MULTIPLES
        ]
    )  # fmt: skip
    without = {}
    if beyond := {each.name for each in chosen if each.frequency > screen.nyquist}:
        without["srcc_below_nyquist"] = beyond
    if published_below is not None:
        high = {each.name for each in chosen if each.frequency >= published_below}
        without[f"srcc_below_{published_below:g}"] = high
    return Experiment(
        trials=trials,
        picture=picture,
        read=lambda distances: read_multiples(trials, distances, without, human),
        display=screen.said,
        side=SIDE,
        correlated="distances with contrast in units of people's threshold",
        explained=(
            f"SRCC, PLCC: of the distance with the multiple, {MULTIPLES[0]:g} to {MULTIPLES[-1]:g}, of people's "
            f"threshold ({human}), over all conditions together: 1 = the distance depends on it alone; within: on one "
            "ground.",
            "rms_db_sloped, in correlations.csv: how far its own thresholds are from people's in dB, 0 is human.",
            *published_said(config.name),
        ),
        said=said,
    )


def read_multiples(trials: pd.DataFrame, distances: Floats, without: Mapping[str, set[str]], human: str) -> Reading:
    """Distances beside multiples of the human threshold.

    Args:
        trials: ``reference`` (the condition) and ``opinion`` (the multiple), as ``detection`` makes them.
        distances: of them, ``[trials, columns]``; rows of NaN were filtered out.
        without: scores of some of the conditions only, by their names: the conditions that each leaves out.
        human: measured, or formula.

    Returns:
        ``extra``: ``exponent``, of the power of contrast that the distance grows with (mean over conditions);
        ``rms_db_sloped``, the standard deviation over conditions of the column's threshold less people's, in dB, where
        its criterion is the mean distance at people's thresholds: 20 log10 of that distance over ``exponent``. NaN
        where a distance is 0 or falls with contrast. Then the scores ``without`` some conditions; NaN where the filters
        left no other.
    """
    kept = np.isfinite(distances).all(axis=1)
    rows, values = trials[kept], distances[kept]
    multiple = rows["opinion"].to_numpy(float)
    condition = rows["reference"].to_numpy(dtype=object)

    def mean_log(multiples: tuple[float, ...]) -> Floats:
        """Log10 of the distance of each condition, mean over some multiples, ``[conditions, columns]``."""
        chosen = np.isin(multiple, multiples)
        with np.errstate(divide="ignore"):
            log = pd.DataFrame(np.log10(values[chosen]))
        return np.asarray(log.groupby(condition[chosen], sort=False).mean(), dtype=float)

    with np.errstate(divide="ignore", invalid="ignore"):
        rise = mean_log(MULTIPLES[-1:]) - mean_log(MULTIPLES[:1])
        exponent = rise.mean(axis=0) / np.log10(MULTIPLES[-1] / MULTIPLES[0])
        spread = DECIBELS * mean_log(_AROUND).std(axis=0) / exponent
    extra = {"exponent": exponent, "rms_db_sloped": np.where(np.isfinite(exponent) & (exponent > 0), spread, np.nan)}
    for name, left_out in without.items():
        rest = ~np.isin(condition.astype(str), sorted(left_out))
        nothing = np.full(values.shape[1], np.nan)
        extra[name] = np.atleast_1d(srcc(values[rest], multiple[rest])) if rest.any() else nothing
    return Reading(
        values=values, human=multiple, stimulus=condition, group=rows["distortion"].to_numpy(dtype=object),
        extra=extra, source=human,
    )  # fmt: skip
