"""The straight line of a sweep: overrides -> plan -> jobs -> report."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from rich.console import Group
from rich.live import Live

from iqa_lab.config import checked_name, configuration_folder
from iqa_lab.errors import UserError, counted
from iqa_lab.progress import plain_console, say, status
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.reading import Unusable, read_sealed
from iqa_lab.store.registration import register
from iqa_lab.sweep import sweeper
from iqa_lab.sweep.ledger import DONE, FAILED, LOST, MISSING, RUNNING, Ledger
from iqa_lab.sweep.plan import Plan, make_plan, refreshed
from iqa_lab.sweep.show import counts, plan_view, print_view, status_view

ACTIONS = ("run", "plan", "status", "submit", "report")


def sweep(arguments: Sequence[str], config: DictConfig, context: HydraContext, task_function: TaskFunction) -> None:
    """Carry out what ``hydra.sweeper.action`` says for the grid that the overrides span.

    Args:
        arguments: overrides, without Hydra's own.
        config: as Hydra composed it, nothing swept.
        context: Hydra's.
        task_function: what a launcher runs in its jobs.

    Raises:
        UserError: the overrides are wrong, or every cell is empty.
        UnitFailed: some units failed; the others are done.
    """
    settings = config.hydra.sweeper
    if settings.action not in ACTIONS or settings.retry not in ("all", "failed"):
        raise UserError(f"hydra.sweeper: action is one of {', '.join(ACTIONS)}; retry is all or failed")
    if settings.seeds < 1:
        raise UserError(f"hydra.sweeper.seeds={settings.seeds}: at least one random initialisation is scored")
    params = OmegaConf.to_container(settings.params)
    assert isinstance(params, dict)
    with status("planning"):
        named = {str(key): value for key, value in params.items()}
        plan = make_plan(arguments, named, context.config_loader, str(config.hydra.job.config_name), config)
    wanted = plan
    if settings.retry == "failed":
        wanted = replace(plan, units=tuple(plan.having(FAILED, LOST)))
    if config.runtime.force:
        again = (replace(entry, state=MISSING if entry.state == DONE else entry.state) for entry in wanted.units)
        wanted = replace(wanted, units=tuple(again))
    jobs = sweeper.number_of_jobs(wanted.having(MISSING, FAILED, LOST), settings, config.hydra.launcher)
    if settings.action == "plan":
        from iqa_lab.cli.foreseen import claims_view

        print_view(Group(plan_view(wanted, settings.everything, jobs), *claims_view(plan, claims_of(plan, config))))
    elif settings.action == "status":
        show_status(plan, settings.everything, settings.watch)
    elif settings.action == "submit":
        from iqa_lab.sweep.submit import submit

        register_claims(plan, config)
        submit(wanted, jobs, config)
    elif settings.action == "report":
        from iqa_lab.report.command import report_plan

        folder = settings.report_folder
        experiment = config.hydra.runtime.choices.get("experiment")
        for part in str(experiment or "study").split("/"):  # they become the page's folder
            checked_name(part, "experiment")
        tracker = plan.units[0].unit.config().tracker
        page = report_plan(plan, experiment and str(experiment), Path(str(folder)) if folder else None, tracker)
        print(f"report in {page}")
    else:
        register_claims(plan, config)
        run(wanted, jobs, config, context, task_function)


def claims_of(plan: Plan, config: DictConfig) -> tuple[str, ...]:
    """The claims of the study that a plan is of; none of a sweep without a study, or of several at once.

    Raises:
        UserError: the study's file cannot be read.
    """
    from iqa_lab.report.study import describe

    experiment = config.hydra.runtime.choices.get("experiment")
    if not experiment:
        return ()
    folders = [Path(plan.config_dir)] if plan.config_dir else []
    return describe(str(experiment), [*folders, configuration_folder()]).claims


def register_claims(plan: Plan, config: DictConfig) -> None:
    """Write down what a study claims, before its first unit; a damaged file of claims is reported, and left as it is.

    Raises:
        UserError: the study's file cannot be read, or the results cannot be written.
    """
    experiment = config.hydra.runtime.choices.get("experiment")
    if not experiment:
        return
    records = Ledger(plan.results).read_all()
    known = {key for key, record in records.items() if "made_of" in record}
    known |= {entry.key for entry in plan.having(DONE, RUNNING)}
    try:
        keys = [entry.key for entry in plan.units]
        new = register(plan.results, str(experiment), claims_of(plan, config), keys, sorted(known))
    except Unusable as trouble:
        say(f"the claims of {experiment} are not registered: {trouble}", "yellow")
        return
    if new is not None:
        when = f"after {counted(new.finished, 'unit')} had a result" if new.finished else "before the first unit"
        say(f"{counted(len(new.claims), 'claim')} registered {when} (sha256 {new.hash[:12]})")


def run(plan: Plan, jobs: int, config: DictConfig, context: HydraContext, task_function: TaskFunction) -> None:
    """Do everything that is not done yet, and say how it ended.

    Raises:
        UnitFailed: some units failed; all are listed.
    """
    print_view(counts(plan))
    todo = [entry for entry in plan.units if entry.state != DONE and entry.facts.error is None]
    if todo:
        name = sweeper.new_name()
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=context, task_function=task_function, config=config
        )
        local = "Joblib" in str(config.hydra.launcher.get("_target_"))
        cores = os.cpu_count() or 1
        launch = sweeper.launcher_of(launcher, plan, name, lambda jobs: max(1, cores // jobs) if local else None)
        others = [entry for entry in plan.units if entry not in todo]
        done = sweeper.execute(replace(plan, units=tuple(todo)), name, launch, jobs, bool(config.runtime.force))
        plan = replace(plan, units=(*done.units, *others))
        track(plan)
    show_headlines(plan)
    sweeper.report(plan, plan.results)


def show_headlines(plan: Plan) -> None:
    """Print what the units of a sweep have found, the held-out value of each first."""
    from iqa_lab.cli.headlines import print_headlines
    from iqa_lab.store.table import read_results

    done = {str(entry.record["folder"]) for entry in plan.units if entry.state == DONE}
    if done:
        print_headlines(read_results(plan.results).only(done), f"iqa-lab results {plan.results}", plan.results)


def track(plan: Plan) -> None:
    """Hand the sweep as a whole to the tracker: one row per unit, and all correlations."""
    from iqa_lab.statistics.direction import is_low_good
    from iqa_lab.store.held_out import CHOSEN_BY
    from iqa_lab.store.table import results
    from iqa_lab.tracking.wandb import track_sweep

    done = [entry for entry in plan.units if entry.state == DONE]
    tracker = plan.units[0].unit.config().tracker
    if tracker.name == "none" or not done:
        return
    rows = [
        {"unit": entry.record["folder"], "name": entry.unit.name, "benchmark": entry.unit.benchmark,
         "benchmark_digest": entry.facts.index_digest[:12],
         **{factor: getattr(entry.unit.cell, factor) for factor in ("goal", "dataset", "architecture")},
         **_headline(plan.results / entry.record["folder"])}
        for entry in done
    ]  # fmt: skip
    units = pd.DataFrame(rows)
    order = ["benchmark", *(name for name in (f"{one}_heldout" for one in CHOSEN_BY) if name in units)]
    rising = [True, *(is_low_good(name) for name in order[1:])]
    units = units.sort_values(order, ascending=rising, kind="stable")
    table = results(plan.results)
    track_sweep(units, table[table["unit"].isin(set(units["unit"]))], plan.group, tracker)


def _headline(folder: Path) -> dict[str, Any]:
    """The headline of a result as it is now: a record keeps that of its pass, and a recomputation makes another."""
    found: dict[str, Any] = (UnitFolder(folder).read_result() or {}).get("headline", {})
    return found


def show_status(plan: Plan, everything: bool, watch: bool) -> None:
    """Print where a sweep stands; with ``watch`` again and again until nothing is left to wait for."""
    if not watch:
        print_view(status_view(plan, everything))
        return
    with Live(console=plain_console(soft_wrap=False), auto_refresh=False) as live:
        while True:
            live.update(status_view(plan, everything), refresh=True)
            if not plan.having(MISSING, RUNNING):
                return
            time.sleep(2)
            plan = refreshed(plan)


def last_arguments(results: Path) -> tuple[list[str], str | None]:
    """Overrides and configuration folder of the latest sweep in a results folder.

    Raises:
        UserError: there was none.
    """
    say = "say which grid, as in iqa-lab status experiment=NAME"
    files = sorted((results / ".sweep" / "plans").glob("*.json"), key=_time_of)
    if not files:
        raise UserError(f"there was no sweep in {results} yet: {say}")
    try:
        content = read_sealed(files[-1])
    except Unusable as trouble:
        raise UserError(f"{trouble}: {say}") from trouble
    return list(content["arguments"]), content.get("config_dir")


def _time_of(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0
