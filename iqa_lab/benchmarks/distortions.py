"""The graded distortions of the ``levels`` benchmark: functions from an 8-bit RGB image to an 8-bit RGB image.

Each takes ``[H, W, 3]`` uint8, the strength, and a random generator (used by the noises only). Strengths rise with the
level, so within one distortion of one photograph the order of quality is known.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


def _to_uint8(values: NDArray[np.floating[Any]]) -> Picture:
    rounded: Picture = np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    return rounded


def white_noise(image: Picture, variance: float, rng: np.random.Generator) -> Picture:
    """Gaussian noise, independent in every pixel and colour; variance on a scale of 0..1."""
    return _to_uint8(255 * skimage.util.random_noise(image, mode="gaussian", rng=rng, var=variance))


def colour_noise(image: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Gaussian noise in the two colour components of YCbCr; sigma on a scale of 0..255."""
    components = np.asarray(Image.fromarray(image).convert("YCbCr"), dtype=float)
    components[..., 1:] += rng.normal(0, sigma, components[..., 1:].shape)
    return np.asarray(Image.fromarray(_to_uint8(components), "YCbCr").convert("RGB"))


def impulse_noise(image: Picture, share: float, rng: np.random.Generator) -> Picture:
    """A share of the values replaced by black or white."""
    return _to_uint8(255 * skimage.util.random_noise(image, mode="s&p", rng=rng, amount=share))


def gaussian_blur(image: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Gaussian blur; sigma in pixels."""
    return _to_uint8(scipy.ndimage.gaussian_filter(image.astype(float), (sigma, sigma, 0)))


def jpeg(image: Picture, quality: float, rng: np.random.Generator) -> Picture:
    """JPEG at Pillow's quality setting, 4:2:0."""
    return _recoded(image, "JPEG", quality=int(quality))


def jpeg2000(image: Picture, ratio: float, rng: np.random.Generator) -> Picture:
    """JPEG 2000 at a compression ratio."""
    return _recoded(image, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True)


def mean_shift(image: Picture, shift: float, rng: np.random.Generator) -> Picture:
    """All values raised."""
    return _to_uint8(image + shift)


def contrast(image: Picture, gain: float, rng: np.random.Generator) -> Picture:
    """Contrast lowered about the mean of all values."""
    mean = image.mean()
    return _to_uint8(mean + gain * (image - mean))


def quantisation(image: Picture, steps: float, rng: np.random.Generator) -> Picture:
    """Every colour rounded to a few equally spaced values."""
    width = 255 / (steps - 1)
    return _to_uint8(np.round(image / width) * width)


def denoising(image: Picture, weight: float, rng: np.random.Generator) -> Picture:
    """Total-variation denoising of a clean image: texture is lost, edges stay."""
    return _to_uint8(255 * skimage.restoration.denoise_tv_chambolle(image / 255, weight=weight, channel_axis=-1))


def _recoded(image: Picture, codec: str, **settings: Any) -> Picture:
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, codec, **settings)
        with Image.open(file) as decoded:
            return np.asarray(decoded.convert("RGB"))


Distortion = Callable[[Picture, float, np.random.Generator], Picture]

# strengths of levels 1 to 5
DISTORTIONS: dict[str, tuple[Distortion, tuple[float, ...]]] = {
    "white_noise": (white_noise, (0.0005, 0.002, 0.006, 0.02, 0.06)),
    "colour_noise": (colour_noise, (4, 8, 16, 32, 64)),
    "impulse_noise": (impulse_noise, (0.003, 0.01, 0.03, 0.08, 0.2)),
    "gaussian_blur": (gaussian_blur, (0.6, 1.0, 1.7, 3.0, 5.0)),
    "jpeg": (jpeg, (60, 30, 15, 8, 3)),
    "jpeg2000": (jpeg2000, (20, 40, 80, 160, 320)),
    "mean_shift": (mean_shift, (8, 16, 28, 42, 60)),
    "contrast": (contrast, (0.85, 0.7, 0.55, 0.4, 0.25)),
    "quantisation": (quantisation, (32, 16, 10, 6, 4)),
    "denoising": (denoising, (0.03, 0.06, 0.12, 0.25, 0.5)),
}
