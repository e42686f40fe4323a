"""Units of a results folder -> a block of their headlines for each benchmark, or of single columns, in the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from iqa_lab.cli.printing import print_rows
from iqa_lab.errors import UserError, choices, counted, pass_on_interrupt
from iqa_lab.progress import say, tell
from iqa_lab.statistics.direction import is_low_good
from iqa_lab.store.digits import three_digits, two_digits, with_interval
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.headlines import explained, shown, unit_headlines
from iqa_lab.store.index import UNIT
from iqa_lab.store.reading import Unusable
from iqa_lab.store.table import Results, chosen_rows

# by what rows may be chosen that are averaged
CHOOSABLE = ("benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout", "input", UNIT)

SHOWN, LEAST = 20, 5  # rows in all, and of each benchmark

_FACTORS = ("goal", "dataset", "architecture", "weights")


@dataclass(frozen=True)
class Wanted:
    """Which rows are printed, and in which order."""

    sort: str | None = None  # a column; None: the benchmark's own statistic
    top: int | None = None  # rows of each benchmark; None: a screenful

    def chosen(self, rows: pd.DataFrame, usual: str) -> pd.DataFrame:
        """The rows, numbers from the best and names from A to Z.

        Args:
            rows: of one benchmark, or of a whole table.
            usual: the column where none is asked for; empty: as they are.

        Raises:
            UserError: there is no such column.
        """
        by = self.sort or usual
        if by and by not in rows:
            raise UserError(f"--sort={by}: there is no such column; choose from {choices(by, map(str, rows.columns))}")
        if by:
            of_best = by in ("best", "heldout") and "statistic" in rows and rows["statistic"].map(is_low_good).all()
            ascending = not pd.api.types.is_numeric_dtype(rows[by]) or is_low_good(by) or bool(of_best)
            rows = rows.sort_values(by, ascending=ascending, kind="stable", na_position="last")
        return rows if self.top is None else rows.head(self.top)

    def limit(self, blocks: int) -> int:
        """How many rows of each benchmark are printed."""
        return self.top if self.top is not None else max(LEAST, SHOWN // max(1, blocks))


def print_headlines(found: Results, more: str, root: Path, wanted: Wanted | None = None) -> None:
    """Print a block for each benchmark, one row per unit: the held-out value with its interval first, then the best.

    Args:
        found: of which units.
        more: where the others are, if not all are printed.
        root: the results folder.
        wanted: order and number of rows.

    Raises:
        UserError: there is no column to sort by.
    """
    wanted = wanted or Wanted()
    headlines = unit_headlines(found)
    if not len(headlines):
        print("nothing matches")
        return
    blocks = list(_blocks(headlines, root))
    left = 0
    for title, rows in blocks:
        tell(title, "bold")
        first = wanted.chosen(rows, "").head(wanted.limit(len(blocks)))
        left += len(rows) - len(first)
        for table in shown(first):
            print_rows(_records(table.drop(columns="benchmark")))
        if (rows["statistic"] == "srcc").all() and rows["best"].max() < 0:
            tell("Even the best correlations are negative: is benchmark.opinion (mos or dmos) as the database has it?")
        print()
    if left:
        tell(f"{counted(left, 'more unit')}: {more}")
    for sentence in explained(headlines):
        tell(sentence)
    if headlines["benchmark"].nunique() > 1:
        tell("iqa-lab results --across: one number for each network and readout over benchmarks.")


def print_columns(found: Results, table: pd.DataFrame, root: Path, wanted: Wanted) -> None:
    """Print a block for each benchmark, one row per column of a unit: what was chosen by conditions inside of units.

    Args:
        found: all units, with their headlines.
        table: the rows chosen.
        root: the results folder.
        wanted: order and number of rows.

    Raises:
        UserError: there is no column to sort by.
    """
    statistics = found.headlines.set_index(UNIT)["statistic"]
    own = table[UNIT].map(statistics).fillna("")
    of_choices = table["agreement"].notna() if "agreement" in table else pd.Series(False, index=table.index)
    table = table.assign(statistic=own.where(own != "", of_choices.map({True: "agreement", False: "srcc"})))
    blocks = list(_blocks(table, root))
    left = 0
    for title, rows in blocks:
        tell(title, "bold")
        for statistic, alike in rows.groupby("statistic", sort=False):
            first = wanted.chosen(alike, str(statistic)).head(wanted.limit(len(blocks)))
            left += len(alike) - len(first)
            print_rows([_column(row, str(statistic)) for row in _records(first)])
        print()
    if left:
        tell(f"{counted(left, 'more row')}: --top N shows more, --where chooses, --csv prints all")
    tell("Single columns, each by itself: the highest of many is optimistic; without --where is what is held out.")


def _column(row: dict[str, object], statistic: str) -> dict[str, object]:
    """One row of correlations as it is printed."""

    def number(name: str) -> float:
        return float(str(row.get(name, "nan")))

    values = {name: with_interval(*(number(f"{name}{end}") for end in ("", "_low", "_high")))
              for name in dict.fromkeys([statistic, "srcc"]) if f"{name}_low" in row}  # fmt: skip
    plain = {} if statistic in values else {statistic: three_digits(number(statistic))}
    return {
        **{name: row[name] for name in (*_FACTORS, "layer", "readout") if name in row},
        "depth": two_digits(number("depth")),
        **plain,
        **values,
        "n": row.get("n"),
    }


def _blocks(rows: pd.DataFrame, root: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each benchmark with its title; those without human opinion come last."""
    human = {
        str(name): _has_people(root / str(of_it[UNIT].iloc[0])) for name, of_it in rows.groupby("benchmark", sort=False)
    }
    for name in sorted(human, key=lambda name: human[name] is False):
        of_it = rows[rows["benchmark"] == name]
        said = {True: "human opinion", False: "NO human judgement", None: "nobody can say whether people judged"}
        what = " and ".join(dict.fromkeys(map(str, of_it["statistic"])))
        yield f"{name}: {what}, {said[human[name]]}, {counted(of_it[UNIT].nunique(), 'unit')}", of_it


