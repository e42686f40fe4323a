"""Units that are done, as a report reads them: configuration and facts once, scores column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import BASELINE
from iqa_lab.networks.network import PIXELS, Layer
from iqa_lab.progress import track
from iqa_lab.scoring.columns import define_columns, rows_of_readout
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.recompute import read_config
from iqa_lab.store.tabulate import opinion_sign


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
        """Its pairs with these columns (``<readout>@<layer>``); others are not read."""
        return self.files.read_columns(["reference", "distorted", "distortion", "opinion", *columns])

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
    for key, rows in track(list(table.groupby("unit", sort=False)), "reading units"):
        name = str(key)
        files = UnitFolder(results / name)
        try:
            config = read_config(files.folder / "config.yaml")
        except UserError as error:
            unreadable.append(f"left out: {error}")
            continue
        found[name] = FinishedUnit(name, files, config, files.read_result() or {}, rows.drop(columns="unit"))
    return found, unreadable
