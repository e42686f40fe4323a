"""The Tampere image databases: ``reference_images/``, ``distorted_images/``, ``mos_with_names.txt``.

Names look like ``i04_11_3.bmp``: reference, distortion type, level. Their case differs between the list and the disk.
"""

import re
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import COLUMNS, Benchmark, assemble, find_entry, find_root
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "mos_with_names.txt"
_NAME = re.compile(r"(i\d\d)_(\d\d)_(\d)\.bmp", re.IGNORECASE)


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a Tampere database.

    Raises:
        UserError: files are missing or damaged.
    """
    root = find_root(config, _OPINIONS)
    opinions = find_entry(root, _OPINIONS)
    assert opinions is not None
    rows = pd.DataFrame(
        [_parse(f"{opinions}:{number}", line) for number, line in enumerate(_lines(opinions), 1) if line.strip()],
        columns=COLUMNS,
    )
    references = find_entry(root, "reference_images") or root / "reference_images"
    distorted = find_entry(root, "distorted_images") or root / "distorted_images"
    return assemble(config, rows, references, distorted)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _parse(place: str, line: str) -> tuple[str, str, str, int, float]:
    """reference, distorted, distortion, level, opinion of one line ``5.51429 i01_01_1.bmp``."""
    opinion, _, name = line.strip().partition(" ")
    parts = _NAME.fullmatch(name.strip())
    try:
        if parts is None:
            raise ValueError
        value = float(opinion)
    except ValueError:
        raise UserError(f"{place}: expected an opinion and a name like i01_01_1.bmp, found {line.strip()!r}") from None
    reference, distortion, level = parts.groups()
    return f"{reference.upper()}.BMP", name.strip(), str(int(distortion)), int(level), value
