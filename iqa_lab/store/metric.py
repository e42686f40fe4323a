"""``RESULT:READOUT@LAYER`` -> one column of a result as a metric: its scores beside the opinions of the same pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICES, THRESHOLDS
from iqa_lab.config import BenchmarkConfig, Config
from iqa_lab.errors import UserError, choices, first_names
from iqa_lab.networks.layer import PIXELS
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.tabulate import opinion_sign

PAIR = ["reference", "distorted"]


@dataclass(frozen=True)
class Metric:
    """One column of one result."""

    name: str  # network, readout and layer
    column: str
    scores: pd.DataFrame  # reference, distorted, distortion, opinion, perhaps opinion_std; and ``score``
    config: Config
    digest: str  # of the benchmark's pixels and opinions

    @property
    def benchmark(self) -> BenchmarkConfig:
        """What was judged."""
        return self.config.benchmark


def read_metric(text: str) -> Metric:
    """The metric that ``FOLDER:READOUT@LAYER`` names; of a baseline the folder is enough.

    Args:
        text: a unit's folder, then, behind a colon, one of its columns.

    Raises:
        UserError: there is no such result or column, no column is named and there are several, or people chose between
            images instead of judging each.
    """
    folder, wanted = _split(text)
    unit = UnitFolder(folder)
    result = unit.result()
    config = unit.config()
    known = result.get("columns", {})
    own = [name for name, definition in known.items() if definition["layer"] != PIXELS.name]
    wanted = wanted or (own[0] if len(own) == 1 else "")
    if wanted not in known:
        said = f"choose from {choices(wanted, known)}" if wanted else f"it has {first_names(own, 4)}"
        raise UserError(f"{text}: which column? write {folder}:READOUT@LAYER; {said}")
    if config.benchmark.protocol in CHOICES:
        raise UserError(f"{folder}: people chose between images of {config.benchmark.name}; only opinions are compared")
    if config.benchmark.protocol == THRESHOLDS:
        raise UserError(f"{folder}: {config.benchmark.name} has thresholds of stimuli; only opinions are compared")
    everything = unit.scores()
    pairs = everything[[name for name in everything if name not in known]]
    scores = pairs.assign(score=everything[wanted])
    network = f"{config.goal.name}-{config.dataset.name}-{result['hashed']['weights']}"
    name = wanted.partition("@")[0] if config.goal.name == "baseline" else f"{network} {wanted}"
    return Metric(name, wanted, scores, config, str(result["hashed"]["index_digest"]))


def read_metrics(texts: Sequence[str]) -> list[Metric]:
    """Metrics of one benchmark, their scores in the same order of pairs.

    Raises:
        UserError: one cannot be read, they are of two benchmarks, or the same twice.
    """
    metrics = [read_metric(text) for text in texts]
    first = metrics[0]
    for text, metric in zip(texts[1:], metrics[1:], strict=True):
        if metric.digest != first.digest:
            raise UserError(
                f"{texts[0]} is of {first.benchmark.name} ({first.digest[:6]}), {text} of {metric.benchmark.name} "
                f"({metric.digest[:6]}): metrics are compared on the same pairs and opinions"
            )
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        again = next(name for number, name in enumerate(names) if name in names[:number])
        raise UserError(f"{again} is there twice: name two metrics")
    order = first.scores.set_index(PAIR).index
    return [
        Metric(one.name, one.column, one.scores.set_index(PAIR).loc[order].reset_index(), one.config, one.digest)
        for one in metrics
    ]


def signed_opinion(metric: Metric) -> pd.Series:
    """The opinions, larger = better."""
    return opinion_sign(metric.config) * metric.scores["opinion"].astype(float)


def _split(text: str) -> tuple[Path, str]:
    """The folder and the column; colons may stand in both."""
    parts = text.split(":")
    for place in range(len(parts), 0, -1):
        folder = Path(":".join(parts[:place]))
        if folder.is_dir():
            return folder, ":".join(parts[place:])
    raise UserError(f"{text}: there is no folder {parts[0]}; give a unit's, as results/tid2013/NETWORK/SIGNATURE")
