"""A metric and a result of it -> the opinions that its logistic predicts, on the result's own scale."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iqa_lab.benchmarks.benchmark import CHOICES
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.metric.from_result import parts_of, recipe_of_column, sources_then, unit_at
from iqa_lab.metric.module import Metric
from iqa_lab.metric.sources import SOURCES, check_sources
from iqa_lab.statistics.intervals.predicted import FEWEST_REFERENCES, OpinionCurve, fewest_pairs, opinion_curve
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.signature import digest_of


@dataclass(frozen=True)
class Opinions:
    """What a metric's distances say of opinion."""

    curve: OpinionCurve
    benchmark: BenchmarkConfig
    column: str

    @property
    def said(self) -> str:
        """What the numbers are, in one sentence."""
        scale = self.benchmark.range
        better = "higher is better" if self.benchmark.opinion == "mos" else "lower is better"
        limits = f" from {scale[0]:g} to {scale[1]:g}" if scale else ""
        interval = (
            f"the interval holds {100 * self.curve.confidence:g} % of the opinions of new images of new references"
            if np.isfinite(self.curve.half_width)
            else f"no interval: it needs {FEWEST_REFERENCES} references and {fewest_pairs(self.curve.confidence)} pairs"
        )
        made = "" if self.benchmark.human else ", which no person gave"
        return f"predicted on the scale of {self.benchmark.name}{limits} ({better}{made}); {interval}"


def opinions_of(folder: Path, metric: Metric, confidence: float = 0.95) -> Opinions:
    """The curve of a result for this very metric.

    Args:
        folder: the unit's.
        metric: that gives one number per pair.
        confidence: of the interval.

    Raises:
        UserError: there is no such result, it is of another network or has not this column, people chose between
            images, or no curve can be fitted.
    """
    if len(metric.names) != 1:
        raise UserError(f"opinions are predicted from one distance, and this metric gives {len(metric.names)}")
    unit = unit_at(folder)
    result, config = unit.result(), unit.config()
    if config.benchmark.protocol in CHOICES:
        raise UserError(
            f"{folder}: people chose between images of {config.benchmark.name}; there is no scale of opinion"
        )
    digest = str(result["hashed"]["weights_digest"])
    if digest != metric.about.get("weights_digest"):
        raise UserError(f"{folder} is of another network than this metric: give the result of the same weights")
    theirs, ours = _way(result["hashed"], config.precision, config.preprocess.resize, metric), _way_of(metric)
    other = next((key for key, value in ours.items() if digest_of(value) != digest_of(theirs[key])), None)
    if other is not None:
        raise UserError(f"{folder} was made with another {other} than this metric: its curve is of other distances")
    (column,) = metric.names
    definitions = result["columns"]
    if column not in definitions:
        raise UserError(f"{folder} has no column {column}: it has {first_names(definitions, 4)}")
    _check_same(metric, column, unit, folder)
    check_sources(metric.about.get(SOURCES) or {}, sources_then(result, parts_of(column, definitions)), folder)
    scores = unit.scores()
    curve = opinion_curve(scores[column], scores["opinion"], scores["reference"], confidence)
    if curve is None:
        raise UserError(f"{folder}: no logistic can be fitted to the opinions by {column}")
    return Opinions(curve, config.benchmark, column)


def _way_of(metric: Metric) -> dict[str, Any]:
    """What else moves a metric's distances: how images are fed and outputs read, in words that an error may name."""
    build, network = metric.about["build"], metric.network
    return {
        "resize": metric.about.get("resize"),
        "precision": metric.about.get("precision"),
        "input": {key: value for key, value in asdict(network.input).items() if key != "size"},
        "constructor": build["architecture"]["constructor"],
        "arguments": {**build["architecture"]["arguments"], **build["weights"]["arguments"]},
        "layout": {name: asdict(form) for name, form in network.forms.items() if name in metric.read_layers()},
    }


def _way(hashed: Mapping[str, Any], precision: str, resize: Any, metric: Metric) -> dict[str, Any]:
    """The same of a result."""
    forms = {name: form for name, form in hashed["layers"].items() if name in metric.read_layers()}
    own = {key: hashed[key] for key in ("input", "constructor", "arguments")}
    return {"resize": resize, "precision": precision, **own, "layout": forms}


def _check_same(metric: Metric, column: str, unit: UnitFolder, folder: Path) -> None:
    """Nothing, if a column of that name is computed in the same way: arguments, parts, weights of channels.

    Raises:
        UserError: it is not.
    """
    recipe, weights = recipe_of_column(unit, column)
    same = recipe.as_values() == metric.recipe.as_values() and all(
        metric.get_buffer(f"weights_{place}").cpu().equal(values.double()) for place, values in weights.items()
    )
    if not same:
        raise UserError(
            f"the column {column} of {folder} is computed in another way than this metric: load the metric from that "
            "result, --metric RESULT:COLUMN"
        )
