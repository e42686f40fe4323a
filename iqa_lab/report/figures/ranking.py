"""Rows of many units -> networks and baselines, ranked."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import NUMBERS, SRCC, Chart, network_names, said_interval, said_n, slim
from iqa_lab.report.theme import WIDTH, dressed
from iqa_lab.statistics.factors.units import best_of_units


def ranking(table: pd.DataFrame, most: int = 40, *, measure: str = SRCC) -> Chart | None:
    """The best networks and the baselines of one benchmark, ranked, with intervals.

    Args:
        table: rows of one benchmark.
        most: how many are drawn.
        measure: what ``srcc`` is called.
    """
    best = best_of_units(table)
    if best.empty:
        return None
    best = best.assign(network=network_names(best)).sort_values("srcc", ascending=False).head(most)
    order = best["network"].tolist()
    goals = best["goal"].unique()
    y = alt.Y("network:N", sort=order, title=None, axis=alt.Axis(labelLimit=360))
    base = alt.Chart(slim(best)).encode(y=y, color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"))
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("srcc_low:Q", title=measure, scale=alt.Scale(zero=False)), x2="srcc_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="srcc:Q",
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", "layer", "readout", *NUMBERS],
    )
    chart = (bars + points).properties(width=WIDTH - 160, height=max(80, 21 * len(best)))
    said = "best layer and readout of each, in-sample: the best of many is optimistic"
    return dressed(chart, "Networks and baselines, ranked", [said, f"{said_n(best)}; {said_interval(best)}"])
