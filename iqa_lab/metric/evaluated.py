"""What ``iqa_lab.evaluate`` gives: a unit's table, scores and folder."""

from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.errors import counted
from iqa_lab.metric.about import found_text
from iqa_lab.metric.from_result import metric_of_column
from iqa_lab.metric.module import Metric
from iqa_lab.store.outcome import Outcome


class Evaluated:
    """One unit's result.

    Args:
        outcome: of the run.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.table: pd.DataFrame = outcome.table  # a row per column: layer x readout
        self.folder: Path = outcome.unit.folder
        self._unit = outcome.unit

    @property
    def scores(self) -> pd.DataFrame:
        """A row per pair: its images, opinion, and distances by column."""
        return self._unit.scores()

    def metric(self, column: str) -> Metric:
        """One of its columns as a metric, ``<readout>@<layer>``."""
        return metric_of_column(self.folder, column, trust=True)  # what was just run here

    def __repr__(self) -> str:
        by = "srcc" if "srcc" in self.table else "agreement"
        row = self.table.sort_values(by, ascending=False).iloc[0]
        best: dict[str, Any] = {str(key): value for key, value in row.items()}
        return (
            f"{counted(len(self.table), 'column')} in {self.folder}; "
            f"the highest of all, {best['readout']}@{best['layer']}, "
            f"on {found_text(best)} (chosen on the same opinions: optimistic)"
        )
