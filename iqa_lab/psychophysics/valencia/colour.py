"""Colours in XYZ (cd/m2), or around a grey in three opponent channels -> values of pixels 0..255 on one display.

The display is the one that the published properties were made for: its primaries and exponents below, white at 171.2
cd/m2. The opponent channels are those of Jameson and Hurvich: A = Y, T = X - Y, D = .4 (Y - Z).
"""

import numpy as np
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

Floats = NDArray[np.float64]

_RGB_TO_XYZ = np.array([[69.1661, 52.4902, 46.6052], [39.0454, 115.8404, 16.3118], [3.3467, 12.67, 170.109]])
_XYZ_TO_RGB = np.linalg.inv(_RGB_TO_XYZ)
_EXPONENT = np.array([1 / 2.2, 1 / 2.2, 1 / 2.1])
WHITE_LUMINANCE = 171.1976  # cd/m2

GREY = 40.0  # cd/m2, and X = Y = Z: no opponent colour
# what one unit along a channel adds to XYZ; the other two channels stay as they are
CHANNELS = {
    "achromatic": np.array([1.0, 1.0, 1.0]),
    "red_green": np.array([1.0, 0.0, 0.0]),
    "yellow_blue": np.array([0.0, 0.0, -2.5]),
}
_ROUNDING = 1e-12  # of linear light, as a part of white


def opponent(modulation: Floats, channel: str) -> Floats:
    """XYZ ``[H, W, 3]`` of the grey modulated in one channel; in the chromatic ones its luminance is the grey's.

    Args:
        modulation: ``[H, W]``, as a part of the grey's luminance.
        channel: one of ``CHANNELS``.
    """
    return np.asarray(GREY + GREY * modulation[..., None] * CHANNELS[channel])


def values(xyz: Floats) -> NDArray[np.float32]:
    """The values of pixels, 0..255 and not rounded, that show colours ``[..., 3]`` in XYZ.

    Raises:
        UserError: the display cannot show one of them.
    """
    linear = xyz @ _XYZ_TO_RGB.T
    if not (np.isfinite(linear).all() and linear.min() >= -_ROUNDING and linear.max() <= 1 + _ROUNDING):
        raise UserError(
            f"a stimulus needs {linear.min():.3g} to {linear.max():.3g} of what this display's primaries give (0 to 1)"
        )
    return np.asarray(255 * np.clip(linear, 0, 1) ** _EXPONENT, dtype=np.float32)


def nearest(xyz: Floats) -> Floats:
    """The colours themselves, or where a primary would have to give more than it has, with it at its most."""
    return np.asarray(np.minimum(xyz @ _XYZ_TO_RGB.T, 1) @ _RGB_TO_XYZ.T)


def check_display(config: BenchmarkConfig) -> None:
    """Nothing, if the settings are those of the one display.

    Raises:
        UserError: they are not.
    """
    assert config.peak_luminance is not None  # config.check
    if abs(config.peak_luminance - WHITE_LUMINANCE) > 0.001:
        raise UserError(
            f"benchmark.peak_luminance={config.peak_luminance:g}: {config.name} is made for one display, whose "
            f"primaries are known; its white has {WHITE_LUMINANCE:g} cd/m2"
        )
