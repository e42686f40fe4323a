"""A Gabor on noise -> contrast in units of the threshold of Gegenfurtner and Kiper (1992)."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import incoherent_masks
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    return detection(config, incoherent_masks, human="measured")
