"""Rows of many units -> networks and baselines, ranked by what is held out."""

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import (
    HELD_OUT,
    SRCC,
    Chart,
    axis_of,
    network_names,
    number,
    said_intervals,
    said_n,
    slim,
)
from iqa_lab.report.theme import WIDTH, dressed
from iqa_lab.statistics.factors.units import best_of_units


def ranking(table: pd.DataFrame, most: int = 40, *, measure: str = SRCC, of_stimuli: bool = False) -> Chart | None:
    """Networks and baselines of one benchmark, ranked by the held-out value; the best column of each as a tick.

    Args:
        table: rows of one benchmark, with ``HELD_OUT`` of their units. What has no held-out value comes last.
        most: how many are drawn.
        measure: what ``srcc`` is called.
        of_stimuli: whether the benchmark is of stimuli, not of photographs and opinions.
    """
    best = best_of_units(table)
    if best.empty:
        return None
    lacking = {name: np.nan for name in HELD_OUT if name not in best}
    best = best.assign(network=network_names(best), **lacking)
    best = best.sort_values(["heldout", "srcc"], ascending=False, kind="stable").head(most)
    order = best["network"].tolist()
    goals = best["goal"].unique()
    y = alt.Y("network:N", sort=order, title=None, axis=alt.Axis(labelLimit=360))
    base = alt.Chart(slim(best)).encode(y=y, color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"))
    tips = ["network", *map(number, HELD_OUT), number("srcc"), "layer", "readout", "columns:Q", "n"]

    scale = axis_of(best[["heldout", "heldout_low", "heldout_high", "srcc"]].melt()["value"])

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", title=measure, scale=scale)

    bars = base.mark_rule(strokeWidth=2).encode(x=x("heldout_low"), x2="heldout_high:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x("heldout"), shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"), tooltip=tips
    )
    chosen = base.mark_tick(thickness=2, size=13, opacity=0.55).encode(x=x("srcc"), tooltip=tips)
    chart = (bars + points + chosen).properties(width=WIDTH - 160, height=max(80, 21 * len(best)))
    what, on = ("stimuli", "stimuli") if of_stimuli else ("references", "opinions")
    said = [
        f"points: at the layer and readout that other {what} choose, {said_intervals(best, 'heldout_low')}",
        f"ticks: the best of all columns, chosen on the same {on}: optimistic, hence no interval",
        said_n(best).replace("pairs", "stimuli") if what == "stimuli" else said_n(best),
    ]
    return dressed(chart, "Networks and baselines, ranked by what is held out", said)
