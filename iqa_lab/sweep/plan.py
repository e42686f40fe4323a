"""From the overrides of a sweep to its plan: every unit with its state, its cost and its key, longest first."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from iqa_lab.config import configuration_folder, option_files, read_mapping
from iqa_lab.errors import UserError
from iqa_lab.imports import is_own
from iqa_lab.networks.cells import BASELINE, OWN, check_said
from iqa_lab.store.settings import differences
from iqa_lab.store.signature import seal
from iqa_lab.store.writing import readable_write_errors, write_quickly
from iqa_lab.sweep import ledger
from iqa_lab.sweep.benchmarks import Facts, benchmark_facts
from iqa_lab.sweep.compose import Composer, Unit, Values
from iqa_lab.sweep.costs import Costs, parameters_of
from iqa_lab.sweep.grid import BY_HAND, Axes, Cell, networks, read_axes
from iqa_lab.sweep.ledger import DONE, FAILED, LOST, MISSING, RUNNING, Ledger, Record


@dataclass(frozen=True)
class Planned:
    """One unit of a sweep: what it is, where it stands, what it will take."""

    unit: Unit
    key: str
    asked: dict[str, tuple[str, str]]  # readouts, as the ledger keeps them
    facts: Facts
    record: Record
    state: str
    seconds: float  # estimated
    memory_mib: float  # estimated
    why: str | None = None  # there is a result, and it is not what the unit would give again


@dataclass(frozen=True)
class Plan:
    """A whole sweep before its first job."""

    arguments: tuple[str, ...]
    results: Path
    units: tuple[Planned, ...]  # longest first
    empty: tuple[Cell, ...]
    measured: int  # units of the ledger that the estimates rest on
    group: str = ""  # the name of the sweep or study in W&B
    config_dir: str | None = None  # the user's own configuration folder

    def count(self) -> Counter[str]:
        """How many units are in each state."""
        return Counter(planned.state for planned in self.units)

    def having(self, *states: str) -> list[Planned]:
        """The units in these states."""
        return [planned for planned in self.units if planned.state in states]


def make_plan(
    arguments: Sequence[str], params: Mapping[str, Any], loader: ConfigLoader, name: str, master: DictConfig
) -> Plan:
    """The plan of a sweep.

    Args:
        arguments: overrides, without Hydra's own.
        params: the experiment's grid, ``hydra.sweeper.params``; the command line goes before it.
        loader: Hydra's.
        name: of the primary configuration.
        master: that configuration as Hydra composed it, nothing swept.

    Raises:
        UserError: an option, a key or a value is wrong, or every cell is empty.
    """
    parser = OverridesParser.create(config_loader=loader)
    folders = _folders(loader)
    units: list[Unit] = []
    empty: list[Cell] = []
    for overrides, composed, grid in _experiments(arguments, params, parser, loader, name, master):
        given = {one.get_key_element() for one in parser.parse_overrides(list(overrides))}
        from_grid = [f"{key}={value}" for key, value in grid.items() if key not in given]
        axes = read_axes(parser.parse_overrides([*overrides, *from_grid]), composed.hydra.runtime.choices, folders)
        for others in axes.others:
            found, without = _units_of(axes, others, loader, name, composed, folders)
            if not composed.hydra.runtime.choices.get("experiment"):  # which says it itself
                for unit in filter(_may_be_own, found):
                    check_said(unit.config(), given | {str(key) for key in grid})
            variant = " ".join(one for one in others if any(one not in other for other in axes.others))
            units += [replace(unit, variant=variant) for unit in found]
            empty += without if others is axes.others[0] else []  # they are the same for all
    if not units:
        reasons = Counter(str(cell.empty) for cell in empty)
        said = "; ".join(f"{reason} ({number})" for reason, number in reasons.most_common(3))
        raise UserError(f"every cell of this grid is empty: {said}; iqa-lab list weights shows those that are not")
    results = Path(str(units[0].shared["results"]))
    group = str(units[0].shared["tracker"]["group"] or f"sweep-{ledger.sha(sorted(arguments))[:8]}")
    config_dir = next((source.path for source in loader.get_sources() if source.provider == "command-line"), None)
    return look_up(Plan(tuple(arguments), results, (), tuple(dict.fromkeys(empty)), 0, group, config_dir), units)


def look_up(plan: Plan, units: Sequence[Unit]) -> Plan:
    """The plan with every unit's present state and cost."""
    known = Ledger(plan.results)
    records = known.read_all()
    costs = Costs.of(records)
    facts = _BenchmarkFacts(plan.results)
    hashes: dict[int, str] = {}
    readouts: dict[tuple[object, ...], dict[str, tuple[str, str]]] = {}
    equal: dict[object, dict[str, tuple[str, str]]] = {}  # two experiments may ask for the same
    planned: dict[tuple[str, int], Planned] = {}
    for unit in units:
        key = ledger.key_of(unit, hashes)
        fitted = {
            name: facts.named(name, unit)
            for readout in unit.shared["readouts"].values()
            if (name := readout["arguments"].get("fit_on"))
        }
        same = (id(unit.shared), unit.cell.goal == BASELINE, *fitted.values())
        if same not in readouts:
            found_readouts = ledger.readouts_of(unit, fitted)
            readouts[same] = equal.setdefault(tuple(sorted(found_readouts.items())), found_readouts)
        asked = readouts[same]
        record, found = records.get(key, {}), facts.of(unit)
        state, why = state_of(unit, key, asked, found, record, known)
        entry = Planned(unit, key, asked, found, record, state, *costs.estimate(unit, found), why)
        _check_one_table(unit, planned.get((key, id(asked))))
        planned[key, id(asked)] = entry  # a cell that is named twice is one unit
    # the longest first; what once took its process with it last, where it can take nothing else along
    ordered = sorted(planned.values(), key=lambda entry: (entry.state == LOST, -entry.seconds, entry.unit.name))
    return replace(plan, units=tuple(ordered), measured=costs.measured)


