"""Choices of shipped options -> what Hydra made of them before: nine tenths of the time of a composition.

Hydra first finds the files of all options chosen, reads them and merges them, then sets single values. The first
depends on nothing but the choices and the shipped files, and thousands of tests choose the same: they get copies of
what Hydra itself made the first time in this process. Where a user's own folder is searched, too, only the shipped
files are remembered, and all else is made anew. What is remembered is kept pickled, from which a copy is quickly made.
"""

import pickle
from copy import copy
from typing import Any

import pytest
from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository, IConfigRepository
from hydra._internal.defaults_list import Overrides
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig

from iqa_lab.config import configuration_folder

SHIPPED = f"file://{configuration_folder()}"
_STATE = ("override_choices", "override_metadata", "append_group_defaults", "deletions", "known_choices",
          "known_choices_per_group")  # fmt: skip
_loaded: dict[tuple[str, str], bytes] = {}
_found: dict[str, bytes] = {}
_merged: dict[str, bytes] = {}
_load, _start = ConfigRepository.load_config, CachingConfigRepository.__init__
_find, _merge = defaults_list._create_defaults_list, ConfigLoaderImpl._compose_config_from_defaults_list


def remember() -> None:
    """From now on, in this process."""
    ConfigRepository.load_config = loaded_before  # type: ignore[method-assign]
    CachingConfigRepository.__init__ = started_with_the_same_sources  # type: ignore[method-assign]
    defaults_list._create_defaults_list = found_before
    ConfigLoaderImpl._compose_config_from_defaults_list = merged_before  # type: ignore[method-assign]


def forget(patch: pytest.MonkeyPatch) -> None:
    """Let Hydra make everything anew until the patch is undone."""
    patch.setattr(ConfigRepository, "load_config", _load)
    patch.setattr(CachingConfigRepository, "__init__", _start)
    patch.setattr(defaults_list, "_create_defaults_list", _find)
    patch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", _merge)


def is_shipped(source: ConfigSource) -> bool:
    """Whether it is the shipped folder, or lies in a package."""
    return source.scheme() != "file" or source.full_path() == SHIPPED


def all_shipped(repo: IConfigRepository) -> bool:
    """Whether no other folder is searched."""
    return all(map(is_shipped, repo.get_sources()))


def loaded_before(repo: ConfigRepository, config_path: str) -> ConfigResult | None:
    """What Hydra reads in a shipped file."""
    source = repo._find_object_source(config_path, ObjectType.CONFIG)
    if source is None or not is_shipped(source):
        return _load(repo, config_path)
    key = source.full_path(), config_path
    if key not in _loaded:
        _loaded[key] = pickle.dumps(_load(repo, config_path))
    result: ConfigResult = pickle.loads(_loaded[key])
    return result


def started_with_the_same_sources(repo: CachingConfigRepository, delegate: IConfigRepository) -> None:
    """A repository of the same sources, as Hydra starts with, which need not be copied: each composition reads them."""
    repo.delegate = copy(delegate)
    repo.cache = {}


def found_before(
    repo: IConfigRepository, config_name: str | None, overrides: Overrides, prepend_hydra: bool, skip_missing: bool
) -> Any:
    """Hydra's list of files for these choices; what it notes on the choices is noted again."""
    if not all_shipped(repo):
        return _find(repo, config_name, overrides, prepend_hydra, skip_missing)
    key = repr((config_name, prepend_hydra, skip_missing, [getattr(overrides, name) for name in _STATE]))
    if key not in _found:
        files = _find(repo, config_name, overrides, prepend_hydra, skip_missing)
        _found[key] = pickle.dumps((files, {name: getattr(overrides, name) for name in _STATE}))
    files, state = pickle.loads(_found[key])
    vars(overrides).update(state)
    return files


def merged_before(loader: ConfigLoaderImpl, defaults: list[Any], repo: IConfigRepository) -> DictConfig:
    """Hydra's merged content of these files."""
    if not all_shipped(repo):
        return _merge(loader, defaults, repo)
    key = repr(defaults)
    if key not in _merged:
        _merged[key] = pickle.dumps(_merge(loader, defaults, repo))
    merged: DictConfig = pickle.loads(_merged[key])
    return merged
