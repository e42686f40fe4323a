"""Results on disk -> what each network gets at the layer and readout that other references choose."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.progress import track
from iqa_lab.report.finished import FinishedUnit
from iqa_lab.statistics.factors.units import candidate_rows
from iqa_lab.store.held_out import held_out, statistic_of
from iqa_lab.store.settings import METHOD
from iqa_lab.store.tabulate import held_out_facts

COLUMNS = ["heldout", "heldout_low", "heldout_high", "columns"]
RANKED_BY = ("srcc", "agreement")  # of opinions, of choices


def held_out_of(units: Mapping[str, FinishedUnit], rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The held-out SRCC of every unit, of choices its agreement; and what cannot be read.

    It is the one of ``result.json`` where that was chosen among the same columns by the same method, else it is made
    from the scores.

    Args:
        units: those of the rows, by their names.
        rows: with ``unit``; among those of a unit is chosen, without pixels and what was fitted to the same opinions.

    Returns:
        ``COLUMNS`` by unit (``columns``: among how many was chosen), and for units whose scores are damaged the reason.
    """
    own = candidate_rows(rows)
    found, damaged = {}, {}
    for name, some in track(list(own.groupby("unit", sort=False)), "held-out values"):
        unit = units[str(name)]
        value = _known(unit, some)
        if value is None:
            try:
                value = _made(unit, some)
            except UserError as error:
                pass_on_interrupt(error)
                damaged[str(name)] = str(error)
                continue
        found[str(name)] = (*value, len(some))
    return pd.DataFrame.from_dict(found, orient="index", columns=COLUMNS).astype(float), damaged


def _known(unit: FinishedUnit, rows: pd.DataFrame) -> tuple[float, float, float] | None:
    """What its result says, if that is about these rows."""
    facts = unit.result.get("headline") or {}
    made = unit.result.get("statistics") or {}
    same = made.get("method") == METHOD and facts.get("columns") == len(rows)
    return held_out(facts) if same and statistic_of(facts) in RANKED_BY else None


def _made(unit: FinishedUnit, rows: pd.DataFrame) -> tuple[float, float, float]:
    """The same from its scores, by SRCC whatever the headline of its benchmark."""
    scores = unit.scores((rows["readout"] + "@" + rows["layer"]).tolist())
    by_srcc = replace(unit.config, benchmark=replace(unit.config.benchmark, headline="srcc"))
    return held_out(held_out_facts(scores, rows, by_srcc))
