"""The responses of pairs -> the sums that most readouts are made of, from one read of them by compiled loops.

Only for what lies on a CPU or a GPU and wants no gradient. Elsewhere, and where loops cannot be compiled, there is
None, and the readouts' definitions in torch do the same work; tests hold the two together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.loops import loops, sums_on
from iqa_lab.readouts.pieces import LPIPS_EPSILON
from iqa_lab.readouts.threads import share_out

Vector = NDArray[np.float64]
Array = NDArray[np.float32]
Run = tuple[Array, Array]

# A channel whose standard deviation is this small a part of its root mean square is constant: rounding is all it has.
CONSTANT = 1e-6

# Values that are worth another thread; channels, of pixels say, that are fewer than matrices are made for.
_WORTH_A_THREAD, FEW_CHANNELS = 2**15, 8
# Channels that lie innermost: more are summed up position by position.
_AS_LINES = 32
_READ = (torch.float32, torch.bfloat16, torch.float16, torch.uint8)


@dataclass(frozen=True)
class Moments:
    """Statistics of ``P`` pairs of responses with ``C`` channels; all are float64."""

    means: tuple[Tensor, Tensor]  # over positions, of the reference and of the distorted image, [P, C] each
    variances: tuple[Tensor, Tensor]  # exactly 0 where a channel is constant
    mean_change: Tensor  # of d = g - f, [P, C]
    change_variance: Tensor
    covariance: Tensor  # of d and f
    squared: Tensor  # mean over positions of d^2
    all_squared: Tensor  # mean over positions of d^2, summed over channels, [P]
    all_absolute: Tensor  # likewise of |d|
    cosine: Tensor  # one minus the cosine of the angle between the flattened responses, [P]
    lpips: Tensor  # mean over positions of the squared distance of their channel vectors, each of length 1, [P]


def moments(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Moments | None:
    """All statistics of these runs of pairs, see ``Response``; None where compiled loops do not serve."""
    if (compiled := _serving(references, distorted)) is None:
        return None
    if distorted[0].is_cuda:
        parts = [_statistics(torch, *run) for run in _sums_on_gpu(compiled, references, distorted)]
    else:  # of so few numbers NumPy's operations take half the time of torch's
        with np.errstate(all="ignore"):
            sums = [_statistics(np, *run) for run in _sums_on_cpu(compiled, references, distorted)]
        parts = [tuple(map(torch.from_numpy, run)) for run in sums]
    together = tuple(map(torch.cat, zip(*parts, strict=True))) if len(parts) > 1 else parts[0]  # cat copies even one
    f_means, g_means, f_variances, g_variances, *others = together
    return Moments((f_means, g_means), (f_variances, g_variances), *others)


def differences(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> tuple[Tensor, Tensor] | None:
    """Sums over channels and positions of ``(g - f)^2`` and ``|g - f|``, ``[P]`` each, float64, at memory's speed."""
    if (compiled := _serving(references, distorted)) is None:
        return None
    if distorted[0].is_cuda:
        square, size = torch.cat([compiled.differences(*run) for run in _even(compiled, references, distorted)]).T
        return square, size
    flat = [run for f, g in zip(references, distorted, strict=True) for run in _in_any_order(f, g)]

    number = sum(len(g) for _, g in flat)

    def work(start: int, stop: int) -> Vector:
        sums, first = np.zeros((number, 2)), 0
        for f, g in flat:
            compiled.differences(f, g, start, stop, sums[first : first + len(g)])
            first += len(g)
        return sums

    square, size = torch.from_numpy(sum(share_out(work, len(flat[0][0]), _least(1, flat)))).unbind(1)
    return square, size


