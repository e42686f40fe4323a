"""The responses of pairs -> the sums that most readouts are made of, from one read of them by compiled loops.

Only for what lies on a CPU and wants no gradient. Everywhere else, and where loops cannot be compiled, there is None,
and the readouts' definitions in torch do the same work; tests hold the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.readouts.loops import loops, share_out
from iqa_lab.readouts.pieces import LPIPS_EPSILON

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
    if (compiled := _serving(references, distorted)) is None:
        return None
    runs = [run for f, g in zip(references, distorted, strict=True) for run in _laid_out(f, g)]
    _, channels, height, width = distorted[0].shape
    positions = height * width

    def work(start: int, stop: int) -> list[list[Vector]]:
        found = []
        for f, g, innermost in runs:
            sums = [np.zeros(shape) for shape in ((2, channels), (len(g), 6, channels), (len(g), 4))]
            loop = compiled.sums_of_rows if innermost else compiled.sums_of_lines
            loop(f, g, start, stop, *sums, LPIPS_EPSILON)
            found.append(sums)
        return found

    of_threads = share_out(work, positions, _least(channels, runs))
    parts = []
    for (f, g, innermost), *several in zip(runs, *of_threads, strict=True):
        first = (f[0], g[:, 0]) if innermost else (f[:, 0], g[:, :, 0])
        own, changes, whole = (sum(sums[1:], sums[0]) / positions for sums in zip(*several, strict=True))
        parts.append(_statistics(first[0].astype(float), first[1].astype(float), own, changes, whole, positions))
    f_means, g_means, f_variances, g_variances, *others = map(torch.cat, zip(*parts, strict=True))
    return Moments((f_means, g_means), (f_variances, g_variances), *others)


def differences(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> tuple[Tensor, Tensor] | None:
    """Sums over channels and positions of ``(g - f)^2`` and ``|g - f|``, ``[P]`` each, float64, at memory's speed."""
    if (compiled := _serving(references, distorted)) is None:
        return None
    runs = [run for f, g in zip(references, distorted, strict=True) for run in _laid_out(f, g)]
    flat = [(f.reshape(-1), g.reshape(len(g), -1)) for f, g, _ in runs]

    def work(start: int, stop: int) -> Vector:
        sums = [np.zeros((len(g), 2)) for _, g in flat]
        for (f, g), found in zip(flat, sums, strict=True):
            compiled.differences(f, g, start, stop, found)
        return np.concatenate(sums)

    found = np.sum(share_out(work, len(flat[0][0]), _least(1, runs)), axis=0)
    return torch.from_numpy(found[:, 0].copy()), torch.from_numpy(found[:, 1].copy())


def serves(values: Tensor) -> bool:
    """Whether compiled loops can read these values: on a CPU, of a type that float32 holds, without a gradient."""
    plain = not (values.requires_grad and torch.is_grad_enabled()) and not torch.compiler.is_compiling()
    return plain and values.device.type == "cpu" and values.dtype in _READ and values.numel() > 0


def _serving(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Any:
    return loops("sums") if all(map(serves, (*references, *distorted))) else None


def _least(size: int, runs: Sequence[Run]) -> int:
    """How many things of a size are worth another thread, of those that are read in all distorted images at once."""
    return max(1, _WORTH_A_THREAD // (size * sum(len(g) for _, g, _ in runs)))


def _laid_out(reference: Tensor, distorted: Tensor) -> list[Run]:
    """Each reference image and its distorted ones: ``[N, C]`` and ``[p, N, C]``; or ``[C, N]`` and so on, and False.

    Whichever is as they lie in memory; where neither is, they are copied.
    """
    innermost = distorted.shape[1] >= _FEW_CHANNELS and (distorted.stride(1) == 1 or distorted.shape[2:].numel() == 1)

    def array(values: Tensor) -> NDArray[np.float32]:
        flat = values.detach().float().flatten(2)
        return np.asarray((flat.transpose(1, 2) if innermost else flat).contiguous().numpy())

    f, g = array(reference), array(distorted)
    each = len(g) // len(f)
    return [(image, g[place * each : (place + 1) * each], innermost) for place, image in enumerate(f)]


@np.errstate(invalid="ignore", over="ignore")  # what is infinite or no number gives no number, and is refused later
def _statistics(
    f_first: Vector, g_first: Vector, own: Vector, changes: Vector, whole: Vector, positions: int
) -> list[Tensor]:
    """The fields of ``Moments`` of one run, from means over positions of what is summed about the first values."""
    f_mean, f_variance = _mean_and_variance(f_first, *own)
    v, vv, e, ee, ue, size = changes.transpose(1, 0, 2)
    step = g_first - f_first  # d = step + e
    g_mean, g_variance = _mean_and_variance(g_first, v, vv)
    x2, y2, d2, lpips = whole.T
    found = (
        np.broadcast_to(f_mean, e.shape),
        g_mean,
        np.broadcast_to(f_variance, e.shape),
        g_variance,
        step + e,
        np.maximum(ee - e**2, 0),
        ue - own[0] * e,
        np.maximum(ee + 2 * step * e + step**2, 0) * positions,
        size * positions,
        _angle(x2, y2, d2),
        lpips,
    )
    return [torch.from_numpy(np.array(values)) for values in found]


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
