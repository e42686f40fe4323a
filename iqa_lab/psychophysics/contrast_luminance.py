"""A Gabor of 2 c/deg on .1 to 200 cd/m2 -> contrast in units of castleCSF's threshold."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import luminances
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    return detection(config, luminances, human="formula")
