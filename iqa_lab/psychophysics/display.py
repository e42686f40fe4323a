"""Luminance in cd/m2 <-> the value of a pixel, 0..255 and not rounded, on an sRGB display at a known distance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

Floats = NDArray[np.float64]
WHITE = 255.0
_ROUNDING = 1e-9  # of luminances, as a part of the display's highest


def encoded(linear: ArrayLike) -> Floats:
    """SRGB (IEC 61966-2-1) of linear light in 0..1, as the value of a pixel in 0..255.

    >>> encoded([0.0, 0.0031308, 0.5, 1.0]).round(3).tolist()
    [0.0, 10.315, 187.516, 255.0]
    """
    light = np.asarray(linear, dtype=float)
    above = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.asarray(WHITE * np.where(light < 0.0031308, 12.92 * light, above))


def decoded(values: ArrayLike) -> Floats:
    """Linear light in 0..1 of the values of pixels in 0..255: what ``encoded`` undoes.

    >>> decoded(encoded([0.001, 0.5, 1.0])).round(12).tolist()
    [0.001, 0.5, 1.0]
    """
    level = np.asarray(values, dtype=float) / WHITE
    return np.asarray(np.where(level < 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4))


@dataclass(frozen=True, kw_only=True)
class Display:
    """A display with sRGB's curve: the luminance of white, and how many pixels lie in a degree of visual angle."""

    peak_luminance: float  # cd/m2
    pixels_per_degree: float

    @property
    def nyquist(self) -> float:
        """The highest frequency that its pixels carry, in cycles per degree."""
        return self.pixels_per_degree / 2

    def largest_contrast(self, background: float) -> float:
        """The highest contrast c for which background (1 + c m), m in -1..1, can be shown; in 0..1."""
        return min(1.0, max(0.0, self.peak_luminance / background - 1))

    def values(self, luminance: ArrayLike) -> NDArray[np.float32]:
        """The values of pixels in 0..255 that show these luminances in cd/m2, float32, any shape.

        Raises:
            UserError: one is below 0 or above the display's white.
        """
        light = np.asarray(luminance, dtype=float) / self.peak_luminance
        if not (np.isfinite(light).all() and light.min() >= -_ROUNDING and light.max() <= 1 + _ROUNDING):
            raise UserError(
                f"a stimulus of {np.min(luminance):.4g} to {np.max(luminance):.4g} cd/m2 cannot be shown: this display "
                f"has 0 to {self.peak_luminance:g} (benchmark.peak_luminance)"
            )
        return encoded(np.clip(light, 0, 1)).astype(np.float32)

    def __str__(self) -> str:
        return f"sRGB, white {self.peak_luminance:g} cd/m2, {self.pixels_per_degree:g} pixels per degree"


def display_of(config: BenchmarkConfig) -> Display:
    """The display that a benchmark's stimuli are made for."""
    assert config.peak_luminance is not None  # config.check
    assert config.pixels_per_degree is not None
    return Display(peak_luminance=config.peak_luminance, pixels_per_degree=config.pixels_per_degree)


def framed(values: NDArray[np.float32], border: int, grey: float) -> NDArray[np.float32]:
    """A picture ``[H, W]`` in a frame of one grey, so many pixels wide, as ``[H, W, 3]``."""
    wide = np.pad(values, border, constant_values=np.float32(grey)) if border else values
    return np.ascontiguousarray(np.repeat(wide[..., None], 3, axis=2))
