"""The responses of pairs -> sums of their channels and positions, in one read.

Every value is float32 as the network gave it, every product and sum float64. A sum of squares about the channel's
first value and the square of a mean have digits enough to be subtracted: what the difference loses of sixteen digits
is at most as many as the channel has positions, since the first value is one of those that are squared. What changes
is summed as the change of every position, so that nearly identical images keep all digits, and a channel that is only
shifted has exactly the deviation that it had.

Names: ``x`` a value of the reference, ``y`` of the distorted image, ``d = y - x``, ``u`` and ``v`` those two less the
first value of their channel, ``e = v - u``. Rows are taken four at a time, so that the sums of channels are fetched and
stored once for four positions; a compiler makes vector instructions of these loops.
"""

from typing import Any

import numpy as np

from iqa_lab.loops import compile_sums
from iqa_lab.loops.rows import copy, lay_out
from iqa_lab.loops.rows import try_out as try_out

Array = Any  # of NumPy; Numba's code is compiled for the types that it meets

# What the loops give. Of the reference's channels and of the distorted image's own:
OWN = ("u", "u^2")
# of the channels of a pair:
CHANGE = ("v", "v^2", "e", "e^2", "u e", "|d|")
# of all positions of a pair: squares of both and of the difference; squared distances of unit-normalised positions
WHOLE = ("x^2", "y^2", "d^2", "lpips")

BLOCK = 2**14  # values of one image that are worked on while they are in the nearest cache
_NEAR = 2**17  # values of a reference that stay near while each distorted image streams by: half of the second cache
_LINE, _FEW = 512, 8  # positions, and channels, that are copied to lines of their own at once


@compile_sums
def apart(x: float, y: float, d2: float, epsilon: float) -> float:
    """``|y / (|y| + e) - x / (|x| + e)|^2`` of two vectors, from their lengths and the square of their distance.

    The part of the distance that is not along the vectors is ``d2 - (|y| - |x|)^2``, at most ``4 |x| |y|``.
    """
    longer = y - x
    across = min(max(d2 - longer * longer, 0.0), 4 * x * y)
    scale = 1 / ((x + epsilon) * (y + epsilon))
    along = epsilon * longer
    distance: float = 0.0 if d2 == 0 else scale * (scale * along * along + across)
    return distance


@compile_sums
def _add_positions(x2: Array, x1: Array, y2: Array, d2: Array, whole: Array, epsilon: float) -> None:
    """Adds positions to the sums of the whole.

    Args:
        x2: squares of the lengths of the reference's vectors.
        x1: their lengths.
        y2: squares of the lengths of the distorted image's vectors.
        d2: squares of the distances.
        whole: ``[4]``, see ``WHOLE``.
        epsilon: added to lengths before positions are divided by them.
    """
    x_square = y_square = d_square = distance = 0.0
    for n in range(len(d2)):
        x_square += x2[n]
        y_square += y2[n]
        d_square += d2[n]
        distance += apart(x1[n], np.sqrt(y2[n]), d2[n], epsilon)
    whole[0] += x_square
    whole[1] += y_square
    whole[2] += d_square
    whole[3] += distance


@compile_sums
def _roots(squares: Array, roots: Array) -> None:
    """The roots of squares."""
    for n in range(len(squares)):
        roots[n] = np.sqrt(squares[n])


@compile_sums
def _own_rows(x: Array, first: Array, channels: Array, squares: Array) -> None:
    """Adds rows of one image ``[n, C]`` to its channels' sums; writes every row's sum of squares."""
    rows, number = x.shape
    for n in range(rows):
        square = 0.0
        for c in range(number):
            value = np.float64(x[n, c])
            u = value - np.float64(first[c])
            channels[0, c] += u
            channels[1, c] += u * u
            square += value * value
        squares[n] = square


