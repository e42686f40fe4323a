"""Values of channels -> the same in ascending order, and how far they are from others in order."""

from typing import Any

import numpy as np

from iqa_lab.readouts.loops import compile_loop, compile_sums

Array = Any  # of NumPy; the loops are compiled for the types that they meet

_FLOAT, _INTEGER, _UNSIGNED = np.float32, np.int32, np.uint32
_NOTHING, _ONE, _SIGN, _TOP = _UNSIGNED(0), _UNSIGNED(1), _UNSIGNED(31), _UNSIGNED(0x80000000)
# Bits of float32 values are sorted by three digits, of eleven, eleven and ten bits.
_DIGIT, _VALUES = _UNSIGNED(2047), 2048
_SECOND, _THIRD = _UNSIGNED(11), _UNSIGNED(22)
_FIRST_POSITIVE = 512  # of the third digit
# The bits of a negative number's size turned, so that whole numbers are in the order of the values.
_SIZE, _LAST = _INTEGER(0x7FFFFFFF), _INTEGER(31)

_FEW = 16  # channels that are copied at once: what a line of the cache holds
_LOG_2 = float(np.log(2))
_LOGARITHMS = np.log(np.maximum(np.arange(1024), 1))  # of counts; that of 0 is never more than multiplied by 0


@compile_loop
def sort_channels(values: Array, ordered: Array, start: int, stop: int) -> None:
    """Puts the values of channels ``start`` to ``stop`` of ``[N, C]`` into ascending order, ``[C, N]``.

    Args:
        values: float32, in any memory order.
        ordered: float32, filled here. NaN stands at either end, as its sign says.
        start: first channel.
        stop: after the last one.
    """
    lines, kept, spare, counts, ends = _room(len(values))
    for begin in range(start, stop, _FEW):
        tile = values[:, begin : min(stop, begin + _FEW)]
        _lay_out(tile, lines)
        for k in range(tile.shape[1]):
            _sort(lines[k, : len(values)], ordered[begin + k], kept, spare, counts, ends)


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
        fractions: where the bins of histograms meet, see ``_histogram_distance``.
        with_histograms: whether they are asked for.
        moved: ``[P]`` float64, of the sums of distances of values in order.
        histograms: ``[P]`` float64, of the Jensen-Shannon distances of histograms.
    """
    pairs, positions, _ = y.shape
    lines, kept, spare, counts, ends = _room(positions)
    second = np.empty(positions, _FLOAT)
    edges, places = np.empty(len(fractions), _FLOAT), np.empty(len(fractions), _UNSIGNED)
    bins, far = np.empty((2, len(fractions) + 1), np.int64), np.empty(len(fractions) + 1, np.int64)
    for begin in range(start, stop, _FEW):
        for pair in range(pairs):
            tile = y[pair, :, begin : min(stop, begin + _FEW)]
            _lay_out(tile, lines)
            for k in range(tile.shape[1]):
                first = x[begin + k]
                _sort(lines[k, :positions], second, kept, spare, counts, ends)
                moved[pair] += _moved(first, second)
                if with_histograms:
                    histograms[pair] += _histogram_distance(first, second, fractions, edges, places, bins, far)


@compile_loop
def _room(positions: int) -> Any:
    """Memory to sort in: for channels beside each other, for two copies of one, for digits, for two numbers."""
    # lines of a width that keeps them from taking the same places of the cache
    lines = np.empty((_FEW, (positions // 1024 + 1) * 1024 + 16), _FLOAT)
    kept, spare = np.empty(positions + 1, _FLOAT), np.empty(positions + 1, _FLOAT)
    return lines, kept, spare, np.empty((4, _VALUES), _UNSIGNED), np.empty(2, _INTEGER)


@compile_loop
def _lay_out(tile: Array, lines: Array) -> None:
    """Copies some channels, ``[N, k]``, to lines of their own."""
    positions, together = tile.shape
    if together < 8:
        for k in range(together):
            for n in range(positions):
                lines[k, n] = tile[n, k]
        return
    for n in range(positions):
        for k in range(together):
            lines[k, n] = tile[n, k]


@compile_loop
def _sort(line: Array, result: Array, kept: Array, spare: Array, counts: Array, ends: Array) -> None:
    """Puts one channel into order."""
    if not (_sort_levels(line, result, counts) or _sort_evenly(line, result, kept, spare, counts, ends)):
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
def _sort_evenly(line: Array, result: Array, kept: Array, spare: Array, counts: Array, ends: Array) -> bool:
    """Puts one channel into order by two digits of where its values lie between the smallest and the largest.

    Values that lie nearer to each other than that tells are exchanged afterwards. False, with nothing of worth in the
    result, where these are too many, or where values are infinite or none: they need another way.
    """
    low, high = _ends(line.view(_INTEGER), ends)
    width = high - low
    if width == 0:
        result[:] = low
        return True
    bits = 3  # of each digit, so that few values share both
    while bits < 11 and 1 << (2 * bits - 5) <= len(line):
        bits += 1
    size = 1 << bits
    scale = _FLOAT(size * size - 1) / width
    if not (width < np.inf and scale < np.inf):
        return False
    number, source = _UNSIGNED(len(line)), line
    if low == 0:  # zeros, of which a ReLU leaves many, are counted instead of sorted
        number, source = _NOTHING, kept
        for n in range(len(line)):
            kept[number] = line[n]  # the next one overwrites a zero
            number = _UNSIGNED(number + _UNSIGNED(line[n] != 0))
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
    if wrong == 0:
        return True
    left = 2 * len(line)
    largest = line[0]
    for n in range(1, len(line)):
        value = line[n]
        if value >= largest:
            largest = value
            continue
        place = n
        while place > 0 and line[place - 1] > value:
            line[place] = line[place - 1]
            place -= 1
        line[place] = value
        left -= n - place
        if left < 0:
            return False
    return True


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


@compile_loop
def _places(line: Array, edges: Array, places: Array) -> None:
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
def _count(line: Array, edges: Array, places: Array, counts: Array) -> None:
    """How many values of a line in ascending order are in each bin, of those that meet at these edges."""
    _places(line, edges, places)
    before = 0
    for e in range(len(edges)):
        counts[e] = places[e] - before
        before = places[e]
    counts[len(edges)] = len(line) - before


@compile_loop
def _next_float(value: float) -> Any:
    """The smallest float32 that is not below: a float32 is below the one exactly if it is below the other."""
    rounded = _FLOAT(value)
    return np.nextafter(rounded, _FLOAT(np.inf)) if np.float64(rounded) < value else rounded


@compile_sums
def _divergence(x: Array, y: Array, far: Array) -> Any:
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
        of_both = _LOG_2 - _logarithm(a + b)
        total += a * (_logarithm(a) + of_both) + b * (_logarithm(b) + of_both)
    return max(total, 0.0)


@compile_loop
def _logarithm(count: int) -> Any:
    """The logarithm of a count; of 0 any number."""
    return _LOGARITHMS[count] if count < len(_LOGARITHMS) else np.log(np.float64(count))


@compile_loop
def _histogram_distance(
    x: Array, y: Array, fractions: Array, edges: Array, places: Array, counts: Array, far: Array
) -> Any:
    """The Jensen-Shannon distance of the histograms of two lines in ascending order.

    Args:
        x: ``[N]``; NaN may stand at either end.
        y: ``[N]``, likewise.
        fractions: where bins of equal width meet, between 0, the smallest value of both lines, and 1, the largest.
        edges: as many, overwritten.
        places: as many, overwritten.
        counts: ``[2, bins]``, overwritten.
        far: ``[bins]``, overwritten.
    """
    low = min(np.float64(x[0]), np.float64(y[0]))
    width = max(np.float64(x[-1]), np.float64(y[-1])) - low
    for e in range(len(fractions)):
        edges[e] = _next_float(low + width * fractions[e])
    _count(x, edges, places, counts[0])
    _count(y, edges, places, counts[1])
    nothing = 0 * np.float64(x[0] + x[-1] + y[0] + y[-1])  # no number where a response is none
    return np.sqrt(_divergence(counts[0], counts[1], far) / (2 * len(x))) + nothing


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
