"""Words as on the command line -> the checked configuration that ``iqa-lab run`` would compose of them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from iqa_lab.config import Config, configuration_folder, option_files, register_schema
from iqa_lab.config.check import checked
from iqa_lab.config.messages import plain_message
from iqa_lab.config.options import checked_own_folder
from iqa_lab.config.overrides import for_hydra, keys_of, own_factors
from iqa_lab.errors import UserError, choices
from iqa_lab.networks.cells import check_said

GROUPS = ("goal", "dataset", "architecture", "benchmark", "tracker", "runtime")


def composed(
    overrides: Sequence[str] = (),
    *,
    words: Mapping[str, str | None] | None = None,
    readout: str | Sequence[str] | None = None,
    layers: Any = None,
    tokens: str | None = None,
    config_dir: str | os.PathLike[str] | None = None,
) -> Config:
    """The configuration of a run.

    Args:
        overrides: as on the command line, ``KEY=VALUE``.
        words: options of groups, by group; ``weights`` may be short, as ``resnet50.v2``.
        readout: one or several.
        layers: as the configuration has them, as Python values.
        tokens: as the configuration has them.
        config_dir: a configuration folder of the user's own.

    Raises:
        UserError: a word, a key or a value is wrong; the message names the nearest right ones. Or nobody said what a
            network of one's own was trained for and on.
    """
    chosen = {**dict(words or {}), "readout": readout, "layers": layers, "tokens": tokens}
    _check_once(overrides, chosen)
    folders = [configuration_folder()]
    if config_dir is not None:
        folders.insert(0, checked_own_folder(Path(config_dir)))
    given = {key for key, word in (words or {}).items() if word is not None}
    plain = own_factors(_texts(overrides), given)
    arguments = [*for_hydra(plain), *_chosen(dict(words or {}), folders)]
    if readout is not None:
        arguments.append(f"readout=[{','.join(_readouts(readout, folders))}]")
    register_schema()
    search = [f"hydra.searchpath=[file://{Path(config_dir).resolve()}]"] if config_dir is not None else []
    try:
        with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
            found = compose("config", overrides=[*search, *arguments])
        with open_dict(found):
            for key, value in (("layers", plain_layers(layers)), ("tokens", tokens)):
                if value is not None:
                    OmegaConf.update(found, key, value)
        config = checked(found)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        said = plain_message(error)
        if said.startswith("Ambiguous value"):  # Hydra's, which explains sweeps
            which = next(one for one in overrides if f"'{one}'" in said)
            raise UserError(f"{which} names several values, and this is one network: give one") from error
        raise UserError(said) from error
    if any(argument.startswith("weights=") for argument in arguments) and config.weights.goal is None:
        name = next(one for one in arguments if one.startswith("weights="))
        known = option_files("weights", folders)
        raise UserError(f"there is no training {name}; choose from {choices(name.partition('=')[2], known)}")
    keys = keys_of(plain) | given
    if "experiment" not in keys:  # which says it itself
        check_said(config, keys)
    return config


def plain_layers(layers: Any) -> Any:
    """Layers as YAML would have them: lists for tuples, whole numbers for NumPy's."""
    if isinstance(layers, (tuple, range)):
        layers = list(layers)
    if isinstance(layers, list):
        return [one.item() if isinstance(one, np.generic) else one for one in layers]
    return layers


def _check_once(overrides: Sequence[str], chosen: Mapping[str, Any]) -> None:
    """Nothing, if no override says again what a word says."""
    keys = {one.partition("=")[0].lstrip("+") for one in _texts(overrides)}
    twice = next((key for key, value in chosen.items() if value is not None and key in keys), None)
    if twice is not None:
        raise UserError(f"{twice} is given twice, by its name and in the overrides: leave out one of them")


def _texts(overrides: Sequence[str]) -> list[str]:
    if isinstance(overrides, str):
        raise UserError(f"overrides={overrides!r}: give a list, overrides=[{overrides!r}]")
    wrong = next((one for one in overrides if not isinstance(one, str) or "=" not in one), None)
    if wrong is not None:
        raise UserError(f"{wrong!r} is no override: write 'KEY=VALUE', as in 'benchmark=tid2013'")
    return list(overrides)


def _chosen(words: dict[str, str | None], folders: Sequence[Path]) -> list[str]:
    """The overrides that choose options of groups."""
    weights = words.pop("weights", None)
    arguments = []
    for group, word in words.items():
        if word is not None:
            _check_option(group, word, folders)
            arguments.append(f"{group}={word}")
    if weights is not None:
        cell = [words.get(key) or usual for key, usual in (("goal", "classification"), ("dataset", "imagenet1k"))]
        name = weights if "/" in str(weights) else "/".join([*cell, str(weights)])
        _check_option("weights", name, folders)
        arguments.append(f"weights={name}")
    return arguments


def _check_option(group: str, word: object, folders: Sequence[Path]) -> None:
    known = option_files(group, folders)
    if not isinstance(word, str) or word not in known:
        raise UserError(f"{group} has no option {word}; choose from {choices(str(word), known)}")


def _readouts(readout: str | Sequence[str], folders: Sequence[Path]) -> list[str]:
    if not isinstance(readout, (str, Sequence)):
        raise UserError(f"readout={readout!r}: give a name or a list of names")
    names = [readout] if isinstance(readout, str) else list(readout)
    if not names:
        raise UserError("readout: the list is empty; name one, as readout='lpips'")
    for name in names:
        _check_option("readout", name, folders)
    if len(set(names)) < len(names):
        raise UserError(f"readout={names}: one of them is there twice")
    return names
