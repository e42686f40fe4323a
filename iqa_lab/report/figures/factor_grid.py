"""Rows of many units -> the grid of goal, dataset and architecture as a heat map with intervals."""

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report.figures.common import FACTORS, SRCC, Chart, networks_of, number, said_intervals, said_n, scale_of
from iqa_lab.report.theme import dressed
from iqa_lab.store.digits import three_digits

CELL = 92, 38  # pixels


def factor_grid(table: pd.DataFrame, cells: pd.DataFrame | None = None, *, measure: str = SRCC) -> Chart | None:
    """The grid of factors as a heat map: what is held out in each cell; cells without a result are seen to be empty.

    Args:
        table: rows of one benchmark, with ``heldout`` and its ends, where units have it.
        cells: ``goal, dataset, architecture`` of all cells that the study asks for; None: those with a result.
        measure: what ``srcc`` is called.
    """
    best = networks_of(table)
    if best.empty:
        return None
    found, said = _found(best)
    asked = best[list(FACTORS)] if cells is None else cells
    rows, columns = (
        sorted(asked["architecture"].unique()),
        sorted(set(zip(asked["goal"], asked["dataset"], strict=True))),
    )
    grid = pd.DataFrame([(g, d, a) for g, d in columns for a in rows], columns=list(FACTORS))
    grid = grid.merge(found, how="left", on=list(FACTORS)).assign(
        trained=lambda frame: frame["goal"] + " · " + frame["dataset"]
    )
    base = alt.Chart(grid.round(5)).encode(
        x=alt.X("trained:N", title="goal · dataset", axis=alt.Axis(labelAngle=-35)),
        y=alt.Y("architecture:N", title="architecture"),
    )
    there = base.transform_filter("isValid(datum.value)")
    empty = base.transform_filter("!isValid(datum.value)").mark_rect(
        fill="#f5f5f5", stroke="#d0d0d0", strokeDash=[2, 2]
    )
    low, high = scale_of(found["value"])
    full = there.mark_rect(stroke="white").encode(
        color=alt.Color("value:Q", title=measure.partition(" ")[0],
            scale=alt.Scale(scheme="viridis", domain=[low, high]),
            legend=alt.Legend(format=".2f", values=[low, round((low + high) / 2, 3), high])),
        tooltip=[*FACTORS, number("value"), "interval", "layer", "readout", number("srcc"), "n"],
    )  # fmt: skip
    ink = alt.condition(f"datum.value > {(low + high) / 2}", alt.value("black"), alt.value("white"))
    values = there.mark_text(fontSize=12, dy=-6).encode(text="text:N", color=ink)
    intervals = there.mark_text(fontSize=9, dy=9).encode(text="interval:N", color=ink)
    width, height = CELL
    chart = (empty + full + values + intervals).properties(
        width=max(150, width * len(columns)),
        height=max(60, height * len(rows)),
        usermeta={"widest": 180 * len(columns) + 260, "narrowest": 64 * len(columns) + 190},
    )
    colours = f"colours from {three_digits(low)} to {three_digits(high)}, not from 0; dashed: no result"
    return dressed(chart, "The grid of goal, dataset and architecture", [*said, colours, said_n(table)])


def _found(best: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A row per cell with ``value``, ``text`` and ``interval``, and what these are.

    Of several trainings of a cell the mean, since the best of many seeds is no better network; below it their range.
    """
    held_out = "heldout" in best and bool(best["heldout"].notna().all())
    best = best.assign(value=best["heldout"] if held_out else best["srcc"])
    rows = []
    for key, trainings in best.groupby(list(FACTORS), sort=False):
        first = trainings.sort_values("srcc", ascending=False).iloc[0]
        several = len(trainings) > 1
        if several:
            lowest, highest = (three_digits(getattr(trainings["value"], end)()) for end in ("min", "max"))
            interval = f"{len(trainings)}: {lowest} to {highest}"
        elif held_out and not np.isnan(first["heldout_low"]):
            interval = f"[{three_digits(first['heldout_low'])}, {three_digits(first['heldout_high'])}]"
        else:
            interval = ""
        value = float(trainings["value"].mean())
        rows.append((*key, value, three_digits(value), interval, *first[["srcc", "layer", "readout", "n"]]))
    names = [*FACTORS, "value", "text", "interval", "srcc", "layer", "readout", "n"]
    found = pd.DataFrame(rows, columns=names)
    ranges = (
        ["several trainings of a cell: their mean, their number and range"] if best.duplicated(FACTORS).any() else []
    )
    if held_out:
        bars = said_intervals(best, "heldout_low")
        return found, [f"at the layer and readout that other references choose, {bars}", *ranges]
    return found, ["best layer and readout of each unit, in-sample, hence without intervals", *ranges]
