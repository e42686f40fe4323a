"""NITS-IQA: ``Database/Score.xlsx`` beside its images, ``I1.bmp`` and ``I1D2L3.bmp`` (picture, distortion, level)."""

import re

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "Database/Score.xlsx"
_SHEET = "Sheet1"
_DISTORTED, _SCORE, _REFERENCE = "Distorted Image Name", "Score", "Original Image Name"
_NAME = re.compile(r"(i\d+)d(\d+)l(\d+)\.bmp", re.IGNORECASE)
_LARGEST = 2**24  # bytes


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of NITS-IQA.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _OPINIONS)
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST >> 20} MiB")
        table = pd.read_excel(file, sheet_name=_SHEET, dtype=str)
    except Exception as error:  # of a damaged file openpyxl may raise anything
        raise UserError(f"{file} is damaged or another spreadsheet: {' '.join(str(error).split())[:120]}") from error
    table = table.rename(columns=lambda name: str(name).strip())
    missing = [name for name in (_DISTORTED, _SCORE, _REFERENCE) if name not in table]
    if missing:
        raise UserError(f"{file}: sheet {_SHEET} has no column {missing[0]}")
    table = table[[_DISTORTED, _SCORE, _REFERENCE]].dropna(how="all").fillna("")
    table["line"] = table.index + 2
    table = table.reset_index(drop=True)
    names = table[_DISTORTED].str.strip()
    parts = names.map(_NAME.fullmatch)
    if parts.isna().any():
        row = table.loc[parts.isna()].iloc[0]
        raise UserError(f"{file}: row {row['line']}: expected a name like I1D2L3.bmp, found {row[_DISTORTED]!r}")
    reference = table[_REFERENCE].str.strip()
    foreign = table.loc[reference.str.lower() != [f"{part[1]}.bmp".lower() for part in parts]]
    if len(foreign):
        row = foreign.iloc[0]
        raise UserError(f"{file}: {row[_DISTORTED]} is listed with the reference {row[_REFERENCE]}")
    rows = {
        "reference": reference, "distorted": names, "line": table["line"], "opinion": table[_SCORE],
        "distortion": [f"D{part[2]}" for part in parts], "level": [int(part[3]) for part in parts],
        "reference_file": "Database/" + reference, "distorted_file": "Database/" + names,
    }  # fmt: skip
    return assemble(config, pd.DataFrame(rows), root)
