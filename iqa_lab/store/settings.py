"""Settings of statistics -> what a table is made with, as its result says it: another one makes the table anew."""

from collections.abc import Mapping
from typing import Any

# Of the statistics themselves: a table that an earlier method made is made anew from its scores.
METHOD = 3

_OF_STATISTICS = ("resamples", "confidence", "seed")
_OF_BENCHMARK = ("protocol", "opinion", "headline", "people", "opinion_std")


def made_with(statistics: Mapping[str, Any], benchmark: Mapping[str, Any]) -> dict[str, str | float | None]:
    """Everything besides scores and opinions that a unit's table and headline depend on.

    Args:
        statistics: the group ``statistics`` of the configuration.
        benchmark: the group ``benchmark``.
    """
    chosen = {f"statistics.{name}": statistics[name] for name in _OF_STATISTICS}
    chosen |= {f"benchmark.{name}": benchmark[name] for name in _OF_BENCHMARK}
    plain = {name: getattr(value, "value", value) for name, value in chosen.items()}
    return {"method": METHOD, **plain}


def differences(now: Mapping[str, Any], then: Mapping[str, Any]) -> str:
    """Which settings differ, in words.

    >>> differences({"statistics.confidence": 0.9, "seed": 0}, {"statistics.confidence": 0.95, "seed": 0})
    'statistics.confidence=0.9 (was 0.95)'
    """
    changed = [name for name in {**then, **now} if now.get(name) != then.get(name)]
    return ", ".join(f"{name}={now.get(name)} (was {then.get(name)})" for name in changed)
