"""Databases whose opinions are read from a list of icbcbicc/IQA-Dataset: one form for many publishers' own files.

A list (https://github.com/icbcbicc/IQA-Dataset, MIT) is a CSV file with the columns ``dis_img_path, dis_type,
ref_img_path, score``; the first folder of its paths stands for the database's own folder, in which the list has to lie.
"""

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_COLUMNS = ["dis_img_path", "dis_type", "ref_img_path", "score"]
_REFERENCE = "Reference"  # the type of references that were judged among the distorted images


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a list.

    An image is named by its path, since some databases have several images of one name.

    Raises:
        UserError: files are missing or damaged.
    """
    if config.opinions is None:
        raise UserError(f"benchmark {config.name}: benchmark.opinions has to name the list")
    root, file = find_opinions(config, config.opinions)
    table = read_columns(file, _COLUMNS)
    inside = {column: table[column].str.partition("/")[2] for column in ("dis_img_path", "ref_img_path")}
    rows = pd.DataFrame(
        {
            "reference": inside["ref_img_path"].str.rpartition("/")[2],
            "distorted": inside["dis_img_path"],
            "distortion": table["dis_type"],
            "level": 0,
            "opinion": table["score"],
            "line": table["line"],
            "reference_file": inside["ref_img_path"],
            "distorted_file": inside["dis_img_path"],
            "reference_copy": table["dis_type"] == _REFERENCE,
        }
    )
    return assemble(config, rows, root)
