"""The city-block distance of the raw responses, per pixel of the image, so that images of all sizes are comparable."""

from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``sum |f - g| / (height x width of the image)`` of each pair, ``[P]``."""
    return response.absolute_difference / response.pixels
