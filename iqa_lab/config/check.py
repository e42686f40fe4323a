"""Values from outside -> the schema's own type, or one line that says what is wrong: the door of the whole laboratory.

Every way in passes here: overrides, YAML files, the configurations that a sweep composes, and those read back from
results. ``check_values`` applies the rules of the schema; ``make`` also fills in what is not given.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import Field, asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.config import Config
from iqa_lab.config.messages import plain_message
from iqa_lab.config.names import shortened
from iqa_lab.config.rules import RULE, Name, Rule, Whole
from iqa_lab.config.schema import LOW_IS_GOOD, PUBLISHER, ArchiveConfig, BenchmarkConfig, InputConfig, SplitConfig
from iqa_lab.errors import UserError

Schema = TypeVar("Schema")


def checked(composed: DictConfig) -> Config:
    """The composed configuration as the schema's own type; keys added with + are refused like misspelt ones.

    Raises:
        UserError: a key, a type or a value is wrong.
    """
    try:
        values = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(plain_message(error)) from error
    return make(Config, values)


def make(schema: type[Schema], *values: Any, prefix: str = "") -> Schema:
    """A value of the schema from plain values, later ones over earlier ones; every key, type and rule is checked.

    Args:
        schema: one of the dataclasses of ``schema.py``.
        values: mappings, as a YAML file gives them.
        prefix: of the keys in errors, as ``benchmark.``.

    Raises:
        UserError: a key, a type or a value is wrong.
    """
    for given in values:
        if isinstance(given, Mapping):
            check_values(schema, given, prefix, composed=False)
    try:
        made = OmegaConf.to_object(OmegaConf.merge(_structured(cast(Hashable, schema)), *values))
    except OmegaConfBaseException as error:
        raise UserError(plain_message(error, prefix)) from error
    except ValueError as error:  # values that are no mapping
        raise UserError(f"{prefix or 'a configuration: '}{' '.join(str(error).split())[:160]}") from error
    assert isinstance(made, schema)
    check(made, prefix)
    return made


@cache
def _structured(schema: Hashable) -> Any:
    """A schema as OmegaConf's own kind, which takes as long to make as the rest; merging copies it."""
    return OmegaConf.structured(schema)


def check(made: Any, prefix: str = "") -> None:
    """Nothing, if a value of the schema, however it was made, keeps all rules.

    Raises:
        UserError: naming the first key that does not.
    """
    check_values(type(made), asdict(made), prefix)


def check_values(schema: type, values: Mapping[Any, Any], prefix: str = "", composed: bool = True) -> None:
    """Nothing, if plain values keep the rules of the schema. Keys that it does not know are left to OmegaConf.

    Args:
        schema: one of the dataclasses of ``schema.py``.
        values: by key; not all have to be there.
        prefix: of the keys in errors, as ``benchmark.``.
        composed: false where values are as a person wrote them: interpolations may stand in them, and OmegaConf has
            not yet turned ``human: 1`` into true or ``name: 1.10`` into the text 1.1.

    Raises:
        UserError: naming the first key whose value is wrong.
    """
    kinds = hints(schema)
    for entry in fields(schema):
        if entry.name in values:
            check_value(
                f"{prefix}{entry.name}", kinds[entry.name], entry.metadata.get(RULE), values[entry.name], composed
            )
    if composed and all(entry.name in values for entry in fields(schema)):
        fault = _fault_together(schema, values)
        if fault is not None:
            raise UserError(f"{prefix}{fault}")
    for entry in fields(schema) if composed else ():
        if _is_choice(entry) and _is_blank(kinds[entry.name], values.get(entry.name)):
            raise UserError(f"{prefix}{entry.name} is empty: give a text, or leave it out")


def check_value(key: str, kind: Any, rule: Rule | None, value: Any, composed: bool) -> None:
    """Nothing, if one value is as its type and its rule want it.

    Args:
        key: in dotted form, for errors.
        kind: the type in the schema.
        rule: of the field.
        value: plain.
        composed: as of ``check_values``.

    Raises:
        UserError: it is not.
    """
    if value == "???" or (isinstance(value, str) and not composed and "${" in value):
        return
    kind = without_none(kind)
    fault = None
    if value is None:
        return
    if isinstance(kind, type) and is_dataclass(kind):
        if isinstance(value, Mapping):
            check_values(kind, value, f"{key}.", composed)
        return
    if kind in (str, int, float, bool) and isinstance(value, Mapping | list | tuple):
        raise UserError(f"{key}={shortened(value)}: give one value")
    if isinstance(value, Mapping):
        inner = get_args(kind)[1] if get_origin(kind) is dict else Any
        for name, entry in value.items():
            fault = rule.fault(name) if isinstance(rule, Name) else None
            if fault is not None:
                raise UserError(f"{key}: {shortened(name)}: {fault}")
            check_value(f"{key}.{name}", inner, None, entry, composed)
        return
    if isinstance(value, list | tuple):
        inner = get_args(kind)[0] if get_origin(kind) is list else Any
        of_entries = None if isinstance(rule, Whole) else rule
        for entry in value:
            check_value(key, inner, of_entries, entry, composed)
        fault = rule.fault(list(value)) if isinstance(rule, Whole) else None
    else:
        fault = _fault_of_type(kind, value) or (rule.fault(value) if rule and _is_converted(kind, value) else None)
    if fault is not None:
        raise UserError(f"{key}={shortened(value)}: {fault}")


