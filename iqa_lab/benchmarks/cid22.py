"""CID22: ``CID22_validation_set.csv``, a row an image; and mucped23: ``answers.csv``, choices about its photographs.

Paths in CID22's list are relative to it. mucped23 has a folder an encoder beside ``originals/``, and an answer names
the image that somebody found *worse*.
"""

from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICE, Benchmark, assemble, find_opinions, two_rows_a_triplet
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_SCORES, _ANSWERS = "CID22_validation_set.csv", "answers.csv"
_REFERENCE = "Reference"  # the encoder of the rows of references themselves
_SAME = {"3316926_opo25u.png": "844297.png"}  # one picture under two names: intervals draw it once


def load(config: BenchmarkConfig) -> Benchmark:
    """The images with their opinions (protocol ``mos``: CID22), or the triplets (``2afc``: mucped23).

    Raises:
        UserError: files are missing or damaged.
    """
    if config.protocol == CHOICE:
        root, file = find_opinions(config, _ANSWERS)
        return assemble(config, two_rows_a_triplet(_triplets(file)), root)
    root, file = find_opinions(config, _SCORES)
    table = read_columns(file, ["reference_img", "distorted_img", "encoder", "setting", "MCOS"])
    rows = {
        "reference": _pictures(table["reference_img"]), "distorted": table["distorted_img"], "line": table["line"],
        "distortion": table["encoder"], "level": table["setting"], "opinion": table["MCOS"],
        "reference_file": table["reference_img"], "distorted_file": table["distorted_img"],
        "reference_copy": table["encoder"] == _REFERENCE,
    }  # fmt: skip
    return assemble(config, pd.DataFrame(rows), root)


def _pictures(paths: pd.Series) -> pd.Series:
    """The names of photographs, each under one of its names."""
    return paths.str.rpartition("/")[2].replace(_SAME)


def _triplets(file: Path) -> pd.DataFrame:
    """A row an answer."""
    table = read_columns(file, ["methodA", "methodB", "originalName", "answerValue"])
    worse = table["answerValue"].str.upper()
    if not worse.isin(["A", "B"]).all():
        row = table.loc[~worse.isin(["A", "B"])].iloc[0]
        raise UserError(f"{file}:{row['line']}: the answer is {row['answerValue']!r}, expected A or B")
    original = "originals/" + table["originalName"] + ".png"
    sides = {name: table[method] + "/" + table["originalName"] + ".png"
             for name, method in (("left", "methodA"), ("right", "methodB"))}  # fmt: skip
    return pd.DataFrame(
        {
            "reference": _pictures(original), "reference_file": original, "distortion": "", "line": table["line"],
            **sides, **{f"{name}_file": path for name, path in sides.items()},
            "preference": (worse == "A").astype(float),
        }
    )  # fmt: skip
