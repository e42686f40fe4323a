"""Figures of one unit: its pairs, its distortions, its channels."""

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures import SRCC, Chart
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.statistics.bootstrap import cluster_bootstrap, percentile_interval
from iqa_lab.statistics.correlation import srcc
from iqa_lab.statistics.mapping import logistic4


def opinion_against_score(scores: pd.DataFrame, column: str, opinion_sign: int, title: str, most: int = 3000) -> Chart:
    """Opinion against the score of one column, with the 4-parameter logistic, coloured by distortion.

    Args:
        scores: one row a pair, as in ``scores.parquet``.
        column: a readout and layer.
        opinion_sign: +1 where a higher opinion is better.
        title: the network.
        most: how many pairs are drawn; of more, a seeded sample.
    """
    quality, opinion = -scores[column].to_numpy(dtype=float), opinion_sign * scores["opinion"].to_numpy(dtype=float)
    fit = logistic4(quality[:, None], opinion)
    order = np.argsort(quality)
    curve = pd.DataFrame({"score": -quality[order], "opinion": opinion_sign * np.asarray(fit.fitted)[order, 0]})
    curve = curve.iloc[np.linspace(0, len(curve) - 1, min(200, len(curve))).astype(int)]
    # which points are drawn does not depend on their order
    drawn = scores.sample(most, random_state=0) if len(scores) > most else scores
    points = drawn[["reference", "distorted", "distortion", "opinion"]].assign(score=drawn[column])
    points["distortion"] = points["distortion"].astype(str)
    kinds = points["distortion"].unique()
    legend = alt.Legend(columns=2, symbolLimit=40, orient="right") if len(kinds) > 1 else None
    said_opinion = "human opinion" if opinion_sign > 0 else "human opinion (DMOS: lower is better)"
    x = alt.X("score:Q", title=f"score {column} (0 = identical)")
    dots = (
        alt.Chart(points)
        .mark_point(filled=True, size=18, opacity=0.6)
        .encode(
            x=x,
            y=alt.Y("opinion:Q", title=said_opinion, scale=alt.Scale(zero=False)),
            color=alt.Color("distortion:N", title="distortion", scale=theme.colours(kinds), legend=legend),
            shape=alt.Shape("distortion:N", title="distortion", scale=theme.shapes(kinds), legend=legend),
            tooltip=["reference", "distorted", "distortion", "opinion", "score"],
        )
    )
    line = alt.Chart(curve).mark_line(color="black", strokeWidth=2).encode(x=x, y="opinion:Q")
    chart = (dots + line).properties(width=WIDTH - 140, height=HEIGHT)
    shown = f", {most:,} of them drawn" if len(drawn) < len(scores) else ""
    converged = "" if bool(np.ravel(fit.converged)[0]) else "; the fit did not converge"
    said = f"n = {len(scores):,} pairs{shown}; black: 4-parameter logistic{converged}"
    return dressed(chart, title, [f"{column}, SRCC {float(srcc(quality, opinion)):.3f}", said])


def by_distortion(scores: pd.DataFrame, column: str, opinion_sign: int, *, resamples: int = 500) -> Chart | None:
    """The SRCC within every distortion, with intervals from resampling references."""
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
    bars = base.mark_bar(color=theme.PALETTE[0], opacity=0.75).encode(y=alt.Y("srcc:Q", title=SRCC), tooltip=tips)
    whiskers = base.mark_rule(color="black").encode(y="srcc_low:Q", y2="srcc_high:Q")
    chart = (bars + whiskers).properties(width=max(180, 24 * len(table)), height=HEIGHT - 80)
    return dressed(chart, "Within each distortion", f"{column}; bars: 95 % intervals, resampling references")


def channel_relevance(weights: pd.DataFrame) -> Chart | None:
    """The channels that matter: weights of one readout that weighs channels, the largest first, a line a layer.

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
        lines, f"How few channels carry the weight of {readout}", "a line a layer: channels by relevance, added up"
    )
