"""The compressed data of a JPEG file -> what is wrong with them, if anything.

Decoders repair damage in silence: missing or overwritten data become grey or shifted blocks, and the picture looks
read. So every Huffman code of the file is read here once, and the data have to hold exactly the blocks that the header
promises, in all precision (ITU-T T.81, Annexes F and G). No coefficient is computed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np

_SOF_KINDS = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
_MOST_PIXELS = 2**28
_END = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff+([\xd0-\xd7])")
# No picture has so many zeros in a row, where zeros are not the code of an empty block: they would be forty
# coefficients with the same value of -1, one after the other.
_BLANK = b"\0" * 16
_ENDED, _INVALID = 128, 64  # steps along a block's 64 coefficients: its end, and no code at all


class _Damaged(Exception):
    """The data are not as the format wants them."""


@dataclass(frozen=True)
class _Codes:
    """A Huffman table as what the next 16 bits mean: lengths of the code with its value, and steps along the block."""

    length: bytes  # of the code alone; 0: no code
    symbol: bytes
    advance: bytes  # of code and value
    step: bytes


@dataclass
class _Component:
    across: int  # blocks of 8 x 8 in a unit of several components
    down: int
    columns: int = 0  # blocks of this component alone
    rows: int = 0
    known: bytearray = field(default_factory=bytearray)  # progressive: which coefficients are not zero so far
    missing_bits: dict[int, int] = field(default_factory=dict)  # progressive: of every coefficient


def damage(content: bytes) -> str | None:
    """What is wrong with the data of a JPEG file, in words; None if they are whole.

    Args:
        content: of the file, from its first marker on.
    """
    try:
        _read(content)
    except (_Damaged, IndexError, KeyError, ValueError) as error:
        return str(error) if isinstance(error, _Damaged) else "its compressed data end too early or make no sense"
    return None


def markers(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Every marker that has a length: its kind, and where its content begins and ends; compressed data are skipped.

    The last one is 0xD9, the end of the image, if it is there.
    """
    place = 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            return
        kind = content[place + 1]
        if kind == 0xFF:
            place += 1
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if kind == 0xD9 or end > len(content):
            break
        yield kind, place + 4, end
        place = end
        if kind == 0xDA:
            following = _END.search(content, place)
            if following is None:
                return
            place = following.end() - 2
    if content[place : place + 2] == b"\xff\xd9":
        yield 0xD9, place, place + 2


def _read(content: bytes) -> None:
    kind, restart, units, ended = "", 0, (0, 0), False
    components: dict[int, _Component] = {}
    tables: dict[int, _Codes] = {}
    scanned: set[int] = set()
    for marker, start, end in markers(content):
        data = content[start:end]
        if marker in _SOF_KINDS:
            if kind:
                raise _Damaged("it holds two frames")
            kind = _SOF_KINDS[marker]
            components, units = _frame(data, kind == "progressive")
        elif 0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            raise _Damaged("it is lossless, hierarchical or arithmetic-coded JPEG, whose data cannot be verified")
        elif marker == 0xC4:
            tables |= dict(_huffman_tables(data))
        elif marker == 0xDD:
            restart = int.from_bytes(data[:2], "big")
        elif marker == 0xDA:
            chosen = [(components[data[1 + 2 * i]], data[2 + 2 * i]) for i in range(data[0])]
            first, last, bits = data[1 + 2 * data[0] : 4 + 2 * data[0]]
            scanned |= {data[1 + 2 * i] for i in range(data[0])}
            following = _END.search(content, end)
            segments = _segments(content[end : following.start() if following else len(content)])
            _scan(kind, chosen, tables, (first, last, bits >> 4, bits & 15), segments, restart, units)
        elif marker == 0xD9:
            ended = True
    if not kind or scanned != set(components):
        raise _Damaged("it does not hold all of its colours")
    if not ended:
        raise _Damaged("its end is missing")
    if any(bits for component in components.values() for bits in component.missing_bits.values()):
        raise _Damaged("its last refinements are missing")


