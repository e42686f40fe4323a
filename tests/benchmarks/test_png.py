"""PNG files decoded by loops of our own: what Pillow decodes, or nothing, and then Pillow does it."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from iqa_lab import loops
from iqa_lab.benchmarks import inflate
from iqa_lab.benchmarks.images import decode
from iqa_lab.benchmarks.png import usual_pixels
from iqa_lab.errors import UserError
from tests.benchmarks.test_image_files import HARMLESS, REFUSED, encoded, png_from, turned
from tests.conftest import picture

pytest.importorskip("numba", reason="without Numba Pillow decodes all")

IMAGE = Image.fromarray(picture(3, 20, 30))
HEADER = struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0)
LINES = b"".join(b"\0" + line.tobytes() for line in np.asarray(IMAGE))
DATA = (b"IDAT", zlib.compress(LINES))


@pytest.fixture(params=["zlib", "isal.isal_zlib"], scope="module", autouse=True)
def library(request: pytest.FixtureRequest) -> Iterator[None]:
    """What inflates: Intel's library, or zlib where there are no wheels of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inflate, "fast", pytest.importorskip(request.param, reason="this platform has no wheels of isal"))
        yield


def png(*chunks: tuple[bytes, bytes], header: bytes = HEADER) -> bytes:
    """A PNG file of these chunks, of 30 x 20 pixels unless the header says otherwise."""
    return png_from(header, *chunks)


def by_pillow(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """As the specification says it."""
    estimate = left + above - corner
    candidates = np.stack([left, above, corner])
    return np.take_along_axis(candidates, abs(candidates - estimate).argmin(0)[None], 0)[0]  # the first of the nearest


def filtered(pixels: np.ndarray, ways: Sequence[int]) -> bytes:
    """Lines of an image ``[H, W, 3]``, each filtered in one of the ways 0 to 4."""
    height, width, _ = pixels.shape
    padded = np.zeros((height + 1, width + 1, 3), int)
    padded[1:, 1:] = pixels
    x, a, b, c = padded[1:, 1:], padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    predicted = [np.zeros_like(x), a, b, (a + b) // 2, paeth(a, b, c)]
    return b"".join(
        bytes([way]) + (x[line] - predicted[way][line]).astype(np.uint8).tobytes() for line, way in enumerate(ways)
    )


@given(st.integers(0, 999), st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(1, 40), st.booleans())
@example(seed=0, ways=[4, 4, 4], width=1, extreme=True)
@example(seed=0, ways=[4, 4, 4, 4], width=2, extreme=True)
@example(seed=1, ways=[4] * 19, width=40, extreme=True)  # more than eight lines, and the last eight
@example(seed=1, ways=[4] * 8, width=15, extreme=True)  # in the midst of all lines at no step, and at one
@example(seed=1, ways=[4] * 8, width=16, extreme=True)
@example(seed=1, ways=[1, 4, 4, 2, 4, 3, 4, 4, 4, 0, 4, 4], width=37, extreme=False)
def test_lines_filtered_in_any_way_are_what_pillow_makes_of_them(
    seed: int, ways: list[int], width: int, extreme: bool
) -> None:
    random = np.random.default_rng(seed)
    shape = (len(ways), width, 3)
    pixels = random.choice([0, 1, 127, 254, 255], shape) if extreme else random.integers(0, 256, shape)
    header = struct.pack(">IIBBBBB", width, len(ways), 8, 2, 0, 0, 0)
    compressed = zlib.compress(filtered(pixels, ways))
    half = len(compressed) // 2
    content = png((b"IDAT", compressed[:half]), (b"IDAT", compressed[half:]), header=header)
    found = usual_pixels(content)
    assert found is not None
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(found, by_pillow(content))


def test_the_nearest_of_all_bytes_is_that_of_the_specification() -> None:
    from iqa_lab.loops.lines import unfilter

    left, corner = (values.reshape(-1, 1) for values in np.meshgrid(np.arange(256), np.arange(256)))
    for first in range(0, 256, 12):
        above = np.arange(first, first + 12).clip(0, 255).reshape(4, 1, 3)  # by pairs of lines and by colour
        # of each two pixels of a lower line, the second is the nearest to the other three
        pixels = np.empty((4, 2, 2**16, 2, 3), int)
        pixels[:, 0, :, 0], pixels[:, 0, :, 1], pixels[:, 1, :, 0] = corner, above, left
        pixels[:, 1, :, 1] = paeth(*np.broadcast_arrays(left, above, corner))
        pixels = pixels.reshape(8, -1, 3)
        given = np.frombuffer(filtered(pixels, [0, 4] * 4), np.uint8).reshape(8, -1)
        assert not given[1::2, 1:].reshape(4, -1, 2, 3)[:, :, 1].any()
        lines = np.empty((9, given.shape[1] - 1), np.uint8)
        assert unfilter(given, lines)
        np.testing.assert_array_equal(lines[1:].reshape(pixels.shape), pixels)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 65, 4097, 10**6])
