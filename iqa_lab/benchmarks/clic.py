"""CLIC, perceptual track: which of two reconstructions of a crop somebody preferred, an answer a line, no header.

A line holds the names of the original, of two images, and 0 or 1: the first image was preferred, or the second.
"""

import csv
import io
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions, two_rows_a_triplet
from iqa_lab.benchmarks.lists import read_text
from iqa_lab.benchmarks.names import anywhere
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_COLUMNS = ["original", "left", "right", "answer", "line"]


def load(config: BenchmarkConfig) -> Benchmark:
    """The triplets of the list that ``benchmark.opinions`` names, with its answers as votes.

    Trials that only tell whether somebody pays attention, in which the original or the same image twice was to choose
    from, are no questions to a metric, and left out. Images are looked for in every folder of the database.

    Raises:
        UserError: files are missing or damaged.
    """
    if config.opinions is None:
        raise UserError(f"benchmark {config.name}: benchmark.opinions has to name the list of answers")
    root, file = find_opinions(config, config.opinions)
    table = _answers(file)
    asked = (table["left"] != table["right"]) & ~table[["left", "right"]].eq(table["original"], axis=0).any(axis=1)
    table = table[asked].reset_index(drop=True)
    if table.empty:
        raise UserError(f"{file} holds no question: in every line the original or one image twice is to choose from")
    find = anywhere(root)
    triplets = table.rename(columns={"original": "reference", "answer": "preference"}).assign(
        distortion="", **{f"{name}_file": table[column].map(find)
                          for name, column in (("reference", "original"), ("left", "left"), ("right", "right"))}
    )  # fmt: skip
    return assemble(config, two_rows_a_triplet(triplets), root)


def _answers(file: Path) -> pd.DataFrame:
    """A row an answer: ``original, left, right``, ``answer`` 0 or 1, and its ``line``."""
    lines = csv.reader(io.StringIO(read_text(file), newline=""), skipinitialspace=True)
    rows = []
    for fields in lines:
        named = [field.strip() for field in fields]
        if not any(named):
            continue
        if len(named) != 4 or not all(named[:3]) or named[3] not in ("0", "1"):
            raise UserError(f"{file}:{lines.line_num}: expected the names of an original and two images, and 0 or 1")
        rows.append((*named[:3], float(named[3]), lines.line_num))
    return pd.DataFrame(rows, columns=_COLUMNS)
