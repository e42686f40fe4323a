"""NIGHTS: choices between two variations of a picture, ``data.csv`` with ``ref/``, ``distort/`` (DreamSim, 2023)."""

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions, two_rows_a_triplet
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig

_OPINIONS = "data.csv"
_COLUMNS = ["right_vote", "votes", "ref_path", "left_path", "right_path", "split", "is_imagenet"]
_VOTES = 6  # the official evaluation keeps triplets on which at least so many people agreed


def load(config: BenchmarkConfig) -> Benchmark:
    """The triplets of one part of NIGHTS (``benchmark.opinions``: train, val or test) that enough people agreed on.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _OPINIONS)
    table = read_columns(file, _COLUMNS)
    agreed = as_numbers(table["votes"], table.rename(columns={"right_path": "right"}), "votes")
    kept = table[(table["split"] == config.opinions) & (agreed >= _VOTES)].reset_index(drop=True)
    triplets = pd.DataFrame(
        {
            "reference": kept["ref_path"], "left": kept["left_path"], "right": kept["right_path"],
            "preference": kept["right_vote"], "line": kept["line"],
            "distortion": kept["is_imagenet"].str.lower().map({"true": "imagenet"}).fillna("no_imagenet"),
            "reference_file": kept["ref_path"], "left_file": kept["left_path"], "right_file": kept["right_path"],
        }
    )  # fmt: skip
    return assemble(config, two_rows_a_triplet(triplets), root)