def _check_one_table(unit: Unit, twin: Planned | None) -> None:
    """Nothing, if a unit that a grid names twice is asked for with the same settings of statistics.

    Raises:
        UserError: they differ: its result has one table, and only the last one's would be there.
    """
    if twin is not None and (one := ledger.statistics_of(unit)) != (other := ledger.statistics_of(twin.unit)):
        raise UserError(
            f"{unit.name} is asked for twice, with {differences(one, other)}: these settings move no score, and a "
            "result has one table; give one value, or each its own results=FOLDER"
        )


def refreshed(plan: Plan) -> Plan:
    """The plan with every unit's present state; its units and their order stay."""
    known = Ledger(plan.results)
    records = known.read_all()
    units = []
    for old in plan.units:
        record = records.get(old.key, {})
        state, why = state_of(old.unit, old.key, old.asked, old.facts, record, known)
        units.append(replace(old, record=record, state=state, why=why))
    return replace(plan, units=tuple(units))


def state_of(
    unit: Unit, key: str, asked: Mapping[str, tuple[str, str]], facts: Facts, record: Record, known: Ledger
) -> tuple[str, str | None]:
    """Where a unit stands, done only if nothing has changed that its result was made of; and what has changed."""
    why = why_not_done(unit, asked, facts, record, known.results) if "made_of" in record else None
    if "made_of" in record and why is None:
        return DONE, None
    if facts.error is not None:
        return FAILED, None
    state = str(record.get("state", MISSING))
    if state == RUNNING:
        return (RUNNING if known.is_claimed(key) else LOST), None
    return (FAILED, None) if state == FAILED else (MISSING, why)


def why_not_done(
    unit: Unit, asked: Mapping[str, tuple[str, str]], facts: Facts, record: Record, results: Path
) -> str | None:
    """Why the result on disk is not what this unit would give again, in words; None if it is."""
    made_of = record["made_of"]
    known = (made_of.get("weights_file") or {}).get("path")
    if not ledger.has_readouts(record, asked):
        return "other readouts or layers are asked for"
    if made_of["code"] != ledger.code_now(unit):
        return "the code of its network, or a package that builds it, has changed"
    now = ledger.file_facts(ledger.weights_file(unit.factors["weights"], known))
    if not ledger.same_file(now, made_of.get("weights_file")):
        return "its weights have changed"
    if facts.error is None and made_of["index_digest"] != facts.index_digest:
        return "its benchmark has changed"
    told = {"benchmark.people": facts.people, "benchmark.opinion_std": facts.opinion_std}
    statistics = None if facts.error is not None else {**ledger.statistics_of(unit), **told}
    return ledger.why_not(results, record, statistics)


