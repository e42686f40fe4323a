"""Awkward image files: everything that makes another program show something else is refused, or converted and named."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps, features

from iqa_lab.benchmarks.colour import other_than_srgb
from iqa_lab.benchmarks.images import decode
from iqa_lab.benchmarks.jpeg_data import damage
from iqa_lab.errors import UserError
from tests.conftest import needs_shared, noisy, picture

PIXELS = picture(0, 20, 30)
IMAGE = Image.fromarray(PIXELS)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file with chunks between its header and its data."""
    plain = encoded(IMAGE, "PNG")
    return plain[:33] + b"".join(chunk(*each) for each in chunks) + plain[33:]


def png_header(kind: int) -> bytes:
    """IHDR of 20 x 17 pixels; kind 2 is RGB, 3 a palette."""
    return struct.pack(">IIBBBBB", 20, 17, 8, kind, 0, 0, 0)


def raw_lines() -> bytes:
    return b"".join(b"\0" + line.tobytes() for line in PIXELS[:17, :20])


def png_from(header: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these chunks between its header and its end."""
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def png_of(data: bytes, *chunks: tuple[bytes, bytes], kind: int = 2) -> bytes:
    """A PNG file of 20 x 17 pixels with this data, compressed or not."""
    return png_from(png_header(kind), *chunks, (b"IDAT", data))


def tiff(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def gamma(power: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(power * 256)) + b"\0\0"


def srgb_table(entries: int = 1024) -> bytes:
    value = np.linspace(0, 1, entries)
    curve = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I", entries) + np.round(curve * 65535).astype(">u2").tobytes()


SRGB_CURVE = b"para\0\0\0\0" + struct.pack(
    ">HH5i", 3, 0, *(round(value * 65536) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def profile(curve: bytes, primaries: tuple[tuple[float, float, float], ...] = (), name: bytes = b"x") -> bytes:
    """An ICC profile of three primaries and a curve, or without primaries of grey."""
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" + b"\0" * 78
    tags = [(b"desc", desc), (b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", xyz((0.9642, 1, 0.8249)))]
    tags += [(kind, xyz(each)) for kind, each in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=False)]
    tags += [(kind, curve) for kind in ((b"rTRC", b"gTRC", b"bTRC") if primaries else (b"kTRC",))]
    table, body, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for kind, data in tags:
        table += kind + struct.pack(">II", place + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    size = place + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB " if primaries else b"GRAY", b"XYZ ")
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1, 0.8249))
    return head + bytes(128 - len(head)) + table + body


def half_a_profile() -> bytes:
    whole = encoded(IMAGE, "JPEG", icc_profile=profile(srgb_table(), SRGB))
    return whole.replace(b"ICC_PROFILE\0\1\1", b"ICC_PROFILE\0\1\2")


def twelve_bits() -> bytes:
    return encoded(IMAGE, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")


def without_a_part() -> bytes:
    content = encoded(LARGE, "JPEG", restart_marker_blocks=8)
    return content[: content.index(b"\xff\xd1")] + content[content.index(b"\xff\xd2") :]


def with_a_flipped_bit() -> bytes:
    content = encoded(IMAGE, "PNG")
    return content[:60] + bytes([content[60] ^ 1]) + content[61:]


def wide_tiff() -> bytes:
    primaries = (68, 100, 32, 100, 265, 1000, 69, 100, 15, 100, 6, 100)
    return tiff(PIXELS, photometric="rgb", extratags=[(319, 5, 6, primaries, True)])


def turned(kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 98} if kind == "JPEG" else {}
    return encoded(IMAGE, kind, exif=exif, **options)


def adobe_camera() -> bytes:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 2}
    return encoded(IMAGE, "JPEG", exif=exif)


def bmp_v5(kind: bytes, ends: bytes = b"", trailer: bytes = b"") -> bytes:
    rows = b"".join(row.tobytes() + b"\0" * (-len(row.tobytes()) % 4) for row in PIXELS[::-1, :, ::-1])
    head = struct.pack("<IiiHHIIiiII", 124, 30, 20, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16) + kind[::-1]
    head += (ends + bytes(48))[:48] + struct.pack("<4I", 4, 124 + len(rows), len(trailer), 0)
    return b"BM" + struct.pack("<IHHI", 14 + 124 + len(rows) + len(trailer), 0, 0, 14 + 124) + head + rows + trailer


GAMMA = struct.pack(">I", 45455)
PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
WIDE = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
PNM = b"".join(struct.pack(">H", value) for value in range(27))

HARMLESS: dict[str, Callable[[], bytes]] = {
    "sRGB chunk": lambda: png_with((b"sRGB", b"\0")),
    "gAMA 1/2.2": lambda: png_with((b"gAMA", GAMMA)),
    "gAMA .45": lambda: png_with((b"gAMA", struct.pack(">I", 45000))),
    "sRGB, gAMA and cHRM": lambda: png_with((b"sRGB", b"\0"), (b"gAMA", GAMMA), (b"cHRM", PRIMARIES)),
    "sRGB before another gAMA": lambda: png_with((b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100000))),
    "cHRM of sRGB": lambda: png_with((b"cHRM", PRIMARIES)),
    "cICP of sRGB": lambda: png_with((b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", struct.pack(">I", 100000))),
    "text, time, resolution": lambda: png_with((b"tEXt", b"a\0b"), (b"pHYs", bytes(9)), (b"tIME", bytes(7))),
    "something after the end": lambda: encoded(IMAGE, "PNG") + b"more",
    "littleCMS's sRGB": lambda: encoded(
        IMAGE, "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
    "sRGB by a table": lambda: encoded(IMAGE, "PNG", icc_profile=profile(srgb_table(), SRGB, b"whatever")),
    "sRGB by a formula": lambda: encoded(IMAGE, "TIFF", icc_profile=profile(SRGB_CURVE, SRGB)),
    "upright": lambda: turned("PNG", 1),
    "orientation 0, which means nothing": lambda: turned("PNG", 0),
    "BMP that says sRGB": lambda: bmp_v5(b"sRGB"),
    "BMP with a profile of sRGB": lambda: bmp_v5(b"MBED", trailer=profile(SRGB_CURVE, SRGB)),
    "TIFF in planes": lambda: tiff(np.moveaxis(PIXELS, -1, 0), photometric="rgb", planarconfig="separate"),
    "TIFF by Pillow, compressed": lambda: encoded(IMAGE, "TIFF", compression="tiff_lzw"),
    "PPM with comments": lambda: b"P6 # one\n#two\n30 20\n255\n" + PIXELS.tobytes(),
    "plain PPM": lambda: b"P3\n30 20\n255\n" + b" ".join(b"%d" % value for value in PIXELS.ravel()),
    "JPEG 2000": lambda: encoded(IMAGE, "JPEG2000"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_changes_nothing_comes_back_as_stored(tmp_path: Path, kind: str) -> None:
    if kind == "JPEG 2000" and not features.check("jpg_2000"):
        pytest.skip("this Pillow was built without JPEG 2000")
    path = tmp_path / "x"
    path.write_bytes(HARMLESS[kind]())
    for thorough in (True, False):
        image = decode(str(path), thorough=thorough)
        assert image.conversion is None
        np.testing.assert_array_equal(image.pixels, PIXELS)


def frames(kind: str, **options: object) -> bytes:
    return encoded(IMAGE, kind, save_all=True, append_images=[Image.fromarray(255 - PIXELS)], **options)


def zeros_inside(content: bytes, count: int) -> bytes:
    middle = (content.index(b"\xff\xda") + len(content)) // 2
    return content[: middle - count // 2] + bytes(count) + content[middle - count // 2 + count :]


def zeros_at(content: bytes, count: int = 100) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(count) + content[middle + count :]


def see_through(image: Image.Image) -> Image.Image:
    other = image.convert("RGBA")
    other.putpixel((3, 3), (1, 2, 3, 100))
    return other


def palette_with_a_hole() -> bytes:
    return encoded(IMAGE.quantize(16), "PNG", transparency=3)


LARGE = Image.fromarray(noisy(picture(1, 128, 128), 1, 20))

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    # colours
    "Display P3": (lambda: encoded(IMAGE, "PNG", icc_profile=profile(gamma(2.2), P3)), "not in sRGB: .* differ by"),
    "P3 called sRGB": (
        lambda: encoded(IMAGE, "JPEG", icc_profile=profile(SRGB_CURVE, P3, b"sRGB IEC61966-2.1")), "not in sRGB"
    ),
    "Adobe RGB": (lambda: encoded(IMAGE, "TIFF", icc_profile=profile(gamma(2.2), ADOBE)), "not in sRGB"),
    "sRGB's primaries, gamma 1.8": (
        lambda: encoded(IMAGE, "WEBP", lossless=True, icc_profile=profile(gamma(1.8), SRGB)), "not in sRGB"
    ),
    "grey with gamma 1": (
        lambda: encoded(IMAGE.convert("L"), "PNG", icc_profile=profile(gamma(1))), "not in sRGB"
    ),
    "a profile of grey for colours": (lambda: encoded(IMAGE, "PNG", icc_profile=profile(gamma(2.2))), "one of GRAY"),
    "a damaged profile": (lambda: encoded(IMAGE, "PNG", icc_profile=b"no profile at all"), "not in sRGB: .* damaged"),
    "an unreadable profile": (lambda: png_with((b"iCCP", b"x\0\0no zlib")), "not in sRGB|damaged"),
    "half a profile": (
        half_a_profile, "not in sRGB: its colour profile is damaged"
    ),
    "gAMA 1": (lambda: png_with((b"gAMA", struct.pack(">I", 100000))), "its gAMA chunk says 1"),
    "gAMA 0": (lambda: png_with((b"gAMA", bytes(4))), "its gAMA chunk"),
    "gAMA of a Macintosh": (lambda: png_with((b"gAMA", struct.pack(">I", 55556))), "its gAMA chunk"),
    "wide cHRM": (lambda: png_with((b"gAMA", GAMMA), (b"cHRM", WIDE)), "its cHRM chunk"),
    "cICP of P3": (lambda: png_with((b"cICP", bytes([12, 13, 0, 1]))), "its cICP chunk says 12/13/0/1"),
    "cICP of PQ before sRGB": (lambda: png_with((b"cICP", bytes([9, 16, 0, 1])), (b"sRGB", b"\0")), "its cICP chunk"),
    "cICP of a narrow range": (lambda: png_with((b"cICP", bytes([1, 13, 0, 0]))), "its cICP chunk"),
    "a camera's Adobe RGB": (adobe_camera, "Adobe RGB"),
    "TIFF with wide primaries": (
        wide_tiff, "primary colours of its own"
    ),
    "BMP with its own gammas": (lambda: bmp_v5(b"\0\0\0\0", struct.pack("<12I", *range(12))), "of its own"),
    "BMP with a linked profile": (lambda: bmp_v5(b"LINK"), "in another file"),
    "BMP with P3": (lambda: bmp_v5(b"MBED", trailer=profile(gamma(2.2), P3)), "not in sRGB"),
    "CMYK": (lambda: encoded(IMAGE.convert("CMYK"), "JPEG"), "CMYK"),
    "CMYK TIFF": (lambda: encoded(IMAGE.convert("CMYK"), "TIFF"), "CMYK"),
    "LAB TIFF": (lambda: encoded(IMAGE.convert("LAB"), "TIFF"), "LAB"),
    "YCbCr TIFF": (lambda: encoded(IMAGE.convert("YCbCr"), "TIFF"), "YCbCr"),
    # depth
    "16-bit plain PPM": (lambda: b"P3\n3 3\n65535\n" + b" ".join(b"%d" % (2000 * v) for v in range(27)), "16 or more"),
    "PPM of 1000 steps": (lambda: b"P6\n3 3\n1000\n" + PNM, "16 or more bits"),
    "16-bit PGM": (lambda: b"P5\n3 3\n65535\n" + PNM[:18], "16 or more bits"),
    "PFM": (lambda: b"PF\n3 3\n-1.0\n" + np.ones(27, "<f4").tobytes(), "16 or more bits"),
    "16-bit TIFF": (lambda: tiff(PIXELS.astype(np.uint16) * 257, photometric="rgb"), "16 or more bits|damaged"),
    "16-bit TIFF in planes": (
        lambda: tiff(np.moveaxis(PIXELS, -1, 0).astype(np.uint16), photometric="rgb", planarconfig="separate"),
        "16 or more bits|damaged",
    ),
    "signed TIFF": (lambda: tiff(PIXELS[..., 0].astype(np.int8)), "16 or more bits|damaged"),
    "float TIFF": (lambda: tiff(PIXELS[..., 0].astype(np.float32)), "16 or more bits"),
    "12-bit JPEG": (
        twelve_bits, "12 bits"
    ),
    # pictures
    "two pages": (lambda: frames("TIFF"), "2 pictures"),
    "GIF": (lambda: frames("GIF"), "2 pictures"),
    "animated PNG": (lambda: frames("PNG"), "animation"),
    "animated PNG whose first picture stands apart": (lambda: frames("PNG", default_image=True), "animation"),
    "animated WebP": (lambda: frames("WEBP", lossless=True), "2 pictures"),
    "JPEG with a second picture": (lambda: frames("MPO"), "2 pictures"),
    # transparency
    "transparent WebP": (lambda: encoded(see_through(IMAGE), "WEBP", lossless=True), "transparent"),
    "palette with a hole": (palette_with_a_hole, "transparent"),
    "RGB with a transparent colour": (
        lambda: encoded(IMAGE, "PNG", transparency=tuple(int(v) for v in PIXELS[0, 0])), "transparent"
    ),
    "TIFF with a fourth channel": (
        lambda: tiff(np.dstack([PIXELS, PIXELS[..., :1]]), photometric="rgb", extrasamples=[0]), "more channels|transp"
    ),
    # damage
    "JPEG with zeros": (lambda: zeros_inside(encoded(LARGE, "JPEG", quality=90), 300), "damaged"),
    "progressive JPEG with zeros": (
        lambda: zeros_inside(encoded(LARGE, "JPEG", quality=90, progressive=True), 300), "damaged"
    ),
    "JPEG 2000 with zeros": (lambda: zeros_at(encoded(LARGE, "JPEG2000")), "overwritten with zeros"),
    "lossy JPEG 2000 with zeros": (
        lambda: zeros_at(encoded(LARGE, "JPEG2000", irreversible=True, no_jp2=True)), "overwritten with zeros"
    ),
    "lossless WebP with zeros": (lambda: zeros_at(encoded(LARGE, "WEBP", lossless=True)), "overwritten with zeros"),
    "JPEG cut, with an end": (lambda: encoded(LARGE, "JPEG")[:-2000] + b"\xff\xd9", "damaged"),
    "JPEG without its last byte": (lambda: encoded(LARGE, "JPEG")[:-1], "damaged"),
    "JPEG with a lost part": (
        without_a_part, "damaged or no image: its restart markers"
    ),
    "PNG with a flipped bit": (
        with_a_flipped_bit, "damaged or no image: the checksum"
    ),
    "PNG without an end": (lambda: encoded(IMAGE, "PNG")[:-12], "damaged or no image: its end"),
    "PNG cut": (lambda: encoded(LARGE, "PNG")[:5000], "damaged"),
    "PNG with half of its lines": (lambda: png_of(zlib.compress(raw_lines()[:100])), "compressed data are missing"),
    "PNG whose data stop": (lambda: png_of(zlib.compress(raw_lines())[:-30]), "compressed data are missing"),
    "PNG whose data make no sense": (lambda: png_of(b"no zlib"), "damaged"),
    "PNG without data": (lambda: png_of(b""), "parts of its compressed data are missing"),
    "PNG without a palette": (lambda: png_of(zlib.compress(bytes(400)), kind=3), "its palette is missing"),
    "PNG with colours that its palette lacks": (
        lambda: png_of(zlib.compress(b"\0".join([b"", *[bytes(range(20))] * 17])), (b"PLTE", bytes(57)), kind=3),
        "colours that its palette does not have",
    ),
    "PNG with two headers": (lambda: png_with((b"IHDR", png_header(2))), "its chunk IHDR belongs to no PNG"),
    "PNG as Apple's compiler writes it": (lambda: png_with((b"CgBI", bytes(4))), "its chunk CgBI belongs to no PNG"),
    "two PPM": (lambda: 2 * encoded(IMAGE, "PPM"), "goes on behind its last pixel"),
    "PGM brighter than white": (lambda: b"P5 3 3 100\n" + bytes([50] * 8 + [101]), "brighter than its white"),
    "BMP cut": (lambda: encoded(IMAGE, "BMP")[:-300], "damaged"),
    "PPM cut": (lambda: encoded(IMAGE, "PPM")[:-300], "damaged"),
    "TIFF cut": (lambda: encoded(IMAGE, "TIFF")[:-900], "damaged"),
    "WebP cut": (lambda: encoded(LARGE, "WEBP")[:-900], "damaged"),
    "GIF cut": (lambda: encoded(LARGE.quantize(64), "GIF")[:-3000], "damaged"),
    "JPEG 2000 cut": (lambda: encoded(LARGE, "JPEG2000")[:-3000], "damaged"),
    # other files
    "SVG": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image of a kind that is read"),
    "PostScript": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image of a kind that is read"),
    "an icon": (lambda: encoded(IMAGE, "ICO"), "no image of a kind that is read"),
    "nothing but a header": (lambda: b"\x89PNG\r\n\x1a\n", "damaged"),
    "a header of JPEG": (lambda: b"\xff\xd8", "damaged"),
}  # fmt: skip


def test_an_image_without_facts_of_a_camera_is_read_by_every_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow 12.3 raises a KeyError where others say that there is nothing."""
    own = Image.Exif.get_ifd

    def raising(exif: Image.Exif, tag: int) -> object:
        if tag == 0xA005 and tag not in own(exif, 0x8769):
            raise KeyError(tag)
        return own(exif, tag)

    monkeypatch.setattr(Image.Exif, "get_ifd", raising)
    path = tmp_path / "plain.png"
    path.write_bytes(encoded(IMAGE, "PNG"))
    np.testing.assert_array_equal(decode(str(path)).pixels, PIXELS)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG2000", {"irreversible": True, "quality_layers": [100, 50, 20]}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 5}),
        ("PNG", {}),
        ("JPEG", {"quality": 5}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ],
)
@pytest.mark.parametrize("grey", [0, 127, 255])
def test_flat_images_are_not_taken_for_damaged(
    tmp_path: Path, kind: str, options: dict[str, object], grey: int
) -> None:
    path = tmp_path / "x"
    flat = np.full((300, 400, 3), grey, np.uint8)
    flat[:64, :64] = np.asarray(LARGE)[:64, :64]
    path.write_bytes(encoded(Image.fromarray(flat), kind, **options))
    assert decode(str(path)).pixels.shape == flat.shape


