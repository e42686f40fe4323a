"""A list of opinions in a text file -> its rows as text, each with its line; text -> numbers.

Nothing is guessed: a line with another number of fields than the header, a number that could mean two things, or text
that is not UTF-8 is refused, and the message says where it is.
"""

import csv
import io
import math
import re
from collections.abc import Hashable, Sequence
from pathlib import Path

import pandas as pd

from iqa_lab.errors import UserError, counted

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
LARGEST = 2**28  # bytes of a list: the largest published one has a few megabytes

_POINT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"[+-]?(?:[0-9]+,[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
# how programs write that a value is not known
NOT_KNOWN = {"", "na", "n/a", "#n/a", "nan", "none", "null", "<na>"}
_INFINITE = {"inf", "infinity"}
# files that are no text, by their first bytes, and what to do
_NO_TEXT = {
    b"PAR1": "a Parquet file: let its name end in .parquet",
    b"PK\3\4": "a spreadsheet or an archive: export its table as CSV",
    b"\xd0\xcf\x11\xe0": "a spreadsheet: export its table as CSV",
    b"\x1f\x8b": "compressed: unpack it",
}
_INVISIBLE = " \t\r\n\ufeff\u200b\u00a0"


def read_text(file: Path) -> str:
    """A text file's content, in UTF-8 (or UTF-16 that says so), without the mark at its beginning.

    Raises:
        UserError: it cannot be read, is too large for a list, or not encoded so; naming the line.
    """
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            raise UserError(f"{file} is no list of opinions: it is no plain file of at most {LARGEST >> 20} MiB")
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}") from error
    other = next((what for start, what in _NO_TEXT.items() if content.startswith(start)), None)
    if other is not None:
        raise UserError(f"{file} is no text but {other}")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        wrong = text.find("\0")
        line = text.count("\n", 0, wrong) + 1
    except UnicodeDecodeError as error:
        wrong, line = error.start, content[: error.start].count(b"\n") + 1
    if wrong >= 0:
        raise UserError(f"{file} is no text in UTF-8: see line {line}; save it as UTF-8")
    return text


def read_columns(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of a CSV file as text, in this order, then ``line``, the number of every row's line.

    Args:
        file: as ``read_list`` reads it.
        columns: that have to be there.

    Raises:
        UserError: the file cannot be read, or lacks one of them.
    """
    table = read_list(file, columns)
    missing = [name for name in columns if name not in table]
    if missing:
        listed = ", ".join(name if name.isprintable() else repr(name) for name in table.columns if name != "line")
        raise UserError(f"{file} has no column {missing[0]}: it has {listed or 'none'}")
    return table[[*columns, "line"]]


def read_list(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """All columns of a CSV file as text, whatever its separator, and ``line``, the number of every row's line.

    Args:
        file: its first line names the columns; fields are separated by commas, semicolons, tabs, vertical bars or
            blanks, and lose the blanks around them. An empty field is an empty text.
        wanted: columns that will be read, by which the separator is recognised.

    Raises:
        UserError: the file cannot be read, has a column twice, or a line that does not fit its header.
    """
    text = read_text(file)
    first, _, rest = text.partition("\n")
    skipped = 0
    if re.fullmatch(r"sep=.\r?", first):  # a spreadsheet's way to name the separator
        text, skipped = rest, 1
    separator = _separator(file, text, wanted)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    header: list[str] = []
    try:
        for fields in lines:
            named = [field.strip(_INVISIBLE) for field in fields]
            if not any(named):
                continue
            if not header:
                header = _without_empty_end(named, 0)
                continue
            row = _without_empty_end(named, len(header))
            line = lines.line_num + skipped
            if len(row) != len(header):
                hint = "; a number with a decimal comma has to stand in quotes" if separator == "," else ""
                there = counted(len(row), "field")
                raise UserError(f"{file}:{line}: {there}, but the header names {len(header)}{hint}")
            rows.append([*row, str(line)])
    except csv.Error as error:
        raise UserError(f"{file}:{lines.line_num + skipped} is no line of a CSV file: {error}") from error
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise UserError(f"{file} has the column {twice[0]} twice: rename one of them")
    places = [place for place, name in enumerate(header) if name and name != "line"]
    names = [*(header[place] for place in places), "line"]
    return pd.DataFrame(
        [[*(row[place] for place in places), int(row[-1])] for row in rows], columns=names, dtype=object
    )


def _separator(file: Path, text: str, wanted: Sequence[str]) -> str:
    """The separator with which the header names all of the columns; else the one that makes the most fields of it."""
    header = next((line for line in io.StringIO(text, newline=None) if line.strip(_INVISIBLE)), "")
    if not header:
        raise UserError(f"{file} is no CSV file: it is empty")
    best, most = ",", (0, 0)
    for separator in SEPARATORS:
        try:
            fields = next(csv.reader([header], delimiter=separator, skipinitialspace=True))
        except (csv.Error, StopIteration):
            continue
        names = {field.strip(_INVISIBLE) for field in fields}
        found = (sum(name in names for name in wanted), len(fields))
        if found > most:
            best, most = separator, found
    return best


def _without_empty_end(fields: list[str], least: int) -> list[str]:
    """Fields without those that a spreadsheet leaves empty at the end of a line."""
    end = len(fields)
    while end > least and not fields[end - 1]:
        end -= 1
    return fields[:end]


def number(text: str) -> float:
    """A number as a program writes it, with a decimal point; NaN for one that is not known.

    Raises:
        ValueError: it is something else; also what Python alone would take: ``1_000``, digits of other scripts.

    >>> [number("1.5"), number("-.5e1"), number("NA")]
    [1.5, -5.0, nan]
    """
    word = text.strip(_INVISIBLE)
    if word.lower() in NOT_KNOWN:
        return math.nan
    if word.lower().lstrip("+-") in _INFINITE:
        return -math.inf if word.startswith("-") else math.inf
    if _POINT.fullmatch(word) is None:
        raise ValueError(f"{word!r} is no number")
    return float(word)


def numbers(values: pd.Series) -> tuple[pd.Series, dict[Hashable, str]]:
    """A column as numbers, and of every row that is none, why; with decimal commas, if all of its numbers have them.

    ``1,234`` is refused, unless another number of the column shows that its commas are decimal ones: beside ``123``
    it may as well be a thousand. What is not known is NaN.

    >>> numbers(pd.Series(["3,5", "1,234", "2"]))[0].tolist()
    [3.5, 1.234, 2.0]
    """
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_complex_dtype(values):
        return values.astype(float), {}
    words = ["" if missing(value) else str(value).strip(_INVISIBLE) for value in values]
    with_comma = [word for word in words if "," in word]
    decimal = (
        all(_COMMA.fullmatch(word) for word in with_comma)
        and not any("." in word for word in words)
        and any(not _THOUSANDS.fullmatch(word) for word in with_comma)
    )
    found, wrong = [], {}
    for row, word in zip(values.index, words, strict=True):
        try:
            found.append(number(word.replace(",", ".") if decimal else word))
        except ValueError:
            found.append(math.nan)
            wrong[row] = repr(word) + ("; write decimal points" if _COMMA.fullmatch(word) else "")
    return pd.Series(found, index=values.index, dtype=float), wrong


def missing(value: object) -> bool:
    """Whether a cell of a table holds nothing."""
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def label(value: object) -> str:
    """A cell as the name that people gave it: nothing is an empty text, 3.0 is 3, ``None`` and ``NA`` stay words.

    >>> [label(None), label(3.0), label("NA")]
    ['', '3', 'NA']
    """
    if missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
