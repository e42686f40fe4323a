"""PIPAL: ``Train_Ref/``, ``Distortion_1/`` to ``Distortion_4/``, and a list ``Train_Label/A0001.txt`` a reference.

Names look like ``A0001_02_03.bmp``: reference, group of distortions, number. A copy whose distorted images were put
into one folder ``Dist_Imgs`` is read, too.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import COLUMNS, Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import number as as_number
from iqa_lab.benchmarks.lists import read_text
from iqa_lab.benchmarks.names import Names, find_entry
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_LABELS = "Train_Label"
_FOLDERS = ("Distortion_1", "Distortion_2", "Distortion_3", "Distortion_4", "Dist_Imgs")
_LINE = re.compile(r"((A\d{4})_(\d\d)_(\d\d)\.bmp)\s*,\s*([-+\d.eE]+)", re.IGNORECASE)


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of PIPAL's training part.

    Raises:
        UserError: files are missing or damaged.
    """
    root, labels = find_opinions(config, _LABELS)
    lines = [
        _parse(file, number, line)
        for file in Names(labels).paths()
        if file.suffix.lower() == ".txt"
        for number, line in enumerate(read_text(file).splitlines(), 1)
        if line.strip()
    ]
    rows = pd.DataFrame(lines, columns=COLUMNS)
    folders = {folder: Names(find_entry(root, folder) or root / folder) for folder in _FOLDERS}
    rows["reference_file"] = "Train_Ref/" + rows["reference"]
    rows["distorted_file"] = [f"{_folder_of(name, folders)}/{name}" for name in rows["distorted"]]
    found = sorted(set(rows["distorted_file"].str.partition("/")[0]))
    return replace(assemble(config, rows, root), layout=", ".join(found))


def _folder_of(name: str, folders: Mapping[str, Names]) -> str:
    """The folder in which an image lies; the first one where it is missing."""
    return next((folder for folder, names in folders.items() if names.find(name)), _FOLDERS[0])


def _parse(file: Path, number: int, line: str) -> tuple[str, str, str, int, float]:
    parts = _LINE.fullmatch(line.strip())
    try:
        if parts is None:
            raise ValueError
        name, reference, group, image, opinion = parts.groups()
        return f"{reference.upper()}.bmp", name, str(int(group)), int(image), as_number(opinion)
    except ValueError:
        found = f"found {line.strip()!r}"
        raise UserError(f"{file}:{number}: expected a line like A0001_02_03.bmp,1500.25, {found}") from None
