"""Image files as 8-bit RGB: pixels exactly as stored, or a conversion that is named; the rest is refused by name.

The policy, property by property, is docs/images.md.
"""

import hashlib
import io
import os
import re
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps

from iqa_lab.benchmarks.colour import other_than_srgb
from iqa_lab.benchmarks.image_files import SRGB_PRIMARIES, Declared, declared
from iqa_lab.benchmarks.inflate import crc32
from iqa_lab.benchmarks.png import usual_pixels
from iqa_lab.errors import UserError

# the short side of an image, or its height and width
Resize = int | tuple[int, int] | None

FORMATS = ("PNG", "JPEG", "BMP", "PPM", "TIFF", "JPEG2000", "WEBP", "AVIF", "GIF")
LARGEST = 2**30  # bytes of a file
_BITS, _SAMPLE_FORMAT, _ORIENTATION, _WHITE, _PRIMARIES, _EXTRA = 258, 339, 274, 318, 319, 338  # tags of TIFF
_GREY = ("1", "L", "LA")


# RGB in 0..255: of files uint8, of stimuli that are made float32, a step of whose contrast is less than a grey level
Pixels = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class Decoded:
    """An image ``[H, W, 3]``, and how it was converted, if it was."""

    pixels: Pixels
    conversion: str | None
    whole: Pixels | None = field(default=None, repr=False)  # before it was resized; None: it was not
    known_checksum: int | None = None  # where it was computed before
    whole_elsewhere: bool = False  # another process has resized it, and kept no more of the whole image

    @cached_property
    def digest(self) -> str:
        """Of all pixels and the size of the image as it is in the file, before it was resized; of floats their type."""
        pixels, facts = self._in_file
        digest = hashlib.blake2b(pixels, digest_size=16)
        digest.update(facts)
        return digest.hexdigest()

    @cached_property
    def checksum(self) -> int:
        """CRC-32 of the same, in a small part of the time: whether an image is still the one that it was."""
        if self.known_checksum is not None:
            return self.known_checksum
        pixels, facts = self._in_file
        return crc32(facts, crc32(pixels))

    @property
    def _in_file(self) -> tuple[memoryview, bytes]:
        """All bytes of the pixels, and their facts."""
        if self.whole_elsewhere:
            raise LookupError("the whole image is in another process: ask for its checksum")
        pixels = np.ascontiguousarray(self.pixels if self.whole is None else self.whole)
        return pixels.data, f"{pixels.shape}{'' if pixels.dtype == np.uint8 else pixels.dtype}".encode()


def made(pixels: NDArray[np.float32], name: str, resize: Resize = None) -> Decoded:
    """A picture that was made, not read: ``[H, W, 3]`` float32 in 0..255, nothing rounded.

    Raises:
        UserError: it is of another form, no display can show it, or it is to be resized: that is another stimulus.
    """
    if resize is not None:
        raise UserError(
            f"preprocess.resize={resize}: a stimulus is never resized, which would change its frequency and contrast; "
            "benchmark.pixels_per_degree and benchmark.border say how large it is"
        )
    if pixels.dtype != np.float32 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UserError(f"stimulus {name} is {pixels.dtype} {pixels.shape}, not float32 [height, width, 3]")
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 255):
        raise UserError(f"stimulus {name} has values outside of 0..255, which no display can show")
    return Decoded(pixels, None)


