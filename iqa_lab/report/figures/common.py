"""What the figures share: the names of networks, the numbers that tooltips show, files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from iqa_lab.statistics.factors.units import UNIT, best_of_units

Chart = Any  # altair's layers, facets and concatenations have no common type


FACTORS = ("goal", "dataset", "architecture")


SRCC, AGREEMENT = "SRCC with human opinion", "agreement with people's choices"


NOT_HUMAN = "SRCC with known levels (nobody's opinion)"


# what a unit gets at the layer and readout that other references choose
HELD_OUT = ["heldout", "heldout_low", "heldout_high"]


NUMBERS = [*(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("srcc", "srcc_low", "srcc_high")), "n"]


_USED = (
    "network", "goal", "dataset", "architecture", "weights", "layer", "readout", "depth", "srcc", "srcc_low",
    "srcc_high", "n", "benchmark", "performance", "measure", "srcc_x", "srcc_y", "trained", "text",
    "heldout", "heldout_low", "heldout_high", "columns", "label", "value", "value_low", "value_high",
)  # fmt: skip


def network_names(table: pd.DataFrame) -> pd.Series:
    """A short name for the network of every row: what differs within the frame, and no more."""
    networks = table[table["goal"] != "baseline"]
    varying = [factor for factor in FACTORS if networks[factor].nunique() > 1] or ["architecture"]
    names = table[varying].astype(str).agg(" · ".join, axis=1)
    several = table.assign(name=names).groupby("name")["weights"].transform("nunique") > 1
    named = names.where(~several, names + " (" + table["weights"].astype(str) + ")")
    baseline = table["goal"] == "baseline"
    return named.where(~baseline, table["architecture"].astype(str))


def specification(chart: Chart) -> dict[str, Any]:
    """The chart as Vega-Lite, with texts that Vega-Lite can write into its own expressions.

    It makes expressions of titles and orders, for sorting and for screen readers. A backslash or a line separator in
    a name would end the text there, and begin code.
    """
    with alt.data_transformers.disable_max_rows():  # a warning for those who work in notebooks
        made: dict[str, Any] = _legible(chart.to_dict())
    return made


def _legible(value: Any) -> Any:
    """The value with printable characters only, and no backslash, in all of its texts.

    >>> _legible({"title": ["a" + chr(0x2028) + "b", chr(92), 3]})
    {'title': ['a b', '＼', 3]}
    """
    if isinstance(value, dict):
        return {key: _legible(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_legible(inner) for inner in value]
    return printable(value).replace("\\", "＼") if isinstance(value, str) else value


def printable(text: str) -> str:
    """The text with spaces for what is not printed: line breaks, and marks that turn the words beside them round.

    >>> printable("a" + chr(0x202E) + "b" + chr(10) + "c")
    'a b c'
    """
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


# A PNG has 300 dots an inch where the chart's own pixels are 96 an inch.
DOTS, PIXELS_OF_CHART = 300, 96
_OF_VEGA = 72  # dots an inch that vl-convert counts from


def save(chart: Chart, folder: Path, name: str) -> list[Path]:
    """The chart as PNG (300 dots an inch), SVG and PDF; made without a browser."""
    folder.mkdir(parents=True, exist_ok=True)
    made = specification(chart)
    png, svg, pdf = (folder / f"{name}.{kind}" for kind in ("png", "svg", "pdf"))
    png.write_bytes(vl_convert.vegalite_to_png(made, scale=_OF_VEGA / PIXELS_OF_CHART, ppi=DOTS))
    svg.write_text(vl_convert.vegalite_to_svg(made), encoding="utf-8")
    pdf.write_bytes(vl_convert.vegalite_to_pdf(made))
    return [png, svg, pdf]


def slim(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that figures use of a frame, with as many digits as anybody sees."""
    return frame[[name for name in _USED if name in frame]].round(5)


def networks_of(table: pd.DataFrame) -> pd.DataFrame:
    """The best row of every network; no baselines."""
    best = best_of_units(table)
    return best[best["goal"] != "baseline"]


