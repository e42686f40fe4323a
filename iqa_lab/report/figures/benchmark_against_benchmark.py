"""Rows of many units -> the same networks on two benchmarks."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import HELD_OUT, Chart, network_names, number, said_level
from iqa_lab.report.theme import dressed
from iqa_lab.statistics.factors.units import best_of_units


def benchmark_against_benchmark(
    table: pd.DataFrame, first: str, second: str, *, measures: tuple[str, str] = ("SRCC", "SRCC")
) -> Chart | None:
    """The same networks on two benchmarks, at the layers that other references choose, with intervals where known.

    Args:
        table: rows by which networks can be compared, perhaps with ``HELD_OUT`` of their units.
        first: the benchmark of the horizontal axis.
        second: of the vertical one.
        measures: what ``srcc`` is called on each.
    """
    keys = ["goal", "dataset", "architecture", "weights"]
    best = best_of_units(table)
    held_out = set(HELD_OUT) <= set(best) and bool(best["heldout"].notna().all())
    value = "heldout" if held_out else "srcc"
    one, other = (best[best["benchmark"] == name] for name in (first, second))
    both = one.merge(other, on=keys, suffixes=("_x", "_y"))
    if len(both) < 2:
        return None
    both = both.assign(network=network_names(both))
    ends = [f"{value}{end}_{side}" for end in ("", "_low", "_high") for side in "xy"] if held_out else []
    goals = both["goal"].unique()
    x, y = (
        axis(f"{value}_{side}:Q", title=f"{measure} on {name}", scale=alt.Scale(zero=False))
        for axis, side, name, measure in zip((alt.X, alt.Y), "xy", (first, second), measures, strict=True)
    )
    shown = both[["network", *keys, "srcc_x", "srcc_y", *ends]].round(5)
    legend = alt.Legend(symbolOpacity=1)
    colour = alt.Color("goal:N", scale=theme.colours(goals), title="goal", legend=legend)
    base = alt.Chart(shown).encode(color=colour)
    points = base.mark_point(filled=True, size=70, opacity=0.9).encode(
        x=x, y=y, shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal", legend=legend),
        tooltip=["network", number(f"{value}_x"), number(f"{value}_y")],
    )  # fmt: skip
    bars = [
        base.mark_rule(opacity=0.35).encode(x=alt.X(f"{value}_low_x:Q"), x2=f"{value}_high_x:Q", y=y),
        base.mark_rule(opacity=0.35).encode(y=alt.Y(f"{value}_low_y:Q"), y2=f"{value}_high_y:Q", x=x),
    ]
    chart = alt.layer(*(bars if held_out else []), points).properties(width=420, height=420, usermeta={"widest": 640})
    how = (
        f"at the layer and readout that other references choose; bars: {said_level(best)} intervals"
        if held_out
        else "best layer and readout of each"
    )
    baselines = int((both["goal"] == "baseline").sum())
    counted = f"{len(both) - baselines} networks" + (f" and {baselines} baselines" if baselines else "")
    return dressed(chart, f"The same networks on {first} and {second}", f"{counted}, {how}")
