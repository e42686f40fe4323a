"""Pairs of one's own: a CSV or Parquet file with a row a pair, image paths relative to the file."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICE, MOS, Benchmark, assemble, two_rows_a_triplet
from iqa_lab.benchmarks.lists import label, read_list
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, choices

REQUIRED = {MOS: ("reference", "distorted", "opinion"), CHOICE: ("reference", "left", "right", "preference")}
IMAGES = ("reference", "distorted", "left", "right")


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a table.

    It has the columns ``reference``, ``distorted``, ``opinion``; with ``benchmark.protocol=2afc`` ``reference``,
    ``left``, ``right``, ``preference`` (the share of people who chose the right image); and perhaps ``distortion``,
    ``level``, ``opinion_std``, ``split``, any of which may be empty in some rows. ``benchmark.columns`` says what they
    are called otherwise. With ``benchmark.votes`` a row is one person's vote.

    Raises:
        UserError: there is no such file, it cannot be read, or a column is missing.
    """
    required = REQUIRED.get(config.protocol, REQUIRED[MOS])
    if config.path is None:
        raise UserError(f"benchmark=table needs benchmark.path=FILE, a CSV or Parquet file with {', '.join(required)}")
    file = Path(config.path).expanduser()
    names = asdict(config.columns)
    table = _read(file, [names[name] for name in required])
    for name, theirs in names.items():
        if theirs not in table and (name in required or theirs != name):
            listed = choices(theirs, [str(column) for column in table.columns if column != "line"])
            raise UserError(
                f"{file} has no column {theirs}: it has {listed}; if it is called otherwise, "
                f"say benchmark.columns.{name}=COLUMN"
            )
    if table.empty:
        raise UserError(f"{file} has a header, but no row below it")
    rows = pd.DataFrame({name: table[theirs].astype(object) for name, theirs in names.items() if theirs in table})
    if "line" in table:
        rows["line"] = table["line"]
    for name in ("distortion", "level"):
        rows[name] = rows[name].map(label) if name in rows else ""
    for name in (name for name in IMAGES if name in required):
        rows[name] = rows[name].map(label)
        empty = rows.index[rows[name].str.strip() == ""]
        if len(empty):
            raise UserError(f"{file}: row {int(empty[0]) + 1} names no image")
        rows[f"{name}_file"] = rows[name]
    return assemble(config, two_rows_a_triplet(rows) if config.protocol == CHOICE else rows, file.parent)


def _read(file: Path, required: Sequence[str]) -> pd.DataFrame:
    """All columns of the table; of a CSV file as text, with the number of every row's line in ``line``."""
    if not file.is_file():
        raise UserError(f"benchmark.path={file}: there is no such file")
    if file.suffix.lower() != ".parquet":
        return read_list(file, required)
    try:
        table = pd.read_parquet(file).reset_index(drop=True)
    except (OSError, ValueError, TypeError, NotImplementedError) as error:  # pyarrow's own derive from these
        raise UserError(f"{file} is no Parquet file: {' '.join(str(error).split())[:120]}") from error
    return table.drop(columns=[column for column in table.columns if str(column) == "line"])
