"""A Gabor of 8 c/deg, sigma .1 to 1 deg, on 100 cd/m2 -> contrast in units of castleCSF's threshold."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import areas
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    return detection(config, areas, human="formula")
