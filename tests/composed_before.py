"""Choices of shipped options -> what Hydra made of them before: nine tenths of the time of a composition.

Hydra first finds the files of all options chosen and merges them, then sets single values. The first depends on nothing
but the choices and the shipped files, and hundreds of tests choose the same: they get copies of what Hydra itself made
the first time in this process. Where a user's own folder is searched, too, everything is made anew.
"""

from copy import deepcopy
from typing import Any

import pytest
from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.defaults_list import Overrides
from omegaconf import DictConfig

from iqa_lab.config import configuration_folder

SHIPPED = f"file://{configuration_folder()}"
_STATE = ("override_choices", "override_metadata", "append_group_defaults", "deletions", "known_choices",
          "known_choices_per_group")  # fmt: skip
_found: dict[str, tuple[Any, dict[str, Any]]] = {}
_merged: dict[str, DictConfig] = {}
_find, _merge = defaults_list._create_defaults_list, ConfigLoaderImpl._compose_config_from_defaults_list


def remember() -> None:
    """From now on, in this process."""
    defaults_list._create_defaults_list = found_before
    ConfigLoaderImpl._compose_config_from_defaults_list = merged_before  # type: ignore[method-assign]


def forget(patch: pytest.MonkeyPatch) -> None:
    """Let Hydra make everything anew until the patch is undone."""
    patch.setattr(defaults_list, "_create_defaults_list", _find)
    patch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", _merge)


def all_shipped(repo: IConfigRepository) -> bool:
    """Whether only the shipped folder is searched, besides what lies in packages."""
    return all(source.scheme() != "file" or source.full_path() == SHIPPED for source in repo.get_sources())


def found_before(
    repo: IConfigRepository, config_name: str | None, overrides: Overrides, prepend_hydra: bool, skip_missing: bool
) -> Any:
    """Hydra's list of files for these choices; what it notes on the choices is noted again."""
    if not all_shipped(repo):
        return _find(repo, config_name, overrides, prepend_hydra, skip_missing)
    key = repr((config_name, prepend_hydra, skip_missing, [getattr(overrides, name) for name in _STATE]))
    if key not in _found:
        files = _find(repo, config_name, overrides, prepend_hydra, skip_missing)
        _found[key] = deepcopy((files, {name: getattr(overrides, name) for name in _STATE}))
    files, state = deepcopy(_found[key])
    vars(overrides).update(state)
    return files


def merged_before(loader: ConfigLoaderImpl, defaults: list[Any], repo: IConfigRepository) -> DictConfig:
    """Hydra's merged content of these files."""
    if not all_shipped(repo):
        return _merge(loader, defaults, repo)
    key = repr(defaults)
    if key not in _merged:
        _merged[key] = _merge(loader, defaults, repo)
    return deepcopy(_merged[key])