def products(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Tensor | None:
    """``(f + g) (g - f)^T`` of responses ``[C, N]`` with a few channels, pixels say: ``[P, C, C]``, float64."""
    compiled = _serving(references, distorted)
    channels = distorted[0].shape[1]
    if compiled is None or distorted[0].is_cuda or channels >= FEW_CHANNELS:
        return None
    runs = [run for f, g in zip(references, distorted, strict=True) for run in _laid_out(f, g, by_rows=False)]

    def work(start: int, stop: int) -> Vector:
        sums = [np.zeros((len(g), channels, channels)) for _, g in runs]
        for (f, g), found in zip(runs, sums, strict=True):
            compiled.products(f, g, start, stop, found)
        return np.concatenate(sums)

    found = np.sum(share_out(work, distorted[0][0, 0].numel(), _least(channels, runs)), axis=0)
    return torch.from_numpy(found)


def squares_apart(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Tensor | None:
    """``|f f^T - g g^T|^2`` of responses ``[C, N]``, ``[P]`` float64; or None, see ``_of_pairs``."""
    return _of_pairs("squares_apart", (), references, distorted)


def squares_from_positions(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Tensor | None:
    """The same from products of positions, ``|g - f|^2`` and ``|f|^2``, ``[P, 3]`` float64; or None."""
    return _of_pairs("squares_from_positions", (3,), references, distorted)


def _of_pairs(
    loop: str, shape: tuple[int, ...], references: Sequence[Tensor], distorted: Sequence[Tensor]
) -> Tensor | None:
    """What a loop over pairs gives, ``[P, ...]`` float64.

    None where channels do not lie innermost, where loops do not serve, and of fewer pairs than threads, which torch
    shares out better.
    """
    number = sum(map(len, distorted))
    served = all(serves(values) for values in (*references, *distorted)) and distorted[0].stride(1) == 1
    if not served or number < torch.get_num_threads() or (compiled := loops("matrices")) is None:
        return None
    runs = [run for f, g in zip(references, distorted, strict=True) for run in _laid_out(f, g, by_rows=True)]
    found, write = np.empty((number, *shape)), getattr(compiled, loop)

    def work(start: int, stop: int) -> None:
        begin = 0
        for f, g in runs:
            write(f, g, max(start - begin, 0), min(stop - begin, len(g)), found[begin : begin + len(g)])
            begin += len(g)

    share_out(work, number, 1)
    return torch.from_numpy(found)


def serves(values: Tensor, kind: str = "cpu") -> bool:
    """Whether compiled loops can read these values: on such a device, of a type in float32, without a gradient."""
    plain = not (values.requires_grad and torch.is_grad_enabled()) and not torch.compiler.is_compiling()
    return plain and values.device.type == kind and values.dtype in _READ and values.numel() > 0


def array_of(values: Tensor) -> Array:
    """Responses on a CPU as float32 of NumPy, whose views take half the time of torch's; where they lie, if it can."""
    return (values if values.dtype == torch.float32 else values.float()).detach().numpy()


def lines_of(values: Tensor) -> Array:
    """Responses ``[b, C, H, W]`` on a CPU as ``[b, C, N]`` float32, see ``array_of``."""
    return array_of(values).reshape(*values.shape[:2], -1)


def _serving(references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Any:
    kind = distorted[0].device.type
    everything = (*references, *distorted)
    served = all(serves(values, kind) for values in everything)
    if kind == "cuda":
        served = served and all(map(within_reach, everything))
    return sums_on(kind) if served else None


def within_reach(values: Tensor) -> bool:
    """Whether the last value of an image ``[C, H, W]`` lies near enough to the first: a GPU's count in 32 bits."""
    return sum((size - 1) * step for size, step in zip(values.shape[1:], values.stride()[1:], strict=True)) < 2**31


# What there is of some pairs: the first values of the channels of f, [1 or p, C], and of g, [p, C]; and means over
# positions of what is summed about these, see ``OWN``, ``CHANGE`` and ``WHOLE``: [1 or p, 2, C], [p, 6, C], [p, 4].
# Tensors, or arrays of NumPy.
Sums = tuple[Any, Any, Any, Any, Any]


def _sums_on_cpu(compiled: Any, references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Iterator[Sums]:
    _, channels, height, width = distorted[0].shape
    positions = height * width
    by_rows = channels > _AS_LINES and (distorted[0].stride(1) == 1 or positions == 1)
    runs = [run for f, g in zip(references, distorted, strict=True) for run in _laid_out(f, g, by_rows)]
    loop = compiled.sums_of_rows if by_rows else compiled.sums_of_lines

    def work(start: int, stop: int) -> list[list[Vector]]:
        found = []
        for f, g in runs:
            sums = [np.zeros(shape) for shape in ((2, channels), (len(g), 6, channels), (len(g), 4))]
            loop(f, g, start, stop, *sums, LPIPS_EPSILON)
            found.append(sums)
        return found

    of_threads = share_out(work, positions, _least(channels, runs))
    for (f, g), *several in zip(runs, *of_threads, strict=True):
        first = (f[0], g[:, 0]) if by_rows else (f[:, 0], g[:, :, 0])
        own, changes, whole = (sum(sums[1:], sums[0]) / positions for sums in zip(*several, strict=True))
        yield first[0][None].astype(float), first[1].astype(float), own[None], changes, whole


def _sums_on_gpu(compiled: Any, references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Iterator[Sums]:
    runs = list(_even(compiled, references, distorted))
    sums = torch.cat([compiled.channel_sums(*run) for run in runs])
    whole = torch.cat([compiled.position_sums(*run, LPIPS_EPSILON) for run in runs])
    positions = distorted[0].shape[2] * distorted[0].shape[3]
    means = sums[:, :8] / positions
    yield sums[:, 8], sums[:, 9], means[:, :2], means[:, 2:], whole / positions


def _even(compiled: Any, references: Sequence[Tensor], distorted: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    for f, g in zip(references, distorted, strict=True):
        yield compiled.even(f), compiled.even(g)


def _in_any_order(reference: Tensor, distorted: Tensor) -> Iterator[tuple[Array, Array]]:
    """The values of each reference image, ``[M]``, and of its distorted ones, ``[p, M]``, in the same order."""
    axes = sorted((1, 2, 3), key=distorted.stride, reverse=True)
    levels = reference.dtype == distorted.dtype == torch.uint8  # read as they are: a quarter of the memory
    arrays = (values.numpy() if levels else array_of(values) for values in (reference, distorted))
    f, g = (values.transpose(0, *axes).reshape(len(values), -1) for values in arrays)
    each = len(g) // len(f)
    yield from ((image, g[place * each : (place + 1) * each]) for place, image in enumerate(f))


def _least(size: int, runs: Sequence[Run]) -> int:
    """How many things of a size are worth another thread, of those that are read in all distorted images at once."""
    return max(1, _WORTH_A_THREAD // (size * sum(len(g) for _, g in runs)))


def _laid_out(reference: Tensor, distorted: Tensor, by_rows: bool) -> list[Run]:
    """Each reference image and its distorted ones: ``[N, C]`` and ``[p, N, C]``; or ``[C, N]`` and ``[p, C, N]``.

    Rows lie together, and so do lines of many channels: where they do not, they are copied.
    """
    f, g = lines_of(reference), lines_of(distorted)
    if by_rows:
        f, g = f.transpose(0, 2, 1), g.transpose(0, 2, 1)
    if by_rows or f.shape[1] > _AS_LINES:
        f, g = np.ascontiguousarray(f), np.ascontiguousarray(g)
    each = len(g) // len(f)
    return [(image, g[place * each : (place + 1) * each]) for place, image in enumerate(f)]


def _statistics(xp: Any, f_first: Any, g_first: Any, own: Any, changes: Any, whole: Any) -> tuple[Any, ...]:
    """The fields of ``Moments`` of these pairs, in their order; of what is infinite no number, refused later.

    Args:
        xp: torch or NumPy, whichever the sums are of.
        f_first: see ``Sums``, as what follows.
        g_first: likewise.
        own: likewise.
        changes: likewise.
        whole: likewise.
    """
    v, vv, e, ee, ue, size = (changes[:, number] for number in range(6))
    zero = xp.zeros_like(e[:1, :1])  # of torch's functions some take no number
    f_mean, f_variance = _mean_and_variance(xp, f_first, own[:, 0], own[:, 1], zero)
    step = g_first - f_first  # d = step + e
    g_mean, g_variance = _mean_and_variance(xp, g_first, v, vv, zero)
    change_variance = xp.maximum(ee - e * e, zero)
    squared = xp.maximum(ee + 2 * step * e + step * step, zero)
    x2, y2, d2, lpips = (whole[:, number] for number in range(4))
    covariance, angle = ue - own[:, 0] * e, _angle(xp, x2, y2, d2, zero[0])
    nothing = xp.zeros_like(e)  # a row for each pair, where all have one reference
    means, variances = (f_mean + nothing, g_mean), (f_variance + nothing, g_variance)
    return *means, *variances, step + e, change_variance, covariance, squared, d2, size.sum(1), angle, lpips


def _mean_and_variance(xp: Any, first: Any, mean: Any, square: Any, zero: Any) -> tuple[Any, Any]:
    """Of values, from the means of these less their first one, and of the squares of that."""
    variance = xp.maximum(square - mean * mean, zero)
    mean = first + mean
    return mean, xp.where(variance <= CONSTANT**2 * (variance + mean * mean), 0.0, variance)


def _angle(xp: Any, x2: Any, y2: Any, d2: Any, zero: Any) -> Any:
    """One minus the cosine of two vectors' angle, from the squares of their lengths and of their distance.

    0 where both are zero, 1 where one is. ``2 |x| |y| (1 - cos) = d2 - (|y| - |x|)^2``.
    """
    x, y = xp.sqrt(x2), xp.sqrt(y2)
    product = x * y
    across = xp.minimum(xp.maximum(d2 - (y - x) ** 2, zero), 4 * product)
    angle = across / xp.where(product == 0, 1.0, 2 * product)
    return xp.where(d2 == 0, 0.0, xp.where((x == 0) != (y == 0), 1.0, angle))