@compile_sums
def _row_pairs(x: Array, y: Array, p: Array, q: Array, channels: Array, y_squares: Array, d_squares: Array) -> None:
    """Adds rows of a pair, ``[n, C]`` each, to the sums of its channels; writes every row's sums of squares."""
    rows, number = x.shape
    n = 0
    while n + 4 <= rows:
        y0 = y1 = y2 = y3 = 0.0
        d0 = d1 = d2 = d3 = 0.0
        for c in range(number):
            a0, a1 = np.float64(x[n, c]), np.float64(x[n + 1, c])
            a2, a3 = np.float64(x[n + 2, c]), np.float64(x[n + 3, c])
            b0, b1 = np.float64(y[n, c]), np.float64(y[n + 1, c])
            b2, b3 = np.float64(y[n + 2, c]), np.float64(y[n + 3, c])
            e0, e1, e2, e3 = b0 - a0, b1 - a1, b2 - a2, b3 - a3
            y0 += b0 * b0
            y1 += b1 * b1
            y2 += b2 * b2
            y3 += b3 * b3
            d0 += e0 * e0
            d1 += e1 * e1
            d2 += e2 * e2
            d3 += e3 * e3
            channels[5, c] += abs(e0) + abs(e1) + abs(e2) + abs(e3)
            u, v = np.float64(p[c]), np.float64(q[c])
            a0, a1, a2, a3 = a0 - u, a1 - u, a2 - u, a3 - u
            b0, b1, b2, b3 = b0 - v, b1 - v, b2 - v, b3 - v
            e0, e1, e2, e3 = b0 - a0, b1 - a1, b2 - a2, b3 - a3
            channels[0, c] += b0 + b1 + b2 + b3
            channels[1, c] += b0 * b0 + b1 * b1 + b2 * b2 + b3 * b3
            channels[2, c] += e0 + e1 + e2 + e3
            channels[3, c] += e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
            channels[4, c] += a0 * e0 + a1 * e1 + a2 * e2 + a3 * e3
        y_squares[n], y_squares[n + 1], y_squares[n + 2], y_squares[n + 3] = y0, y1, y2, y3
        d_squares[n], d_squares[n + 1], d_squares[n + 2], d_squares[n + 3] = d0, d1, d2, d3
        n += 4
    while n < rows:
        y0 = d0 = 0.0
        for c in range(number):
            a, b = np.float64(x[n, c]), np.float64(y[n, c])
            e = b - a
            y0 += b * b
            d0 += e * e
            channels[5, c] += abs(e)
            a -= np.float64(p[c])
            b -= np.float64(q[c])
            e = b - a
            channels[0, c] += b
            channels[1, c] += b * b
            channels[2, c] += e
            channels[3, c] += e * e
            channels[4, c] += a * e
        y_squares[n], d_squares[n] = y0, d0
        n += 1


