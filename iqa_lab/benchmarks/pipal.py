"""PIPAL: ``Train_Ref/``, ``Distortion_1/`` to ``Distortion_4/``, and a list ``Train_Label/A0001.txt`` a reference.

Names look like ``A0001_02_03.bmp``: reference, group of distortions, number. A copy whose distorted images were put
into one folder ``Dist_Imgs`` is read, too.
"""

import re
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import COLUMNS, Benchmark, assemble, find_entry, find_opinions, list_folder
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
        for name, file in sorted(list_folder(labels).items())
        if name.endswith(".txt")
        for number, line in enumerate(file.read_text(encoding="ascii").splitlines(), 1)
        if line.strip()
    ]
    rows = pd.DataFrame(lines, columns=COLUMNS)
    folder_of = {name: folder for folder in _FOLDERS for name in list_folder(find_entry(root, folder) or root / folder)}
    rows["reference_file"] = "Train_Ref/" + rows["reference"]
    rows["distorted_file"] = [f"{folder_of.get(name.lower(), _FOLDERS[0])}/{name}" for name in rows["distorted"]]
    return assemble(config, rows, root)


def _parse(file: Path, number: int, line: str) -> tuple[str, str, str, int, float]:
    parts = _LINE.fullmatch(line.strip())
    if parts is None:
        raise UserError(f"{file}:{number}: expected a line like A0001_02_03.bmp,1500.25, found {line.strip()!r}")
    name, reference, group, image, opinion = parts.groups()
    return f"{reference.upper()}.bmp", name, str(int(group)), int(image), float(opinion)
