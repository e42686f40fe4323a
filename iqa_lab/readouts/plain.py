"""The readout of Hernández-Cámara et al. (2023), the Euclidean distance of the raw responses, per pixel of the image.

Their sum over positions grows with the image: in a benchmark of several image sizes a large image would be further
than a small one with the same distortion. Divided by the number of pixels, sizes are comparable; where all images have
one size, ranks and raw concatenations of layers are exactly theirs.
"""

from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``sqrt(sum (f - g)^2 / (height x width of the image))`` of each pair, ``[P]``.

    Of the pixels: the root of the sum of the three colours' mean squared errors, ``sqrt(3)`` times the RMSE.
    """
    return root(response.squared_difference / response.pixels)


def at_positions(response: Response) -> Tensor:
    """Where the distance comes from: ``sqrt(sum over channels (f - g)^2 / pixels)``, ``[P, N]``.

    The root of the sum of their squares is ``distance``.
    """
    return root(response.position_squared_difference / response.pixels)
