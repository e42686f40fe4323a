"""How all figures look: a level of a factor has the same colour everywhere, and can be read in grey as well."""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

import altair as alt

FONT = "Helvetica, Arial, DejaVu Sans, sans-serif"
INK, FAINT = "#222222", "#8a8a8a"
WIDTH, HEIGHT = 640, 340

# Okabe & Ito, Color universal design (2008), the yellow darkened so that lines of it are seen on white, and two greys
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#B8A500", "#777777", "#222222")
# a second and third row of the same hues, told apart by dashes
DASHES = ([1, 0], [5, 3], [2, 2], [8, 2, 2, 2])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
RULES = FAINT  # baselines, ceilings, zero

# Levels that keep their place, hence their look, in whatever figure they are. What comes first looks most different.
_KNOWN = (
    "classification segmentation jigsaw rotation colorization clip swav baseline untrained simclr dino detection mae "
    "dinov2 dinov3 siglip mocov2 mocov3 byol barlow_twins vicreg pirl npid npidpp clusterfit deepcluster deepclusterv2 "
    "selav2 hashtags robust_classification instance_segmentation keypoints",
    "imagenet1k cifar10 places365 voc inat_birds inat_insects imagenet22k yfcc100m none places205 ecoset "
    "imagenet1k_coco",
    "plain lpips mean cosine gram dists std mean_std manhattan correlation wasserstein jsd channel_scaled grating "
    "tuned_heldout tuned_insample",
    "goal dataset architecture",
)
_PLACES = {level: place for levels in _KNOWN for place, level in enumerate(levels.split())}


def places(levels: Iterable[str]) -> dict[str, int]:
    """A number for every level of a factor: known levels have the same in every figure, others take a free one.

    >>> places(["jigsaw", "new", "classification"])
    {'classification': 0, 'jigsaw': 2, 'new': 1}
    """
    named = sorted(set(map(str, levels)))
    taken = {level: _PLACES[level] for level in named if level in _PLACES}
    free = (place for place in count() if place not in taken.values())
    return {level: taken[level] if level in taken else next(free) for level in named}


def order(level: str) -> tuple[int, str]:
    """What a level is sorted by: known ones first, as they are known."""
    return _PLACES.get(level, len(_PLACES)), level


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
    return alt.Scale(domain=list(numbers), range=[_turned(DASHES, place) for place in numbers.values()])


def shapes(levels: Iterable[str]) -> alt.Scale:
    """Shapes of points beside the colours."""
    numbers = places(levels)
    return alt.Scale(domain=list(numbers), range=[_turned(SHAPES, place) for place in numbers.values()])


def _turned(styles: Sequence[Any], place: int) -> Any:
    """A style that differs where colours come round again."""
    return styles[(place % len(PALETTE) + place // len(PALETTE)) % len(styles)]


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
        .configure_axis(gridColor="#e6e6e6", titleFontWeight="normal", labelLimit=320, labelFlush=False, **text)
        .configure_legend(titleFontWeight="normal", labelLimit=260, **text)
    )
