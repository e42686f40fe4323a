"""ModelFest -> contrast thresholds of 43 achromatic stimuli by 16 observers, and the stimuli, made from their formulas.

Carney et al., The development of an image/threshold database for designing and testing human vision models (1999);
Watson and Ahumada, A standard model for foveal detection of spatial contrast (2005). Stimuli are 256 x 256 pixels at
120 pixels per degree, on 30 cd/m2: luminance = 30 (1 + c m), m in -1..1 the pattern. Every observer has four thresholds
of every stimulus, as -log10 of the contrast c; people's value here is the mean over observers of the mean of the four.

At 60 or 30 pixels per degree a pixel is the mean luminance of 2 x 2 or 4 x 4 of these, and stimuli with frequencies
above Nyquist are left out. People's log sensitivity is s = -log10 c. A column can be read in two ways:

* ``thresholds: linear``: d is the distance between a stimulus at people's threshold and uniform grey. If d is
  proportional to contrast, the column's own log sensitivity is s + log10 d, up to a constant. To check that, each
  stimulus is also shown at half the contrast; ``slope`` is the local slope of log d against log c.
* ``thresholds: bisect``: stimuli at many contrasts, from 1e-4 to the highest that the display can show. The threshold
  is where d reaches a criterion, interpolated on log axes. The criterion is the same for all stimuli; it is bisected
  until the mean log threshold equals people's. ``censored`` counts stimuli that never reach it.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.special import j0

from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.psychophysics.display import display_of, framed
from iqa_lab.psychophysics.experiment import Curve, Experiment, Picture
from iqa_lab.psychophysics.thresholds import ladder, read_bisected, read_linear

Floats = NDArray[np.float64]

NATIVE = 120  # pixels per degree
SIZE = 256
LUMINANCE = 30.0  # cd/m2 of the grey around and under each stimulus
SHOWN_AT = (30, 60, 120)  # pixels per degree at which a pixel is a whole number of the stimuli's own
GREY = "grey"


def _axes() -> tuple[Floats, Floats]:
    """Y and x in degrees, 0 at pixel 128."""
    y, x = (np.mgrid[:SIZE, :SIZE] - SIZE // 2) / NATIVE
    return y, x


def gabor(frequency: float, sigma_y: float, sigma_x: float, degrees: float = 0, x0: float = 0, y0: float = 0) -> Floats:
    """A cosine grating in a Gaussian window, centred on (y0, x0); at 0 degrees its bars are horizontal."""
    y, x = _axes()
    y, x, angle = y - y0, x - x0, np.deg2rad(degrees)
    phase = 2 * np.pi * frequency * (y * np.cos(angle) + x * np.sin(angle))
    return np.asarray(np.cos(phase) * np.exp(-(y**2 / sigma_y**2 + x**2 / sigma_x**2) / 2))


def gaussian(sigma: float, offset: float = 0.0) -> Floats:
    """A round Gaussian blob, its centre ``offset`` pixels from pixel 128 along both axes."""
    y, x = (axis - offset / NATIVE for axis in _axes())
    return np.asarray(np.exp(-(y**2 + x**2) / (2 * sigma**2)))


def _wide(pattern: Floats) -> Floats:
    """A pattern that is drawn pixel by pixel, in its window of .5 degrees, whose centre is between two pixels."""
    return pattern * gaussian(0.5, -0.5)


def _row() -> Floats:
    """The row's distance from pixel 128, in pixels."""
    return np.asarray(_axes()[0] * NATIVE).round()


def _string(signs: tuple[int, ...]) -> Floats:
    """Five Gabors of 8 cycles per degree in a row, 42 pixels apart."""
    pixel, apart = -1 / NATIVE, 42 / NATIVE
    return np.asarray(
        sum(sign * gabor(8, 0.07, 0.07, x0=pixel + (place - 2) * apart, y0=pixel) for place, sign in enumerate(signs))
    )


def _disk() -> Floats:
    y, x = (axis * NATIVE + 2 for axis in _axes())  # its centre is pixel 126
    return (np.hypot(y, x) < 15).astype(float)  # .125 degrees


def _checkerboard() -> Floats:
    y, x = _axes()
    frequency = 2 * np.sqrt(2)  # cycles per degree across the checks, which stand on their corners
    across, along = (np.cos(2 * np.pi * frequency * (y + sign * x) / np.sqrt(2)) for sign in (1, -1))
    return np.where(across * along >= 0, 1.0, -1.0)


