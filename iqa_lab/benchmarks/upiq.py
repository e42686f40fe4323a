"""UPIQ: TID2013's and LIVE's images on one scale, ``upiq_subjective_scores.csv`` with paths below ``images/``.

Its images with a high dynamic range (EXR) are left out.
"""

import re

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "upiq_subjective_scores.csv"
_COLUMNS = [
    "content_id", "dist_level", "is_hdr", "test_file", "reference_file", "distortion_name", "repeating_content_id",
    "JOD",
]  # fmt: skip
_NONE = ("", "-")  # of a content that the other database does not have
_CONTENT = re.compile(r"([lt])-i?(\d+)")


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of UPIQ with a standard dynamic range; a photograph of both databases is one reference.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _OPINIONS)
    table = read_columns(file, _COLUMNS)
    if not table["is_hdr"].isin(["0", "1"]).all():
        row = table.loc[~table["is_hdr"].isin(["0", "1"])].iloc[0]
        raise UserError(f"{file}:{row['line']}: is_hdr is {row['is_hdr']!r}, expected 0 or 1")
    table = table[table["is_hdr"] == "0"].reset_index(drop=True)
    other: dict[str, str] = {}  # of LIVE's photographs, that of TID2013
    for row in table[~table["repeating_content_id"].isin(_NONE)].drop_duplicates("content_id").itertuples():
        names = [_CONTENT.fullmatch(str(name)) for name in (row.content_id, row.repeating_content_id)]
        if None in names or len({part[1] for part in names if part}) != 2:
            raise UserError(
                f"{file}:{row.line}: {row.content_id} and {row.repeating_content_id} are expected to be the same "
                "photograph in both databases, as l-i01 and t-05"
            )
        content = {part[1]: f"{part[1]}-i{int(part[2]):02}" for part in names if part}
        other[content["l"]] = content["t"]
    rows = {
        "reference": table["content_id"].replace(other), "distorted": table["test_file"], "line": table["line"],
        "distortion": table["distortion_name"], "level": table["dist_level"], "opinion": table["JOD"],
        "reference_file": "images/" + table["reference_file"], "distorted_file": "images/" + table["test_file"],
    }  # fmt: skip
    return assemble(config, pd.DataFrame(rows), root)
