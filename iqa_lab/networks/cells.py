"""The grid goal x dataset x architecture as far as public weights fill it: the tree ``conf/weights``."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from iqa_lab.config import ArchitectureConfig, Config, InputConfig, WeightsConfig, configuration_folder, option_files
from iqa_lab.config.options import read_option, shipped_option
from iqa_lab.errors import UserError
from iqa_lab.imports import is_own as is_own_code

# the goal of metrics that are no network of the grid
BASELINE = "baseline"

# the architecture of a network of the user's own code
OWN = "custom"

# the goal of networks whose weights stay at random
UNTRAINED = "untrained"

# keys that mean nothing to a baseline, and to a network whose weights stay at random
_OF_LAYERS = ("layers", "readout", "tokens", "concat")
_OF_FILES = tuple(f"weights.{name}" for name in ("state", "prefix", "renames", "keys", "ignores", "sha256", "source"))


def cells(folders: Sequence[Path]) -> Iterator[tuple[str, WeightsConfig]]:
    """Every cell that has weights, as ``architecture`` or ``architecture.recipe`` and its configuration.

    Untrained networks, of which there is one for every architecture, are not listed; a file of theirs only says how
    such a network is fed.
    """
    for option, path in option_files("weights", folders).items():
        if option.startswith(f"{UNTRAINED}/"):
            continue
        yield option.rpartition("/")[2], _read_cell(path)


def _read_cell(path: Path) -> WeightsConfig:
    """One file of the tree; OmegaConf would take seconds for all of them, and checks the one that is run anyway."""
    try:
        values = read_option(path, "weights")
        return WeightsConfig(**{**values, "input": InputConfig(**values.get("input", {}))})
    except (TypeError, AttributeError) as error:
        raise UserError(f"{path} is no file of weights: {' '.join(str(error).split())}") from error


def publishers_checksum(weights: WeightsConfig) -> str | None:
    """The sha256 that the cell of these weights gives for its publisher's file; None where there is none."""
    name = f"{weights.architecture}.{weights.recipe}" if weights.recipe else weights.architecture
    path = configuration_folder() / "weights" / str(weights.goal) / str(weights.dataset) / f"{name}.yaml"
    return _read_cell(path).sha256 if path.is_file() else None


def cell_name(config: Config) -> str:
    """``<goal>-<dataset>-<architecture>``, as in folders and tables."""
    return f"{config.goal.name}-{config.dataset.name}-{config.architecture.name}"


def is_by_hand(weights: WeightsConfig) -> bool:
    """Whether a person has to get the file of these weights: no public address holds it, but it is known where it is.

    >>> is_by_hand(WeightsConfig(steps="ask the authors")), is_by_hand(WeightsConfig(source="url:https://a/b.pth"))
    (True, False)
    """
    return weights.source is None and bool(weights.steps)


def by_hand(weights: WeightsConfig) -> str:
    """What a person has to do to get the file of these weights, and to use it: one line."""
    steps = " ".join(str(weights.steps).split()).rstrip(".")
    return f"this file has no public address, get it by hand: {steps}; then weights.path=FILE"


def nearest_cells(goal: str, dataset: str, architecture: str, folders: Sequence[Path], number: int = 3) -> list[str]:
    """The cells that share most with the one asked for, as overrides."""
    wanted = (goal, dataset, architecture)

    def difference(cell: tuple[str, ...]) -> tuple[int, float]:
        resemblance = sum(SequenceMatcher(None, *pair).ratio() for pair in zip(wanted, cell, strict=True))
        return sum(a != b for a, b in zip(wanted, cell, strict=True)), -resemblance

    known = {(str(cell.goal), str(cell.dataset), str(cell.architecture)) for _, cell in cells(folders)}
    ranked = sorted(known, key=difference)[:number]
    return ["goal={} dataset={} architecture={}".format(*cell) for cell in ranked]


def check_cell(config: Config) -> None:
    """Nothing, if a run's goal, dataset, architecture and weights belong together.

    Raises:
        UserError: they contradict each other, or the cell has no weights.
    """
    weights = config.weights
    goal, dataset, architecture = config.goal.name, config.dataset.name, config.architecture.name
    wanted = {"goal": goal, "dataset": dataset, "architecture": architecture}
    asked = " ".join(f"{key}={value}" for key, value in wanted.items())
    untrained = goal == UNTRAINED
    if (goal in (UNTRAINED, BASELINE)) != (dataset == "none"):
        raise UserError(f"{asked}: goal=untrained goes with dataset=none, and only with it; so does goal={BASELINE}")
    if untrained:
        if weights.path or weights.url:
            raise UserError("goal=untrained loads no weights: leave out weights.path and weights.url")
        return
    declared = {"goal": weights.goal, "dataset": weights.dataset, "architecture": weights.architecture}
    wrong = [f"{key}={value}" for key, value in declared.items() if value is not None and value != wanted[key]]
    if wrong:
        raise UserError(f"these weights are of {' '.join(wrong)}, but the run asks for {asked}")
    without_weights = goal == BASELINE and weights.goal is not None
    if not (weights.path or weights.url or weights.source or without_weights):
        if is_by_hand(weights):
            raise UserError(f"{asked}: {by_hand(weights)}")
        if architecture not in {cell.architecture for _, cell in cells([configuration_folder()])}:
            raise UserError(
                f"architecture={architecture} has no public weights: give weights.path=FILE with goal=... and "
                f"dataset=..., or goal={UNTRAINED} dataset=none for random ones"
            )
        near = "; ".join(nearest_cells(goal, dataset, architecture, [configuration_folder()]))
        raise UserError(f"no public weights for {asked}; the nearest cells are: {near}; or give weights.path=FILE")


