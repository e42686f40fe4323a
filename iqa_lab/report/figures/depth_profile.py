"""Rows of many units -> agreement along the depth of each network."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import NUMBERS, SRCC, Chart, network_names, number, said_interval, said_n, slim
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.store.headline import pixel_control

NAMES_APART = 0.02  # of SRCC: rules nearer than this share one name


def depth_profile(
    table: pd.DataFrame, readout: str, ceilings: Mapping[str, float] | None = None, *, measure: str = SRCC
) -> Chart | None:
    """Correlation against depth, one line a network; baselines, the pixels and the human ceiling as rules.

    Args:
        table: rows of one benchmark.
        readout: which lines are drawn.
        ceilings: by their names, as correlations.
        measure: what ``srcc`` is called: where people chose between images, it holds their agreement.
    """
    named = table.assign(network=network_names(table))
    own = named[(named["readout"] == readout) & (named["goal"] != "baseline") & (named["layer"] != "pixels")]
    own = own[~own["layer"].astype(str).str.startswith("concat_") & own["srcc"].notna()]
    if own.empty:
        return None
    levels = own["network"].unique()
    title = "network" if len(levels) > 1 else None
    colour = alt.Color("network:N", scale=theme.colours(levels), title=title, legend=_legend(levels))
    x = alt.X("depth:Q", title="depth in the network (0 = first layer, 1 = last)", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("srcc:Q", title=measure, scale=alt.Scale(zero=False))
    base = alt.Chart(slim(own)).encode(x=x, color=colour)
    picked = alt.selection_point(fields=["network"], bind="legend")
    shown = alt.when(picked)
    lines = base.mark_line(point={"size": 28}, strokeWidth=2).encode(
        y=y, strokeDash=alt.StrokeDash("network:N", scale=theme.dashes(levels), legend=None),
        opacity=shown.then(alt.value(1.0)).otherwise(alt.value(0.12)),
        tooltip=["network", "layer", number("depth"), *NUMBERS],
    )  # fmt: skip
    bands = base.mark_area(line=False).encode(
        y=alt.Y("srcc_low:Q", title=measure),
        y2="srcc_high:Q",
        opacity=shown.then(alt.value(0.15)).otherwise(alt.value(0.02)),
    )
    parts = [bands, lines] if len(levels) <= 12 else [lines]
    rules = _rules(named, ceilings or {})
    if len(rules):
        parts += _drawn_rules(rules)
    n = said_n(own)
    chart = alt.layer(*parts).add_params(picked).properties(width=WIDTH, height=HEIGHT)
    return dressed(chart, f"Agreement along the depth of each network, readout {readout}", [n, said_interval(own)])


def _rules(named: pd.DataFrame, ceilings: Mapping[str, float]) -> pd.DataFrame:
    """Baselines, the pixels and ceilings as levels of SRCC, without those that would lie on each other."""
    pixels = pixel_control(named).head(1).assign(network="pixels (RMSE, PSNR)")
    outputs = named[(named["goal"] == "baseline") & (named["layer"] == "output")].drop_duplicates("network")
    rows = pd.concat([outputs, pixels])[["network", "srcc"]].dropna()
    human = pd.DataFrame({"network": list(ceilings), "srcc": list(ceilings.values())})
    return pd.concat([rows, human], ignore_index=True).sort_values("srcc")


def _drawn_rules(rules: pd.DataFrame) -> list[Chart]:
    """Rules with their names at the right; where several lie on each other, their names share a line."""
    tips: list[Any] = ["network", number("srcc")]
    lines = alt.Chart(rules).mark_rule(color=theme.RULES, strokeDash=[4, 3]).encode(y="srcc:Q", tooltip=tips)
    apart = (rules["srcc"].diff() > NAMES_APART).cumsum()
    labels = rules.groupby(apart.to_numpy()).agg(network=("network", ", ".join), srcc=("srcc", "max"))
    place: dict[str, Any] = {"align": "right", "baseline": "bottom", "dy": -1, "dx": -3, "fontSize": 10}
    base = alt.Chart(labels).encode(x=alt.value("width"), y="srcc:Q", text="network:N", tooltip=tips)
    behind = base.mark_text(stroke="white", strokeWidth=3, **place)  # so that lines do not cross the names
    return [lines, behind, base.mark_text(color="#444444", **place)]


def _legend(levels: Any) -> alt.Legend | None:
    if len(levels) == 1:
        return None
    # the symbols of lines, not as pale as the bands
    return alt.Legend(orient="bottom", columns=2, symbolLimit=60, symbolType="stroke", symbolOpacity=1, symbolSize=300)
