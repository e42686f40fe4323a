"""Figures of many units: each a pure function from a tidy frame to a chart, or None where there is nothing to show.

The frames have the columns of ``correlations.csv`` of any number of units. One definition gives the interactive figure
of the page and, by ``save``, PNG, SVG and PDF.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.theme import HEIGHT, WIDTH, dressed
from iqa_lab.statistics.correlation import srcc
from iqa_lab.statistics.factors import UNIT, UNTRAINED, best_of_units

Chart = Any  # altair's layers, facets and concatenations have no common type
FACTORS = ("goal", "dataset", "architecture")
SRCC, AGREEMENT = "SRCC with human opinion", "agreement with people's choices"
NOT_HUMAN = "SRCC with known levels (nobody's opinion)"
_NUMBERS = [*(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("srcc", "srcc_low", "srcc_high")), "n"]
NAMES_APART = 0.02  # of SRCC: rules nearer than this share one name
_USED = (
    "network", "goal", "dataset", "architecture", "weights", "layer", "readout", "depth", "srcc", "srcc_low",
    "srcc_high", "n", "benchmark", "performance", "measure", "srcc_x", "srcc_y", "trained", "text",
)  # fmt: skip
_INTERVAL = "bands and bars: 95 % intervals, resampling references"


def network_names(table: pd.DataFrame) -> pd.Series:
    """A short name for the network of every row: what differs within the frame, and no more."""
    networks = table[table["goal"] != "baseline"]
    varying = [factor for factor in FACTORS if networks[factor].nunique() > 1] or ["architecture"]
    names = table[varying].astype(str).agg(" · ".join, axis=1)
    several = table.assign(name=names).groupby("name")["weights"].transform("nunique") > 1
    named = names.where(~several, names + " (" + table["weights"].astype(str) + ")")
    baseline = table["goal"] == "baseline"
    return named.where(~baseline, table["architecture"].astype(str))


def depth_profile(
    table: pd.DataFrame, readout: str, ceilings: Mapping[str, float] | None = None, *, measure: str = SRCC
) -> Chart | None:
    """Correlation against depth, one line a network; baselines, the pixels and the human ceiling as rules.

    Args:
        table: rows of one benchmark.
        readout: which lines are drawn.
        ceilings: by their names, as correlations.
        measure: what ``srcc`` is called: where people chose between images, it holds their agreement.
    """
    named = table.assign(network=network_names(table))
    own = named[(named["readout"] == readout) & (named["goal"] != "baseline") & (named["layer"] != "pixels")]
    own = own[~own["layer"].astype(str).str.startswith("concat_") & own["srcc"].notna()]
    if own.empty:
        return None
    levels = own["network"].unique()
    title = "network" if len(levels) > 1 else None
    colour = alt.Color("network:N", scale=theme.colours(levels), title=title, legend=_legend(levels))
    x = alt.X("depth:Q", title="depth in the network (0 = first layer, 1 = last)", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("srcc:Q", title=measure, scale=alt.Scale(zero=False))
    base = alt.Chart(_slim(own)).encode(x=x, color=colour)
    picked = alt.selection_point(fields=["network"], bind="legend")
    shown = alt.when(picked)
    lines = base.mark_line(point={"size": 28}, strokeWidth=2).encode(
        y=y, strokeDash=alt.StrokeDash("network:N", scale=theme.dashes(levels), legend=None),
        opacity=shown.then(alt.value(1.0)).otherwise(alt.value(0.12)),
        tooltip=["network", "layer", _number("depth"), *_NUMBERS],
    )  # fmt: skip
    bands = base.mark_area(line=False).encode(
        y=alt.Y("srcc_low:Q", title=measure),
        y2="srcc_high:Q",
        opacity=shown.then(alt.value(0.15)).otherwise(alt.value(0.02)),
    )
    parts = [bands, lines] if len(levels) <= 12 else [lines]
    rules = _rules(named, ceilings or {})
    if len(rules):
        parts += _drawn_rules(rules)
    n = _said_n(own)
    chart = alt.layer(*parts).add_params(picked).properties(width=WIDTH, height=HEIGHT)
    return dressed(chart, f"Agreement along the depth of each network, readout {readout}", [n, _INTERVAL])


def factor_grid(table: pd.DataFrame, cells: pd.DataFrame | None = None, *, measure: str = SRCC) -> Chart | None:
    """The grid of factors as a heat map: the best layer of each unit; cells without a result are seen to be empty.

    Args:
        table: rows of one benchmark.
        cells: ``goal, dataset, architecture`` of all cells that the study asks for; None: those with a result.
        measure: what ``srcc`` is called.
    """
    best = _networks(table)
    if best.empty:
        return None
    best = best.loc[best.groupby(list(FACTORS))["srcc"].idxmax()]
    asked = best[list(FACTORS)] if cells is None else cells
    rows, columns = (
        sorted(asked["architecture"].unique()),
        sorted(set(zip(asked["goal"], asked["dataset"], strict=True))),
    )
    grid = pd.DataFrame([(g, d, a) for g, d in columns for a in rows], columns=list(FACTORS))
    grid = grid.merge(best, how="left", on=list(FACTORS)).assign(
        trained=lambda frame: frame["goal"] + " · " + frame["dataset"],
        text=lambda frame: frame["srcc"].map(lambda value: "" if np.isnan(value) else f"{value:.2f}".lstrip("0")),
    )
    base = alt.Chart(_slim(grid)).encode(
        x=alt.X("trained:N", title="goal · dataset", axis=alt.Axis(labelAngle=-35)),
        y=alt.Y("architecture:N", title="architecture"),
    )
    empty = base.transform_filter("!isValid(datum.srcc)").mark_rect(fill="#f5f5f5", stroke="#d0d0d0", strokeDash=[2, 2])
    low, high = float(best["srcc"].min()), float(best["srcc"].max())
    viridis = alt.Scale(scheme="viridis", domain=[low, max(high, low + 1e-6)])
    full = base.transform_filter("isValid(datum.srcc)").mark_rect(stroke="white").encode(
        color=alt.Color("srcc:Q", title=measure.partition(" ")[0], scale=viridis),
        tooltip=[*FACTORS, "layer", "readout", *_NUMBERS],
    )  # fmt: skip
    middle = (low + high) / 2
    text = base.transform_filter("isValid(datum.srcc)").mark_text(fontSize=11).encode(
        text="text:N",
        color=alt.condition(f"datum.srcc > {middle}", alt.value("black"), alt.value("white")),
    )  # fmt: skip
    chart = (empty + full + text).properties(width=max(120, 62 * len(columns)), height=max(60, 26 * len(rows)))
    said = "best layer and readout of each unit, in-sample; dashed: no result"
    return dressed(chart, "The grid of goal, dataset and architecture", [said, _said_n(table)])


def ranking(table: pd.DataFrame, most: int = 40, *, measure: str = SRCC) -> Chart | None:
    """The best networks and the baselines of one benchmark, ranked, with intervals.

    Args:
        table: rows of one benchmark.
        most: how many are drawn.
        measure: what ``srcc`` is called.
    """
    best = best_of_units(table)
    if best.empty:
        return None
    best = best.assign(network=network_names(best)).sort_values("srcc", ascending=False).head(most)
    order = best["network"].tolist()
    goals = best["goal"].unique()
    y = alt.Y("network:N", sort=order, title=None, axis=alt.Axis(labelLimit=360))
    base = alt.Chart(_slim(best)).encode(y=y, color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"))
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("srcc_low:Q", title=measure, scale=alt.Scale(zero=False)), x2="srcc_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="srcc:Q",
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", "layer", "readout", *_NUMBERS],
    )
    chart = (bars + points).properties(width=WIDTH - 160, height=max(80, 21 * len(best)))
    said = "best layer and readout of each, in-sample: the best of many is optimistic"
    return dressed(chart, "Networks and baselines, ranked", [said, f"{_said_n(best)}; {_INTERVAL}"])


def forest(contrasts: pd.DataFrame) -> Chart | None:
    """Matched contrasts as a forest plot: mean differences of SRCC between units that differ in one factor only.

    Args:
        contrasts: as ``statistics.factors.matched_contrasts`` gives, of one or several factors.
    """
    if contrasts.empty:
        return None
    rows = contrasts.assign(
        contrast=contrasts["first_level"].astype(str) + " − " + contrasts["second_level"].astype(str),
        rests_on=contrasts[["pairs", "benchmarks"]].agg("{0[pairs]} pairs, {0[benchmarks]} benchmarks".format, axis=1),
    ).sort_values(["factor", "difference"], ascending=[True, False])  # fmt: skip
    levels = rows["factor"].unique().tolist()
    legend = alt.Legend(title="factor", values=levels) if len(levels) > 1 else None
    y = alt.Y("contrast:N", sort=rows["contrast"].tolist(), title=None, axis=alt.Axis(labelLimit=360))
    base = alt.Chart(rows).encode(
        y=y,
        color=alt.Color("factor:N", legend=legend, scale=theme.colours(FACTORS)),
    )
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="difference of SRCC (first − second)"), x2="high:Q"
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        x="difference:Q",
        shape=alt.Shape("factor:N", legend=legend, scale=theme.shapes(FACTORS)),
        size=alt.Size("pairs:Q", title="pairs of networks", scale=alt.Scale(range=[50, 220]), legend=None),
        tooltip=["contrast", _number("difference"), _number("low"), _number("high"), "rests_on", "about"],
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=theme.RULES, strokeDash=[3, 3]).encode(x="x:Q")
    chart = (zero + bars + points).properties(width=WIDTH - 160, height=max(60, 22 * len(rows)))
    said = "right of zero the first level agrees better; of trained networks, but for the goal untrained; bars: 95 %"
    return dressed(chart, f"Matched contrasts: units that differ in {' or '.join(levels)} only", said)


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


def readouts(table: pd.DataFrame, *, measure: str = SRCC) -> Chart | None:
    """Readouts side by side: of every network its best layer with each.

    Args:
        table: rows of one benchmark.
        measure: what ``srcc`` is called.
    """
    own = _best_layers(table)
    if own["readout"].nunique() < 2:
        return None
    own = own.assign(network=network_names(own))
    # medians of the same networks, else they say who was read in which way
    trained = own[own["goal"] != UNTRAINED]
    of_all = trained[trained.groupby("network")["readout"].transform("nunique") == own["readout"].nunique()]
    ordering = next(rows for rows in (of_all, trained, own) if len(rows))
    order = ordering.groupby("readout")["srcc"].median().sort_values(ascending=False).index.tolist()
    order += sorted(set(own["readout"]) - set(order))
    x = alt.X("readout:N", sort=order, title=None, axis=alt.Axis(labelAngle=-35))
    base = alt.Chart(_slim(own)).encode(x=x)
    lines = base.mark_line(opacity=0.35, strokeWidth=1).encode(
        y=alt.Y("srcc:Q", title=measure, scale=alt.Scale(zero=False)), detail="network:N", color=alt.value(theme.FAINT)
    )
    goals = own["goal"].unique()
    legend = alt.Legend(title="goal", orient="bottom")
    points = base.mark_point(filled=True, size=45, opacity=0.9).encode(
        y="srcc:Q", color=alt.Color("goal:N", scale=theme.colours(goals), legend=legend),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), legend=legend),
        tooltip=["network", "readout", "layer", *_NUMBERS],
    )  # fmt: skip
    medians = alt.Chart(_slim(of_all)).mark_tick(thickness=3, size=34, color="black").encode(
        x=x, y=alt.Y("median(srcc):Q", title=measure)
    )  # fmt: skip
    parts = [lines, points, medians] if len(of_all) else [lines, points]
    chart = alt.layer(*parts).properties(width=max(200, 58 * len(order)), height=HEIGHT)
    lines_said = ["a line a network, at its best layer (in-sample)", _said_n(own)]
    if number := of_all["network"].nunique():
        lines_said[0] += f"; black: median of the {number} trained networks that were read in all of these ways"
    return dressed(chart, "Readouts of the same networks", lines_said)


def own_task(table: pd.DataFrame, performance: pd.DataFrame, *, measure: str = SRCC) -> Chart | None:
    """How good a network is at its own task against how well it agrees with people.

    Args:
        table: rows of one benchmark.
        performance: ``goal, dataset, architecture, weights, performance, measure``, where published.
        measure: what ``srcc`` is called.
    """
    best = _networks(table).merge(performance, on=["goal", "dataset", "architecture", "weights"])
    if len(best) < 3:
        return None
    best = best.assign(network=network_names(best))
    goals = best["goal"].unique()
    chart = alt.Chart(_slim(best)).mark_point(filled=True, size=70, opacity=0.9).encode(
        x=alt.X("performance:Q", title="performance at its own task, as published (%)", scale=alt.Scale(zero=False)),
        y=alt.Y("srcc:Q", title=measure, scale=alt.Scale(zero=False)),
        color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", "measure", _number("performance"), _number("srcc"), "layer", "readout", "n"],
    ).properties(width=WIDTH - 60, height=HEIGHT)  # fmt: skip
    rho = srcc(best["performance"].to_numpy(dtype=float), best["srcc"].to_numpy(dtype=float))
    said = f"Spearman's correlation {float(rho):.2f}, {len(best)} networks; best layer and readout, in-sample"
    return dressed(chart, "Is the better network the more human one?", [_said_n(best), said])


def benchmark_against_benchmark(table: pd.DataFrame, first: str, second: str) -> Chart | None:
    """The same networks on two benchmarks."""
    keys = ["goal", "dataset", "architecture", "weights"]
    best = best_of_units(table)
    one, other = (best[best["benchmark"] == name] for name in (first, second))
    both = one.merge(other, on=keys, suffixes=("_x", "_y"))
    if len(both) < 2:
        return None
    both = both.assign(network=network_names(both))
    goals = both["goal"].unique()
    chart = alt.Chart(_slim(both)).mark_point(filled=True, size=70, opacity=0.9).encode(
        x=alt.X("srcc_x:Q", title=f"SRCC on {first}", scale=alt.Scale(zero=False)),
        y=alt.Y("srcc_y:Q", title=f"SRCC on {second}", scale=alt.Scale(zero=False)),
        color=alt.Color("goal:N", scale=theme.colours(goals), title="goal"),
        shape=alt.Shape("goal:N", scale=theme.shapes(goals), title="goal"),
        tooltip=["network", _number("srcc_x"), _number("srcc_y")],
    ).properties(width=420, height=420)  # fmt: skip
    return dressed(
        chart, f"The same networks on {first} and {second}", f"{len(both)} networks, best layer and readout of each"
    )


def save(chart: Chart, folder: Path, name: str) -> list[Path]:
    """The chart as PNG (two pixels a point), SVG and PDF; made without a browser."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg", "pdf")]
    with alt.data_transformers.disable_max_rows():  # a warning for those who work in notebooks
        for path in paths:
            chart.save(str(path), scale_factor=2) if path.suffix == ".png" else chart.save(str(path))
    return paths


