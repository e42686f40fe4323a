"""A study's plan -> what each of its claims can rest on and find, as a table; before anybody spends a GPU-day."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from iqa_lab.benchmarks.benchmark import CHOICES, THRESHOLDS
from iqa_lab.config import ReadoutConfig
from iqa_lab.errors import counted
from iqa_lab.networks.cells import BASELINE
from iqa_lab.report.properties import trainings, with_properties
from iqa_lab.scoring.definitions import rows_of_readout
from iqa_lab.statistics.factors.claims import COVARIATES
from iqa_lab.statistics.factors.foreseen import Foreseen, foresee
from iqa_lab.statistics.factors.power import BETWEEN, LEVEL, POWER, WITHIN
from iqa_lab.statistics.factors.units import SENSITIVITY
from iqa_lab.store.digits import three_digits
from iqa_lab.sweep.plan import Plan, Planned
from iqa_lab.tables import table_lines, width_of_output


def claims_view(plan: Plan, claims: tuple[str, ...]) -> list[RenderableType]:
    """What the grid of a plan, done or not, can say of claims; nothing where there are none.

    Raises:
        UserError: a claim cannot be read, or means several things.
    """
    table = table_of(plan)
    if not claims or table.empty:
        return []
    rows = [
        {
            "claim": row.claim, "independent pairs": str(row.pairs), "networks": str(row.networks),
            "benchmarks": ", ".join(row.benchmarks), "finds": _finds(row), "note": row.note,
        }
        for row in foresee(claims, table)
    ]  # fmt: skip
    absent = sorted({entry.unit.benchmark for entry in plan.units if entry.facts.error is not None})
    as_if = f"; counted as if they could be scored: {', '.join(absent)}" if absent else ""
    return [
        f"claims: what this grid can find with a power of {POWER:g} at {LEVEL:g} (two-sided, Holm over "
        f"{counted(len(claims), 'claim')}), if matched pairs of networks differ by a standard deviation of "
        f"{BETWEEN:g} and references leave {WITHIN:g}; below five independent pairs a claim, and what it finds, is "
        f"about these networks only{as_if}",
        *map(Text, table_lines(rows, width_of_output())),
    ]


def table_of(plan: Plan) -> pd.DataFrame:
    """A row for each unit, readout and layer that a plan will give; an early, a middle and a late layer stand for all.

    Units that have failed, or whose benchmark is not there yet, count: the grid can give them.
    """
    rows = [row for entry in plan.units for row in _rows(entry)]
    if not rows:
        return pd.DataFrame()
    # one network swept over other settings is one network
    named = ["benchmark", "goal", "dataset", "architecture", "weights", "readout", "layer"]
    return with_properties(pd.DataFrame(rows).drop_duplicates(named).reset_index(drop=True), trainings())


def _rows(entry: Planned) -> list[dict[str, Any]]:
    unit, cell = entry.unit, entry.unit.cell
    benchmark = unit.factors["benchmark"]
    weights = (cell.weights or "").rpartition("/")[2] or cell.architecture
    common = {
        "unit": entry.key, "benchmark": unit.benchmark, "goal": cell.goal, "dataset": cell.dataset,
        "architecture": cell.architecture, "value": 0.5,
        "weights": weights if cell.seed is None else f"{weights}.seed{cell.seed}",
        "statistic": _statistic(benchmark),
    }  # fmt: skip
    if cell.goal == BASELINE:
        return [{**common, "readout": cell.architecture, "layer": cell.architecture, "depth": 1.0}]
    rows = []
    for name, values in unit.shared["readouts"].items():
        readout = ReadoutConfig(**values)
        layers = [("early", 0.0), ("middle", 0.5), ("late", 1.0)]
        layers += [(f"concat_{kind}", 1.0) for kind in readout.concat or ()]
        rows += [
            {**common, "readout": row, "layer": layer, "depth": depth}
            for row in rows_of_readout(name, readout)
            for layer, depth in layers
        ]
    return rows


def _statistic(benchmark: Mapping[str, Any]) -> str:
    """What a benchmark is judged by in claims."""
    if benchmark.get("protocol") == THRESHOLDS:
        return SENSITIVITY
    return "agreement" if benchmark.get("protocol") in CHOICES else str(benchmark.get("headline") or "srcc")


def _finds(row: Foreseen) -> str:
    """The smallest difference, margin or trend that can be found.

    >>> _finds(Foreseen("a > b", 6, detects=0.0541)), _finds(Foreseen("trend(imagenet) > 0", 9, detects=0.8))
    ('.054', 'rho .800')
    """
    if isnan(row.detects):
        return "-"
    over = any(row.claim.startswith(name) for name in (*COVARIATES, "trend(benchmark "))
    word = "rho " if over else "equal within " if "~" in row.claim else ""
    return f"{word}{three_digits(row.detects)}"
