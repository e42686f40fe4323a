"""The files of a report, put into their folder all together or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from iqa_lab.errors import UserError


@contextmanager
def all_or_none(folder: Path, last: str) -> Iterator[Path]:
    """A folder to write into. When all of it is written its files replace those of ``folder``; others there stay.

    Args:
        folder: where the files shall be.
        last: the file that is moved last.

    Raises:
        UserError: they cannot be written; then ``folder`` is as it was.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".unfinished-", dir=folder) as unfinished:
            yield Path(unfinished)
            files = [path.relative_to(unfinished) for path in sorted(Path(unfinished).rglob("*")) if path.is_file()]
            for file in files:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                if (folder / file).is_dir():
                    raise IsADirectoryError(f"{folder / file} is a folder")
            for file in sorted(files, key=lambda file: str(file) == last):
                os.replace(unfinished / file, folder / file)
    except OSError as error:
        reason = "it is no folder" if os.path.lexists(folder) and not folder.is_dir() else error.strerror or error
        raise UserError(f"cannot write the report to {folder}: {reason}") from error
