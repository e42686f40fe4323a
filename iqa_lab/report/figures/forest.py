"""Matched contrasts -> a forest plot."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import FACTORS, Chart, number, shortened
from iqa_lab.report.theme import WIDTH, dressed
from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS


def forest(contrasts: pd.DataFrame, confounded: Sequence[str] = (), of_untrained: Sequence[str] = ()) -> Chart | None:
    """Matched contrasts as a forest plot: mean differences of SRCC between units that differ in one factor only.

    Args:
        contrasts: as ``simultaneous`` gives of those of one or several factors.
        confounded: what the grid cannot tell apart, a sentence each, as ``aliases`` gives.
        of_untrained: factors whose contrasts are of untrained networks, since no two trained ones differ in them alone.
    """
    if contrasts.empty:
        return None
    rows = contrasts.assign(
        contrast=contrasts["first_level"].astype(str) + " − " + contrasts["second_level"].astype(str),
        rests_on=contrasts[["pairs", "references", "benchmarks"]].agg(
            "{0[pairs]} independent pairs, {0[references]} references, {0[benchmarks]} benchmarks".format, axis=1
        ),
    ).sort_values(["factor", "difference"], ascending=[True, False])  # fmt: skip
    levels = rows["factor"].unique().tolist()
    legend = alt.Legend(title="factor", values=levels) if len(levels) > 1 else None
    y = alt.Y("contrast:N", sort=rows["contrast"].tolist(), title=None, axis=alt.Axis(labelLimit=360))
    base = alt.Chart(rows).encode(
        y=y,
        color=alt.Color("factor:N", legend=legend, scale=theme.colours(FACTORS)),
    )
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="difference of SRCC (first − second)"), x2="high:Q"
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        x="difference:Q",
        shape=alt.Shape("factor:N", legend=legend, scale=theme.shapes(FACTORS)),
        size=alt.Size("pairs:Q", title="pairs of networks", scale=alt.Scale(range=[50, 220]), legend=None),
        tooltip=[
            "contrast",
            number("difference"),
            number("low"),
            number("high"),
            "rests_on",
            "about",
            number("model_difference"),
            number("model_p"),
            *([number("difference_z"), number("floor_sd"), number("floor_reach")] if "floor_sd" in rows else []),
        ],
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=theme.RULES, strokeDash=[3, 3]).encode(x="x:Q")
    chart = (zero + bars + points).properties(width=WIDTH - 160, height=max(60, 22 * len(rows)))
    number_of = int(contrasts["low"].notna().sum())
    said = [
        "right of zero the first level agrees better; of trained networks, but for the goal untrained"
        + (f" and for {' and '.join(of_untrained)}, of untrained ones" if of_untrained else ""),
        "bars: 95 %"
        + (f" for all {number_of} together (Bonferroni)" if number_of > 1 else "")
        + f"; fewer than {ENOUGH_NETWORKS} pairs: for these networks; no bar: nothing to judge by",
        *shortened(confounded),
    ]
    return dressed(chart, f"Matched contrasts: units that differ in {' or '.join(levels)} only", said)
