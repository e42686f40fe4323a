"""Rows of many units -> the grid of goal, dataset and architecture as a heat map."""

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report.figures.common import FACTORS, NUMBERS, SRCC, Chart, networks_of, said_n, slim
from iqa_lab.report.theme import dressed


def factor_grid(table: pd.DataFrame, cells: pd.DataFrame | None = None, *, measure: str = SRCC) -> Chart | None:
    """The grid of factors as a heat map: the best layer of each unit; cells without a result are seen to be empty.

    Args:
        table: rows of one benchmark.
        cells: ``goal, dataset, architecture`` of all cells that the study asks for; None: those with a result.
        measure: what ``srcc`` is called.
    """
    best = networks_of(table)
    if best.empty:
        return None
    best = best.loc[best.groupby(list(FACTORS))["srcc"].idxmax()]
    asked = best[list(FACTORS)] if cells is None else cells
    rows, columns = (
        sorted(asked["architecture"].unique()),
        sorted(set(zip(asked["goal"], asked["dataset"], strict=True))),
    )
    grid = pd.DataFrame([(g, d, a) for g, d in columns for a in rows], columns=list(FACTORS))
    grid = grid.merge(best, how="left", on=list(FACTORS)).assign(
        trained=lambda frame: frame["goal"] + " · " + frame["dataset"],
        text=lambda frame: frame["srcc"].map(lambda value: "" if np.isnan(value) else f"{value:.2f}".lstrip("0")),
    )
    base = alt.Chart(slim(grid)).encode(
        x=alt.X("trained:N", title="goal · dataset", axis=alt.Axis(labelAngle=-35)),
        y=alt.Y("architecture:N", title="architecture"),
    )
    empty = base.transform_filter("!isValid(datum.srcc)").mark_rect(fill="#f5f5f5", stroke="#d0d0d0", strokeDash=[2, 2])
    low, high = float(best["srcc"].min()), float(best["srcc"].max())
    viridis = alt.Scale(scheme="viridis", domain=[low, max(high, low + 1e-6)])
    full = base.transform_filter("isValid(datum.srcc)").mark_rect(stroke="white").encode(
        color=alt.Color("srcc:Q", title=measure.partition(" ")[0], scale=viridis),
        tooltip=[*FACTORS, "layer", "readout", *NUMBERS],
    )  # fmt: skip
    middle = (low + high) / 2
    text = base.transform_filter("isValid(datum.srcc)").mark_text(fontSize=11).encode(
        text="text:N",
        color=alt.condition(f"datum.srcc > {middle}", alt.value("black"), alt.value("white")),
    )  # fmt: skip
    chart = (empty + full + text).properties(width=max(120, 62 * len(columns)), height=max(60, 26 * len(rows)))
    said = "best layer and readout of each unit, in-sample; dashed: no result"
    return dressed(chart, "The grid of goal, dataset and architecture", [said, said_n(table)])
