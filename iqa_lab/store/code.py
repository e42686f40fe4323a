"""A constructor and a loader -> the code that a unit's scores come from, besides ours: what ``SCHEMA`` cannot tell."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from iqa_lab.imports import is_own, source_now

PACKAGES = ("torch", "torchvision", "timm")


def code_of(
    constructor: str, family: str, source: Callable[[str], str | None] = source_now
) -> dict[str, dict[str, str | None]]:
    """The versions of the packages that build a network, and digests of the source of one's own code.

    A run hashes this into the signature; the planner of a sweep compares it with what a result was made of.

    Args:
        constructor: ``architecture.constructor``.
        family: ``benchmark.family``.
        source: the digest of the source of a dotted path: as it was imported, or as it lies on the disk.

    Returns:
        ``packages``: ``major.minor`` of torch, and of the constructor's package, or of all that any other constructor
        may build on. ``sources``: by dotted path; None where Python finds no file of it.
    """
    package = constructor.partition(".")[0]
    builders = ("torch", package) if package in PACKAGES else PACKAGES
    return {
        "packages": {name: minor_version(name) for name in dict.fromkeys(builders)},
        "sources": {path: source(path) for path in (constructor, family) if is_own(path)},
    }


@cache
def minor_version(package: str) -> str:
    """``major.minor`` of an installed package."""
    try:
        return ".".join(version(package).split(".")[:2])
    except PackageNotFoundError:
        return "not installed"
