"""The bytes of an image file -> what they declare that decoders pass over: depth, colours, damage.

Pillow decodes many files to 8-bit RGB without a word on what is lost or how the values are meant. The file's own header
says it. docs/images.md is the policy; here are the formats.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from iqa_lab.benchmarks.inflate import crc32
from iqa_lab.benchmarks.jpeg_data import damage, markers

# CIE x, y of white, red, green and blue of sRGB, in units of .00001 as PNG has them
SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_SAME_PRIMARY = 100  # .001: rounding, and the two usual values of D65
_GAMMA, _SAME_GAMMA = 45455, 600  # 1/2.2, which PNG recommends for sRGB; so near to it no value moves by more than 1
_SRGB, _REC709, _UNSPECIFIED = 13, 1, 2  # code points of ITU-T H.273
# of PNG: chunks that a program has to understand; channels by colour type; first column and line, steps of each pass
_PNG_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MOST_BYTES = 2**30  # decoders refuse larger images
# Arithmetic codes hold no such run of zeros: 16 at most were found, in flat and natural images of all qualities.
_ERASED = bytes(64)
_OVERWRITTEN = "a part of its compressed data was overwritten with zeros"
_JP2_COLOURS = {16: "sRGB", 17: "grey", 18: "sYCC"}


@dataclass(frozen=True)
class Declared:
    """What a file says of itself."""

    bits: int = 8  # of a channel, the most
    colours: str | None = None  # why its values are not sRGB, in words
    profile: bytes | None = None  # an ICC profile that Pillow does not give
    has_profile: bool = False  # whether there should be one, whoever reads it
    damage: str | None = None
    animated: bool = False
    scaled: str | None = None  # how the values in the file become 0..255, if they are not that already


def declared(content: bytes, thorough: bool) -> Declared:
    """What a file's bytes declare, whatever the file is called.

    Args:
        content: the whole file.
        thorough: whether all compressed data of PNG and JPEG files are read, which takes as long as to decode them.
    """
    try:
        if content[:8] == b"\x89PNG\r\n\x1a\n":
            return _png(content, thorough)
        if content[:2] == b"\xff\xd8":
            return _jpeg(content, thorough)
        if content[:1] == b"P" and content[1:2] in b"123456":
            return _pnm(content)
        if content[:1] == b"P" and content[1:2] in b"Ff":
            return Declared(bits=32)
        if content[:2] == b"BM":
            return _bmp(content)
        if content[:4] == b"\xff\x4f\xff\x51":
            return _codestream(content)
        if content[4:8] == b"jP  ":
            return _jpeg2000(content)
        if content[4:8] == b"ftyp":
            return _avif(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _webp(content)
    except (struct.error, IndexError, KeyError, ValueError, zlib.error):
        return Declared(damage="its header makes no sense")
    return Declared()


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a PNG file up to its last: kind, and where the content begins and ends, which may be too late."""
    place, kind = 8, b""
    while kind != b"IEND" and place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        yield kind, place + 8, place + 8 + length
        place += 12 + length


