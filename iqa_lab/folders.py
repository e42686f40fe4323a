"""Where configuration, benchmarks and caches lie, the YAML files of a group, and names that nobody else takes."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


def configuration_folder() -> Path:
    """The folder of the shipped YAML files: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def option_files(group: str, folders: Sequence[Path]) -> dict[str, Path]:
    """The YAML files of a group by option (``a/b/c`` in sub-folders), sorted; the first folder that has one wins."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path in (folder / group).rglob("*.yaml"):
            files.setdefault(str(path.relative_to(folder / group).with_suffix("")), path)
    return dict(sorted(files.items()))


def data_folder() -> Path:
    """Where benchmarks lie: ``$IQA_LAB_DATA``, or ``data`` in the working folder."""
    return Path(os.environ.get("IQA_LAB_DATA") or "data")


def cache_folder() -> Path:
    """Where facts on images are remembered: ``$IQA_LAB_CACHE``, or ``iqa_lab`` in the user's cache folder."""
    own = os.environ.get("IQA_LAB_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iqa_lab"


def unique() -> str:
    """Twelve digits that no other thread, process or machine draws: of two containers, both may be process 1."""
    return uuid4().hex[:12]


@contextmanager
def in_one_step(file: Path) -> Iterator[Path]:
    """Where to write a file: it takes its place when the block ends, whole, whoever else writes the same one now.

    A file that cannot be written leaves nothing behind. For what can be found out again: a loss of power may undo it.

    Raises:
        OSError: it cannot be written.
    """
    place = file.with_name(f".{file.name}.{unique()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield place
        os.replace(place, file)
    finally:
        with suppress(OSError):
            place.unlink(missing_ok=True)
