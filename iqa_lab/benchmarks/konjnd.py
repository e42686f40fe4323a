"""KonJND-1k: ``subjective_ratings.csv``, the first visible step of a compression for each of some forty people.

Compressed images are numbered, ``jpeg/SRC0001_JPEG_001.jpg`` to 100 and ``bpg/SRC0505_BPG_001.png`` to 51; the ratings
are such numbers. Whether the numbers grow with the distortion or with the quality is read from the files.
"""

import json
import os
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.names import finder
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_RATINGS = "subjective_ratings.csv"
# of each compression: the folder, the ending, and how many images a source has
_KINDS = {"JPEG": ("jpeg", "jpg", 100), "BPG": ("bpg", "png", 51)}


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of KonJND-1k; the opinion is the share of people to whom the compressed image looked like its source.

    Raises:
        UserError: files are missing or damaged, or do not tell which end of the numbers is the better one.
    """
    root, file = find_opinions(config, _RATINGS)
    table = read_columns(file, ["image_id", "Compression type", "No. of ratings", "ratings"])
    worse = {kind: _grows_worse(config, table, root, kind) for kind in table["Compression type"].unique()
             if kind in _KINDS}  # fmt: skip
    parts = []
    for row in table.to_dict("records"):
        kind, place = row["Compression type"], f"{file}:{row['line']}"
        if kind not in _KINDS:
            raise UserError(f"{place}: unknown compression {kind!r}, expected {' or '.join(_KINDS)}")
        folder, ending, count = _KINDS[kind]
        ratings = _ratings(row, place)
        numbers = np.arange(1, count + 1)
        unseen = ratings > numbers[:, None] if worse[kind] else ratings < numbers[:, None]
        stem = str(row["image_id"]).removesuffix(".png")
        names = [f"{stem}_{kind}_{number:03}.{ending}" for number in numbers]
        part = {"distorted": names, "distorted_file": [f"{folder}/{name}" for name in names], "level": numbers,
                "opinion": unseen.mean(axis=1)}  # fmt: skip
        parts.append(
            pd.DataFrame(part).assign(
                reference=f"{stem}.png", reference_file=f"source_image/{stem}.png", distortion=kind, line=row["line"]
            )
        )
    if not parts:
        raise UserError(f"{file} has a header, but no row below it")
    return assemble(config, pd.concat(parts, ignore_index=True), root)


def _ratings(row: Mapping[Hashable, object], place: str) -> np.ndarray:
    """The numbers at which people saw a difference first, as many as the row says."""
    try:
        found = np.array(json.loads(str(row["ratings"])), dtype=float)
    except (ValueError, TypeError) as error:
        raise UserError(f"{place}: ratings are expected as [34, 51], found {str(row['ratings'])[:40]!r}") from error
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all() or str(len(found)) != row["No. of ratings"]:
        raise UserError(f"{place}: {row['No. of ratings']} ratings are expected, found {str(row['ratings'])[:40]!r}")
    return found


def _grows_worse(config: BenchmarkConfig, table: pd.DataFrame, root: Path, kind: str) -> bool:
    """Whether the images of a compression get worse with their numbers: the first file is then the largest.

    Raises:
        UserError: sources disagree, or no source has both its first and its last image.
    """
    folder, ending, count = _KINDS[kind]
    find, larger = finder(root), []
    for image in table.loc[table["Compression type"] == kind, "image_id"]:
        stem = str(image).removesuffix(".png")
        ends = [find(f"{folder}/{stem}_{kind}_{number:03}.{ending}") for number in (1, count)]
        if all(ends):
            first, last = (os.path.getsize(path) for path in ends)
            larger.append(np.sign(first - last))
    if set(larger) not in ({1}, {-1}):
        found = "no source has both" if not larger else "sources disagree"
        raise UserError(
            f"benchmark {config.name} in {root}: which number of {kind} is the better quality is told by the sizes of "
            f"the images 001 and {count:03} of {folder}/, but {found}"
        )
    return set(larger) == {1}
