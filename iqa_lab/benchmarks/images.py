"""Image files as 8-bit RGB; whatever has no single obvious meaning as such is refused by name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from iqa_lab.errors import UserError

# the short side of an image, or its height and width
Resize = int | tuple[int, int] | None


@dataclass(frozen=True)
class Decoded:
    """An image ``[H, W, 3]`` of 8-bit RGB, and how it was converted, if it was."""

    pixels: NDArray[np.uint8]
    conversion: str | None


def decode(path: str, resize: Resize = None) -> Decoded:
    """One image file as RGB.

    Greyscale, black-and-white and opaque palette or alpha images are converted, and the conversion is named. 16 bits a
    channel, CMYK, transparency, animations and other colour spaces are refused: how they look depends on a choice.

    Args:
        path: the file.
        resize: short side in pixels, or height and width, bilinear with antialiasing, both up and down; None leaves
            the image as it is.

    Raises:
        UserError: the file is damaged, or not to be understood as 8-bit RGB.
    """
    try:
        with Image.open(path) as image:
            conversion = _obvious_conversion(image, path)
            rgb = image.convert("RGB")
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such image") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        reason = "the file is empty" if Path(path).stat().st_size == 0 else " ".join(str(error).split())[:100]
        raise UserError(f"{path} is damaged or no image: {reason}") from error
    if isinstance(resize, tuple):
        rgb = rgb.resize(resize[::-1], Image.Resampling.BILINEAR)
    elif resize is not None:
        short = min(rgb.size)  # the long side is rounded down, as in torchvision
        rgb = rgb.resize((resize * rgb.width // short, resize * rgb.height // short), Image.Resampling.BILINEAR)
    return Decoded(np.asarray(rgb), conversion)


def _obvious_conversion(image: Image.Image, path: str) -> str | None:
    """What has to be done to the image to make it RGB, or None."""
    tiles = getattr(image, "tile", [])  # how the file's raw data will be decoded
    raw_modes = {str(argument) for tile in tiles for argument in _arguments(tile)}
    if image.mode.startswith("I") or any(mode.endswith((";16B", ";16L", ";16N")) for mode in raw_modes):
        raise UserError(f"{path} has 16 or more bits a channel: convert it to 8 bits yourself")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise UserError(f"{path} holds {frames} pictures: one is needed")
    if image.mode == "RGB" and "transparency" not in image.info:
        return None
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return "greyscale to RGB"
    if image.mode in ("P", "LA", "RGBA", "PA") or "transparency" in image.info:
        alpha = image.convert("RGBA").getchannel("A")
        if np.asarray(alpha).min() < 255:
            raise UserError(f"{path} is transparent in places: put it on a background yourself")
        return f"{'palette' if image.mode in ('P', 'PA') else 'opaque alpha'} to RGB"
    raise UserError(f"{path} is in the colour space {image.mode}: convert it to RGB yourself")


def _arguments(tile: tuple[object, ...]) -> tuple[object, ...]:
    """The decoder's arguments of one tile of a lazily opened image; the first is the raw mode in the file."""
    arguments = tile[3]
    return arguments if isinstance(arguments, tuple) else (arguments,)
