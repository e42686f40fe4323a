"""How all figures look: the same colours for the same level of a factor everywhere, to be read in grey as well."""

from collections.abc import Iterable
from typing import Any

import altair as alt

FONT = "Helvetica, Arial, DejaVu Sans, sans-serif"
INK, FAINT = "#222222", "#8a8a8a"
WIDTH, HEIGHT = 640, 340

# Okabe & Ito, Color universal design (2008), the yellow darkened so that lines of it are seen on white
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#666666", "#B8A500")
# a second and third row of the same hues, told apart by dashes
DASHES = ([1, 0], [5, 3], [2, 2], [8, 2, 2, 2])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
RULES = FAINT  # baselines, ceilings, zero

# the levels that every reader of the papers knows keep their colour, whatever else is in a grid
_FIXED = {
    "classification": 0, "segmentation": 1, "detection": 2, "jigsaw": 3, "rotation": 4, "colorization": 5,
    "untrained": 6, "baseline": 6, "imagenet1k": 0, "places365": 2, "cifar10": 1, "none": 6,
    "inat_birds": 4, "inat_insects": 5, "voc": 3,
    "plain": 0, "lpips": 1, "mean": 2, "cosine": 3, "gram": 4, "dists": 5,
}  # fmt: skip


def places(levels: Iterable[str]) -> dict[str, int]:
    """A number for every level of a factor: the same for the same level in every figure of a page.

    >>> places(["jigsaw", "new", "classification"])
    {'classification': 0, 'jigsaw': 3, 'new': 8}
    """
    named = sorted(set(map(str, levels)))
    taken = {level: _FIXED[level] for level in named if level in _FIXED}
    used = set(taken.values())
    if len(used) < len(taken):  # two fixed levels of one colour: told apart by going on
        taken, used = {}, set()
    free = (place for place in range(10_000) if place not in used and (place >= len(PALETTE) or not taken))
    return {level: taken[level] if level in taken else next(free) for level in named}


def colour_of(place: int) -> str:
    """The colour of a level's place."""
    return PALETTE[place % len(PALETTE)]


def colours(levels: Iterable[str]) -> alt.Scale:
    """The colour scale of a factor."""
    numbers = places(levels)
    return alt.Scale(domain=list(numbers), range=[colour_of(place) for place in numbers.values()])


def dashes(levels: Iterable[str]) -> alt.Scale:
    """Dashes beside the colours, so that lines are told apart in grey, and beyond eight of them."""
    numbers = places(levels)
    styles = [DASHES[(place % len(PALETTE) + place // len(PALETTE)) % len(DASHES)] for place in numbers.values()]
    return alt.Scale(domain=list(numbers), range=styles)


def shapes(levels: Iterable[str]) -> alt.Scale:
    """Shapes of points beside the colours."""
    numbers = places(levels)
    return alt.Scale(domain=list(numbers), range=[SHAPES[place % len(SHAPES)] for place in numbers.values()])


def dressed(chart: Any, title: str, subtitle: str | list[str] = "") -> Any:
    """The chart with its title and the look of all of them."""
    lines = [subtitle] if isinstance(subtitle, str) else subtitle
    shown = alt.TitleParams(
        title, subtitle=[line for line in lines if line], anchor="start", fontSize=15, subtitleFontSize=12,
        subtitleColor="#555555", offset=10, color=INK, subtitleLineHeight=16,
    )  # fmt: skip
    text: dict[str, Any] = {"labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontSize": 12}
    return (
        chart.properties(title=shown)
        .configure(font=FONT, background="white", padding=8)
        .configure_view(strokeWidth=0)
        .configure_axis(gridColor="#e6e6e6", titleFontWeight="normal", labelLimit=320, **text)
        .configure_legend(titleFontWeight="normal", labelLimit=260, **text)
    )
