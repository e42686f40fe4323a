"""Some values that lie beside each other, taken at once: rows exchanged, laid out as columns, or multiplied.

Written in LLVM's own terms, as instructions of a few rows: a compiler that has to fear that rows overlap, or do not lie
together, takes one value after the other, which is three to five times as slow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from iqa_lab.loops import compile_loop

Array = Any  # of NumPy; the loops are compiled for the types that they meet

LANES = 16  # of rows that are exchanged (see network.py) or multiplied: what a line of the cache holds
SQUARE = 8  # rows and columns that are laid out at once
COLOURS = 3

_WHOLE, _REAL = ir.IntType(32), ir.FloatType()
_Numbers = list[int]


def _places(context: Any, builder: Any, signature: Any, arguments: Any) -> Callable[..., Any]:
    """Where values begin, by the number of an argument, a two-dimensional array, by row and column, and their type."""
    arrays = {
        number: context.make_array(kind)(context, builder, argument)
        for number, (kind, argument) in enumerate(zip(signature.args, arguments, strict=True))
        if isinstance(kind, types.Array)
    }

    def place(number: int, row: Any, column: Any, values: Any) -> Any:
        array = arrays[number]
        to_row, to_column = cgutils.unpack_tuple(builder, array.strides)
        start = builder.add(builder.mul(row, to_row), builder.mul(column, to_column))
        start = builder.add(builder.ptrtoint(array.data, start.type), start)
        return builder.inttoptr(start, values.as_pointer())

    return place


def begin_of(context: Any, builder: Any, signature: Any, arguments: Any, argument: int, number: Any) -> Any:
    """Where a part of an argument, an array that lies together, begins, by its number along the first axis."""
    array = context.make_array(signature.args[argument])(context, builder, arguments[argument])
    each, *sizes = cgutils.unpack_tuple(builder, array.shape)[1:]
    for size in sizes:
        each = builder.mul(each, size)
    return builder.gep(array.data, [builder.mul(number, each)])


def _chosen(builder: Any, one: Any, other: Any, lanes: _Numbers) -> Any:
    """Values of two rows, beside each other, by their numbers."""
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_WHOLE, len(lanes)), lanes))


def _turning(_typing: Any, tile: Any, n: Any, k: Any, lines: Any) -> Any:
    """Eight rows and columns of a float32 array from ``[n, k]`` on, to ``[k, n]`` of another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _places(context, builder, signature, arguments)
        _, n, k, _ = arguments
        row = ir.VectorType(_REAL, SQUARE)
        rows = [builder.load(place(0, _after(builder, n, m), k, row), align=4) for m in range(SQUARE)]
        for step in (1, 2, 4):  # squares of this side change their places across the diagonal
            left = [SQUARE + j - step if j & step else j for j in range(SQUARE)]
            right = [SQUARE + j if j & step else j + step for j in range(SQUARE)]
            for m in (m for m in range(SQUARE) if not m & step):
                both = rows[m], rows[m + step]
                rows[m], rows[m + step] = (_chosen(builder, *both, lanes) for lanes in (left, right))
        for m, values in enumerate(rows):
            builder.store(values, place(3, _after(builder, k, m), n, row), align=4)
        return context.get_dummy_value()

    return types.void(tile, n, k, lines), generate


def _dealing(_typing: Any, tile: Any, n: Any, lines: Any) -> Any:
    """Eight rows ``n`` to ``n + 7`` of an array ``[N, 3]`` that lies together, float32, to columns of another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _places(context, builder, signature, arguments)
        n, nothing = arguments[1], _zero(arguments[1])
        row = ir.VectorType(_REAL, SQUARE)
        start = builder.bitcast(place(0, n, nothing, row), row.as_pointer())
        one, other, last = (builder.load(builder.gep(start, [nothing.type(m)]), align=4) for m in range(COLOURS))
        for colour in range(COLOURS):
            numbers = range(colour, COLOURS * SQUARE, COLOURS)
            values = _chosen(builder, one, other, [min(m, 2 * SQUARE - 1) for m in numbers])
            values = _chosen(
                builder, values, last, [j if m < 2 * SQUARE else m - SQUARE for j, m in enumerate(numbers)]
            )
            builder.store(values, place(2, nothing.type(colour), n, row), align=4)
        return context.get_dummy_value()

    return types.void(tile, n, lines), generate


def _after(builder: Any, number: Any, more: int) -> Any:
    """A number and a few more."""
    return builder.add(number, number.type(more))


def _zero(number: Any) -> Any:
    """0 of the type of a number."""
    return number.type(0)


_turn: Any = intrinsic(_turning)
_deal: Any = intrinsic(_dealing)


@compile_loop
def lay_out(tile: Array, lines: Array) -> None:
    """Copies the columns of a tile, ``[N, k]`` float32 in any memory order, to lines of their own, ``[k, N]``."""
    positions, together = tile.shape
    beside = tile.strides[1] == tile.itemsize
    rows, columns = (positions // SQUARE * SQUARE, together // SQUARE * SQUARE) if beside else (0, 0)
    for n in range(0, rows, SQUARE):
        for k in range(0, columns, SQUARE):
            _turn(tile, n, k, lines)
    if beside and together == COLOURS and tile.strides[0] == COLOURS * tile.itemsize:
        columns = COLOURS
        for n in range(0, rows, SQUARE):
            _deal(tile, n, lines)
    for k in range(columns if rows == positions else 0, together):
        first = rows if k < columns else 0
        copy(tile[first:, k], lines[k, first:])


@compile_loop
def copy(values: Array, line: Array) -> None:
    """Copies values to the beginning of a line."""
    for n in range(len(values)):
        line[n] = values[n]


@compile_loop
def _together(values: Array) -> None:
    lay_out(values, values)


def try_out() -> None:
    """Compile and run each instruction once.

    Raises:
        Exception: of any type, if this Numba cannot.
    """
    _together(np.ones((LANES, LANES), np.float32))
