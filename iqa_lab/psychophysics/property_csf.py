"""Properties 3 and 4: noise patches of 1 to 16 c/deg in three channels -> which frequencies are seen best."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment
from iqa_lab.psychophysics.valencia import properties


def experiment(config: BenchmarkConfig) -> Experiment:
    """The property as the settings show it."""
    return properties.csf(config)
