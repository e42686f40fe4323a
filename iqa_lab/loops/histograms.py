"""Values of channels in order -> how far the histograms of two are apart."""

from typing import Any

import numpy as np

from iqa_lab.loops import compile_loop, compile_sums

Array = Any  # of NumPy; the loops are compiled for the types that they meet

_FLOAT, _INTEGER, _UNSIGNED = np.float32, np.int32, np.uint32
_NOTHING = _UNSIGNED(0)
# The bits of a negative number's size turned, so that whole numbers are in the order of the values.
_SIZE, _LAST = _INTEGER(0x7FFFFFFF), _INTEGER(31)

# Positions up to which channels are put into order together even where they are few, and histograms have a table.
SHORT = 512
_LOG_2 = float(np.log(2))
# Of counts: n log n. Of as many as two short channels have, eleven digits are left of what sums of it differ by.
_N_LOG_N = np.arange(2 * SHORT + 1) * np.log(np.maximum(np.arange(2 * SHORT + 1), 1))


@compile_loop
def scale_of(width: Any, parts: int) -> Any:
    """What a value's distance from the smallest is multiplied by, for the number of its part of the width."""
    return _FLOAT(parts - 1) / width


@compile_loop
def set_edges(bottom: Any, top: Any, fractions: Array, exact: Array, edges: Array) -> None:
    """Where bins meet between the smallest and the largest value, of which one or the other image has each.

    Each is the smallest float32 that is not below: a float32 is below the one exactly if it is below the other.

    Args:
        bottom: the smallest value.
        top: the largest.
        fractions: of the width, where bins meet.
        exact: float64, overwritten.
        edges: float32, filled here.
    """
    width = top - bottom
    for e in range(len(fractions)):
        exact[e] = bottom + width * fractions[e]
        edges[e] = _FLOAT(exact[e])
    bits = edges.view(_INTEGER)
    for e in range(len(fractions)):
        key = _INTEGER(bits[e] ^ ((bits[e] >> _LAST) & _SIZE))
        key += _INTEGER(np.float64(edges[e]) < exact[e])  # the next float32
        bits[e] = key ^ ((key >> _LAST) & _SIZE)


@compile_loop
def find_places(line: Array, edges: Array, places: Array) -> None:
    """How many values of a line in ascending order are below each edge; the processor never has to guess."""
    size = len(line)
    places[:] = _NOTHING
    while size > 1:
        half = size // 2
        for e in range(len(edges)):
            place = places[e]
            places[e] = place + half * (line[place + _UNSIGNED(half - 1)] < edges[e])
        size -= half
    for e in range(len(edges)):
        places[e] += _UNSIGNED(line[places[e]] < edges[e])


@compile_loop
def find_places_in_groups(line: Array, low: Any, high: Any, groups: Array, edges: Array, places: Array) -> None:
    """As ``find_places``, of what ``_sort_into_groups`` leaves: values of earlier groups than the edge's are below."""
    scale = scale_of(high - low, len(groups))
    for e in range(len(edges)):
        edge = edges[e]
        group = _INTEGER((min(max(edge, low), high) - low) * scale)
        begin = np.int64(groups[group - 1]) if group > 0 else 0
        few, below = line[begin : np.int64(groups[group])], _NOTHING
        for n in range(len(few)):
            below += _UNSIGNED(few[n] < edge)
        places[e] = begin + below


@compile_loop
def count_in_bins(places: Array, number: int, counts: Array) -> None:
    """How many of a number of values are in each bin, from how many are below each edge."""
    counts[0] = places[0]
    for e in range(1, len(places)):
        counts[e] = np.int64(places[e]) - np.int64(places[e - 1])
    counts[len(places)] = number - np.int64(places[-1])


@compile_sums
def divergence(x: Array, y: Array, far: Array) -> Any:
    """``sum a log(2 a / (a + b)) + b log(2 b / (a + b))`` over bins with ``a`` and ``b`` values.

    With ``s = (a - b) / (a + b)`` that is ``(a + b) (s^2 / 2 + s^4 / 12 + s^6 / 30 + ...)``: nine terms have all digits
    where ``s^2`` is below a tenth, and lose none where both are nearly the same. The other bins are taken afterwards.

    Args:
        x: ``[bins]`` int64.
        y: ``[bins]`` int64.
        far: ``[bins]``, overwritten.
    """
    total = 0.0
    for n in range(len(x)):
        both, apart = np.float64(x[n] + y[n]), np.float64(x[n] - y[n])
        q = apart * apart / max(both * both, 1.0)
        terms = 1 / 132 + q * (1 / 182 + q * (1 / 240 + q / 306))
        terms = 1 / 2 + q * (1 / 12 + q * (1 / 30 + q * (1 / 56 + q * (1 / 90 + q * terms))))
        total += both * q * terms if q < 0.1 else 0.0
    number = 0
    for n in range(len(x)):
        both, apart = np.float64(x[n] + y[n]), np.float64(x[n] - y[n])
        far[number] = n
        number += int(apart * apart >= 0.1 * max(both * both, 1.0))
    for m in range(number):
        a, b = x[far[m]], y[far[m]]
        total += _entropy(a) + _entropy(b) - _entropy(a + b) + _LOG_2 * (a + b)
    return max(total, 0.0)


@compile_loop
def divergence_of_few(x: Array, y: Array) -> Any:
    """As ``divergence``, of bins that hold few values: ``sum a log a + b log b - (a + b) log((a + b) / 2)``."""
    total, number, differ = 0.0, 0, 0
    for n in range(len(x)):
        a, b = x[n], y[n]
        total += _N_LOG_N[a] + _N_LOG_N[b] - _N_LOG_N[a + b]
        number += a + b
        differ |= a ^ b
    return max(total + _LOG_2 * number, 0.0) if differ else 0.0


@compile_loop
def _entropy(count: int) -> Any:
    """``n log n``, 0 of 0."""
    return count * np.log(np.float64(max(count, 1)))
