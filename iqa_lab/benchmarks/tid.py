"""The Tampere image databases: ``reference_images/``, ``distorted_images/``, ``mos_with_names.txt``.

Names look like ``i04_11_3.bmp``: reference, distortion type, level. Their case differs between the list and the disk.
"""

import math
import re
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import COLUMNS, Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import number, read_text
from iqa_lab.benchmarks.names import find_entry
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "mos_with_names.txt"
_NAME = re.compile(r"(i\d\d)_(\d\d)_(\d)\.bmp", re.IGNORECASE)


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a Tampere database.

    Raises:
        UserError: files are missing or damaged.
    """
    root, opinions = find_opinions(config, _OPINIONS)
    lines = [(place, line) for place, line in enumerate(read_text(opinions).splitlines(), 1) if line.strip()]
    rows = pd.DataFrame([_parse(f"{opinions}:{place}", line) for place, line in lines], columns=COLUMNS)
    rows["line"] = [place for place, _ in lines]
    rows["opinion_std"] = _standard_errors(root, len(rows))
    rows["reference_file"] = "reference_images/" + rows["reference"]
    rows["distorted_file"] = "distorted_images/" + rows["distorted"]
    return assemble(config, rows, root)


def _standard_errors(root: Path, opinions: int) -> list[float]:
    """``mos_std.txt``, one line for each opinion in the same order; NaN where the file is not there.

    Raises:
        UserError: it has another number of lines, or something that is no number.
    """
    file = find_entry(root, "mos_std.txt")
    if file is None:
        return [math.nan] * opinions
    values = []
    for place, line in enumerate(read_text(file).splitlines(), 1):
        try:
            values += [number(line)] if line.strip() else []
        except ValueError as error:
            raise UserError(f"{file}:{place}: {error}") from error
    if len(values) != opinions:
        raise UserError(f"{file} has {len(values)} lines, but there are {opinions} opinions")
    return values


def _parse(place: str, line: str) -> tuple[str, str, str, int, float]:
    """reference, distorted, distortion, level, opinion of one line ``5.51429 i01_01_1.bmp``."""
    opinion, _, name = line.strip().partition(" ")
    parts = _NAME.fullmatch(name.strip())
    try:
        if parts is None:
            raise ValueError
        value = number(opinion)
    except ValueError:
        raise UserError(f"{place}: expected an opinion and a name like i01_01_1.bmp, found {line.strip()!r}") from None
    reference, distortion, level = parts.groups()
    return f"{reference.upper()}.BMP", name.strip(), str(int(distortion)), int(level), value
