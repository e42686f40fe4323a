"""How far the pattern of each channel over the image stops being the same, whatever its mean and contrast."""

import torch
from torch import Tensor

from iqa_lab.readouts.gradients import quotient
from iqa_lab.readouts.pieces import mean_square
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Mean over channels of ``1 - r(f_c, g_c)``, Pearson's r over positions, of each pair, ``[P]``, in 0..2.

    A constant channel has no pattern: 0 where it is constant in both images, 1 where in one of them. ``1 - r`` is half
    the mean squared difference of the standardised channels: the same number, with all digits where r is nearly 1.
    """
    f, g = response.channel_deviations
    apart = (_standardised_apart(response, f, g) / 2).clamp_max(2)
    one_is_constant = (f == 0) != (g == 0)
    return torch.where(one_is_constant, 1, apart).mean(1)


def _standardised_apart(response: Response, f: Tensor, g: Tensor) -> Tensor:
    """Mean over positions of the squared difference of standardised channels, ``[P, C]``, from their deviations."""
    if response.moments is not None:  # what of the difference is no other contrast
        across = response.moments.change_variance - response.channel_deviation_difference.square()
        return quotient(across.clamp_min(0), f * g)
    return response.over_pairs(
        _squared_difference, *response.channel_means, *(quotient(1, deviation) for deviation in (f, g))
    )


def _squared_difference(
    f: Tensor, g: Tensor, f_mean: Tensor, g_mean: Tensor, f_scale: Tensor, g_scale: Tensor
) -> Tensor:
    """Mean over positions of the squared difference of standardised channels, ``[p, C]``."""
    first = _standardised(f, f_mean[: len(f)], f_scale[: len(f)])
    difference = _standardised(g, g_mean, g_scale).sub_(first)
    # the means are subtracted in the type of the responses, which leaves a little of them
    left = (f_mean - f_mean.to(f.dtype)) * f_scale - (g_mean - g_mean.to(g.dtype)) * g_scale
    return (mean_square(difference) - left.square()).clamp_min(0)


def _standardised(values: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    return (values - mean.to(values.dtype)[..., None, None]).mul_(scale.to(values.dtype)[..., None, None])
