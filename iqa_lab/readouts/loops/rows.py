"""Some values that lie beside each other, taken at once: rows of an array, exchanged or laid out as its columns.

Written in LLVM's own terms, as instructions of a few rows: a compiler that has to fear that rows overlap, or do not lie
together, takes one value after the other, which is three to five times as slow.

What Numba keeps on the disk of loops that use these does not notice when this file changes, only when their own does.
"""

from collections.abc import Iterator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from iqa_lab.readouts.loops import compile_loop

Array = Any  # of NumPy; the loops are compiled for the types that they meet

LANES = 16  # of rows that are exchanged or multiplied: what a line of the cache holds
SQUARE = 8  # rows and columns that are laid out at once


def _exchanging(_typing: Any, rows: Any, first: Any, second: Any) -> Any:
    """Two of the rows ``[N, 16]``, int32, by their places: of each column the smaller number comes first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        row = ir.VectorType(ir.IntType(32), LANES).as_pointer()
        places = [
            builder.bitcast(builder.gep(array.data, [builder.mul(place, place.type(LANES))]), row)
            for place in arguments[1:]
        ]
        one, other = (builder.load(place, align=4) for place in places)
        in_order = builder.icmp_signed("<", one, other)
        builder.store(builder.select(in_order, one, other), places[0], align=4)
        builder.store(builder.select(in_order, other, one), places[1], align=4)
        return context.get_dummy_value()

    return types.void(rows, first, second), generate


exchange_rows: Any = intrinsic(_exchanging)


def _turning(_typing: Any, tile: Any, n: Any, k: Any, lines: Any) -> Any:
    """Eight rows and columns of a float32 array from ``[n, k]`` on, to ``[k, n]`` of another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        tile_type, _, _, lines_type = signature.args
        given, n, k, result = arguments

        def places(kind: Any, array: Any, row: Any, column: Any) -> Iterator[Any]:
            array = context.make_array(kind)(context, builder, array)
            to_row, to_column = cgutils.unpack_tuple(builder, array.strides)
            start = builder.add(builder.mul(row, to_row), builder.mul(column, to_column))
            start = builder.add(builder.ptrtoint(array.data, start.type), start)
            for number in range(SQUARE):
                place = builder.add(start, builder.mul(to_row, start.type(number)))
                yield builder.inttoptr(place, ir.VectorType(ir.FloatType(), SQUARE).as_pointer())

        rows = [builder.load(place, align=4) for place in places(tile_type, given, n, k)]
        for step in (
            1,
            2,
            4,
        ):  # what is right above the diagonal of two rows, or squares of rows, changes with the left
            left = [SQUARE + j - step if j & step else j for j in range(SQUARE)]
            right = [SQUARE + j if j & step else j + step for j in range(SQUARE)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), SQUARE), mask) for mask in (left, right)]
            for number in (number for number in range(SQUARE) if not number & step):
                both = rows[number], rows[number + step]
                rows[number], rows[number + step] = (builder.shuffle_vector(*both, mask) for mask in masks)
        for values, place in zip(rows, places(lines_type, result, k, n), strict=True):
            builder.store(values, place, align=4)
        return context.get_dummy_value()

    return types.void(tile, n, k, lines), generate


_turn: Any = intrinsic(_turning)


def _multiplying(_typing: Any, left: Any, right: Any, n: Any, row: Any, column: Any, product: Any) -> Any:
    """Adds ``left^T right`` of eight rows from ``n`` on, float32, to eight rows and sixteen columns of a product."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row_type = ir.VectorType(ir.FloatType(), LANES)
        nothing = ir.Constant(row_type, ir.Undefined)
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        left, right, n, row, column, product = arguments
        left_type, right_type, *_, product_type = signature.args

        def place(kind: Any, array: Any, row: Any, column: Any, values: Any) -> Any:
            array = context.make_array(kind)(context, builder, array)
            _, width = cgutils.unpack_tuple(builder, array.shape)
            start = builder.gep(array.data, [builder.add(builder.mul(row, width), column)])
            return builder.bitcast(start, values.as_pointer())

        def after(number: Any, more: int) -> Any:
            return builder.add(number, number.type(more))

        places = [place(product_type, product, after(row, more), column, row_type) for more in range(SQUARE)]
        sums = [builder.load(place, align=4) for place in places]
        for more in range(SQUARE):
            line = after(n, more)
            values = builder.load(place(right_type, right, line, column, row_type), align=4)
            for number in range(SQUARE):
                factor = builder.load(place(left_type, left, line, after(row, number), ir.FloatType()))
                factor = builder.insert_element(nothing, factor, ir.IntType(32)(0))
                factors = builder.shuffle_vector(factor, nothing, everywhere)
                term = builder.fmul(factors, values, flags=("contract",))
                sums[number] = builder.fadd(sums[number], term, flags=("contract",))
        for values, to in zip(sums, places, strict=True):
            builder.store(values, to, align=4)
        return context.get_dummy_value()

    return types.void(left, right, n, row, column, product), generate


add_product: Any = intrinsic(_multiplying)


@compile_loop
def lay_out(tile: Array, lines: Array) -> None:
    """Copies the columns of a tile, ``[N, k]`` float32 in any memory order, to lines of their own, ``[k, N]``."""
    positions, together = tile.shape
    beside = tile.strides[1] == tile.itemsize
    rows, columns = (positions // SQUARE * SQUARE, together // SQUARE * SQUARE) if beside else (0, 0)
    for n in range(0, rows, SQUARE):
        for k in range(0, columns, SQUARE):
            _turn(tile, n, k, lines)
    for k in range(together):
        first = rows if k < columns else 0
        _copy(tile[first:, k], lines[k, first:])


@compile_loop
def _copy(values: Array, line: Array) -> None:
    """Copies values to the beginning of a line."""
    for n in range(len(values)):
        line[n] = values[n]
