"""Overrides of the command line and of experiments -> the same for Hydra: checked, and with what Hydra wants spelt out.

A key that takes any keys (``architecture.arguments={a: 1}``) needs no ``+``: given keys are merged into those that are
there. Text that looks like a number (``benchmark.name=1.10``) stays the text that was typed.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, OverrideType, QuotedString
from hydra.errors import HydraException

from iqa_lab.config.check import check_value, hints, without_none
from iqa_lab.config.options import SCHEMAS
from iqa_lab.config.rules import RULE, Rule
from iqa_lab.config.schema import Config
from iqa_lab.errors import UserError

_PREFIX = {OverrideType.ADD: "+", OverrideType.FORCE_ADD: "++"}
READOUT = "readout"
# Hydra's own groups, of whose values it has no schema
_GROUPS_OF_HYDRA = {f"hydra.{name}" for name in ("launcher", "sweeper", "job_logging", "hydra_logging", "help")}
_QUOTES = set("'\"[]{}()$")


def for_hydra(overrides: Sequence[str]) -> list[str]:
    """The overrides as Hydra takes them; what is no override of a key of the schema stays as it is.

    Raises:
        UserError: a value is wrong.

    >>> for_hydra(["goal=clip", "architecture.arguments={a: 1}", "benchmark.name=1.10"])
    ['goal=clip', '++architecture.arguments={a: 1}', "benchmark.name='1.10'"]
    """
    parser = OverridesParser.create()
    return [_for_hydra(text, parser) for text in overrides]


def _for_hydra(text: str, parser: OverridesParser) -> str:
    try:
        override = parser.parse_override(text)
    except HydraException:
        return text  # Hydra says what is wrong with it
    if override.package or override.type not in (OverrideType.CHANGE, *_PREFIX):
        return text
    if override.key_or_group == "readouts" and not all(isinstance(value, dict) for value in _values(override)):
        given = next((str(value) for value in _values(override) if isinstance(value, str)), "plain")
        raise UserError(f"readouts={given}: readouts are chosen with readout={given}; several: readout=[plain,mean]")
    if override.key_or_group in _GROUPS_OF_HYDRA and not all(isinstance(value, dict) for value in _values(override)):
        raise UserError(f"{text}: an option of this group is chosen with {text.replace('hydra.', 'hydra/', 1)}")
    _check_option(override)
    found = _find(Config, override.key_or_group.split("."))
    if found is None:
        return text
    kind, rule, free = found
    for value in _values(override):
        if get_origin(kind) is dict and not isinstance(value, dict) and not _is_interpolation(value):
            raise UserError(f"{override.key_or_group}={value}: give keys and values, as {{a: 1}}")
        if kind is not str or isinstance(value, dict | list):
            check_value(override.key_or_group, kind, rule, value, composed=False)
        else:
            check_value(override.key_or_group, kind, rule, None if value is None else str(value), composed=False)
    prefix = _PREFIX.get(override.type, "++" if free else "")
    value_text = text.partition("=")[2]
    if kind is str and not _QUOTES & set(value_text):
        value_text = ",".join(_quoted(part, parser) for part in value_text.split(","))
    return f"{prefix}{override.key_or_group}={value_text}"


def _check_option(override: Override) -> None:
    """Nothing, if what chooses from a group names one option of it; of readouts one or several.

    Hydra puts several options of one group over each other, so that only the last one would count.

    Raises:
        UserError: it does not.
    """
    group = override.key_or_group
    if group not in SCHEMAS:
        return
    for value in _values(override):
        if isinstance(value, list) and group != READOUT:
            named = ",".join(map(str, value))
            raise UserError(f"{group}=[{named}]: one run has one {group}; several, in a sweep: {group}={named}")
        if value is None or isinstance(value, bool | int | float):
            instead = "; tracker=none tracks nothing" if group == "tracker" else ""
            raise UserError(f"{group}={'null' if value is None else value}: name an option{instead}")


def _quoted(text: str, parser: OverridesParser) -> str:
    """A piece of text, in quotes where Hydra would read a number or a truth value."""
    try:
        value = parser.parse_override(f"key={text}").value()
    except HydraException:
        return text
    return f"'{text.strip()}'" if isinstance(value, bool | int | float) else text


def _find(schema: Any, path: Sequence[str]) -> tuple[Any, Rule | None, bool] | None:
    """A key's type and rule, and whether Hydra would want a + for keys in it; None: the schema has no such value."""
    key, *rest = path
    entry = next((entry for entry in fields(schema) if entry.name == key), None)
    if entry is None:
        return None
    kind, rule = without_none(hints(schema)[key]), entry.metadata.get(RULE)
    if get_origin(kind) is dict and _is_schema(get_args(kind)[1]):  # readouts by their names
        return _find(get_args(kind)[1], rest[1:]) if len(rest) > 1 else None
    if get_origin(kind) is dict:
        return (get_args(kind)[1], None, True) if rest else (kind, rule, True)
    if _is_schema(kind):
        return _find(kind, rest) if rest else None
    return None if rest else (kind, rule, False)


def _is_schema(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)


def _values(override: Override) -> Iterator[Any]:
    """What an override sets a key to: each of the values where it is swept; nothing where only Hydra can tell."""
    value: Any = override.value()
    if isinstance(value, ChoiceSweep):
        yield from (_plain(one) for one in value.list)
    elif not override.is_sweep_override():
        yield _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    return value


def _is_interpolation(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def keys_of(overrides: Iterable[str]) -> set[str]:
    """What overrides set.

    >>> sorted(keys_of(["goal=clip", "+weights.path=x", "~readout"]))
    ['goal', 'readout', 'weights.path']
    """
    return {one.lstrip("+~").partition("=")[0] for one in overrides}


def own_factors(overrides: Sequence[str], said: Collection[str] = ()) -> list[str]:
    """The overrides; with ``goal.name=WORD`` alone also ``goal=own``: the facts of the usual goal do not hold for it.

    Args:
        overrides: of one command.
        said: keys that are set besides.

    >>> own_factors(["goal.name=deblurring", "dataset=none"])
    ['goal=own', 'goal.name=deblurring', 'dataset=none']
    """
    keys = keys_of(overrides) | set(said)
    unsaid = [factor for factor in ("goal", "dataset") if f"{factor}.name" in keys and factor not in keys]
    return [*(f"{factor}=own" for factor in unsaid if "experiment" not in keys), *overrides]
