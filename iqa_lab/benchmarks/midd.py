"""MIDD-CAP: ``data_vlrate/result_496.csv`` (248, 124), how many of 30 people saw no difference, in percent.

The numbers stand in the order of photographs, patches and JPEG qualities 20 to 90, without names. References are
``source_image_496/kodak1.png`` (of patches ``source_image_248/kodak1_1.png``), compressed images
``distortion_image_496/kodak1_20.png``.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import number, read_text
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_PATCHES = {"496": (None,), "248": (1, 2), "124": (1, 2, 3, 4)}  # of each size
_PHOTOGRAPHS, _QUALITIES = range(1, 25), range(20, 100, 10)
_CLEAR = 20  # percent by which the best and the worst quality have to differ


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of one size; the opinion is the share of people to whom the image looked like its reference.

    Patches of one photograph are one reference to intervals.

    Raises:
        UserError: files are missing or damaged.
    """
    part = re.fullmatch(r"data_vlrate/result_(496|248|124)\.csv", str(config.opinions))
    if part is None:
        raise UserError(f"benchmark {config.name}: benchmark.opinions is data_vlrate/result_496.csv, _248 or _124")
    size = part[1]
    root, file = find_opinions(config, part[0])
    stems = [
        f"kodak{photograph}" + ("" if patch is None else f"_{patch}")
        for photograph in _PHOTOGRAPHS
        for patch in _PATCHES[size]
    ]
    same = _shares(file, len(stems)).reshape(len(stems), len(_QUALITIES))
    rows = [
        (f"{stem.split('_')[0]}.png", f"{stem}_{quality}.png", quality, share, f"source_image_{size}/{stem}.png",
         f"distortion_image_{size}/{stem}_{quality}.png")
        for stem, shares in zip(stems, same, strict=True)
        for quality, share in zip(_QUALITIES, shares, strict=True)
    ]  # fmt: skip
    columns = ["reference", "distorted", "level", "opinion", "reference_file", "distorted_file"]
    return assemble(config, pd.DataFrame(rows, columns=columns).assign(distortion="jpeg"), root)


def _shares(file: Path, count: int) -> np.ndarray:
    """Of each image the share of people to whom it looked the same.

    Nobody sees a JPEG quality of 90 more easily than one of 20: if the numbers are higher for 20 they are shares of
    people who *saw* the difference, as the publisher's example is, though not the publisher's text.
    """
    words = [word for word in re.split(r"[\s,;]+", read_text(file)) if word]
    expected = count * len(_QUALITIES)
    if len(words) != expected:
        raise UserError(f"{file} has {len(words)} numbers, {expected} are expected: one an image, and no header")
    try:
        percent = np.array([number(word) for word in words])
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error
    if not ((percent >= 0) & (percent <= 100)).all():
        raise UserError(f"{file}: percentages are expected, found {percent[~((percent >= 0) & (percent <= 100))][0]:g}")
    means = percent.reshape(count, len(_QUALITIES)).mean(axis=0)
    if abs(means[0] - means[-1]) < _CLEAR:
        raise UserError(
            f"{file}: JPEG qualities 20 and 90 have {means[0]:.0f} and {means[-1]:.0f} % on average, which does not "
            "tell whether people saw a difference or none"
        )
    return percent / 100 if means[-1] > means[0] else 1 - percent / 100
