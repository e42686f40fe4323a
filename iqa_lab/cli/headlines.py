"""Units of a results folder -> the table of their headlines, or of their means over benchmarks, in the terminal."""

from pathlib import Path

import pandas as pd

from iqa_lab.cli.printing import print_rows
from iqa_lab.errors import UserError
from iqa_lab.progress import say
from iqa_lab.store.digits import with_interval
from iqa_lab.store.headlines import explained, shown, unit_headlines
from iqa_lab.store.index import UNIT
from iqa_lab.store.table import Results, chosen_rows

# by what rows may be chosen that are averaged
CHOOSABLE = ("benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout", "input", UNIT)

SHOWN, LEAST = 20, 5  # units in all, and of each benchmark


def print_headlines(found: Results, more: str) -> None:
    """Print one row a unit on standard output: the held-out value with its interval first, then the best column.

    Args:
        found: of which units.
        more: where the others are, if not all are printed.
    """
    headlines = unit_headlines(found)
    if not len(headlines):
        print("nothing matches")
        return
    first = headlines.groupby("benchmark").head(max(LEAST, SHOWN // headlines["benchmark"].nunique()))
    for table in shown(first):
        print_rows([{str(name): value for name, value in row.items()} for row in table.to_dict("records")])
    if len(headlines) > len(first):
        print(f"{len(headlines) - len(first)} more units: {more}")
    for sentence in explained(headlines):
        print(sentence)
    if headlines["benchmark"].nunique() > 1:
        print("iqa-lab results --across: one number for each network and readout over benchmarks.")


def print_across(folder: Path, table: pd.DataFrame, where: list[str], as_csv: bool) -> None:
    """Print one row a network and readout on standard output: the mean over benchmarks, with its interval.

    Args:
        folder: the results folder.
        table: rows of it that meet the conditions.
        where: the conditions.
        as_csv: all columns, and what is said of them on standard error.

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
    if as_csv:
        print(means.to_csv(index=False), end="")
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
        print(note)
