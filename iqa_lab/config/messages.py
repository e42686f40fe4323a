"""Errors of Hydra and OmegaConf in one line that says what to do.

Hydra is imported where an error is looked at: every command imports this, and few compose a configuration.
"""

import re
from dataclasses import fields, is_dataclass
from typing import get_type_hints

from omegaconf.errors import ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from iqa_lab.config import Config, ReadoutConfig, configuration_folder, option_files
from iqa_lab.errors import choices, nearest_first


def foreseen_message(error: BaseException) -> str | None:
    """The line for an error of Hydra, of OmegaConf or in a YAML file; None: it is none of these."""
    from hydra.errors import HydraException

    return plain_message(error) if isinstance(error, (HydraException, OmegaConfBaseException, YAMLError)) else None


def plain_message(error: BaseException, prefix: str = "") -> str:
    """One line for a person: what is wrong, and the nearest right words.

    Args:
        error: of Hydra, OmegaConf or our own.
        prefix: of the keys that the error names, where they are those of one group, as ``benchmark.``.
    """
    from hydra.errors import MissingConfigException, OverrideParseException

    root = _root(error)
    if isinstance(root, MissingConfigException) and root.missing_cfg_file:
        group, _, option = root.missing_cfg_file.rpartition("/")
        options = list(root.options or option_files(group, [configuration_folder()]))
        return f"{group or 'configuration'} has no option {option}; choose from {choices(option, options)}"
    text = " ".join(str(root).split())
    override = re.search(r"Could not override '([\w.@/-]+)'", text)
    if override:
        inner = root.__cause__
        key = str(inner.full_key or "") if isinstance(inner, OmegaConfBaseException) else ""
        return _unknown_key(key or override.group(1))
    if isinstance(root, OverrideParseException) and re.match(r"[\w.+]+=\{", str(root.override)):
        return (
            f"{root.override!r} cannot be read: keys of a dictionary are written without quotes, of letters, digits "
            r"and ._/-+$%*@?| only; others are for a YAML file of your own, --config-dir FOLDER"
        )
    if isinstance(root, OverrideParseException):
        return f"{root.override!r} is no override: write KEY=VALUE, as in architecture=alexnet or readout=[plain,lpips]"
    key = f"{prefix}{root.full_key}" if isinstance(root, OmegaConfBaseException) and root.full_key else ""
    if key and isinstance(root, ConfigKeyError):
        return _unknown_key(key)
    if key and f"not a subclass of {ReadoutConfig.__name__}" in text:
        return f"this run has no readout {key}: choose it with readout=[..., {key}]"
    if key and "missing mandatory value" in text.lower():
        return f"{key} has to be given: {key}=VALUE"
    if key:
        return f"{key}: {_first_sentence(text)}"
    return _first_sentence(text)


def _first_sentence(text: str) -> str:
    """An error's text without the details that Hydra and OmegaConf append."""
    return re.split(r" full_key: | To append to your config | See https?://", text)[0]


def _root(error: BaseException) -> BaseException:
    """The error that names the key: Hydra wraps OmegaConf's."""
    from hydra.errors import ConfigCompositionException

    while isinstance(error, ConfigCompositionException) and isinstance(error.__cause__, OmegaConfBaseException):
        if "Could not override" in str(error):
            break
        error = error.__cause__
    return error


def _unknown_key(key: str) -> str:
    readout = re.match(r"readouts\.([^.]+)\.", key)
    known = _all_keys(Config) | (_all_keys(ReadoutConfig, readout.group(0)) if readout else set())
    near = ", ".join(nearest_first(key, sorted(known - {key}))[:3])
    return f"there is no key {key}; the nearest are {near}"


def _all_keys(schema: type, prefix: str = "") -> set[str]:
    """Every key of the schema in dotted form, as on the command line."""
    keys = set()
    hints = get_type_hints(schema)
    for entry in fields(schema):
        name = f"{prefix}{entry.name}"
        keys.add(name)
        kind = hints[entry.name]
        if isinstance(kind, type) and is_dataclass(kind):
            keys |= _all_keys(kind, f"{name}.")
    return keys
