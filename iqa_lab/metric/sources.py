"""Code of somebody's own that a metric runs -> the digests of its source: the numbers are those of that source."""

from collections.abc import Iterable, Mapping
from typing import Any

from iqa_lab.errors import UserError
from iqa_lab.imports import is_own, source_now

SOURCES = "sources"  # the facts of a metric that hold them


def sources_of(constructor: str, functions: Iterable[str]) -> dict[str, str | None]:
    """The digest of the source of a network's constructor and of readouts, by their paths; none of code of ours.

    As it lies on the disk: code that was edited since it was imported is imported anew.
    """
    return {path: source_now(path) for path in dict.fromkeys([constructor, *functions]) if is_own(path)}


def check_sources(now: Mapping[str, str | None], then: Mapping[str, Any], source: object) -> None:
    """Nothing, if code of one's own is still what a result or a file was made with, as far as that is known.

    Args:
        now: as ``sources_of`` gives them.
        then: the same, as the result or the file says.
        source: the result or the file, for the error.

    Raises:
        UserError: it is not.
    """
    changed = [path for path, digest in now.items() if then.get(path) not in (None, digest)]
    if changed:
        raise UserError(
            f"{source} was made with other code than {changed[0]} is now, and would give other distances: "
            "make it again, or take the code that it was made with"
        )
