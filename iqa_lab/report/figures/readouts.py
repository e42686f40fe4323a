"""Rows of many units -> readouts side by side, each with an interval over networks."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import NUMBERS, SRCC, Chart, axis_of, best_layers, network_names, said_n, slim
from iqa_lab.report.theme import HEIGHT, dressed
from iqa_lab.statistics.factors.units import UNTRAINED
from iqa_lab.statistics.intervals.median import median_interval


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
    x = alt.X("readout:N", sort=order, title=None, axis=alt.Axis(labelAngle=0 if len(order) < 9 else -35))
    y = alt.Y("srcc:Q", title=measure, scale=axis_of(own["srcc"]))
    base = alt.Chart(slim(own)).encode(x=x)
    lines = base.mark_line(opacity=0.35, strokeWidth=1).encode(y=y, detail="network:N", color=alt.value(theme.FAINT))
    goals = own["goal"].unique()
    legend = alt.Legend(title="goal", orient="bottom")
    points = base.mark_point(filled=True, size=45, opacity=0.9).encode(
        y="srcc:Q", color=alt.Color("goal:N", scale=theme.colours(goals), legend=legend),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), legend=legend),
        tooltip=["network", "readout", "layer", *NUMBERS],
    )  # fmt: skip
    parts = [lines, points]
    said = ["a line per network, at its best layer (in-sample)"]
    number = of_all["network"].nunique()
    if number:
        medians = alt.Chart(slim(of_all)).mark_tick(thickness=3, size=34, color="black").encode(
            x=x, y=alt.Y("median(srcc):Q", title=measure)
        )  # fmt: skip
        parts.append(medians)
        said.append(f"black: median of the {number} trained networks that were read in all of these ways")
        ends = {name: median_interval(rows["srcc"].tolist()) for name, rows in of_all.groupby("readout")}
        there = {str(name): interval for name, interval in ends.items() if interval is not None}
        if there:
            frame = pd.DataFrame([(name, *ends) for name, ends in there.items()], columns=["readout", "low", "high"])
            parts.append(
                alt.Chart(frame.round(5)).mark_rule(color="black", strokeWidth=2).encode(x=x, y="low:Q", y2="high:Q")
            )
            said[-1] += ", with its 95 % interval over networks (order statistics)"
        else:
            said[-1] += "; fewer than 6 networks, hence no interval"
    width = max(260, 120 * len(order))
    chart = alt.layer(*parts).properties(width=width, height=HEIGHT, usermeta={"widest": 260 * len(order) + 120})
    return dressed(chart, "Readouts of the same networks", [*said, said_n(own)])
