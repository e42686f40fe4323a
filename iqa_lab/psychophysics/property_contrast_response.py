"""Properties 6 and 7: noise patches of 10 contrasts -> how the response grows with contrast."""

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment
from iqa_lab.psychophysics.valencia import properties


def experiment(config: BenchmarkConfig) -> Experiment:
    """The property as the settings show it."""
    return properties.contrast_response(config)
