"""Shares of variance -> bars, one a factor."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart
from iqa_lab.report.theme import WIDTH, dressed


def variance_shares(shares: pd.DataFrame) -> Chart | None:
    """What share of the variance between units goes with each factor.

    Args:
        shares: as ``statistics.factors.decompose_variance`` gives.
    """
    if shares.empty:
        return None
    long = shares.melt(["factor"], ["share", "lmg"], "kind", "of the variance").assign(
        kind=lambda rows: rows["kind"].map(
            {"share": "beyond all others (type II)", "lmg": "averaged over orders (LMG)"}
        )
    )
    kinds = ["beyond all others (type II)", "averaged over orders (LMG)"]
    two = alt.Scale(domain=kinds, range=[theme.PALETTE[0], theme.PALETTE[5]])
    chart = alt.Chart(long).mark_bar().encode(
        y=alt.Y("factor:N", sort=shares["factor"].tolist(), title=None),
        yOffset=alt.YOffset("kind:N", sort=kinds),
        x=alt.X("of the variance:Q", title="share of the variance of Fisher's z of units", axis=alt.Axis(format="%")),
        color=alt.Color("kind:N", sort=kinds, title=None, scale=two),
        tooltip=["factor", "kind", alt.Tooltip("of the variance:Q", format=".1%")],
    ).properties(width=WIDTH - 120, height=44 * len(shares))  # fmt: skip
    return dressed(chart, "What goes with the differences between units", "main effects only; confounded factors share")
