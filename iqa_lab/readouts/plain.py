"""The readout of Hernández-Cámara et al. (2023): the Euclidean distance of the raw responses."""

from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``sqrt(sum (f - g)^2)`` of each pair, ``[P]``."""
    return response.squared_difference.sqrt()


def at_positions(response: Response) -> Tensor:
    """Where the distance comes from: ``sqrt(sum over channels (f - g)^2)`` at each position, ``[P, N]``.

    The root of the sum of their squares is ``distance``.
    """
    return response.position_squared_difference.sqrt()
