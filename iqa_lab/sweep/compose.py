"""Options -> resolved configurations, without composing each by Hydra, which takes a tenth of a second.

Hydra composes one configuration for every combination of what is swept besides the factors. The other units of that
combination differ from it in the five factors only, and each of these is its option's file, changed by the experiment
and by the overrides of its keys. Where that is not so (a file with a defaults list, a package or an interpolation of
its own), Hydra composes every unit.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.config import Config, read_mapping
from iqa_lab.config import option_files as files_of
from iqa_lab.config.check import check_values
from iqa_lab.config.messages import plain_message
from iqa_lab.config.options import SCHEMAS
from iqa_lab.config.overrides import for_hydra
from iqa_lab.errors import UserError
from iqa_lab.sweep.grid import FACTORS, Cell

Values = dict[str, Any]


@dataclass(frozen=True)
class Unit:
    """One unit of the grid and everything that it is computed with: a value per factor, and what all share."""

    cell: Cell
    benchmark: str
    factors: dict[str, Values]  # by FACTORS; equal ones are the same object
    shared: Values  # the rest of the configuration
    variant: str = ""  # the overrides in which it differs from units of the same name

    @property
    def name(self) -> str:
        """``<network> on <benchmark>``, and what else is swept."""
        return f"{self.cell.name} on {self.benchmark}" + (f", {self.variant}" if self.variant else "")

    def config(self) -> Config:
        """The configuration as the schema's own type.

        Raises:
            UserError: a value has the wrong type.
        """
        checked = {factor: typed(factor, values) for factor, values in self.factors.items()}
        built = build_dataclass(Config, {**self.shared, **checked})
        assert isinstance(built, Config)
        return built


class Composer:
    """Composes the units of one combination of overrides besides the factors."""

    def __init__(self, loader: ConfigLoader, name: str, folders: Sequence[Path], others: Sequence[str]) -> None:
        """``others``: the overrides besides the factors; ``folders``: of the configuration, the first one wins."""
        self.loader, self.name, self.folders, self.others = loader, name, folders, for_hydra(others)
        parsed = OverridesParser.create().parse_overrides(self.others)
        self.changes = {factor: [one for one in parsed if _root(one) == factor] for factor in FACTORS}
        self.experiment = next((str(one.value()) for one in parsed if one.key_or_group == "experiment"), None)
        self.overlay: Values = {}
        self._parts: dict[tuple[str, str | None, int | None], Values | None] = {}

    def units(self, cells: Iterable[Cell], benchmarks: Sequence[str]) -> list[Unit]:
        """The units of these networks, each on each benchmark.

        Raises:
            UserError: a key or a value is wrong.
        """
        wanted = [(cell, benchmark) for cell in cells for benchmark in benchmarks]
        if not wanted:
            return []
        first = self._composed(*wanted[0])
        self.shared = {key: value for key, value in first.items() if key not in FACTORS}
        simple = self._is_simple() and all(
            part is not None and typed(factor, part) == first[factor]
            for factor, part in self._factors(*wanted[0]).items()
        )
        units = []
        for cell, benchmark in wanted:
            parts = self._factors(cell, benchmark) if simple else {}
            if not simple or None in parts.values():
                whole = self._composed(cell, benchmark)
                parts = {factor: whole[factor] for factor in FACTORS}
            units.append(Unit(cell, benchmark, {factor: parts[factor] or {} for factor in FACTORS}, self.shared))
        return units

    def _composed(self, cell: Cell, benchmark: str) -> Values:
        """What Hydra makes of one unit, checked and resolved."""
        chosen = [f"goal={cell.goal}", f"dataset={cell.dataset}", f"architecture={cell.architecture}"]
        if cell.weights not in (None, f"{cell.goal}/{cell.dataset}/{cell.architecture}"):
            chosen.append(f"weights={cell.weights}")
        if cell.seed is not None:
            chosen.append(f"weights.seed={cell.seed}")
        composed = self.loader.load_configuration(
            self.name, [*self.others, *chosen, f"benchmark={benchmark}"], RunMode.RUN
        )
        values = {key: value for key, value in OmegaConf.to_container(composed).items() if key != "hydra"}  # type: ignore[union-attr]
        try:
            merged = OmegaConf.merge(OmegaConf.structured(Config), values)
            resolved = OmegaConf.to_container(merged, resolve=True)
        except OmegaConfBaseException as error:
            raise UserError(plain_message(error)) from error
        assert isinstance(resolved, dict)
        check_values(Config, resolved)
        return {str(key): value for key, value in resolved.items()}

    def _is_simple(self) -> bool:
        """Whether everything that may change a factor is known: plain overrides, and a plain experiment."""
        plain = (OverrideType.CHANGE, OverrideType.ADD, OverrideType.FORCE_ADD)
        if any(one.type not in plain or one.package for ones in self.changes.values() for one in ones):
            return False
        primary = read_mapping(self._file("", self.name))
        self.overlay = {factor: primary[factor] for factor in FACTORS if factor in primary}
        if self.experiment is None:
            return True
        file = files_of("experiment", self.folders).get(self.experiment)
        content = read_mapping(file) if file else {}
        entries = content.get("defaults", [])
        if not all(entry == "_self_" or _is_override(entry) for entry in entries):
            return False
        changed = {factor: content[factor] for factor in FACTORS if factor in content}
        self.overlay = {factor: _merged(changed.get(factor, {}), self.overlay.get(factor, {})) for factor in FACTORS}
        return file is not None and "${" not in file.read_text(encoding="utf-8")

    def _factors(self, cell: Cell, benchmark: str) -> dict[str, Values | None]:
        options = {"goal": cell.goal, "dataset": cell.dataset, "architecture": cell.architecture}
        return {
            factor: self._part(factor, option, cell.seed if factor == "weights" else None)
            for factor, option in {**options, "weights": cell.weights, "benchmark": benchmark}.items()
        }

    def _part(self, factor: str, option: str | None, seed: int | None = None) -> Values | None:
        """An option's values with all changes; None where only Hydra can tell."""
        key = (factor, option, seed)
        if key not in self._parts:
            values: Values | None = {} if option is None else plain_option(self._file(factor, option))
            if values is not None:
                values = _merged(values, self.overlay.get(factor, {}))
                for change in self.changes[factor]:
                    _apply(values, change.key_or_group.split(".")[1:], change.value())
                if seed:  # 0 is the schema's own: a unit that was scored alone is the same unit
                    values["seed"] = seed
            self._parts[key] = values
        return self._parts[key]

    def _file(self, group: str, option: str) -> Path:
        for folder in self.folders:
            path = folder / group / f"{option}.yaml"
            if path.is_file():
                return path
        raise UserError(f"{group} has no option {option}")


