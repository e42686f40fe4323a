"""``iqa-lab report``: from a results folder, or a study's plan, to a page."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from iqa_lab.config import BenchmarkConfig, ReadoutConfig, TrackerConfig, configuration_folder
from iqa_lab.errors import UserError, counted, first_names
from iqa_lab.networks.cells import BASELINE
from iqa_lab.report.collect import collect
from iqa_lab.report.page import write_report
from iqa_lab.report.study import EVERYTHING, Study, describe
from iqa_lab.store.registration import status_of
from iqa_lab.sweep.grid import BY_HAND, NO_WEIGHTS
from iqa_lab.sweep.ledger import DONE
from iqa_lab.sweep.others import CAUSE, number_of, other_results, said_of_others
from iqa_lab.sweep.plan import Plan, Planned
from iqa_lab.tracking.wandb import track_report


def report_everything(results: Path, folder: Path | None) -> Path:
    """The page of all finished units of a results folder.

    Args:
        results: the results folder.
        folder: where the page shall be; None: ``reports/<name of the results folder>``.
    """
    name = results.resolve().name
    study = Study(name, EVERYTHING, command=f"iqa-lab report {results}")
    return write_report(collect(results, study), folder or Path("reports") / name)


def report_plan(plan: Plan, experiment: str | None, folder: Path | None, tracker: TrackerConfig) -> Path:
    """The page of a study or a sweep: its question and claims, the results of its grid, and what is missing.

    Args:
        plan: the grid, with the state of every unit.
        experiment: the study's name; None: a sweep without a question.
        folder: where the page shall be; None: ``reports/<name of the study>``.
        tracker: where the same figures and tables are logged.

    Raises:
        UserError: no unit of it is done.
    """
    folders = [Path(plan.config_dir)] if plan.config_dir else []
    described = describe(experiment, [*folders, configuration_folder()]) if experiment else None
    name = experiment or "sweep"
    done = plan.having(DONE)
    command = " ".join(["iqa-lab sweep", *plan.arguments])
    if not done:
        raise UserError(_nothing_done(plan, name, command))
    baselines = {entry.unit.cell.architecture for entry in plan.units if entry.unit.cell.goal == BASELINE}
    # cells that make no sense, as a baseline that was trained, are empty for another reason
    cells = [entry.unit.cell for entry in plan.units] + [
        cell for cell in plan.empty if cell.empty in (NO_WEIGHTS, BY_HAND)
    ]
    networks = [cell for cell in cells if cell.goal != BASELINE and cell.architecture not in baselines]
    asked = {(cell.goal, cell.dataset, cell.architecture) for cell in networks}
    study = Study(
        name=name,
        question=described.question if described else f"What does {command} say?",
        claims=described.claims if described else (),
        command=command,
        units={str(entry.record["folder"]): _readouts(entry) for entry in done},
        cells=pd.DataFrame(sorted(asked), columns=["goal", "dataset", "architecture"]),
        missing=tuple(_missing(plan)),
        benchmarks=tuple(_benchmarks(done)),
        registered=status_of(plan.results, experiment, described.claims) if experiment and described else "",
    )
    report = collect(plan.results, study)
    page = write_report(report, folder or Path("reports") / name)
    tables = {"best": report.best, "correlations": report.table, "claims": report.claims, "published": report.anchors}
    shown = {key: table for key, table in tables.items() if len(table)}
    pictures = [page.parent / "figures" / f"{figure.name}.png" for figure in report.figures]
    track_report(name, shown, sorted(pictures), tracker)
    return page


def _nothing_done(plan: Plan, name: str, command: str) -> str:
    """Why there is no page of a plan of which no unit is done, and what to do."""
    others = other_results(plan)
    if not others:
        return f"no unit of {name} is done yet: {command}"
    number = number_of(others)
    verb = "is" if number == 1 else "are"
    return (
        f"no unit of {name} is done as it is asked for now, but {counted(number, 'result')} of its networks {verb} in "
        f"{plan.results}, {CAUSE}: {command} takes what still holds and computes the rest; "
        f"iqa-lab report {plan.results} shows what is there"
    )


def _readouts(entry: Planned) -> dict[str, ReadoutConfig]:
    """The readouts that are asked for of a unit, which may have more of earlier sweeps."""
    return {name: ReadoutConfig(**values) for name, values in entry.unit.shared["readouts"].items()}


def _benchmarks(done: Sequence[Planned]) -> list[BenchmarkConfig]:
    """The benchmarks of a plan, each once, as the user's configuration describes them."""
    entries = {id(entry.unit.factors["benchmark"]): entry for entry in done}  # equal ones are the same object
    return [entry.unit.config().benchmark for entry in entries.values()]


def _missing(plan: Plan) -> Sequence[str]:
    """What of the grid has no result, in words."""
    states = Counter(entry.state for entry in plan.units if entry.state != DONE)
    said = [
        f"{counted(count, 'unit')} {state} ({first_names([e.unit.name for e in plan.having(state)])})"
        for state, count in states.items()
    ]
    others = said_of_others(other_results(plan))
    said += [others] if others else []
    if plan.empty:
        said.append(f"{counted(len(plan.empty), 'cell')} empty ({first_names([cell.name for cell in plan.empty])})")
    return said
