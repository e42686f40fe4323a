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
    shared = table[~table["repeating_content_id"].isin(_NONE)].drop_duplicates("content_id")
    for mine, theirs, line in shared[["content_id", "repeating_content_id", "line"]].itertuples(index=False):
        parts = [part for name in (mine, theirs) if (part := _CONTENT.fullmatch(str(name)))]
        content = {part[1]: f"{part[1]}-i{int(part[2]):02}" for part in parts}
        if set(content) != {"l", "t"}:
            raise UserError(f"{file}:{line}: {mine} and {theirs} are expected to be one photograph, as l-i01 and t-05")
        other[content["l"]] = content["t"]
    rows = {
        "reference": table["content_id"].replace(other), "distorted": table["test_file"], "line": table["line"],
        "distortion": table["distortion_name"], "level": table["dist_level"], "opinion": table["JOD"],
        "reference_file": "images/" + table["reference_file"], "distorted_file": "images/" + table["test_file"],
    }  # fmt: skip
    return assemble(config, pd.DataFrame(rows), root)
