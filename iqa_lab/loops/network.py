"""A sorting network: sixteen channels beside each other are put into order by the same steps, whatever their values.

Rows, of one value a channel, are exchanged so that of each channel the smaller value comes first. A vector instruction
compares a whole row, and sixteen rows are put into order, or runs of them merged, without leaving the registers.

Batcher's sorting networks (Knuth, The Art of Computer Programming, volume 3, 5.3.4): his odd-even merge within a block,
his bitonic merge of blocks, in the form in which every step puts the smaller value first.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from iqa_lab.loops import compile_loop
from iqa_lab.loops.rows import LANES, begin_of

Array = Any  # of NumPy; the loops are compiled for the types that they meet

BLOCK = 16  # rows that are put into order in registers
_NEAR = 512  # rows that are put into order while they are in the nearest cache

_ROW = ir.VectorType(ir.IntType(32), LANES)
_Steps = list[tuple[int, int]]


def _odd_even(rows: int) -> _Steps:
    """Which of a power of two rows are compared, one pair after the other, to put all into order.

    >>> _odd_even(4)
    [(0, 2), (1, 3), (0, 1), (2, 3), (1, 2)]
    """
    steps, run = [], rows // 2
    while run:
        away, first, step = run, 0, rows // 2
        while True:
            steps += [(n, n + away) for n in range(rows - away) if n & run == first]
            if step == run:
                break
            away, first, step = step - run, run, step // 2
        run //= 2
    return steps


def _halving(rows: int) -> _Steps:
    """Which of a power of two rows are compared if they rise and then fall, or fall and then rise.

    >>> _halving(4)
    [(0, 2), (1, 3), (0, 1), (2, 3)]
    """
    aways = [rows >> level for level in range(1, rows.bit_length())]
    return [(n, n + away) for away in aways for n in range(rows) if not n & away]


def _exchanging(rows: int, steps: _Steps) -> Callable[..., Any]:
    """Some rows of ``[N, 16]``, int32, the first at a place and each so far from the one before, by some steps."""

    def typed(_typing: Any, keys: Any, first: Any, apart: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, place, apart = arguments
            places = [place]
            for _ in range(rows - 1):
                places.append(builder.add(places[-1], apart))
            begins = (begin_of(context, builder, signature, arguments, 0, row) for row in places)
            to = [builder.bitcast(begin, _ROW.as_pointer()) for begin in begins]
            values = [builder.load(where, align=4) for where in to]
            for one, other in steps:
                first, second = values[one], values[other]
                in_order = builder.icmp_signed("<", first, second)
                values[one] = builder.select(in_order, first, second)
                values[other] = builder.select(in_order, second, first)
            for where, value in zip(to, values, strict=True):
                builder.store(value, where, align=4)
            return context.get_dummy_value()

        return types.void(keys, first, apart), generate

    return typed


_exchange_two: Any = intrinsic(_exchanging(2, _halving(2)))
_exchange_four: Any = intrinsic(_exchanging(4, _halving(4)))
_sort_block: Any = intrinsic(_exchanging(BLOCK, _odd_even(BLOCK)))
_merge_block: Any = intrinsic(_exchanging(BLOCK, _halving(BLOCK)))


@compile_loop
def sort_rows(keys: Array) -> None:
    """Puts each column of ``[N, 16]``, int32 and C-contiguous, into ascending order; ``N`` is a multiple of 16."""
    total = len(keys)
    for begin in range(0, total, _NEAR):
        _sort_near(keys, begin, min(total, begin + _NEAR))
    run = _NEAR
    while run < total:
        for begin in range(0, total - run, 2 * run):
            end = min(total, begin + 2 * run)
            _turn(keys, begin, end, run)
            _halve(keys, begin, end, run // 2, _NEAR)
            for start in range(begin, end, _NEAR):
                _merge_near(keys, start, min(end, start + _NEAR), _NEAR // 2)
        run *= 2


@compile_loop
def _sort_near(keys: Array, begin: int, end: int) -> None:
    """Puts a few rows into order."""
    for n in range(begin, end, BLOCK):
        _sort_block(keys, n, 1)
    run = BLOCK
    while run < end - begin:
        for start in range(begin, end - run, 2 * run):
            stop = min(end, start + 2 * run)
            _turn(keys, start, stop, run)
            _merge_near(keys, start, stop, run // 2)
        run *= 2


@compile_loop
def _turn(keys: Array, begin: int, end: int, run: int) -> None:
    """The first step of merging a run with the next one, which may be shorter: the last is compared with the first.

    What is missing of the next run counts as larger than everything, here and in the steps that follow.
    """
    last = begin + 2 * run - 1
    for n in range(begin + max(0, last + 1 - end), begin + run):
        _exchange_two(keys, n, last - (n - begin) - n)


@compile_loop
def _merge_near(keys: Array, begin: int, end: int, away: int) -> None:
    """The other steps, down to neighbours."""
    _halve(keys, begin, end, away, BLOCK)
    for n in range(begin, end, BLOCK):
        _merge_block(keys, n, 1)


@compile_loop
def _halve(keys: Array, begin: int, end: int, away: int, least: int) -> None:
    """Compares rows that are so far apart, then half as far, and so on, down to the least; two such steps at once."""
    while away >= 2 * least:
        half = away // 2
        for start in range(begin, end, 2 * away):
            for n in range(start, min(start + half, end)):
                if n + away + half < end:
                    _exchange_four(keys, n, half)
                    continue
                if n + away < end:
                    _exchange_two(keys, n, away)
                if n + half < end:
                    _exchange_two(keys, n, half)
        away //= 4
    if away >= least:
        for start in range(begin, end, 2 * away):
            for n in range(start, min(start + away, end - away)):
                _exchange_two(keys, n, away)


def try_out() -> None:
    """Compile and run the network once.

    Raises:
        Exception: of any type, if this Numba cannot.
    """
    sort_rows(np.zeros((BLOCK, LANES), np.int32))
