"""The files of a page, put into their folder all together or not at all; those of an earlier page there go.

``.made.json`` in the folder holds the digests of what was written. So a figure or a table that the next page does not
make any more is not taken for one of its own; files that anybody else put there, or changed, stay.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from iqa_lab.errors import UserError

MADE = ".made.json"


@contextmanager
def all_or_none(folder: Path, last: str, *, alone: bool = False) -> Iterator[Path]:
    """A folder to write into. When all of it is written its files replace those of ``folder``; others there stay.

    Args:
        folder: where the files shall be.
        last: the file that is moved last.
        alone: those that were written so the last time go, unless somebody has changed them since.

    Raises:
        UserError: they cannot be written; then ``folder`` is as it was.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".unfinished-", dir=folder) as unfinished:
            yield Path(unfinished)
            files = [path.relative_to(unfinished) for path in sorted(Path(unfinished).rglob("*")) if path.is_file()]
            earlier = _earlier(folder) if alone else {}
            digests = {file.as_posix(): _digest(Path(unfinished) / file) for file in files}
            if alone:
                (Path(unfinished) / MADE).write_text(json.dumps(digests, indent=1), encoding="utf-8")
                files.insert(0, Path(MADE))
            for file in files:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                if (folder / file).is_dir():
                    raise IsADirectoryError(f"{folder / file} is a folder")
            for file in sorted(files, key=lambda file: str(file) == last):
                os.replace(unfinished / file, folder / file)
            for name in earlier.keys() - digests.keys():
                if _digest(folder / name) == earlier[name]:
                    (folder / name).unlink()
    except OSError as error:
        reason = "it is no folder" if os.path.lexists(folder) and not folder.is_dir() else error.strerror or error
        raise UserError(f"cannot write to {folder}: {reason}") from error


def _earlier(folder: Path) -> dict[str, str]:
    """The digests of what was written here last, by its place; of nothing outside of the folder."""
    try:
        made = json.loads((folder / MADE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    named = made.items() if isinstance(made, dict) else ()
    return {
        name: str(digest)
        for name, digest in named
        if name and not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
    }


def _digest(file: Path) -> str | None:
    """The sha256 of a plain file; None where there is none."""
    if file.is_symlink() or not file.is_file():
        return None
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
