"""What a person sees: plain text in, the terminal out.

Text from outside (names, paths, errors) is printed as it is: no console here reads ``[tag]`` or ``:smile:`` as markup.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

Item = TypeVar("Item")


def plain_console(stderr: bool = False, soft_wrap: bool = True, width: int | None = None) -> Console:
    """A console that prints text as it is, in tables and titles too."""
    return Console(stderr=stderr, soft_wrap=soft_wrap, width=width, highlight=False, markup=False, emoji=False)


console = plain_console(stderr=True)


def say(text: str, style: str = "") -> None:
    """Print one line on standard error, as it is; ``style`` colours all of it, as ``yellow`` for a warning."""
    console.print(Text(printable(text), style))


def status(text: str) -> AbstractContextManager[object]:
    """Show a line while something runs; it vanishes when done."""
    return console.status(Text(printable(text)))


def printable(text: str) -> str:
    r"""Text without characters that would move a terminal's cursor or change its colours; line ends and tabs stay.

    >>> printable("a" + chr(27) + "[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():  # nearly always
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)


def progress_bar() -> Progress:
    """A bar with counts and the time that is left; it vanishes when done, and is silent where nobody looks."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def track(items: Sequence[Item] | Iterable[Item], description: str) -> Iterator[Item]:
    """The items, with a bar."""
    with progress_bar() as bar:
        yield from bar.track(items, description=description)


def bytes_bar(pieces: Iterable[bytes], description: str, done: int, total: int | None) -> Iterator[bytes]:
    """The pieces of a download, with a bar of their bytes; ``done`` of them were there before."""
    described = (TextColumn("{task.description}", markup=False), BarColumn())
    columns = (*described, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(description, total=total, completed=done)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece))
