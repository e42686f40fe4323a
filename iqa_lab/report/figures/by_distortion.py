"""Scores of a unit -> its agreement within each distortion."""

import altair as alt
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import SRCC, Chart
from iqa_lab.report.theme import HEIGHT, dressed
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.intervals.bootstrap import cluster_bootstrap, percentile_interval


def by_distortion(
    scores: pd.DataFrame, column: str, opinion_sign: int, *, measure: str = SRCC, resamples: int = 500
) -> Chart | None:
    """The SRCC within every distortion, with intervals from resampling references.

    Args:
        scores: one row per pair, as in ``scores.parquet``.
        column: a readout and layer.
        opinion_sign: +1 where a higher opinion is better.
        measure: what ``srcc`` is called.
        resamples: number of resamples.
    """
    rows = []
    for kind, group in scores.assign(distortion=scores["distortion"].astype(str)).groupby("distortion"):
        quality, opinion = -group[column].to_numpy(dtype=float), opinion_sign * group["opinion"].to_numpy(dtype=float)
        drawn = cluster_bootstrap(quality, opinion, group["reference"], resamples=resamples)
        low, high = (float(end[0]) for end in percentile_interval(drawn))
        rows.append((kind, float(srcc(quality, opinion)), low, high, len(group)))
    table = pd.DataFrame(rows, columns=["distortion", "srcc", "srcc_low", "srcc_high", "n"]).dropna(subset=["srcc"])
    if len(table) < 2:
        return None
    order = sorted(table["distortion"], key=lambda kind: (len(kind), kind) if kind.isdigit() else (99, kind))
    base = alt.Chart(table).encode(
        x=alt.X(
            "distortion:N", sort=order, title="distortion", axis=alt.Axis(labelAngle=0 if len(order[0]) < 3 else -35)
        )
    )
    tips = [
        "distortion",
        alt.Tooltip("srcc:Q", format=".3f"),
        alt.Tooltip("srcc_low:Q", format=".3f"),
        alt.Tooltip("srcc_high:Q", format=".3f"),
        "n",
    ]
    bars = base.mark_bar(color=theme.PALETTE[0], opacity=0.75).encode(y=alt.Y("srcc:Q", title=measure), tooltip=tips)
    whiskers = base.mark_rule(color="black").encode(y="srcc_low:Q", y2="srcc_high:Q")
    chart = (bars + whiskers).properties(
        width=max(180, 24 * len(table)), height=HEIGHT - 80, usermeta={"widest": 90 * len(table) + 160}
    )
    return dressed(chart, "Within each distortion", f"{column}; bars: 95 % intervals, resampling references")