@compile_sums
def sums_of_rows(
    x: Array, y: Array, start: int, stop: int, own: Array, channels: Array, whole: Array, epsilon: float
) -> None:
    """Positions ``start`` to ``stop`` of a reference ``[N, C]`` and its distorted images ``[P, N, C]``.

    Args:
        x: float32, channels innermost.
        y: float32, channels innermost.
        start: first position.
        stop: after the last one.
        own: ``[2, C]`` float64, see ``OWN``; what is found is added.
        channels: ``[P, 6, C]`` float64, see ``CHANGE``.
        whole: ``[P, 4]`` float64, see ``WHOLE``.
        epsilon: added to lengths before positions are divided by them.
    """
    pairs, _, number = y.shape
    step = max(4, BLOCK // number // 4 * 4)
    squares = np.empty((4, step))
    for begin in range(start, stop, step):
        end = min(stop, begin + step)
        block, (x2, x1, y2, d2) = x[begin:end], squares[:, : end - begin]
        _own_rows(block, x[0], own, x2)
        _roots(x2, x1)
        for pair in range(pairs):
            _row_pairs(block, y[pair, begin:end], x[0], y[pair, 0], channels[pair], y2, d2)
            _add_positions(x2, x1, y2, d2, whole[pair], epsilon)


@compile_sums
def _fetch(values: Array, first: int, last: int, start: int, stop: int, lines: Array) -> None:
    """Copies positions ``start`` to ``stop`` of a few channels of ``[C, N]`` to lines of their own.

    ``lay_out`` could do both, but does not know that the positions of a channel lie together: a third slower.
    """
    if values.strides[0] == values.itemsize:
        lay_out(values[first:last, start:stop].T, lines)
    else:
        for c in range(first, last):
            copy(values[c, start:stop], lines[c - first])


@compile_sums
def sums_of_lines(
    x: Array, y: Array, start: int, stop: int, own: Array, channels: Array, whole: Array, epsilon: float
) -> None:
    """As ``sums_of_rows``, of responses ``[C, N]`` and ``[P, C, N]``, float32 in any memory order."""
    pairs, number, _ = y.shape
    step = _LINE
    x2, x1 = np.empty(step), np.empty(step)
    y2, d2 = np.empty((pairs, step)), np.empty((pairs, step))
    lines, others = np.empty((_FEW, step), np.float32), np.empty((_FEW, step), np.float32)
    for begin in range(start, stop, step):
        end = min(stop, begin + step)
        size = end - begin
        x2[:] = 0
        y2[:] = 0
        d2[:] = 0
        for c in range(0, number, _FEW):
            few = min(number - c, _FEW)
            _fetch(x, c, c + few, begin, end, lines)
            for k in range(few):
                line, p = lines[k], np.float64(x[c + k, 0])
                su = suu = 0.0
                for n in range(size):
                    a = np.float64(line[n])
                    x2[n] += a * a
                    u = a - p
                    su += u
                    suu += u * u
                own[0, c + k] += su
                own[1, c + k] += suu
            for pair in range(pairs):
                _fetch(y[pair], c, c + few, begin, end, others)
                for k in range(few):
                    line, other = lines[k], others[k]
                    p, q = np.float64(x[c + k, 0]), np.float64(y[pair, c + k, 0])
                    sv = svv = se = see = sue = sad = 0.0
                    for n in range(size):
                        a, b = np.float64(line[n]), np.float64(other[n])
                        d = b - a
                        y2[pair, n] += b * b
                        d2[pair, n] += d * d
                        sad += abs(d)
                        u, v = a - p, b - q
                        e = v - u
                        sv += v
                        svv += v * v
                        se += e
                        see += e * e
                        sue += u * e
                    channels[pair, 0, c + k] += sv
                    channels[pair, 1, c + k] += svv
                    channels[pair, 2, c + k] += se
                    channels[pair, 3, c + k] += see
                    channels[pair, 4, c + k] += sue
                    channels[pair, 5, c + k] += sad
        _roots(x2, x1)
        for pair in range(pairs):
            _add_positions(x2[:size], x1, y2[pair, :size], d2[pair, :size], whole[pair], epsilon)


@compile_sums
def products(x: Array, y: Array, start: int, stop: int, sums: Array) -> None:
    """Adds ``(x + y) (y - x)^T`` of ``[C, N]`` and ``[P, C, N]``, float32, to ``[P, C, C]`` float64."""
    pairs, number, _ = y.shape
    step = 512
    lines, others = np.empty((number, step), np.float32), np.empty((number, step), np.float32)
    totals, changes = np.empty((number, step)), np.empty((number, step))
    for begin in range(start, stop, step):
        end = min(stop, begin + step)
        size = end - begin
        _fetch(x, 0, number, begin, end, lines)
        for pair in range(pairs):
            _fetch(y[pair], 0, number, begin, end, others)
            for c in range(number):
                line, other = lines[c], others[c]
                for n in range(size):
                    a, b = np.float64(line[n]), np.float64(other[n])
                    totals[c, n] = a + b
                    changes[c, n] = b - a
            for row in range(number):
                for column in range(number):
                    product = 0.0
                    for n in range(size):
                        product += totals[row, n] * changes[column, n]
                    sums[pair, row, column] += product


@compile_sums
def differences(x: Array, y: Array, start: int, stop: int, sums: Array) -> None:
    """Adds the sums of ``d^2`` and ``|d|`` of values ``[M]`` and ``[P, M]``, in any order, to ``[P, 2]`` float64.

    The values are float32 or uint8. Nothing cancels: a few are added in float32, which is several times faster.
    """
    for near in range(start, stop, _NEAR):
        for pair in range(len(y)):
            for begin in range(near, min(stop, near + _NEAR), 2048):
                end = min(stop, near + _NEAR, begin + 2048)
                first, second = x[begin:end], y[pair, begin:end]
                square, size = np.float32(0), np.float32(0)
                for n in range(end - begin):
                    d = np.float32(second[n]) - np.float32(first[n])
                    square += d * d
                    size += abs(d)
                sums[pair, 0] += square
                sums[pair, 1] += size