def best_layers(table: pd.DataFrame) -> pd.DataFrame:
    """The best layer of every unit with every readout."""
    own = table[(table["layer"] != "pixels") & (table["goal"] != "baseline") & table["srcc"].notna()]
    own = own[~own["readout"].astype(str).str.endswith("_insample")]
    return own.loc[own.groupby([*UNIT, "readout"])["srcc"].idxmax()]


def said_n(table: pd.DataFrame) -> str:
    """On which benchmarks, and of how many pairs, in words."""
    numbers = sorted(table["n"].unique())
    said = (
        " or ".join(f"{int(n):,}" for n in numbers)
        if len(numbers) < 4
        else f"{int(numbers[0]):,} to {int(numbers[-1]):,}"
    )
    return f"{', '.join(sorted(table['benchmark'].unique()))}: n = {said} pairs"


def said_level(table: pd.DataFrame) -> str:
    """The confidence of the intervals, in words.

    >>> said_level(pd.DataFrame({"confidence": [0.9, 0.95]}))
    '90 or 95 %'
    """
    levels = sorted(table["confidence"].dropna().unique()) if "confidence" in table else []
    return f"{' or '.join(f'{100 * level:g}' for level in levels) or '95'} %"


# The least that an axis or a scale of colours spans: networks that differ by .02 do not lie at its two ends.
SPAN = 0.1


def scale_of(values: pd.Series) -> tuple[float, float]:
    """The ends of a scale: those of the values, or around their middle where they span less than ``SPAN``.

    >>> scale_of(pd.Series([0.715, 0.733])), scale_of(pd.Series([0.2, 0.8])), scale_of(pd.Series([0.98]))
    ((0.674, 0.774), (0.2, 0.8), (0.9, 1.0))
    """
    low, high = float(values.min()), float(values.max())
    if high - low < SPAN:
        middle = (low + high) / 2 if high > 1 else min((low + high) / 2, 1 - SPAN / 2)  # no correlation is above 1
        low, high = middle - SPAN / 2, middle + SPAN / 2
    return round(low, 3), round(high, 3)


def axis_of(values: pd.Series) -> alt.Scale:
    """The scale of an axis: not from zero, but over at least ``SPAN``."""
    low, high = scale_of(values.dropna())
    return alt.Scale(zero=False, nice=True, domain=[low, high]) if len(values.dropna()) else alt.Scale(zero=False)


def said_intervals(rows: pd.DataFrame, low: str) -> str:
    """What the intervals are whose lower end this column is, in words.

    >>> said_intervals(pd.DataFrame({"low": [float("nan")]}), "low")
    'no intervals: too few references'
    """
    if low not in rows or rows[low].isna().all():
        return "no intervals: too few references"
    few = "; without: too few references" if rows[low].isna().any() else ""
    return f"{said_level(rows)} intervals{few}"


def with_values(best: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """One row per unit with ``value``, ``value_low``, ``value_high``: what is held out; and what they are, in words.

    Where not every unit has a held-out value it is the best column of all, in-sample and hence without an interval.
    """
    if "heldout" in best and bool(best["heldout"].notna().all()):
        named = {f"value{end}": best[f"heldout{end}"] for end in ("", "_low", "_high")}
        bars = f"bars: {said_intervals(best, 'heldout_low')}"
        return best.assign(**named), f"at the layer and readout that other references choose; {bars}"
    return (
        best.assign(value=best["srcc"], value_low=float("nan"), value_high=float("nan")),
        "best layer and readout of each, in-sample, hence without intervals",
    )


def number(name: str) -> alt.Tooltip:
    """A tooltip with three decimals."""
    return alt.Tooltip(f"{name}:Q", format=".3f")


def shortened(confounded: Sequence[str], most: int = 2) -> list[str]:
    """What a grid cannot tell apart, as lines of a figure: the first sentences, and how many more there are."""
    lines = [f"this grid: {sentence}" for sentence in confounded[:most]]
    return [*lines, *([f"and {len(confounded) - most} more, named on the page"] if len(confounded) > most else [])]
