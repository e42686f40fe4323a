"""Shares of variance -> bars, one a factor, beside what chance alone would give."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart, shortened
from iqa_lab.report.theme import WIDTH, dressed


def variance_shares(shares: pd.DataFrame, confounded: Sequence[str] = ()) -> Chart | None:
    """What share of the variance between units goes with each factor, beyond all others (omega squared).

    Args:
        shares: as ``statistics.factors.decompose_variance`` gives.
        confounded: what the grid cannot tell apart, a sentence each, as ``aliases`` gives.
    """
    rows = shares[shares["omega"].notna()]
    if rows.empty:
        return None
    y = alt.Y("factor:N", sort=rows["factor"].tolist(), title=None)
    tips = [
        "factor",
        *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("omega", "null", "share", "lmg")),
        "p",
        "df",
    ]
    base = alt.Chart(rows)
    bars = base.mark_bar(color=theme.PALETTE[0]).encode(
        y=y, x=alt.X("omega:Q", title="share of the variance of Fisher's z (omega squared)", axis=alt.Axis(format="%")),
        tooltip=tips,
    )  # fmt: skip
    chance = base.mark_tick(color="black", opacity=1, thickness=3, size=26).encode(y=y, x="null:Q", tooltip=tips)
    chart = (bars + chance).properties(width=WIDTH - 120, height=44 * len(rows))
    said = ["tick: 95 % of permutations stay below it; shares shorter than that are no more than chance",
            *shortened(confounded)]  # fmt: skip
    return dressed(chart, "What goes with the differences between units", said)
