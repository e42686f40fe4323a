"""Names that come from results, and what of them may become the name of a file."""

import re
from collections.abc import Iterable
from itertools import count

from iqa_lab.errors import UserError

MOST = 80  # characters, so that a name has no more than the 255 bytes of a file system


def checked_name(name: str, what: str) -> str:
    """The name itself, if it can be a part of a file's name on every system.

    Args:
        name: letters, digits and ``._-``, not beginning with a dot.
        what: it is a name of, for the error.

    Raises:
        UserError: it is something else.
    """
    if not re.fullmatch(rf"\w[\w.-]{{0,{MOST - 1}}}", name):
        raise UserError(f"{what}={name[:40]!r} is no name: letters, digits and ._-, not beginning with a dot")
    return name


def file_name(text: str) -> str:
    """The text with a hyphen for everything that is not to be in the name of a file.

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
