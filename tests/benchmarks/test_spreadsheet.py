"""A spreadsheet is read as the CSV file that it would be saved as."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from iqa_lab.benchmarks import load_benchmark
from iqa_lab.benchmarks.spreadsheet import read_spreadsheet
from iqa_lab.errors import UserError
from tests.conftest import composed

WANTED = ("reference", "distorted", "opinion")


def book(file: Path, *sheets: list[list[object]]) -> Path:
    written = openpyxl.Workbook()
    written.remove(written.active)
    for rows in sheets:
        sheet = written.create_sheet()
        for row in rows:
            sheet.append(row)
    written.save(file)
    return file


def test_a_spreadsheet_gives_the_pairs_of_its_csv(small_pairs: pd.DataFrame, tmp_path: Path) -> None:
    rows = [
        [reference, distorted, 5.5 - level, "noise", level]
        for reference, distorted, level in small_pairs[["reference_path", "distorted_path", "level"]].to_numpy()
    ]
    names = [*WANTED, "distortion", "level"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "pairs.csv", index=False)
    book(tmp_path / "pairs.xlsx", [[], names, *rows, [None] * 5])
    found = [load_benchmark(composed("benchmark=table", f"benchmark.path={tmp_path / name}").benchmark).pairs
             for name in ("pairs.csv", "pairs.xlsx")]  # fmt: skip
    pd.testing.assert_frame_equal(*found)


def test_the_sheet_with_the_columns_is_read(tmp_path: Path) -> None:
    notes, rows = [["notes"], ["x"]], [list(WANTED), ["a.png", "b.png", 3]]
    table = read_spreadsheet(book(tmp_path / "x.xlsx", notes, rows), WANTED)
    assert table.to_dict("list") == {"reference": ["a.png"], "distorted": ["b.png"], "opinion": ["3"], "line": [2]}
    with pytest.raises(UserError, match="all have the columns that are wanted: leave one"):
        read_spreadsheet(book(tmp_path / "y.xlsx", rows, rows), WANTED)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([list(WANTED), ["a", "b", "=1+2"]], "row 2, column opinion holds a formula without its value"),
        ([["opinion", "opinion"], [1, 2]], "has the column opinion twice"),
        ([], "its first sheet is empty"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, rows: list[list[object]], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_spreadsheet(book(tmp_path / "x.xlsx", rows), WANTED)


@pytest.mark.parametrize(("name", "said"), [("x.xlsx", "is no spreadsheet that can be read"), ("x.ods", "save it as")])
def test_files_that_are_none(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 no spreadsheet")
    with pytest.raises(UserError, match=said):
        load_benchmark(composed("benchmark=table", f"benchmark.path={tmp_path / name}").benchmark)
