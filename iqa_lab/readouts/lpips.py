"""The distance of LPIPS before its learned weights.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric (2018).
"""

import torch
from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.pieces import LPIPS_EPSILON as EPSILON
from iqa_lab.readouts.pieces import sum_over_channels
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Mean over positions of the squared distance of the unit-normalised channel vectors, ``[P]``."""
    if response.moments is not None:
        return response.moments.lpips
    return at_positions(response).mean(1, dtype=torch.float64)


def at_positions(response: Response) -> Tensor:
    """Where the distance comes from: squared distance of the unit-normalised channel vectors, ``[P, N]``."""
    return response.compared(unit, lambda f, g: sum_over_channels(g.sub_(f).square_()))


def unit(values: Tensor) -> Tensor:
    """The channel vector of each position at length 1, ``[b, C, H, W]``; one of zeros stays so."""
    squares = sum_over_channels(values.square()).view(len(values), 1, *values.shape[2:])
    if not squares.requires_grad:
        return values / squares.sqrt_().add_(EPSILON)
    # a vector of zeros has no direction: its slope would be 1 / EPSILON
    return values / (root(squares).masked_fill(squares == 0, torch.inf) + EPSILON)