def check_name(architecture: ArchitectureConfig) -> None:
    """Nothing, if an architecture is not called as another one is: its numbers would be listed as the other's.

    Code of one's own may be called as one likes.

    Raises:
        UserError: it is.
    """
    ours = None if is_own_code(str(architecture.constructor)) else shipped_option("architecture", architecture.name)
    if ours is None or architecture.name == OWN:
        return
    arguments = ours.get("arguments") or {}
    same = all(architecture.arguments.get(key) == value for key, value in arguments.items())
    if same and len(arguments) < len(architecture.arguments):  # more of them are one's own, or those of another option
        files = option_files("architecture", [configuration_folder()]).values()
        others = [read_option(path, "architecture") for path in files]
        this = architecture.constructor, architecture.arguments
        same = this not in [(other["constructor"], other.get("arguments")) for other in others]
    if ours["constructor"] != architecture.constructor or not same:
        raise UserError(
            f"architecture.name={architecture.name} is the name of {ours['constructor']}"
            f"{f' with {arguments}' if arguments else ''}, which this is not: architecture={architecture.name} chooses "
            "that one; for this one give another architecture.name=NAME"
        )


def is_own(config: Config) -> bool:
    """Whether a run's network is the user's own: its weights come from a file of theirs, or its code does.

    A file that a person had to get by hand is the training that it was got for.
    """
    weights = config.weights
    if config.goal.name == BASELINE:
        return False
    own_file = bool((weights.path and not is_by_hand(weights)) or weights.url)
    own_code = config.architecture.name == OWN or is_own_code(str(config.architecture.constructor))
    return own_file or (own_code and weights.goal is None)


def check_said(config: Config, said: Collection[str]) -> None:
    """Nothing, if somebody has said what a network of their own was trained for and on: it is not what is usual.

    Args:
        config: of the run.
        said: the keys of its overrides, as ``goal`` or ``goal.name``.

    Raises:
        UserError: they have not.
    """
    unsaid = [factor for factor in ("goal", "dataset") if not {factor, f"{factor}.name"} & set(said)]
    if unsaid and is_own(config):
        usual = " - ".join((config.goal.name, config.dataset.name))
        raise UserError(
            f"this network is your own: say what it was trained for and on, else it would be listed as {usual}: "
            "goal=own goal.name=WORD dataset=own dataset.name=WORD, or options of iqa-lab list goals and datasets"
            + (", or goal=untrained dataset=none" if not (config.weights.path or config.weights.url) else "")
        )


def said_in_vain(config: Config, said: Collection[str]) -> list[str]:
    """What somebody has said of one run that changes nothing in it, in sentences.

    Args:
        config: of the run.
        said: as of ``check_said``.
    """
    found = []
    if config.goal.name == BASELINE:
        keys = sorted(key for key in said if key in _OF_LAYERS or key.startswith("readouts."))
        found += [f"a baseline is a readout itself: {', '.join(keys)} changes nothing"] if keys else []
    if config.goal.name == UNTRAINED:
        keys = sorted(key for key in said if key in _OF_FILES)
        found += [f"goal={UNTRAINED} loads no weights: {', '.join(keys)} changes nothing"] if keys else []
    elif "weights.seed" in said and not config.weights.ignores:
        found.append(f"weights.seed is of goal={UNTRAINED}: it changes nothing in trained weights")
    return found


def said_of_own(config: Config) -> str | None:
    """What is printed of a network of one's own: how it is fed, and what it is called; None of others."""
    if not is_own(config):
        return None
    given = config.weights.input
    feeds = f"{given.order} 0..{given.range:g}, mean {_listed(given.mean)}, std {_listed(given.std)}"
    named = "; architecture.name=NAME gives it a name of its own" if config.architecture.name == OWN else ""
    return f"{cell_name(config)} is fed {feeds}: weights.input.order, .range, .mean and .std change that{named}"


def _listed(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def matching(row: Mapping[str, Any], filters: Mapping[str, str]) -> bool:
    """Whether every column asked for shows one of its values; ``*`` stands for any text.

    >>> matching({"goal": "jigsaw", "dataset": "imagenet1k"}, {"goal": "jigsaw,rotation", "dataset": "image*"})
    True
    >>> matching({"available": False}, {"available": "no"}), matching({"available": False}, {"available": "true"})
    (True, False)
    """
    return all(
        any(text == one or fnmatchcase(text, one) for text in _shown(row[key]) for one in value.split(","))
        for key, value in filters.items()
    )


def _shown(value: object) -> tuple[str, ...]:
    """How a value may be written: as tables show it, as YAML does, as Python does."""
    if isinstance(value, bool):
        return ("yes", "true", "True") if value else ("no", "false", "False")
    return (str(value),)
