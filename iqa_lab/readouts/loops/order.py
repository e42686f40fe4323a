"""Values of channels -> the same in ascending order; two channels in order -> how much their histograms differ."""

from typing import Any

import numpy as np

from iqa_lab.readouts.loops import compile_loop

Array = Any  # of NumPy; the loops are compiled for the types that they meet

_UNSIGNED = np.uint32
# Keys are sorted by three digits, of eleven, eleven and ten bits.
_DIGIT, _VALUES = _UNSIGNED(2047), 2048
_SECOND, _THIRD = _UNSIGNED(11), _UNSIGNED(22)
_NOTHING, _ONE, _SIGN, _TOP = _UNSIGNED(0), _UNSIGNED(1), _UNSIGNED(31), _UNSIGNED(0x80000000)
_FIRST_POSITIVE = 512  # of the third digit


@compile_loop
def sort_channels(values: Array, ordered: Array, start: int, stop: int) -> None:
    """Puts the values of channels ``start`` to ``stop`` of ``[N, C]`` into ascending order, ``[C, N]``.

    Args:
        values: the bits of float32 values, uint32, in any memory order.
        ordered: the same, filled here.
        start: first channel.
        stop: after the last one.
    """
    positions = values.shape[0]
    few = 16  # channels at once: what a line of the cache holds
    # lines of a width that keeps them from taking the same places of the cache
    lines = np.empty((few, (positions // 1024 + 1) * 1024 + 16), np.uint32)
    keys, spare = np.empty(positions + 1, np.uint32), np.empty(positions + 1, np.uint32)
    counts = np.empty((3, _VALUES), np.uint32)
    for begin in range(start, stop, few):
        tile = values[:, begin : min(stop, begin + few)]
        together = tile.shape[1]
        for n in range(positions):
            for k in range(together):
                lines[k, n] = tile[n, k]
        for k in range(together):
            _sort_line(lines[k, :positions], ordered[begin + k], keys, spare, counts)


@compile_loop
def _sort_line(line: Array, result: Array, keys: Array, spare: Array, counts: Array) -> None:
    """Puts one channel into order. Zeros, of which a ReLU leaves many, are counted instead of sorted.

    Keys are in the order of the values: the bits of negative ones turned, of others only the first. Numba adds
    unsigned numbers in 64 bits, so what is to have 32 is said to have them.
    """
    number = _NOTHING
    for n in range(len(line)):
        bits = line[n]
        keys[number] = _UNSIGNED(bits ^ ((_NOTHING - (bits >> _SIGN)) | _TOP))
        number += _UNSIGNED((bits << _ONE) != _NOTHING)  # the next key overwrites that of a zero
    zeros = len(line) - number
    if number == 0:
        result[:] = _NOTHING
        return
    counts[:] = 0
    first, second, third = counts[0], counts[1], counts[2]
    for n in range(number):
        key = keys[n]
        first[key & _DIGIT] += _ONE
        second[(key >> _SECOND) & _DIGIT] += _ONE
        third[key >> _THIRD] += _ONE
    if first[keys[0] & _DIGIT] != number:  # otherwise all have the same digit
        _put(keys, spare, number, first, _NOTHING)
        keys, spare = spare, keys
    if second[(keys[0] >> _SECOND) & _DIGIT] != number:
        _put(keys, spare, number, second, _SECOND)
        keys, spare = spare, keys
    below, negative = _NOTHING, _NOTHING
    for value in range(_VALUES):
        if value == _FIRST_POSITIVE:
            negative = below
            below += zeros
        many = third[value]
        third[value] = below
        below += many
    for n in range(number):
        key = keys[n]
        digit = key >> _THIRD
        place = third[digit]
        third[digit] = place + _ONE
        result[place] = _UNSIGNED(key ^ (((key >> _SIGN) - _ONE) | _TOP))
    for n in range(negative, negative + zeros):
        result[n] = _NOTHING


@compile_loop
def _put(keys: Array, target: Array, number: Any, counts: Array, shift: Any) -> None:
    """Moves keys to where their digit says, those of one digit in the order that they have."""
    below = _NOTHING
    for value in range(_VALUES):
        many = counts[value]
        counts[value] = below
        below += many
    for n in range(number):
        key = keys[n]
        digit = (key >> shift) & _DIGIT
        place = counts[digit]
        target[place] = key
        counts[digit] = place + _ONE


@compile_loop
def _below(line: Array, edge: float) -> int:
    """How many values of a line in ascending order are below an edge."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high) // 2
        if np.float64(line[middle]) < edge:
            low = middle + 1
        else:
            high = middle
    return low


@compile_loop
def histogram_distances(x: Array, y: Array, start: int, stop: int, bins: int, sums: Array) -> None:
    """Adds the Jensen-Shannon distances of channels ``start`` to ``stop`` to the sum of each pair.

    A pair's bins are of equal width, from the smallest to the largest value of both.

    Args:
        x: ``[C, N]``, in ascending order; NaN may stand at either end.
        y: ``[P, C, N]``, likewise.
        start: first channel.
        stop: after the last one.
        bins: number of bins.
        sums: ``[P]`` float64; what is found is added.
    """
    positions = x.shape[1]
    for pair in range(len(y)):
        for c in range(start, stop):
            first, second = x[c], y[pair, c]
            low = min(np.float64(first[0]), np.float64(second[0]))
            high = max(np.float64(first[-1]), np.float64(second[-1]))
            width = high - low
            divergence = 0.0
            seen_x = seen_y = 0
            for number in range(1, bins + 1):
                edge = low + width * (number / bins)
                until_x = _below(first, edge) if number < bins else positions
                until_y = _below(second, edge) if number < bins else positions
                a, b = until_x - seen_x, until_y - seen_y
                seen_x, seen_y = until_x, until_y
                if a != b:
                    share = (a - b) / (a + b)
                    divergence += a * np.log1p(share) if a else 0.0
                    divergence += b * np.log1p(-share) if b else 0.0
            ends = first[0] + first[-1] + second[0] + second[-1]
            nothing = 0 * np.float64(ends)  # no number where a response is none
            sums[pair] += np.sqrt(max(divergence, 0.0) / (2 * positions)) + nothing