@pytest.mark.parametrize("bits", [1, 8])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (17, 4)])
def test_interlaced_png_files_are_found_to_be_whole(tmp_path: Path, size: tuple[int, int], bits: int) -> None:
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 1)
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    grids = [(len(range(left, width, step)), len(range(top, height, down))) for left, top, step, down in passes]
    count = sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in grids if columns)
    path = tmp_path / "x.png"
    for lost in (0, 1):
        parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(count - lost))), (b"IEND", b"")]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
        if lost:
            with pytest.raises(UserError, match="parts of its compressed data are missing"):
                decode(str(path))
        else:
            assert decode(str(path)).pixels.shape == (height, width, 3)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_another_program_would_show_otherwise_is_refused(tmp_path: Path, kind: str) -> None:
    make, reason = REFUSED[kind]
    if "JPEG 2000" in kind and not features.check("jpg_2000"):
        pytest.skip("this Pillow was built without JPEG 2000")
    if "WEBP" in kind.upper() and not features.check("webp"):
        pytest.skip("this Pillow was built without WebP")
    path = tmp_path / "x.png"
    path.write_bytes(make())
    with pytest.raises(UserError, match=reason) as error:
        decode(str(path))
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_turned_images_are_turned_upright_whatever_the_format(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / "x"
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.write_bytes(encoded(IMAGE, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {})))
    stored = np.asarray(Image.open(io.BytesIO(encoded(IMAGE, kind, **({"lossless": True} if kind == "WEBP" else {})))))
    # EXIF 2.32, tag 274: which visible sides the first row and column are
    own = {2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.transpose(1, 0, 2)}
    own |= {
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }
    image = decode(str(path))
    assert image.conversion == "turned upright"
    np.testing.assert_array_equal(image.pixels, own[orientation])


