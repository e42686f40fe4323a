"""How far the pattern of each channel over the image stops being the same, whatever its mean and contrast."""

import torch
from torch import Tensor

from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Mean over channels of ``1 - r(f_c, g_c)``, Pearson's r over positions, of each pair, ``[P]``, in 0..2.

    A constant channel has no pattern: 0 where it is constant in both images, 1 where in one of them. ``1 - r`` is
    computed as ``(var(g - f) - (s_f - s_g)^2) / (2 s_f s_g)``, without the cancellation of the textbook form.
    """
    f, g = response.of_both(lambda maps: maps.channel_variance.sqrt())
    product = f * g
    apart = (response.channel_difference_variance - (f - g).square()).clamp_min(0) / (2 * product)
    one_is_constant = ((f > 0) != (g > 0)).double()
    return torch.where(product > 0, apart, one_is_constant).mean(1)
