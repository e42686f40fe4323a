"""What each contrast test shows on a screen, with people's thresholds: the parameters of Cai et al. (CVPR 2025)."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from iqa_lab.psychophysics.cambridge import human, patterns
from iqa_lab.psychophysics.cambridge.colour import grey_levels, modulated
from iqa_lab.psychophysics.cambridge.detection import Condition
from iqa_lab.psychophysics.cambridge.show import SIDE, Screen

Floats = NDArray[np.float64]

LUMINANCE = 100.0  # cd/m2, of the grey where nothing else is said
FREQUENCIES = tuple(float(value) for value in np.geomspace(0.5, 32, 20))
LUMINANCES = tuple(float(value) for value in np.geomspace(0.1, 200, 20))
SIGMAS = tuple(float(value) for value in np.geomspace(0.1, 1, 20))  # areas pi .1^2 .. pi 1^2 deg^2
_NOISE_SIGMA = 2.0  # degrees, of the Gabor whose threshold is taken as that of noise
_COHERENT = {"frequency": 2.0, "sigma": 0.5, "luminance": 32.0}
_INCOHERENT = {"frequency": 1.2, "sigma": 0.8, "luminance": 37.0}
_HIGHEST_OF_NOISE = 12.0  # c/deg


def frequencies(screen: Screen, axis: str) -> list[Condition]:
    """Gabors of sigma 1 deg and 20 frequencies along one axis of colour, on 100 cd/m2."""
    return [_gabor(screen, f"{f:.4g} c/deg", f, 1.0, LUMINANCE, axis) for f in FREQUENCIES]


def luminances(screen: Screen) -> list[Condition]:
    """A Gabor of 2 c/deg, sigma 1 deg, on 20 greys."""
    return [_gabor(screen, f"{light:.4g} cd/m2", 2.0, 1.0, light, "achromatic") for light in LUMINANCES]


def areas(screen: Screen) -> list[Condition]:
    """A Gabor of 8 c/deg in 20 sizes, on 100 cd/m2."""
    return [_gabor(screen, f"sigma {s:.4g} deg", 8.0, s, LUMINANCE, "achromatic") for s in SIGMAS]


def noises(screen: Screen) -> list[Condition]:
    """Noise one octave wide about 20 frequencies, over the whole image, on 100 cd/m2; contrast: standard deviation."""

    def noise(f: float, contrast: float) -> Floats:
        pattern = patterns.band_noise(f, SIDE, screen.pixels_per_degree)
        return grey_levels(LUMINANCE * (1 + contrast * pattern))

    return [
        Condition(
            name=f"{f:.4g} c/deg", frequency=f, ground="grey", image=partial(noise, f),
            threshold=float(human.threshold(f, _NOISE_SIGMA, LUMINANCE)),
        )
        for f in FREQUENCIES
    ]  # fmt: skip


def coherent_masks(screen: Screen) -> list[Condition]:
    """A Gabor of 2 c/deg on a grating of the same frequency and phase, at 8 contrasts of that; on 32 cd/m2."""
    light, ppd = _COHERENT["luminance"], screen.pixels_per_degree

    def image(mask: float, contrast: float) -> Floats:
        ground = mask * patterns.cosine_grating(_COHERENT["frequency"], SIDE, ppd)
        target = patterns.cosine_gabor(_COHERENT["frequency"], _COHERENT["sigma"], SIDE, ppd)
        return grey_levels(light * (1 + ground + contrast * target))

    return _masked(human.COHERENT, _COHERENT["frequency"], image)


def incoherent_masks(screen: Screen) -> list[Condition]:
    """A Gabor of 1.2 c/deg on noise below 12 c/deg, at 6 standard deviations of that; on 37 cd/m2."""
    light, ppd = _INCOHERENT["luminance"], screen.pixels_per_degree

    def image(mask: float, contrast: float) -> Floats:
        ground = mask * patterns.low_noise(_HIGHEST_OF_NOISE, SIDE, ppd)
        target = patterns.cosine_gabor(_INCOHERENT["frequency"], _INCOHERENT["sigma"], SIDE, ppd)
        return grey_levels(light * (1 + ground + contrast * target))

    return _masked(human.INCOHERENT, _HIGHEST_OF_NOISE, image)


def _masked(
    points: tuple[tuple[float, float], ...], frequency: float, image: Callable[[float, float], Floats]
) -> list[Condition]:
    return [
        Condition(
            name=f"mask {mask:.4g}", frequency=frequency, ground=f"mask {mask:.4g}", threshold=threshold,
            image=partial(image, mask),
        )
        for mask, threshold in human.within_masks(points)
    ]  # fmt: skip


def _gabor(screen: Screen, name: str, f: float, sigma: float, light: float, axis: str) -> Condition:
    """A Gabor in sine phase along one axis of colour."""

    def image(contrast: float) -> Floats:
        pattern = patterns.gabor(f, sigma, SIDE, screen.pixels_per_degree)
        return modulated(light, contrast * light * pattern, axis)

    return Condition(
        name=name, frequency=f, ground=f"{light:.4g} cd/m2" if light != LUMINANCE else "grey", image=image,
        threshold=float(human.threshold(f, sigma, light, axis)),
    )  # fmt: skip
