"""One minus the cosine of the angle between two flattened responses."""

import torch
from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``1 - cos(f, g)`` of each pair, ``[P]``, in 0..2; 0 where both responses are zero, 1 where one of them is.

    Computed as ``(|f - g|^2 - (|f| - |g|)^2) / (2 |f| |g|)``, which is the same number without the cancellation of
    ``1 - cos`` for nearly parallel vectors.
    """
    f, g = response.of_both(lambda maps: maps.norm)
    product = f * g
    apart = (response.squared_difference - (f - g).square()).clamp_min(0) / (2 * product)
    one_is_zero = ((f > 0) != (g > 0)).double()
    return torch.where(product > 0, apart, one_is_zero)
