"""Rows of many units, and published performance -> is the better network the more human one?"""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import SRCC, Chart, network_names, networks_of, number, said_n, slim
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.statistics.correlation.coefficients import srcc


def own_task(table: pd.DataFrame, performance: pd.DataFrame, *, measure: str = SRCC) -> Chart | None:
    """How good a network is at its own task against how well it agrees with people.

    Args:
        table: rows of one benchmark.
        performance: ``goal, dataset, architecture, weights, performance, measure``, where published.
        measure: what ``srcc`` is called.
    """
    best = networks_of(table).merge(performance, on=["goal", "dataset", "architecture", "weights"])
    if len(best) < 3:
        return None
    best = best.assign(network=network_names(best))
    goals = best["goal"].unique()
    chart = alt.Chart(slim(best)).mark_point(filled=True, size=70, opacity=0.9).encode(
        x=alt.X("performance:Q", title="performance at its own task, as published (%)", scale=alt.Scale(zero=False)),
        y=alt.Y("srcc:Q", title=measure, scale=alt.Scale(zero=False)),
        color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", "measure", number("performance"), number("srcc"), "layer", "readout", "n"],
    ).properties(width=WIDTH - 60, height=HEIGHT)  # fmt: skip
    rho = srcc(best["performance"].to_numpy(dtype=float), best["srcc"].to_numpy(dtype=float))
    said = f"Spearman's correlation {float(rho):.2f}, {len(best)} networks; best layer and readout, in-sample"
    return dressed(chart, "Is the better network the more human one?", [said_n(best), said])
