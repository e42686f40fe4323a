"""The statistics of results on disk, made again from their scores: no network, no images, no pass."""

from pathlib import Path

import pandas as pd
import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.config import Config, read_yaml
from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.progress import console, track
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
            console.print(f"[yellow]{failures[-1]}[/]")
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
    """The configuration that a unit was made with; nothing in it is resolved, imported or called.

    Raises:
        UserError: it cannot be read, is more than plain values, or has keys that there are no longer.
    """
    try:
        _check_plain(file)
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), read_yaml(file)))
    except (OSError, ValueError, RecursionError, yaml.YAMLError, OmegaConfBaseException) as error:
        first = (str(error).strip().splitlines() or ["?"])[0]
        raise UserError(f"{file} is no configuration of this version ({first}): run it again") from error
    assert isinstance(config, Config)
    return config


def _check_plain(file: Path) -> None:
    """Nothing, if a YAML file holds plain values only: results come from others, and may ask for more.

    Raises:
        UserError: it has an interpolation ``${...}``, which could read the environment, or an alias, of which a few
            make a value of any size.
        OSError: it cannot be read.
        yaml.YAMLError: it is no YAML.
    """
    if not file.is_file():  # a pipe would be waited for
        raise FileNotFoundError("there is no such file")
    with file.open(encoding="utf-8") as stream:
        for event in yaml.parse(stream, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent) or "${" in str(getattr(event, "value", "")):
                line = event.start_mark.line + 1
                raise UserError(f"{file}, line {line}: a result holds plain values only, no ${{...}} and no aliases")
