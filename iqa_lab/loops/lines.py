"""Lines of a PNG file, each of which was filtered by one of five ways -> the bytes that they were.

Portable Network Graphics Specification (Third Edition), W3C 2025, section 9: what a byte is filtered with are those to
its left, ``a``, above, ``b``, and above to the left, ``c``, of the same colour; beyond the image they are 0.
"""

from typing import Any

import numpy as np

from iqa_lab.loops import compile_loop

Array = Any  # of NumPy; the loops are compiled for the types that they meet

COLOURS = 3
_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)


@compile_loop
def unfilter(filtered: Array, lines: Array) -> bool:
    """Whether all lines are filtered in one of the ways that there are; their bytes are written.

    Args:
        filtered: ``[H, 1 + 3 W]`` uint8, the way first.
        lines: ``[H, 3 W]`` uint8, filled here.
    """
    above = np.zeros(lines.shape[1], np.uint8)
    for number in range(len(lines)):
        way, given, line = filtered[number, 0], filtered[number, 1:], lines[number]
        if way == _NONE:
            line[:] = given
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
        elif way == _PAETH:
            _add_predicted(given, above, line)
        else:
            return False
        above = line
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


def try_out() -> None:
    """Compile and run the loops once.

    Raises:
        Exception: of any type, if this Numba cannot.
    """
    unfilter(np.zeros((1, 4), np.uint8), np.empty((1, 3), np.uint8))
