"""Contents -> files in one step: written beside their places, known to be on the disk, then renamed in their order."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from iqa_lab.errors import UserError
from iqa_lab.folders import in_one_step

UNFINISHED = ".unfinished-"


def unfinished(file: Path) -> Path:
    """Where a file is written before it is renamed into its place.

    >>> unfinished(Path("a/result.json")).name
    '.unfinished-result.json'
    """
    return file.with_name(UNFINISHED + file.name)


def replace_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files beside their places, then rename them in their order, the last one last.

    A full disk is met before the first rename, and then nothing is left of it. A process that is killed between two
    renames leaves every file on the disk. The caller holds the folder's lock.
    """
    places = {folder / name: content for name, content in contents.items()}
    try:
        for file, content in places.items():
            with unfinished(file).open("wb") as written:
                written.write(content)
                written.flush()
                os.fsync(written.fileno())
    except BaseException:
        for file in places:
            unfinished(file).unlink(missing_ok=True)
        raise
    for file in places:
        os.replace(unfinished(file), file)


def write_quickly(file: Path, content: bytes) -> None:
    """Replace a file in one step, which a loss of power may undo: for what can be found out again."""
    with in_one_step(file) as place:
        place.write_bytes(content)


def check_writable(folder: Path) -> None:
    """Nothing, if a file can be made below this folder: checked before the work, not after it.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    with readable_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-") as probe:
            probe.write(b"?")
            probe.flush()


@contextmanager
def readable_write_errors(folder: Path) -> Iterator[None]:
    """Errors of the disk as one line.

    Raises:
        UserError: instead of OSError.
    """
    try:
        yield
    except OSError as error:
        place = error.filename2 or error.filename  # the one in the way, where a name is taken by something else
        named = f" ({Path(place).name})" if place and Path(place).parent == folder else ""
        raise UserError(f"cannot write results to {folder}: {error.strerror or error}{named}") from error
