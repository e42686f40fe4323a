"""What a report shows of single units: their figures, and the pairs that they predict worst, as images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICES, THRESHOLDS
from iqa_lab.config import Config
from iqa_lab.psychophysics.experiment import experiment_of, read_scores
from iqa_lab.report.figures.by_distortion import by_distortion
from iqa_lab.report.figures.channel_relevance import channel_relevance
from iqa_lab.report.figures.common import NOT_HUMAN, SRCC, Chart
from iqa_lab.report.figures.opinion_against_score import opinion_against_score
from iqa_lab.report.figures.sensitivity_curves import sensitivity_curves
from iqa_lab.report.finished import FinishedUnit
from iqa_lab.report.pictures import Pictures
from iqa_lab.statistics.correlation.mapping import logistic4
from iqa_lab.statistics.direction import by_goodness
from iqa_lab.statistics.factors.units import candidate_rows
from iqa_lab.store.tabulate import opinion_sign

WORST = 3  # pairs of each kind that are shown
MOST = 200  # characters of a fact


@dataclass(frozen=True)
class Missed:
    """A pair that a unit predicts badly; ``reference_image`` and ``distorted_image`` name entries of the pictures."""

    kind: str
    reference: str
    distorted: str
    distortion: str
    opinion: float
    predicted: float
    score: float
    reference_image: str | None
    distorted_image: str | None


@dataclass(frozen=True)
class UnitPage:
    """One unit on the page."""

    unit: str
    title: str
    facts: Mapping[str, str]
    table: pd.DataFrame
    charts: Mapping[str, Chart]
    missed: tuple[Missed, ...]
    missed_of: str  # which column


def unit_page(unit: FinishedUnit, title: str, pictures: Pictures, points: int) -> UnitPage:
    """One unit as the page shows it.

    Args:
        unit: as it lies on disk.
        title: its network and benchmark.
        pictures: where small copies of images are kept.
        points: how many pairs a figure draws at most.
    """
    table, result = unit.table, unit.result
    by = "agreement" if unit.config.benchmark.protocol in CHOICES else "srcc"
    own = candidate_rows(table)
    charts: dict[str, Chart | None] = {}
    missed: tuple[Missed, ...] = ()
    column = ""
    if unit.config.benchmark.protocol == THRESHOLDS:
        column, charts["curve"] = _curve(unit, title)
    elif by == "srcc" and own["srcc"].notna().any():
        best = own.sort_values("srcc", ascending=False).iloc[0]
        column = f"{best['readout']}@{best['layer']}"
        scores = unit.scores([column])
        human, sign = unit.config.benchmark.human, unit.opinion_sign
        charts["scatter"] = opinion_against_score(scores, column, sign, title, points, human=human)
        charts["distortions"] = by_distortion(scores, column, sign, measure=SRCC if human else NOT_HUMAN)
        missed = worst_predicted(scores, column, unit.config, pictures)
    if unit.files.weights_file.is_file():
        weights = pd.read_csv(unit.files.weights_file)
        asked = weights[weights["readout"].isin(table["readout"])]
        charts |= {f"channels_{name}": channel_relevance(rows) for name, rows in asked.groupby("readout", sort=False)}
    seconds = result.get("seconds") or {}
    facts = {
        "folder": unit.name,
        "pairs": f"{result.get('n_scored', '?')} of {result.get('n_expected', '?')}",
        "made": str(result.get("written", ""))[:MOST],
        "device": str(result.get("device", ""))[:MOST],
        "seconds of the pass": str(seconds.get("pass", "")),
        "weights digest": str(result.get("weights_digest", ""))[:12],
    }
    shown = {name: value for name, value in facts.items() if value}
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    return UnitPage(unit.name, title, shown, table, drawn, missed, column)


def _curve(unit: FinishedUnit, title: str) -> tuple[str, Chart | None]:
    """Of a benchmark of stimuli the best column, and its curve of sensitivity beside people's and the pixels'."""
    by = unit.config.benchmark.headline if unit.config.benchmark.headline in unit.table else "srcc"
    own = candidate_rows(unit.table)
    own = by_goodness(own[own[by].notna()], by)
    if own.empty:
        return "", None
    column = f"{own['readout'].iloc[0]}@{own['layer'].iloc[0]}"
    asked, curve = unit.config.benchmark, experiment_of(unit.config.benchmark).curve
    there = unit.table["readout"] + "@" + unit.table["layer"]
    names = [column, *(name for name in ("plain@pixels",) if name in set(there))]
    scores = unit.scores(names)
    readings = {name: read_scores(asked, scores, [name]) for name in names}
    return column, None if curve is None else sensitivity_curves(readings, curve, title)


def worst_predicted(scores: pd.DataFrame, column: str, config: Config, pictures: Pictures) -> tuple[Missed, ...]:
    """The pairs whose opinion lies farthest from what the score predicts after the 4-parameter logistic.

    First those that people find much better than the network, then those that they find much worse.
    """
    sign = opinion_sign(config)
    opinion = sign * scores["opinion"].to_numpy(dtype=float)
    fitted = np.asarray(logistic4(-scores[[column]].to_numpy(dtype=float), opinion).fitted)[:, 0]
    if not np.isfinite(fitted).all():
        return ()
    residual = opinion - fitted
    order = np.argsort(residual, kind="stable")
    paths = pictures.of(config.benchmark)
    found = []
    for kind, rows in (("people find it better", order[::-1][:WORST]), ("people find it worse", order[:WORST])):
        for row in rows:
            entry: Any = scores.iloc[int(row)]
            found.append(
                Missed(
                    kind, str(entry["reference"]), str(entry["distorted"]), str(entry["distortion"]),
                    float(entry["opinion"]), float(sign * fitted[row]), float(entry[column]),
                    pictures.name(paths.get(entry["reference"])), pictures.name(paths.get(entry["distorted"])),
                )
            )  # fmt: skip
    return tuple(found)
