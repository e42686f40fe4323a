"""Functions that a configuration names by their import path."""

from importlib import import_module
from types import ModuleType
from typing import Any

from iqa_lab.errors import UserError


def import_object(path: str, setting: str) -> Any:
    """The object at a dotted import path.

    Args:
        path: ``package.module.name``.
        setting: the configuration key that named it, for the error.

    Raises:
        UserError: it cannot be imported.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{setting}={path} cannot be imported: {error}") from error


def import_module_of(path: str, setting: str) -> ModuleType:
    """The module at a dotted import path.

    Args:
        path: ``package.module``.
        setting: the configuration key that named it, for the error.

    Raises:
        UserError: it cannot be imported.
    """
    try:
        return import_module(path)
    except ImportError as error:
        raise UserError(f"{setting}={path} cannot be imported: {error}") from error
