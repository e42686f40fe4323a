"""A CSV file that grows: rows of pairs of image files and their numbers, by one metric, over several processes.

Each row carries the digest of the metric, and one of its two files and its numbers, so that what is there already is
believed only where all are still the same.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.errors import UserError, first_names
from iqa_lab.folders import in_one_step
from iqa_lab.store.writing import readable_write_errors

Floats = NDArray[np.float64]

PAIR = ["reference", "distorted"]
OPINION = ["opinion", "opinion_low", "opinion_high", "beyond_judged"]
LAST = ["metric", "files", "error"]


def files_digest(reference: str, distorted: str) -> str | None:
    """Of the two files of a pair, in 16 digits; None where one cannot be read."""
    digest = hashlib.blake2b(digest_size=8)
    for path in (reference, distorted):
        try:
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            return None
    return digest.hexdigest()


def row_digest(files: str | None, numbers: Floats) -> str:
    """Of a row: its two files and its numbers; empty where a file cannot be read."""
    if files is None:
        return ""
    plain = np.where(np.isnan(numbers), np.nan, numbers)  # one NaN may have other bits than the next
    return hashlib.blake2b(files.encode() + plain.tobytes(), digest_size=8).hexdigest()


class GrowingTable:
    """A CSV file of rows that another process may have begun.

    Args:
        file: its path.
        columns: of the table.
        numbers: those of them that hold numbers.
        metric: the digest of what computes them.
    """

    def __init__(self, file: Path, columns: Sequence[str], numbers: Sequence[str], metric: str) -> None:
        self.file, self.columns, self.numbers, self.metric = file, list(columns), list(numbers), metric

    def begun(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The rows that are there and hold still; errors, and pairs whose files or numbers changed, are done again.

        Raises:
            UserError: the file is another table, of another metric, or of other pairs; or it cannot be written.
        """
        table = self._read()
        if table is None:
            with readable_write_errors(self.file.parent):  # now, and not after the first pairs
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self.file.touch()
            return pd.DataFrame(columns=self.columns)
        others = sorted(set(table["metric"]) - {self.metric})
        if others:
            raise UserError(
                f"{self.file} was made by another metric ({others[0]}, this one is {self.metric}): give "
                "another --out, or remove it"
            )
        asked = set(map(tuple, pairs[PAIR].to_numpy()))
        foreign = [f"{f} {g}" for f, g in table[PAIR].to_numpy() if (f, g) not in asked]
        if foreign:
            raise UserError(
                f"{self.file} has pairs that are not asked for ({first_names(foreign)}): give another --out"
            )
        table[self.numbers] = table[self.numbers].map(_number).astype(float)
        holds = [
            error == "" and digest != "" and row_digest(files_digest(f, g), numbers) == digest
            for (f, g, digest, error), numbers in zip(
                table[[*PAIR, "files", "error"]].to_numpy(), table[self.numbers].to_numpy(), strict=True
            )
        ]
        kept = table[np.array(holds, dtype=bool)].copy()
        if "beyond_judged" in kept:
            kept["beyond_judged"] = kept["beyond_judged"] == "True"
        self.replace(kept)
        return kept.reset_index(drop=True)

    def _read(self) -> pd.DataFrame | None:
        """What is there, as text; a last line that was cut is left out."""
        if not self.file.exists():
            return None
        try:
            text = self.file.read_text(encoding="utf-8")
            whole = text[: text.rindex("\n") + 1] if "\n" in text else ""
            rows = list(csv.reader(io.StringIO(whole), strict=True))
        except (OSError, ValueError, csv.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{self.file} cannot be continued: {reason}; give another --out") from error
        if not rows:
            return None
        if rows[0] != self.columns or any(len(row) != len(rows[0]) for row in rows):
            raise UserError(
                f"{self.file} is another table (its columns are {first_names(rows[0], 6)}): give another --out"
            )
        return pd.DataFrame(rows[1:], columns=rows[0])

    def add(self, rows: pd.DataFrame) -> None:
        """Rows at the end of the file.

        Raises:
            UserError: it cannot be written.
        """
        with readable_write_errors(self.file.parent), self.file.open("a", encoding="utf-8", newline="") as file:
            rows.to_csv(file, index=False, header=file.tell() == 0, lineterminator="\n")

    def replace(self, table: pd.DataFrame) -> None:
        """The whole file anew, in one step.

        Raises:
            UserError: it cannot be written.
        """
        with readable_write_errors(self.file.parent), in_one_step(self.file) as unfinished:
            table.to_csv(unfinished, index=False, lineterminator="\n")


def _number(text: str) -> float:
    """What a cell says, to the last digit; NaN where it is no number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