def _slim(frame: pd.DataFrame) -> pd.DataFrame:
    """What figures use of a frame, with as many digits as anybody sees."""
    return frame[[name for name in _USED if name in frame]].round(5)


def _networks(table: pd.DataFrame) -> pd.DataFrame:
    best = best_of_units(table)
    return best[best["goal"] != "baseline"]


def _best_layers(table: pd.DataFrame) -> pd.DataFrame:
    """The best layer of every unit with every readout."""
    own = table[(table["layer"] != "pixels") & (table["goal"] != "baseline") & table["srcc"].notna()]
    own = own[~own["readout"].astype(str).str.endswith("_insample")]
    return own.loc[own.groupby([*UNIT, "readout"])["srcc"].idxmax()]


def _rules(named: pd.DataFrame, ceilings: Mapping[str, float]) -> pd.DataFrame:
    """Baselines, the pixels and ceilings as levels of SRCC, without those that would lie on each other."""
    pixels = named[named["layer"] == "pixels"].head(1).assign(network="pixels (RMSE, PSNR)")
    outputs = named[(named["goal"] == "baseline") & (named["layer"] == "output")].drop_duplicates("network")
    rows = pd.concat([outputs, pixels])[["network", "srcc"]].dropna()
    human = pd.DataFrame({"network": list(ceilings), "srcc": list(ceilings.values())})
    return pd.concat([rows, human], ignore_index=True).sort_values("srcc")


