"""What a person sees: plain text in, the terminal out.

Text from outside (names, paths, errors) is printed as it is: no console here reads ``[tag]`` or ``:smile:`` as markup.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import ceil
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column
from rich.text import Text

Item = TypeVar("Item")


def plain_console(stderr: bool = False, soft_wrap: bool = True, width: int | None = None) -> Console:
    """A console that prints text as it is, in tables and titles too."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, width=width, highlight=False, markup=False, emoji=False)


console = plain_console(stderr=True)


def say(text: str, style: str = "") -> None:
    """Print one line on standard error, as it is; ``style`` colours all of it, as ``yellow`` for a warning."""
    # a terminal breaks lines wherever they end: here they end between words; elsewhere a line stays one
    console.print(Text(printable(text), style), soft_wrap=not console.is_terminal)
    for lines in _listening:
        lines.append((text, style))


_listening: list[list[tuple[str, str]]] = []


@contextmanager
def overheard() -> Iterator[list[tuple[str, str]]]:
    """What ``say`` prints inside the block, each line with its style, to be said again; it is printed, too."""
    lines: list[tuple[str, str]] = []
    _listening.append(lines)
    try:
        yield lines
    finally:
        _listening.pop()


def output_console() -> Console:
    """Standard output: a terminal's lines end between words; elsewhere a line stays one."""
    return plain_console(soft_wrap=not sys.stdout.isatty())


def tell(text: str, style: str = "") -> None:
    """Print a sentence on standard output, as it is; a terminal's lines end between words."""
    output_console().print(Text(printable(text), style))


def status(text: str) -> AbstractContextManager[object]:
    """Show a line while something runs; it vanishes when done, and is silent where nobody looks.

    A notebook is no terminal: there rich would warn that a package is missing, ipywidgets.
    """
    return console.status(Text(printable(text))) if console.is_terminal else nullcontext()


def printable(text: str) -> str:
    r"""Text without characters that would move a terminal's cursor or change its colours; line ends and tabs stay.

    >>> printable("a" + chr(27) + "[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():  # nearly always
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)


def progress_bar(noun: str = "", *, rate: bool = False) -> Progress:
    """A bar with what is done of all and the time left; it vanishes when done, and is silent where nobody looks.

    Args:
        noun: of what is counted, as ``images``.
        rate: whether how many a second is said, too.
    """
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=3, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=8)),
        _Told(noun, rate),
        console=console,
        transient=True,
        expand=True,
        disable=not console.is_terminal,
    )


class _Told(ProgressColumn):
    """``120 of 357 images, 25 images/s, 9 s left``; a task with the field ``told`` says that instead of the counts."""

    def __init__(self, noun: str, rate: bool) -> None:
        super().__init__(table_column=Column(no_wrap=True, justify="right"))
        self.noun, self.rate = noun, rate

    def render(self, task: Task) -> Text:
        """The line of one task."""
        done, total = f"{task.completed:,.0f}", "?" if task.total is None else f"{task.total:,.0f}"
        parts = [task.fields.get("told") or f"{done} of {total}{f' {self.noun}' if self.noun else ''}"]
        if self.rate and task.speed:
            parts.append(f"{task.speed:.{0 if task.speed >= 10 else 1}f} {self.noun}/s")
        left = task.fields.get("left", task.time_remaining)
        if left is not None and not task.finished:
            parts.append(f"{duration(left)} left")
        return Text(", ".join(parts))


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(5), duration(300), duration(36000)
    ('5 s', '5 min', '10.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def gibibytes(number: float) -> str:
    """Bytes as people read them, rounded up: what is said to be enough is.

    >>> gibibytes(1.01 * 2**30), gibibytes(3 * 2**30)
    ('1.1 GiB', '3.0 GiB')
    """
    return f"{ceil(10 * number / 2**30) / 10:.1f} GiB"


def track(items: Sequence[Item] | Iterable[Item], description: str) -> Iterator[Item]:
    """The items, with a bar."""
    with progress_bar() as bar:
        yield from bar.track(items, description=description)


def bytes_bar(pieces: Iterable[bytes], description: str, done: int, total: int | None) -> Iterator[bytes]:
    """The pieces of a download, with a bar of their bytes; ``done`` of them were there before."""
    described = (TextColumn("{task.description}", markup=False), BarColumn())
    columns = (*described, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), TextColumn("left"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=total, completed=done)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece))
