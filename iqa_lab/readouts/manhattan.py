"""The city-block distance of the raw responses."""

from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``sum |f - g|`` of each pair, ``[P]``."""
    return response.absolute_difference