def decode(path: str, resize: Resize = None, *, thorough: bool = True) -> Decoded:
    """One image file as RGB.

    Greyscale, black-and-white and opaque palette or alpha images are converted and turned images are turned upright,
    and the conversion is named. More than 8 bits a channel, CMYK, transparency, several pictures, colours other than
    sRGB and damaged data are refused: how they look depends on a choice.

    Args:
        path: the file.
        resize: short side in pixels, or height and width, bilinear with antialiasing, both up and down; None leaves
            the image as it is.
        thorough: whether the data of PNG and JPEG files are verified, too, which takes longer than to decode them, and
            all are decoded by Pillow; not needed where the checksum is compared with that of an image that was.

    Raises:
        UserError: the file is damaged, or not to be understood as 8-bit RGB.
    """
    content = _content(path)
    if not content:
        raise UserError(f"{path} is damaged or no image: the file is empty")
    says = declared(content, thorough)
    _refuse_declared(says, path)
    usual = None if thorough else usual_pixels(content)
    whole, conversion = _by_pillow(content, says, path) if usual is None else (usual, None)
    if resize is None:
        return Decoded(whole, conversion)
    rgb = Image.fromarray(whole)
    if isinstance(resize, tuple):
        height, width = resize
    else:
        short = min(rgb.size)  # the long side is rounded down, as in torchvision
        width, height = resize * rgb.width // short, resize * rgb.height // short
    return Decoded(np.asarray(rgb.resize((width, height), Image.Resampling.BILINEAR)), conversion, whole)


def _by_pillow(content: bytes, says: Declared, path: str) -> tuple[NDArray[np.uint8], str | None]:
    """The pixels ``[H, W, 3]`` of what is in a file, and how they were converted, if they were."""
    try:
        with Image.open(io.BytesIO(content), formats=_formats()) as image:
            conversions = _conversions(image, says, path)
            turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)  # TIFF files are turned as they are loaded
            upright = ImageOps.exif_transpose(image) if turned else image  # both copy an image that needs nothing
            pixels = np.asarray(upright if upright.mode == "RGB" else upright.convert("RGB"))
    except (UserError, MemoryError):
        raise
    except Exception as error:  # of a damaged file Pillow may raise anything
        reason = " ".join(re.sub("<_io.BytesIO object at .*?>", "", str(error)).split())[:100]
        raise UserError(f"{path} is damaged or no image of a kind that is read: {reason}") from error
    conversions += ["turned upright"] if turned else []
    return pixels, ", ".join(conversions) or None


def check_picture(image: Image.Image, name: str) -> None:
    """Nothing, if what a PIL image and the file it was opened from say is that it is one picture in 8-bit sRGB.

    Pillow has opened a file of 16 bits a channel, or an animation, as one picture of 8 bits, without a word.

    Args:
        image: opened from a file, or made; its pixels may have been changed since.
        name: of it, for errors.

    Raises:
        UserError: they say something else.
    """
    says = Declared()
    if isinstance(image, ImageFile.ImageFile):
        content = _content_of(image)
        # damage is met when its pixels are read
        says = replace(declared(content, thorough=False), damage=None) if content else says
        _refuse_declared(says, name)
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise UserError(f"{name} holds {frames} pictures: give one of them, image.copy()")
    _refuse_other_colours(image, says, name)


def _content_of(image: ImageFile.ImageFile) -> bytes | None:
    """What is in the file that an image was opened from; None where it is not to be had any more."""
    path = os.fsdecode(image.filename or "")
    if os.path.isfile(path):
        return _content(path)
    return image.fp.getvalue() if isinstance(image.fp, io.BytesIO) else None


def _content(path: str) -> bytes:
    """All bytes of a plain file.

    Raises:
        UserError: there is none, it is a folder or a device, too large for an image, or cannot be read.
    """
    if not os.path.lexists(path):
        raise UserError(f"{path}: there is no such image")
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > LARGEST:
            raise UserError(f"{path} is no image: it is no plain file of at most {LARGEST >> 30} GiB")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _refuse_declared(says: Declared, path: str) -> None:
    """Refuse what the file's own header tells of depth, damage, colours and pictures."""
    if says.damage:
        raise UserError(f"{path} is damaged or no image: {says.damage}")
    if says.bits > 8:
        deep = "16 or more bits" if says.bits >= 16 else f"{says.bits} bits"
        raise UserError(f"{path} has {deep} a channel: convert it to 8 bits yourself")
    if says.animated:
        raise UserError(f"{path} holds an animation: one picture is needed")
    if says.colours:
        raise _not_srgb(path, says.colours)


