"""The statistics of results on disk, made again from their scores: no network, no images, no pass."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.config import Config
from iqa_lab.config.check import check_values
from iqa_lab.errors import UnitFailed, UserError, first_names, pass_on_interrupt
from iqa_lab.progress import say, track
from iqa_lab.store import reading
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.result import FAILED, RESULT
from iqa_lab.store.tabulate import settings_of_statistics, summarise, tabulate, try_statistics

# settings that move no score: a recomputation may change them
CHANGEABLE = (
    "statistics.confidence", "statistics.resamples", "statistics.seed", "benchmark.people", "benchmark.opinion_std",
    "benchmark.headline",
)  # fmt: skip


def recompute(results: Path, overrides: Sequence[str] = ()) -> list[Path]:
    """Make ``correlations.csv`` and the headline of every finished unit anew; returns their folders.

    Scores and signatures stay as they are. A unit that cannot be read does not stop the others.

    Args:
        results: a folder of results, or of one unit.
        overrides: of settings of statistics, as ``statistics.confidence=.9``; the others are those of each unit.

    Raises:
        UserError: there is no unit below it, or an override is wrong.
        UnitFailed: some could not be recomputed; all of them are named, and why.
    """
    changes = _changes(overrides)
    units = [UnitFolder(file.parent) for file in sorted(results.rglob(RESULT)) if ".sweep" not in file.parts]
    done, failures = [], []
    for unit in track(units, "recompute"):
        try:
            if unit.result()["state"] == FAILED:
                continue
            recompute_unit(unit, changes)
            done.append(unit.folder)
        except Exception as error:  # results of somebody else may fail in any way
            pass_on_interrupt(error)
            failures.append(f"{unit.folder}: {' '.join(str(error).split())[:300]}")
            say(failures[-1], "yellow")
    if not done and not failures:
        raise UserError(f"{results} holds no finished unit: give the folder that results=... named, or run something")
    if failures:
        number = len(done) + len(failures)
        raise UnitFailed(f"{len(failures)} of {number} units could not be recomputed: {first_names(failures)}")
    return done


def recompute_unit(unit: UnitFolder, changes: Sequence[tuple[str, Any]] = ()) -> pd.DataFrame:
    """The table of one finished unit from its scores, also written to its folder.

    Args:
        unit: its folder.
        changes: keys of ``CHANGEABLE`` and their new values.

    Raises:
        UserError: its scores or its configuration cannot be used, or a value is wrong.
        UnitFailed: the statistics could not be made.
    """
    config = _changed(unit.config(), changes)
    unit.weights()  # else columns would be left out without a word
    result = unit.result()
    if changes:
        try_statistics(unit.scores(), config)
    weights, seen = str(result["hashed"]["weights"]), str(result["input"])
    return unit.tabulate_again(
        lambda scores, definitions: tabulate(scores, definitions, config, weights, seen),
        lambda scores, table: summarise(scores, table, config),
        settings_of_statistics(config),
        OmegaConf.to_yaml(OmegaConf.structured(config)) if changes else None,
    )


def _changes(overrides: Sequence[str]) -> list[tuple[str, Any]]:
    """Keys and values of overrides, each of them one that moves no score."""
    changes = []
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or key not in CHANGEABLE:
            raise UserError(f"--recompute {override}: scores stay; what may change is {', '.join(CHANGEABLE)}")
        value = reading.parse_yaml(f"value: {text}".encode(), Path(override)).get("value")
        changes.append((key, value))
        _changed(Config(), changes)
    return changes


def _changed(config: Config, changes: Sequence[tuple[str, Any]]) -> Config:
    """The configuration with other settings of statistics."""
    for key, value in changes:
        group, _, name = key.partition(".")
        part = getattr(config, group)
        check_values(type(part), {name: value}, f"{group}.", composed=False)
        try:
            merged = OmegaConf.merge(OmegaConf.structured(type(part)), {name: value})
            typed = OmegaConf.select(merged, name)
        except OmegaConfBaseException as error:
            raise UserError(f"{key}={value}: {str(error).splitlines()[0]}") from error
        config = replace(config, **{group: replace(part, **{name: typed})})
    return config
