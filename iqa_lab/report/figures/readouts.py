"""Rows of many units -> readouts side by side."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import NUMBERS, SRCC, Chart, best_layers, network_names, said_n, slim
from iqa_lab.report.theme import HEIGHT, dressed
from iqa_lab.statistics.factors.units import UNTRAINED


def readouts(table: pd.DataFrame, *, measure: str = SRCC) -> Chart | None:
    """Readouts side by side: of every network its best layer with each.

    Args:
        table: rows of one benchmark.
        measure: what ``srcc`` is called.
    """
    own = best_layers(table)
    if own["readout"].nunique() < 2:
        return None
    own = own.assign(network=network_names(own))
    # medians of the same networks, else they say who was read in which way
    trained = own[own["goal"] != UNTRAINED]
    of_all = trained[trained.groupby("network")["readout"].transform("nunique") == own["readout"].nunique()]
    ordering = next(rows for rows in (of_all, trained, own) if len(rows))
    order = ordering.groupby("readout")["srcc"].median().sort_values(ascending=False).index.tolist()
    order += sorted(set(own["readout"]) - set(order))
    x = alt.X("readout:N", sort=order, title=None, axis=alt.Axis(labelAngle=-35))
    base = alt.Chart(slim(own)).encode(x=x)
    lines = base.mark_line(opacity=0.35, strokeWidth=1).encode(
        y=alt.Y("srcc:Q", title=measure, scale=alt.Scale(zero=False)), detail="network:N", color=alt.value(theme.FAINT)
    )
    goals = own["goal"].unique()
    legend = alt.Legend(title="goal", orient="bottom")
    points = base.mark_point(filled=True, size=45, opacity=0.9).encode(
        y="srcc:Q", color=alt.Color("goal:N", scale=theme.colours(goals), legend=legend),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), legend=legend),
        tooltip=["network", "readout", "layer", *NUMBERS],
    )  # fmt: skip
    medians = alt.Chart(slim(of_all)).mark_tick(thickness=3, size=34, color="black").encode(
        x=x, y=alt.Y("median(srcc):Q", title=measure)
    )  # fmt: skip
    parts = [lines, points, medians] if len(of_all) else [lines, points]
    chart = alt.layer(*parts).properties(width=max(200, 58 * len(order)), height=HEIGHT)
    lines_said = ["a line a network, at its best layer (in-sample)", said_n(own)]
    if number := of_all["network"].nunique():
        lines_said[0] += f"; black: median of the {number} trained networks that were read in all of these ways"
    return dressed(chart, "Readouts of the same networks", lines_said)
