"""BAPPS: ``2afc/val/<kind>/{ref,p0,p1,judge}/000000`` and ``jnd/val/<kind>/{p0,p1,same}/000000``.

``2afc`` holds choices between two distorted patches: ``judge`` is the share of people who chose ``p1``. ``jnd`` holds
pairs of patches: ``same`` is the share of people to whom they were the same. Both are small NumPy files.
"""

from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import (
    CHOICE,
    Benchmark,
    assemble,
    find_root,
    two_rows_a_triplet,
)
from iqa_lab.benchmarks.names import Names, find_entry
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from iqa_lab.progress import track

# of each protocol: the folder of the experiment, and of people's answers in it
_LARGEST_ANSWER = 4096  # bytes; the official files have 132
_CHOICES, _SAMENESS = ("2afc", "judge"), ("jnd", "same")


def load(config: BenchmarkConfig) -> Benchmark:
    """The triplets (protocol ``2afc``) or pairs (``mos``) of one part of BAPPS (``benchmark.opinions``: val or train).

    Raises:
        UserError: folders are missing, or an answer is damaged.
    """
    experiment, answers = _CHOICES if config.protocol == CHOICE else _SAMENESS
    root = find_root(config, experiment)
    above = find_entry(root, experiment) or root / experiment
    part = find_entry(above, str(config.opinions)) or above / str(config.opinions)
    kinds = {folder.name: folder for folder in Names(part).paths() if folder.is_dir()}
    if not kinds:
        raise UserError(f"benchmark {config.name}: there is no folder {part} with kinds of distortions")
    files = [
        (kind, file)
        for kind, folder in kinds.items()
        for file in Names(find_entry(folder, answers) or folder / answers).paths()
    ]
    names = ("ref", "p0", "p1") if config.protocol == CHOICE else ("p0", "p1")
    within = part.relative_to(root).as_posix()
    rows = []
    for kind, file in track(files, f"reading the answers of {config.name}"):
        named = [f"{kind}/{name}/{file.stem}.png" for name in names]
        places = [f"{within}/{kind}/{name}/{file.stem}.png" for name in names]
        rows.append((*named, *places, kind, _answer(file)))
    if config.protocol == CHOICE:
        shown = ["reference", "left", "right"]
        columns = [*shown, *(f"{name}_file" for name in shown), "distortion", "preference"]
        return replace(
            assemble(config, two_rows_a_triplet(pd.DataFrame(rows, columns=columns)), root), layout=root.name
        )
    columns = ["reference", "distorted", "reference_file", "distorted_file", "distortion", "opinion"]
    return replace(assemble(config, pd.DataFrame(rows, columns=columns).assign(level=0), root), layout=root.name)


def _answer(file: Path) -> float:
    try:
        if file.stat().st_size > _LARGEST_ANSWER:
            raise UserError(f"{file} is damaged: one number has at most {_LARGEST_ANSWER} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}") from error
    end = 10 + int.from_bytes(content[8:10], "little")  # of the header, in version 1.0 of the format
    try:
        (share,) = np.frombuffer(content[end:], _type(content[:end]))
    except (ValueError, TypeError) as error:
        raise UserError(f"{file} is damaged: {' '.join(str(error).split())[:100]}") from error
    if not np.isrealobj(share):
        raise UserError(f"{file} is damaged: it holds a complex number")
    return round(float(share), 6)  # stored as float32: .6 is .6000000238


@cache  # all files of an experiment have the same header, and numpy takes its time to parse one
def _type(header: bytes) -> np.dtype[Any]:
    """The type of the numbers in a NumPy file."""
    file = BytesIO(header)
    np.lib.format.read_magic(file)
    _, _, kind = np.lib.format.read_array_header_1_0(file)
    if kind.hasobject:
        raise ValueError("it holds no numbers")
    return kind
