"""Units of a results folder -> the table of their headlines in the terminal, the best first."""

from iqa_lab.cli.printing import print_rows
from iqa_lab.store.headlines import explained, shown, unit_headlines
from iqa_lab.store.table import Results

SHOWN, LEAST = 20, 5  # units in all, and of each benchmark


def print_headlines(found: Results, more: str) -> None:
    """Print one row a unit on standard output: the held-out value with its interval first, then the best column.

    Args:
        found: of which units.
        more: where the others are, if not all are printed.
    """
    headlines = unit_headlines(found)
    if headlines.empty:
        print("nothing matches")
        return
    first = headlines.groupby("benchmark").head(max(LEAST, SHOWN // headlines["benchmark"].nunique()))
    for table in shown(first):
        print_rows([{str(name): value for name, value in row.items()} for row in table.to_dict("records")])
    if len(headlines) > len(first):
        print(f"{len(headlines) - len(first)} more units: {more}")
    for sentence in explained(headlines):
        print(sentence)
