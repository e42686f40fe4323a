"""Overrides -> the networks and benchmarks of the factor grid: which there are, and which cells are empty."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.override_parser.types import Glob, Override

from iqa_lab.config import option_files, read_mapping
from iqa_lab.errors import UserError, choices
from iqa_lab.networks.cells import BASELINE, UNTRAINED

# What makes a unit: one network on one benchmark. Everything else that is swept multiplies all of them.
FACTORS = ("goal", "dataset", "architecture", "weights", "benchmark")


# why a cell of the grid is empty that somebody might train
NO_WEIGHTS = "no public weights"
BY_HAND = "weights without a public address: iqa-lab fetch goal=... dataset=... architecture=... says how to get them"
_NOT_TOGETHER = f"goal={UNTRAINED} and goal={BASELINE} go with dataset=none, and only with it"


@dataclass(frozen=True)
class Axes:
    """What a sweep asks for, each factor as the list of its options."""

    goals: tuple[str, ...]
    datasets: tuple[str, ...]
    architectures: tuple[str, ...]
    weights: tuple[str, ...] | None  # options of the tree ``conf/weights``; None: those of the cells
    benchmarks: tuple[str, ...]
    follow: frozenset[str]  # factors that nobody asked for: with weights=... they are those of the weights
    readouts: tuple[str, ...] | None  # all of them are read in one pass; None: the configuration's own
    others: tuple[tuple[str, ...], ...]  # overrides besides, one tuple for each combination of swept values


class Cell(NamedTuple):
    """A network of the grid by its options; ``empty`` says why there is none. A tuple: of a whole grid a million."""

    goal: str
    dataset: str
    architecture: str
    weights: str | None  # an option of ``conf/weights``; None: the cell needs no file
    empty: str | None = None
    seed: int | None = None  # of an untrained network that is scored with several; None: the configuration's own

    @property
    def name(self) -> str:
        """``<goal>-<dataset>-<architecture>``, and the training or seed where it is not the only one of its cell."""
        plain = f"{self.goal}-{self.dataset}-{self.architecture}"
        if self.seed is not None:
            return f"{plain}.seed{self.seed}"
        recipe = (self.weights or "").rpartition("/")[2].removeprefix(self.architecture)
        return plain + recipe


def read_axes(overrides: Sequence[Override], chosen: Mapping[str, Any], folders: Sequence[Path]) -> Axes:
    """What the overrides of a sweep ask for.

    Args:
        overrides: parsed by Hydra; a later one of the same key wins.
        chosen: the option of each group where nobody sweeps it, as Hydra composed them.
        folders: configuration folders, the first one wins.

    Raises:
        UserError: an option does not exist.
    """
    by_key = {override.get_key_element().lstrip("+"): override for override in overrides}
    asked = {factor: _options(by_key.pop(factor), factor, folders) for factor in FACTORS if factor in by_key}
    readouts = _options(by_key.pop("readout"), "readout", folders) if "readout" in by_key else None
    cell = f"{chosen.get('goal')}/{chosen.get('dataset')}/{chosen.get('architecture')}"
    weights = asked.get("weights")
    if weights is None and chosen.get("weights") not in (cell, None):  # chosen by an experiment
        weights = (str(chosen["weights"]),)
    return Axes(
        goals=asked.get("goal", (str(chosen.get("goal")),)),
        datasets=asked.get("dataset", (str(chosen.get("dataset")),)),
        architectures=asked.get("architecture", (str(chosen.get("architecture")),)),
        weights=weights,
        benchmarks=asked.get("benchmark", (str(chosen.get("benchmark")),)),
        follow=frozenset(("goal", "dataset", "architecture")) - set(asked),
        readouts=_single_readouts(readouts, folders) if readouts and len(readouts) > 1 else readouts,
        others=tuple(itertools.product(*(_values(override) for override in by_key.values()))),
    )


def _options(override: Override, group: str, folders: Sequence[Path]) -> tuple[str, ...]:
    """The options that an override names, each once; lists within lists are one."""
    files = option_files(group, folders)
    value: Any = override.value()
    untrained = _untrained(folders) if group == "weights" else {}
    if isinstance(value, Glob):
        # untrained networks, of which there is one for every architecture, only where a pattern says so
        trained = [name for name in files if name not in untrained]
        asked = any(pattern.startswith(f"{UNTRAINED}/") for pattern in value.include)
        found = value.filter([*trained, *(untrained if asked else {})])
        if not found:
            raise UserError(f"{override.input_line}: no {group} matches; choose from {choices('', files)}")
        return tuple(found)
    swept = override.is_sweep_override()
    named = [str(name) for entry in (override.sweep_iterator() if swept else [value]) for name in _flat(entry)]
    for name in named:
        if name not in files and name not in untrained:
            raise UserError(f"{group} has no option {name}; choose from {choices(name, files)}")
    return tuple(dict.fromkeys(named))


def _untrained(folders: Sequence[Path]) -> dict[str, None]:
    """The names of untrained networks among trainings, ``untrained/none/ARCHITECTURE``; most have no file."""
    baselines = {name.rpartition("/")[2] for name in option_files("weights", folders) if name.startswith(BASELINE)}
    built = option_files("architecture", folders)
    return {f"{UNTRAINED}/none/{name}": None for name in built if name not in baselines}


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for entry in value:
            yield from _flat(entry)
    else:
        yield getattr(value, "text", value)  # a quoted string of Hydra's


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise UserError(f"{override.input_line}: a sweep takes lists, choice(), range() and glob(), no intervals")
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _single_readouts(readouts: Iterable[str], folders: Sequence[Path]) -> tuple[str, ...]:
    """The readouts, those that mean several others (``all``) replaced by what they mean."""
    files = option_files("readout", folders)
    single = [part for name in readouts for part in (read_mapping(files[name]).get("defaults") or [name])]
    return tuple(dict.fromkeys(map(str, single)))


def networks(
    axes: Axes, folders: Sequence[Path], own_weights: bool, own_constructor: bool, seeds: int = 1
) -> list[Cell]:
    """All networks that are asked for, the empty cells among them.

    Args:
        axes: of the sweep.
        folders: configuration folders, the first one wins.
        own_weights: the user gave ``weights.path`` or ``weights.url``, which fill any cell.
        own_constructor: the user gave ``architecture.constructor``.
        seeds: how many random initialisations stand for an untrained network.
    """
    files = option_files("weights", folders)
    if axes.weights is not None:
        chosen = [_of_weights(option, files.get(option), axes) for option in axes.weights]
        return [one for cell in chosen for one in _with_seeds(cell, seeds)]
    unbuilt = {name for name in axes.architectures if not own_constructor and _has_no_constructor(name, folders)}
    cells = []
    for goal, dataset, architecture in itertools.product(axes.goals, axes.datasets, axes.architectures):
        option = f"{goal}/{dataset}/{architecture}"
        weights = option if option in files else None
        empty = None
        if (goal in (UNTRAINED, BASELINE)) != (dataset == "none"):
            empty = _NOT_TOGETHER
        elif goal == UNTRAINED and f"{BASELINE}/none/{architecture}" in files:
            empty = "a baseline has no weights that could stay random"
        elif architecture in unbuilt:
            empty = "needs architecture.constructor=IMPORT.PATH"
        elif goal != UNTRAINED and weights is None and (goal == BASELINE or not own_weights):
            empty = NO_WEIGHTS
        cells += _with_seeds(Cell(goal, dataset, architecture, weights, empty), seeds)
    return cells


def _with_seeds(cell: Cell, seeds: int) -> list[Cell]:
    """The cell itself; of an untrained network one for each of several seeds."""
    if cell.goal != UNTRAINED or cell.empty is not None or seeds <= 1:
        return [cell]
    return [cell._replace(seed=seed) for seed in range(seeds)]


def _of_weights(option: str, file: Path | None, axes: Axes) -> Cell:
    """The network of a training; empty if it is none of the goals, datasets and architectures asked for.

    Args:
        option: of the training, or ``untrained/none/ARCHITECTURE``.
        file: of the option; None: an untrained network that needs none.
        axes: of the sweep.
    """
    named = dict(zip(("goal", "dataset", "architecture"), option.split("/"), strict=True))
    content = read_mapping(file) if file else named
    weights = option if file else None
    cell = Cell(str(content.get("goal")), str(content.get("dataset")), str(content.get("architecture")), weights)
    asked = {"goal": axes.goals, "dataset": axes.datasets, "architecture": axes.architectures}
    for factor, options in asked.items():
        if factor not in axes.follow and getattr(cell, factor) not in options:
            return cell._replace(empty=f"these weights are of another {factor} than those asked for")
    return cell


def _has_no_constructor(architecture: str, folders: Sequence[Path]) -> bool:
    path = option_files("architecture", folders).get(architecture)
    return path is not None and read_mapping(path).get("constructor") in (None, "???")
