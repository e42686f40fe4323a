"""A plan -> the results that are there of its networks on its benchmarks, and are not those that it asks for.

An update may change an option, a person a setting: then a unit is another one, and what was computed before is no
longer its result. ``iqa-lab run`` makes results of which a plan knows nothing until a sweep has looked at them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from iqa_lab.errors import counted
from iqa_lab.store.result import CORRELATIONS
from iqa_lab.sweep.ledger import MISSING
from iqa_lab.sweep.plan import Plan, Planned

CAUSE = "of other settings, of options that have changed since, or made by iqa-lab run"


def other_results(plan: Plan) -> dict[str, list[Path]]:
    """For each missing unit the folders of results that its network has on its benchmark; only those that have some."""
    found = {entry.unit.name: _there(plan.results, entry) for entry in plan.having(MISSING)}
    return {name: folders for name, folders in found.items() if folders}


def said_of_others(others: Mapping[str, Sequence[Path]]) -> str:
    """One line on what ``other_results`` gave; empty where it gave nothing.

    >>> said_of_others({"a on b": [Path("results/b/a/1"), Path("results/b/a/2")]})[:60]
    'of 1 missing unit there are 2 results all the same: of other'
    """
    if not others:
        return ""
    number = number_of(others)
    verb = "is" if number == 1 else "are"
    units, results = counted(len(others), "missing unit"), counted(number, "result")
    return f"of {units} there {verb} {results} all the same: {CAUSE}; a sweep takes what still holds"


def number_of(others: Mapping[str, Sequence[Path]]) -> int:
    """How many results ``other_results`` has found."""
    return len({folder for folders in others.values() for folder in folders})


def _there(results: Path, entry: Planned) -> list[Path]:
    names = {factor: str(entry.unit.factors[factor]["name"]) for factor in ("goal", "dataset", "architecture")}
    place = results / str(entry.unit.factors["benchmark"]["name"]) / "-".join(names.values())
    return sorted(file.parent for file in place.glob(f"*/{CORRELATIONS}"))
