"""castleCSF: the contrast sensitivity of people to static foveal patterns, as a function of frequency, size, luminance.

Ashraf, Mantiuk, Chapiro and Wuerger, castleCSF: a contrast sensitivity function of color, area, spatiotemporal
frequency, luminance and eccentricity (Journal of Vision, 2024); the formulas and parameters of the code that goes with
it (github.com/gfxdisp/castleCSF, MIT). It is fitted to the data of 18 studies: a formula, no measurement.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Mechanism:
    sensitivity: tuple[float, ...]  # parameters of _at_luminance, as are those of the peak
    peak: tuple[float, ...]  # c/deg
    width: float
    area: float  # deg^2
    frequency: float  # c/deg
    drop: float | None = None  # below the peak: by at most this; None: not at all


_SUSTAINED = _Mechanism(
    sensitivity=(56.4947, 7.54726, 0.144532, 5.58341e-07, 9.66862e9), peak=(1.78119, 91.5718, 0.256682),
    width=0.000213047, drop=0.100207, area=157.103, frequency=0.702338,
)  # fmt: skip
_TRANSIENT = _Mechanism(
    sensitivity=(0.193434, 2748.09), peak=(0.000316696,), width=2.6761, drop=0.000241177, area=3.81611, frequency=3.01389
)
_CHROMATIC = {
    "red_green": _Mechanism(
        sensitivity=(681.434, 38.0038, 0.480386), peak=(0.0178364,), width=2.42104, area=2816.44, frequency=0.0711058
    ),
    "yellow_violet": _Mechanism(
        sensitivity=(166.683, 62.8974, 0.41193), peak=(0.00425753,), width=2.68197, area=2.82789e7, frequency=0.000635093
    ),
}


def sensitivity(frequency: ArrayLike, area: ArrayLike, luminance: ArrayLike, axis: str = "achromatic") -> Floats:
    """One over the threshold, in cone contrast, of a static pattern in the fovea.

    Args:
        frequency: c/deg, above 0.
        area: of the pattern, deg^2: pi sigma^2 of a Gabor.
        luminance: of the grey around it, cd/m2.
        axis: achromatic, red_green or yellow_violet.

    >>> sensitivity([1, 4, 16], np.pi, 100).round(3).tolist()
    [89.431, 202.909, 41.634]
    """
    f, a, light = (np.asarray(values, dtype=float) for values in (frequency, area, luminance))
    if axis in _CHROMATIC:
        return _of_mechanism(_CHROMATIC[axis], f, a, light)
    # what is left of the transient mechanism when nothing moves
    slow = np.exp(-((2.41482 * np.log10(light) + 4.7036) ** (2 * 0.1898)) / 0.0844836)
    return _of_mechanism(_SUSTAINED, f, a, light) + _of_mechanism(_TRANSIENT, f, a, light) * slow


def _of_mechanism(mechanism: _Mechanism, f: Floats, area: Floats, luminance: Floats) -> Floats:
    peak = _at_luminance(mechanism.peak, luminance)
    parabola = 10 ** -(np.log10(f / peak) ** 2 / 2**mechanism.width)
    floor = 1.0 if mechanism.drop is None else 1 - mechanism.drop
    shape = np.where(f < peak, np.maximum(parabola, floor), parabola)
    critical = mechanism.area / (1 + (f / mechanism.frequency) ** 2)
    size = f * np.sqrt(critical / (1 + critical / area))
    return np.asarray(_at_luminance(mechanism.sensitivity, luminance) * shape * size)


def _at_luminance(parameters: tuple[float, ...], luminance: Floats) -> Floats:
    """One parameter: itself. Two: a power. Three: a power that levels off. Five: that, falling in the dark."""
    if len(parameters) == 1:
        return np.full_like(luminance, parameters[0])
    if len(parameters) == 2:
        return np.asarray(parameters[1] * luminance ** parameters[0])
    found = parameters[0] * (1 + parameters[1] / luminance) ** -parameters[2]
    if len(parameters) == 5:
        found = found * (1 - (1 + parameters[3] / luminance) ** -parameters[4])
    return np.asarray(found)
