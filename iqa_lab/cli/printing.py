"""Rows -> a table in the terminal."""

import sys
from typing import Any

from rich.table import Table

from iqa_lab.progress import plain_console, printable


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Print rows, all with the keys of the first, on standard output."""
    if not rows:
        print("nothing matches")
        return
    view = Table(box=None, pad_edge=False)
    for key in rows[0]:
        view.add_column(key, overflow="fold")
    for row in rows:
        view.add_row(*(_text(value) for value in row.values()))
    plain_console(soft_wrap=False, width=None if sys.stdout.isatty() else 200).print(view)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else printable(str(value))
