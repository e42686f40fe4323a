"""What columns and people see along one quantity (frequency, say) -> curves of sensitivity, on log axes, gain free."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.psychophysics import Curve
from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart, number
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]

PEOPLE, PIXELS = "people (mean; band: single observers)", "pixels"
_COLOURS = 7  # of the palette that are neither grey nor black


def sensitivity_curves(readings: Mapping[str, Reading], curve: Curve, title: str) -> Chart | None:
    """Sensitivity of people and of columns; each column's is scaled so that its mean log sensitivity is people's.

    Args:
        readings: one column each, by the name that the figure gives it; of one benchmark.
        curve: the stimuli of the axis.
        title: of the figure.

    Returns:
        None where there are fewer than three stimuli, or no column.
    """
    if not readings:
        return None
    first = next(iter(readings.values()))
    stimuli = [name for name in first.stimulus.tolist() if name in curve.at]
    if len(stimuli) < 3 or not first.logarithmic:
        return None
    place = [first.stimulus.tolist().index(name) for name in stimuli]
    x = [curve.at[name] for name in stimuli]
    human = first.human[place]
    people = _rows(PEOPLE, x, human)
    if first.observers is not None:
        ends = first.observers[:, place]
        people = people.assign(low=10 ** ends.min(axis=0), high=10 ** ends.max(axis=0))
    lines = [people]
    for name, reading in readings.items():
        own = reading.values[[reading.stimulus.tolist().index(one) for one in stimuli], 0]
        if np.isfinite(own).all():
            lines.append(_rows(name, x, own - own.mean() + human.mean()))
    if len(lines) < 2:
        return None
    table = pd.concat(lines, ignore_index=True)
    names = [str(name) for name in table["who"].unique()]
    looks = [_look(name, place) for place, name in enumerate(names)]
    colours = alt.Scale(domain=names, range=[colour for colour, _ in looks])
    dashes = alt.Scale(domain=names, range=[dash for _, dash in looks])
    legend = alt.Legend(
        orient="bottom", columns=2, symbolType="stroke", symbolSize=400, symbolOpacity=1, labelLimit=420, title=None
    )
    log = alt.Scale(type="log", zero=False, nice=False)
    ticks = [value for value in (0.5, 1, 2, 4, 8, 16, 32, 64) if min(x) / 1.5 <= value <= max(x) * 1.5]
    base = alt.Chart(table.round(5)).encode(
        x=alt.X("x:Q", title=curve.label, scale=log, axis=alt.Axis(values=ticks, format="~g")),
        color=alt.Color("who:N", scale=colours, legend=legend),
    )
    shape = base.mark_line(point={"size": 28}, strokeWidth=2).encode(
        y=alt.Y("sensitivity:Q", title="contrast sensitivity (1 / threshold)", scale=log),
        strokeDash=alt.StrokeDash("who:N", scale=dashes, legend=legend),
        tooltip=["who", number("x"), number("sensitivity")],
    )
    parts = [shape]
    if "low" in table:
        band = base.transform_filter("isValid(datum.low)").mark_area(opacity=0.18, line=False)
        parts.insert(0, band.encode(y=alt.Y("low:Q", scale=log), y2="high:Q"))
    said = "gain free: each curve is moved up or down until its mean is people's; columns: the nearest to people in dB"
    return dressed(alt.layer(*parts).properties(width=WIDTH, height=HEIGHT + 60), title, said)


def _look(name: str, place: int) -> tuple[str, list[int]]:
    """The colour and the dashes of a curve: people black, the pixels grey, the others as they come."""
    if name == PEOPLE:
        return theme.INK, theme.DASHES[0]
    if name == PIXELS:
        return theme.FAINT, theme.DASHES[1]
    return theme.colour_of((place - 1) % _COLOURS), theme.DASHES[(place - 1) // _COLOURS % len(theme.DASHES)]


def _rows(who: str, x: list[float], log_sensitivity: Floats) -> pd.DataFrame:
    return pd.DataFrame({"who": who, "x": x, "sensitivity": 10**log_sensitivity})
