"""Units that are done, as a report reads them: configuration and facts once, scores column by column.

Results may come from somebody else, and files break: everything is checked as it is read, and a unit that is damaged
is left out and named. It never stops the others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from iqa_lab.benchmarks.benchmark import CHOICES, MOS, THRESHOLDS
from iqa_lab.config import Config, ReadoutConfig, checked_name
from iqa_lab.errors import UserError, first_names, pass_on_interrupt
from iqa_lab.networks.cells import BASELINE
from iqa_lab.networks.layer import PIXELS, Layer
from iqa_lab.progress import track
from iqa_lab.scoring.definitions import define_columns, rows_of_readout
from iqa_lab.statistics.table import CORRELATIONS
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.tabulate import opinion_sign

# what reading a damaged file, or one that another program has written, may raise
DAMAGE = (UserError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
          pa.ArrowException)  # fmt: skip

WORDS = ("benchmark", "goal", "dataset", "architecture", "weights", "layer", "readout")
NUMBERS = ("depth", "confidence", *(name for name in CORRELATIONS if name != "logistic_converged"))
OF_OTHERS = ("agreement", "rms_db", "srcc", "plcc")  # begin names of statistics of choices and of stimuli
ROUNDING = 1e-9  # of float64, by which a correlation may lie beyond 1
# of the facts in result.json that a report shows
KINDS = {
    "hashed": dict, "headline": dict, "seconds": dict, "versions": dict, "layers": list,
    "n_scored": int, "n_expected": int, "forwards": int,
}  # fmt: skip


@dataclass(frozen=True)
class FinishedUnit:
    """What is known of one unit besides its scores."""

    name: str  # its folder below the results
    files: UnitFolder
    config: Config
    result: Mapping[str, Any]  # result.json
    table: pd.DataFrame  # its rows of correlations.csv

    @property
    def opinion_sign(self) -> int:
        """+1 where a higher opinion is better, -1 where a lower one is."""
        return opinion_sign(self.config)

    def scores(self, columns: Sequence[str]) -> pd.DataFrame:
        """Its pairs with these columns (``<readout>@<layer>``); others are not read.

        Raises:
            UserError: they cannot be read, or are not those that its table is about.
        """
        file = self.files.scores_file
        try:
            scores = self.files.read_columns(["reference", "distorted", "distortion", "opinion", *columns])
            values = scores[["opinion", *columns]].to_numpy(dtype=float)
        except DAMAGE as error:
            raise UserError(f"{file} is damaged: {said(error)}") from error
        if scores[["reference", "distorted"]].isna().any(axis=None):
            raise UserError(f"{file} is damaged: some pairs have no names")
        if not np.isfinite(values).all():
            raise UserError(f"{file} is damaged: some scores or opinions are no finite numbers")
        counted = len(scores) // 2 if self.config.benchmark.protocol in CHOICES else len(scores)
        if self.config.benchmark.protocol == THRESHOLDS:  # several trials are one stimulus, or condition
            counted = self.table["n"].iloc[0] if self.table["n"].iloc[0] <= len(scores) else len(scores)
        if not (self.table["n"] == counted).all():
            raise UserError(f"{file} is damaged: it has {len(scores)} rows, its table is of another number")
        return scores.astype({"reference": str, "distorted": str})

    def asked(self, readouts: Mapping[str, ReadoutConfig]) -> "FinishedUnit":
        """It with its rows of these readouts only, in the layers that they choose.

        Results of versions that did not keep the layers of a network: in all layers that are there.
        """
        if self.config.goal.name == BASELINE:
            return self
        names = self.table["readout"] + "@" + self.table["layer"]
        if "layers" in self.result:
            definitions, _ = define_columns(readouts, [Layer(name, 0.0) for name in self.result["layers"]])
            wanted = names.isin(definitions.keys())
        else:
            rows = {row for name, readout in readouts.items() for row in rows_of_readout(name, readout)}
            together = self.table["layer"].str.startswith("concat_")
            any_together = any(readout.concat for readout in readouts.values())
            wanted = self.table["readout"].isin(rows) & (any_together | ~together)
            wanted |= names == f"plain@{PIXELS.name}"
        return replace(self, table=self.table[wanted])


def read_units(results: Path, table: pd.DataFrame) -> tuple[dict[str, FinishedUnit], list[str]]:
    """The units of a table, by their names; and which cannot be read, with the reason.

    Args:
        results: the results folder.
        table: rows of ``correlations.csv`` with ``unit``, as ``iqa_lab.results`` gives them.
    """
    found, unreadable = {}, []
    checked, damaged = checked_rows(table)
    for key, rows in track(list(checked.groupby("unit", sort=False)), "reading units"):
        name = str(key)
        try:
            if name in damaged:
                raise UserError(f"{results / name / 'correlations.csv'} is damaged: {damaged[name]}")
            found[name] = _read_unit(results / name, name, rows.drop(columns="unit"))
        except UserError as error:
            pass_on_interrupt(error)
            unreadable.append(f"left out: {error}")
    return found, unreadable


def _read_unit(folder: Path, name: str, rows: pd.DataFrame) -> FinishedUnit:
    """One unit.

    Raises:
        UserError: it is damaged.
    """
    files = UnitFolder(folder)
    config = files.config()
    benchmark = config.benchmark
    try:
        checked_name(str(benchmark.name), "benchmark.name")
        if benchmark.protocol not in (MOS, *CHOICES, THRESHOLDS) or benchmark.opinion not in ("mos", "dmos"):
            raise UserError(f"its opinions are {benchmark.protocol}, {benchmark.opinion}")
        about = sorted(set(rows["benchmark"]))  # its name, or that and a dot and the first digits of its digest
        if len(about) != 1 or not f"{about[0]}.".startswith(f"{benchmark.name}."):
            raise UserError(f"its table is about {first_names(about)}, not about {benchmark.name}")
        if not 0 < config.statistics.confidence < 1:
            raise UserError(f"statistics.confidence={config.statistics.confidence}")
        result = files.read_result()
        if result is None:
            raise UserError("its result.json cannot be read")
        check_facts(result)
    except DAMAGE as error:
        raise UserError(f"{folder} is damaged: {said(error)}") from error
    return FinishedUnit(name, files, config, result, rows)


def checked_rows(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows with their numbers as numbers, and which units have rows that cannot be: their names, and why.

    Args:
        table: rows of ``correlations.csv`` of any number of units, with ``unit``.

    Raises:
        UserError: it has a column twice.
    """
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()]
        raise UserError(f"a correlations.csv has the column {twice[0]!r} twice: iqa-lab report --recompute mends it")
    damaged: dict[str, str] = {}

    def refuse(wrong: pd.Series, reason: str) -> None:
        damaged.update({str(unit): reason for unit in table.loc[wrong.to_numpy(dtype=bool), "unit"].unique()})

    numbers = {}
    for name in [str(name) for name in table if name in NUMBERS or str(name).startswith(OF_OTHERS)]:
        numbers[name] = values = pd.to_numeric(table[name], errors="coerce").astype(float)
        low, high = limits(name)
        refuse(values.isna() & table[name].notna(), f"{name} is no number")
        refuse((values < low - ROUNDING) | (values > high + ROUNDING), f"{name} is not between {low:g} and {high:g}")
    for name in WORDS:
        words = table[name] if name in table else pd.Series(None, index=table.index, dtype=object)
        refuse(~words.map(lambda word: isinstance(word, str) and bool(word.strip())), f"it has rows without {name}")
    keys = [name for name in ("unit", "readout", "layer") if name in table]
    refuse(table.duplicated(keys), "it has a row twice")
    count = numbers.get("n", pd.Series(np.nan, index=table.index))
    refuse(~(count >= 1) | (count % 1 != 0), "n is no number of pairs")
    return table.assign(**numbers), damaged


