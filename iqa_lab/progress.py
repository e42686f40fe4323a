"""What a person sees while something runs, on standard error."""

from collections.abc import Iterable, Iterator, Sequence
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

Item = TypeVar("Item")

console = Console(stderr=True, soft_wrap=True, highlight=False)


def progress_bar() -> Progress:
    """A bar with counts and the time that is left; it vanishes when done, and is silent where nobody looks."""
    return Progress(
        TextColumn("{task.description}"),
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
    described = (TextColumn("{task.description}"), BarColumn())
    columns = (*described, DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(description, total=total, completed=done)
        for piece in pieces:
            yield piece
            bar.advance(task, len(piece))