def plain_option(path: Path) -> Values | None:
    """What an option's file says; None if more than its own text makes it."""
    text = path.read_text(encoding="utf-8")
    content = read_mapping(path)
    return None if "${" in text or "@package" in text or "defaults" in content else content


def typed(factor: str, values: Mapping[str, Any]) -> Values:
    """The values of a factor with the schema's defaults and types; not to be changed, for it is kept for the next unit.

    Raises:
        UserError: a key is misspelt or a value has the wrong type.
    """
    return _typed(factor, json.dumps(values))


@lru_cache(maxsize=256)
def _typed(factor: str, text: str) -> Values:
    check_values(SCHEMAS[factor], json.loads(text), f"{factor}.", composed=False)
    try:
        merged = OmegaConf.merge(_structured(factor), json.loads(text))
        checked = OmegaConf.to_container(merged, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(plain_message(error, f"{factor}.")) from error
    assert isinstance(checked, dict)
    check_values(SCHEMAS[factor], checked, f"{factor}.")
    return {str(key): value for key, value in checked.items()}


@cache
def _structured(factor: str) -> Any:
    return OmegaConf.structured(SCHEMAS[factor])


def build_dataclass(schema: type, values: Mapping[str, Any]) -> Any:
    """A dataclass of the schema from checked values, nested ones included; OmegaConf takes a tenth of a second.

    >>> from iqa_lab.config import TrackerConfig
    >>> build_dataclass(TrackerConfig, {"name": "none"}).mode
    'offline'
    """
    hints = _hints(schema)
    made = {}
    for field in fields(schema):
        if field.name not in values:
            continue
        kind, value = hints[field.name], values[field.name]
        if is_dataclass(kind) and isinstance(kind, type):
            value = build_dataclass(kind, value)
        elif get_origin(kind) is dict and is_dataclass(get_args(kind)[1]):
            value = {key: build_dataclass(get_args(kind)[1], entry) for key, entry in value.items()}
        elif get_origin(kind) is list and is_dataclass(get_args(kind)[0]):
            value = [build_dataclass(get_args(kind)[0], entry) for entry in value]
        made[field.name] = deepcopy(value)
    return schema(**made)


@cache
def _hints(schema: type) -> dict[str, Any]:
    return get_type_hints(schema)


def _root(override: Override) -> str:
    return override.key_or_group.partition(".")[0]


def _is_override(entry: object) -> bool:
    return isinstance(entry, dict) and all(str(key).startswith("override ") for key in entry)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Values:
    """Dictionaries are merged key by key, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _apply(values: Values, path: Sequence[str], value: Any) -> None:
    """Set a key below ``values``, which is changed; nothing that it was merged from is."""
    *above, last = path
    for key in above:
        values[key] = dict(values.get(key) or {})
        values = values[key]
    old = values.get(last)
    values[last] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
