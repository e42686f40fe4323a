"""Property 2: squares on backgrounds -> how bright, red or green, yellow or blue they look beside the background.

A square of half a degree lies on a background of one degree: 20 luminances on 5 greys, 15 colours along T and along D
(of ``valencia.colour``) on 5 backgrounds of the same kind. People's response is a formula: the CIEDE2000 difference, in
CIELAB with the background as white, between the square and the darkest square (achromatic) or the background
(chromatic, with the sign of the colour difference). A column's response is its distance between the same two images,
with the sign of the physical difference. ``srcc`` and ``plcc`` are over all squares, ``..._within_group`` is the mean
over the three kinds of colour.

In the published code a chromatic square is compared with another square, not with the background: the one that has the
background's chromaticity, but less luminance. The columns ``plcc_..._published`` score that, with its signs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from iqa_lab.config import BenchmarkConfig
from iqa_lab.psychophysics.experiment import Experiment, Picture
from iqa_lab.psychophysics.valencia.colour import nearest, values
from iqa_lab.psychophysics.valencia.patches import SIDES, described, framed, side_of
from iqa_lab.statistics.correlation.coefficients import plcc
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]

_BACKGROUND = 90.0  # luminance of the chromatic backgrounds, cd/m2
_SQUARE = 70.0  # of the squares on them
_STEPS = np.array([-1.0, -0.4, 0.0, 0.4, 1.0])  # of the backgrounds' colours
_COLOURS = np.linspace(-1, 1, 15)  # of the squares' colours
# which coordinate of XYZ is varied, and by how much on the background and on the square
_VARIED = {"red_green": (0, 30 / 1.4, 20 * 7 / 6), "yellow_blue": (2, -75 / 1.4, -50 * 7 / 6)}
# the square that is compared with, of each background, in the published code
_PUBLISHED_ZERO = (2, 5, 7, 9, 12)
_CORRECTED, _PUBLISHED = "background", "square"


@dataclass(frozen=True)
class Scene:
    """A square on a background, both in XYZ; without a square the background alone."""

    background: tuple[float, float, float]
    square: tuple[float, float, float] | None


def lab(colour: Floats, white: Floats) -> Floats:
    """CIELAB ``[..., 3]`` of colours in XYZ, beside a white."""
    ratio = colour / white
    curve = np.where(ratio > 0.008856, np.cbrt(ratio), (903.3 * ratio + 16) / 116)
    x, y, z = np.moveaxis(curve, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def backgrounds(channel: str) -> Floats:
    """The five backgrounds in XYZ, ``[5, 3]``."""
    if channel == "achromatic":
        return np.repeat(np.linspace(1, 160, 5)[:, None], 3, axis=1)
    axis, reach, _ = _VARIED[channel]
    found = np.full((5, 3), _BACKGROUND)
    found[:, axis] += reach * _STEPS
    return found


def squares(channel: str) -> Floats:
    """The squares in XYZ, ``[20 or 15, 3]``."""
    if channel == "achromatic":
        return np.repeat(np.linspace(0.1, 120, 20)[:, None], 3, axis=1)
    axis, _, reach = _VARIED[channel]
    found = np.full((15, 3), _SQUARE)
    found[:, axis] += reach * _COLOURS
    return found


def responses(channel: str) -> Floats:
    """People's responses by the formula, ``[5, squares]``; 0 where a square has the background's chromaticity."""
    shown = squares(channel)
    rows = []
    for white in backgrounds(channel):
        found = lab(shown, white)
        against = found[0] if channel == "achromatic" else np.array([100.0, 0.0, 0.0])
        rows.append(deltaE_ciede2000(np.broadcast_to(against, found.shape), found) * signs(channel, white))
    return np.array(rows)


def signs(channel: str, background: Floats) -> Floats:
    """Whether each square is redder (yellower) than the background, 1, less so, -1, or of its chromaticity, 0."""
    shown = squares(channel)
    if channel == "achromatic":
        return np.ones(len(shown))
    axis, reach, _ = _VARIED[channel]
    return np.asarray(np.sign(np.sign(reach) * (shown[:, axis] / _SQUARE - background[axis] / _BACKGROUND).round(12)))


def experiment(config: BenchmarkConfig) -> Experiment:
    """The property as the settings show it.

    Raises:
        UserError: another display than its own, or pixels per degree that cannot show it.
    """
    side, border = side_of(config), config.border or 0
    scenes: dict[str, Scene] = {}
    rows = []
    for channel in ("achromatic", *_VARIED):
        shown, people = squares(channel), responses(channel)
        for place, background in enumerate(backgrounds(channel)):
            ground = f"{channel} background {place}"
            scenes[ground] = Scene(_xyz(background), None)
            for number, square in enumerate(shown):
                scenes[f"{ground} square {number}"] = Scene(_xyz(background), _xyz(square))
            zero = 0 if channel == "achromatic" else _PUBLISHED_ZERO[place]
            compared = {_CORRECTED: ground, _PUBLISHED: f"{ground} square {zero}"}
            if channel == "achromatic":
                compared = {_CORRECTED: f"{ground} square 0"}
            rows += [
                {
                    "reference": ground, "distorted": f"{ground} square {number} from {against}", "distortion": channel,
                    "level": number, "opinion": people[place, number], "reference_picture": picture,
                    "distorted_picture": f"{ground} square {number}", "against": against,
                    "sign": signs(channel, background)[number],
                    "sign_published": 1.0 if channel == "achromatic" or number >= zero else -1.0,
                }
                for against, picture in compared.items()
                for number in range(len(shown))
            ]  # fmt: skip
    trials = pd.DataFrame(rows)

    def picture(name: str) -> Picture:
        scene = scenes[name]
        background = nearest(np.array(scene.background))
        image = np.tile(background, (side, side, 1))
        if scene.square is not None:
            half = slice(side // 2 - side // 4, side // 2 - side // 4 + side // 2)
            image[half, half] = scene.square
        return framed(values(image), border, values(background))

    return Experiment(
        trials=trials,
        picture=picture,
        read=lambda distances: read_squares(trials, distances),
        side=side,
        sides=SIDES,
        correlated="signed distances with CIEDE2000 responses",
        explained=(
            "PLCC, SRCC: of the distance between the square and what it is compared with, signed as the physical "
            "difference, with people's response by CIEDE2000; within: mean over the three kinds of colour. The columns "
            "plcc_..._published, in correlations.csv, are those scores as published.",
        ),
        display=described(config),
        said=(
            "the brightest grey background, of 160 cd/m2, would take 1.05 of what the red primary gives: it is shown "
            "with this at its most, the same in both images that are compared",
        ),
    )


def read_squares(trials: pd.DataFrame, distances: Floats) -> Reading:
    """Signed distances beside signed responses.

    Args:
        trials: as ``experiment`` makes them.
        distances: of them, ``[trials, columns]``; rows of NaN were filtered out.

    Returns:
        ``extra``: ``plcc_CHANNEL``, and as published ``plcc_published`` (all three together) and
        ``plcc_CHANNEL_published`` of the chromatic ones. What the filters leave less than three of is NaN.
    """
    kept = np.isfinite(distances).all(axis=1)
    channel, against = trials["distortion"].to_numpy(dtype=object), trials["against"].to_numpy(dtype=object)
    human = trials["opinion"].to_numpy(float)
    signed = distances * trials["sign"].to_numpy(float)[:, None]
    as_published = distances * trials["sign_published"].to_numpy(float)[:, None]
    published_human = _published_human(trials)
    corrected = kept & (against == _CORRECTED)
    published = kept & ((against == _PUBLISHED) | (channel == "achromatic"))

    def pearson(values: Floats, people: Floats, which: NDArray[np.bool_]) -> Floats:
        enough = which.sum() > 2
        return np.atleast_1d(plcc(values[which], people[which])) if enough else np.full(values.shape[1], np.nan)

    extra = {f"plcc_{name}": pearson(signed, human, corrected & (channel == name)) for name in ("achromatic", *_VARIED)}
    extra |= {"plcc_published": pearson(as_published, published_human, published)}
    extra |= {
        f"plcc_{name}_published": pearson(as_published, published_human, published & (channel == name))
        for name in _VARIED
    }
    return Reading(
        values=signed[corrected], human=human[corrected],
        stimulus=trials["reference"].to_numpy(dtype=object)[corrected], group=channel[corrected], source="formula",
        extra=extra,
    )  # fmt: skip


def _published_human(trials: pd.DataFrame) -> Floats:
    """The human values as published: on one background a rounding made 5.559 of a response of 0."""
    human = trials["opinion"].to_numpy(float).copy()
    zero = (trials["reference"] == "red_green background 4") & (trials["level"] == _PUBLISHED_ZERO[4])
    human[zero.to_numpy()] = 5.55915
    return human


def _xyz(colour: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in colour)
    return x, y, z
