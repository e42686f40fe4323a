"""castleCSF: how sensitive people are to a static pattern in central vision, by frequency, size, luminance and colour.

Ashraf et al., castleCSF - A contrast sensitivity function of color, area, spatiotemporal frequency, luminance and
eccentricity (Journal of Vision, 2024), at 0 Hz and the fovea. Written anew from the published formulas and parameters
(github.com/gfxdisp/castleCSF at f4b0b722, MIT licence, copyright of its authors).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Mechanism:
    """The parameters of one mechanism, as castleCSF names them."""

    peak: tuple[float, ...]  # sensitivity by luminance
    frequency: tuple[float, ...]  # of the peak, in cycles per degree, by luminance
    width: float  # of the log parabola
    floor: float | None  # below the peak sensitivity falls by no more than this; None: it does not fall
    area: float  # square degrees up to which sensitivity grows with the pattern, at 0 cycles per degree
    area_frequency: float  # where that area is half as large


# temporal response of the transient mechanism at 0 Hz
_OMEGA, _BETA, _SIGMA = (2.41482, 4.7036), 0.1898, 0.0844836

_SUSTAINED = _Mechanism(
    (56.4947, 7.54726, 0.144532, 5.58341e-07, 9.66862e09), (1.78119, 91.5718, 0.256682), 0.000213047, 0.100207,
    157.103, 0.702338,
)  # fmt: skip
_TRANSIENT = _Mechanism((0.193434, 2748.09), (0.000316696,), 2.6761, 0.000241177, 3.81611, 3.01389)
_RED_GREEN = _Mechanism((681.434, 38.0038, 0.480386), (0.0178364,), 2.42104, None, 2816.44, 0.0711058)
_YELLOW_VIOLET = _Mechanism((166.683, 62.8974, 0.41193), (0.00425753,), 2.68197, None, 2.82789e7, 0.000635093)

DIRECTIONS = ("achromatic", "red_green", "yellow_violet")


def sensitivity(frequency: ArrayLike, area: ArrayLike, luminance: ArrayLike, direction: str = "achromatic") -> Floats:
    """1 / threshold contrast along an axis of colour, of a grating in a Gaussian window; all shapes that go together.

    Args:
        frequency: in cycles per degree, above 0.
        area: of the pattern in square degrees: pi sigma^2 of its window.
        luminance: of the background in cd/m2.
        direction: one of ``DIRECTIONS``; the contrast is castleCSF's own, a length in its space of cone contrasts.

    >>> sensitivity([1.0, 4.0, 16.0], np.pi, 100.0).round(3).tolist()
    [89.431, 202.909, 41.634]
    """
    f, a, lum = (np.asarray(value, dtype=float) for value in (frequency, area, luminance))
    if direction == "red_green":
        return _of(_RED_GREEN, f, a, lum)
    if direction == "yellow_violet":
        return _of(_YELLOW_VIOLET, f, a, lum)
    assert direction == "achromatic", direction
    omega = _OMEGA[0] * np.log10(lum) + _OMEGA[1]
    at_rest = np.exp(-(np.abs(omega) ** (2 * _BETA)) / _SIGMA)
    found: Floats = _of(_SUSTAINED, f, a, lum) + at_rest * _of(_TRANSIENT, f, a, lum)
    return found


def _of(one: _Mechanism, frequency: Floats, area: Floats, luminance: Floats) -> Floats:
    peak_frequency = _by_luminance(one.frequency, luminance)
    parabola = 10 ** -(np.log10(frequency / peak_frequency) ** 2 / 2**one.width)
    low = np.ones_like(parabola) if one.floor is None else np.maximum(parabola, 1 - one.floor)
    shape = np.where(frequency < peak_frequency, low, parabola)
    critical = one.area / (1 + (frequency / one.area_frequency) ** 2)
    size = frequency * np.sqrt(critical / (1 + critical / area))
    return np.asarray(_by_luminance(one.peak, luminance) * shape * size)


def _by_luminance(p: tuple[float, ...], luminance: Floats) -> Floats:
    """A parameter that depends on luminance: constant, a power of it, or one that levels off (and falls again)."""
    if len(p) == 1:
        return np.full_like(luminance, p[0])
    if len(p) == 2:
        return np.asarray(p[1] * luminance ** p[0])
    found = p[0] * (1 + p[1] / luminance) ** -p[2]
    if len(p) == 5:
        found = found * (1 - (1 + p[3] / luminance) ** -p[4])
    return np.asarray(found)
