"""What a database's archives were unpacked into -> one folder as its loader wants it, without the wrapping folders.

Publishers wrap a database into folders, or do not, and some of these folders are part of its own paths. The loader says
which: a folder that is the only thing in an archive is taken off until the loader finds opinions and images.
"""

import filecmp
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

from iqa_lab.benchmarks import load_benchmark
from iqa_lab.config import ArchiveConfig, BenchmarkConfig
from iqa_lab.errors import UserError, pass_on_interrupt

DEEPEST = 6  # wrapping folders of one archive
MOST = 64  # ways to take wrapping folders off several archives
_NOT_THEIRS = ("__MACOSX", ".DS_Store", "Thumbs.db")


def lay_out(config: BenchmarkConfig, archives: Sequence[ArchiveConfig], boxes: Sequence[Path], whole: Path) -> Path:
    """``whole``, with the content of all archives in it as the benchmark's loader finds it.

    As few wrapping folders as possible are taken off.

    Args:
        config: of the benchmark.
        archives: say into which folder of it each of them belongs.
        boxes: the folder that each was unpacked into; emptied.
        whole: is made.

    Raises:
        UserError: the loader finds nothing, whatever is taken off.
        OSError: the disk cannot be written.
    """
    levels = [_levels(box) for box in boxes]
    ways = sorted(product(*(range(len(level)) for level in levels)), key=lambda way: (sum(way), way))
    targets = [whole / archive.into for archive in archives]
    fault = UserError(f"benchmark {config.name}: its archives are empty")
    for way in islice(ways, MOST):
        moved: list[tuple[Path, Path]] = []
        try:
            for depth, level, target in zip(way, levels, targets, strict=True):
                _move_all(level[depth], target, moved)
            _read(config, whole)
            return whole
        except UserError as error:  # of the deepest level, at which what is missing is missing
            pass_on_interrupt(error)
            fault = error
            for there, before in reversed(moved):
                os.rename(there, before)
    raise fault


def _read(config: BenchmarkConfig, whole: Path) -> None:
    """Nothing, if the benchmark's loader finds its opinions, and an image.

    Raises:
        UserError: it does not.
    """
    try:
        load_benchmark(replace(config, path=str(whole), allow_missing=True))
    except OSError as error:  # as somebody's own loader may say that a file is not there
        raise UserError(f"{error.filename or whole} cannot be read: {error.strerror or error}") from error


def _levels(box: Path) -> list[Path]:
    """A folder, and the only folder in it, and the only folder in that."""
    levels = [box]
    while len(levels) <= DEEPEST:
        entries = _entries(levels[-1])
        if len(entries) != 1 or not entries[0].is_dir():
            break
        levels.append(entries[0])
    return levels


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.name not in _NOT_THEIRS)


def _move_all(folder: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    """What is in a folder into another one; each move is noted, as (there, before).

    Raises:
        UserError: something else of that name is there, from another archive.
    """
    target.mkdir(parents=True, exist_ok=True)
    for entry in _entries(folder):
        there = target / entry.name
        if there.exists():
            if there.is_file() and entry.is_file() and filecmp.cmp(there, entry, shallow=False):
                continue
            raise UserError(f"two of its archives hold {entry.name}, and not the same")
        os.rename(entry, there)
        moved.append((there, entry))
