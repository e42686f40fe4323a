"""Rows of many units -> every layer on two benchmarks: does a layer that agrees better on one do so on the other?"""

from typing import Any

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart, network_names, number, slim
from iqa_lab.report.theme import dressed

MOST = 12  # networks whose layers are told apart


def layers_against_layers(
    table: pd.DataFrame, first: str, second: str, readout: str, *, measures: tuple[str, str]
) -> Chart | None:
    """The layers of each network on two benchmarks, a line from the first to the last; the pixels as a cross.

    Args:
        table: all rows.
        first: the benchmark of the horizontal axis.
        second: of the vertical one.
        readout: which columns.
        measures: what ``srcc`` is called on each.

    Returns:
        None where no network has three layers on both, or there are too many networks to be told apart.
    """
    keys = ["goal", "dataset", "architecture", "weights", "readout", "layer", "depth"]
    rows = table[(table["readout"] == readout) & ~table["layer"].astype(str).str.startswith("concat_")]
    rows = rows[rows["srcc"].notna() & (rows["goal"] != "baseline")]
    one, other = (rows[rows["benchmark"] == name] for name in (first, second))
    both = one.merge(other, on=keys, suffixes=("_x", "_y"))
    pixels, both = both[both["layer"] == "pixels"].head(1), both[both["layer"] != "pixels"]
    if both.empty:
        return None
    both = both.assign(network=network_names(both))
    both = both[both.groupby("network")["layer"].transform("size") >= 3].sort_values(["network", "depth"])
    names = both["network"].unique()
    if not 0 < len(names) <= MOST:
        return None

    free = alt.Scale(zero=False)
    x = alt.X("srcc_x:Q", title=f"{first}: {measures[0]}", scale=free)
    y = alt.Y("srcc_y:Q", title=f"{second}: {measures[1]}", scale=free)
    legend = alt.Legend(orient="bottom", columns=2, symbolType="stroke", symbolSize=300, title=None, labelLimit=320)
    base = alt.Chart(slim(both)).encode(
        x=x, y=y, color=alt.Color("network:N", scale=theme.colours(names), legend=legend)
    )
    tips: list[Any] = ["network", "layer", number("depth"), number("srcc_x"), number("srcc_y")]
    lines = base.mark_line(strokeWidth=1.2, opacity=0.6).encode(
        order="depth:Q", strokeDash=alt.StrokeDash("network:N", scale=theme.dashes(names), legend=None)
    )
    dots = base.mark_point(filled=True, opacity=0.9).encode(
        size=alt.Size("depth:Q", title="depth", scale=alt.Scale(domain=[0, 1], range=[15, 90]), legend=None),
        tooltip=tips,
    )
    parts = [lines, dots]
    if len(pixels):
        mark = alt.Chart(slim(pixels)).encode(x=x, y=y)
        parts.append(mark.mark_point(shape="cross", filled=True, size=130, color=theme.INK).encode(tooltip=tips[1:]))
    said = f"readout {readout}; small points: early layers, large points: late ones; black cross: the pixels"
    chart = alt.layer(*parts).properties(width=460, height=420)
    return dressed(chart, f"Every layer on {first} and {second}", said)
