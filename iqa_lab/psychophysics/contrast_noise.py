"""Noise of one octave about .5 to 32 c/deg, on 100 cd/m2 -> contrast in units of castleCSF's threshold of Gabors."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import noises
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    return detection(config, noises, human="formula")
