"""The distance of the channels' standard deviations over positions."""

from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Euclidean distance of the standard deviations (not corrected for the sample size) of each pair, ``[P]``."""
    return root(response.channel_deviation_difference.square().sum(1))
