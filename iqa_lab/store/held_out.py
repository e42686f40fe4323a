"""The headline of a unit -> its first number, in words: what the column gets that *other* references choose."""

import math
from collections.abc import Mapping
from typing import Any

from iqa_lab.errors import percent
from iqa_lab.statistics.direction import is_low_good
from iqa_lab.statistics.intervals.few import FEWEST
from iqa_lab.store.digits import three_digits, with_interval

# What a column can be chosen by on other references; a unit has one of them, and of one column its SRCC besides.
CHOSEN_BY = ("srcc_within_distortion", "agreement", "rms_db", "log_rmse", "srcc")
_NAMES = {
    "srcc": "SRCC",
    "srcc_within_distortion": "mean SRCC within a distortion",
    "agreement": "agreement",
    "rms_db": "distance from people's thresholds in dB, 0 is human,",
    "log_rmse": "root mean square of log10 of contrasts less people's, 0 is human,",
}


def statistic_of(facts: Mapping[str, Any]) -> str | None:
    """By which statistic a unit's column is chosen on other references; None where none was.

    Args:
        facts: the ``headline`` of its ``result.json``.
    """
    return next((name for name in CHOSEN_BY if f"{name}_heldout" in facts), None)


def held_out(facts: Mapping[str, Any]) -> tuple[float, float, float]:
    """What the column gets that other references choose, and its interval; NaN where one is undefined.

    Args:
        facts: the ``headline`` of a ``result.json``.
    """
    name = f"{statistic_of(facts)}_heldout"
    value, low, high = (_number(facts.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    return value, low, high


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def headline_line(facts: Mapping[str, Any], references: int | None = None, what: str = "references") -> str:
    """The first number of a unit with its interval, and why it has none.

    Args:
        facts: the ``headline`` of its ``result.json``.
        references: of the benchmark, where they are known.
        what: they are called: stimuli, say.

    >>> headline_line({"srcc_heldout": 0.67, "srcc_heldout_low": 0.63, "srcc_heldout_high": 0.71})
    'srcc_heldout .670 [.630, .710]'
    >>> headline_line({"srcc_heldout": 0.67, "srcc_heldout_low": None, "srcc_heldout_high": None}, references=3)
    'srcc_heldout .670, no interval: 3 references are too few for one, it takes 6'
    """
    statistic = statistic_of(facts)
    if statistic is None:
        return "no held-out value: by this benchmark's headline no column is chosen on other references"
    value, low, high = held_out(facts)
    if math.isnan(value):
        return f"{statistic}_heldout is undefined: {_few(references, what)}"
    if math.isnan(low) or math.isnan(high):
        return f"{statistic}_heldout {three_digits(value)}, no interval: {_few(references, what)}"
    return f"{statistic}_heldout {with_interval(value, low, high)}"


def _few(references: int | None, what: str = "references") -> str:
    """Why something is not known with so few references."""
    if references == 1:
        return f"with one {'reference' if what == 'references' else 'stimulus'} there is no other one to choose on"
    if references is None or references >= FEWEST:
        return f"too few {what}, or no variance"
    return f"{references} {what} are too few for one, it takes {FEWEST}"


def chosen_on_others(
    facts: Mapping[str, Any], confidence: float = 0.95, references: int | None = None, what: str = "references"
) -> list[str]:
    """What a unit's headline says of choosing the best column, in words; nothing if it is not known.

    Args:
        facts: the ``headline`` of its ``result.json``.
        confidence: of the interval.
        references: of the benchmark, where they are known.
        what: they are called: stimuli, say.
    """
    if "best_layer" not in facts:
        return []
    statistic = statistic_of(facts)
    if statistic is None:
        return [f"{headline_line(facts)}."]
    best = facts.get("srcc_within_distortion" if statistic == "srcc_within_distortion" else f"{statistic}_best")
    name, column = _NAMES[statistic], f"{facts['best_readout']}@{facts['best_layer']}"
    first = headline_line(facts, references, what)
    level = f" ({100 * confidence:g} %)" if first.endswith("]") else ""
    if facts.get("columns") == 1:
        return [f"{first}{level}: {name} of its only column, nothing is chosen."]
    often = facts.get("chosen_how_often")
    how = f" ({column} in {percent(often) if often else 'none'} of the divisions)" if often is not None else ""
    number = facts.get("columns", "many")
    best_of = "lowest" if is_low_good(statistic) else "highest"
    on = "opinions" if what == "references" else what
    return [
        f"{first}{level}: {name} of the layer and readout that other {what} choose{how}.",
        f"{statistic}_best {three_digits(_number(best))} at {column}: the {best_of} of {number} columns, chosen on the "
        f"same {on}: optimistic, and without an interval.",
    ]
