"""Results of a folder -> a CSV of per-pair scores of each unit, for programs that cannot read Parquet."""

from pathlib import Path

from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.progress import say, track
from iqa_lab.report.tables import csv_table
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.made import all_or_none
from iqa_lab.store.result import FAILED, RESULT


def write_pairs(results: Path, folder: Path) -> int:
    """Write ``pairs/<benchmark>/<cell>/<signature>.csv`` for every unit of a results folder; returns how many.

    A row per pair, the columns of ``scores.parquet``, numbers with all digits. A damaged unit is left out, and said.

    Args:
        results: the results folder, or one unit's.
        folder: where the files shall be; what lies there of an earlier time is replaced.

    Raises:
        UserError: there is no unit whose scores can be read, or the folder cannot be written.
    """
    units = [UnitFolder(file.parent) for file in sorted(results.rglob(RESULT)) if ".sweep" not in file.parts]
    units = [unit for unit in units if (unit.read_result() or {}).get("state") != FAILED]
    written = 0
    with all_or_none(folder, last="") as unfinished:
        for unit in track(units, "scores of pairs"):
            try:
                scores = unit.scores()
            except UserError as error:
                pass_on_interrupt(error)
                say(f"left out: {error}", "yellow")
                continue
            file = unfinished / "pairs" / unit.folder.relative_to(results).parent / f"{unit.folder.name}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(csv_table(scores), encoding="utf-8", errors="replace")
            written += 1
        if not written:
            raise UserError(f"{results} holds no unit whose scores can be read")
    return written
