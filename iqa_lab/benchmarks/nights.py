"""NIGHTS: choices between two variations of a picture, ``data.csv`` with ``ref/``, ``distort/`` (DreamSim, 2023)."""

from dataclasses import replace

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions, two_rows_a_triplet
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "data.csv"
_COLUMNS = ["right_vote", "votes", "ref_path", "left_path", "right_path", "split", "is_imagenet"]
_VOTES = 6  # the official evaluation keeps triplets on which at least so many people agreed


def load(config: BenchmarkConfig) -> Benchmark:
    """The triplets of one part of NIGHTS (``benchmark.opinions``: train, val or test) that enough people agreed on.

    ``benchmark.people`` is what the column ``votes`` says of them, unless it is set.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _OPINIONS)
    table = read_columns(file, _COLUMNS)
    agreed = as_numbers(table["votes"], table.rename(columns={"right_path": "right"}), "votes")
    chosen = (table["split"] == config.opinions) & (agreed >= _VOTES)
    kept, people = table[chosen].reset_index(drop=True), agreed[chosen]
    triplets = pd.DataFrame(
        {
            "reference": kept["ref_path"], "left": kept["left_path"], "right": kept["right_path"],
            "preference": kept["right_vote"], "line": kept["line"],
            "distortion": kept["is_imagenet"].str.lower().map({"true": "imagenet"}).fillna("no_imagenet"),
            "reference_file": kept["ref_path"], "left_file": kept["left_path"], "right_file": kept["right_path"],
        }
    )  # fmt: skip
    if config.people is None and len(kept):
        config = replace(config, people=_people(people, kept))
    return assemble(config, two_rows_a_triplet(triplets), root)


def _people(votes: pd.Series, triplets: pd.DataFrame) -> int | list[int]:
    """How many people judged a triplet: a number, or the fewest and the most.

    Raises:
        UserError: there are parts of people.
    """
    wrong = ~votes.reset_index(drop=True).mod(1).eq(0)
    if wrong.any():
        raise UserError(f"{_OPINIONS}:{triplets.loc[wrong, 'line'].iloc[0]}: votes are whole numbers of people")
    fewest, most = int(votes.min()), int(votes.max())
    return fewest if fewest == most else [fewest, most]
