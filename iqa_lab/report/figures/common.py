"""What the figures share: the names of networks, the numbers that tooltips show, files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from iqa_lab.statistics.factors.units import UNIT, best_of_units

Chart = Any  # altair's layers, facets and concatenations have no common type


FACTORS = ("goal", "dataset", "architecture")


SRCC, AGREEMENT = "SRCC with human opinion", "agreement with people's choices"


NOT_HUMAN = "SRCC with known levels (nobody's opinion)"


NUMBERS = [*(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("srcc", "srcc_low", "srcc_high")), "n"]


_USED = (
    "network", "goal", "dataset", "architecture", "weights", "layer", "readout", "depth", "srcc", "srcc_low",
    "srcc_high", "n", "benchmark", "performance", "measure", "srcc_x", "srcc_y", "trained", "text",
)  # fmt: skip


INTERVAL = "bands and bars: 95 % intervals, resampling references"


def network_names(table: pd.DataFrame) -> pd.Series:
    """A short name for the network of every row: what differs within the frame, and no more."""
    networks = table[table["goal"] != "baseline"]
    varying = [factor for factor in FACTORS if networks[factor].nunique() > 1] or ["architecture"]
    names = table[varying].astype(str).agg(" · ".join, axis=1)
    several = table.assign(name=names).groupby("name")["weights"].transform("nunique") > 1
    named = names.where(~several, names + " (" + table["weights"].astype(str) + ")")
    baseline = table["goal"] == "baseline"
    return named.where(~baseline, table["architecture"].astype(str))


def save(chart: Chart, folder: Path, name: str) -> list[Path]:
    """The chart as PNG (two pixels a point), SVG and PDF; made without a browser."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg", "pdf")]
    with alt.data_transformers.disable_max_rows():  # a warning for those who work in notebooks
        for path in paths:
            chart.save(str(path), scale_factor=2) if path.suffix == ".png" else chart.save(str(path))
    return paths


def slim(frame: pd.DataFrame) -> pd.DataFrame:
    """What figures use of a frame, with as many digits as anybody sees."""
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


def number(name: str) -> alt.Tooltip:
    """A tooltip with three decimals."""
    return alt.Tooltip(f"{name}:Q", format=".3f")


def shortened(confounded: Sequence[str], most: int = 2) -> list[str]:
    """What a grid cannot tell apart, as lines of a figure: the first sentences, and how many more there are."""
    lines = [f"cannot be told apart: {sentence}" for sentence in confounded[:most]]
    return [*lines, *([f"and {len(confounded) - most} more, named on the page"] if len(confounded) > most else [])]
