"""All results of a folder as one table, kept in one Parquet file that is brought up to date whenever it is read.

Each unit's ``correlations.csv`` is read once; afterwards only those that have changed are. Files with the same header
are parsed in one go, which takes seconds for ten thousand of them.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from iqa_lab.errors import UserError
from iqa_lab.store.conditions import rows_meeting

# columns that are names, whatever they look like
NAMES = ("benchmark", "goal", "dataset", "architecture", "weights", "layer", "readout", "input")

# where a row comes from: the unit's folder below the results, whose last part is the signature
UNIT = "unit"

_SEEN = b"iqa_lab.units"


@dataclass(frozen=True)
class _File:
    """One unit's ``correlations.csv``; it has changed where size or time have."""

    unit: str
    size: int
    mtime_ns: int


def results(path: str | os.PathLike[str] = "results") -> pd.DataFrame:
    """The correlations of all units: one row for each unit, layer and readout.

    Args:
        path: a results folder.

    Returns:
        The columns of ``correlations.csv``, and ``unit``, the unit's folder below the results. A unit counts once
        its ``result.json`` says that it is done.

    Raises:
        UserError: there is no such folder, or it cannot be written.
    """
    root = Path(path)
    if not root.is_dir():
        raise UserError(f"there are no results in {root}")
    index = root / ".sweep" / "correlations.parquet"
    here = {file.unit: file for file in _files(root)}
    kept, seen = _read_index(index)
    same = {unit for unit, file in here.items() if seen.get(unit) == [file.size, file.mtime_ns]}
    if kept is not None and same == set(here) == set(seen):
        return _frame(kept)
    new = {unit: file for unit, file in here.items() if unit not in same and _is_done(root / unit)}
    tables = _parse({unit: (root / unit / "correlations.csv").read_bytes() for unit in new})
    if kept is not None and same:
        of_same = pa.compute.is_in(kept[UNIT], value_set=pa.array(sorted(same), kept[UNIT].type))
        tables = [kept.filter(of_same), *tables]
    if not tables:
        return pd.DataFrame(columns=[UNIT, *NAMES])
    whole = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    known = {unit: [file.size, file.mtime_ns] for unit, file in here.items() if unit in same or unit in new}
    whole = whole.replace_schema_metadata({_SEEN: json.dumps(known).encode()})
    _write_index(index, whole)
    return _frame(whole)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _files(root: Path) -> Iterator[_File]:
    """All correlations below a results folder, as ``<benchmark>/<cell>/<signature>``."""
    for benchmark in _folders(root):
        for cell in _folders(benchmark):
            for unit in _folders(cell):
                try:
                    facts = os.stat(os.path.join(unit, "correlations.csv"))
                except OSError:
                    continue
                name = os.path.relpath(unit, root)
                yield _File(name, facts.st_size, facts.st_mtime_ns)


def _folders(folder: Path | str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _is_done(folder: Path) -> bool:
    """Whether ``result.json``, which is written last and begins with the state, says so."""
    try:
        with (folder / "result.json").open("rb") as file:
            return file.read(40).split(b",")[0].split() == [b"{", b'"state":', b'"done"']
    except OSError:
        return False


def _parse(contents: Mapping[str, bytes]) -> list[pa.Table]:
    """One table for each header that occurs."""
    by_header: dict[bytes, list[tuple[str, bytes]]] = {}
    for unit, content in contents.items():
        header, _, body = content.partition(b"\n")
        by_header.setdefault(header, []).append((unit, body if body.endswith(b"\n") or not body else body + b"\n"))
    tables = []
    for header, units in by_header.items():
        types = {name: pa.string() for name in NAMES}
        table = pyarrow.csv.read_csv(
            pa.BufferReader(b"\n".join([header, b"".join(body for _, body in units)])),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types),
            read_options=pyarrow.csv.ReadOptions(block_size=2**30),
        )
        counts = [body.count(b"\n") for _, body in units]
        if sum(counts) != len(table):
            raise UserError(f"a correlations.csv among {units[0][0]} and {len(units) - 1} others is damaged")
        origin = pa.array([unit for (unit, _), count in zip(units, counts, strict=True) for _ in range(count)])
        tables.append(table.add_column(0, UNIT, origin))
    return tables


def _read_index(file: Path) -> tuple[pa.Table | None, dict[str, list[int]]]:
    try:
        table = pq.read_table(file)
        return table, json.loads((table.schema.metadata or {})[_SEEN])
    except (OSError, KeyError, ValueError, pa.ArrowInvalid):
        return None, {}


def _write_index(file: Path, table: pa.Table) -> None:
    """Beside its place, then renamed; a folder that cannot be written is read anew each time."""
    unfinished = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, unfinished, compression="zstd")
        os.replace(unfinished, file)
    except OSError:
        unfinished.unlink(missing_ok=True)


def chosen_rows(table: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """The rows that meet all conditions.

    Args:
        table: as ``results`` gives it.
        conditions: ``COLUMN=VALUE[,VALUE]`` as in ``iqa-lab list``, or an expression as ``srcc > .7``; what may be in
            one, ``rows_meeting`` says.

    Raises:
        UserError: a condition makes no sense.

    >>> chosen_rows(pd.DataFrame({"goal": ["swav", "jigsaw"], "srcc": [0.7, 0.6]}), ["goal=swav,dino", "srcc > .5"])
       goal  srcc
    0  swav   0.7
    """
    for condition in conditions:
        table = table[rows_meeting(table, condition)]
    return table