def _drawn_rules(rules: pd.DataFrame) -> list[Chart]:
    """Rules with their names at the right; where several lie on each other, their names share a line."""
    tips: list[Any] = ["network", _number("srcc")]
    lines = alt.Chart(rules).mark_rule(color=theme.RULES, strokeDash=[4, 3]).encode(y="srcc:Q", tooltip=tips)
    apart = (rules["srcc"].diff() > NAMES_APART).cumsum()
    labels = rules.groupby(apart.to_numpy()).agg(network=("network", ", ".join), srcc=("srcc", "max"))
    place: dict[str, Any] = {"align": "right", "baseline": "bottom", "dy": -1, "dx": -3, "fontSize": 10}
    base = alt.Chart(labels).encode(x=alt.value("width"), y="srcc:Q", text="network:N", tooltip=tips)
    behind = base.mark_text(stroke="white", strokeWidth=3, **place)  # so that lines do not cross the names
    return [lines, behind, base.mark_text(color="#444444", **place)]


def _said_n(table: pd.DataFrame) -> str:
    numbers = sorted(table["n"].unique())
    said = (
        " or ".join(f"{int(n):,}" for n in numbers)
        if len(numbers) < 4
        else f"{int(numbers[0]):,} to {int(numbers[-1]):,}"
    )
    return f"{', '.join(sorted(table['benchmark'].unique()))}: n = {said} pairs"


def _number(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", format=".3f")


def _legend(levels: Any) -> alt.Legend | None:
    if len(levels) == 1:
        return None
    # the symbols of lines, not as pale as the bands
    return alt.Legend(orient="bottom", columns=2, symbolLimit=60, symbolType="stroke", symbolOpacity=1, symbolSize=300)
