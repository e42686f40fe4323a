"""The statistics of results on disk, made again from their scores: no network, no images, no pass."""

from pathlib import Path

import pandas as pd
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.config import Config, read_mapping
from iqa_lab.config.check import make
from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.progress import say, track
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.tabulate import summarise, tabulate


def recompute(results: Path) -> list[Path]:
    """Make ``correlations.csv`` and the headline of every finished unit anew; returns their folders.

    Scores, signatures and everything else stay as they are. A unit that cannot be read does not stop the others.

    Args:
        results: a folder of results, or of one unit.

    Raises:
        UserError: there is no finished unit below it.
        UnitFailed: some could not be recomputed; all of them are named, and why.
    """
    units = [UnitFolder(file.parent) for file in sorted(results.rglob("result.json"))]
    units = [unit for unit in units if unit.finished()]
    if not units:
        raise UserError(f"{results} holds no finished unit: give the folder that results=... named, or run something")
    done, failures = [], []
    for unit in track(units, "recompute"):
        try:
            recompute_unit(unit)
            done.append(unit.folder)
        except (UserError, OmegaConfBaseException, OSError, ValueError, KeyError) as error:
            failures.append(f"{unit.folder}: {' '.join(str(error).split())[:160]}")
            say(failures[-1], "yellow")
    if failures:
        raise UnitFailed(f"{len(failures)} of {len(units)} units could not be recomputed: {first_names(failures)}")
    return done


def recompute_unit(unit: UnitFolder) -> pd.DataFrame:
    """The table of one finished unit from its scores, also written to its folder.

    Raises:
        UserError: its configuration is not of this version, or nothing says what its weights were called.
    """
    config = read_config(unit.folder / "config.yaml")
    result = unit.read_result() or {}
    earlier = pd.read_csv(unit.correlations_file)
    if not len(earlier) or "input" not in earlier:
        raise UserError("its correlations.csv does not say what the network was given: run it again with --force")
    weights, seen = str(result["hashed"]["weights"]), str(earlier["input"].iloc[0])
    return unit.tabulate_again(
        lambda scores, definitions: tabulate(scores, definitions, config, weights, seen),
        lambda scores, table: summarise(scores, table, config),
    )


def read_config(file: Path) -> Config:
    """The configuration that a unit was made with.

    Raises:
        UserError: it cannot be read, or has keys that there are no longer.
    """
    try:
        return make(Config, read_mapping(file, "configuration"))
    except UserError as error:
        raise UserError(f"{file} is no configuration of this version ({error}): run it again") from error
