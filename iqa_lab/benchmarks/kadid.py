"""KADID-10k: ``images/`` with references and distorted images in one folder, and ``dmos.csv``.

Names look like ``I01_02_03.png``: reference, distortion type, level.
"""

import re

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "dmos.csv"
_NAME = re.compile(r"(i\d\d)_(\d\d)_(\d\d)\.png", re.IGNORECASE)


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of KADID-10k.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _OPINIONS)
    table = read_columns(file, ["dist_img", "ref_img", "dmos", "var"])
    parts = table["dist_img"].map(_NAME.fullmatch)
    wrong = table.loc[parts.isna(), "dist_img"]
    if len(wrong):
        raise UserError(f"{file}: expected a name like I01_02_03.png, found {wrong.iloc[0]}")
    rows = pd.DataFrame(
        {
            "reference": table["ref_img"],
            "distorted": table["dist_img"],
            "distortion": [str(int(part[2])) for part in parts],
            "level": [int(part[3]) for part in parts],
            "opinion": table["dmos"],
            "opinion_std": table["var"],
            "line": table["line"],
        }
    )
    named = [f"{part[1]}.png".lower() for part in parts]
    foreign = rows.loc[rows["reference"].str.lower() != named]
    if len(foreign):
        first = foreign.iloc[0]
        raise UserError(f"{file}: {first['distorted']} is listed with the reference {first['reference']}")
    rows["reference_file"] = "images/" + rows["reference"]
    rows["distorted_file"] = "images/" + rows["distorted"]
    return assemble(config, rows, root)
