"""A psychophysical experiment -> a Benchmark whose images are made on the spot, float32, from formulas."""

from typing import Any

import numpy as np

from iqa_lab.benchmarks.benchmark import Benchmark
from iqa_lab.benchmarks.selection import selected
from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics import experiment_of


def load(config: BenchmarkConfig) -> Benchmark:
    """The trials as pairs: ``reference`` names the stimulus, ``distorted`` the trial, ``opinion`` the human value.

    ``reference_path`` and ``distorted_path`` are names of pictures, which ``Benchmark.decode`` makes.

    Raises:
        UserError: the settings cannot be shown, or nothing is left of the stimuli.
    """
    experiment = experiment_of(config, asked=True)
    trials = experiment.trials
    kept = selected(config, trials.assign(reference=trials["reference"].astype(str)))
    pairs = kept.rename(columns={"reference_picture": "reference_path", "distorted_picture": "distorted_path"})
    wanted = ["reference", "distorted", "distortion", "level", "opinion", "reference_path", "distorted_path"]
    return Benchmark(config, pairs[wanted].assign(opinion_std=np.nan), len(pairs), experiment=experiment)


def shown_on(config: BenchmarkConfig) -> dict[str, Any]:
    """What of a benchmark's settings its pictures and the way they are read depend on; nothing of images on disk."""
    if config.protocol != "thresholds":
        return {}
    names = ("family", "pixels_per_degree", "peak_luminance", "border", "thresholds")
    return {"stimuli": {name: getattr(config, name) for name in names}}
