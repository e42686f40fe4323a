"""Rows of many units, and published performance -> is the better network the more human one?"""

import math

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import SRCC, Chart, network_names, networks_of, number, said_n, slim, with_values
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.statistics.correlation.coefficients import srcc

FEWEST_NETWORKS = 10  # of fewer the interval's own standard error is a guess


def own_task(table: pd.DataFrame, performance: pd.DataFrame, *, measure: str = SRCC) -> Chart | None:
    """How good a network is at its own task against how well it agrees with people.

    Args:
        table: rows of one benchmark.
        performance: ``goal, dataset, architecture, weights, performance, measure``, where published.
        measure: what ``srcc`` is called.
    """
    best, said_values = with_values(networks_of(table))
    best = best.merge(performance, on=["goal", "dataset", "architecture", "weights"])
    if len(best) < 3:
        return None
    best = best.assign(network=network_names(best))
    goals = best["goal"].unique()
    base = alt.Chart(slim(best)).encode(
        x=alt.X("performance:Q", title="performance at its own task, as published (%)", scale=alt.Scale(zero=False)),
        color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"),
    )
    bars = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(
        y=alt.Y("value_low:Q", title=measure, scale=alt.Scale(zero=False)), y2="value_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=0.9).encode(
        y="value:Q", shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", "measure", number("performance"), number("value"), number("value_low"),
                 number("value_high"), "n"],
    )  # fmt: skip
    chart = (bars + points).properties(width=WIDTH - 60, height=HEIGHT)
    rho = float(srcc(best["performance"].to_numpy(dtype=float), best["value"].to_numpy(dtype=float)))
    said = f"Spearman's correlation {rho:.2f}{_interval(rho, len(best))}, {len(best)} networks"
    return dressed(chart, "Is the better network the more human one?", [said_n(best), said_values, said])


def _interval(rho: float, networks: int) -> str:
    """The 95 % interval of a rank correlation over networks (Bonett and Wright 2000), in words; none for few networks.

    >>> _interval(0.5, 30), _interval(0.5, 9)
    (' [.15, .74]', '')
    """
    if networks < FEWEST_NETWORKS or abs(rho) >= 1:
        return ""
    reach = 1.96 * math.sqrt((1 + rho**2 / 2) / (networks - 3))
    low, high = (f"{math.tanh(math.atanh(rho) + step):.2f}".replace("0.", ".") for step in (-reach, reach))
    return f" [{low}, {high}]"