def _not_srgb(path: str, why: str) -> UserError:
    return UserError(f"{path} is not in sRGB: {why}; convert it to sRGB yourself")


def _conversions(image: Image.Image, says: Declared, path: str) -> list[str]:
    """What has to be done to the image to make it RGB, in words.

    Raises:
        UserError: it is deep, holds several pictures, is transparent, or in other colours than sRGB.
    """
    tags = getattr(image, "tag_v2", {})  # of a TIFF file
    whole_numbers = set(_several(tags.get(_SAMPLE_FORMAT, 1))) == {1}
    if max(_several(tags.get(_BITS, 1))) > 8 or not whole_numbers or image.mode.startswith(("I", "F")):
        raise UserError(f"{path} has 16 or more bits a channel: convert it to 8 bits yourself")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise UserError(f"{path} holds {frames} pictures: one is needed")
    _refuse_other_colours(image, says, path)
    if image.mode == "RGB" and tags.get(_EXTRA):
        raise UserError(f"{path} has more channels than red, green and blue: take them off yourself")
    found = [says.scaled] if says.scaled else []
    if image.mode == "RGB" and "transparency" not in image.info:
        return found
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return [*found, "greyscale to RGB"]
    if image.mode in ("P", "LA", "RGBA", "PA") or "transparency" in image.info:
        if image.mode == "P" and np.asarray(image).max() >= len(image.getpalette() or ()) // 3:
            raise UserError(f"{path} is damaged: its pixels name colours that its palette does not have")
        alpha = image.convert("RGBA").getchannel("A")
        if np.asarray(alpha).min() < 255:
            raise UserError(f"{path} is transparent in places: put it on a background yourself")
        return [*found, f"{'palette' if image.mode in ('P', 'PA') else 'opaque alpha'} to RGB"]
    raise UserError(f"{path} is in the colour space {image.mode}: convert it to RGB yourself")


def _refuse_other_colours(image: Image.Image, says: Declared, path: str) -> None:
    """Refuse an image whose profile, or whose camera, says that its values are not sRGB."""
    if image.mode not in ("1", "L", "LA", "RGB", "RGBA", "P", "PA"):
        return  # it is refused for that
    profile = says.profile or image.info.get("icc_profile")
    if profile:
        why = other_than_srgb(bytes(profile), image.mode in _GREY)
        if why:
            raise _not_srgb(path, why)
    elif says.has_profile:
        raise _not_srgb(path, "its colour profile is damaged")
    tags = getattr(image, "tag_v2", {})
    for tag, usual in ((_WHITE, SRGB_PRIMARIES[:2]), (_PRIMARIES, SRGB_PRIMARIES[2:])):
        own = tags.get(tag, ())
        if not profile and any(abs(100000 * float(a) - b) > 200 for a, b in zip(own, usual, strict=False)):
            raise _not_srgb(path, "it names primary colours of its own")
    exif = image.getexif()
    facts = exif.get_ifd(ExifTags.IFD.Exif)
    # Pillow 12.3 raises an error for one that is not there
    interoperable = exif.get_ifd(ExifTags.IFD.Interop) if ExifTags.IFD.Interop in facts else {}
    if not profile and (facts.get(ExifTags.Base.ColorSpace) == 2 or interoperable.get(1) == "R03"):
        raise _not_srgb(path, "its camera says Adobe RGB")


class Decode(Protocol):
    """What reads a file as ``decode`` does, or makes a stimulus by its name."""

    def __call__(self, path: str, resize: Resize = None, *, thorough: bool = True) -> Decoded:
        """The image."""


@cache
def _formats() -> tuple[str, ...]:
    """The formats that are read, as far as this Pillow was built with them."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
