"""The responses of pairs on a GPU -> the sums that ``sums.py`` gives on a CPU, from two reads of any memory order.

Triton's kernels. Products and sums are float64 as on a CPU, so the same holds of their digits. Every block of a grid
writes its own sums and torch adds them up, always in the same order, so that the numbers are the same each time.

All functions take a run of pairs: their reference ``x [1, C, H, W]``, or one for each, and ``y [P, C, H, W]`` on the
same GPU, both ``even``.
"""

# of what its kernels take, Triton knows no types but its own
# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False, disallow-untyped-decorators=False

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

# Values that a block works on at once, and positions that one block sums up at least.
TILE, _LEAST = 1024, 256
_BLOCKS = 2048  # enough to keep every processor of a GPU busy

# compiled once for sizes of any kind; memory orders are told apart, since they decide what is read at once
_jit: Any = triton.jit(do_not_specialize=["channels", "positions", "each"])


@_jit
def _channel_sums(
    x, y, sums, x_image, x_channel, x_position, y_image, y_channel, y_position, channels, positions, each,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """A few channels and ``each`` positions of a pair -> ten sums of every channel, ``[P, chunks, 10, C]``."""
    chunk, pair = tl.program_id(1), tl.program_id(2)
    c = tl.program_id(0) * WIDTH + tl.arange(0, WIDTH)
    known = c < channels
    x_line = x + pair.to(tl.int64) * x_image + c * x_channel
    y_line = y + pair.to(tl.int64) * y_image + c * y_channel
    p = tl.load(x_line, mask=known, other=0).to(tl.float64)
    q = tl.load(y_line, mask=known, other=0).to(tl.float64)
    u_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    uu_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    v_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    vv_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    e_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    ee_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    ue_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    size_sum = tl.zeros((ROWS, WIDTH), tl.float64)
    stop = tl.minimum((chunk + 1) * each, positions)
    for begin in range(chunk * each, stop, ROWS):
        n = begin + tl.arange(0, ROWS)
        inside = (n < stop)[:, None] & known[None, :]
        a = tl.load(x_line[None, :] + n[:, None] * x_position, mask=inside, other=0).to(tl.float64)
        b = tl.load(y_line[None, :] + n[:, None] * y_position, mask=inside, other=0).to(tl.float64)
        u = tl.where(inside, a - p[None, :], 0.0)
        v = tl.where(inside, b - q[None, :], 0.0)
        e = v - u
        u_sum += u
        uu_sum += u * u
        v_sum += v
        vv_sum += v * v
        e_sum += e
        ee_sum += e * e
        ue_sum += u * e
        size_sum += tl.abs(b - a)
    place = sums + (pair * tl.num_programs(1) + chunk).to(tl.int64) * 10 * channels + c
    tl.store(place, tl.sum(u_sum, 0), mask=known)
    tl.store(place + channels, tl.sum(uu_sum, 0), mask=known)
    tl.store(place + 2 * channels, tl.sum(v_sum, 0), mask=known)
    tl.store(place + 3 * channels, tl.sum(vv_sum, 0), mask=known)
    tl.store(place + 4 * channels, tl.sum(e_sum, 0), mask=known)
    tl.store(place + 5 * channels, tl.sum(ee_sum, 0), mask=known)
    tl.store(place + 6 * channels, tl.sum(ue_sum, 0), mask=known)
    tl.store(place + 7 * channels, tl.sum(size_sum, 0), mask=known)
    # the first values themselves, once
    tl.store(place + 8 * channels, tl.where(chunk == 0, p, 0.0), mask=known)
    tl.store(place + 9 * channels, tl.where(chunk == 0, q, 0.0), mask=known)


@_jit
def _position_sums(
    x, y, sums, x_image, x_channel, x_position, y_image, y_channel, y_position, channels, positions,
    EPSILON: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """A few positions of a pair and all channels -> four sums, ``[P, blocks, 4]``."""
    block, pair = tl.program_id(0), tl.program_id(1)
    n = block * ROWS + tl.arange(0, ROWS)
    known = n < positions
    x_line = x + pair.to(tl.int64) * x_image + n * x_position
    y_line = y + pair.to(tl.int64) * y_image + n * y_position
    x_tile = tl.zeros((ROWS, WIDTH), tl.float64)
    y_tile = tl.zeros((ROWS, WIDTH), tl.float64)
    d_tile = tl.zeros((ROWS, WIDTH), tl.float64)
    for begin in range(0, channels, WIDTH):
        c = begin + tl.arange(0, WIDTH)
        inside = known[:, None] & (c < channels)[None, :]
        a = tl.load(x_line[:, None] + c[None, :] * x_channel, mask=inside, other=0).to(tl.float64)
        b = tl.load(y_line[:, None] + c[None, :] * y_channel, mask=inside, other=0).to(tl.float64)
        d = b - a
        x_tile += a * a
        y_tile += b * b
        d_tile += d * d
    x2, y2, d2 = tl.sum(x_tile, 1), tl.sum(y_tile, 1), tl.sum(d_tile, 1)
    # as `apart` of sums.py
    x1, y1 = tl.sqrt(x2), tl.sqrt(y2)
    longer = y1 - x1
    across = d2 - longer * longer
    across = tl.where(across < 0, 0.0, across)
    across = tl.where(across > 4 * x1 * y1, 4 * x1 * y1, across)
    scale = 1 / ((x1 + EPSILON) * (y1 + EPSILON))
    along = EPSILON * longer
    apart = tl.where(d2 == 0, 0.0, scale * (scale * along * along + across))
    place = sums + (pair * tl.num_programs(0) + block).to(tl.int64) * 4
    tl.store(place, tl.sum(x2, 0))
    tl.store(place + 1, tl.sum(y2, 0))
    tl.store(place + 2, tl.sum(d2, 0))
    tl.store(place + 3, tl.sum(tl.where(known, apart, 0.0), 0))


@_jit
def _differences(
    x, y, sums, x_image, x_channel, x_position, y_image, y_channel, y_position, channels, positions, each,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """A few channels and ``each`` positions of a pair -> the sums of ``d^2`` and of ``|d|``, ``[P, blocks, 2]``."""
    tile, chunk, pair = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    c = tile * WIDTH + tl.arange(0, WIDTH)
    x_line = x + pair.to(tl.int64) * x_image + c * x_channel
    y_line = y + pair.to(tl.int64) * y_image + c * y_channel
    square = tl.zeros((ROWS, WIDTH), tl.float64)
    size = tl.zeros((ROWS, WIDTH), tl.float64)
    stop = tl.minimum((chunk + 1) * each, positions)
    for begin in range(chunk * each, stop, ROWS):
        n = begin + tl.arange(0, ROWS)
        inside = (n < stop)[:, None] & (c < channels)[None, :]
        a = tl.load(x_line[None, :] + n[:, None] * x_position, mask=inside, other=0).to(tl.float64)
        b = tl.load(y_line[None, :] + n[:, None] * y_position, mask=inside, other=0).to(tl.float64)
        d = b - a
        square += d * d
        size += tl.abs(d)
    place = sums + ((pair * tl.num_programs(1) + chunk) * tl.num_programs(0) + tile).to(tl.int64) * 2
    tl.store(place, tl.sum(tl.sum(square, 1), 0))
    tl.store(place + 1, tl.sum(tl.sum(size, 1), 0))


def channel_sums(x: Tensor, y: Tensor) -> Tensor:
    """``OWN`` and ``CHANGE`` of the channels of all pairs, and the first values of both, ``[P, 10, C]`` float64."""
    grid, sizes, tile = _grid(y)
    sums = torch.empty((len(y), grid[1], 10, sizes[0]), dtype=torch.float64, device=y.device)
    with torch.cuda.device_of(y):  # else Triton starts it on the first GPU
        _channel_sums[grid](x, y, sums, *_strides(x, y), *sizes, **tile)
    return sums.sum(1)


def position_sums(x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """``WHOLE`` of all pairs, ``[P, 4]`` float64."""
    _, (channels, positions, _), tile = _grid(y)
    blocks = triton.cdiv(positions, tile["ROWS"])
    sums = torch.empty((len(y), blocks, 4), dtype=torch.float64, device=y.device)
    with torch.cuda.device_of(y):  # else Triton starts it on the first GPU
        _position_sums[(blocks, len(y))](x, y, sums, *_strides(x, y), channels, positions, EPSILON=epsilon, **tile)
    return sums.sum(1)


def differences(x: Tensor, y: Tensor) -> Tensor:
    """Sums of ``d^2`` and of ``|d|`` of all pairs, ``[P, 2]`` float64."""
    grid, sizes, tile = _grid(y)
    sums = torch.empty((len(y), grid[0] * grid[1], 2), dtype=torch.float64, device=y.device)
    with torch.cuda.device_of(y):  # else Triton starts it on the first GPU
        _differences[grid](x, y, sums, *_strides(x, y), *sizes, **tile)
    return sums.sum(1)


def try_out() -> None:
    """Compile and run each kernel once.

    Raises:
        Exception: of any type, if this GPU or this machine cannot.
    """
    small = torch.ones((1, 2, 2, 1), device="cuda")
    for found in (channel_sums(small, small), position_sums(small, small, 1e-10), differences(small, small)):
        found.cpu()


def _strides(x: Tensor, y: Tensor) -> tuple[int, ...]:
    """Of images, channels and positions; that of images is 0 for one reference of all pairs."""
    return 0 if len(x) == 1 else x.stride(0), *_steps(x), y.stride(0), *_steps(y)


def _steps(values: Tensor) -> tuple[int, int]:
    return values.stride(1), values.stride(3) if values.shape[3] > 1 else values.stride(2)


def even(values: Tensor) -> Tensor:
    """The responses ``[b, C, H, W]``, copied only if their positions do not follow each other evenly in memory."""
    _, _, height, width = values.shape
    return values if 1 in (height, width) or values.stride(2) == width * values.stride(3) else values.contiguous()


def _grid(y: Tensor) -> tuple[tuple[int, int, int], tuple[int, int, int], dict[str, int]]:
    """Blocks; channels, positions, and positions of one block; what a block looks at, along the order in memory."""
    pairs, channels, height, width = y.shape
    wide = min(32 if y.stride(1) == 1 else 4, triton.next_power_of_2(channels))
    rows, tiles, positions = TILE // wide, triton.cdiv(channels, wide), height * width
    wanted = triton.cdiv(positions, max(1, _BLOCKS // (tiles * pairs)))  # blocks enough, but none without work
    each = triton.cdiv(max(wanted, _LEAST), rows) * rows
    return (tiles, triton.cdiv(positions, each), pairs), (channels, positions, each), {"ROWS": rows, "WIDTH": wide}
