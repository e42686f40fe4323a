"""JPEG AIC: reconstructed differences of images near the threshold of vision, in just noticeable differences (JND).

AIC-3 (``decoded/info.csv``) has ``original/<picture>.png`` and ``decoded/<picture>/<codec>_<picture>_<quality>.png``;
its differences count downwards from 0. AIC-4 (``JPEG_AIC_reconstructed_jnd_scores.csv``) has ``PTC_images/<number>/``,
and a 95 % interval of each difference.
"""

from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_AIC3 = "decoded/info.csv"
_PERSONS = "subjective"  # the method of values that come from people; the others are interpolated
_METHODS = (_PERSONS, "estimated")
_INTERVAL = 2 * 1.96  # a 95 % interval in standard errors


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of the list that ``benchmark.opinions`` names.

    Raises:
        UserError: files are missing or damaged.
    """
    if config.opinions is None:
        raise UserError(f"benchmark {config.name}: benchmark.opinions has to name the list")
    root, file = find_opinions(config, config.opinions)
    return assemble(config, _aic3(file) if config.opinions == _AIC3 else _aic4(file), root)


def _aic3(file: Path) -> pd.DataFrame:
    table = read_columns(file, ["score.jnd", "codec", "img.name", "quality", "method"])
    unknown = table.loc[~table["method"].isin(_METHODS)]
    if len(unknown):
        row = unknown.iloc[0]
        raise UserError(f"{file}:{row['line']}: the method is {row['method']!r}, expected {' or '.join(_METHODS)}")
    table = table[table["method"] == _PERSONS].reset_index(drop=True)
    picture, codec = table["img.name"], table["codec"]
    name = codec + "_" + picture + "_" + table["quality"] + ".png"
    return pd.DataFrame(
        {
            "reference": picture + ".png", "distorted": name, "distortion": codec, "level": table["quality"],
            "opinion": table["score.jnd"], "line": table["line"],
            "reference_file": "original/" + picture + ".png", "distorted_file": "decoded/" + picture + "/" + name,
        }
    )  # fmt: skip


def _aic4(file: Path) -> pd.DataFrame:
    columns = ["img_num", "dlevel", "img_source", "img_distorted", "distortion", "CI_min", "CI_max"]
    table = read_columns(file, columns)
    named = table.rename(columns={"distortion": "opinion", "img_distorted": "distorted"})
    number, low, high = (
        as_numbers(table[name], named, name, f"{file}: ") for name in ("img_num", "CI_min", "CI_max")
    )  # fmt: skip
    parts = table["img_distorted"].str.split("_")  # as PTC_00002_JPEG-2000_01.png
    wrong = (parts.map(len) != 4) | (number % 1 != 0) | ~(low <= high)
    if wrong.any():
        raise UserError(
            f"{file}:{table.loc[wrong, 'line'].iloc[0]}: expected a whole img_num, a name like PTC_00002_AVIF_01.png, "
            "and CI_min up to CI_max"
        )
    folder = pd.Series([f"PTC_images/{int(value):05}/" for value in number])
    return pd.DataFrame(
        {
            "reference": table["img_source"], "distorted": table["img_distorted"], "distortion": parts.str[2],
            "level": table["dlevel"], "opinion": table["distortion"], "opinion_std": (high - low) / _INTERVAL,
            "line": table["line"], "reference_file": folder + table["img_source"],
            "distorted_file": folder + table["img_distorted"],
        }
    )  # fmt: skip