def _png(content: bytes, thorough: bool) -> Declared:
    chunks: dict[bytes, bytes] = {}
    data: list[bytes] = []
    kind = b""
    for kind, start, end in png_chunks(content):
        if end + 4 > len(content):
            return Declared(damage="its end is missing")
        if crc32(memoryview(content)[start - 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            return Declared(damage=f"the checksum of its chunk {kind.decode('ascii', 'replace')} is wrong")
        if (kind[:1].isupper() and kind not in _PNG_CHUNKS) or (kind == b"IHDR" and kind in chunks):
            return Declared(damage=f"its chunk {kind.decode('ascii', 'replace')} belongs to no PNG file")
        if kind != b"IDAT":
            chunks.setdefault(kind, content[start:end])
        elif thorough:
            data.append(content[start:end])
    if kind != b"IEND":
        return Declared(damage="its end is missing")
    if b"IHDR" not in chunks:
        return Declared(damage="its header is missing")
    if chunks[b"IHDR"][9] == 3 and b"PLTE" not in chunks:
        return Declared(damage="its palette is missing")
    if thorough:
        least = max(1, png_bytes(chunks[b"IHDR"]))  # 0 would mean all that there is
        if len(zlib.decompressobj().decompress(b"".join(data), least)) < least:
            return Declared(damage="parts of its compressed data are missing")
    return Declared(
        bits=chunks[b"IHDR"][8],
        colours=_png_colours(chunks),
        has_profile=b"iCCP" in chunks and b"cICP" not in chunks,
        animated=b"acTL" in chunks,
    )


def png_bytes(header: bytes) -> int:
    """How many bytes the data of a PNG file are before they are compressed: each line begins with its filter."""
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    passes = _ADAM7 if interlaced else [(0, 0, 1, 1)]
    total = 0
    for left, top, across, down in passes:
        columns, lines = -(-(width - left) // across), -(-(height - top) // down)
        total += lines * (1 + -(-columns * bits * _PNG_CHANNELS[kind] // 8)) if columns > 0 and lines > 0 else 0
    return min(total, _MOST_BYTES)


def _png_colours(chunks: dict[bytes, bytes]) -> str | None:
    """Why a PNG file's values are not sRGB; the first of cICP, iCCP, sRGB, then gAMA and cHRM counts."""
    if b"cICP" in chunks:
        primaries, transfer, matrix, whole = chunks[b"cICP"][:4]
        plain = (primaries, transfer, matrix, whole) == (_REC709, _SRGB, 0, 1)
        return None if plain else f"its cICP chunk says {primaries}/{transfer}/{matrix}/{whole}"
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return None  # the profile is looked at by itself
    if b"gAMA" in chunks:
        gamma = int(struct.unpack(">I", chunks[b"gAMA"][:4])[0])
        if abs(gamma - _GAMMA) > _SAME_GAMMA:
            return f"its gAMA chunk says {gamma / 100000:g}, not {_GAMMA / 100000:g}"
    if b"cHRM" in chunks:
        found = struct.unpack(">8I", chunks[b"cHRM"][:32])
        if any(abs(a - b) > _SAME_PRIMARY for a, b in zip(found, SRGB_PRIMARIES, strict=True)):
            return "its cHRM chunk names other primary colours"
    return None


def _jpeg(content: bytes, thorough: bool) -> Declared:
    bits, has_profile = 8, False
    for marker, start, _ in markers(content):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits = content[start]
        elif marker == 0xE2 and content[start : start + 12] == b"ICC_PROFILE\0":
            has_profile = True
        elif marker == 0xDA and not thorough:
            break
    wrong = damage(content) if thorough and bits == 8 else None
    return Declared(bits=bits, has_profile=has_profile, damage=wrong)


def _pnm(content: bytes) -> Declared:
    if content[1:2] in b"14":
        return Declared(bits=1)
    numbers: list[int] = []
    place = 2
    while len(numbers) < 3:  # width, height, the value of white
        while content[place : place + 1].isspace() or content[place : place + 1] == b"#":
            place = content.index(b"\n", place) + 1 if content[place : place + 1] == b"#" else place + 1
        end = place
        while content[end : end + 1].isdigit():
            end += 1
        numbers.append(int(content[place:end]))
        place = end
    width, height, white = numbers
    bits = 8 if white <= 255 else 16
    if content[1:2] in b"56" and bits == 8:
        samples = content[place + 1 :]
        count = width * height * (3 if content[1:2] == b"6" else 1)
        if samples[count:].strip():
            return Declared(damage="it goes on behind its last pixel")
        if white < 255 and max(samples[:count], default=0) > white:
            return Declared(damage="some of its values are brighter than its white")
    return Declared(bits=bits, scaled=None if white == 255 else f"values of 0 to {white} scaled to 0 to 255")


def _bmp(content: bytes) -> Declared:
    size, bits = (
        struct.unpack_from("<I", content, 14)[0],
        struct.unpack_from("<H", content, 28)[0] if len(content) > 30 else 24,
    )
    scaled = "5 or 6 bits a channel scaled to 8" if size >= 40 and bits == 16 else None
    if size < 108:
        return Declared(scaled=scaled)
    kind = content[14 + 56 : 14 + 60][::-1]
    if kind == b"LINK":
        return Declared(colours="it names a colour profile in another file")
    if kind == b"MBED" and size >= 124:
        offset, length = struct.unpack_from("<2I", content, 14 + 112)
        return Declared(profile=content[14 + offset : 14 + offset + length], has_profile=True, scaled=scaled)
    calibrated = kind == b"\0\0\0\0" and any(content[14 + 60 : 14 + 108])
    return Declared(colours="it names primary colours and gammas of its own" if calibrated else None, scaled=scaled)


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of ISO media files: kind, and where the content begins and ends."""
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", content, start)
        head = 8
        if length == 1:
            length, head = struct.unpack_from(">Q", content, start + 8)[0], 16
        stop = end if length == 0 else start + length
        if length and length < head:
            raise ValueError
        yield kind, start + head, min(stop, end)
        start = stop


def _codestream(content: bytes) -> Declared:
    """What a JPEG 2000 codestream says of its samples."""
    number = struct.unpack_from(">H", content, 40)[0]
    samples = [content[42 + 3 * i] for i in range(number)]
    bits = max((sample & 127) + 1 for sample in samples)
    if any(sample & 128 for sample in samples):
        return Declared(colours="its values are signed")
    fewer = None if min(samples) == 7 or bits > 8 else "its channels have fewer than 8 bits"
    wrong = None if content.rstrip(b"\0")[-2:] == b"\xff\xd9" else "its end is missing"
    if _ERASED in content[content.find(b"\xff\x93") :].rstrip(b"\0"):  # behind its headers
        wrong = _OVERWRITTEN
    return Declared(bits=bits, colours=fewer, damage=wrong)


def _jpeg2000(content: bytes) -> Declared:
    found, colours, profile, has_profile = Declared(damage="it holds no image"), None, None, False
    for kind, start, end in _boxes(content, 0, len(content)):
        if kind == b"jp2h":
            for inner, first, last in _boxes(content, start, end):
                if inner == b"colr" and content[first] == 1:
                    code = struct.unpack_from(">I", content, first + 3)[0]
                    colours = None if code in _JP2_COLOURS else f"its colours are those of number {code}"
                elif inner == b"colr":
                    profile, has_profile = content[first + 3 : last], True
        elif kind == b"jp2c":
            found = _codestream(content[start:end])
    return Declared(found.bits, found.colours or colours, profile, has_profile, found.damage)


def _avif(content: bytes) -> Declared:
    bits, colours, profile, wrong = 8, None, None, None
    for kind, start, end in _within(content, 0, len(content)):
        if kind == b"pixi":
            bits = max([bits, *content[start + 5 : start + 5 + content[start + 4]]])
        elif kind == b"av1C":
            flags = content[start + 2]
            bits = max(bits, (12 if flags & 0x20 else 10) if flags & 0x40 else 8)
        elif kind == b"colr" and content[start : start + 4] == b"nclx":
            primaries, transfer = struct.unpack_from(">2H", content, start + 4)
            if primaries not in (_REC709, _UNSPECIFIED) or transfer not in (_SRGB, _UNSPECIFIED):
                colours = f"its colours are those of {primaries}/{transfer} in H.273"
        elif kind == b"colr":
            profile = content[start + 4 : end]
        elif kind == b"mdat" and b"Exif" not in content[:start] and _ERASED in content[start:end]:
            wrong = _OVERWRITTEN
    return Declared(bits, colours, profile, has_profile=profile is not None, damage=wrong)


def _webp(content: bytes) -> Declared:
    """Whether lossless data were overwritten; lossy data of flat images hold as many zeros by themselves."""
    place = 12
    while place + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, place)
        if kind == b"VP8L" and _ERASED in content[place + 8 : place + 8 + length]:
            return Declared(damage=_OVERWRITTEN)
        place += 8 + length + length % 2
    return Declared()


def _within(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The properties of an AVIF file, which lie in boxes in boxes."""
    for kind, first, last in _boxes(content, start, end):
        if kind in (b"iprp", b"ipco"):
            yield from _within(content, first, last)
        elif kind == b"meta":
            yield from _within(content, first + 4, last)
        else:
            yield kind, first, last
