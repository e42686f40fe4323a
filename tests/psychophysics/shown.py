"""What tests of stimuli share: an experiment's distances of its pixels in float64, and models that are right."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig, StatisticsConfig
from iqa_lab.psychophysics import Experiment, experiment_of
from iqa_lab.statistics.reading import reading_table
from tests.conftest import composed

Floats = NDArray[np.float64]
DETECTION = (
    "contrast_achromatic", "contrast_noise", "contrast_rg", "contrast_yv", "contrast_luminance", "contrast_area",
    "contrast_masking_coherent", "contrast_masking_incoherent",
)  # fmt: skip
PROPERTIES = (
    "property_csf", "property_masked_csf", "property_contrast_response", "property_mask_contrast",
    "property_mask_frequency", "property_mask_orientation",
)  # fmt: skip


@cache
def settings(name: str) -> BenchmarkConfig:
    """Of a benchmark, as its YAML says."""
    return composed(f"benchmark={name}").benchmark


def changed(name: str, **values: object) -> BenchmarkConfig:
    """The settings with some of them changed."""
    return replace(settings(name), **values)  # type: ignore[arg-type]


@cache
def shown(name: str) -> Experiment:
    """The experiment of a benchmark's own settings."""
    return experiment_of(settings(name))


def pixel_distances(experiment: Experiment) -> Floats:
    """Of every trial 1 - cos and the root of the mean square of the pixels, ``[trials, 2]``."""
    grounds = {name: experiment.picture(name).astype(float) for name in set(experiment.trials["reference_picture"])}
    found = []
    pairs = zip(experiment.trials["reference_picture"], experiment.trials["distorted_picture"], strict=True)
    for ground, name in pairs:
        f, g = grounds[ground], experiment.picture(name).astype(float)
        apart = f / np.sqrt((f**2).sum()) - g / np.sqrt((g**2).sum())  # no digits are lost, as by 1 - cos
        found.append([(apart**2).sum() / 2, np.sqrt(((f - g) ** 2).mean())])
    return np.array(found)


def table_of(name: str, distances: Floats) -> pd.DataFrame:
    """The statistics of distances ``[trials]`` or ``[trials, columns]``."""
    columns = distances.reshape(len(shown(name).trials), -1)
    return reading_table(shown(name).read(columns), StatisticsConfig(resamples=20))
