"""A root and the rows of a table -> where every row's image lies: below a folder, or at a path made of its columns.

A root without braces is a folder, and the image that a row names lies below it. A root with braces is the whole path of
an image: each pair of braces holds the name of a column, as in ``images/{number:05d}/{name}.png``, or ``image``, which
stands for the image that the row names where no column is called so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from string import Formatter

import pandas as pd

from iqa_lab.benchmarks.lists import label
from iqa_lab.errors import UserError, choices

IMAGE = "image"
_SPEC = re.compile(r"(?:0?[1-9][0-9]?)?d")  # a whole number, padded to some width with zeros or blanks
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Root:
    """``benchmark.reference_root`` or ``benchmark.distorted_root``, taken apart."""

    setting: str  # for errors
    folder: Path  # which nothing leads out of
    # of the path below it: text, then a column and its format, if any; of a folder none
    parts: tuple[tuple[str, str | None, str], ...] = ()

    def needs_image(self, table: pd.DataFrame) -> bool:
        """Whether a row of the table has to name its image."""
        return not self.parts or (IMAGE not in table and any(column == IMAGE for _, column, _ in self.parts))

    def files(self, table: pd.DataFrame, images: pd.Series | None, source: str) -> list[str]:
        """The path of every row's image below ``folder``.

        Args:
            table: the columns that braces may name, and perhaps ``line``.
            images: what the rows name; None where there is no such column.
            source: the file that the table was read from, for errors.

        Raises:
            UserError: a column is missing, a cell is empty or of another kind than its format, or a path leads out.
        """
        found = [""] * len(table) if self.parts or images is None else images.tolist()
        for text, column, spec in self.parts:
            cells = [""] * len(table)
            if column is not None:
                values = images if column == IMAGE and column not in table else table.get(column)
                if values is None or column == "line":  # which is ours
                    named = [str(name) for name in table.columns if name != "line"]
                    raise UserError(f"{self.setting}: {source} has no column {column}: {choices(column, named)}")
                cells = [self._cell(value, spec, column, table, row) for row, value in enumerate(values)]
            found = [f"{path}{text}{cell}" for path, cell in zip(found, cells, strict=True)]
        for row, path in enumerate(found):
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise UserError(f"{self.setting}: {_place(table, row)} leads out of {self.folder}: {path!r}")
        return found

    def _cell(self, value: object, spec: str, column: str, table: pd.DataFrame, row: int) -> str:
        """A cell as a part of a path."""
        text = label(value).strip()
        if not text:
            raise UserError(f"{self.setting}: {_place(table, row)} has nothing in the column {column}")
        if not spec:
            return text
        if _WHOLE.fullmatch(text) is None:
            raise UserError(f"{self.setting}: {_place(table, row)}: {column}={text!r} is no whole number for {spec!r}")
        return format(int(text), spec)


def read_root(setting: str, text: str, base: Path) -> Root:
    """A root from its setting.

    Args:
        setting: its name, for errors.
        text: a folder, or a template.
        base: the folder that a relative root starts from.

    Raises:
        UserError: it is empty, no such folder is there, or something in braces is no column with a plain format.
    """
    text = text.strip()
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise UserError(f"{setting}={text!r}: {error}; braces hold the name of a column") from error
    if not parts:
        raise UserError(f"{setting} is empty: name a folder, or a path with columns in braces")
    for _, column, spec, conversion in parts:
        if column is not None and (not column or conversion or (spec and not _SPEC.fullmatch(spec))):
            raise UserError(
                f"{setting}={text!r}: braces hold the name of a column and perhaps a whole number's width, as {{n:05d}}"
            )
    if all(column is None for _, column, _, _ in parts):
        return Root(setting, _existing(setting, base, "".join(literal for literal, *_ in parts)))
    # the folder ends before the first part of the path that a column has to do with
    head, slash, tail = parts[0][0].rpartition("/")
    inner = [
        (tail, parts[0][1], parts[0][2] or ""),
        *((literal, column, spec or "") for literal, column, spec, _ in parts[1:]),
    ]
    return Root(setting, _existing(setting, base, head or slash), tuple(inner))


def _existing(setting: str, base: Path, folder: str) -> Path:
    place = (base / Path(folder).expanduser()).absolute()
    if not place.is_dir():
        raise UserError(f"{setting}: there is no folder {place}; a relative one starts from {base.absolute()}")
    return place


def refuse_namesakes(names: Iterable[str], files: Iterable[str], what: str, column: str) -> None:
    """Nothing, if every name stands for one file.

    Args:
        names: of the rows, with whatever tells them apart.
        files: of the rows.
        what: names are, for the error.
        column: the setting that says where the names are.

    Raises:
        UserError: two files have one name.
    """
    known: dict[str, str] = {}
    for name, file in zip(names, files, strict=True):
        if known.setdefault(name, file) != file:
            raise UserError(
                f"two {what} answer to the name {name}: {known[name]} and {file}; {column} has to name a column that "
                "tells them apart"
            )


def _place(table: pd.DataFrame, row: int) -> str:
    return f"line {table['line'].iloc[row]}" if "line" in table else f"row {row + 1}"
