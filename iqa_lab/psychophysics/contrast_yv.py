"""Yellow-violet Gabors of sigma 1 deg, .5 to 32 c/deg, on 100 cd/m2 -> contrast in units of castleCSF's threshold."""

from functools import partial

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import frequencies
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment

PUBLISHED_BELOW = 16.0  # c/deg: the published score of this test alone leaves out the frequencies from here on


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    shown = partial(frequencies, axis="yellow_violet")
    return detection(config, shown, human="formula", published_below=PUBLISHED_BELOW)