def limits(name: str) -> tuple[float, float]:
    """The limits of a statistic.

    >>> limits("srcc_low"), limits("agreement")
    ((-1.0, 1.0), (0.0, 1.0))
    """
    if name.startswith("rms_db"):
        return 0.0, float(np.finfo(float).max)
    if name.startswith(("srcc", "plcc", "krcc")):
        return -1.0, 1.0
    largest = float(np.finfo(float).max)
    return (0.0, 1.0) if name.startswith(("agreement", "depth", "confidence")) else (-largest, largest)


def check_facts(result: Mapping[str, Any]) -> None:
    """Nothing, if the facts that a report shows are of the right kind.

    Raises:
        UserError: naming the first that is not.
    """
    for name, kind in KINDS.items():
        value = result.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise UserError(f"{name} in its result.json is {str(value)[:40]!r}")
    if not all(isinstance(layer, str) for layer in result.get("layers") or []):
        raise UserError("layers in its result.json are no names")
    seconds, ceiling = result.get("seconds") or {}, (result.get("headline") or {}).get("ceiling_group")
    for name, number in {"seconds": seconds.get("pass", 0), "ceiling_group": ceiling}.items():
        if number is not None and (not isinstance(number, (int, float)) or not math.isfinite(number)):
            raise UserError(f"{name} in its result.json is {str(number)[:40]!r}")


def said(error: BaseException) -> str:
    """What an error says, in one line of a reader's length; a bare key or nothing with the error's kind."""
    text = " ".join(str(error).split())[:160]
    return text if isinstance(error, UserError) else f"{type(error).__name__} {text}".strip()
