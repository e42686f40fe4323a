"""What a value of the configuration may be besides its type: one of some words, a number in a range, a name.

The schema declares a rule as metadata of a field (``metadata=word("mos", "dmos")``); ``check.py`` applies them all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from iqa_lab.config.names import name_fault
from iqa_lab.errors import either

RULE = "rule"  # the key of a field's metadata
MOST_ARCHIVES = 32  # of a benchmark, all sources together

Metadata = dict[str, Any]


class Rule(Protocol):
    """Finds what is wrong with a value; of a list with each of its entries, of a dictionary with each of its keys."""

    def fault(self, value: Any) -> str | None:
        """What is wrong, in words; None if nothing is."""


@dataclass(frozen=True)
class Words:
    """A closed list."""

    words: tuple[str, ...]
    meaning: str

    def fault(self, value: Any) -> str | None:
        """The words to choose from, the nearest first; None if it is one of them."""
        if value in self.words:
            return None
        return f"choose {either(str(value), self.words)}" + (f" ({self.meaning})" if self.meaning else "")


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``; with ``inside`` neither of the two."""

    low: float
    high: float
    inside: bool
    meaning: str

    def fault(self, value: Any) -> str | None:
        """The range; None if the number is in it."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"give a number{self._limits()}"
        fits = self.low < value < self.high if self.inside else self.low <= value <= self.high
        return None if fits else self.meaning or f"give a number{self._limits()}"

    def _limits(self) -> str:
        if self.inside:
            return f" between {self.low:g} and {self.high:g}, neither of them"
        return f" from {self.low:g} to {self.high:g}" if math.isfinite(self.high) else f" of at least {self.low:g}"


@dataclass(frozen=True)
class Name:
    """A name that becomes part of a path."""

    def fault(self, value: Any) -> str | None:
        """As ``names.name_fault``."""
        return name_fault(value)


@dataclass(frozen=True)
class Whole:
    """A rule of a value as a whole, a list's too."""

    find: Callable[[Any], str | None]

    def fault(self, value: Any) -> str | None:
        """What the function finds."""
        return self.find(value)


def word(*words: str, meaning: str = "") -> Metadata:
    """Metadata of a field that takes one of these words."""
    return {RULE: Words(words, meaning)}


def number(low: float, high: float = math.inf, inside: bool = False, meaning: str = "") -> Metadata:
    """Metadata of a field that takes a number of a range; ``meaning`` says so in better words."""
    return {RULE: Range(low, high, inside, meaning)}


def identifier() -> Metadata:
    """Metadata of a field that takes a name which becomes part of a path."""
    return {RULE: Name()}


def whole(find: Callable[[Any], str | None]) -> Metadata:
    """Metadata of a field whose value a function judges."""
    return {RULE: Whole(find)}


def range_fault(value: Any) -> str | None:
    """Nothing, if a list is two numbers, the smaller first; text is left to OmegaConf, which makes numbers of it."""
    if isinstance(value, list) and any(isinstance(end, str) for end in value):
        return None
    fits = isinstance(value, list) and len(value) == 2 and value[0] < value[1]
    return None if fits else "give [LOWEST, HIGHEST]"


def people_fault(value: Any) -> str | None:
    """Nothing, if it is a number of people, or a list of the fewest and the most."""
    ends = value if isinstance(value, list) else [value]
    counts = all(isinstance(end, int) and not isinstance(end, bool) and end >= 1 for end in ends)
    if counts and (not isinstance(value, list) or (len(ends) == 2 and ends[0] <= ends[1])):
        return None
    return "give a number of at least 1, or [FEWEST, MOST]"


def batch_size_fault(value: Any) -> str | None:
    """Nothing, if it is ``auto`` or a number of images."""
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        return "give a number of images, or auto"
    return None if value >= 1 else "a batch holds at least 1 image; or say auto"


def workers_fault(value: Any) -> str | None:
    """Nothing, if it is ``auto`` or a number of threads."""
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        return "give a number of threads, or auto"
    return None if 1 <= value <= 1024 else "at least one thread has to decode the images, at most 1024; or say auto"


def origin_fault(value: Any) -> str | None:
    """Nothing, if it names a training's goal and dataset.

    >>> origin_fault("classification/imagenet1k"), origin_fault("imagenet1k")
    (None, 'give GOAL/DATASET of the training that it began with, as classification/imagenet1k')
    """
    parts = value.split("/") if isinstance(value, str) else []
    if len(parts) != 2:
        return "give GOAL/DATASET of the training that it began with, as classification/imagenet1k"
    return name_fault(parts[0]) or name_fault(parts[1])


def address_fault(value: Any) -> str | None:
    """Nothing, if it is an http or https address of a host."""
    try:
        parts = urlsplit(value) if isinstance(value, str) and value.isprintable() and " " not in value else None
    except ValueError:
        parts = None
    fits = parts is not None and parts.scheme in ("http", "https") and parts.hostname
    return None if fits else "give an address that begins with http:// or https://"


def archives_fault(value: Any) -> str | None:
    """Nothing, if there are not more files than any database has: each may be asked for when another source fails."""
    fits = isinstance(value, list) and len(value) <= MOST_ARCHIVES
    return None if fits else f"give a list of at most {MOST_ARCHIVES} files"
