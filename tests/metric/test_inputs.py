"""The one door for images: what is wrong is one clear line, with its likely cause."""

import io
import struct
import zlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from iqa_lab.errors import UserError
from iqa_lab.metric.inputs import pairs_of, read_images
from tests.conftest import picture

IMAGE = picture(0, 20, 30)
TENSOR = torch.from_numpy(IMAGE.copy()).permute(2, 0, 1)
UNIT = TENSOR / 255
MEAN, STD = (torch.tensor(values)[:, None, None] for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

BAD: dict[str, tuple[object, str]] = {
    "floats in 0..255": (TENSOR.float(), "look like 0..255; divide by 255"),
    "floats in -1..1": (2 * UNIT - 1, r"look like -1..1.*value_range=\(-1, 1\)"),
    "normalised": ((UNIT - MEAN) / STD, "normalised by a mean"),
    "an overshoot": (1.2 * UNIT + 0.1, "scale or clamp"),
    "a little overshoot": (UNIT + 1e-3 + (1 - UNIT.max()), "scale or clamp"),
    "twelve bits": (TENSOR.float() * 16, "scale or clamp"),
    "NaN": (UNIT.clone().index_fill_(1, torch.tensor([0]), torch.nan), "NaN or infinity"),
    "infinity": (UNIT + torch.inf, "NaN or infinity"),
    "int64": (TENSOR.long(), "holds int64: give uint8"),
    "bool": (TENSOR > 9, "holds bool"),
    "uint16": (IMAGE.astype(np.uint16), "holds uint16"),
    "complex": (UNIT + 0j, "holds complex64"),
    "objects": (IMAGE.astype(object), "holds object"),
    "a tensor with channels last": (TENSOR.permute(1, 2, 0), r"tensor.permute\(2, 0, 1\)"),
    "a batch with channels last": (TENSOR.permute(1, 2, 0)[None], r"tensor.permute\(0, 3, 1, 2\)"),
    "an array with channels first": (IMAGE.transpose(2, 0, 1), "channels stand last in a NumPy array"),
    "a grey tensor": (TENSOR[:1], "grey image has to be made RGB"),
    "a grey plane": (TENSOR[0], "grey image has to be made RGB"),
    "a grey array": (IMAGE[..., 0], "grey image has to be made RGB"),
    "four channels": (np.concatenate([IMAGE, IMAGE[..., :1]], 2), "alpha channel"),
    "five axes": (TENSOR[None, None], r"give \[3, H, W\] for one"),
    "no images": (TENSOR[None][:0], "holds no image"),
    "no pixels": (TENSOR[:, :0], "has no pixels"),
    "an empty list": ([], "the list holds no image"),
    "a list of batches": ([TENSOR[None].repeat(2, 1, 1, 1)], "holds 2 images"),
    "nothing": (None, "NoneType: give a torch tensor"),
    "a number": (3, "int: give a torch tensor"),
    "no such file": ("nowhere.png", "there is no such image"),
    "a transparent picture": (Image.fromarray(IMAGE).convert("RGBA").point(lambda v: v // 2), "transparent"),
    "CMYK": (Image.fromarray(IMAGE).convert("CMYK"), "mode CMYK"),
    "a masked array": (np.ma.masked_array(IMAGE, mask=IMAGE > 200), r"masked array: .*array.filled"),
    "a sparse tensor": (UNIT.to_sparse(), "no plain tensor"),
    "nested tensors": (torch.nested.nested_tensor([UNIT, UNIT], layout=torch.jagged), "no plain tensor"),
    "a tensor without values": (torch.empty(3, 20, 30, device="meta"), "no plain tensor"),
    "16-bit, the other byte order": (IMAGE.astype(np.dtype(np.uint16).newbyteorder()), "holds uint16"),
    "16-bit grey": (Image.fromarray(IMAGE[..., 0].astype(np.uint16)), "mode I;16: scale it to 8 bits"),
    "a file object": (io.BytesIO(b"x"), "BytesIO: give a torch tensor"),
    "a list in a list": ([IMAGE, [IMAGE]], r"reference\[1\] is a list"),
    "paths of a table": (np.array(["a.png"]), "not \\[B, H, W, 3\\]"),
    "32-bit grey": (Image.fromarray(IMAGE[..., 0].astype(np.int32)), "mode I"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_images_are_one_clear_error(case: str) -> None:
    given, said = BAD[case]
    with pytest.raises(UserError, match=said) as error:
        read_images(given, "reference")  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert "nowhere" in str(error.value) or str(error.value).startswith("reference")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "plain file"), (b"", "empty"), (b"text", "no image"), (b"\x89PNG\r\n\x1a\n", "end is missing")],
)
def test_bad_files_are_one_clear_error(content: bytes | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(UserError, match=said) as error:
        read_images(file, "reference")
    assert str(error.value).startswith(str(file)) and "0x" not in str(error.value)


@pytest.mark.parametrize("how", ["closed", "cut"])
def test_pictures_whose_file_fails_late_are_one_clear_error(how: str, tmp_path: Path) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    if how == "cut":
        content = (tmp_path / "a.png").read_bytes()
        (tmp_path / "a.png").write_bytes(content[:200])
    image = Image.open(tmp_path / "a.png")
    if how == "closed":
        image.close()
    with pytest.raises(UserError, match="reference is a PIL image that cannot be read"):
        read_images(image, "reference")


def test_the_other_byte_order_is_read() -> None:
    swapped = (IMAGE / 255).astype(np.dtype(np.float32).newbyteorder())
    assert read_images(swapped, "x").tensors[0].equal(read_images((IMAGE / 255).astype(np.float32), "x").tensors[0])


def test_a_range_is_checked() -> None:
    assert read_images(2 * UNIT - 1, "x", (-1, 1)).tensors[0].flatten().tolist() == pytest.approx(
        TENSOR.flatten().tolist(), abs=1e-4
    )
    assert read_images(TENSOR.float(), "x", (0, 255)).tensors[0].equal(TENSOR.float()[None])
    for given, asked, said in (
        (2 * UNIT - 1, (0, 255), "outside of value_range"),
        (UNIT, (0, 255), "look like 0..1"),
        (TENSOR, (0, 1), "is uint8, whose range"),
        (UNIT, (1, 0), "give what black and white are"),
        (UNIT, (0, float("nan")), "give what black and white are"),
        (UNIT, 255, "give what black and white are"),
    ):
        with pytest.raises(UserError, match=said):
            read_images(given, "x", asked)  # type: ignore[arg-type]


def test_rounding_at_the_ends_is_no_overshoot() -> None:
    read_images(UNIT * (1 + 2e-7) / UNIT.max(), "x")
    read_images((UNIT / UNIT.max()).half(), "x")


def test_pairs_have_one_size_and_number() -> None:
    one, two, small = (read_images(t, "x") for t in (TENSOR, TENSOR[None].repeat(2, 1, 1, 1), TENSOR[:, :9]))
    assert [len(g) for _, g in pairs_of(one, two)] == [2]
    with pytest.raises(UserError, match="30 x 20 and a distorted image of 30 x 9 pixels"):
        pairs_of(one, small)
    with pytest.raises(UserError, match="2 reference and 1 distorted"):
        pairs_of(two, one)


def test_pictures_and_paths_of_one_file_are_the_same(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # lies on its side
    for name, image, how in (
        ("grey.png", Image.fromarray(IMAGE[..., 0]), {}),
        ("turned.png", Image.fromarray(IMAGE), {"exif": exif}),
        ("palette.png", Image.fromarray(IMAGE).quantize(16), {}),
        ("opaque.png", Image.fromarray(IMAGE).convert("RGBA"), {}),
        ("photo.jpg", Image.fromarray(IMAGE), {"quality": 60}),
    ):
        image.save(tmp_path / name, **how)
        with Image.open(tmp_path / name) as opened:
            by_picture = read_images(opened, "x").tensors[0]
        assert by_picture.equal(read_images(tmp_path / name, "x").tensors[0]), name


def png(bits: int, extra: bytes = b"") -> bytes:
    """A PNG file of IMAGE with so many bits a channel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = IMAGE if bits == 8 else IMAGE.astype(">u2") * 257
    header = struct.pack(">IIBBBBB", IMAGE.shape[1], IMAGE.shape[0], bits, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def saved(form: str, **how: object) -> bytes:
    content = io.BytesIO()
    Image.fromarray(IMAGE).save(content, form, **how)
    return content.getvalue()


ADOBE_RGB = Image.Exif()
ADOBE_RGB[ExifTags.IFD.Exif] = {ExifTags.Base.ColorSpace: 2}
GAMMA = struct.pack(">I4sI", 4, b"gAMA", 100000) + struct.pack(">I", zlib.crc32(b"gAMA" + struct.pack(">I", 100000)))
SEVERAL = {"save_all": True, "append_images": [Image.fromarray(IMAGE[::-1])]}


@pytest.mark.parametrize("opened", ["by its path", "from memory"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (png(16), "16 or more bits a channel"),  # of which Pillow makes 8
        (png(8, GAMMA), "not in sRGB: its gAMA chunk says 1"),
        (saved("JPEG", exif=ADOBE_RGB), "not in sRGB: its camera says Adobe RGB"),
        (saved("PNG", **SEVERAL), "holds an animation"),
        (saved("GIF", **SEVERAL), "holds 2 pictures"),
        (saved("TIFF", **SEVERAL), "holds 2 pictures"),
        (png(8), ""),
    ],
    ids=["16 bits", "gamma", "Adobe RGB", "animated PNG", "GIF", "TIFF", "plain"],
)
def test_an_opened_picture_is_refused_as_its_file_is(tmp_path: Path, content: bytes, said: str, opened: str) -> None:
    file = tmp_path / "image"
    file.write_bytes(content)
    for image in (Image.open(file if opened == "by its path" else io.BytesIO(content)), file):
        with pytest.raises(UserError, match=said) if said else nullcontext():
            assert len(read_images(image, "reference")) == 1
    with Image.open(file) as image:
        made = image.copy().convert("RGB")  # a picture of the program's own
    made.info = {}
    assert len(read_images(made, "reference")) == 1


def test_a_resize_is_that_of_the_pass(tmp_path: Path) -> None:
    from iqa_lab.benchmarks.images import decode

    Image.fromarray(IMAGE).save(tmp_path / "a.png")
    for size in (16, (12, 40)):
        expected = torch.from_numpy(decode(str(tmp_path / "a.png"), size).pixels.copy()).permute(2, 0, 1)[None]
        for given in (TENSOR, IMAGE, tmp_path / "a.png"):
            assert read_images(given, "x", resize=size).tensors[0].equal(expected)
        smooth = read_images(UNIT, "x", resize=size).tensors[0]
        # rounded to 8 bits after each of two steps
        assert (smooth - expected).abs().max() < 1.5
