"""Weights of channels -> which of them matter."""

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed


def channel_relevance(weights: pd.DataFrame) -> Chart | None:
    """The channels that matter: weights of one readout that weighs channels, the largest first, a line per layer.

    Args:
        weights: ``readout, layer, channel, weight`` (``channel_weights.csv``), of one readout.
    """
    if weights.empty:
        return None
    (readout,) = weights["readout"].unique()
    # a channel's share of its layer, so that layers can stand beside each other
    share = weights.assign(share=weights["weight"] / weights.groupby("layer")["weight"].transform("sum"))
    share = share.sort_values("share", ascending=False)
    share = share.assign(rank=share.groupby("layer").cumcount() + 1)
    share["together"] = share.groupby("layer")["share"].cumsum()
    # the curve of a thousand channels is seen from sixty of them, evenly apart on its axis
    seen = {int(rank) for rank in np.geomspace(1, share["rank"].max(), 60).round()}
    last = share.groupby("layer")["rank"].transform("max")
    share = share[share["rank"].isin(seen) | (share["rank"] == last)].round(5)
    layers = share["layer"].drop_duplicates().tolist()
    lines = alt.Chart(share).mark_line(strokeWidth=1.5).encode(
        x=alt.X("rank:Q", title="channels, the most relevant first", scale=alt.Scale(type="log")),
        y=alt.Y("together:Q", title="share of all weights", axis=alt.Axis(format="%")),
        color=alt.Color("layer:N", title="layer", scale=theme.colours(layers),
            legend=alt.Legend(columns=2)),
        strokeDash=alt.StrokeDash("layer:N", scale=theme.dashes(layers), legend=None),
        tooltip=["layer", "channel", alt.Tooltip("share:Q", format=".1%"), "rank"],
    ).properties(width=WIDTH - 180, height=HEIGHT - 60)  # fmt: skip
    return dressed(
        lines, f"How few channels carry the weight of {readout}", "a line per layer: channels by relevance, added up"
    )
