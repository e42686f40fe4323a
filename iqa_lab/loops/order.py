"""Values of channels -> the same in ascending order, and how far they are from others in order."""

from typing import Any

import numpy as np

from iqa_lab.loops import compile_loop, compile_sums
from iqa_lab.loops.histograms import (
    SHORT,
    count_in_bins,
    divergence,
    divergence_of_few,
    find_places,
    find_places_in_groups,
    scale_of,
    set_edges,
)
from iqa_lab.loops.network import BLOCK, sort_rows
from iqa_lab.loops.network import try_out as try_out
from iqa_lab.loops.rows import LANES, lay_out

Array = Any  # of NumPy; the loops are compiled for the types that they meet

_FLOAT, _INTEGER, _UNSIGNED = np.float32, np.int32, np.uint32
_NOTHING, _ONE, _SIGN, _TOP = _UNSIGNED(0), _UNSIGNED(1), _UNSIGNED(31), _UNSIGNED(0x80000000)
# Bits of float32 values are sorted by three digits, of eleven, eleven and ten bits.
_DIGIT, _VALUES = _UNSIGNED(2047), 2048
_SECOND, _THIRD = _UNSIGNED(11), _UNSIGNED(22)
_FIRST_POSITIVE = 512  # of the third digit
# The bits of a negative number's size turned, so that whole numbers are in the order of the values.
_SIZE, _LAST = _INTEGER(0x7FFFFFFF), _INTEGER(31)

_FEW = LANES  # channels that are copied at once: what a line of the cache holds
_BESIDE = 64  # channels of an image that are read one after the other: lines of the cache that lie together
_BY_NETWORK = 8192  # positions up to which many channels are put into order together
_GROUPS, _WORTH_GROUPS = 4096, 1024  # into which values are parted at most; values that are worth it


@compile_loop
def sort_channels(values: Array, ordered: Array, start: int, stop: int) -> None:
    """Puts the values of channels ``start`` to ``stop`` of ``[N, C]`` into ascending order, ``[C, N]``.

    Args:
        values: float32, in any memory order.
        ordered: float32, filled here. NaN stands at either end, as its sign says.
        start: first channel.
        stop: after the last one.
    """
    lines, rows, kept, spare, counts, ends = _room(len(values))
    for begin in range(start, stop, _FEW):
        tile = values[:, begin : min(stop, begin + _FEW)]
        if _by_network(*tile.shape):
            _sort_together(tile, rows)
            lay_out(rows[: len(tile), : tile.shape[1]], ordered[begin : begin + tile.shape[1]])
            continue
        lay_out(tile, lines)
        for k in range(tile.shape[1]):
            line, result = lines[k, : len(values)], ordered[begin + k]
            if not _sort_levels(line, result, counts):
                low, high = _ends(line.view(_INTEGER), ends)
                _sort_values(line, low, high, result, kept, spare, counts)


