"""Pairs of images on which two metrics disagree -> one picture of them."""

from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from iqa_lab.benchmarks.images import decode
from iqa_lab.errors import UserError
from iqa_lab.report.pictures import Pictures
from iqa_lab.store.metric import Metric

_TILE, _GAP, _TEXT = 300, 12, 14  # pixels
_PAPER, _INK, _FAINT = (255, 255, 255), (26, 26, 26), (96, 96, 96)


def draw(table: pd.DataFrame, first: Metric, second: Metric, file: Path) -> Path:
    """Write a PNG with a row for each pair of images: the better one beside its reference, then the worse one.

    Args:
        table: as ``comparisons.where_two_disagree`` gives it.
        first: the metric that is called A.
        second: the metric that is called B.
        file: to be written; returned.

    Raises:
        UserError: the images are not at hand, or the file cannot be written.
    """
    paths = Pictures((first.benchmark,) if first.benchmark.path is None else ()).of(first.benchmark)
    needed = ["closer_reference", "closer", "farther_reference", "farther"]
    if not set(table[needed].to_numpy().ravel()) <= set(paths):
        raise UserError(
            f"the images of {first.benchmark.name} are not at hand: set IQA_LAB_DATA to the folder above them"
        )
    letters = {first.name: "A", second.name: "B", "neither": "neither"}
    rows = [_row(entry, letters, paths) for entry in table.itertuples()]
    heading = [f"A: {first.name}", f"B: {second.name}"]
    top = _GAP + (_TEXT + 6) * len(heading)
    width = max(row.width for row in rows) + 2 * _GAP
    sheet = Image.new("RGB", (width, top + sum(row.height + _GAP for row in rows) + _GAP), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for line, text in enumerate(heading):
        pen.text((_GAP, _GAP + line * (_TEXT + 6)), text, _INK, ImageFont.load_default(_TEXT))
    for row in rows:
        sheet.paste(row, (_GAP, top + _GAP))
        top += row.height + _GAP
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(file, "PNG")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from error
    return file


def _row(entry: Any, letters: dict[str, str], paths: dict[str, str]) -> Image.Image:
    """The four images of one pair of images, with what each metric and people say."""
    named = (
        (entry.closer_reference, "reference"),
        (entry.closer, f"opinion {entry.opinion_closer:.3g}"),
        (entry.farther_reference, "reference"),
        (entry.farther, f"opinion {entry.opinion_farther:.3g}"),
    )
    tiles = [_tile(paths[name], name, said) for name, said in named]
    height = max(tile.height for tile in tiles)
    row = Image.new("RGB", (sum(tile.width + _GAP for tile in tiles) - _GAP, height + _TEXT + 8), _PAPER)
    said = (
        f"{letters[entry.equal]} sees no difference; {letters[entry.different]} prefers the left one by "
        f"{entry.apart:.1f} sd; people agree with {letters[entry.people]}"
    )
    ImageDraw.Draw(row).text((0, 0), said, _INK, ImageFont.load_default(_TEXT))
    left = 0
    for tile in tiles:
        row.paste(tile, (left, _TEXT + 8))
        left += tile.width + _GAP
    return row


def _tile(path: str, name: str, said: str) -> Image.Image:
    small = Image.fromarray(decode(path).pixels)
    small.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (_TILE, small.height + 2 * (_TEXT + 4)), _PAPER)
    tile.paste(small, (0, 0))
    pen, font = ImageDraw.Draw(tile), ImageFont.load_default(_TEXT - 1)
    pen.text((0, small.height + 2), name[:40], _INK, font)
    pen.text((0, small.height + _TEXT + 4), said, _FAINT, font)
    return tile
