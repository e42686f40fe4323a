"""MCL-JCI: ``JND_samples/JND_image_01.txt``, a line a person with the JPEG qualities where a difference was noticed.

``distorted_image/ImageJND_SRC01/ImageJND_SRC01_001.jpg`` to ``_100.jpg`` are one photograph at each JPEG quality.
People went down from quality 100, which is the reference here: each number is the highest quality that differs
noticeably from the one before it.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import read_text
from iqa_lab.benchmarks.names import Names
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_SAMPLES = "JND_samples"
_NAME = re.compile(r"JND_image_(\d\d)\.txt", re.IGNORECASE)
_BEST = 100  # the JPEG quality that people began with


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of MCL-JCI; the opinion is the mean number of noticed steps from quality 100 down to the image's.

    Raises:
        UserError: files are missing or damaged.
    """
    root, folder = find_opinions(config, _SAMPLES)
    files = {part[1]: file for file in Names(folder).paths() if (part := _NAME.fullmatch(file.name))}
    if not files:
        raise UserError(f"benchmark {config.name}: there are no files JND_image_01.txt ... in {folder}")
    quality = np.arange(1, _BEST)
    parts = []
    for number, file in files.items():
        steps = _steps(file, config.people)
        noticed = np.array([[np.sum(person >= step) for step in quality] for person in steps])
        stem = f"ImageJND_SRC{number}"
        names = [f"{stem}_{step:03}.jpg" for step in (*quality, _BEST)]
        rows = pd.DataFrame(
            {
                "distorted": names[:-1], "distorted_file": [_place(stem, name) for name in names[:-1]],
                "level": quality, "opinion": noticed.mean(axis=0), "opinion_std": noticed.std(axis=0, ddof=1),
            }
        )  # fmt: skip
        parts.append(rows.assign(reference=names[-1], reference_file=_place(stem, names[-1]), distortion="jpeg"))
    return assemble(config, pd.concat(parts, ignore_index=True), root)


def _place(stem: str, name: str) -> str:
    return f"distorted_image/{stem}/{name}"


def _steps(file: Path, people: int | None) -> list[np.ndarray]:
    """Of each person the qualities of the noticed steps."""
    found = []
    for number, line in enumerate(read_text(file).splitlines(), 1):
        words = [word for word in re.split(r"[\s,;]+", line.strip()) if word]
        if not words:
            continue
        if not all(word.isdecimal() and word.isascii() and int(word) <= _BEST for word in words):
            raise UserError(f"{file}:{number}: expected JPEG qualities from 0 to {_BEST}, found {line.strip()[:40]!r}")
        found.append(np.array([int(word) for word in words]))
    if len(found) < 2 or (people is not None and len(found) != people):
        raise UserError(f"{file} has the answers of {len(found)} people, {people or 'at least 2'} are expected")
    return found
