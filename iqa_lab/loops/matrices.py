"""Responses of pairs -> how far the matrices of their channels' products are apart.

A few lines of what is multiplied are laid out as panels of sixteen columns, and parts of two panels are multiplied in
registers (Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication, 2008). Libraries do the same, but
those that come with torch use half of the width of AVX-512 on processors of AMD, and what they give has to be read from
the memory again.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from iqa_lab.loops import compile_sums
from iqa_lab.loops.rows import LANES, begin_of, lay_out

Array = Any  # of NumPy; the loops are compiled for the types that they meet

# Columns of a panel that are multiplied with sixteen of another at once: eight long vectors, or twice four of half the
# length, keep a processor busy, and it has room for so many sums. What is compiled is kept by the same features.
_FEATURES = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
ROWS = 8 if "+avx512f" in _FEATURES else 4
AT_ONCE = 256  # lines of a panel, whose products are added in float32, and their sums in float64
_TILE = 16  # rows and columns of a matrix that are near at once

_WHOLE, _REAL, _WIDE = ir.IntType(32), ir.FloatType(), ir.VectorType(ir.FloatType(), LANES)


def _multiplying(_typing: Any, left: Any, row: Any, right: Any, panel: Any, steps: Any, sums: Any) -> Any:
    """Adds ``left^T right`` of some lines to sums, ``[16 R, 16 S]`` float64: of ``ROWS`` columns and of one panel.

    Panels are ``[R, 256, 16]`` and ``[S, 256, 16]`` float32; which ``ROWS`` columns of all the left ones, and which of
    the right panels, is said by numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, row, _, panel, steps, _ = arguments
        number, double = steps.type, ir.VectorType(ir.DoubleType(), LANES)
        parts = number(LANES // ROWS)
        to_left = begin_of(context, builder, signature, arguments, 0, builder.sdiv(row, parts))
        to_left = builder.gep(to_left, [builder.mul(builder.srem(row, parts), number(ROWS))])
        to_right = builder.bitcast(begin_of(context, builder, signature, arguments, 2, panel), _WIDE.as_pointer())
        nothing, undefined = ir.Constant(_WIDE, [0.0] * LANES), ir.Constant(_WIDE, ir.Undefined)
        everywhere = ir.Constant(ir.VectorType(_WHOLE, LANES), [0] * LANES)
        totals = [cgutils.alloca_once_value(builder, nothing) for _ in range(ROWS)]
        with cgutils.for_range(builder, steps, intp=number) as step:
            values = builder.load(builder.gep(to_right, [step.index]), align=4)
            line = builder.gep(to_left, [builder.mul(step.index, number(LANES))])
            for m, total in enumerate(totals):
                factor = builder.load(builder.gep(line, [number(m)]))
                factors = builder.insert_element(undefined, factor, _WHOLE(0))
                factors = builder.shuffle_vector(factors, undefined, everywhere)
                term = builder.fmul(factors, values, flags=("contract",))
                builder.store(builder.fadd(term, builder.load(total), flags=("contract",)), total)
        for m, total in enumerate(totals):
            line = builder.add(builder.mul(row, number(ROWS)), number(m))
            where = begin_of(context, builder, signature, arguments, 5, line)
            where = builder.gep(builder.bitcast(where, double.as_pointer()), [panel])
            exact = builder.fpext(builder.load(total), double)
            builder.store(builder.fadd(exact, builder.load(where, align=8)), where, align=8)
        return context.get_dummy_value()

    return types.void(left, row, right, panel, steps, sums), generate


def _laying_out(lanes: int) -> Callable[..., Any]:
    """Writes ``x + y`` and ``y - x`` of channels ``c`` and those that follow, at one position, to a line of panels."""

    def typed(_typing: Any, x: Any, y: Any, n: Any, c: Any, totals: Any, changes: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, _, n, c, _, _ = arguments
            some, lanes_of_panel = ir.VectorType(_REAL, lanes).as_pointer(), n.type(LANES)
            panel = builder.sdiv(c, lanes_of_panel)
            offset = builder.add(builder.mul(n, lanes_of_panel), builder.srem(c, lanes_of_panel))

            def place(argument: int, first: Any, further: Any) -> Any:
                begin = begin_of(context, builder, signature, arguments, argument, first)
                return builder.bitcast(builder.gep(begin, [further]), some)

            first, second = (builder.load(place(argument, n, c), align=4) for argument in (0, 1))
            builder.store(builder.fadd(first, second), place(4, panel, offset), align=4)
            builder.store(builder.fsub(second, first), place(5, panel, offset), align=4)
            return context.get_dummy_value()

        return types.void(x, y, n, c, totals, changes), generate

    return typed


_multiply: Any = intrinsic(_multiplying)
_lay_out_panel: Any = intrinsic(_laying_out(LANES))
_lay_out_half: Any = intrinsic(_laying_out(LANES // 2))


@compile_sums
def squares_apart(x: Array, y: Array, first: int, last: int, squares: Array) -> None:
    """Writes ``|F F^T - G G^T|^2`` of some pairs; ``F`` is one image's ``[C, N]``, the norm Frobenius'.

    With ``S = F + G`` and ``D = G - F`` the difference of the two matrices is ``(S D^T + D S^T) / 2``: one product
    instead of two, and no digits are lost for nearly equal images.

    Args:
        x: ``[N, C]`` float32, C-contiguous.
        y: ``[P, N, C]`` float32, C-contiguous.
        first: pair.
        last: before this one.
        squares: ``[P]`` float64, of which these are filled.
    """
    positions, channels = x.shape
    panels, rows = -(-channels // LANES), -(-channels // ROWS)
    totals, changes = _room(panels), _room(panels)
    sums = np.empty((panels * LANES, panels * LANES))
    for pair in range(first, last):
        sums[:] = 0
        for begin in range(0, positions, AT_ONCE):
            size = min(positions, begin + AT_ONCE) - begin
            _lay_out(x[begin : begin + size], y[pair, begin : begin + size], totals, changes)
            for panel in range(panels):
                for row in range(rows):
                    _multiply(totals, row, changes, panel, size, sums)
        squares[pair] = _square_of_both(sums, channels) / 4


@compile_sums
def squares_from_positions(x: Array, y: Array, first: int, last: int, found: Array) -> None:
    """Writes the same, from the smaller matrices of the positions' products, with what tells how many digits it has.

    ``|S D^T + D S^T|^2 / 4 = <2 (F^T F + 2 D^T F) + D^T D, D^T D> + 2 <D^T F, (D^T F)^T>`` with ``S = 2 F + D``.

    Args:
        x: ``[N, C]`` float32, C-contiguous.
        y: ``[P, N, C]`` float32, C-contiguous.
        first: pair.
        last: before this one.
        found: ``[P, 3]`` float64, of which these are filled: the square, ``|D|^2`` and ``|F|^2``.
    """
    positions, channels = x.shape
    panels, rows = -(-positions // LANES), -(-positions // ROWS)
    lines = np.zeros((LANES, AT_ONCE), np.float32)
    reference, changes = _room(panels * -(-channels // AT_ONCE)), _room(panels)
    ff, df, dd = np.zeros((3, panels * LANES, panels * LANES))
    for begin in range(0, channels, AT_ONCE):
        size = min(channels, begin + AT_ONCE) - begin
        of_block = reference[begin // AT_ONCE * panels : (begin // AT_ONCE + 1) * panels]
        _lay_out_positions(x, x, 0, begin, begin + size, lines, of_block)
        for panel in range(panels):
            for row in range(rows):
                _multiply(of_block, row, of_block, panel, size, ff)
    for pair in range(first, last):
        df[:], dd[:] = 0, 0
        for begin in range(0, channels, AT_ONCE):
            size = min(channels, begin + AT_ONCE) - begin
            of_block = reference[begin // AT_ONCE * panels : (begin // AT_ONCE + 1) * panels]
            _lay_out_positions(x, y[pair], 1, begin, begin + size, lines, changes)
            for panel in range(panels):
                for row in range(rows):
                    _multiply(changes, row, of_block, panel, size, df)
                for row in range(min(rows, (panel + 1) * (LANES // ROWS))):  # the others are their mirror image
                    _multiply(changes, row, changes, panel, size, dd)
        square = change = length = 0.0
        for n in range(positions):
            for m in range(n):
                product = dd[m, n]
                part = (2 * ff[m, n] + product + 2 * (df[m, n] + df[n, m])) * product + 2 * df[m, n] * df[n, m]
                square += 2 * part
            square += (2 * ff[n, n] + dd[n, n] + 4 * df[n, n]) * dd[n, n] + 2 * df[n, n] * df[n, n]
            change += dd[n, n]
            length += ff[n, n]
        found[pair] = max(square, 0.0), change, length


@compile_sums
def _room(panels: int) -> Any:
    return np.zeros((panels, AT_ONCE, LANES), np.float32)


@compile_sums
def _lay_out(x: Array, y: Array, totals: Array, changes: Array) -> None:
    """Writes ``x + y`` and ``y - x`` of some positions to panels of channels; of others there stays zero."""
    size, channels = x.shape
    c = 0
    while c + LANES <= channels:
        for n in range(size):
            _lay_out_panel(x, y, n, c, totals, changes)
        c += LANES
    if c + LANES // 2 <= channels:
        for n in range(size):
            _lay_out_half(x, y, n, c, totals, changes)
        c += LANES // 2
    for n in range(size):
        for last in range(c, channels):
            totals[last // LANES, n, last % LANES] = x[n, last] + y[n, last]
            changes[last // LANES, n, last % LANES] = y[n, last] - x[n, last]


@compile_sums
def _lay_out_positions(x: Array, y: Array, times: int, begin: int, end: int, lines: Array, panels: Array) -> None:
    """Writes some channels of ``y``, less so many times ``x``, to panels of positions, of which others stay zero."""
    for position in range(0, len(y), LANES):
        number = min(len(y), position + LANES) - position
        for n in range(number):
            line, first, second = lines[n], x[position + n, begin:end], y[position + n, begin:end]
            for c in range(end - begin):
                line[c] = second[c] - np.float32(times) * first[c]
        lay_out(lines[:number, : end - begin], panels[position // LANES])


@compile_sums
def _square_of_both(matrix: Array, number: int) -> float:
    """``|P + P^T|^2`` of the first rows and columns of a matrix."""
    square = 0.0
    for top in range(0, number, _TILE):
        for left in range(0, top + 1, _TILE):
            part = 0.0
            for row in range(top, min(number, top + _TILE)):
                for column in range(left, min(number, left + _TILE)):
                    both = matrix[row, column] + matrix[column, row]
                    part += both * both
            square += part if left == top else 2 * part
    return square


def try_out() -> None:
    """Compile and run the loops once.

    Raises:
        Exception: of any type, if this Numba cannot.
    """
    few = np.ones((1, LANES), np.float32), np.ones((1, 1, LANES), np.float32), 0, 1
    squares_apart(*few, np.zeros(1))
    squares_from_positions(*few, np.zeros((1, 3)))
