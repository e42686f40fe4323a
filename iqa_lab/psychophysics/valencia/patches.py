"""Patches of noise with or without a mask, one degree wide -> pictures, and the trials of the properties.

Noise is a sum of gratings of random phases, within 3/16 of its frequency and 15 degrees of its orientation. A test
patch is windowed in the middle of the image by a raised cosine of radius .3 degrees; its contrast is that of a grating
with the same energy in that window. A mask fills the image; its contrast is that of a grating with the same energy.
Patch and mask are added in linear light, around the same grey.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.psychophysics.experiment import Picture
from iqa_lab.psychophysics.valencia.colour import GREY, WHITE_LUMINANCE, check_display, opponent, values

Floats = NDArray[np.float64]

BANDWIDTH = 3 / 16  # to either side, as a part of the frequency
ANGLE = 15.0  # degrees to either side
RADIUS = 0.3  # degrees, of the window
GRATINGS = 32  # in a noise
HIGHEST = 16.0  # c/deg, of all patches and masks
SEEDS = (0, 1)
SIDES = {float(side): side for side in (64, 96, 128, 192, 224, 256, 336, 384, 448, 512)}  # by pixels per degree


@dataclass(frozen=True, kw_only=True)
class Mask:
    """What fills the image."""

    frequency: float
    contrast: float
    orientation: float = 0.0  # degrees from the patch's


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A test patch, perhaps on a mask."""

    channel: str
    frequency: float
    contrast: float
    seed: int = 0
    mask: Mask | None = None

    @property
    def ground(self) -> str:
        """The name of what it is shown on."""
        if self.mask is None:
            return "grey"
        what = f"{self.mask.frequency:g} c/deg {self.mask.contrast:.4g} {self.mask.orientation:g} deg"
        return f"{self.channel} mask {what} seed {self.seed}"

    @property
    def name(self) -> str:
        """Its own name."""
        what = f"{self.channel} {self.frequency:g} c/deg {self.contrast:.4g} seed {self.seed}"
        return what if self.mask is None else f"{what} on {self.ground}"


@lru_cache(maxsize=256)
def noise(frequency: float, orientation: float, seed: int, side: int) -> Floats:
    """Noise of one frequency and orientation over one degree, of mean 0, with the energy of a grating of contrast 1.

    It is a sum of gratings whose frequencies, orientations and phases are drawn, not of those that fit the image: so
    noise of 1 c/deg has the same band as noise of 16.
    """
    drawn = np.random.default_rng([seed, round(1000 * frequency), round(1000 * orientation)]).uniform(
        -1, 1, (3, GRATINGS)
    )
    waves = 2 * np.pi * frequency * (1 + BANDWIDTH * drawn[0])
    angle = np.deg2rad(orientation + ANGLE * drawn[1])
    place = (np.arange(side) - side // 2) / side
    across = np.exp(1j * np.outer(place, waves * np.cos(angle)))
    down = np.exp(1j * (np.outer(place, waves * np.sin(angle)) + np.pi * drawn[2]))
    pattern = (down @ across.T).real  # the sum of cos(x wx + y wy + phase)
    pattern -= pattern.mean()
    return np.asarray(pattern / (pattern.std() * np.sqrt(2)))


@lru_cache(maxsize=4)
def window(side: int) -> Floats:
    """1 in the middle of the image, 0 from ``RADIUS`` on."""
    place = (np.arange(side) - side // 2) / side
    distance = np.hypot(place[:, None], place[None, :])
    return np.asarray(np.where(distance < RADIUS, (1 + np.cos(np.pi * distance / RADIUS)) / 2, 0))


def windowed(pattern: Floats) -> Floats:
    """A pattern in the window: of mean 0, 0 outside, with the energy of a grating of contrast 1 in the same window."""
    through = window(len(pattern))
    seen = through * (pattern - (through * pattern).sum() / through.sum())
    return np.asarray(seen * np.sqrt((through**2).mean() / 2) / seen.std())


def side_of(config: BenchmarkConfig) -> int:
    """The side of the image in pixels, which is one degree.

    Raises:
        UserError: the pixels per degree are not whole, or too few for the highest frequency.
    """
    check_display(config)
    asked = config.pixels_per_degree
    assert asked is not None  # config.check
    fewest = 2 * int(np.ceil(HIGHEST * (1 + BANDWIDTH)))
    if asked != int(asked) or asked < fewest:
        raise UserError(
            f"benchmark.pixels_per_degree={asked:g}: the image is one degree, so it takes a whole number of pixels, "
            f"and at least {fewest}, which carry {HIGHEST:g} c/deg and the band about it"
        )
    return int(asked)


def described(config: BenchmarkConfig) -> str:
    """The display and the pictures in words."""
    side = side_of(config) + 2 * (config.border or 0)
    return (
        f"primaries of its own, white {WHITE_LUMINANCE:.4g} cd/m2, {config.pixels_per_degree:g} pixels per degree, "
        f"{side} x {side} pixels"
    )


def draw(patch: Patch, side: int, border: int, *, ground: bool) -> Picture:
    """The picture of a patch, or of what it is shown on.

    Raises:
        UserError: the display cannot show it.
    """
    modulation = np.zeros((side, side))
    if not ground:
        modulation = modulation + patch.contrast * windowed(noise(patch.frequency, 0.0, patch.seed, side))
    if patch.mask is not None:
        # another seed than the patch's: mask and test are independent
        field = noise(patch.mask.frequency, patch.mask.orientation, patch.seed + 1000, side)
        modulation = modulation + patch.mask.contrast * field
    return framed(values(opponent(modulation, patch.channel)), border, values(np.full(3, GREY)))


def framed(picture: NDArray[np.float32], border: int, colour: NDArray[np.float32]) -> Picture:
    """A picture ``[H, W, 3]`` in a frame of one colour, so many pixels wide."""
    if not border:
        return np.ascontiguousarray(picture)
    wide = np.tile(colour, (picture.shape[0] + 2 * border, picture.shape[1] + 2 * border, 1)).astype(np.float32)
    wide[border:-border, border:-border] = picture
    return wide


def trials_of(patches: Sequence[Patch]) -> pd.DataFrame:
    """Trials of the patches, with the columns of ``experiment.TRIAL`` but the human value, and what each patch is.

    A trial belongs to the patch of its channel and frequency, on a mask of its frequency: intervals resample these.
    """
    return pd.DataFrame(
        [
            {
                "reference": f"{patch.channel} {patch.frequency:g} c/deg"
                + (f" on {patch.mask.frequency:g} c/deg" if patch.mask else ""),
                "distorted": patch.name, "distortion": patch.channel, "level": patch.contrast,
                "reference_picture": patch.ground, "distorted_picture": patch.name, "channel": patch.channel,
                "frequency": patch.frequency, "contrast": patch.contrast, "seed": patch.seed,
                "mask_frequency": patch.mask.frequency if patch.mask else 0.0,
                "mask_contrast": patch.mask.contrast if patch.mask else 0.0,
                "mask_orientation": patch.mask.orientation if patch.mask else 0.0,
            }
            for patch in patches
        ]
    )  # fmt: skip