@compile_loop
def compare_channels(
    x: Array, y: Array, start: int, stop: int, fractions: Array, with_histograms: bool, moved: Array, histograms: Array
) -> None:
    """Adds what channels ``start`` to ``stop`` are apart in order to the sums of each pair.

    Args:
        x: ``[C, N]`` float32, in ascending order; NaN may stand at either end.
        y: ``[P, N, C]`` float32, in the order of positions.
        start: first channel.
        stop: after the last one.
        fractions: where the bins of histograms meet, between 0, a channel's smallest value in either image, and 1, the
            largest.
        with_histograms: whether they are asked for.
        moved: ``[P]`` float64, of the sums of distances of values in order.
        histograms: ``[P]`` float64, of the Jensen-Shannon distances of histograms.
    """
    pairs, positions, _ = y.shape
    lines, rows, kept, spare, counts, ends = _room(positions)
    ordered, groups = np.empty(positions, _FLOAT), np.empty(_GROUPS, _UNSIGNED)
    digits = np.empty(positions, np.uint16)
    exact, places = np.empty(len(fractions)), np.empty(len(fractions), _UNSIGNED)
    bins, far = np.empty(len(fractions) + 1, np.int64), np.empty(len(fractions) + 1, np.int64)
    # of each channel of the reference: half of the pairs have the bins of the pair before
    spans, edges = np.empty((_BESIDE, 2)), np.empty((_BESIDE, len(fractions)), _FLOAT)
    in_bins = np.empty((_BESIDE, len(fractions) + 1), np.int64)
    short = positions <= SHORT
    for begin in range(start, stop, _BESIDE):
        spans[:] = np.nan
        tiles = -(-(min(stop, begin + _BESIDE) - begin) // _FEW)
        for number_of_tile in range(pairs * tiles):
            pair, some = number_of_tile // tiles, begin + number_of_tile % tiles * _FEW
            tile = y[pair, :, some : min(stop, some + _FEW)]
            together = _by_network(*tile.shape)
            if together:
                _sort_together(tile, rows)
                lay_out(rows[: len(tile), : tile.shape[1]], lines)
            else:
                lay_out(tile, lines)
            roughly = positions >= _WORTH_GROUPS
            for k in range(tile.shape[1]):
                channel = some + k - begin
                first, line = x[some + k], lines[k, :positions]
                number = 0  # of groups that are in order, but not within; 0: all is
                if together:
                    low, high, second = line[0], line[-1], line
                else:
                    low, high = _ends(line.view(_INTEGER), ends)
                    second = ordered
                    if not _sort_levels(line, second, counts):
                        if roughly:
                            number = _sort_into_groups(line, low, high, first, second, kept, digits, groups)
                            roughly = number > 0 or low == high  # where one channel hardly differs the next hardly do
                        if number == 0:
                            _sort_values(line, low, high, second, kept, spare, counts)
                moved[pair] += _moved(first, second)
                if with_histograms:
                    edge, of_first = edges[channel], in_bins[channel]
                    bottom = min(np.float64(first[0]), np.float64(low))
                    top = max(np.float64(first[-1]), np.float64(high))
                    if not (bottom == spans[channel, 0] and top == spans[channel, 1]):
                        spans[channel] = bottom, top
                        set_edges(bottom, top, fractions, exact, edge)
                        find_places(first, edge, places)
                        count_in_bins(places, positions, of_first)
                    if number > 0:
                        find_places_in_groups(second, low, high, groups[:number], edge, places)
                    else:
                        find_places(second, edge, places)
                    count_in_bins(places, positions, bins)
                    apart = divergence_of_few(of_first, bins) if short else divergence(of_first, bins, far)
                    histograms[pair] += np.sqrt(apart / (2 * positions))
                    # no number where a response is none
                    histograms[pair] += 0 * (np.float64(first[0]) + first[-1] + low + high)


@compile_loop
def _by_network(positions: int, channels: int) -> bool:
    """Whether a network puts so many channels into order faster than each is by itself."""
    return positions <= SHORT or (positions <= _BY_NETWORK and channels >= _FEW // 2)


@compile_loop
def _room(positions: int) -> Any:
    """Memory to sort in: for channels beside each other, for two copies of one, for digits, for two numbers."""
    # lines of a width that keeps them from taking the same places of the cache
    lines = np.empty((_FEW, (positions // 1024 + 1) * 1024 + 16), _FLOAT)
    number = -(-positions // BLOCK) * BLOCK if positions <= _BY_NETWORK else 0
    space = np.empty((number + 1) * _FEW, _FLOAT)
    begin = -space.ctypes.data // space.itemsize % _FEW  # rows of which each is a line of the cache
    rows = space[begin : begin + number * _FEW].reshape(number, _FEW)
    kept, spare = np.empty(positions + 1, _FLOAT), np.empty(positions + 1, _FLOAT)
    return lines, rows, kept, spare, np.empty((4, _VALUES), _UNSIGNED), np.empty(2, _INTEGER)


@compile_loop
def _sort_together(tile: Array, rows: Array) -> None:
    """Copies some channels, ``[N, k]``, to rows ``[M, 16]`` and puts each into order there."""
    number, together = tile.shape
    if together == _FEW:
        for n in range(number):
            for k in range(_FEW):
                rows[n, k] = tile[n, k]
    else:
        for n in range(number):
            for k in range(together):
                rows[n, k] = tile[n, k]
            rows[n, together:] = _FLOAT(0)
    keys = rows.view(_INTEGER)
    _turn_negative(keys[:number].reshape(-1))
    keys[number:] = _SIZE  # nothing is larger
    sort_rows(keys)
    _turn_negative(keys[:number].reshape(-1))


@compile_loop
def _turn_negative(keys: Array) -> None:
    """Bits of float32 values, int32, to whole numbers in the order of the values; and these back to bits."""
    for n in range(len(keys)):
        keys[n] ^= (keys[n] >> _LAST) & _SIZE


@compile_loop
def _sort_values(line: Array, low: Any, high: Any, result: Array, kept: Array, spare: Array, counts: Array) -> None:
    """Puts one channel, with this smallest and this largest value, into order."""
    if not _sort_evenly(line, low, high, result, kept, spare, counts):
        bits = line.view(_UNSIGNED), result.view(_UNSIGNED), kept.view(_UNSIGNED), spare.view(_UNSIGNED)
        _sort_bits(*bits, counts)


@compile_loop
def _sort_levels(line: Array, result: Array, counts: Array) -> bool:
    """Puts one channel into order by counting, if its values are levels of 8 bits, as of pixels; False: they aren't."""
    for begin in range(0, len(line), 256):
        few, others = line[begin : begin + 256], 0
        for n in range(len(few)):
            inside = min(max(few[n], _FLOAT(0)), _FLOAT(255))
            others += few[n] != _FLOAT(_INTEGER(inside))
        if others:
            return False
    counts[:, :256] = _NOTHING
    first, second, third, fourth = counts  # neighbours are often equal, and would wait for each other in one table
    whole = len(line) // 4 * 4
    for n in range(0, whole, 4):
        first[_UNSIGNED(_INTEGER(line[n]))] += _ONE
        second[_UNSIGNED(_INTEGER(line[n + 1]))] += _ONE
        third[_UNSIGNED(_INTEGER(line[n + 2]))] += _ONE
        fourth[_UNSIGNED(_INTEGER(line[n + 3]))] += _ONE
    for n in range(whole, len(line)):
        first[_UNSIGNED(_INTEGER(line[n]))] += _ONE
    place = 0
    for level in range(256):
        many = first[level] + second[level] + third[level] + fourth[level]
        result[place : place + many] = _FLOAT(level)
        place += many
    return True


@compile_loop
def _sort_evenly(line: Array, low: Any, high: Any, result: Array, kept: Array, spare: Array, counts: Array) -> bool:
    """Puts one channel into order by two digits of where its values lie between the smallest and the largest.

    Values that lie nearer to each other than that tells are exchanged afterwards. False, with nothing of worth in the
    result, where these are too many, or where values are infinite or none: they need another way.
    """
    width = high - low
    if width == 0:
        result[:] = low
        return True
    bits = 3  # of each digit, so that few values share both
    while bits < 11 and 1 << (2 * bits - 5) <= len(line):
        bits += 1
    size = 1 << bits
    scale = scale_of(width, size * size)
    if not (width < np.inf and scale < np.inf):
        return False
    number, source = _without_zeros(line, low, kept)
    first, second = counts[0, :size], counts[1, :size]
    first[:] = _NOTHING
    second[:] = _NOTHING
    mask, shift = _UNSIGNED(size - 1), _UNSIGNED(bits)
    for n in range(number):
        first[_UNSIGNED(_INTEGER((source[n] - low) * scale)) & mask] += _ONE
    _begin(first, _NOTHING)
    for n in range(number):
        value = source[n]
        key = _UNSIGNED(_INTEGER((value - low) * scale))
        second[key >> shift] += _ONE
        place = first[key & mask]
        first[key & mask] = place + _ONE
        spare[place] = value
    zeros = _UNSIGNED(len(line) - number)
    _begin(second, zeros)
    result[:zeros] = _FLOAT(0)
    for n in range(number):
        value = spare[n]
        digit = _UNSIGNED(_INTEGER((value - low) * scale)) >> shift
        place = second[digit]
        second[digit] = place + _ONE
        result[place] = value
    return _exchange(result)


@compile_loop
def _without_zeros(line: Array, low: Any, kept: Array) -> Any:
    """How many values are to be sorted, and these: a ReLU leaves many zeros, which are counted instead."""
    if low != 0:
        return _UNSIGNED(len(line)), line
    number = _NOTHING
    for n in range(len(line)):
        kept[number] = line[n]  # the next one overwrites a zero
        number = _UNSIGNED(number + _UNSIGNED(line[n] != 0))
    return number, kept


@compile_loop
def _sort_into_groups(
    line: Array, low: Any, high: Any, reference: Array, result: Array, kept: Array, digits: Array, groups: Array
) -> int:
    """Puts one channel so far into order that it is as far from a reference in order as if it all were.

    Its values are parted evenly between the smallest and the largest. Where those of the reference in the places of a
    group are all below it, or all above, the sum of their distances is the same in any order; elsewhere the values are
    exchanged. Returns how many groups; 0, with nothing of worth in the result, where that takes more than two steps a
    value, or where all values are equal, or some of either image infinite or none.

    Args:
        line: ``[N]`` float32.
        low: the smallest value.
        high: the largest.
        reference: ``[N]`` float32 in ascending order; NaN may stand at either end.
        result: ``[N]`` float32, filled here.
        kept: ``[N + 1]`` float32, overwritten.
        digits: ``[N]`` uint16, overwritten.
        groups: filled with where each group ends.
    """
    width = high - low
    size = 256
    while size < len(groups) and 4 * size < len(line):
        size *= 2
    scale = scale_of(width, size)
    if not (0 < width < np.inf and scale < np.inf and reference[0] > -np.inf and reference[-1] < np.inf):
        return 0
    number, source = _without_zeros(line, low, kept)
    ends = groups[:size]
    ends[:] = _NOTHING
    for n in range(number):
        digits[n] = _INTEGER((source[n] - low) * scale)
    for n in range(number):
        ends[digits[n]] += _ONE
    zeros = _UNSIGNED(len(line) - number)
    _begin(ends, zeros)
    result[:zeros] = _FLOAT(0)
    for n in range(number):
        place = ends[digits[n]]
        ends[digits[n]] = place + _ONE
        result[place] = source[n]
    begin, left = np.int64(zeros), 2 * len(line)
    for group in range(size):
        end = np.int64(ends[group])
        if end - begin > 1:
            lowest, highest = (reference[begin] - low) * scale, (reference[end - 1] - low) * scale
            if not (highest < group or lowest >= group + 1):
                left -= _insert(result[begin:end], left)
                if left < 0:
                    return 0
        begin = end
    return size


@compile_loop
def _insert(line: Array, most: int) -> int:
    """Puts a line into order that nearly is; how many steps that took. It stops after the most."""
    steps, largest = 0, line[0]
    for n in range(1, len(line)):
        value, place = line[n], n
        if value >= largest:
            largest = value
            continue
        while place > 0 and line[place - 1] > value:
            line[place] = line[place - 1]
            place -= 1
        line[place] = value
        steps += n - place
        if steps > most:
            break
    return steps


@compile_loop
def _ends(bits: Array, ends: Array) -> Any:
    """The smallest and the largest of float32 values, from their bits, int32; NaN is beyond infinity."""
    low, high = _SIZE, _INTEGER(-(2**31))
    for n in range(len(bits)):
        key = _INTEGER(bits[n] ^ ((bits[n] >> _LAST) & _SIZE))
        low, high = min(low, key), max(high, key)
    ends[0] = low ^ ((low >> _LAST) & _SIZE)
    ends[1] = high ^ ((high >> _LAST) & _SIZE)
    values = ends.view(_FLOAT)
    return values[0], values[1]


@compile_loop
def _begin(counts: Array, below: Any) -> None:
    """How many values each digit has -> where the first of them stands, after so many others."""
    for digit in range(len(counts)):
        many = counts[digit]
        counts[digit] = below
        below = _UNSIGNED(below + many)


@compile_loop
def _exchange(line: Array) -> bool:
    """Puts a line into order that nearly is; False if that takes more than two steps a value."""
    wrong = 0
    for n in range(1, len(line)):
        wrong += line[n] < line[n - 1]
    return wrong == 0 or _insert(line, 2 * len(line)) <= 2 * len(line)


@compile_loop
def _sort_bits(line: Array, result: Array, keys: Array, spare: Array, counts: Array) -> None:
    """Puts one channel into order by the bits of its values, whatever they are; zeros are counted.

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
    _begin(counts, _NOTHING)
    for n in range(number):
        key = keys[n]
        digit = (key >> shift) & _DIGIT
        place = counts[digit]
        target[place] = key
        counts[digit] = place + _ONE


@compile_sums
def _moved(x: Array, y: Array) -> Any:
    """The sum of the distances of two lines' values, of which a few are added in float32."""
    total = np.float64(0)
    for begin in range(0, len(x), 2048):
        first, second = x[begin : begin + 2048], y[begin : begin + 2048]
        few = _FLOAT(0)
        for n in range(len(first)):
            few += abs(second[n] - first[n])
        total += few
    return total