def _picture(name: str) -> Floats:
    """A published picture of 8 bits; 127.5 is grey."""
    content = files("iqa_lab.psychophysics").joinpath("data", f"modelfest_{name}.png").read_bytes()
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image, dtype=float) / 127.5 - 1


def _mean(one: Floats, other: Floats) -> Floats:
    return (one + other) / 2


# group and name of each stimulus, its highest frequency in cycles per degree (0: it has many), and its pattern
Stimulus = tuple[str, str, float, Callable[[], Floats]]


def _stimuli() -> list[Stimulus]:
    """All 43, in the order of the data."""
    found: list[Stimulus] = []

    def add(group: str, name: str, frequency: float, pattern: Callable[[], Floats]) -> None:
        found.append((group, f"{len(found) + 1:02}_{name}", frequency, pattern))

    def add_gabor(group: str, name: str, frequency: float, sigma_y: float, sigma_x: float, degrees: float = 0) -> None:
        add(group, name, frequency, lambda: gabor(frequency, sigma_y, sigma_x, degrees))

    for f in (1.12, 2, 2.83, 4, 5.66, 8, 11.3, 16, 22.6, 30):
        add_gabor("fixed_size", f"gabor_{f:g}", f, 0.5, 0.5)
    for f, sigma in ((2, 0.28), (4, 0.14), (8, 0.07), (16, 0.035)):
        add_gabor("one_octave", f"gabor_{f:g}_octave", f, sigma, sigma)
    for f, sigma in ((4, 0.28), (8, 0.14), (16, 0.07)):
        add_gabor("elongated", f"gabor_{f:g}_elongated", f, sigma, 0.5)
    for sigma_y, sigma_x in ((0.14, 0.28), (0.14, 0.5), (0.28, 0.14), (0.5, 0.14)):
        add_gabor("baguette", f"gabor_4_{sigma_y:g}x{sigma_x:g}", 4, sigma_y, sigma_x)
    for low, high, name in (
        (2, 2 * np.sqrt(2), "2_2.83"), (2, 4, "2_4"), (4, 4 * np.sqrt(2), "4_5.66"), (4, 8, "4_8")
    ):  # fmt: skip
        add(
            "compound", f"gabors_{name}", high,
            lambda low=low, high=high: _mean(gabor(low, 0.5, 0.5), gabor(high, 0.5, 0.5)),  # type: ignore[misc]
        )  # fmt: skip
    for minutes in (30, 8.43, 2.106, 1.05):
        add("gaussian", f"gaussian_{minutes:g}", 0, lambda sigma=minutes / 60: gaussian(sigma))  # type: ignore[misc]
    add("broadband", "edge", 0, lambda: _wide(np.where(_row() >= 0, 1.0, -1.0)))
    add("broadband", "line", 0, lambda: _wide((_row() == 0).astype(float)))
    add("broadband", "dipole", 0, lambda: _wide((_row() == -2).astype(float) - (_row() == 0)))
    add("string", "gabors_in_phase", 8, lambda: _string((1, 1, 1, 1, 1)))
    add("string", "gabors_out_of_phase", 8, lambda: _string((1, -1, 1, -1, 1)))
    add("picture", "noise", 0, lambda: _picture("noise"))
    add_gabor("orientation", "gabor_4_45", 4, 0.14, 0.14, 45)
    add_gabor("orientation", "gabor_4_90", 4, 0.14, 0.14, 90)
    add("orientation", "plaid_90", 4, lambda: _mean(gabor(4, 0.14, 0.14), gabor(4, 0.14, 0.14, 90)))
    add("orientation", "plaid_45", 4, lambda: _mean(gabor(4, 0.14, 0.14), gabor(4, 0.14, 0.14, 45)))
    add("broadband", "disk", 0, _disk)
    add("broadband", "bessel", 4, lambda: gaussian(0.5) * j0(2 * np.pi * 4 * np.hypot(*_axes())))
    add("broadband", "checkerboard", 0, lambda: _wide(_checkerboard()))
    add("picture", "scene", 0, lambda: _picture("scene"))
    return found


STIMULI: tuple[Stimulus, ...] = tuple(_stimuli())
NAMES = tuple(name for _, name, _, _ in STIMULI)


