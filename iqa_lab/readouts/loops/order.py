"""Values of channels -> the same in ascending order; two channels in order -> how much their histograms differ."""

from typing import Any

import numpy as np

from iqa_lab.readouts.loops import compile_loop

Array = Any  # of NumPy; the loops are compiled for the types that they meet

_UNSIGNED = np.uint32


@compile_loop
def _sort_keys(keys: Array, spare: Array, number: int, counts: Array) -> bool:
    """Sorts that many unsigned numbers by three digits of eleven bits; True: they are in ``spare`` then."""
    counts[:] = 0
    digits = _UNSIGNED(2047)
    one, two = _UNSIGNED(11), _UNSIGNED(22)
    for n in range(number):
        key = keys[n]
        counts[0, key & digits] += 1
        counts[1, (key >> one) & digits] += 1
        counts[2, key >> two] += 1
    moved = False
    for digit in range(3):
        shift = _UNSIGNED(11 * digit)
        places = counts[digit]
        if places[(keys[0] >> shift) & digits] == number:
            continue  # all have the same digit
        below = _UNSIGNED(0)
        for value in range(2048):
            many = places[value]
            places[value] = below
            below += many
        for n in range(number):
            key = keys[n]
            digit_of_key = (key >> shift) & digits
            place = places[digit_of_key]
            spare[place] = key
            places[digit_of_key] = place + _UNSIGNED(1)
        keys, spare = spare, keys
        moved = not moved
    return moved


@compile_loop
def sort_channels(values: Array, ordered: Array, start: int, stop: int) -> None:
    """Puts the values of channels ``start`` to ``stop`` of ``[N, C]`` into ascending order, ``[C, N]``.

    Zeros, of which a ReLU leaves many, are counted instead of sorted.

    Args:
        values: the bits of float32 values, uint32, in any memory order.
        ordered: the same, filled here.
        start: first channel.
        stop: after the last one.
    """
    positions = values.shape[0]
    few = 16  # channels at once: what a line of the cache holds
    keys, spare = np.empty((few, positions + 1), np.uint32), np.empty(positions + 1, np.uint32)
    counts = np.empty((3, 2048), np.uint32)
    found, negative = np.empty(few, np.uint32), np.empty(few, np.uint32)
    top, last, nothing = _UNSIGNED(0x80000000), _UNSIGNED(31), _UNSIGNED(0)
    for begin in range(start, stop, few):
        together = min(few, stop - begin)
        found[:] = 0
        negative[:] = 0
        for n in range(positions):
            for k in range(together):
                bits = values[n, begin + k]
                sign = bits >> last
                place = found[k]
                # keys are in the order of the values: negative ones with all bits turned, others with the first
                keys[k, place] = bits ^ ((nothing - sign) | top)
                is_value = _UNSIGNED((bits << _UNSIGNED(1)) != nothing)
                found[k] = place + is_value
                negative[k] += sign & is_value
        for k in range(together):
            number, below = int(found[k]), int(negative[k])
            result = ordered[begin + k]
            zeros = positions - number
            if number:
                moved = _sort_keys(keys[k], spare, number, counts)
                source = spare if moved else keys[k]
                for n in range(below):
                    result[n] = ~source[n]
                for n in range(below, number):
                    result[zeros + n] = source[n] ^ top
            for n in range(below, below + zeros):
                result[n] = nothing


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
