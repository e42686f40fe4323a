"""Rows of opinions -> the same without those that compare a reference with itself, which ask nothing of a metric."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.benchmarks.names import folded, places
from iqa_lab.benchmarks.opinions import CHOICES
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError


def without_copies(config: BenchmarkConfig, rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The rows without those that compare a reference with itself, and how many pairs or questions these are.

    Of choices, a triplet is one in which the reference stands on one of the two sides, and a quadruple one of whose
    pairs is an image with itself. With ``benchmark.reference_copies`` nothing is left out.

    Args:
        config: the benchmark's settings.
        rows: cleaned, with ``reference_path`` and ``distorted_path``; ``reference_copy`` where the loader knows.

    Returns:
        Rows with ``reference_copy``, and the number that was left out.

    Raises:
        UserError: nothing else is there.
    """
    copies = rows["reference_copy"].to_numpy(dtype=bool) if "reference_copy" in rows else np.zeros(len(rows), bool)
    if config.protocol in CHOICES:
        copies = np.repeat((copies | _of_one_file(rows)).reshape(-1, 2).any(axis=1), 2)
    rows = rows.assign(reference_copy=copies)
    if config.reference_copies or not copies.any():
        return rows, 0
    if copies.all():
        raise UserError(
            f"benchmark {config.name}: every opinion is of a reference and itself, whose distance is 0 whatever the "
            "metric; benchmark.reference_copies=true scores them"
        )
    return rows[~copies], int(copies.sum()) // (2 if config.protocol in CHOICES else 1)


def _of_one_file(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether the distorted image of a row is the file of its reference; where it is missing, by its place's name."""
    sides = [
        [
            place if path else f"missing {folded(file)}"
            for path, place, file in zip(paths, places(paths), files, strict=True)
        ]
        for paths, files in ((rows[f"{side}_path"], rows[f"{side}_file"]) for side in ("reference", "distorted"))
    ]
    return np.array([one == other for one, other in zip(*sides, strict=True)], dtype=bool)
