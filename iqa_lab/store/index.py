"""What was read of all units of a folder -> one table, kept as one Parquet file that is read instead next time."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from iqa_lab.store.reading import DAMAGED, Unusable, parse_csv, read_bytes, read_sealed, sha256
from iqa_lab.store.result import CORRELATIONS
from iqa_lab.store.signature import seal
from iqa_lab.store.writing import write_quickly

# where a row comes from: the unit's folder below the results, whose last part is the signature
UNIT = "unit"

# what a row's benchmark is besides its name: the first digits of the digest of its pairs, opinions and pixels
BENCHMARK_DIGEST = "benchmark_digest"

# what a unit's column gets that other references choose: the statistic, its value and interval
HEADLINE = ("statistic", "heldout", "heldout_low", "heldout_high")

_PLACE = ("benchmark", "goal", "dataset", "architecture")  # columns that say where a unit lies

Stamp = list[int]  # size and time of correlations.csv and of result.json


@dataclass(frozen=True)
class UnitRead:
    """What is kept of one unit."""

    correlations: bytes
    digest: str  # of its benchmark
    headline: tuple[str, float, float, float]  # as HEADLINE names them


def parse_units(root: Path, contents: Mapping[str, UnitRead], troubles: dict[str, Unusable]) -> list[pa.Table]:
    """One table for each header that occurs; a unit whose table is none is noted."""
    by_header: dict[bytes, dict[str, UnitRead]] = {}
    for unit, read in contents.items():
        header, _, body = read.correlations.partition(b"\n")
        whole = body if body.endswith(b"\n") or not body else body + b"\n"
        by_header.setdefault(header, {})[unit] = replace(read, correlations=whole)
    tables = []
    for header, units in by_header.items():
        together = _parse_alike(header, units)
        if together is not None:
            tables.append(together)
            continue
        for unit, one in units.items():
            alone = _parse_alike(header, {unit: one})
            if alone is None:
                troubles[unit] = Unusable(DAMAGED, root / unit / CORRELATIONS, "no table of correlations")
            else:
                tables.append(alone)
    return tables


def _parse_alike(header: bytes, units: Mapping[str, UnitRead]) -> pa.Table | None:
    """The rows of units with the same header; None if these are no numbers and names, one row per line."""
    table = parse_csv(b"\n".join([header, b"".join(read.correlations for read in units.values())]))
    counts = [read.correlations.count(b"\n") for read in units.values()]
    if table is None or sum(counts) != len(table) or not set(_PLACE) <= set(table.column_names):
        return None
    if set(HEADLINE) & set(table.column_names):  # no table of ours
        return None
    origin = np.repeat(np.arange(len(units)), counts)

    def each(values: Iterable[object], kind: pa.DataType) -> pa.Array:
        """A value of each unit, in all of its rows."""
        return pa.array(list(values), kind).take(pa.array(origin))

    table = table.add_column(0, UNIT, each(units, pa.string()))
    table = table.append_column(BENCHMARK_DIGEST, each((read.digest for read in units.values()), pa.string()))
    for place, name in enumerate(HEADLINE):
        kind = pa.string() if place == 0 else pa.float64()
        table = table.append_column(name, each((read.headline[place] for read in units.values()), kind))
    return table


def _index(root: Path) -> tuple[Path, Path]:
    """The table as it was read last, and of which files, with the digest of the first."""
    folder = root / ".sweep"
    return folder / "correlations.parquet", folder / "correlations.json"


def read_index(root: Path) -> tuple[pa.Table | None, dict[str, Stamp]]:
    """What is kept; nothing, if it is not as it was written."""
    table, facts = _index(root)
    try:
        kept = read_sealed(facts)
        content = read_bytes(table)
        if sha256(content) == kept["sha256"]:
            found = pq.read_table(pa.BufferReader(content))
            if set(HEADLINE) <= set(found.column_names):  # not of an earlier version
                return found, dict(kept["units"])
    except (Unusable, KeyError, TypeError, ValueError, pa.ArrowException):
        pass
    return None, {}


def write_index(root: Path, table: pa.Table | None, units: Mapping[str, Stamp]) -> None:
    """Keep what was read; a folder that cannot be written is read anew each time."""
    file, facts = _index(root)
    try:
        if table is None:
            facts.unlink(missing_ok=True)
            return
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd")
        write_quickly(file, content.getvalue())
        kept: dict[str, Any] = seal({"sha256": sha256(content.getvalue()), "units": dict(units)})
        write_quickly(facts, json.dumps(kept).encode())
    except OSError:
        pass
