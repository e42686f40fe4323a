"""What a person sees while something runs, on standard error."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
