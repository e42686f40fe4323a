"""Rows of many units -> one number for each network and readout over the benchmarks that all networks have."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import THRESHOLDS
from iqa_lab.config import BenchmarkConfig
from iqa_lab.report.finished import FinishedUnit, read_units
from iqa_lab.report.inference import headlines_of, judged_of
from iqa_lab.statistics.factors.units import Columns, Judged, candidate_rows, with_values
from iqa_lab.statistics.intervals.across import OnBenchmark, groups_of, mean_over_benchmarks
from iqa_lab.statistics.table import FACTORS

NETWORK = ["goal", "dataset", "architecture", "weights", "input"]
COLUMNS = [*NETWORK, "readout", "srcc_mean", "srcc_mean_low", "srcc_mean_high", "benchmarks", "columns"]
CELL = [*NETWORK, "readout", "benchmark"]


@dataclass(frozen=True)
class Cells:
    """What can be averaged: one row for each network, readout and benchmark, with the ``columns`` to choose from."""

    rows: pd.DataFrame
    benchmarks: tuple[str, ...]
    sharing: tuple[tuple[str, ...], ...]  # groups of them that share references
    notes: tuple[str, ...]

    @property
    def wanted(self) -> list[Columns]:
        """All sets of columns."""
        return list(self.rows["columns"]) if len(self.rows) else []


def common_cells(units: Mapping[str, FinishedUnit], table: pd.DataFrame) -> Cells:
    """The cells of networks x readouts x benchmarks that all networks have.

    Only benchmarks that are judged by SRCC and by people. A baseline that lacks one of them is left out, as is a
    network that was scored twice on one (with other precision, say): which of the two to take would be a choice.

    Args:
        units: those of the table, by their names.
        table: rows with ``unit`` and ``statistic``; its index names the rows. Where a network has several layers, the
            layer is the one that other references choose; so a table of one layer gives that of this layer.
    """
    own = candidate_rows(table)
    own = own[~own["layer"].astype(str).str.startswith("concat_") & own["srcc"].notna()]
    asked = {str(name): _config(units, rows) for name, rows in table.groupby("benchmark", sort=False)}
    other = [
        name
        for name, config in asked.items()
        if not config.human or config.protocol == THRESHOLDS or not _by_srcc(table, name)
    ]
    notes = [f"Not averaged: {', '.join(other)} (no SRCC with human opinion)."] if other else []
    own = own[~own["benchmark"].isin(other)]
    places = own.groupby([*NETWORK, "benchmark"])["unit"].transform("nunique") if len(own) else pd.Series(dtype=float)
    if (places > 1).any():
        notes.append(f"Not averaged, for they were scored twice on a benchmark: {_named(own[places > 1])}.")
        twice = pd.MultiIndex.from_frame(own.loc[places > 1, NETWORK])
        own = own[~pd.MultiIndex.from_frame(own[NETWORK]).isin(twice)]
    cells = [
        {**dict(zip(CELL, key, strict=True)), "columns": tuple(sorted(rows.index))}
        for key, rows in own.groupby(CELL, sort=True)
    ]
    whole, benchmarks = _shared(pd.DataFrame(cells, columns=[*CELL, "columns"]), notes)
    pairs = [
        (one, two)
        for one in benchmarks
        for two in benchmarks
        if one != two and asked[two].name in (asked[one].name, *asked[one].shares_references)
    ]
    sharing = tuple(groups_of(pairs))
    notes += [
        f"{' and '.join(group)} share photographs, or may: their errors are added as if they were the same."
        for group in sharing
    ]
    return Cells(whole, benchmarks, sharing, tuple(notes))


def averaged(cells: Cells, judged: Mapping[Columns, Judged], confidence: float = 0.95) -> pd.DataFrame:
    """One row per network and readout, the highest first: ``COLUMNS``.

    Args:
        cells: what is averaged.
        judged: how well the columns do; a network of which something could not be read is left out.
        confidence: of the intervals.
    """
    found = []
    for key, rows in cells.rows.groupby([*NETWORK, "readout"], sort=True) if len(cells.rows) else []:
        if not all(columns in judged for columns in rows["columns"]):
            continue
        places = zip(rows["benchmark"].astype(str), rows["columns"], strict=True)
        of_each = {name: judged[columns] for name, columns in places}
        on = {name: OnBenchmark(one.value, one.drawn, one.references) for name, one in of_each.items()}
        mean = mean_over_benchmarks(on, cells.sharing, confidence)
        candidates = sorted({one.candidates for one in of_each.values()})
        among = " or ".join(str(number) for number in candidates)
        found.append((*key, mean.value, mean.low, mean.high, ", ".join(sorted(on)), among))
    table = pd.DataFrame(found, columns=COLUMNS)
    return table.sort_values("srcc_mean", ascending=False, kind="stable").reset_index(drop=True)


def explained(cells: Cells, confidence: float = 0.95) -> list[str]:
    """What these numbers mean and what they do not mean, in sentences."""
    if not len(cells.rows):
        return list(cells.notes)
    return [
        f"srcc_mean: mean of Fisher's z over {len(cells.benchmarks)} benchmarks ({', '.join(cells.benchmarks)}), each "
        "counting once, transformed back; on each at the layer that other references choose among so many columns.",
        f"{100 * confidence:g} % intervals are over the references within each benchmark: about other photographs of "
        "these benchmarks, not about other benchmarks.",
        *cells.notes,
    ]


def across_results(root: Path, table: pd.DataFrame, confidence: float = 0.95) -> tuple[pd.DataFrame, list[str]]:
    """As ``averaged``, of rows of results on disk, with what a reader has to know.

    Args:
        root: the results folder.
        table: rows of it, with ``unit``; chosen by factors, layers and readouts only, not by how well they do.
        confidence: of the intervals.
    """
    units, unreadable = read_units(root, table)
    rows = table[table["unit"].isin(units.keys())]
    if not len(rows):
        return pd.DataFrame(columns=COLUMNS), unreadable
    valued = with_values(rows, headlines_of(units, rows))
    cells = common_cells(units, valued if "input" in valued else valued.assign(input=""))
    judged, damaged = judged_of(units, valued, cells.wanted)
    left_out = [*unreadable, *(f"left out: {reason}" for reason in damaged.values())]
    return averaged(cells, judged, confidence), [*explained(cells, confidence), *left_out]


def _shared(cells: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The cells that all networks have, and on which benchmarks; without networks, that all baselines have."""
    baseline = cells["goal"] == "baseline"
    compared = cells[~baseline] if (~baseline).any() else cells
    number = len(compared[NETWORK].drop_duplicates())
    on = compared.drop_duplicates([*NETWORK, "benchmark"]).groupby("benchmark").size()
    benchmarks = tuple(sorted(str(name) for name in on.index[on == number]))
    if len(benchmarks) < 2:
        seen = cells["benchmark"].nunique()
        if seen > 1:
            notes.append(
                f"No mean over benchmarks: of {seen} benchmarks the {number} networks share {len(benchmarks)}; "
                "--where goal=... chooses networks, sweep benchmark=a,b adds what is missing."
            )
        return cells.iloc[:0], benchmarks
    inside = cells[cells["benchmark"].isin(benchmarks)]
    having = inside[inside["goal"] != "baseline"].groupby("readout").size()
    readouts = set(having.index[having == number * len(benchmarks)])
    complete = inside.groupby([*NETWORK, "readout"])["benchmark"].transform("nunique") == len(benchmarks)
    kept = inside[complete & ((inside["goal"] == "baseline") | inside["readout"].isin(readouts))]
    left = len(cells) - len(kept)
    if left:
        notes.append(
            f"{left} of {len(cells)} cells (network x readout x benchmark) are left out, for not all networks have "
            f"them: {_differences(cells, kept)}."
        )
    return kept.reset_index(drop=True), benchmarks


def _differences(cells: pd.DataFrame, kept: pd.DataFrame) -> str:
    """Which benchmarks, readouts and baselines are left out."""
    said = []
    for name in ("benchmark", "readout"):
        lacking = sorted(set(cells[name].astype(str)) - set(kept[name].astype(str)))
        said += [f"{name} {', '.join(lacking)}"] if lacking else []
    return "; ".join(said) or "some of them"


def _config(units: Mapping[str, FinishedUnit], rows: pd.DataFrame) -> BenchmarkConfig:
    return units[str(rows["unit"].iloc[0])].config.benchmark


def _by_srcc(table: pd.DataFrame, benchmark: str) -> bool:
    return set(table.loc[table["benchmark"] == benchmark, "statistic"]) == {"srcc"}


def _named(rows: pd.DataFrame) -> str:
    return ", ".join(sorted(set(rows[[name for name in FACTORS if name in NETWORK]].astype(str).agg("-".join, axis=1))))