def test_values_that_are_not_0_to_255_are_scaled_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.ppm"
    path.write_bytes(b"P6\n3 1\n15\n" + bytes(range(9)))
    image = decode(str(path))
    assert image.conversion == "values of 0 to 15 scaled to 0 to 255"
    np.testing.assert_array_equal(image.pixels.ravel(), np.arange(9) * 17)


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without JPEG 2000")
def test_jpeg_2000_tells_its_depth_in_every_wrapping(tmp_path: Path) -> None:
    deep = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    for name, options in {"x.jp2": {}, "x.j2k": {"no_jp2": True}}.items():
        (tmp_path / name).write_bytes(encoded(deep, "JPEG2000", **options))
        with pytest.raises(UserError, match="16 or more bits"):
            decode(str(tmp_path / name))
        (tmp_path / name).write_bytes(encoded(IMAGE, "JPEG2000", **options))
        np.testing.assert_array_equal(decode(str(tmp_path / name)).pixels, PIXELS)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_tells_its_depth_and_colours(tmp_path: Path) -> None:
    plain = encoded(IMAGE, "AVIF", quality=100, subsampling="4:4:4")
    path = tmp_path / "x.avif"
    path.write_bytes(plain)
    np.testing.assert_array_equal(decode(str(path)).pixels, np.asarray(Image.open(path).convert("RGB")))
    codec = plain.index(b"av1C") + 6
    depths = plain.index(b"pixi") + 9
    for flag, bits in ((0x40, 10), (0x60, 12)):
        path.write_bytes(plain[:codec] + bytes([plain[codec] | flag]) + plain[codec + 1 :])
        with pytest.raises(UserError, match=f"{bits} bits a channel"):
            decode(str(path))
    path.write_bytes(plain[:depths] + bytes([10]) + plain[depths + 1 :])
    with pytest.raises(UserError, match="10 bits a channel"):
        decode(str(path))
    colours = plain.index(b"nclx") + 4
    path.write_bytes(plain[:colours] + struct.pack(">2H", 9, 16) + plain[colours + 4 :])
    with pytest.raises(UserError, match="not in sRGB: its colours are those of 9/16"):
        decode(str(path))
    path.write_bytes(encoded(IMAGE, "AVIF", icc_profile=profile(gamma(2.2), P3)))
    with pytest.raises(UserError, match="not in sRGB"):
        decode(str(path))
    path.write_bytes(zeros_at(encoded(LARGE, "AVIF", quality=90)))
    with pytest.raises(UserError, match="overwritten with zeros"):
        decode(str(path))
    path.write_bytes(frames("AVIF"))
    with pytest.raises(UserError, match="2 pictures"):
        decode(str(path))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_data_of_sound_jpeg_files_are_found_to_be_sound(progressive: bool, mode: str) -> None:
    for size in ((64, 96), (61, 77), (1, 1), (17, 40)):
        image = Image.fromarray(noisy(picture(2, *size), 2, 20)).convert(mode)
        for quality in (5, 75, 100):
            for options in ({"subsampling": 0}, {"subsampling": 2, "optimize": True}, {"restart_marker_blocks": 3}):
                content = encoded(image, "JPEG", quality=quality, progressive=progressive, **options)
                assert damage(content) is None, (size, quality, options)
    assert damage(encoded(Image.new(mode, (200, 200)), "JPEG", optimize=True, progressive=progressive)) is None


