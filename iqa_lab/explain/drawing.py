"""The maps as pictures: each over the image, and all of them on one sheet."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from iqa_lab.explain.colours import Image as Pixels
from iqa_lab.explain.colours import brightest, colours, grey, scaled
from iqa_lab.explain.maps import Explanation, LayerMap

# How much of the colours, and how much of the photograph beneath, is seen.
OPACITY = 0.8

_PAPER, _INK, _FAINT = (255, 255, 255), (26, 26, 26), (96, 96, 96)
_GAP, _NARROWEST = 12, 320  # pixels
_TILE = 320  # width of an image on the sheet
_FONT, _SMALL = 15, 12


def overlay(entry: LayerMap, beneath: Pixels) -> Pixels:
    """The map in colours, brought to the image's size, over the image in grey, ``[H, W, 3]``."""
    height, width, _ = beneath.shape
    enlarged = Image.fromarray(scaled(entry.values)).resize(entry.covers[::-1], Image.Resampling.BILINEAR)
    over = colours(np.asarray(enlarged)[:height, :width])
    seen = OPACITY * over + (1 - OPACITY) * grey(beneath)
    return seen.round().astype(np.uint8)


def caption(entry: LayerMap) -> tuple[str, str]:
    """The two lines below a map: the layer; its depth, its size and its score.

    >>> from iqa_lab.networks.network import PIXELS
    >>> caption(LayerMap(PIXELS, 0, np.zeros((64, 96), np.float32), 123.456, (64, 96)))
    ('pixels', 'depth 0.00, 96 x 64 positions, score 123.5')
    """
    height, width = entry.values.shape
    return entry.layer.name, f"depth {entry.layer.depth:.2f}, {width} x {height} positions, score {entry.score_text}"


def layer_picture(entry: LayerMap, explanation: Explanation) -> Image.Image:
    """One layer's map over the distorted image, with its caption and its scale."""
    height, width, _ = explanation.distorted.shape
    factor = max(1, math.ceil(_NARROWEST / width))
    shown = Image.fromarray(overlay(entry, explanation.distorted))
    return _with_caption(shown.resize((width * factor, height * factor), Image.Resampling.BILINEAR), entry)


def sheet(explanation: Explanation) -> Image.Image:
    """Reference, distorted image and all maps, labelled, in rows."""
    height, width, _ = explanation.reference.shape
    size = (_TILE, max(1, round(height * _TILE / width)))
    tiles = [
        _captioned(Image.fromarray(explanation.reference).resize(size), "reference", explanation.reference_name),
        _captioned(Image.fromarray(explanation.distorted).resize(size), "distorted", explanation.distorted_name),
    ]
    for entry in explanation.maps:
        tiles.append(_with_caption(Image.fromarray(overlay(entry, explanation.distorted)).resize(size), entry))
    across = min(len(tiles), max(3, round(math.sqrt(len(tiles) * 1.4))))
    tile_width, tile_height = tiles[0].width + _GAP, max(tile.height for tile in tiles) + _GAP
    top = 2 * _GAP + 2 * _FONT
    down = math.ceil(len(tiles) / across)
    paper = Image.new("RGB", (across * tile_width + _GAP, top + down * tile_height + _GAP), _PAPER)
    drawing = ImageDraw.Draw(paper)
    _line(drawing, (_GAP, _GAP), f"{explanation.network}, readout {explanation.readout}", _FONT, _INK, paper.width)
    _line(drawing, (_GAP, _GAP + _FONT + 4), SCALE, _SMALL, _FAINT, paper.width)
    for number, tile in enumerate(tiles):
        paper.paste(tile, (_GAP + number % across * tile_width, top + number // across * tile_height))
    return paper


SCALE = "Where each layer sees the difference: dark is none, light the highest 1 % of its own positions."


def _with_caption(shown: Image.Image, entry: LayerMap) -> Image.Image:
    """The picture with its caption and the colours of its scale below."""
    captioned = _captioned(shown, *caption(entry))
    bar = Image.fromarray(np.repeat(colours(np.linspace(0, 1, 80))[None], 8, axis=0))
    highest = f"{brightest(entry.values):.3g}"
    drawing = ImageDraw.Draw(captioned)
    font = ImageFont.load_default(_SMALL)
    right = captioned.width - round(drawing.textlength(highest, font))
    top = shown.height + 8
    captioned.paste(bar, (right - 4 - bar.width, top))
    drawing.text((right, top - 4), highest, _FAINT, font)
    drawing.text((right - 8 - bar.width - round(drawing.textlength("0", font)), top - 4), "0", _FAINT, font)
    return captioned


def _captioned(shown: Image.Image, first: str, second: str) -> Image.Image:
    paper = Image.new("RGB", (shown.width, shown.height + _FONT + _SMALL + 14), _PAPER)
    paper.paste(shown)
    drawing = ImageDraw.Draw(paper)
    _line(drawing, (0, shown.height + 3), first, _FONT, _INK, shown.width - 150)
    _line(drawing, (0, shown.height + 7 + _FONT), second, _SMALL, _FAINT, shown.width)
    return paper


def _line(
    drawing: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, ink: tuple[int, int, int], room: int
) -> None:
    """A line of text, its beginning left out where it is too long: the ends of layers' names tell them apart."""
    font = ImageFont.load_default(size)
    shown = text
    while len(shown) > 4 and drawing.textlength(shown, font) > room:
        shown = "..." + shown[4:]
    drawing.text(place, shown, ink, font)
