"""The ends of lines -> their names beside them, without overlap: nobody has to look up a colour in a legend."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.report.figures.common import Chart, number

LINE = 13  # pixels from one name to the next
LONGEST = 300  # pixels of a name
ENDS, RULES = "ends", "ends_of_rules"  # names of these layers, which page.js looks for


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> NDArray[np.float64]:
    """Places as near as can be to those that are wanted, in their order, at least so far apart, between two ends.

    Where there is no room for all, they are closer.

    >>> spread([1, 5, 5, 9], 2, 0, 10).tolist()
    [1.0, 4.0, 6.0, 9.0]
    >>> spread([0, 0, 0], 1, 0, 10).tolist()
    [0.0, 1.0, 2.0]
    """
    places = np.asarray(wanted, dtype=float)
    order = np.argsort(places, kind="stable")
    apart = min(apart, (high - low) / max(1, len(places) - 1))
    steps = apart * np.arange(len(places))
    # least squares under "non-decreasing": neighbours that are out of order are pooled
    blocks: list[list[float]] = []  # mean, size
    for value in places[order] - steps:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * size) / (last[1] + size)
            last[1] += size
    pooled = np.repeat([mean for mean, _ in blocks], [int(size) for _, size in blocks])
    found = np.empty_like(places)
    found[order] = np.clip(pooled, low, high - steps[-1] if len(steps) else high) + steps
    return found


def end_labels(lines: pd.DataFrame, rules: pd.DataFrame, domain: tuple[float, float], height: float) -> list[Chart]:
    """Layers with a name at the end of each line and of each rule, right of the plot.

    Args:
        lines: ``label``, ``depth`` and ``srcc`` of the last point of each line, and its ``colour``.
        rules: ``label`` and ``srcc`` of each horizontal rule.
        domain: of the axis of ``srcc``.
        height: of the plot in pixels.
    """
    ends = pd.concat([lines.assign(rule=False), rules.assign(rule=True, depth=1.0, colour="#555555")])
    scale = (domain[1] - domain[0]) / height
    ends["place"] = spread(ends["srcc"].tolist(), LINE * scale, *domain)
    layers = []
    for name, rows in ((ENDS, ends[~ends["rule"]]), (RULES, ends[ends["rule"]])):
        if rows.empty:
            continue
        base = alt.Chart(rows.drop(columns="rule").round(5))
        colour = alt.Color("colour:N", scale=None)
        tips: list[Any] = ["label", number("srcc")]
        leaders = base.mark_rule(strokeWidth=1, opacity=0.5).encode(
            x=alt.X("depth:Q"), x2=alt.value(alt.ExprRef("width + 10")), y="srcc:Q", y2="place:Q", color=colour
        )
        names = base.mark_text(align="left", baseline="middle", fontSize=11, limit=LONGEST).encode(
            x=alt.value(alt.ExprRef("width + 12")), y="place:Q", text="label:N", color=colour, tooltip=tips
        )
        layers += [leaders.properties(name=f"{name}_leaders"), names.properties(name=name)]
    return layers
