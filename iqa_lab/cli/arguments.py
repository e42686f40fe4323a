"""The arguments of a command -> its overrides, and the flags of Hydra among them, wherever they stand."""

from collections.abc import Sequence
from pathlib import Path

from iqa_lab.errors import UserError

# flags of Hydra that take a value
_WITH_VALUE = ("--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd", "--package", "-p", "--cfg", "-c",
               "--experimental-rerun")  # fmt: skip

# --info may stand alone
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Everything that is no flag, and the flags with their values; Hydra itself takes no overrides behind flags.

    Raises:
        UserError: a flag lacks its value.

    >>> split(["a=1", "--config-dir", "mine", "b=2"])
    (['a=1', 'b=2'], ['--config-dir', 'mine'])
    """
    plain: list[str] = []
    flags: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if not argument.startswith("-") or argument == "-":
            plain.append(argument)
            continue
        flags.append(argument)
        if argument in _WITH_VALUE and not waiting:
            raise UserError(f"{argument} needs a value")
        if argument in _WITH_VALUE or (argument in ("--info", "-i") and waiting and waiting[0] in _INFO):
            flags.append(waiting.pop(0))
    return plain, flags


def own_folder(flags: Sequence[str]) -> Path | None:
    """The user's own configuration folder among the flags, the last one that is named."""
    folder = None
    for place, flag in enumerate(flags):
        if flag in ("--config-dir", "-cd"):
            folder = flags[place + 1]
        elif flag.startswith("--config-dir="):
            folder = flag.partition("=")[2]
    return None if folder is None else Path(folder)


def take_option(arguments: Sequence[str], name: str) -> tuple[list[str], str | None]:
    """The arguments without ``--name VALUE`` and ``--name=VALUE``, and that value, if there is one.

    Raises:
        UserError: the value is missing.
    """
    left: list[str] = []
    value = None
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == name:
            if not waiting:
                raise UserError(f"{name} needs a value")
            value = waiting.pop(0)
        elif argument.startswith(f"{name}="):
            value = argument.partition("=")[2]
        else:
            left.append(argument)
    return left, value
