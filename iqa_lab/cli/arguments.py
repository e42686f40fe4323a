"""The arguments of a command -> its overrides, and Hydra's flags among them, wherever they stand."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from iqa_lab.errors import UserError, choices

# Hydra's own flags; True: a value follows
HYDRA_FLAGS = {
    **dict.fromkeys(
        ("--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd", "--package", "-p", "--cfg", "-c",
         "--experimental-rerun"), True),
    **dict.fromkeys(("--multirun", "-m", "--run", "-r", "--resolve", "--info", "-i", "--hydra-help"), False),
}  # fmt: skip

# --info may stand alone
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Everything but Hydra's flags, and these flags with their values, wherever they stand.

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
        name, equals, _ = argument.partition("=")
        if name not in HYDRA_FLAGS:
            plain.append(argument)
            continue
        flags.append(argument)
        takes_value = HYDRA_FLAGS[name] and not equals
        if takes_value and not waiting:
            raise UserError(f"{argument} needs a value")
        if takes_value or (argument in ("--info", "-i") and waiting and waiting[0] in _INFO):
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


def full_weights(overrides: Sequence[str], options: Iterable[str], several: bool) -> list[str]:
    """The overrides, a short ``weights=resnet50.v2`` as the whole ``weights=classification/imagenet1k/resnet50.v2``.

    A name that is none of any training stays as it is, and is refused where options are looked up.

    Args:
        overrides: of a command.
        options: all trainings, as ``goal/dataset/name``.
        several: one name may mean trainings of several goals and datasets, as in a sweep.

    Raises:
        UserError: no training of the goal, dataset and architecture asked for has this name, or several have it.

    >>> full_weights(["weights=alexnet"], ["classification/imagenet1k/alexnet"], False)
    ['weights=classification/imagenet1k/alexnet']
    """
    given = {key: value.split(",") for key, equals, value in (one.partition("=") for one in overrides) if equals}
    known = list(options)
    return [_full(one, given, known, several) if one.startswith("weights=") else one for one in overrides]


_FACTORS = ("goal", "dataset", "architecture")
_USUAL = {"goal": ["classification"], "dataset": ["imagenet1k"]}  # as conf/config.yaml has them


def _full(override: str, given: Mapping[str, list[str]], known: Sequence[str], several: bool) -> str:
    names = override.removeprefix("weights=").split(",")
    return "weights=" + ",".join(one for name in names for one in _trainings(name.strip(), given, known, several))


def _trainings(name: str, given: Mapping[str, list[str]], known: Sequence[str], several: bool) -> list[str]:
    """The trainings of one name; the name itself, where it is none of theirs."""
    called = [option for option in known if option.rpartition("/")[2] == name]
    if name in known or not called:
        return [name]

    def of(wanted: Mapping[str, list[str]]) -> list[str]:
        return [
            option
            for option in called
            if all(
                part.partition(".")[0] in wanted[factor]
                for factor, part in zip(_FACTORS, option.split("/"), strict=False)
                if factor in wanted and all(word.replace("_", "").isalnum() for word in wanted[factor])
            )
        ]

    found = of(given)
    if len(found) > 1 and not several and "experiment" not in given:
        found = of({**_USUAL, **given})
    if not found or (len(found) > 1 and not several):
        asked = " ".join(f"{factor}={','.join(given[factor])}" for factor in _FACTORS if factor in given)
        why = f"several trainings have this name{' of ' + asked if asked else ''}" if found else f"none of {asked}"
        raise UserError(f"weights={name}: {why}; give one of {choices(name, found or called)}")
    return found