def test_checksums_and_bytes_are_those_of_zlib(length: int) -> None:
    content = np.random.default_rng(length).integers(0, 9, length, np.uint8).tobytes()
    assert inflate.crc32(content) == inflate.crc32(memoryview(content)) == zlib.crc32(content)
    assert inflate.crc32(content[3:], inflate.crc32(content[:3])) == zlib.crc32(content)
    for level in (0, 1, 9):
        assert inflate.inflated(zlib.compress(content, level), max(1, length)) == content


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (zlib.compress(bytes(10**8)), bytes(50)),  # a bomb: no more than what was asked for
        (zlib.compress(bytes(50))[:-4], bytes(50)),  # its checksum is missing; the image's own is compared
        (zlib.compress(bytes(50)) + b"more", bytes(50)),
        (zlib.compress(bytes(50))[:-6], None),
        (b"no data", None),
        (b"", b""),
        (zlib.compress(bytes(50))[2:], None),
        (zlib.compress(bytes(49))[:-4] + b"\0\0\0\1", None),
    ],
    ids=["bomb", "no checksum", "more", "cut off", "not compressed", "nothing", "no header", "wrong checksum"],
)
def test_data_that_is_damaged(data: bytes, found: bytes | None) -> None:
    got = inflate.inflated(data, 50)
    assert got == found if found else got is None or len(got) < 50


UNUSUAL: dict[str, Callable[[], bytes]] = {
    "grey": lambda: encoded(IMAGE.convert("L"), "PNG"),
    "palette": lambda: encoded(IMAGE.quantize(16), "PNG"),
    "alpha": lambda: encoded(IMAGE.convert("RGBA"), "PNG"),
    "16 bits": lambda: png((b"IDAT", zlib.compress(bytes(20 * 181))), header=HEADER[:8] + bytes([16, 2, 0, 0, 0])),
    "interlaced": lambda: png(DATA, header=HEADER[:12] + b"\1"),
    "one colour is transparent": lambda: png((b"tRNS", bytes(6)), DATA),
    "a colour profile": lambda: encoded(IMAGE, "PNG", icc_profile=b"profile"),
    "turned": lambda: turned("PNG", 6),
    "turned, as text": lambda: png((b"tEXt", b"Raw profile type exif\0"), DATA),
    "turned, as other text": lambda: png((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0"), DATA),
    "a chunk that nobody knows": lambda: png((b"abCd", b""), DATA),
    "a longer header": lambda: png(DATA, header=HEADER + b"\0"),
    "a shorter header": lambda: png(DATA, header=HEADER[:9]),
    "no header": lambda: png(DATA, header=b""),
    "no data": lambda: png(),
    "half of the data": lambda: png((b"IDAT", DATA[1][: len(DATA[1]) // 2])),
    "data of fewer lines": lambda: png((b"IDAT", zlib.compress(LINES[:-91]))),
    "data that is not compressed": lambda: png((b"IDAT", LINES)),
    "a sixth filter": lambda: png((b"IDAT", zlib.compress(b"\5" + LINES[1:]))),
    "no column": lambda: png((b"IDAT", zlib.compress(bytes(20))), header=bytes(4) + HEADER[4:]),
    "more than memory": lambda: png(DATA, header=b"\x7f" * 8 + HEADER[8:]),
    "cut off": lambda: png(DATA)[:40],
    "JPEG": lambda: encoded(IMAGE, "JPEG"),
    "nothing": lambda: b"",
}  # fmt: skip


@pytest.mark.parametrize("kind", UNUSUAL)
def test_what_is_unusual_or_damaged_is_left_to_pillow(kind: str) -> None:
    assert usual_pixels(UNUSUAL[kind]()) is None


def test_a_usual_file_is_not_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    content = png((b"gAMA", struct.pack(">I", 45455)), (b"tEXt", b"Software\0MATLAB"), DATA, (b"tIME", bytes(7)))
    np.testing.assert_array_equal(usual_pixels(content), by_pillow(content))
    monkeypatch.setattr(loops, "enabled", False)
    assert usual_pixels(content) is None


@pytest.mark.parametrize("kind", [*HARMLESS, *REFUSED, *UNUSUAL])
def test_loops_change_no_pixel_and_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Nor which files are refused, where a pass decodes what it has examined."""
    make = {**HARMLESS, **{name: make for name, (make, _) in REFUSED.items()}, **UNUSUAL}[kind]
    path = tmp_path / "x.png"
    path.write_bytes(make())

    def outcome() -> tuple[object, ...]:
        try:
            image = decode(str(path), 9, thorough=False)
        except UserError as error:
            return (str(error),)
        return image.digest, image.conversion, image.pixels.tobytes()

    found = outcome()
    monkeypatch.setattr(loops, "enabled", False)
    assert found == outcome()
