"""What a person sees of a plan: counts, what is left, what failed, what is empty."""

import sys
import time
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from iqa_lab.errors import counted, first_names
from iqa_lab.progress import duration, gibibytes, plain_console
from iqa_lab.sweep.grid import Cell
from iqa_lab.sweep.ledger import DONE, FAILED, LOST, MISSING, RUNNING, Ledger
from iqa_lab.sweep.others import other_results, said_of_others
from iqa_lab.sweep.plan import Plan, Planned
from iqa_lab.tables import table_lines, width_of_output

SHOWN = 15  # lines of a list; --all shows every one

VANISHED = "its process ended without a word: killed, or out of memory"


def plan_view(plan: Plan, everything: bool, jobs: int) -> RenderableType:
    """What a sweep would do: units, forwards, time, memory; what is done, what is empty."""
    todo = plan.having(MISSING, FAILED, LOST)
    rows = [
        {
            "unit": entry.unit.name, "pairs": str(entry.facts.pairs), "forwards": str(entry.facts.images),
            "about": duration(entry.seconds), "memory": gibibytes(2**20 * entry.memory_mib), "state": entry.state,
        }
        for entry in _cut(todo, everything)
    ]  # fmt: skip
    lines: list[RenderableType] = [counts(plan)]
    if todo:
        forwards = sum(entry.facts.images for entry in todo)
        seconds = sum(entry.seconds for entry in todo)
        memory = gibibytes(2**20 * max(entry.memory_mib for entry in todo))
        measured = f"{counted(plan.measured, 'unit')} measured here"
        rests = measured if plan.measured else "a guess: no unit was measured here yet"
        together = f", {duration(max(seconds / jobs, todo[0].seconds))} in {counted(jobs, 'job')}" if jobs > 1 else ""
        lines += [
            f"to do: {counted(len(todo), 'unit')}, {counted(forwards, 'forward')}, about {duration(seconds)}"
            f"{together}, at most about {memory} a process ({rests})",
            *map(Text, table_lines(rows, width_of_output(), right=("pairs", "forwards"))),
            *_more(todo, everything),
        ]
    return Group(*lines, *_unsettled(plan, everything))


def status_view(plan: Plan, everything: bool) -> RenderableType:
    """The state of a sweep: done, running, failed with the first line and the log, missing, empty."""
    lines: list[RenderableType] = [counts(plan)]
    known = Ledger(plan.results)
    running = plan.having(RUNNING)
    for entry in _cut(running, everything):
        record = entry.record
        since = duration(time.time() - record["started"])
        lines.append(f"running: {entry.unit.name}, for {since} on {record['host']}, log {known.log_file(entry.key)}")
    lines += _more(running, everything)
    missing = plan.having(MISSING)
    if missing:
        names = (entry.unit.name for entry in missing)
        listed = ", ".join(names) if everything else first_names(names, 5)
        lines.append(f"missing: {listed}; about {duration(sum(entry.seconds for entry in missing))}")
    return Group(*lines, *_unsettled(plan, everything))


def _unsettled(plan: Plan, everything: bool) -> list[RenderableType]:
    """What of a plan is there and is not what it asks for, has failed, or cannot be."""
    said = said_of_others(other_results(plan))
    others: list[RenderableType] = [Text(said)] if said else []
    return [*others, *changed(plan, everything), *failures(plan, everything), *empty_cells(plan.empty, everything)]


def counts(plan: Plan) -> str:
    """One line: how many units are in each state, and how many cells are empty."""
    found = plan.count()
    states = {DONE: found[DONE], RUNNING: found[RUNNING], FAILED: found[FAILED] + found[LOST], MISSING: found[MISSING]}
    listed = ", ".join(f"{number} {state}" for state, number in states.items())
    return f"{counted(len(plan.units), 'unit')}: {listed}; {counted(len(plan.empty), 'empty cell')}"


def changed(plan: Plan, everything: bool = True) -> list[RenderableType]:
    """A line for each unit whose result is no longer valid: why."""
    there = [entry for entry in plan.units if entry.why is not None]
    lines: list[RenderableType] = [
        Text(f"to be made anew: {entry.unit.name}: {entry.why}") for entry in _cut(there, everything)
    ]
    return lines + _more(there, everything)


def failures(plan: Plan, everything: bool = True) -> list[RenderableType]:
    """A line for each unit that failed: what it said first, and where the rest is."""
    failed = plan.having(FAILED, LOST)
    known = Ledger(plan.results)
    lines: list[RenderableType] = [
        Text(f"failed: {entry.unit.name}: {reason(entry)}{_log(known, entry)}") for entry in _cut(failed, everything)
    ]
    return lines + _more(failed, everything)


def reason(entry: Planned) -> str:
    """Why a unit failed, in one line."""
    if entry.facts.error is not None:
        return entry.facts.error
    return VANISHED if entry.state == LOST else str(entry.record.get("error", VANISHED))


def _log(known: Ledger, entry: Planned) -> str:
    file = known.log_file(entry.key)
    return f"; log {file}" if entry.facts.error is None and file.is_file() else ""


def empty_cells(cells: Sequence[Cell], everything: bool) -> list[RenderableType]:
    """The empty cells, each or by reason."""
    if everything:
        return [Text(f"empty: {cell.name}: {cell.empty}") for cell in cells]
    groups: dict[str, list[str]] = {}
    for cell in cells:
        groups.setdefault(str(cell.empty), []).append(cell.name)
    lines: list[RenderableType] = [
        Text(f"empty: {why}: {counted(len(names), 'cell')}, {first_names(names)}") for why, names in groups.items()
    ]
    return lines + (["--all lists every empty cell"] if len(cells) > 3 * len(groups) else [])


def print_view(view: RenderableType) -> None:
    """Print on standard output; a terminal's lines end between words, elsewhere lines are not broken."""
    on_terminal = sys.stdout.isatty()
    console = plain_console(width=None if on_terminal else 200)
    console.print(view, soft_wrap=not on_terminal and not isinstance(view, Table))


def _cut(entries: Sequence[Planned], everything: bool) -> Sequence[Planned]:
    return entries if everything else entries[:SHOWN]


def _more(entries: Sequence[Planned], everything: bool) -> list[RenderableType]:
    left = 0 if everything else len(entries) - SHOWN
    return [f"... and {left} more; --all lists them"] if left > 0 else []
