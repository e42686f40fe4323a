"""A Parquet file, or a folder of its parts -> its columns, and the images that it holds as files in the cache.

Data sets of Hugging Face keep images as columns of ``{bytes, path}``. Their bytes become files below
``$IQA_LAB_CACHE/table_images``, named by the sha256 of their content, so that the same image is one file however often
it is there; they are compared with the table at every start, and may be deleted any time.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from iqa_lab.config import cache_folder
from iqa_lab.errors import UserError
from iqa_lab.folders import in_one_step

ENDING = ".parquet"
_AT_ONCE = 16  # rows in memory, besides what the file keeps together
_NO_TABLE = (OSError, ValueError, TypeError, NotImplementedError)  # pyarrow's own derive from these


@dataclass(frozen=True)
class Held:
    """The images of one column, row by row."""

    names: list[str]
    files: list[str]


def read_parquet(path: Path) -> tuple[pd.DataFrame, set[str]]:
    """All columns of a Parquet file, or of all those in a folder, in the order of their names; and which hold images.

    A column of images is there, but empty.

    Raises:
        UserError: one cannot be read, or has other columns than the first.
    """
    tables, columns = [], None
    for file in _files(path):
        try:
            schema = pq.ParquetFile(file).schema_arrow
            kept = [field.name for field in schema if not _holds_images(field.type)]
            table = pd.read_parquet(file, columns=kept).reset_index(drop=True)
        except _NO_TABLE as error:
            raise UserError(f"{file} is no Parquet file: {' '.join(str(error).split())[:120]}") from error
        held = {field.name for field in schema if _holds_images(field.type)}
        if columns is not None and (held, set(kept)) != columns:
            raise UserError(f"{file} has other columns than {_files(path)[0]}: the parts of one table have the same")
        columns = (held, set(kept))
        tables.append(table.assign(**dict.fromkeys(held)))
    together = pd.concat(tables, ignore_index=True)
    return together.drop(columns=[column for column in together if str(column) == "line"]), columns[
        0
    ] if columns else set()


def stored_images(path: Path, column: str, apart: bool) -> Held:
    """The images of a column as files in the cache.

    An image is called by its path in the table where these tell all images apart, else by the first digits of its
    digest.

    Args:
        path: as of ``read_parquet``.
        column: that holds images.
        apart: whether the same bytes under several paths are several images; else they are one.

    Raises:
        UserError: a row holds no image, or the cache cannot be written.
    """
    digests: list[str] = []
    paths: list[str] = []
    kept: set[str] = set()
    folder = cache_folder() / "table_images"
    for row, cell in enumerate(_cells(path, column)):
        content, name = (cell.get("bytes"), cell.get("path")) if isinstance(cell, dict) else (cell, None)
        if not content:
            at = f", only the path {name!r}: save the images into the table, or their paths as text" if name else ""
            raise UserError(f"{path}: row {row + 1} holds no image in the column {column}{at}")
        digest = hashlib.sha256(content).hexdigest()
        if digest not in kept:
            _keep(folder / digest, content)
            kept.add(digest)
        digests.append(digest)
        paths.append(PurePosixPath(str(name)).name if name else "")
    named = pd.DataFrame({"digest": digests, "path": paths})
    kinds = named.drop_duplicates()
    if "" in set(paths) or kinds["path"].duplicated().any():
        return Held([digest[:16] for digest in digests], [str(folder / digest) for digest in digests])
    if not apart:
        first = named.groupby("digest", sort=False)["path"].transform("first")
        return Held(first.tolist(), [str(folder / digest) for digest in digests])
    number = kinds.groupby("digest", sort=False).cumcount()
    copy = dict(zip(zip(kinds["digest"], kinds["path"], strict=True), number, strict=True))
    return Held(
        paths, [_copy(folder / digest, copy[digest, name]) for digest, name in zip(digests, paths, strict=True)]
    )


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ENDING and file.is_file())
    if not files:
        raise UserError(f"benchmark.path={path} is a folder without files *{ENDING}: name the file of the table")
    return files


def _holds_images(kind: pa.DataType) -> bool:
    """Whether a column holds bytes: bare, or as ``datasets`` keeps images."""
    if pa.types.is_struct(kind):
        names = {kind.field(place).name: kind.field(place).type for place in range(kind.num_fields)}
        return "bytes" in names and _holds_images(names["bytes"])
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _cells(path: Path, column: str) -> Iterator[Any]:
    for file in _files(path):
        try:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_AT_ONCE, columns=[column]):
                yield from batch.column(0).to_pylist()
        except _NO_TABLE as error:
            raise UserError(f"{file} is damaged: {' '.join(str(error).split())[:120]}") from error


def _keep(file: Path, content: bytes) -> None:
    """Write an image, unless it is there as it should be; never half."""
    try:
        if file.is_file() and file.stat().st_size == len(content) and file.read_bytes() == content:
            return
        with in_one_step(file) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise UserError(
            f"the images of a table cannot be kept in {file.parent}: {error.strerror or error}; set IQA_LAB_CACHE to "
            "a folder with room for them"
        ) from error


def _copy(file: Path, number: int) -> str:
    """A file of the same content for the image that has it as the second, third ... of a table."""
    if number == 0:
        return str(file)
    other = file.with_name(f"{file.name}.{number}")
    _keep(other, file.read_bytes())
    return str(other)
