"""The readout of Hernández-Cámara et al. (2023): the Euclidean distance of the raw responses."""

from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``sqrt(sum (f - g)^2)`` of each pair, ``[P]``."""
    return response.squared_difference.sqrt()
