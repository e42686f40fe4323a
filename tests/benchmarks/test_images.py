"""Image files: what is converted, what is refused, and that both are said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iqa_lab.benchmarks.images import decode
from iqa_lab.errors import UserError
from tests.conftest import picture


@pytest.fixture
def image() -> Image.Image:
    return Image.fromarray(picture(0, 20, 30))


def saved(image: Image.Image, path: Path, **options: object) -> str:
    image.save(path, **options)
    return str(path)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm"])
def test_rgb_files_come_back_unchanged(tmp_path: Path, image: Image.Image, ending: str) -> None:
    decoded = decode(saved(image, tmp_path / f"x.{ending}"))
    assert decoded.conversion is None
    np.testing.assert_array_equal(decoded.pixels, np.asarray(image))


def test_greyscale_is_repeated_in_all_channels(tmp_path: Path, image: Image.Image) -> None:
    grey = image.convert("L")
    decoded = decode(saved(grey, tmp_path / "x.png"))
    assert decoded.conversion == "greyscale to RGB"
    for channel in range(3):
        np.testing.assert_array_equal(decoded.pixels[..., channel], np.asarray(grey))


def test_palette_is_looked_up(tmp_path: Path, image: Image.Image) -> None:
    palette = image.quantize(16)
    decoded = decode(saved(palette, tmp_path / "x.png"))
    assert decoded.conversion == "palette to RGB"
    np.testing.assert_array_equal(decoded.pixels, np.asarray(palette.convert("RGB")))


def test_opaque_alpha_is_dropped(tmp_path: Path, image: Image.Image) -> None:
    decoded = decode(saved(image.convert("RGBA"), tmp_path / "x.png"))
    assert decoded.conversion == "opaque alpha to RGB"
    np.testing.assert_array_equal(decoded.pixels, np.asarray(image))


def test_what_has_no_obvious_meaning_is_refused_by_name(tmp_path: Path, image: Image.Image) -> None:
    see_through = image.convert("RGBA")
    see_through.putpixel((3, 3), (1, 2, 3, 100))
    deep = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30))
    refused = {
        "transparent": saved(see_through, tmp_path / "alpha.png"),
        "CMYK": saved(image.convert("CMYK"), tmp_path / "cmyk.jpg"),
        "16 or more bits": saved(deep, tmp_path / "deep.png"),
        "2 pictures": saved(image, tmp_path / "two.gif", save_all=True, append_images=[image.rotate(90)]),
        "LAB": saved(image.convert("LAB"), tmp_path / "lab.tif"),
    }
    for reason, path in refused.items():
        with pytest.raises(UserError, match=reason) as error:
            decode(path)
        assert path in str(error.value)


def test_sixteen_bit_colour_png_is_refused_and_not_silently_halved(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(range(12)) for _ in range(2))  # two rows of two pixels, three 16-bit channels
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
    path = tmp_path / "x.png"
    path.write_bytes(png + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    with pytest.raises(UserError, match="16 or more bits"):
        decode(str(path))


@pytest.mark.parametrize("ending", ["png", "bmp", "jpg"])
def test_truncated_files_are_refused(tmp_path: Path, image: Image.Image, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    saved(image, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match="damaged"):
        decode(str(path))


def test_empty_and_absent_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.png").touch()
    with pytest.raises(UserError, match="the file is empty"):
        decode(str(tmp_path / "x.png"))
    with pytest.raises(UserError, match="no such image"):
        decode(str(tmp_path / "y.png"))


@pytest.mark.parametrize("path", ["/dev/zero", "/", "x" * 300])
def test_what_is_no_plain_file_is_refused_unread(path: str) -> None:
    with pytest.raises(UserError, match="no image: it is no plain file|no such image"):
        decode(path)


def test_an_image_that_may_not_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.png").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match="x.png cannot be read: Permission denied"):
        decode(str(tmp_path / "x.png"))


def test_resize_sets_the_short_side_like_torchvision(tmp_path: Path, image: Image.Image) -> None:
    from torchvision.transforms.v2.functional import resize

    for size in (8, 40):
        expected = np.asarray(resize(image, [size], antialias=True))
        np.testing.assert_array_equal(decode(saved(image, tmp_path / "x.png"), size).pixels, expected)
