"""Where configuration, benchmarks and caches lie, and the YAML files of a group."""

import os
from collections.abc import Sequence
from pathlib import Path


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
