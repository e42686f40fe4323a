"""Networks of a report -> what each factor does in its controlled families, and the noise floor beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from iqa_lab.config import configuration_folder, option_files
from iqa_lab.config.options import read_option
from iqa_lab.statistics.factors.families import controlled_comparisons
from iqa_lab.statistics.factors.replicates import CORRELATIONS, Floors, noise_floors, replicated_cells
from iqa_lab.statistics.factors.units import Columns, Judged


@dataclass(frozen=True)
class Controlled:
    """A report's comparisons in which one factor moves."""

    table: pd.DataFrame = field(default_factory=pd.DataFrame)  # as ``controlled_comparisons``, with ``described``
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)  # those with several trainings, as ``replicated_cells``
    floors: Floors = field(default_factory=Floors)

    def sentences(self) -> Sequence[str]:
        """What the noise floor rests on, in words."""
        kinds = {
            "trained networks (recipes)": self.floors.trained, "untrained networks (seeds)": self.floors.untrained,
        }  # fmt: skip
        return [
            f"Noise floor of {kind}: {floor}, 95 % interval {low:.3f} to {high:.3f}; two trainings of one cell "
            f"differ by up to {floor.reach:.3f} (95 %)."
            for kind, floor in kinds.items()
            if floor.df > 0
            for low, high in [floor.interval()]
        ]


def controlled_of(chosen: pd.DataFrame, judged: Mapping[Columns, Judged]) -> Controlled:
    """The controlled comparisons among the networks of a report, at the layer that other references choose.

    Args:
        chosen: one row per unit with ``columns``, ``statistic``, ``family`` and ``replicate``; those that are judged by
            a correlation count.
        judged: how well they do.
    """
    there = pd.Series([columns in judged for columns in chosen["columns"]], index=chosen.index, dtype=bool)
    units = chosen[chosen["statistic"].isin(CORRELATIONS) & there]
    if not len(units) or "family" not in units:
        return Controlled()
    # one statistic: a spread of one is not the spread of another
    statistic = "srcc" if (units["statistic"] == "srcc").any() else str(units["statistic"].iloc[0])
    units = units[(units["statistic"] == statistic) & (units["goal"] != "baseline")]
    units = units.assign(value=[judged[columns].value for columns in units["columns"]])
    table = controlled_comparisons(units)
    files = option_files("family", [configuration_folder()])
    said = {name: read_option(files[name], "family") for name in set(table["family"]) if name in files}
    described = [str(said.get(name, {}).get("description", "")) for name in table["family"]]
    also = [str(said.get(name, {}).get("held", "")) for name in table["family"]]
    return Controlled(table.assign(described=described, also_held=also), replicated_cells(units), noise_floors(units))
