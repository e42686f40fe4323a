"""How far the pattern of each channel over the image stops being the same, whatever its mean and contrast."""

import torch
from torch import Tensor

from iqa_lab.readouts.response import Response, mean_square


def distance(response: Response) -> Tensor:
    """Mean over channels of ``1 - r(f_c, g_c)``, Pearson's r over positions, of each pair, ``[P]``, in 0..2.

    A constant channel has no pattern: 0 where it is constant in both images, 1 where in one of them. ``1 - r`` is half
    the mean squared difference of the standardised channels: the same number, with all digits where r is nearly 1.
    """
    f_mean, g_mean = response.of_both(lambda maps: maps.channel_mean)
    f, g = response.of_both(lambda maps: maps.channel_variance.sqrt())
    scales = [(1 / deviation).masked_fill(deviation == 0, 0) for deviation in (f, g)]
    squared = response.over_pairs(_squared_difference, f_mean, g_mean, *scales)
    apart = (squared / 2).clamp_max(2)
    one_is_constant = (f == 0) != (g == 0)
    return torch.where(one_is_constant, 1, apart).mean(1)


def _squared_difference(
    f: Tensor, g: Tensor, f_mean: Tensor, g_mean: Tensor, f_scale: Tensor, g_scale: Tensor
) -> Tensor:
    """Mean over positions of the squared difference of standardised channels, ``[p, C]``."""
    first = _standardised(f, f_mean[:1], f_scale[:1])
    difference = _standardised(g, g_mean, g_scale).sub_(first)
    # the means are subtracted in float32, which leaves a little of them
    left = (f_mean - f_mean.float()) * f_scale - (g_mean - g_mean.float()) * g_scale
    return (mean_square(difference) - left.square()).clamp_min(0)


def _standardised(values: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    return (values - mean.float()[..., None, None]).mul_(scale.float()[..., None, None])
