"""Red-green Gabors of sigma 1 deg, .5 to 32 c/deg, on 100 cd/m2 -> contrast in units of castleCSF's threshold."""

from functools import partial

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import frequencies
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    return detection(config, partial(frequencies, axis="red_green"), human="formula")