class _BenchmarkFacts:
    """Facts of the benchmarks of a plan, each found out once."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._found: dict[int | str, tuple[Any, Facts]] = {}

    def of(self, unit: Unit) -> Facts:
        """Of the benchmark of a unit."""
        values = unit.factors["benchmark"]
        if id(values) not in self._found:  # the value is kept beside, so that its id stays its own
            same = ledger.sha(values)
            if same not in self._found:
                self._found[same] = values, benchmark_facts(values, self.results)
            self._found[id(values)] = values, self._found[same][1]
        return self._found[id(values)][1]

    def named(self, name: str, unit: Unit) -> str:
        """The index digest of the benchmark of that name, as a readout of the unit is fitted to it."""
        allow = unit.factors["benchmark"].get("allow_missing", False)
        if f"{name}@{allow}" not in self._found:
            files = option_files("benchmark", [configuration_folder()])
            values: Values = {**read_mapping(files[name]), "allow_missing": allow} if name in files else {}
            facts = benchmark_facts(values, self.results) if values else Facts(error=f"there is no benchmark {name}")
            self._found[f"{name}@{allow}"] = values, facts
        return self._found[f"{name}@{allow}"][1].index_digest


def _experiments(
    arguments: Sequence[str], params: Mapping[str, Any], parser: OverridesParser, loader: ConfigLoader, name: str,
    master: DictConfig,
) -> list[tuple[list[str], DictConfig, Mapping[str, Any]]]:  # fmt: skip
    """Arguments, configuration and grid; one for each experiment where several are swept."""
    parsed = parser.parse_overrides(list(arguments))
    swept = [one for one in parsed if one.key_or_group == "experiment" and one.is_sweep_override()]
    if not swept:
        return [(list(arguments), master, params)]
    rest = [str(one.input_line) for one in parsed if one not in swept]
    found = []
    for value in swept[-1].sweep_string_iterator():
        overrides = [*rest, f"experiment={value}"]
        composed = loader.load_configuration(name, overrides, RunMode.MULTIRUN)
        found.append((overrides, composed, composed.hydra.sweeper.get("params") or {}))
    return found


def _units_of(
    axes: Axes, others: Sequence[str], loader: ConfigLoader, name: str, master: DictConfig, folders: Sequence[Path]
) -> tuple[list[Unit], list[Cell]]:
    """The units of one combination of the overrides besides the factors, and its empty cells."""
    keys = {one.partition("=")[0].lstrip("+"): one.partition("=")[2] for one in others}
    own = any(keys.get(key, "null") != "null" for key in ("weights.path", "weights.url"))
    own = own or any(master.weights.get(key) is not None for key in ("path", "url"))
    # a seed that somebody asks for is the one that is scored
    asked = "weights.seed" in keys or master.weights.seed != 0
    seeds = 1 if asked else int(master.hydra.sweeper.seeds)
    cells = networks(axes, folders, own, "architecture.constructor" in keys, seeds)
    if axes.readouts is not None:
        others = [*others, f"readout=[{','.join(axes.readouts)}]"]
    composer = Composer(loader, name, folders, others)
    units = composer.units([cell for cell in cells if cell.empty is None], axes.benchmarks)
    waiting = {unit.cell for unit in units if _is_waited_for(unit.factors["weights"])}
    empty = [cell for cell in cells if cell.empty is not None]
    return [unit for unit in units if unit.cell not in waiting], [
        *empty, *(cell._replace(empty=BY_HAND) for cell in cells if cell in waiting),
    ]  # fmt: skip


def _may_be_own(unit: Unit) -> bool:
    """Whether a unit's network may be the user's own, told without making its configuration, which takes longer."""
    weights, architecture = unit.factors["weights"], unit.factors["architecture"]
    given = any(weights.get(key) is not None for key in ("path", "url"))
    return given or architecture["name"] == OWN or is_own(str(architecture["constructor"]))


def _is_waited_for(weights: Mapping[str, Any]) -> bool:
    """Whether a person has to get the file of these weights, and has given none."""
    given = any(weights.get(key) is not None for key in ("source", "path", "url"))
    return not given and bool(weights.get("steps"))


def _folders(loader: ConfigLoader) -> list[Path]:
    """The folders that Hydra looks into, in its order."""
    paths = [Path(source.path) for source in loader.get_sources() if source.scheme() == "file"]
    return [path for path in paths if path.is_dir()]


def save_jobs(plan: Plan, units: Sequence[Planned], name: str, threads: int | None) -> Path:
    """Write what workers need: the units in their order, values that many share written once; returns the file."""
    parts: dict[str, Values] = {}

    def reference(values: Values) -> str:
        digest = ledger.sha(values)
        parts[digest] = values
        return digest

    references: dict[int, str] = {}  # of values that live as long as the plan
    listed = []
    for entry in units:
        shared = {**entry.unit.factors, "": entry.unit.shared}
        for values in shared.values():
            if id(values) not in references:
                references[id(values)] = reference(values)
        listed.append(
            {
                "cell": entry.unit.cell._asdict(),
                "benchmark": entry.unit.benchmark,
                "variant": entry.unit.variant,
                "parts": {factor: references[id(values)] for factor, values in shared.items()},
                "key": entry.key,
                "asked": entry.asked,
                "index_digest": entry.facts.index_digest,
                "parameters": parameters_of(entry.unit),
            }
        )
    content = {
        "sweep": name,
        "group": plan.group,
        "arguments": plan.arguments,
        "config_dir": plan.config_dir,
        "results": str(plan.results.resolve()),
        "folder": os.getcwd(),
        "environment": {key: value for key, value in os.environ.items() if key.startswith("IQA_LAB_")},
        "threads": threads,
        "parts": parts,
        "units": listed,
    }
    file = plan.results / ".sweep" / "plans" / f"{name}.json"
    with readable_write_errors(plan.results):
        write_quickly(file, json.dumps(seal(content)).encode())
    return file.resolve()
