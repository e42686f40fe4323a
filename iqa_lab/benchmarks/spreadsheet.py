"""A spreadsheet (``.xlsx``) -> the columns of the one sheet that is meant, as text, as those of a CSV file are read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.benchmarks.lists import label
from iqa_lab.errors import UserError, first_names

ENDING = ".xlsx"
OTHERS = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")  # which are not read


def read_spreadsheet(file: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """All columns as text, and ``line``, the number of every row in the sheet.

    Args:
        file: its sheets have the names of their columns in their first row that is not empty.
        wanted: columns by which the sheet is recognised, where there are several.

    Raises:
        UserError: the file is damaged, several sheets have these columns, a column is there twice, or a cell holds a
            formula whose value the file does not tell.
    """
    values, formulas = _sheets(file, computed=True), _sheets(file, computed=False)
    fitting = [name for name, rows in values.items() if set(wanted) <= set(map(_text, _header(rows)[1]))]
    if len(fitting) > 1:
        raise UserError(f"{file}: the sheets {first_names(fitting)} all have the columns that are wanted: leave one")
    name = fitting[0] if fitting else next(iter(values), None)
    if name is None or not values[name]:
        raise UserError(f"{file} is no table: its first sheet is empty")
    start, names = _header(values[name])
    header = [_text(cell) for cell in names]
    twice = [column for column in header if column and header.count(column) > 1]
    if twice:
        raise UserError(f"{file} has the column {twice[0]} twice: rename one of them")
    places = [place for place, column in enumerate(header) if column and column != "line"]
    found = []
    for line, (row, formula) in enumerate(zip(values[name], formulas[name], strict=True), start=1):
        if line <= start + 1 or all(cell is None for cell in formula):
            continue
        unknown = [header[place] for place in places if row[place] is None and formula[place] is not None]
        if unknown:
            raise UserError(
                f"{file}: row {line}, column {unknown[0]} holds a formula without its value: open the file in a "
                "spreadsheet program and save it, or save it as CSV"
            )
        found.append([*(_text(row[place]) for place in places), line])
    return pd.DataFrame(found, columns=[*(header[place] for place in places), "line"], dtype=object)


def _sheets(file: Path, *, computed: bool) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every sheet; of formulas their last values, or the formulas themselves."""
    import openpyxl  # a tenth of a second

    try:
        book = openpyxl.load_workbook(file, data_only=computed)
        return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    except Exception as error:  # of a damaged file openpyxl may raise anything
        raise UserError(f"{file} is no spreadsheet that can be read: {' '.join(str(error).split())[:160]}") from error


def _header(rows: Sequence[tuple[Any, ...]]) -> tuple[int, tuple[Any, ...]]:
    """The place and the cells of the first row that is not empty."""
    return next(((place, row) for place, row in enumerate(rows) if any(cell is not None for cell in row)), (0, ()))


def _text(cell: object) -> str:
    """A cell as a CSV file would have it."""
    return label(cell).strip()
