"""RAID: ``responses.csv`` with a response to every image, or ``answers.csv`` with people's answers about quadruples.

In every trial people saw two pairs of versions of one picture, and said which pair differs more. Names look like
``rot_img_01_level_02.png``: distortion, picture, level; level 1 is the picture itself.
"""

import re
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import QUADRUPLES, Benchmark, assemble, find_opinions, two_rows_a_triplet
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.names import anywhere
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_RESPONSES, _ANSWERS = "responses.csv", "answers.csv"
# what the answers call a distortion, and the names of its images
_WORDS = {"rotation": "rot", "translation": "trans", "scale": "scale", "gaussian_noise": "gn"}
_NAME = re.compile(r"(rot|trans|scale|gn)_(img_\d\d)_level_(\d\d)\.png", re.IGNORECASE)
_LEVELS = ["distortion_level_11", "distortion_level_12", "distortion_level_21", "distortion_level_22"]


def load(config: BenchmarkConfig) -> Benchmark:
    """The images with their responses (protocol ``mos``), or the questions (``quadruples``; ``votes`` are averaged).

    Images are looked for in every folder of the database.

    Raises:
        UserError: files are missing or damaged.
    """
    if config.protocol == QUADRUPLES:
        root, file = find_opinions(config, _ANSWERS)
        return assemble(config, two_rows_a_triplet(_questions(file, root)), root)
    root, file = find_opinions(config, _RESPONSES)
    return assemble(config, _images(file, root), root)


def _images(file: Path, root: Path) -> pd.DataFrame:
    """A row an image; those of level 1 are copies of references."""
    table = read_columns(file, ["Reference", "Distorted", "Response"])
    parts = table["Distorted"].map(_NAME.fullmatch)
    wrong = table.loc[parts.isna(), "Distorted"]
    if len(wrong):
        raise UserError(f"{file}: expected a name like rot_img_01_level_02.png, found {wrong.iloc[0]!r}")
    names = [f"{part[2]}.png".lower() for part in parts]
    foreign = table.loc[table["Reference"].str.lower() != names]
    if len(foreign):
        first = foreign.iloc[0]
        raise UserError(f"{file}: {first['Distorted']} is listed with the reference {first['Reference']}")
    words = {short: word for word, short in _WORDS.items()}
    level = [int(part[3]) for part in parts]
    find = anywhere(root)
    return pd.DataFrame(
        {
            "reference": table["Reference"], "distorted": table["Distorted"], "opinion": table["Response"],
            "distortion": [words[part[1].lower()] for part in parts], "level": level, "line": table["line"],
            "reference_file": table["Reference"].map(find), "distorted_file": table["Distorted"].map(find),
            "reference_copy": [step == 1 for step in level],
        }
    )  # fmt: skip


def _questions(file: Path, root: Path) -> pd.DataFrame:
    """A row an answer, whose pairs begin with the lower level: which side it was shown on is left out."""
    table = read_columns(file, ["transformation", "image_id_01", *_LEVELS, "answer"])
    named = table.rename(columns={"transformation": "distorted"})  # for errors
    kinds = table["transformation"].str.strip().str.lower().map(_WORDS)
    if kinds.isna().any():
        row = table.loc[kinds.isna()].iloc[0]
        raise UserError(
            f"{file}:{row['line']}: unknown transformation {row['transformation']!r}, expected {', '.join(_WORDS)}"
        )
    numbers = {}
    for column, most in [("image_id_01", 99), *((level, 10) for level in _LEVELS), ("answer", 2)]:
        values = as_numbers(table[column], named, column, f"{file}: ")
        bad = table.loc[~(values.isin(range(1, most + 1)))]
        if len(bad):
            row = bad.iloc[0]
            raise UserError(f"{file}:{row['line']}: {column} is {row[column]!r}, expected a number from 1 to {most}")
        numbers[column] = values.astype(int)
    picture = [f"img_{number:02}" for number in numbers["image_id_01"]]
    find = anywhere(root)
    rows = {
        "reference": [f"{name}.png" for name in picture],
        "distortion": table["transformation"].str.strip().str.lower(),
        "preference": (numbers["answer"] == 1).astype(float),  # 1: the left pair differs more, so the right one less
        "line": table["line"],
    }
    for side, pair in (("left", _LEVELS[:2]), ("right", _LEVELS[2:])):
        levels = pd.DataFrame([numbers[level] for level in pair])
        ends = {}
        for end, steps in (("first", levels.min()), ("second", levels.max())):
            parts = zip(kinds, picture, steps, strict=True)
            ends[end] = [f"{kind}_{name}_level_{step:02}.png" for kind, name, step in parts]
        rows[side] = [f"{first} and {second}" for first, second in zip(ends["first"], ends["second"], strict=True)]
        rows[f"{side}_reference_file"] = [find(name) for name in ends["first"]]
        rows[f"{side}_file"] = [find(name) for name in ends["second"]]
    return pd.DataFrame(rows)
