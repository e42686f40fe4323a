"""Rows of many units -> the same networks on two benchmarks."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart, network_names, number, slim, with_values
from iqa_lab.report.theme import dressed
from iqa_lab.statistics.factors.units import best_of_units


def benchmark_against_benchmark(table: pd.DataFrame, first: str, second: str) -> Chart | None:
    """The same networks on two benchmarks."""
    keys = ["goal", "dataset", "architecture", "weights"]
    best, said = with_values(best_of_units(table))
    one, other = (best[best["benchmark"] == name] for name in (first, second))
    both = one.merge(other, on=keys, suffixes=("_x", "_y"))
    if len(both) < 2:
        return None
    of_side = {f"value_{side}{end}": both[f"value{end}_{side}"] for side in ("x", "y") for end in ("", "_low", "_high")}
    both = both.assign(network=network_names(both), **of_side)
    goals = both["goal"].unique()
    base = alt.Chart(slim(both)).encode(color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"))
    x = alt.X("value_x:Q", title=f"SRCC on {first}", scale=alt.Scale(zero=False))
    y = alt.Y("value_y:Q", title=f"SRCC on {second}", scale=alt.Scale(zero=False))
    bars = base.mark_rule(strokeWidth=1.5, opacity=0.6)
    parts = [
        bars.encode(x=x, y=alt.Y("value_y_low:Q", title=f"SRCC on {second}"), y2="value_y_high:Q"),
        bars.encode(y=y, x=alt.X("value_x_low:Q", title=f"SRCC on {first}"), x2="value_x_high:Q"),
        base.mark_point(filled=True, size=70, opacity=0.9).encode(
            x=x, y=y, shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
            tooltip=["network", number("value_x"), number("value_y"), number("srcc_x"), number("srcc_y")],
        ),
    ]  # fmt: skip
    chart = alt.layer(*parts).properties(width=420, height=420, usermeta={"widest": 640})
    return dressed(chart, f"The same networks on {first} and {second}", [f"{len(both)} networks", said])
