"""A unit's result -> what its W&B run holds: configuration, tags, a step for each layer, its pairs."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.config import Config
from iqa_lab.networks.layer import PIXELS
from iqa_lab.store.held_out import headline_line

LONGEST_TAG = 64  # characters, W&B's own limit
MOST_PAIRS = 10_000  # rows of a table that W&B draws; of more, a seeded sample

# what is drawn over depth: the statistic of the benchmark
DRAWN = ("srcc", "agreement", "rms_db")


def facts_of(table: pd.DataFrame, result: Mapping[str, Any], config: Config, references: int | None) -> dict[str, Any]:
    """What a W&B user groups and filters by; None where it is not published, or not known.

    Args:
        table: the unit's correlations.
        result: what its ``result.json`` says.
        config: of the run.
        references: how many the benchmark has.
    """
    return {
        "goal": config.goal.name,
        "goal_family": config.goal.family,
        "supervision": config.goal.supervision,
        "dataset": config.dataset.name,
        "dataset_images": config.dataset.images,
        "architecture": config.architecture.name,
        "weights": table["weights"].iloc[0],
        "parameters": config.weights.parameters,
        "imagenet_top1": config.weights.top1,
        "initialised_from": config.weights.initialised_from,
        "family": config.weights.family,
        "benchmark": config.benchmark.name,
        "human_opinion": config.benchmark.human,
        "references": references,
        "readouts": sorted(set(table["readout"])),
        "layers": len(set(table["layer"]) - {PIXELS.name}),
        "precision": config.precision,
        "resize": config.preprocess.resize,
        "signature": result["signature"],
        "weights_digest": result["weights_digest"],
        "n_expected": result["n_expected"],
        "n_scored": result["n_scored"],
        "device": result["device"],
        "versions": result["versions"],
    }


def tags_of(config: Config) -> list[str]:
    """The tags by which a run is found: words of at most 64 characters, each once."""
    words = [
        config.goal.name, config.goal.family, config.dataset.name, config.architecture.name, config.benchmark.name,
        "human opinion" if config.benchmark.human else "no human opinion",
    ]  # fmt: skip
    return list(dict.fromkeys(word[:LONGEST_TAG] for word in words if word and word != "none"))


def group_of(config: Config) -> str:
    """The group of a run: the study's or the sweep's, else the single runs of its benchmark."""
    return config.tracker.group or f"single runs on {config.benchmark.name}"[:128]


def steps_of(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A step for each layer, by its depth: ``depth``, ``layer`` and ``<statistic>/<readout>`` of each readout.

    Concatenations and the pixels are no layers, and what is undefined is left out.
    """
    layers = table[table["layer"].ne(PIXELS.name) & ~table["layer"].astype(str).str.startswith("concat_")]
    for (_, layer), rows in layers.groupby(["depth", "layer"], sort=True):
        found = {
            f"{statistic}/{row['readout']}": float(row[statistic])
            for statistic in DRAWN
            for row in rows.to_dict("records")
            if statistic in row and np.isfinite(row[statistic])
        }
        if found:
            yield {"depth": float(rows["depth"].iloc[0]), "layer": str(layer), **found}


def pairs_of(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per pair: what it is, its opinion, and its ``score`` in one column.

    Args:
        scores: of a unit, as in ``scores.parquet``.
        column: ``<readout>@<layer>``.
    """
    kept = scores.sample(MOST_PAIRS, random_state=0).sort_index() if len(scores) > MOST_PAIRS else scores
    names = ["reference", "distorted", "distortion", "level", "opinion"]
    shown = kept.filter(names)
    said = {name: str for name in ("distortion",) if name in shown}
    return shown.astype(said).assign(score=kept[column].astype(float))


def said_of(column: str, facts: Mapping[str, Any]) -> str:
    """The title of the scatter: which column, how it was chosen, and what the choice is worth."""
    return f"{column}: best of all columns, chosen in-sample; {headline_line(facts)}"
