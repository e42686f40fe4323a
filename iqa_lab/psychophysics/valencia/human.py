"""How well people see gratings: detection, contrast increments and masking. These are formulas, not measurements.

They are those of the properties' public code (github.com/Jorgvt/visturing, Apache-2.0), for static vertical gratings.
Contrast is amplitude over the grey's luminance, frequency in c/deg.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_PEAK = 201.3  # the achromatic sensitivity that the chromatic ones are relative to
# highest sensitivity as a part of _PEAK; middle of its sigmoid fall and that fall's width, in c/deg
_CHROMATIC = {"red_green": (0.75, -55.94, 6.64), "yellow_blue": (0.55, -31.72, 4.13)}
_STEPS = 64  # of an integral over contrast

MASK_VISIBLE = 0.018  # contrast below which a mask does nothing
_MASK_EXPONENT = 0.5
_MASK_WIDTH = 0.25  # of log10 frequency
_MASK_ANGLE = 45.0  # degrees


def sensitivity(frequency: ArrayLike, channel: str) -> Floats:
    """One over the contrast at which a grating is just seen.

    >>> sensitivity([1, 4, 16], "achromatic").round(1).tolist()
    [84.4, 188.8, 36.7]
    >>> sensitivity([1, 4, 16], "yellow_blue").round(1).tolist()
    [86.9, 42.0, 2.3]
    """
    f = np.asarray(frequency, dtype=float)
    if channel == "achromatic":
        return np.asarray(330.74 * (np.exp(-f / 7.28) - 0.837 * np.exp(-((f / 1.809) ** 2))))
    most, place, width = _CHROMATIC[channel]

    def falling(at: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp((at - place) / width)))

    return np.asarray(most * _PEAK * falling(f) / falling(np.array(1e-5)))


def increment(frequency: ArrayLike, contrast: ArrayLike, channel: str) -> Floats:
    """The least change of the contrast of a grating that is seen; at contrast 0 the threshold of detection."""
    c = np.asarray(contrast, dtype=float)
    least = 1 / sensitivity(frequency, channel)
    f = np.maximum(np.asarray(frequency, dtype=float), 0.03 if channel == "achromatic" else 4.0)
    exponent = 0.8 * f**1.7 / (0.5 + f**1.7)
    gain = 0.3 - 0.03 * np.log10(f)
    slope = (gain * c**exponent - least) / ((gain / least) ** (-1 / exponent) + c)
    return np.asarray(least + c * slope * np.maximum(0.6, 2 * f / 25))


def steps_seen(frequency: ArrayLike, contrast: ArrayLike, channel: str) -> Floats:
    """How many just noticeable steps lie between contrast 0 and a contrast: the integral of one over ``increment``.

    Args:
        frequency: any shape.
        contrast: of the same shape, or one that broadcasts.
        channel: achromatic, red_green or yellow_blue.
    """
    f, c = np.broadcast_arrays(np.asarray(frequency, dtype=float), np.asarray(contrast, dtype=float))
    share = (np.arange(_STEPS) + 0.5) / _STEPS
    return np.asarray((c[..., None] / _STEPS / increment(f[..., None], c[..., None] * share, channel)).sum(axis=-1))


def elevation(
    frequency: ArrayLike, mask_frequency: ArrayLike, mask_contrast: ArrayLike, orientation: ArrayLike = 0.0
) -> Floats:
    """By what factor a mask raises the threshold of a vertical grating, 1 or more.

    Args:
        frequency: of the grating.
        mask_frequency: of the mask.
        mask_contrast: of the mask.
        orientation: of the mask from the grating's, in degrees.

    >>> elevation(2, 2, 0.66667, [0, 22.5, 45]).round(3).tolist()
    [6.086, 2.99, 1.943]
    """
    apart = np.abs((np.asarray(orientation, dtype=float) + 90) % 180 - 90)
    octaves = np.log10(np.asarray(frequency, dtype=float) / np.asarray(mask_frequency, dtype=float))
    power = _MASK_EXPONENT * np.exp(-((octaves / _MASK_WIDTH) ** 2)) * np.exp(-apart / _MASK_ANGLE)
    return np.asarray(np.maximum(1.0, np.asarray(mask_contrast, dtype=float) / MASK_VISIBLE) ** power)
