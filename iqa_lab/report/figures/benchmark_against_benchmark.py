"""Rows of many units -> the same networks on two benchmarks."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart, network_names, number, slim
from iqa_lab.report.theme import dressed
from iqa_lab.statistics.factors.units import best_of_units


def benchmark_against_benchmark(table: pd.DataFrame, first: str, second: str) -> Chart | None:
    """The same networks on two benchmarks."""
    keys = ["goal", "dataset", "architecture", "weights"]
    best = best_of_units(table)
    one, other = (best[best["benchmark"] == name] for name in (first, second))
    both = one.merge(other, on=keys, suffixes=("_x", "_y"))
    if len(both) < 2:
        return None
    both = both.assign(network=network_names(both))
    goals = both["goal"].unique()
    chart = alt.Chart(slim(both)).mark_point(filled=True, size=70, opacity=0.9).encode(
        x=alt.X("srcc_x:Q", title=f"SRCC on {first}", scale=alt.Scale(zero=False)),
        y=alt.Y("srcc_y:Q", title=f"SRCC on {second}", scale=alt.Scale(zero=False)),
        color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", number("srcc_x"), number("srcc_y")],
    ).properties(width=420, height=420)  # fmt: skip
    return dressed(
        chart, f"The same networks on {first} and {second}", f"{len(both)} networks, best layer and readout of each"
    )
