"""Rows -> a table in the terminal, or in a pipe; long ones through a pager."""

import shutil
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from typing import Any

from iqa_lab.progress import printable
from iqa_lab.tables import table_lines, width_of_output

Row = Mapping[str, Any]


def print_rows(
    rows: Sequence[Row],
    *,
    free: Collection[str] = (),
    spare: Sequence[str] = (),
    in_pipe: int | None = None,
) -> None:
    """Print rows, all with the keys of the first, on standard output.

    Args:
        rows: of any values.
        free: columns of free text, which may be cut where the terminal is narrow.
        spare: columns that may be left out there, the first one first.
        in_pipe: columns where nobody looks; None: any number.
    """
    for line in lines_of(rows, free=free, spare=spare, in_pipe=in_pipe):
        print(line)


def lines_of(
    rows: Sequence[Row], *, free: Collection[str] = (), spare: Sequence[str] = (), in_pipe: int | None = None
) -> list[str]:
    """What ``print_rows`` prints."""
    if not rows:
        return ["nothing matches"]
    texts = [{printable(str(name)): _text(value) for name, value in row.items()} for row in rows]
    right = [name for name, value in rows[0].items() if not isinstance(value, bool) and isinstance(value, Real)]
    return table_lines(texts, width_of_output(in_pipe), free=free, spare=spare, right=right)


def record_lines(facts: Row) -> list[str]:
    """One thing and all that is known of it: a line for each fact, broken between words."""
    width = width_of_output(in_pipe=100) or 100
    room = max(len(name) for name in facts) + 2
    lines = []
    for name, value in facts.items():
        texts = str(value).splitlines() if isinstance(value, str) and "\n" in value else [_text(value)]
        shown = [line for text in texts for line in _wrapped(printable(text), max(20, width - room))]
        lines += [f"{name if not number else '':<{room}}{text}" for number, text in enumerate(shown)]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a text, broken between words, with the indent of the first."""
    indent = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]


def print_long(lines: Sequence[str]) -> None:
    """Print lines; in a terminal that does not hold them through ``$PAGER``, or what Python finds in its place."""
    if sys.stdout.isatty() and sys.stdin.isatty() and len(lines) >= shutil.get_terminal_size().lines:
        import pydoc  # a twentieth of a second

        pydoc.pager("\n".join(lines) + "\n")
        return
    for line in lines:
        print(line)


def _text(value: object) -> str:
    """A value on one printable line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "-" if value is None else " ".join(printable(str(value)).split("\n"))
