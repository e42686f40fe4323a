"""KonFiG-IQA: ``DATA/EXP_III/data3.csv``, a category of degradation from each person for each image.

Images lie in ``IMAGES/PartA/<source>/<distortion>/<source>_<distortion>_<level>.png``, references in
``IMAGES/reference_images/<source>_0.png``; level 0 is the reference itself.
"""

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.config import BenchmarkConfig

_RATINGS = "DATA/EXP_III/data3.csv"
_COLUMNS = ["Source", "Distortion Type", "Distortion Level", "Answer"]


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of KonFiG-IQA's part A; ``benchmark.votes`` averages the categories.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _RATINGS)
    table = read_columns(file, _COLUMNS)
    source, kind, level = (table[name] for name in _COLUMNS[:3])
    name = source + "_" + kind + "_" + level + ".png"
    rows = {
        "reference": source + "_0.png", "distorted": name, "distortion": kind, "level": level,
        "opinion": table["Answer"], "line": table["line"], "reference_copy": level == "0",
        "reference_file": "IMAGES/reference_images/" + source + "_0.png",
        "distorted_file": "IMAGES/PartA/" + source + "/" + kind + "/" + name,
    }  # fmt: skip
    return assemble(config, pd.DataFrame(rows), root)