# Text that describes: it chooses nothing, and may be empty.
_DESCRIPTIONS = ("publisher", "licence", "citation", "score", "steps", "terms", "bibtex")


def _is_choice(entry: Field[Any]) -> bool:
    """Whether leaving a key out means something, which is not to be meant by a text that is empty."""
    return entry.default not in ("", MISSING) and entry.name not in _DESCRIPTIONS


def _is_blank(kind: Any, value: Any) -> bool:
    """Whether a value says nothing where text is wanted: a variable of the shell that is not set, say."""
    return without_none(kind) is str and isinstance(value, str) and not value.strip()


def without_none(kind: Any) -> Any:
    """A type without ``| None``.

    >>> without_none(int | None)
    <class 'int'>
    """
    if isinstance(kind, UnionType):
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    return kind


@cache
def hints(schema: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return get_type_hints(schema)


def _fault_of_type(kind: Any, value: Any) -> str | None:
    """What is wrong with a value that OmegaConf would take for another; None if nothing is."""
    if isinstance(value, float) and not math.isfinite(value):
        return "give a finite number"
    if kind in (int, float) and isinstance(value, bool):
        return "give a number, not true or false"
    if kind is int and isinstance(value, float):
        return "give a whole number"
    if kind is bool and not isinstance(value, bool | str):
        return "give true or false, not a number"
    if kind is str and not isinstance(value, str):
        return "this is text: put it in quotes, for YAML reads it as something else"
    return None


def _is_converted(kind: Any, value: Any) -> bool:
    """Whether a value has its type already: OmegaConf reads numbers from text later, and refuses what is none."""
    return not (kind in (int, float) and isinstance(value, str))


def _fault_together(schema: type, values: Mapping[str, Any]) -> str | None:
    """What is wrong with values that fit one by one, key first; None if nothing is."""
    if schema is SplitConfig:
        shares = {key: values[key] for key in ("train", "validation", "test")}
        total = sum(shares.values())
        if abs(total - 1) > 1e-6:  # thirds are written with six digits or more
            return f"train, validation and test: the shares add up to {total:g}, not to 1"
    if schema is InputConfig:
        channels = 1 if values["order"] == "lightness" else 3
        for key in ("mean", "std"):
            if len(values[key]) != channels:
                wanted = "one number" if channels == 1 else "three numbers, one a channel"
                return f"{key}={values[key]}: order={values['order']} takes {wanted}"
    if schema is ArchiveConfig and values["source"] != PUBLISHER and not (values["terms"] or "").strip():
        return f"terms={values['terms']}: say in a sentence on which terms {values['source']} hands the file out"
    if schema is BenchmarkConfig and (fault := _fault_of_stimuli(values)):
        return fault
    if schema is BenchmarkConfig and values["protocol"] in ("2afc", "quadruples") and values["opinion"] != "mos":
        return (
            f"opinion={values['opinion']}: of choices the preference is the share of people who called the right side "
            "the more similar one; if it is the share of the others, write 1 minus it"
        )
    if schema is BenchmarkConfig and values["protocol"] == "mos" and values["headline"] == "agreement":
        return (
            "headline=agreement: it is of choices (protocol=2afc or quadruples); "
            "with opinions choose srcc or another correlation"
        )
    return None


_OF_STIMULI = ("pixels_per_degree", "peak_luminance", "border", "thresholds")
_NOT_OF_STIMULI = ("levels", "votes", "exclude_identical", "reference_copies", "path")


def _fault_of_stimuli(values: Mapping[str, Any]) -> str | None:
    """What is wrong with the settings of a benchmark whose stimuli are made, or of one that has none."""
    made = values["protocol"] == "thresholds"
    for key in () if made else _OF_STIMULI:
        if values[key] is not None:
            return f"{key}={values[key]}: it is of stimuli that are made on the spot (protocol=thresholds)"
    if not made:
        low = values["headline"] in LOW_IS_GOOD
        return f"headline={values['headline']}: it is of protocol=thresholds; choose srcc" if low else None
    for key in ("pixels_per_degree", "peak_luminance"):
        if values[key] is None:
            return f"{key}=null: stimuli are made for a display; say how many"
    for key in _NOT_OF_STIMULI:
        if values[key]:
            return f"{key}={values[key]}: stimuli are made on the spot, there are no such things to choose"
    if values["split"]["part"] is not None:
        return (
            "split.part: the stimuli are few, and are not divided; choose some by benchmark.distortions or references"
        )
    if values["opinion"] != "mos":
        return f"opinion={values['opinion']}: of stimuli higher is more visible; write mos"
    return None