def _frame(data: bytes, progressive: bool) -> tuple[dict[int, _Component], tuple[int, int]]:
    height, width = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
    entries = [data[6 + 3 * i : 9 + 3 * i] for i in range(data[5])]
    components = {entry[0]: _Component(entry[1] >> 4, entry[1] & 15) for entry in entries}
    most_across = max(component.across for component in components.values())
    most_down = max(component.down for component in components.values())
    if not 0 < height * width < _MOST_PIXELS:
        raise _Damaged(f"its header says that it has {width} x {height} pixels")
    for component in components.values():
        component.columns = ceil(ceil(width * component.across / most_across) / 8)
        component.rows = ceil(ceil(height * component.down / most_down) / 8)
        if progressive:
            component.known = bytearray(64 * component.columns * component.rows)
            component.missing_bits = dict.fromkeys(range(64), 1)
    return components, (ceil(width / (8 * most_across)), ceil(height / (8 * most_down)))


def _huffman_tables(data: bytes) -> Iterator[tuple[int, _Codes]]:
    """The tables of one DHT marker by class (16: of AC) and number."""
    place = 0
    while place + 17 <= len(data):
        which, counts = data[place], data[place + 1 : place + 17]
        symbols = data[place + 17 : place + 17 + sum(counts)]
        place += 17 + sum(counts)
        if len(symbols) != sum(counts):
            raise _Damaged("a Huffman table is cut")
        length, symbol = np.zeros(65536, np.uint8), np.zeros(65536, np.uint8)
        code, number = 0, 0
        for bits, count in enumerate(counts, 1):
            for _ in range(count):
                first, past = code << (16 - bits), (code + 1) << (16 - bits)
                if past > 65536:
                    raise _Damaged("a Huffman table makes no sense")
                length[first:past], symbol[first:past] = bits, symbols[number]
                code, number = code + 1, number + 1
            code <<= 1
        run, size = symbol >> 4, symbol & 15
        step = np.where(size > 0, run + 1, np.where(run == 15, 16, _ENDED))  # (a progressive file's longer ends, too)
        step = np.where(length == 0, _INVALID, step).astype(np.uint8)
        yield (
            which,
            _Codes(length.tobytes(), symbol.tobytes(), (length + size).astype(np.uint8).tobytes(), step.tobytes()),
        )


def _segments(data: bytes) -> list[bytes]:
    """The data between the restart markers, which have to count 0 to 7, without stuffed zeros."""
    counted = [found[1][0] - 0xD0 for found in _RESTART.finditer(data)]
    if counted != [number % 8 for number in range(len(counted))]:
        raise _Damaged("its restart markers are out of order")
    return [part.replace(b"\xff\x00", b"\xff") for part in _RESTART.split(data)[::2]]


