"""An ICC profile -> whether a program that honours it shows other colours than sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# The profiles that are called sRGB differ by this much among each other: rounded primaries, tabulated or exact curves.
TOLERANCE = 2  # of 255


@lru_cache(maxsize=64)
def other_than_srgb(profile: bytes, grey: bool) -> str | None:
    """Why an image with this profile is not sRGB, in words; None if it is, whatever the profile is called.

    Compared are the colours themselves, relative to white: a grid of 17 x 17 x 17 and all greys.

    Args:
        profile: the ICC profile.
        grey: whether the image has one channel.
    """
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = theirs.profile.xcolor_space.strip()
        if space not in (("GRAY", "RGB") if grey else ("RGB",)):
            return f"its colour profile is one of {space}"
        steps = np.linspace(0, 255, 17).round().astype(np.uint8)
        grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
        ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
        samples = ramp if grey else np.concatenate([grid, ramp])
        mode = "L" if space == "GRAY" else "RGB"
        image = Image.fromarray(samples[None]).convert(mode)
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        flags = ImageCms.Flags.HIGHRESPRECALC | ImageCms.Flags.NOOPTIMIZE
        to_srgb = ImageCms.buildTransform(theirs, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)
        shown = np.asarray(ImageCms.applyTransform(image, to_srgb))[0].astype(int)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return "its colour profile is damaged or of a kind that is not understood"
    most = int(np.abs(shown - samples).max())
    if most <= TOLERANCE:
        return None
    name = " ".join((theirs.profile.profile_description or "").split())[:40]
    return f"its colour profile {name!r} is not sRGB (values differ by up to {most} of 255)"
