"""Names that come from results, and what of them may become the name of a file."""

import re
from collections.abc import Iterable
from itertools import count

MOST = 80  # characters, so that a name has no more than the 255 bytes of a file system


def file_name(text: str) -> str:
    """The text with a hyphen for everything that the name of a file must not hold.

    >>> file_name("../a b"), file_name("tid2013_depth_plain"), file_name("")
    ('a-b', 'tid2013_depth_plain', 'unnamed')
    """
    return re.sub(r"[^\w.-]+", "-", text).strip(".-")[:MOST] or "unnamed"


def told_apart(names: Iterable[str]) -> list[str]:
    """The names, each with a number where an earlier one is the same in any case.

    >>> told_apart(["a", "b", "A", "a-2"])
    ['a', 'b', 'A-2', 'a-2-2']
    """
    taken: set[str] = set()
    found = []
    for name in names:
        numbered = (name if number == 1 else f"{name}-{number}" for number in count(1))
        free = next(candidate for candidate in numbered if candidate.casefold() not in taken)
        taken.add(free.casefold())
        found.append(free)
    return found
