"""Scores of a unit -> opinion against score, and the curve between them."""

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.common import Chart
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.correlation.mapping import logistic4


def opinion_against_score(
    scores: pd.DataFrame, column: str, opinion_sign: int, title: str, most: int = 3000, *, human: bool = True
) -> Chart:
    """Opinion against the score of one column, with the 4-parameter logistic, coloured by distortion.

    Args:
        scores: one row per pair, as in ``scores.parquet``.
        column: a readout and layer.
        opinion_sign: +1 where a higher opinion is better.
        title: the network.
        most: how many pairs are drawn; of more, a seeded sample.
        human: whether people were asked.
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
    said_opinion = "human opinion" if human else "known level (nobody's opinion)"
    said_opinion += "" if opinion_sign > 0 else " (DMOS: lower is better)"
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