def _has_people(unit: Path) -> bool | None:
    """Whether the opinions of a unit's benchmark are people's; None where its configuration cannot be read."""
    try:
        return UnitFolder(unit).config().benchmark.human
    except (Unusable, UserError) as error:
        pass_on_interrupt(error)
        return None


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def as_json(table: pd.DataFrame) -> str:
    """The rows as a list of objects; null where a value is undefined."""
    return str(table.to_json(orient="records", indent=2, double_precision=15, force_ascii=False))


def print_across(folder: Path, table: pd.DataFrame, where: Sequence[str], machine: str | None) -> None:
    """Print one row per network and readout on standard output: the mean over benchmarks, with its interval.

    Args:
        folder: the results folder.
        table: rows of it that meet the conditions.
        where: the conditions.
        machine: ``csv`` or ``json``: all columns, and what is said of them on standard error.

    Raises:
        UserError: a condition is about how well columns do, which would choose what is averaged by its own result.
    """
    from iqa_lab.report.across import across_results  # torch takes seconds to import

    factors = table[[name for name in CHOOSABLE if name in table]]
    for condition in where:
        try:
            chosen_rows(factors, [condition])
        except UserError as error:
            known = ", ".join(map(str, factors.columns))
            raise UserError(f"--across is of rows chosen by {known}, not by how well they do: {error}") from error
    means, notes = across_results(folder, table)
    if machine:
        print(as_json(means) if machine == "json" else means.to_csv(index=False).rstrip("\n"))
        for note in notes:
            say(note)
        return
    rows = [
        {
            **{name: row[name] for name in ("goal", "dataset", "architecture", "weights", "readout")},
            "srcc_mean [95 %]": with_interval(row["srcc_mean"], row["srcc_mean_low"], row["srcc_mean_high"]),
            "columns": row["columns"],
        }
        for row in means.to_dict("records")
    ]
    if rows:
        print_rows(rows)
    for note in notes:
        tell(note)
