"""Lines of a PNG file, each of which was filtered by one of five ways -> the bytes that they were.

Portable Network Graphics Specification (Third Edition), W3C 2025, section 9: what a byte is filtered with are those to
its left, ``a``, above, ``b``, and above to the left, ``c``, of the same colour; beyond the image they are 0.

Each pixel has to wait for the one to its left, and each line for the one above. So eight lines are undone at once, each
two pixels behind the one above: that takes little longer than one line alone.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from iqa_lab.loops import compile_loop
from iqa_lab.loops.rows import begin_of

Array = Any  # of NumPy; the loops are compiled for the types that they meet

COLOURS = 3
# what each way takes: bits of a, of b, of c; and whether it takes the average of a and b
_TAKEN = np.array([[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [255, 255, 0, 1], [255, 255, 255, 0]], np.int16)

LINES, BEHIND = 8, 2  # lines at once; how many pixels each is behind the one above
_LATE = BEHIND * (LINES - 1)  # steps after which the last line begins
_FETCHED = 4  # bytes of a line at once: a pixel, and one that counts for nothing
_LANES = LINES * _FETCHED

_BYTE, _SHORT, _WORD = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_WORDS, _BYTES, _NUMBERS = ir.VectorType(_WORD, LINES), ir.VectorType(_BYTE, _LANES), ir.VectorType(_SHORT, _LANES)
# each line's values become those of the line below; what is put in front, those of the first line
_ONE_DOWN = ir.Constant(ir.VectorType(_WORD, _LANES), [*range(_LANES, _LANES + _FETCHED), *range(_LANES - _FETCHED)])


@compile_loop
def unfilter(filtered: Array, lines: Array) -> bool:
    """Whether all lines are filtered in one of the ways that there are; their bytes are written.

    Args:
        filtered: ``[H, 1 + 3 W]`` uint8, C-contiguous, the way first.
        lines: ``[1 + H, 3 W]`` uint8, C-contiguous, filled here; the first one is above the image.
    """
    height, width = len(filtered), lines.shape[1] // COLOURS
    for number in range(height):
        if filtered[number, 0] >= len(_TAKEN):
            return False
    lines[0] = 0
    ways, before = np.zeros((len(_TAKEN[0]), _LANES), np.int16), np.empty((1 + BEHIND, _LANES), np.int16)
    begin = end = 0
    if height >= LINES and width > _LATE:  # from begin to end every line is in its midst
        begin, end = _LATE, width - 1
    for number in range(0, height, LINES):
        first = max(0, min(number, height - LINES))  # the last eight may have been undone in part
        for k in range(min(LINES, height)):
            for taken in range(len(ways)):
                ways[taken, k * _FETCHED : (k + 1) * _FETCHED] = _TAKEN[filtered[first + k, 0], taken]
        before[:] = 0
        _undo_carefully(filtered, lines, ways, before, first, 0, begin)
        _undo(filtered, lines, ways, before, first, begin, end)
        _undo_carefully(filtered, lines, ways, before, first, end, width + _LATE)
    return True


def _undoing(carefully: bool) -> Any:
    """What undoes a pixel of each of eight lines at every step from ``begin`` to ``end``.

    Args:
        carefully: whether lines may be missing, or not have begun, or be at their last pixel or past it.
    """

    def undo(_typing: Any, filtered: Any, lines: Any, ways: Any, before: Any, first: Any, begin: Any, end: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            first, begin, end = arguments[4:]
            size = begin.type

            def start(argument: int, number: int, more: int = 0) -> Any:
                row = builder.add(first, size(number)) if argument < 2 else size(number)
                return builder.gep(begin_of(context, builder, signature, arguments, argument, row), [size(more)])

            def length(argument: int, axis: int) -> Any:
                array = context.make_array(signature.args[argument])(context, builder, arguments[argument])
                return cgutils.unpack_tuple(builder, array.shape)[axis]

            def rows(argument: int, number: int) -> list[Any]:
                return [builder.bitcast(start(argument, k), _NUMBERS.as_pointer()) for k in range(number)]

            width = builder.udiv(length(1, 1), size(COLOURS))
            there = [builder.icmp_signed("<", builder.add(first, size(k)), length(0, 0)) for k in range(LINES)]
            # what lies beyond a line: 0 to be read, so that it begins with 0; and what is written there is lost
            zero, lost = (
                builder.bitcast(cgutils.alloca_once_value(builder, _WORD(0)), _BYTE.as_pointer()) for _ in range(2)
            )

            ways = [builder.load(row, align=2) for row in rows(2, len(_TAKEN[0]))]
            # where each line's pixels would be at step 0; of what is given, the byte in front of them
            given, written = (
                [start(argument, argument + k, -BEHIND * COLOURS * k) for k in range(LINES)] for argument in (0, 1)
            )
            above = start(1, 0)
            states = [cgutils.alloca_once_value(builder, builder.load(row, align=2)) for row in rows(3, 1 + BEHIND)]

            with cgutils.for_range_slice(builder, begin, end, size(1), size) as (step, _):
                n = builder.mul(step, size(COLOURS))
                pixels = [builder.sub(step, size(BEHIND * k)) for k in range(LINES)]
                inside = [builder.and_(there[k], builder.icmp_unsigned("<", pixels[k], width)) for k in range(LINES)]

                def at(places: list[Any], beyond: Any) -> list[Any]:
                    places = [builder.gep(place, [n]) for place in places]
                    if not carefully:
                        return places
                    return [builder.select(*chosen, beyond) for chosen in zip(inside, places, strict=False)]

                corner, *earlier = map(builder.load, states)
                of_first = _numbers(builder, _fetched(builder, at([above], zero)))
                upper = builder.shuffle_vector(earlier[-1], of_first, _ONE_DOWN)
                words = builder.lshr(_fetched(builder, at(given, zero)), ir.Constant(_WORDS, [8] * LINES))
                values = builder.add(_predicted(builder, ways, earlier[0], upper, corner), _numbers(builder, words))
                for state, new in zip(states, (upper, values, *earlier), strict=False):  # the oldest is dropped
                    builder.store(new, state)
                words = builder.bitcast(builder.trunc(values, _BYTES), _WORDS)
                for k, place in enumerate(at(written, lost)):
                    word = builder.extract_element(words, _WORD(k))
                    if carefully:  # nothing behind a line's last pixel
                        builder.store(builder.trunc(word, _SHORT), builder.bitcast(place, _SHORT.as_pointer()), align=1)
                        place = builder.gep(place, [size(2)])
                        word = builder.trunc(builder.lshr(word, _WORD(16)), _BYTE)
                    builder.store(word, builder.bitcast(place, word.type.as_pointer()), align=1)
            for state, row in zip(states, rows(3, 1 + BEHIND), strict=True):
                builder.store(builder.load(state), row, align=2)
            return context.get_dummy_value()

        return types.void(filtered, lines, ways, before, first, begin, end), generate

    return intrinsic(undo)


def _every(value: int) -> Any:
    return ir.Constant(_NUMBERS, [value] * _LANES)


def _fetched(builder: Any, places: list[Any]) -> Any:
    """Words from so many places, beside each other; 0 for lines that are missing."""
    words = ir.Constant(_WORDS, [0] * LINES)
    for k, place in enumerate(places):
        word = builder.load(builder.bitcast(place, _WORD.as_pointer()), align=1)
        words = builder.insert_element(words, word, _WORD(k))
    return words


def _numbers(builder: Any, words: Any) -> Any:
    return builder.zext(builder.bitcast(words, _BYTES), _NUMBERS)


def _predicted(builder: Any, ways: list[Any], a: Any, b: Any, c: Any) -> Any:
    """What the bytes were filtered with.

    Of a, b and c Paeth's way takes the first that is nearest to ``a + b - c``. For all bytes that is the smaller of a
    and b where ``3 c`` is at least ``a + b`` and the larger, the larger where it is at most ``a + b`` and the smaller,
    and c elsewhere. Where c is 0 and one of a and b is, that is the other: so it serves for all ways but the average.
    """
    a, b, c = (builder.and_(values, taken) for values, taken in zip((a, b, c), ways, strict=False))
    less, both = builder.icmp_signed("<", a, b), builder.add(a, b)
    small, large = builder.select(less, a, b), builder.select(less, b, a)
    limit = builder.sub(builder.mul(c, _every(3)), both)
    found = builder.select(builder.icmp_signed("<=", large, limit), small, c)
    found = builder.select(builder.icmp_signed("<=", limit, small), large, found)
    is_average = builder.icmp_signed("!=", ways[-1], _every(0))
    return builder.select(is_average, builder.lshr(both, _every(1)), found)


_undo: Any = _undoing(carefully=False)
_undo_carefully: Any = _undoing(carefully=True)


def try_out() -> None:
    """Compile and run the loops once.

    Raises:
        Exception: of any type, if this Numba cannot, or the processor has the bytes of a word in another order.
    """
    lines = np.empty((2, COLOURS), np.uint8)
    unfilter(np.arange(1 + COLOURS, dtype=np.uint8)[None], lines)
    if lines[1].tolist() != [1, 2, 3]:
        raise ValueError("lines of PNG files come out wrong")
