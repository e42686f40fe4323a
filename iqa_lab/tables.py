"""Rows of text -> the lines of a table that fits its width: nothing in it is ever squeezed to nothing.

What is too wide is cut in this order: free text, which ends in an ellipsis; columns that say little; and at last each
row takes several lines, so that every number stays whole.
"""

import os
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

GAP = "  "
_INDENT = "    "  # of the further lines of a row
SHORTEST = 24  # of a free text that is cut


def width_of_output(in_pipe: int | None = None) -> int | None:
    """How many columns standard output shows: those of the terminal, or ``$COLUMNS``.

    Args:
        in_pipe: where nobody looks, and nobody says; None: any number.
    """
    told = os.environ.get("COLUMNS", "")
    if sys.stdout is not None and sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return int(told) if told.isdecimal() and int(told) else in_pipe


def table_lines(
    rows: Sequence[Mapping[str, str]],
    width: int | None = None,
    *,
    free: Collection[str] = (),
    spare: Sequence[str] = (),
    right: Collection[str] = (),
) -> list[str]:
    """A heading and a line for each row, or several lines where the columns do not fit beside each other.

    Args:
        rows: texts of one line, all with the keys of the first.
        width: of the terminal; None: any.
        free: columns of free text, which may be cut.
        spare: columns that may be left out, the first one first.
        right: columns of numbers, which end where their heading ends.

    >>> print(*table_lines([{"name": "a", "what": "one of many"}, {"name": "bc", "what": "-"}]), sep="|")
    name  what|a     one of many|bc    -
    """
    if not rows:
        return []
    names = list(rows[0])
    natural = {name: max(cell_len(name), *(cell_len(row[name]) for row in rows)) for name in names}
    widths = dict(natural)
    for left_out in [None, *spare] if width is not None else []:
        names = [name for name in names if name != left_out]
        widths = _cut(natural, names, width or 0, free)
        if _total(widths, names) <= (width or 0):
            break
    lines_of_a_row = _folded(widths, names, width)
    heading = {name: name for name in names}
    return [
        line
        for row in [heading, *rows]
        for number, columns in enumerate(lines_of_a_row)
        for line in [_INDENT * (number > 0) + _line(row, columns, widths, right)]
    ]


def shortened_to(text: str, width: int) -> str:
    """A text in so many columns of a terminal, with an ellipsis where it is cut.

    >>> shortened_to("photographs", 6), shortened_to("photo", 6)
    ('photo…', 'photo')
    """
    return text if cell_len(text) <= width else set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def _total(widths: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(widths[name] for name in names) + len(GAP) * (len(names) - 1)


def _cut(natural: Mapping[str, int], names: Sequence[str], width: int, free: Collection[str]) -> dict[str, int]:
    """The widths, those of free texts smaller, the widest first, until all fits or they are at their shortest."""
    widths = dict(natural)
    texts = [name for name in names if name in free]
    while texts and _total(widths, names) > width:
        widest = max(texts, key=lambda name: widths[name])
        if widths[widest] <= max(SHORTEST, cell_len(widest)):
            break
        widths[widest] -= 1
    return widths


def _folded(widths: Mapping[str, int], names: Sequence[str], width: int | None) -> list[list[str]]:
    """The columns of each line of a row."""
    lines: list[list[str]] = [[]]
    for name in names:
        room = None if width is None else width - (len(_INDENT) if len(lines) > 1 else 0)
        if room is not None and lines[-1] and _total(widths, [*lines[-1], name]) > room:
            lines.append([])
        lines[-1].append(name)
    return lines


def _line(row: Mapping[str, str], columns: Sequence[str], widths: Mapping[str, int], right: Collection[str]) -> str:
    cells = []
    for name in columns:
        text = shortened_to(row[name], widths[name])
        room = " " * (widths[name] - cell_len(text))
        cells.append(room + text if name in right else text + room)
    return GAP.join(cells).rstrip()
