"""What is on disk of a unit: signature, atomic writes, growth by columns.

A unit's folder holds ``scores.parquet``, ``correlations.csv``, ``config.yaml`` and, written last, ``result.json``.
Each file is written beside its place and renamed into it, under a lock, so that a reader or a second writer never
meets half of one.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from iqa_lab.errors import UserError

Definitions = dict[str, dict[str, Any]]  # of each column: its layer, depth, readout and how the readout is defined

Tabulate = Callable[[pd.DataFrame, Definitions], pd.DataFrame]  # of scores and the definitions of their columns
Summarise = Callable[[pd.DataFrame, pd.DataFrame], dict[str, Any]]  # of scores and their table


@dataclass(frozen=True)
class UnitFolder:
    """The place of one unit's result."""

    folder: Path

    @property
    def scores_file(self) -> Path:
        """One row a pair, one column a layer x readout."""
        return self.folder / "scores.parquet"

    @property
    def correlations_file(self) -> Path:
        """One row a layer x readout."""
        return self.folder / "correlations.csv"

    @property
    def weights_file(self) -> Path:
        """One row a channel of the readouts that weigh channels."""
        return self.folder / "channel_weights.csv"

    def read_columns(self, names: list[str]) -> pd.DataFrame:
        """The distances of columns that are there."""
        return pd.read_parquet(self.scores_file, columns=names) if names else pd.DataFrame()

    def read_result(self) -> dict[str, Any] | None:
        """What ``result.json`` says, or None where there is none that can be read."""
        try:
            result = json.loads((self.folder / "result.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            return None
        return result if isinstance(result, dict) else None

    def finished(self) -> Definitions:
        """The definitions of the columns that are there and need not be computed again."""
        result = self.read_result()
        if result is None or result.get("state") != "done" or not self.scores_file.is_file():
            return {}
        return dict(result["columns"])

    def write(
        self,
        scores: pd.DataFrame,
        definitions: Definitions,
        result: dict[str, Any],
        config: str,
        tabulate: Tabulate,
        weights: pd.DataFrame | None = None,
        summarise: Summarise = lambda _scores, _table: {},
    ) -> pd.DataFrame:
        """Add columns to the unit, and make its table anew; returns the table.

        Args:
            scores: one row a pair, with the columns to add.
            definitions: of the columns to add.
            result: what ``result.json`` shall say besides ``state`` and ``columns``.
            config: the text of ``config.yaml``.
            tabulate: makes the correlations of all columns, old and new.
            weights: of channels, with ``readout`` and ``layer``; replaces those of the same readout and layer.
            summarise: makes the headline in ``result.json`` of all scores and the table.

        Raises:
            UserError: the disk is full, or the folder cannot be written.
        """
        with readable_write_errors(self.folder), self._locked():
            known = {name: facts for name, facts in self.finished().items() if name not in definitions}
            if known:
                scores = pd.concat([scores, self.read_columns(list(known))], axis=1)
            everything = {**known, **definitions}
            table = tabulate(scores, everything)
            facts = {"state": "done", **result, "headline": summarise(scores, table), "columns": everything}
            text = json.dumps(facts, indent=2) + "\n"
            writers: dict[str, Callable[[Path], object]] = {
                "config.yaml": lambda path: path.write_text(config, encoding="utf-8"),
                "scores.parquet": lambda path: scores.to_parquet(path, index=False),
                "correlations.csv": lambda path: table.to_csv(path, index=False),
                "result.json": lambda path: path.write_text(text, encoding="utf-8"),
            }
            if weights is not None:
                merged = self._with_earlier_weights(weights, everything)
                writers = {self.weights_file.name: lambda path: merged.to_csv(path, index=False), **writers}
            _replace_all(self.folder, writers)
        return table

    def tabulate_again(self, tabulate: Tabulate, summarise: Summarise) -> pd.DataFrame:
        """Make the table and the headline of a finished unit anew from its scores; returns the table.

        Raises:
            UserError: the folder cannot be written.
        """
        with readable_write_errors(self.folder), self._locked():
            result, definitions = self.read_result() or {}, self.finished()
            scores = pd.read_parquet(self.scores_file)
            table = tabulate(scores, definitions)
            text = json.dumps({**result, "headline": summarise(scores, table)}, indent=2) + "\n"
            writers: dict[str, Callable[[Path], object]] = {
                "correlations.csv": lambda path: table.to_csv(path, index=False),
                "result.json": lambda path: path.write_text(text, encoding="utf-8"),
            }
            _replace_all(self.folder, writers)
        return table

    def _with_earlier_weights(self, weights: pd.DataFrame, definitions: Definitions) -> pd.DataFrame:
        """New weights, and the earlier ones of other columns that are still there."""
        if not self.weights_file.is_file():
            return weights
        earlier = pd.read_csv(self.weights_file)
        new = set(weights["readout"] + "@" + weights["layer"])
        column = earlier["readout"] + "@" + earlier["layer"]
        return pd.concat([weights, earlier[column.isin(set(definitions) - new)]], ignore_index=True)

    def write_failure(self, result: dict[str, Any], error: str) -> None:
        """Record that the unit failed, unless an earlier result is there, which stays."""
        with readable_write_errors(self.folder), self._locked():
            if not self.finished():
                text = json.dumps({"state": "failed", "error": error, **result}, indent=2) + "\n"
                _replace_all(self.folder, {"result.json": lambda path: path.write_text(text, encoding="utf-8")})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            yield


def check_writable(folder: Path) -> None:
    """Nothing, if a file can be made below this folder; found out before the work, not after.

    Raises:
        UserError: the disk is full, or the folder cannot be written.
    """
    with readable_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".writable-") as probe:
            probe.write(b"?")
            probe.flush()


@contextmanager
def readable_write_errors(folder: Path) -> Iterator[None]:
    """Errors of the disk as one line.

    Raises:
        UserError: instead of OSError.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error.strerror or error}") from error


def _replace_all(folder: Path, writers: dict[str, Callable[[Path], object]]) -> None:
    """Write all files beside their places, make sure that they are on the disk, then rename them in their order.

    A full disk is met before the first rename. What a killed process left beside its place is removed; the caller
    holds the folder's lock.
    """
    for leftover in folder.glob(".unfinished-*"):
        leftover.unlink()
    unfinished = {name: folder / f".unfinished-{name}" for name in writers}
    try:
        for name, write in writers.items():
            write(unfinished[name])
            with unfinished[name].open("rb") as file:
                os.fsync(file.fileno())
        for name, path in unfinished.items():
            os.replace(path, folder / name)
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)
