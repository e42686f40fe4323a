"""A planned sweep, carried out: jobs to the launcher, and again for what a dead job left, until nothing changes."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from iqa_lab.errors import UnitFailed, counted, pass_on_interrupt
from iqa_lab.folders import unique
from iqa_lab.progress import say
from iqa_lab.sweep.bar import sweep_bar
from iqa_lab.sweep.ledger import DONE, FAILED, MISSING, RUNNING, Ledger
from iqa_lab.sweep.plan import Plan, Planned, refreshed, save_jobs
from iqa_lab.sweep.show import counts, failures, print_view
from iqa_lab.sweep.work import TRIES

# A job is worth starting for this many seconds of work: torch alone takes a few to import.
WORTH_A_JOB = 60

# How often to look whether another sweep has finished the units that it is at.
PATIENCE = 2.0


def number_of_jobs(units: Sequence[Planned], sweeper: DictConfig, launcher: DictConfig) -> int:
    """How many jobs to hand to the launcher; each takes units until none is left.

    ``hydra.sweeper.jobs`` if it is given; else one in this process; else no more than there are processes or places
    for, and no more than are worth starting.
    """
    if sweeper.jobs is not None:
        return max(1, min(int(sweeper.jobs), len(units)))
    kind = str(launcher.get("_target_", "")).rpartition(".")[2]
    if kind == "BasicLauncher":
        return 1
    places = int(launcher.get("n_jobs") or launcher.get("array_parallelism") or 64)
    places = places if places > 0 else (os.cpu_count() or 1)
    worth = ceil(sum(entry.seconds for entry in units) / WORTH_A_JOB)
    return max(1, min(places, worth, len(units)))


def execute(plan: Plan, sweep: str, launch: Callable[[list[Planned], int], None], jobs: int, forced: bool) -> Plan:
    """Run all units of a plan that are not done; returns the plan as it is then.

    A unit whose process vanished is tried again: first beside others, at last alone, so that one that takes more
    memory than there is does not take its neighbours with it.

    Args:
        plan: the units that are wanted.
        sweep: the name under which jobs record what they did.
        launch: hands units to a number of jobs and comes back when they have ended, however they did.
        jobs: how many.
        forced: units that are done already are done again.
    """
    todo = [entry for entry in plan.units if not _is_settled(entry, sweep, forced)]
    with sweep_bar(todo, sweep, Ledger(plan.results)):
        return _executed(plan, sweep, launch, jobs, forced)


def _executed(plan: Plan, sweep: str, launch: Callable[[list[Planned], int], None], jobs: int, forced: bool) -> Plan:
    """As ``execute``."""
    moved = True
    while moved:
        plan = refreshed(plan)
        todo = [entry for entry in plan.units if not _is_settled(entry, sweep, forced)]
        if not todo:
            break
        waiting = [entry for entry in todo if entry.state == RUNNING]
        if len(waiting) == len(todo):
            _wait(waiting, Ledger(plan.results))
            continue
        free = [entry for entry in todo if entry.state != RUNNING]
        fresh = [entry for entry in free if _tries(entry, sweep) < TRIES - 1]
        launch(fresh or free, min(jobs, len(fresh)) if fresh else 1)
        before = {entry.key: (entry.state, _tries(entry, sweep)) for entry in todo}
        plan = refreshed(plan)
        after = {entry.key: (entry.state, _tries(entry, sweep)) for entry in plan.units if entry.key in before}
        moved = before != after  # else the launcher, or the disk, does not work
    return plan


def _tries(entry: Planned, sweep: str) -> int:
    return int(entry.record.get("tries", 0)) if entry.record.get("sweep") == sweep else 0


def _is_settled(entry: Planned, sweep: str, forced: bool) -> bool:
    """Whether a sweep can do nothing more for a unit."""
    tries = _tries(entry, sweep)
    if entry.state == DONE:
        return not forced or tries > 0
    if entry.state == RUNNING:
        return False
    return tries >= TRIES or (entry.state == FAILED and tries > 0)


def launcher_of(
    launcher: Launcher, plan: Plan, sweep: str, threads: Callable[[int], int | None]
) -> Callable[[list[Planned], int], None]:
    """The function that hands units to Hydra's launcher; a job that dies is reported, and never ends the sweep."""
    rounds = iter(range(10**6))

    def launch(units: list[Planned], jobs: int) -> None:
        round_ = next(rounds)
        file = save_jobs(plan, units, sweep, threads(jobs))
        if round_:
            left = counted(len(units), "unit was", "units were")
            say(f"{left} left behind by jobs that died: once more, in {counted(jobs, 'job')}")
        overrides = [[f"hydra.sweeper.work='{file}'", f"hydra.sweep.dir='{file.parent.parent}'"]] * jobs
        try:
            returned = launcher.launch(overrides, initial_job_idx=0)
        except Exception as error:  # a killed worker, a lost node, a queue that refuses
            pass_on_interrupt(error)
            first = (str(error).strip().splitlines() or [""])[0][:300]
            say(f"a job ended badly ({type(error).__name__}: {first})", "yellow")
            return
        for one in returned:
            _interrupted(one)

    return launch


def _interrupted(returned: JobReturn) -> None:
    """Pass on what ended a job that was not a unit's failure.

    Raises:
        KeyboardInterrupt: a person pressed Ctrl-C in it.
    """
    if returned.status == JobStatus.FAILED:
        error = returned._return_value
        if isinstance(error, BaseException):
            pass_on_interrupt(error)
        say(f"a job ended badly ({type(error).__name__}: {str(error)[:300]})", "yellow")


def _wait(running: list[Planned], known: Ledger) -> None:
    number = counted(len(running), "unit that is", "units that are")
    say(f"waiting for {number} being computed elsewhere, as {running[0].unit.name}")
    while any(known.is_claimed(entry.key) for entry in running):
        time.sleep(PATIENCE)


def report(plan: Plan, results: Path) -> None:
    """Say how a sweep ended.

    Raises:
        UnitFailed: some units are not done; all of them are listed.
    """
    left = [entry for entry in plan.units if entry.state != DONE]
    for line in failures(plan):
        say(str(line))
    for entry in left:
        if entry.state == MISSING:
            say(f"failed: {entry.unit.name}: its job never began, or could not write anything: see above")
    print_view(f"{counts(plan)}; results in {results}")
    if left:
        raise UnitFailed(
            f"{len(left)} of {len(plan.units)} units failed, as listed above; the others are done and kept, and "
            "the same command tries these again"
        )


def new_name() -> str:
    """A name for one call of the command, which no other has; later ones sort behind.

    What a job finds recorded under the name of its own sweep is settled, so two sweeps of one second must differ.
    """
    return f"{datetime.now():%Y%m%d-%H%M%S-%f}-{unique()}"
