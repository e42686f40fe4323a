"""Rows of many units -> the pairs of images on which the best network and the best baseline disagree, for the page.

No forward pass: scores and opinions are on disk, small images where the user's own configuration says that they lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from iqa_lab.benchmarks.benchmark import MOS
from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.report.comparisons import where_two_disagree
from iqa_lab.report.figures.common import network_names
from iqa_lab.report.finished import DAMAGE, FinishedUnit, said
from iqa_lab.report.pictures import Pictures
from iqa_lab.statistics.factors.units import best_of_units
from iqa_lab.store.metric import PAIR, Metric

MOST = 3  # pairs of images of each kind
WITHIN = 0.1  # what counts as equal, in standard deviations of a metric's scores


@dataclass(frozen=True)
class Image:
    """One distorted image beside its reference; the images are names of the page's pictures, or None."""

    reference: str
    distorted: str
    opinion: float
    reference_image: str | None
    distorted_image: str | None


@dataclass(frozen=True)
class Pair:
    """Two images that one metric calls equally good and the other does not."""

    caption: str
    better: Image  # as the metric says that sees a difference
    worse: Image


@dataclass(frozen=True)
class Disagreement:
    """Where two metrics disagree on one benchmark."""

    benchmark: str
    first: str  # called A
    second: str  # called B
    pairs: tuple[Pair, ...]

    @property
    def has_images(self) -> bool:
        """Whether all images are at hand."""
        shown = [image for pair in self.pairs for image in (pair.better, pair.worse)]
        return all(image.reference_image and image.distorted_image for image in shown)


def where_the_best_disagree(
    units: Mapping[str, FinishedUnit], compared: pd.DataFrame, pictures: Pictures
) -> tuple[tuple[Disagreement, ...], list[str]]:
    """For each benchmark of opinions where the best network and the best baseline disagree; and what cannot be shown.

    Args:
        units: those of the rows, by their names.
        compared: rows by which networks are compared, with ``heldout`` of their units.
        pictures: where small copies of images are kept.
    """
    found, unread = [], []
    best = best_of_units(compared)
    if best.empty:  # people chose between images
        return (), []
    best = best.assign(network=network_names(best)).sort_values(["heldout", "srcc"], ascending=False, kind="stable")
    for benchmark, rows in best.groupby("benchmark", sort=False):
        two = _two_of(rows)
        if two is None or units[str(two[0]["unit"])].config.benchmark.protocol != MOS:
            continue
        try:
            found.append(
                _disagreement(str(benchmark), [_metric(units[str(row["unit"])], row) for row in two], pictures)
            )
        except DAMAGE as error:
            unread.append(f"where the best disagree on {benchmark} cannot be shown: {said(error)}")
    return tuple(one for one in found if one.pairs), unread


def _two_of(rows: pd.DataFrame) -> tuple[Any, Any] | None:
    """The best network and the best baseline; without a baseline the best two networks of different goals, or two."""
    networks, baselines = rows[rows["goal"] != "baseline"], rows[rows["goal"] == "baseline"]
    if not len(networks):
        return (rows.iloc[0], rows.iloc[1]) if len(rows) > 1 else None
    first = networks.iloc[0]
    others = networks[networks["goal"] != first["goal"]]
    rivals = next((some for some in (baselines, others, networks.iloc[1:]) if len(some)), None)
    return None if rivals is None else (first, rivals.iloc[0])


def _metric(unit: FinishedUnit, row: Any) -> Metric:
    column = f"{row['readout']}@{row['layer']}"
    try:
        scores = unit.scores([column, "opinion_std"])
    except UserError as error:  # the benchmark does not tell how people differ
        pass_on_interrupt(error)
        scores = unit.scores([column])
    name = str(row["network"]) if row["goal"] == "baseline" else f"{row['network']} {column}"
    digest = str((unit.result.get("hashed") or {}).get("index_digest", ""))
    return Metric(name, column, scores.assign(score=scores[column]), unit.config, digest)


def _disagreement(benchmark: str, metrics: list[Metric], pictures: Pictures) -> Disagreement:
    """What one says is equal and the other most different, and the other way round.

    Raises:
        UserError: the two have not scored the same pairs.
    """
    one, other = (metric.scores.set_index(PAIR) for metric in metrics)
    if not one.index.is_unique or not one.index.sort_values().equals(other.index.sort_values()):
        raise UserError("the two have not scored the same pairs")
    if metrics[0].name == metrics[1].name:
        raise UserError(f"two networks have one name, {metrics[0].name}")
    aligned = [
        Metric(metric.name, metric.column, scores.loc[one.index].reset_index(), metric.config, metric.digest)
        for metric, scores in zip(metrics, (one, other), strict=True)
    ]
    table = where_two_disagree(aligned[0], aligned[1], WITHIN, MOST)
    paths = pictures.of(aligned[0].benchmark)
    letters = {aligned[0].name: "A", aligned[1].name: "B"}
    shown = [
        Pair(
            f"{letters[row['equal']]} sees no difference; {letters[row['different']]} prefers the first by "
            f"{row['apart']:.1f} sd; {_of_people(row, letters)}",
            *(
                Image(
                    row[f"{place}_reference"], row[place], row[f"opinion_{place}"],
                    pictures.name(paths.get(row[f"{place}_reference"])), pictures.name(paths.get(row[place])),
                )
                for place in ("closer", "farther")
            ),
        )
        for row in table.to_dict("records")
    ]  # fmt: skip
    return Disagreement(benchmark, aligned[0].name, aligned[1].name, tuple(shown))


def _of_people(row: Mapping[Any, Any], letters: Mapping[str, str]) -> str:
    agreed = letters.get(row["people"])
    return f"opinion agrees with {agreed}" if agreed else "opinion prefers the second: it agrees with neither"
