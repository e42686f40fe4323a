"""One minus the cosine of the angle between two flattened responses."""

import torch
from torch import Tensor

from iqa_lab.readouts.gradients import quotient, root
from iqa_lab.readouts.pieces import sum_over_positions
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """``1 - cos(f, g)`` of each pair, ``[P]``, in 0..2; 0 where both responses are zero, 1 where one of them is.

    Half the squared distance of ``f / |f|`` and ``g / |g|``: the same number, with all digits for parallel vectors.
    """
    if response.moments is not None:
        return response.moments.cosine
    return response.compared(_direction, _apart)


def _direction(values: Tensor) -> tuple[Tensor, Tensor]:
    """Each image's response at length 1, ``[b, C, H, W]``, and its length, ``[b]``."""
    length = root(sum_over_positions(values.square()).sum(1))
    scale = quotient(1, length).to(values.dtype)
    return values * scale[:, None, None, None], length


def _apart(f: tuple[Tensor, Tensor], g: tuple[Tensor, Tensor]) -> Tensor:
    (f_unit, f_length), (g_unit, g_length) = f, g
    squared = sum_over_positions(g_unit.sub_(f_unit).square_()).sum(1)
    one_is_zero = (f_length == 0) != (g_length == 0)
    return torch.where(one_is_zero, 1, (squared / 2).clamp_max(2))
