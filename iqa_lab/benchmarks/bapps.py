"""BAPPS: choices between two distorted patches, ``2afc/val/<kind>/{ref,p0,p1,judge}/000000``.

The judges' answers are small NumPy files: the share of people who chose ``p1``.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_entry, find_root, list_folder, two_rows_a_triplet
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.progress import track

_CHOICES = "2afc"


def load(config: BenchmarkConfig) -> Benchmark:
    """The triplets of one part of BAPPS (``benchmark.opinions``: val or train).

    Raises:
        UserError: folders are missing, or an answer is damaged.
    """
    root = find_root(config, _CHOICES)
    part = find_entry(find_entry(root, _CHOICES) or root, str(config.opinions)) or root / _CHOICES / str(
        config.opinions
    )
    kinds = {name: folder for name, folder in sorted(list_folder(part).items()) if folder.is_dir()}
    if not kinds:
        raise UserError(f"benchmark {config.name}: there is no folder {part} with kinds of distortions")
    answers = [
        (kind, file) for kind, folder in kinds.items() for _, file in sorted(list_folder(folder / "judge").items())
    ]
    rows = []
    for kind, file in track(answers, f"reading the answers of {config.name}"):
        image = f"{part.relative_to(root).as_posix()}/{kinds[kind].name}/{{}}/{file.stem}.png"
        names = {"reference": "ref", "left": "p0", "right": "p1"}
        entry = {f"{name}_file": image.format(folder) for name, folder in names.items()}
        short = {name: f"{kind}/{folder}/{file.stem}.png" for name, folder in names.items()}
        rows.append({**entry, **short, "distortion": kind, "preference": _answer(file)})
    return assemble(config, two_rows_a_triplet(pd.DataFrame(rows)), root)


def _answer(file: Path) -> float:
    try:
        (share,) = np.load(file, allow_pickle=False).ravel()
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{file} is damaged: {' '.join(str(error).split())[:100]}") from error
    return round(float(share), 6)  # stored as float32: .6 is .6000000238