@pytest.mark.parametrize("progressive", [False, True])
def test_overwritten_jpeg_data_are_found_wherever_they_are(progressive: bool) -> None:
    content = encoded(LARGE, "JPEG", quality=90, progressive=progressive)
    first = content.index(b"\xff\xda") + 20
    missed = []
    for place in range(first, len(content) - 310, 97):
        broken = content[:place] + bytes(300) + content[place + 300 :]
        missed += [place] if damage(broken) is None else []
        assert damage(content[:place] + b"\xff\xd9"), place
    assert not missed


def test_profiles_are_compared_by_their_colours_not_by_their_names() -> None:
    assert other_than_srgb(profile(srgb_table(), SRGB, b"Display P3"), False) is None
    assert other_than_srgb(profile(SRGB_CURVE), True) is None  # grey with sRGB's curve
    assert other_than_srgb(profile(SRGB_CURVE, SRGB), True) is None  # a grey image that kept its colour profile
    assert other_than_srgb(profile(gamma(2.2), SRGB), False) is not None  # up to 7 of 255 in the darks
    assert other_than_srgb(b"", False) is not None


def test_the_case_of_a_turned_photograph_and_of_one_in_display_p3() -> None:
    folder = needs_shared("cases", "02-exif-icc")
    upright = decode(str(folder / "upright.png")).pixels.astype(float)
    photograph = decode(str(folder / "ref_exif6.jpg"))
    assert np.sqrt(np.mean((photograph.pixels - upright) ** 2)) == pytest.approx(1.55, abs=0.01)
    shown = np.asarray(ImageOps.exif_transpose(Image.open(folder / "ref_exif6.jpg")))
    np.testing.assert_array_equal(photograph.pixels, shown)
    with pytest.raises(UserError, match="not in sRGB: its colour profile 'P3' is not sRGB"):
        decode(str(folder / "same_colours_p3.png"))
