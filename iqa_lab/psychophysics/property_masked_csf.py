"""Property 5: noise patches with and without masks -> how much a mask hides, over frequencies of the patch."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment
from iqa_lab.psychophysics.valencia import properties


def experiment(config: BenchmarkConfig) -> Experiment:
    """The property as the settings show it."""
    return properties.masked_csf(config)
