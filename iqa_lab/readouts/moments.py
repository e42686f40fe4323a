"""The responses of pairs -> the sums that most readouts are made of, from one read of them by compiled loops.

Only for what lies on a CPU and wants no gradient. Everywhere else, and where loops cannot be compiled, there is None,
and the readouts' definitions in torch do the same work; tests hold the two together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.readouts import compiled

Vector = NDArray[np.float64]
Run = tuple[NDArray[np.float32], NDArray[np.float32], bool]

# A channel whose standard deviation is this small a part of its root mean square is constant: rounding is all it has.
CONSTANT = 1e-6

# Values that are worth another thread; fewer channels than this are read line by line.
_WORTH_A_THREAD, _FEW_CHANNELS = 2**15, 8
_READ = (torch.float32, torch.bfloat16, torch.float16, torch.uint8)


@dataclass(frozen=True)
class Moments:
    """Statistics of ``P`` pairs of responses with ``C`` channels; all are float64."""

    means: tuple[Tensor, Tensor]  # over positions, of the reference and of the distorted image, [P, C] each
    variances: tuple[Tensor, Tensor]  # exactly 0 where a channel is constant
    mean_change: Tensor  # of d = g - f, [P, C]
    change_variance: Tensor
    covariance: Tensor  # of d and f
    squared: Tensor  # sum over positions of d^2, [P, C]
    absolute: Tensor  # sum over positions of |d|
    cosine: Tensor  # one minus the cosine of the angle between the flattened responses, [P]
    lpips: Tensor  # mean over positions of the squared distance of their channel vectors, each of length 1, [P]


def moments(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Moments | None:
    """All statistics of these runs of pairs, see ``Response``; None where compiled loops do not serve."""
    if (kernels := _serving(references, distorted)) is None:
        return None
    sums = _summed(
        (kernels.sums_of_lines, kernels.sums_of_rows),
        references,
        distorted,
        lambda pairs, channels: ((2, channels), (pairs, 6, channels), (pairs, 4)),
    )
    positions = distorted[0].shape[2] * distorted[0].shape[3]
    parts = [_statistics(*first, *of_run, positions) for first, of_run in sums]
    return Moments(
        *(
            tuple(map(torch.cat, zip(*several, strict=True))) if isinstance(several[0], tuple) else torch.cat(several)
            for several in zip(*parts, strict=True)
        )
    )


def differences(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> tuple[Tensor, Tensor] | None:
    """Sums over positions of ``(g - f)^2`` and ``|g - f|`` alone, ``[P, C]`` each: a third of the time."""
    if (kernels := _serving(references, distorted)) is None:
        return None
    sums = _summed(
        (kernels.differences_of_lines, kernels.differences_of_rows),
        references,
        distorted,
        lambda pairs, channels: ((pairs, 2, channels),),
    )
    found = np.concatenate([of_run for _, (of_run,) in sums])
    return torch.from_numpy(found[:, 0]), torch.from_numpy(found[:, 1])


def serves(values: Tensor) -> bool:
    """Whether compiled loops can read these values: on a CPU, of a type that float32 holds, without a gradient."""
    plain = not (values.requires_grad and torch.is_grad_enabled()) and not torch.compiler.is_compiling()
    return plain and values.device.type == "cpu" and values.dtype in _READ and values.numel() > 0


def _serving(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Any:
    return compiled.kernels() if all(map(serves, (*references, *distorted))) else None


def _summed(
    loops: tuple[Callable[..., None], Callable[..., None]],
    references: Sequence[Tensor],
    distorted: Sequence[Tensor],
    shapes: Callable[[int, int], tuple[tuple[int, ...], ...]],
) -> list[tuple[tuple[Vector, Vector], list[Vector]]]:
    """For each run the first values of every channel, ``[C]`` and ``[p, C]``, and the sums that a loop gives."""
    runs = [_laid_out(f, g) for f, g in zip(references, distorted, strict=True)]
    channels, positions = distorted[0].shape[1], distorted[0].shape[2] * distorted[0].shape[3]
    per_position = channels * sum(len(part) for part in distorted)
    found: list[list[list[Vector]]] = []

    def work(_part: int, start: int, stop: int) -> None:
        of_thread = []
        for f, g, innermost in runs:
            arrays = [np.zeros(shape) for shape in shapes(len(g), channels)]
            loops[innermost](f, g, start, stop, *arrays)
            of_thread.append(arrays)
        found.append(of_thread)

    compiled.share_out(work, positions, max(1, _WORTH_A_THREAD // per_position))
    result = []
    for number, (f, g, innermost) in enumerate(runs):
        first = (f[0], g[:, 0]) if innermost else (f[:, 0], g[:, :, 0])
        several = [of_thread[number] for of_thread in found]
        sums = [np.asarray(sum(arrays[1:], arrays[0])) for arrays in zip(*several, strict=True)]
        result.append(((first[0].astype(float), first[1].astype(float)), sums))
    return result


def _laid_out(reference: Tensor, distorted: Tensor) -> Run:
    """One run as ``[N, C]`` and ``[p, N, C]`` (True) or ``[C, N]`` and ``[p, C, N]`` (False), float32, nothing between.

    As it lies in memory, if that is one of the two; else it is copied.
    """
    innermost = distorted.shape[1] >= _FEW_CHANNELS and (distorted.stride(1) == 1 or distorted.shape[2:].numel() == 1)

    def array(values: Tensor) -> NDArray[np.float32]:
        flat = values.detach().float().flatten(2)
        return np.asarray((flat.transpose(1, 2) if innermost else flat).contiguous().numpy())

    return array(reference)[0], array(distorted), innermost


def _statistics(
    first_f: Vector, first_g: Vector, own: Vector, channels: Vector, whole: Vector, positions: int
) -> tuple[Any, ...]:
    """The fields of ``Moments`` of one run, from its sums about the channels' first values."""
    f_mean, f_variance = _mean_and_variance(first_f, *(own / positions))
    v, vv, d, dd, ud, size = channels.transpose(1, 0, 2)
    g_mean, g_variance = _mean_and_variance(first_g, v / positions, vv / positions)
    change = d / positions
    covariance = ud / positions - own[0] / positions * change
    of_f = (np.broadcast_to(values, g_mean.shape).copy() for values in (f_mean, f_variance))
    f_means, f_variances = map(torch.from_numpy, of_f)
    x2, y2, d2, lpips = whole.T
    vectors = (change, np.maximum(dd / positions - change**2, 0), covariance, dd, size, _angle(x2, y2, d2))
    return (
        (f_means, torch.from_numpy(g_mean)),
        (f_variances, torch.from_numpy(g_variance)),
        *(torch.from_numpy(np.ascontiguousarray(values)) for values in vectors),
        torch.from_numpy(lpips / positions),
    )


def _mean_and_variance(first: Vector, mean: Vector, square: Vector) -> tuple[Vector, Vector]:
    """Of values, from the means of these less their first one, and of the squares of that."""
    variance = np.maximum(square - mean**2, 0)
    mean = first + mean
    return mean, np.where(variance <= CONSTANT**2 * (variance + mean**2), 0, variance)


def _angle(x2: Vector, y2: Vector, d2: Vector) -> Vector:
    """One minus the cosine of two vectors' angle, from the squares of their lengths and of their distance.

    0 where both are zero, 1 where one is. ``2 |x| |y| (1 - cos) = d2 - (|y| - |x|)^2``.
    """
    x, y = np.sqrt(x2), np.sqrt(y2)
    product = x * y
    across = np.clip(d2 - (y - x) ** 2, 0, 4 * product)
    angle = np.divide(across, 2 * product, out=np.zeros_like(x), where=product != 0)
    return np.where(d2 == 0, 0, np.where((x == 0) != (y == 0), 1, angle))
