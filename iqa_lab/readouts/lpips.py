"""The distance of LPIPS before its learned weights.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric (2018).
"""

import torch
from torch import Tensor

from iqa_lab.readouts.response import Response

# Added to the norm, as in version 0.1.4 of the lpips package.
EPSILON = 1e-10


def distance(response: Response) -> Tensor:
    """Mean over positions of the squared distance of the unit-normalised channel vectors, ``[P]``."""
    return at_positions(response).mean(1, dtype=torch.float64)


def at_positions(response: Response) -> Tensor:
    """Where the distance comes from: squared distance of the unit-normalised channel vectors, ``[P, N]``.

    With ``|f|`` and ``|g|`` at a position, and ``a = 1 / (|f| + eps)``, ``b = 1 / (|g| + eps)``, ``|a f - b g|^2`` is
    ``(a |f| - b |g|)^2 + a b (|f - g|^2 - (|f| - |g|)^2)``: no normalised copies are made. The second part
    is at most 4.
    """
    f, g = response.of_both(lambda maps: maps.position_norm)
    a, b = 1 / (f + EPSILON), 1 / (g + EPSILON)
    angle = (response.position_squared_difference - (f - g).square_()).clamp_min_(0).mul_(a).mul_(b).clamp_max_(4)
    angle.masked_fill_((f == 0) | (g == 0), 0)  # a vector without length has no direction
    length = (a.mul_(f) - b.mul_(g)).square_()
    return angle + length
