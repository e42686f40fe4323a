"""The usual PNG file -> its pixels, in a third of the time that Pillow takes.

Only a pass over a benchmark that was examined decodes so: it compares the checksum of these pixels with that of those
which Pillow gave then.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from iqa_lab.benchmarks.image_files import png_bytes, png_chunks
from iqa_lab.benchmarks.inflate import inflated
from iqa_lab.loops import loops

# 8 bits, red, green and blue, compressed and filtered as all are, line by line
_USUAL = bytes((8, 2, 0, 0, 0))
# what changes no pixel, however it is read; colours and checksums were looked at before
_TELLS_NOTHING = (b"IEND", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"tIME", b"bKGD", b"sBIT", b"hIST")
# text from which Pillow takes facts of a camera
_FACTS = (b"exif", b"xmp")


def usual_pixels(content: bytes) -> NDArray[np.uint8] | None:
    """The pixels ``[H, W, 3]`` of a PNG file; None of any other, of an unusual or damaged one, and without loops."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or (compiled := loops("lines")) is None:
        return None
    header, data, bytes_of = b"", [], memoryview(content)
    for kind, start, end in png_chunks(content):
        if kind == b"IHDR":
            header = content[start:end]
        elif kind == b"IDAT":
            data.append(bytes_of[start:end])
        elif kind == b"tEXt":
            if any(facts in content[start:end].lower() for facts in _FACTS):
                return None
        elif kind not in _TELLS_NOTHING:
            return None
    if header[8:] != _USUAL:
        return None
    width, height = struct.unpack_from(">II", header)
    number = height * (1 + 3 * width)
    if number != png_bytes(header):  # there is no line or no column, or far too many
        return None
    found = inflated(b"".join(data), number)
    if found is None or len(found) != number:
        return None
    filtered = np.frombuffer(found, np.uint8)
    pixels = np.empty((1 + height, width, 3), np.uint8)  # and a line above the image
    lines = filtered.reshape(height, -1), pixels.reshape(1 + height, -1)
    return pixels[1:] if compiled.unfilter(*lines) else None
