"""The distance of LPIPS before its learned weights.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric (2018).
"""

from torch import Tensor

from iqa_lab.readouts.response import Response

# Added to the norm, as in version 0.1.4 of the lpips package.
EPSILON = 1e-10


def distance(response: Response) -> Tensor:
    """Mean over positions of the squared distance of the unit-normalised channel vectors, ``[P]``."""
    unit = response.values / (response.channel_norm + EPSILON)
    height, width = unit.shape[2:]
    return response.squared_distance(unit) / (height * width)
