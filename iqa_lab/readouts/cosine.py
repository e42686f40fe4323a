"""One minus the cosine of the angle between two flattened responses."""

import torch
from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``1 - cos(f, g)`` of each pair, ``[P]``, in 0..2; 0 where both responses are zero, 1 where one of them is.

    Computed as half the squared distance of the two unit vectors, which is the same number without the cancellation
    of ``1 - cos`` for nearly parallel vectors.
    """
    norm = response.norm
    unit = response.values / torch.where(norm > 0, norm, 1).view(-1, 1, 1, 1)
    apart = response.squared_distance(unit) / 2
    one_is_zero = response.difference((norm > 0).float()) != 0
    return torch.where(one_is_zero, 1.0, apart)