def _scan(
    kind: str,
    chosen: Sequence[tuple[_Component, int]],
    tables: dict[int, _Codes],
    band: tuple[int, int, int, int],
    segments: Sequence[bytes],
    restart: int,
    units: tuple[int, int],
) -> None:
    """Read the data of one scan to its end.

    Args:
        kind: of the frame.
        chosen: its components, and the numbers of their tables: of DC in the upper four bits, of AC in the lower.
        tables: all that are known.
        band: first and last coefficient, precision before and after (progressive).
        segments: between restart markers.
        restart: units between restart markers; 0: all.
        units: of several components, across and down.
    """
    alone = chosen[0][0] if len(chosen) == 1 else None
    total = alone.columns * alone.rows if alone else units[0] * units[1]
    per_segment = restart or total
    if len(segments) != -(-total // per_segment):
        raise _Damaged("parts of its compressed data are missing")
    # the blocks of a unit, each with its tables
    blocks = [which for part, which in chosen for _ in range(1 if alone else part.across * part.down)]
    first, last, before, after = band
    if kind == "progressive":
        for component, _ in chosen:
            component.missing_bits |= dict.fromkeys(range(first, last + 1), after)
    coded = [tables[16 + (which & 15)] for which in blocks] if last else []
    blank = any(codes.step[0] != _ENDED for codes in coded) and (kind != "progressive" or not before)
    for number, segment in enumerate(segments):
        if blank and _BLANK in segment:
            raise _Damaged("a part of its compressed data was overwritten with zeros")
        start = number * per_segment
        count = min(per_segment, total - start)
        padded = np.frombuffer(segment + b"\0" * 40, np.uint8).astype(np.uint32)
        words = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
        window = (words[:, None] >> np.arange(8, 0, -1, dtype=np.uint32)).astype(np.uint16).ravel().data
        if kind != "progressive":
            place = _sequential(window, [(tables[w >> 4], tables[16 + (w & 15)]) for w in blocks], count)
        elif first == 0:
            place = count * len(blocks) if before else _first_dc(window, [tables[w >> 4] for w in blocks], count)
        else:
            assert alone is not None
            codes = tables[16 + (blocks[0] & 15)]
            read = _refine if before else _first_ac
            place = read(window, codes, alone.known, 64 * start, count, first, last)
        left = 8 * len(segment) - place
        if left < 0:
            raise _Damaged("its compressed data end too early")
        if left >= 8:
            raise _Damaged("its compressed data do not fit its size")


def _sequential(window: memoryview, blocks: Sequence[tuple[_Codes, _Codes]], count: int) -> int:
    """Where the blocks of a baseline scan end, in bits."""
    plan = [(dc.length, dc.advance, ac.advance, ac.step) for dc, ac in blocks]
    place = 0
    for _ in range(count):
        for dc_length, dc_advance, advance, step in plan:
            word = window[place]
            if not dc_length[word]:
                raise _Damaged("it holds what is no code")
            place += dc_advance[word]
            k = 1
            while k < 64:
                word = window[place]
                place += advance[word]
                k += step[word]
            if 64 < k < _ENDED:
                raise _Damaged("it holds what is no code")
    return place


def _first_dc(window: memoryview, blocks: Sequence[_Codes], count: int) -> int:
    place = 0
    for _ in range(count):
        for codes in blocks:
            word = window[place]
            if not codes.length[word]:
                raise _Damaged("it holds what is no code")
            place += codes.advance[word]
    return place


def _first_ac(
    window: memoryview, codes: _Codes, known: bytearray, start: int, count: int, first: int, last: int
) -> int:
    """Where the first scan of some coefficients ends; those that are not zero are noted in ``known``."""
    place = empty = 0  # blocks that are said to be empty
    for block in range(start, start + 64 * count, 64):
        if empty:
            empty -= 1
            continue
        k = first
        while k <= last:
            word = window[place]
            if not codes.length[word]:
                raise _Damaged("it holds what is no code")
            place += codes.length[word]
            run, size = codes.symbol[word] >> 4, codes.symbol[word] & 15
            if size == 0 and run < 15:
                empty = (1 << run) - 1 + (window[place] >> (16 - run))
                place += run
                break
            k += run
            if k > last:
                raise _Damaged("it holds what is no code")
            if size:
                known[block + k] = 1
                place += size
            k += 1
    if empty:
        raise _Damaged("its compressed data do not fit its size")
    return place


def _refine(window: memoryview, codes: _Codes, known: bytearray, start: int, count: int, first: int, last: int) -> int:
    """Where a scan ends that adds one bit to every coefficient that is not zero, and new coefficients."""
    place = empty = 0
    for block in range(start, start + 64 * count, 64):
        k = first
        while k <= last and not empty:
            word = window[place]
            if not codes.length[word]:
                raise _Damaged("it holds what is no code")
            place += codes.length[word]
            run, size = codes.symbol[word] >> 4, codes.symbol[word] & 15
            if size > 1:
                raise _Damaged("it holds what is no code")
            if size == 0 and run < 15:
                empty = (1 << run) + (window[place] >> (16 - run))
                place += run
                break
            place += size
            while k <= last:
                if known[block + k]:
                    place += 1
                elif run:
                    run -= 1
                else:
                    break
                k += 1
            if k > last:
                if size:
                    raise _Damaged("it holds what is no code")
                break
            if size:
                known[block + k] = 1
            k += 1
        if empty:
            place += sum(known[block + k : block + last + 1])
            empty -= 1
    if empty:
        raise _Damaged("its compressed data do not fit its size")
    return place
