"""The patterns of the contrast tests, in -1..1 or with standard deviation 1: ``[side, side]`` float64.

The published tests place their samples in different ways. Each pattern here keeps its own, because the scores depend
on it. Frequencies are in cycles per degree, sizes in degrees of visual angle.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 8  # of the noise field that all noises are filtered from


def _kept(pattern: Callable[..., Floats]) -> Callable[..., Floats]:
    """The function with its results kept, read-only: a pattern is made once for all of its contrasts."""

    @lru_cache(maxsize=64)
    def once(*arguments: float) -> Floats:
        made = pattern(*arguments)
        made.flags.writeable = False
        return made

    once.__doc__ = pattern.__doc__
    return once


def _centred(side: int, pixels_per_degree: float) -> tuple[Floats, Floats]:
    """Places in degrees from minus to plus half the side, both included, so that a step is side/(side-1) pixels."""
    place = np.linspace(-side // 2, side // 2, side) / pixels_per_degree
    x, y = np.meshgrid(place, place)
    return x, y


def _from_corner(side: int, pixels_per_degree: float) -> tuple[Floats, Floats]:
    """Places in degrees from 0 to the whole side, both included."""
    place = np.linspace(0, side / pixels_per_degree, side)
    x, y = np.meshgrid(place, place)
    return x, y


@_kept
def gabor(frequency: float, sigma: float, side: int, pixels_per_degree: float) -> Floats:
    """A vertical grating in sine phase under a round Gaussian, 0 in the centre."""
    x, y = _centred(side, pixels_per_degree)
    return np.asarray(np.exp(-(x**2 + y**2) / (2 * sigma**2)) * np.sin(2 * np.pi * frequency * x))


@_kept
def grating(frequency: float, side: int, pixels_per_degree: float) -> Floats:
    """A vertical grating in sine phase over the whole image, 0 in the centre."""
    x, _ = _centred(side, pixels_per_degree)
    return np.asarray(np.sin(2 * np.pi * frequency * x))


@_kept
def cosine_grating(frequency: float, side: int, pixels_per_degree: float) -> Floats:
    """A vertical grating over the whole image, 1 at the left edge: what ``cosine_gabor`` has the phase of."""
    x, _ = _from_corner(side, pixels_per_degree)
    return np.asarray(np.cos(2 * np.pi * frequency * x))


@_kept
def cosine_gabor(frequency: float, sigma: float, side: int, pixels_per_degree: float) -> Floats:
    """``cosine_grating`` under a round Gaussian about the centre of the image."""
    x, y = _from_corner(side, pixels_per_degree)
    half = side / pixels_per_degree / 2
    window = np.exp(-((x - half) ** 2 + (y - half) ** 2) / (2 * sigma**2))
    return np.asarray(np.cos(2 * np.pi * frequency * x) * window)


@_kept
def band_noise(frequency: float, side: int, pixels_per_degree: float) -> Floats:
    """White noise filtered to one octave about ``frequency``, with standard deviation 1."""
    return _filtered(frequency * 2**-0.5, frequency * 2**0.5, side, pixels_per_degree)


@_kept
def low_noise(highest: float, side: int, pixels_per_degree: float) -> Floats:
    """White noise filtered to frequencies up to ``highest``, with standard deviation 1."""
    return _filtered(0, highest, side, pixels_per_degree)


def _filtered(lowest: float, highest: float, side: int, pixels_per_degree: float) -> Floats:
    """The noise field filtered to the frequencies from ``lowest`` to ``highest``, both included."""
    field = np.fft.fft2(np.random.RandomState(SEED).standard_normal((side, side)))
    axis = np.fft.fftfreq(side) * pixels_per_degree
    frequency = np.hypot(axis[:, None], axis[None, :])
    field[(frequency < lowest) | (frequency > highest)] = 0
    noise = np.fft.ifft2(field).real
    return np.asarray(noise / noise.std())
