"""The distance of the channel means: what is left when all positions are forgotten."""

from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Euclidean distance of the channel means of each pair, ``[P]``."""
    return root(response.channel_mean_difference.square().sum(1))