@cache
def pattern(name: str, block: int = 1) -> Floats:
    """The pattern m of a stimulus, in -1..1, each pixel the mean of ``block`` x ``block``: ``[256 / block] * 2``."""
    whole = STIMULI[NAMES.index(name)][3]()
    side = SIZE // block
    means: Floats = whole.reshape(side, block, side, block).mean(axis=(1, 3))
    means.setflags(write=False)
    return means


@cache
def observers() -> pd.DataFrame:
    """-log10 of the threshold contrast of every observer (row) for every stimulus (column): means of four."""
    file = files("iqa_lab.psychophysics").joinpath("data", "modelfest_thresholds.csv")
    table = pd.read_csv(BytesIO(file.read_bytes()), index_col="observer")
    four = table.to_numpy(dtype=float).reshape(len(table), len(NAMES), 4)
    return pd.DataFrame(four.mean(axis=2), index=table.index, columns=list(NAMES))


def experiment(config: BenchmarkConfig) -> Experiment:
    """ModelFest as the settings show it.

    Raises:
        UserError: another number of pixels per degree than 30, 60 or 120, or a display on which people's thresholds, or
            the grey, cannot be shown.
    """
    display = display_of(config)
    if display.pixels_per_degree not in SHOWN_AT:
        few = display.pixels_per_degree < SHOWN_AT[0]
        beyond = f", and {display.nyquist:g} cycles per degree (Nyquist) are too few" if few else ""
        raise UserError(
            f"benchmark.pixels_per_degree={display.pixels_per_degree:g}: ModelFest is shown at 120, 60 or 30, where "
            f"its pixels, or 2 x 2 or 4 x 4 of them, become one{beyond}; the lowest is 30"
        )
    block = NATIVE // int(display.pixels_per_degree)
    shown = [name for _, name, frequency, _ in STIMULI if frequency <= display.nyquist]
    lost = [name for name in NAMES if name not in shown]
    said = (
        f"{len(lost)} of {len(NAMES)} stimuli have frequencies above {display.nyquist:g} cycles per degree, which "
        f"{display.pixels_per_degree:g} pixels per degree cannot show: {', '.join(lost)} are left out",
    )
    people = observers()[shown]
    human = people.mean(axis=0)
    largest = display.largest_contrast(LUMINANCE)
    needed = float(10 ** -human.min())
    if needed > largest:
        raise UserError(
            f"benchmark.peak_luminance={display.peak_luminance:g}: on a grey of {LUMINANCE:g} cd/m2 this display shows "
            f"contrasts up to {largest:.3g}, and people's thresholds reach {needed:.3g} ({human.idxmin()}): "
            f"{LUMINANCE * (1 + needed):.4g} cd/m2 or more shows them, {2 * LUMINANCE:g} all contrasts"
        )
    border = config.border or 0
    grey = float(display.values(LUMINANCE))
    side = SIZE // block + 2 * border

    def picture(name: str) -> Picture:
        if name == GREY:
            return framed(np.full((side, side), grey, dtype=np.float32), 0, grey)
        stimulus, _, contrast = name.rpartition("@")
        return framed(display.values(LUMINANCE * (1 + float(contrast) * pattern(stimulus, block))), border, grey)

    group = {name: group for group, name, _, _ in STIMULI}
    bisect = config.thresholds == "bisect"
    contrasts = {name: ladder(largest) if bisect else [10.0**-s, 10.0**-s / 2] for name, s in human.items()}
    rows = [
        {
            "reference": name, "distorted": f"{name}@{contrast:.6g}", "distortion": group[str(name)], "level": contrast,
            "opinion": human[name], "reference_picture": GREY, "distorted_picture": f"{name}@{contrast!r}",
        }
        for name in shown
        for contrast in map(float, contrasts[name])
    ]  # fmt: skip
    trials = pd.DataFrame(rows)
    read = read_bisected if bisect else read_linear
    return Experiment(
        trials=trials,
        picture=picture,
        read=lambda distances: read(trials, distances, people),
        display=f"{display}, grey {LUMINANCE:g} cd/m2, {side} x {side} pixels",
        said=said if lost else (),
        side=SIZE // block,
        curve=Curve(
            "spatial frequency (cycles per degree), Gabors in a window of .5 degrees",
            {name: frequency for kind, name, frequency, _ in STIMULI if kind == "fixed_size" and name in shown},
        ),
        sides={pixels: SIZE * pixels // NATIVE for pixels in SHOWN_AT},
    )
