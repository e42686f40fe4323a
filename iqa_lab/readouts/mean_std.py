"""The distance of the channels' means and standard deviations together."""

from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Euclidean distance of the vectors of all means and all standard deviations of each pair, ``[P]``."""
    means, deviations = response.channel_mean_difference, response.channel_deviation_difference
    return root(means.square().sum(1) + deviations.square().sum(1))
