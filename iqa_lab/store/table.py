"""All results of a folder as one table, kept in one Parquet file that is brought up to date whenever it is read.

Each unit's ``correlations.csv`` is read once, and checked against its ``result.json``; afterwards only units whose
files have changed are. Files with the same header are parsed in one go, which takes seconds for ten thousand of them.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from iqa_lab.errors import UnitFailed, UserError, counted, first_names
from iqa_lab.progress import say
from iqa_lab.store.conditions import rows_meeting
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.held_out import held_out, statistic_of
from iqa_lab.store.index import BENCHMARK_DIGEST, HEADLINE, UNIT, Stamp, UnitRead, parse_units, read_index, write_index
from iqa_lab.store.reading import MISPLACED, MISSING, NAMES, OTHER_VERSION, Unusable
from iqa_lab.store.result import CORRELATIONS, DONE, RESULT, SCORED, SCORES

_DIGITS = 12


@dataclass(frozen=True)
class Results:
    """The correlations of all units that can be used, and what is wrong with the others."""

    table: pd.DataFrame
    troubles: Mapping[str, Unusable]  # by unit
    waiting: tuple[str, ...] = ()  # units with scores whose statistics are not made, or are being made
    headlines: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[UNIT, *HEADLINE]))  # one row per unit

    def only(self, units: Collection[str]) -> "Results":
        """The rows and the troubles of these units."""
        return Results(
            self.table[self.table[UNIT].isin(list(units))].reset_index(drop=True),
            {unit: trouble for unit, trouble in self.troubles.items() if unit in units},
            tuple(unit for unit in self.waiting if unit in units),
            self.headlines[self.headlines[UNIT].isin(list(units))].reset_index(drop=True),
        )

    def end(self) -> None:
        """Say what is left out, after what was printed.

        Raises:
            UnitFailed: something that should be there is missing, unreadable or damaged.
        """
        self.say_troubles()
        bad = [unit for unit, trouble in self.troubles.items() if trouble.kind != OTHER_VERSION]
        if bad:
            number = counted(len(bad), "unit is", "units are")
            raise UnitFailed(f"{number} left out, as listed above: {first_names(bad)}")

    def say_troubles(self) -> None:
        """One line for each unit that is left out; those of another version together."""
        for line in self.left_out():
            say(line, "yellow")

    def left_out(self) -> list[str]:
        """What ``say_troubles`` says."""
        old = [unit for unit, trouble in self.troubles.items() if trouble.kind == OTHER_VERSION]
        lines = [f"left out: {one}{advice(one)}" for one in self.troubles.values() if one.kind != OTHER_VERSION]
        if old:
            what = f"{counted(len(old), 'result')} of another version of iqa_lab"
            lines.append(f"left out: {what}: run again {first_names(old)}")
        if self.waiting:
            lines.append(
                f"left out: scores without statistics in {first_names(self.waiting)}: unless a run is at them, "
                "iqa-lab report --recompute makes these"
            )
        return lines


def advice(trouble: Unusable) -> str:
    """What to do about a unit that cannot be used; follows the description of what is wrong."""
    return "" if trouble.kind in (OTHER_VERSION, MISPLACED) else ": the command that made it makes it again"


def results(path: str | os.PathLike[str] = "results") -> pd.DataFrame:
    """The correlations of all units: one row for each unit, layer and readout.

    Args:
        path: a results folder.

    Returns:
        The columns of ``correlations.csv``; ``unit``, the unit's folder below the results; and ``benchmark_digest``,
        of the pairs, opinions and pixels. Where one name stands for several benchmarks, they are named apart:
        ``table.3f2a01``. Units that are not done are not there; those that cannot be used are named on standard error.

    Raises:
        UserError: there is no such folder, or it cannot be read.
    """
    found = read_results(Path(path))
    found.say_troubles()
    return found.table


def read_results(root: Path) -> Results:
    """As ``results``, and what is wrong with units that are left out.

    Raises:
        UserError: there is no such folder, or it cannot be read.
    """
    if not root.is_dir():
        raise UserError(f"there are no results in {root}")
    troubles: dict[str, Unusable] = {}
    here = dict(_units(root, troubles))
    kept, seen = read_index(root)
    same = {unit for unit, stamp in here.items() if seen.get(unit) == stamp}
    contents: dict[str, UnitRead] = {}
    waiting = []
    for unit in sorted(here.keys() - same):
        try:
            read = _read_unit(UnitFolder(root / unit))
        except Unusable as trouble:
            troubles[unit] = trouble
        else:
            if isinstance(read, UnitRead):
                contents[unit] = read
            elif read == SCORED:
                waiting.append(unit)
    tables = parse_units(root, contents, troubles)
    if not contents and same == set(seen):
        whole = kept
    else:
        if kept is not None and same:
            of_same = pa.compute.is_in(kept[UNIT], value_set=pa.array(sorted(same), kept[UNIT].type))
            tables = [kept.filter(of_same), *tables]
        whole = pa.concat_tables(tables, promote_options="permissive").combine_chunks() if tables else None
        good = same | (contents.keys() - troubles.keys())
        # a file that was written meanwhile is read again next time
        write_index(root, whole, {unit: here[unit] for unit in good if _stamp(root / unit) == here[unit]})
    if whole is None:
        return Results(pd.DataFrame(columns=[UNIT, *NAMES, BENCHMARK_DIGEST]), troubles, tuple(waiting))
    rows = _each_once(root, whole.to_pandas(), troubles)
    headlines = rows[[UNIT, *HEADLINE]].drop_duplicates(UNIT).reset_index(drop=True)
    table = named_apart(rows.drop(columns=list(HEADLINE)))
    return Results(table, dict(sorted(troubles.items())), tuple(waiting), headlines)


def _each_once(root: Path, table: pd.DataFrame, troubles: dict[str, Unusable]) -> pd.DataFrame:
    """The rows without those of copies of a unit, which would count twice; each copy is noted.

    The unit itself is what lies where its command looks for it.
    """
    units = table[UNIT].unique()
    if len({unit.rpartition("/")[2] for unit in units}) == len(units):
        return table
    known: dict[str, str] = {}
    rows = table.drop_duplicates(UNIT).set_index(UNIT)
    places = rows["benchmark"] + "/" + rows["goal"] + "-" + rows["dataset"] + "-" + rows["architecture"]
    for unit in sorted(units, key=lambda unit: (unit.rpartition("/")[0] != places[unit], unit)):
        first = known.setdefault(unit.rpartition("/")[2], unit)
        if first != unit:
            troubles[unit] = Unusable(MISPLACED, root / unit, f"a copy of {first}: move it out of {root}")
    return table[~table[UNIT].isin(troubles.keys())].reset_index(drop=True)


def named_apart(table: pd.DataFrame) -> pd.DataFrame:
    """The rows, where one name stands for several benchmarks with the first digits of their digests behind it.

    >>> rows = pd.DataFrame({"benchmark": ["table", "table", "levels"], "benchmark_digest": ["3f2a01b", "90bc12d", ""]})
    >>> named_apart(rows)["benchmark"].tolist()
    ['table.3f2a01', 'table.90bc12', 'levels']
    """
    pairs = table[["benchmark", BENCHMARK_DIGEST]].drop_duplicates()
    several = {name for name, number in Counter(pairs["benchmark"]).items() if number > 1}
    if not several:
        return table
    rows = table["benchmark"].isin(several)
    apart = table["benchmark"].where(~rows, table["benchmark"] + "." + table[BENCHMARK_DIGEST].str[:6])
    return table.assign(benchmark=apart)


def _units(root: Path, troubles: dict[str, Unusable]) -> Iterator[tuple[str, Stamp]]:
    """All units below a results folder, as ``<benchmark>/<cell>/<signature>``."""
    for benchmark in _folders(root, root, troubles):
        for cell in _folders(root, benchmark, troubles):
            for unit in _folders(root, cell, troubles):
                stamp = _stamp(Path(unit))
                if any(stamp):
                    yield os.path.relpath(unit, root), stamp
                elif any(os.path.exists(os.path.join(inner, RESULT)) for inner in _folders(root, unit, troubles)):
                    why = "it holds units one level too deep: its folder of results is another, to be named by itself"
                    troubles[os.path.relpath(unit, root)] = Unusable(MISPLACED, Path(unit), why)


def _folders(root: Path, folder: Path | str, troubles: dict[str, Unusable]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        trouble = Unusable("unreadable", Path(folder), error.strerror or str(error))
        if Path(folder) == root:
            raise trouble from error
        troubles[os.path.relpath(folder, root)] = trouble
        return []


def _stamp(folder: Path) -> Stamp:
    """Size and time of the two files that are read; zeros where there is none."""
    stamp: Stamp = []
    for name in (CORRELATIONS, RESULT):
        try:
            facts = os.stat(folder / name)
            stamp += [facts.st_size, facts.st_mtime_ns]
        except OSError:
            stamp += [0, 0]
    return stamp


def _read_unit(unit: UnitFolder) -> UnitRead | str | None:
    """What is kept of a unit; its state, or None, where it is not done.

    Correlations that are not as they were written are made again from the scores.

    Raises:
        Unusable: that cannot be.
    """
    try:
        result, contents = unit.read(CORRELATIONS)
    except Unusable as trouble:
        found = unit.read_result()
        if found is None and trouble.kind == MISSING and not unit.scores_file.exists():
            return None  # nothing was written yet
        if found is None:
            raise
        if found["state"] != DONE:
            return str(found["state"])
        result, contents = found, {CORRELATIONS: _made_again(unit, trouble)}
    hashed = result.get("hashed")
    digest = hashed.get("index_digest") if isinstance(hashed, dict) else None
    facts = result.get("headline") or {}
    return UnitRead(contents[CORRELATIONS], str(digest or "")[:_DIGITS], (statistic_of(facts) or "", *held_out(facts)))


def _made_again(unit: UnitFolder, trouble: Unusable) -> bytes:
    from iqa_lab.store.recompute import recompute_unit  # torch takes seconds to import

    try:
        recompute_unit(unit)
        content = unit.read(CORRELATIONS)[1][CORRELATIONS]
    except Exception as error:  # results of somebody else may fail in any way
        why = trouble if isinstance(error, Unusable) and error.file == trouble.file else f"{trouble}; {error}"
        raise Unusable(
            trouble.kind, trouble.file, f"and could not be made again: {' '.join(str(why).split())[:200]}"
        ) from error
    say(f"{trouble}: made again from {SCORES}", "yellow")
    return content


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
