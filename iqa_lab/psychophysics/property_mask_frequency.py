"""Property 9: noise patches on masks of 1 to 16 c/deg -> how visible the patches remain, over the mask's frequency."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment
from iqa_lab.psychophysics.valencia import properties


def experiment(config: BenchmarkConfig) -> Experiment:
    """The property as the settings show it."""
    return properties.mask_frequency(config)
