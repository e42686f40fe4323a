"""Property 8: noise patches on masks of several contrasts -> how much these lower the response."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment
from iqa_lab.psychophysics.valencia import properties


def experiment(config: BenchmarkConfig) -> Experiment:
    """The property as the settings show it."""
    return properties.mask_contrast(config)
