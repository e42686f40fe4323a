"""Responses of a few images -> sums of their channels or positions, in torch: what readouts compute piece by piece."""

import torch
from torch import Tensor

# Of responses worked on at once on a CPU; about what its caches hold.
PIECE_BYTES = 2**19
# A GPU works best on everything at once.
PIECE_BYTES_GPU = 2**31

# Added to the length of a position's channels before they are divided by it, as in version 0.1.4 of the lpips package.
LPIPS_EPSILON = 1e-10


def centre(values: Tensor) -> tuple[Tensor, Tensor]:
    """Responses around the means of their channels, ``[b, C, H, W]`` float32; and the means ``[b, C]`` float64.

    What float32 leaves of a mean is taken off afterwards, so that one far from zero costs no digits.
    """
    mean = exact_mean(values)
    near = mean.to(values.dtype)
    around = values - near[:, :, None, None]
    around -= (mean - near).to(values.dtype)[:, :, None, None]
    return around, mean


def mean_square(values: Tensor) -> Tensor:
    """Mean over positions of the squares, ``[b, C]`` float64 of ``[b, C, H, W]``.

    The values are overwritten, unless a gradient needs them.
    """
    squares = values.square() if values.requires_grad else values.square_()
    return sum_over_positions(squares) / (values.shape[2] * values.shape[3])


def widened(responses: Tensor) -> Tensor:
    """Responses of any type as float32; those that are float64 stay so."""
    return responses if responses.dtype == torch.float64 else responses.float()


def images_at_once(responses: Tensor) -> int:
    """How many images of ``[b, C, H, W]`` make a piece."""
    size = PIECE_BYTES_GPU if responses.is_cuda else PIECE_BYTES
    return max(1, size // (4 * responses[0].numel()))


def sum_over_positions(values: Tensor) -> Tensor:
    """Sum of each channel, ``[b, C]`` float64 of ``[b, C, H, W]``.

    Lines are added in float32 and their sums in float64. ``torch.linalg.vector_norm`` and products with ones, which
    look shorter, add millions of float32 numbers one after the other on a CPU, and were off by 3e-4 on real responses.
    """
    if values.stride(1) == 1:  # channels lie innermost: add in the order in which the values lie
        return values.permute(0, 2, 3, 1).sum(1).double().sum(1)
    return values.sum(3).double().sum(2)


def exact_mean(values: Tensor) -> Tensor:
    """Mean over positions of each channel, ``[b, C]`` float64 of ``[b, C, H, W]``, with every digit.

    A mean may be near zero where values are not: rounding partial sums would leave few of its digits.
    """
    return values.mean((2, 3), dtype=torch.float64)


def sum_over_channels(values: Tensor) -> Tensor:
    """Sum of each position, ``[b, N]`` float32 of ``[b, C, H, W]``."""
    if values.shape[1] < 8:  # of few channels sum() is several times slower than adding them
        return sum(values.unbind(1), torch.zeros((), device=values.device)).flatten(1)
    return values.sum(1).flatten(1)
