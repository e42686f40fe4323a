"""Lines of a PNG file, each of which was filtered by one of five ways -> the bytes that they were.

Portable Network Graphics Specification (Third Edition), W3C 2025, section 9: what a byte is filtered with are those to
its left, ``a``, above, ``b``, and above to the left, ``c``, of the same colour; beyond the image they are 0.
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
_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)

_BYTE, _WHOLE, _FEW = ir.IntType(8), ir.IntType(32), 4  # what is fetched at once: a pixel, and a byte of the next one
_BYTES, _NUMBERS = ir.VectorType(_BYTE, _FEW), ir.VectorType(ir.IntType(16), _FEW)


@compile_loop
def unfilter(filtered: Array, lines: Array) -> bool:
    """Whether all lines are filtered in one of the ways that there are; their bytes are written.

    Args:
        filtered: ``[H, 1 + 3 W]`` uint8, C-contiguous, the way first.
        lines: ``[1 + H, 3 W]`` uint8, C-contiguous, filled here; the first one is above the image.
    """
    lines[0] = 0
    number, height = 0, len(filtered)
    while number < height:
        way, given, above, line = filtered[number, 0], filtered[number, 1:], lines[number], lines[number + 1]
        if way == _NONE:
            for n in range(len(line)):
                line[n] = given[n]
        elif way == _SUB:
            line[:COLOURS] = given[:COLOURS]
            for n in range(COLOURS, len(line)):
                line[n] = given[n] + line[n - COLOURS]
        elif way == _UP:
            for n in range(len(line)):
                line[n] = given[n] + above[n]
        elif way == _AVERAGE:
            for n in range(len(line)):
                left = np.int32(line[n - COLOURS]) if n >= COLOURS else np.int32(0)
                line[n] = given[n] + (left + above[n]) // 2
        elif way == _PAETH and number + 1 < height and filtered[number + 1, 0] == _PAETH and len(line) > COLOURS:
            _add_predicted_to_two(filtered, lines, number)
            number += 1
        elif way == _PAETH:
            _add_predicted(given, above, line)
        else:
            return False
        number += 1
    return True


@compile_loop
def _add_predicted(given: Array, above: Array, line: Array) -> None:
    """Adds to each byte the one of a, b and c that is nearest to ``a + b - c``; three colours beside each other."""
    a0 = a1 = a2 = c0 = c1 = c2 = np.int32(0)
    for n in range(0, len(line), COLOURS):
        b0, b1, b2 = np.int32(above[n]), np.int32(above[n + 1]), np.int32(above[n + 2])
        a0 = (nearest(a0, b0, c0) + given[n]) & np.int32(255)
        a1 = (nearest(a1, b1, c1) + given[n + 1]) & np.int32(255)
        a2 = (nearest(a2, b2, c2) + given[n + 2]) & np.int32(255)
        line[n], line[n + 1], line[n + 2] = a0, a1, a2
        c0, c1, c2 = b0, b1, b2


@compile_loop
def nearest(a: Any, b: Any, c: Any) -> Any:
    """The first of a, b and c that is nearest to ``a + b - c``.

    For all bytes that is the smaller of a and b where ``3 c`` is at least ``a + b`` and the larger, the larger where it
    is at most ``a + b`` and the smaller, and c elsewhere: so the processor has to guess nothing.
    """
    small, large, limit = min(a, b), max(a, b), 3 * c - (a + b)
    below = small if large <= limit else c
    return large if limit <= small else below


def _adding_predicted_to_two(_typing: Any, filtered: Any, lines: Any, number: Any) -> Any:
    """The same of two lines, of two pixels or more, the second a pixel behind the first.

    Each pixel has to wait for the one to its left: two lines at once take little longer than one.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = arguments[2]
        size = number.type
        places = []
        for argument, first, skipped in ((0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 2, 0), (1, 0, 0)):
            begin = begin_of(context, builder, signature, arguments, argument, builder.add(number, size(first)))
            places.append(builder.gep(begin, [size(skipped)]))
        width = cgutils.unpack_tuple(
            builder, context.make_array(signature.args[1])(context, builder, arguments[1]).shape
        )[1]
        nothing = ir.Constant(_NUMBERS, [0] * _FEW)
        left, corner = ([cgutils.alloca_once_value(builder, nothing) for _ in range(2)] for _ in range(2))

        def fetched(place: Any, n: Any, last: bool) -> Any:
            where = builder.gep(place, [n])
            if not last:
                found = builder.load(builder.bitcast(where, _BYTES.as_pointer()), align=1)
                return builder.zext(found, _NUMBERS)
            found = ir.Constant(_BYTES, [0] * _FEW)  # there may be nothing behind a line's last pixel
            for colour in range(COLOURS):
                byte = builder.load(builder.gep(where, [size(colour)]))
                found = builder.insert_element(found, byte, _WHOLE(colour))
            return builder.zext(found, _NUMBERS)

        def add(line: int, n: Any, b: Any, last: bool = False) -> None:
            a, c, values = builder.load(left[line]), builder.load(corner[line]), fetched(places[line], n, last)
            less = builder.icmp_signed("<", a, b)
            small, large = builder.select(less, a, b), builder.select(less, b, a)
            limit = builder.sub(builder.sub(builder.add(builder.add(c, c), c), b), a)
            found = builder.select(builder.icmp_signed("<=", large, limit), small, c)
            found = builder.select(builder.icmp_signed("<=", limit, small), large, found)
            found = builder.and_(builder.add(found, values), ir.Constant(_NUMBERS, [255] * _FEW))
            builder.store(found, left[line])
            builder.store(b, corner[line])
            result, where = builder.trunc(found, _BYTES), builder.gep(places[2 + line], [n])
            if not last:
                builder.store(result, builder.bitcast(where, _BYTES.as_pointer()), align=1)
                return
            for colour in range(COLOURS):
                byte = builder.extract_element(result, _WHOLE(colour))
                builder.store(byte, builder.gep(where, [size(colour)]))

        pixel, final = size(COLOURS), builder.sub(width, size(COLOURS))
        add(0, size(0), fetched(places[4], size(0), False))
        with cgutils.for_range_slice(builder, pixel, final, pixel, size) as (n, _):
            add(1, builder.sub(n, pixel), builder.load(left[0]))
            add(0, n, fetched(places[4], n, False))
        add(1, builder.sub(final, pixel), builder.load(left[0]))
        add(0, final, fetched(places[4], final, True), last=True)
        add(1, final, builder.load(left[0]), last=True)
        return context.get_dummy_value()

    return types.void(filtered, lines, number), generate


_add_predicted_to_two: Any = intrinsic(_adding_predicted_to_two)


def try_out() -> None:
    """Compile and run the loops once.

    Raises:
        Exception: of any type, if this Numba cannot.
    """
    unfilter(np.zeros((1, 4), np.uint8), np.empty((2, 3), np.uint8))
