"""Rows of many units -> agreement along the depth of each network, its name at the end of its line."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import (
    FACTORS,
    NUMBERS,
    SRCC,
    Chart,
    network_names,
    number,
    said_intervals,
    said_n,
    slim,
)
from iqa_lab.report.figures.labels import LINE, end_labels
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.store.headline import pixel_control

NAMES_APART = 0.02  # of SRCC: rules nearer than this share one name
MANY = 12  # lines; of more the trainings of one cell share a colour and a name
STEP = 0.05  # of the axis' ends


def depth_profile(
    table: pd.DataFrame, readout: str, ceilings: Mapping[str, float] | None = None, *, measure: str = SRCC
) -> Chart | None:
    """Correlation against depth, one line per network; baselines, the pixels and the human ceiling as rules.

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
    own = own.assign(label=labels_of(own))
    levels = sorted(own["label"].unique(), key=lambda name: theme.order(name.partition(" ")[0]))
    rules = _rules(named, ceilings or {})
    domain = _domain(own, rules)
    height = max(HEIGHT, LINE * (len(levels) + len(rules)))
    networks = own["network"].nunique()

    x = alt.X("depth:Q", title="depth in the network (0 = first layer, 1 = last)", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("srcc:Q", title=measure, scale=alt.Scale(domain=list(domain), nice=False))
    base = alt.Chart(slim(own)).encode(
        x=x, color=alt.Color("label:N", scale=theme.colours(levels), legend=None), detail="network:N"
    )
    picked = alt.selection_point(fields=["label"])
    shown = alt.when(picked)
    faint = min(0.15, 1.5 / networks)
    bands = base.mark_area(line=False, clip=True).encode(
        y=alt.Y("srcc_low:Q", title=measure),
        y2="srcc_high:Q",
        opacity=shown.then(alt.value(faint)).otherwise(alt.value(0.0)),
    )
    lines = base.mark_line(point={"size": 28 if networks <= MANY else 12}, strokeWidth=2 if networks <= MANY else 1.3)
    lines = lines.encode(
        y=y, strokeDash=alt.StrokeDash("label:N", scale=theme.dashes(levels), legend=None),
        opacity=shown.then(alt.value(1.0)).otherwise(alt.value(0.12)),
        tooltip=["network", "layer", number("depth"), *NUMBERS],
    )  # fmt: skip
    ends = (
        own.sort_values("depth").groupby("network").tail(1).groupby("label", as_index=False)[["depth", "srcc"]].mean()
    )
    numbers = theme.places(levels)
    ends["colour"] = [theme.colour_of(numbers[label]) for label in ends["label"]]
    parts = [bands, lines.add_params(picked)] if own["srcc_low"].notna().any() else [lines.add_params(picked)]
    if len(rules):
        tips: list[Any] = ["network", number("srcc")]
        parts.append(alt.Chart(rules).mark_rule(color=theme.RULES, strokeDash=[4, 3]).encode(y="srcc:Q", tooltip=tips))
    if len(levels) > 1 or len(rules):
        parts += end_labels(ends if len(levels) > 1 else ends.head(0), _together(rules), domain, height)
    chart = alt.layer(*parts).properties(width=WIDTH, height=height)
    if len(levels) > 1:  # where there is no room beside the plot, page.js makes a legend of it
        chart = chart.properties(usermeta={"legend": {"field": "label", "title": "network"}})
    intervals = said_intervals(own, "srcc_low")
    what = "stimuli" if "rms_db" in own and bool(own["rms_db"].notna().all()) else "references"
    bands_said = f"bands: {intervals}, resampling {what}" if own["srcc_low"].notna().any() else intervals
    several = ["lines of one colour: trainings of one cell, their number in brackets"] if networks > len(levels) else []
    said = [said_n(own), bands_said, *several]
    return dressed(chart, f"Agreement along the depth of each network, readout {readout}", said)


def labels_of(own: pd.DataFrame) -> pd.Series:
    """The name at the end of each row's line: the network's, or where there are many lines its cell's."""
    if own["network"].nunique() <= MANY:
        return own["network"]
    factors = [factor for factor in FACTORS if own[factor].nunique() > 1] or ["architecture"]
    cells = own[factors].astype(str).agg(" · ".join, axis=1)
    count = own.groupby(cells)["network"].transform("nunique")
    return cells.where(count == 1, cells + " (" + count.astype(str) + ")")


def _domain(own: pd.DataFrame, rules: pd.DataFrame) -> tuple[float, float]:
    """The ends of the axis: around all lines and rules, and intervals where these can be told from each other."""
    few = own["network"].nunique() <= MANY
    seen = [own["srcc"], rules["srcc"], *([own["srcc_low"], own["srcc_high"]] if few else [])]
    values = pd.concat(seen).dropna()
    low, high = np.floor(values.min() / STEP) * STEP, np.ceil(values.max() / STEP) * STEP
    return round(float(low), 3), round(float(max(high, low + 2 * STEP)), 3)


def _rules(named: pd.DataFrame, ceilings: Mapping[str, float]) -> pd.DataFrame:
    """``network`` and ``srcc`` of baselines, of the pixels and of ceilings."""
    pixels = pixel_control(named).head(1).assign(network="pixels (RMSE, PSNR)")
    outputs = named[(named["goal"] == "baseline") & (named["layer"] == "output")].drop_duplicates("network")
    rows = pd.concat([outputs, pixels])[["network", "srcc"]].dropna()
    human = pd.DataFrame({"network": list(ceilings), "srcc": list(ceilings.values())})
    return pd.concat([rows, human], ignore_index=True).astype({"srcc": float}).sort_values("srcc")


def _together(rules: pd.DataFrame) -> pd.DataFrame:
    """The same with one name for rules that lie on each other."""
    apart = (rules["srcc"].diff() > NAMES_APART).cumsum().to_numpy()
    return rules.groupby(apart).agg(label=("network", ", ".join), srcc=("srcc", "mean")).reset_index(drop=True)
