"""Pairs of one's own: a CSV or Parquet file with a row a pair, image paths relative to the file."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICE, MOS, Benchmark, assemble, two_rows_a_triplet
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, choices

REQUIRED = {MOS: ("reference", "distorted", "opinion"), CHOICE: ("reference", "left", "right", "preference")}
IMAGES = ("reference", "distorted", "left", "right")


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a table.

    It has the columns ``reference``, ``distorted``, ``opinion``; with ``benchmark.protocol=2afc`` ``reference``,
    ``left``, ``right``, ``preference`` (the share of people who chose the right image); and perhaps ``distortion``,
    ``level``, ``opinion_std``, ``split``. ``benchmark.columns`` says what they are called otherwise.

    Raises:
        UserError: there is no such file, it cannot be read, or a column is missing.
    """
    required = REQUIRED.get(config.protocol, REQUIRED[MOS])
    if config.path is None:
        raise UserError(f"benchmark=table needs benchmark.path=FILE, a CSV or Parquet file with {', '.join(required)}")
    file = Path(config.path).expanduser()
    table = _read(file)
    names = asdict(config.columns)
    for name, theirs in names.items():
        if theirs not in table and (name in required or theirs != name):
            listed = choices(theirs, map(str, table.columns))
            raise UserError(
                f"{file} has no column {theirs}: it has {listed}; if it is called otherwise, "
                f"say benchmark.columns.{name}=COLUMN"
            )
    rows = pd.DataFrame({name: table[theirs] for name, theirs in names.items() if theirs in table})
    images = [name for name in IMAGES if name in required]
    empty = rows.index[rows[images].isna().any(axis=1)]
    if len(empty):
        raise UserError(f"{file}: row {empty[0] + 1} names no image")
    rows = rows.astype(dict.fromkeys(images, str))
    for name in ("opinion", "opinion_std", "preference"):
        if name in rows:
            rows[name] = _numbers(rows[name])
    for name in ("distortion", "level"):
        rows[name] = rows.get(name, "")
    rows = rows.assign(**{f"{name}_file": rows[name] for name in images})
    return assemble(config, two_rows_a_triplet(rows) if config.protocol == CHOICE else rows, file.parent)


def _numbers(column: pd.Series) -> pd.Series:
    """A column as numbers, also those with a decimal comma; NaN where it holds something else."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    return pd.to_numeric(column.astype(str).str.replace(",", "."), errors="coerce")


def _read(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise UserError(f"benchmark.path={file}: there is no such file")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        # any separator; names like 1600 stay text
        return pd.read_csv(file, sep=None, engine="python", dtype=str, skipinitialspace=True)
    except (OSError, ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise UserError(f"{file} is no CSV or Parquet file: {' '.join(str(error).split())[:120]}") from error
