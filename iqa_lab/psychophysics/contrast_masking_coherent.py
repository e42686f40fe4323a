"""A Gabor on a grating of its own frequency and phase -> contrast in units of the threshold of Foley (1994)."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.cambridge.conditions import coherent_masks
from iqa_lab.psychophysics.cambridge.detection import detection
from iqa_lab.psychophysics.experiment import Experiment


def experiment(config: BenchmarkConfig) -> Experiment:
    """The test as the settings show it."""
    return detection(config, coherent_masks, human="measured", least=0.0)
