"""One job of a sweep: takes one unit after the other from the plan, until no free one is left.

However many jobs there are and wherever they run, they share the work through the ledger's claims: a job that dies
leaves one unit behind, and the others do all the rest.
"""

import os
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iqa_lab.config import Config
from iqa_lab.errors import UnitFailed, UserError, is_interrupt
from iqa_lab.progress import say, status
from iqa_lab.store.held_out import headline_line
from iqa_lab.store.reading import read_sealed
from iqa_lab.sweep import ledger
from iqa_lab.sweep.compose import Unit
from iqa_lab.sweep.grid import Cell
from iqa_lab.sweep.ledger import DONE, FAILED, RUNNING, Ledger, Record

if TYPE_CHECKING:
    from iqa_lab.store.outcome import Outcome

# A unit whose process vanished this often in one sweep (killed, or out of memory) is not tried again by it.
TRIES = 3


@dataclass(frozen=True)
class Job:
    """A plan as its workers read it."""

    sweep: str
    group: str
    results: Path
    folder: Path
    environment: dict[str, str]
    threads: int | None
    units: list[dict[str, Any]]
    parts: dict[str, Any]

    @classmethod
    def read(cls, file: Path) -> "Job":
        """From the file that ``plan.save_jobs`` wrote.

        Raises:
            UserError: it is missing, unreadable, damaged or of another version.
        """
        content = read_sealed(file)
        return cls(
            content["sweep"], content["group"], Path(content["results"]), Path(content["folder"]),
            content["environment"], content["threads"], content["units"], content["parts"],
        )  # fmt: skip

    def unit(self, entry: dict[str, Any]) -> Unit:
        """One unit as it was planned."""
        parts = {factor: self.parts[digest] for factor, digest in entry["parts"].items()}
        shared = parts.pop("")
        return Unit(Cell(**entry["cell"]), entry["benchmark"], parts, shared, entry["variant"])


def work(plan_file: str, number: int) -> int:
    """Compute the units of a plan that nobody else computes; returns how many of them failed.

    Args:
        plan_file: written by ``plan.save_jobs``.
        number: of this job among those of the sweep; it takes the GPU of that number.
    """
    job = Job.read(Path(plan_file))
    os.chdir(job.folder)  # relative paths mean what they meant where the sweep was started
    for key, value in job.environment.items():
        os.environ.setdefault(key, value)
    _share_processor(job)
    failed = 0
    for place, entry in enumerate(job.units, start=1):
        try:
            with Ledger(job.results).claim(entry["key"]) as mine:
                if mine:
                    failed += not _take(job, entry, number, f"{place} of {len(job.units)}")
        except OSError as error:  # the disk does not even take a lock
            failed += 1
            say(f"unit {place} of {len(job.units)} cannot be claimed: {error.strerror or error}", "red")
    return failed


def _take(job: Job, entry: dict[str, Any], number: int, place: str) -> bool:
    """Compute one unit unless this sweep has settled it; returns whether all went well."""
    known = Ledger(job.results)
    before = known.read(entry["key"])
    ours = before.get("sweep") == job.sweep
    asked = {name: tuple(hashes) for name, hashes in entry["asked"].items()}
    if ours and before["state"] == FAILED:
        return True  # another job of this sweep has tried, and counted it
    if ours and before["state"] == DONE and ledger.has_readouts(before, asked):
        return True
    tries = before.get("tries", 0) + 1 if ours else 1
    if tries > TRIES:
        return True  # the sweep itself counts it
    unit = job.unit(entry)
    record: Record = {
        **{
            key: before[key]
            for key in ("readouts", "made_of", "folder", "columns", "statistics", "seen")
            if key in before
        },
        "name": unit.name,
        "architecture": unit.cell.architecture,
        "state": RUNNING,
        "sweep": job.sweep,
        "tries": tries,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "job": number,
        "started": time.time(),
    }
    try:
        known.write(entry["key"], record)
        with _logged(known.log_file(entry["key"])):
            found = compute(unit, job.group, number, again=before.get("state") == RUNNING)
        same = record.get("made_of") == found["made_of"]
        readouts = ledger.with_readouts(record if same else {}, asked)
        if found["made_of"]["index_digest"] != entry["index_digest"]:
            readouts = {}  # the images were changed meanwhile: the result is whole, but not what was planned
        record |= {"state": DONE, "parameters": entry["parameters"], "readouts": readouts, **found}
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, the other units have their turn
        if is_interrupt(error):
            known.write(entry["key"], before or {**record, "state": ledger.MISSING})
            raise KeyboardInterrupt from None
        record |= {"state": FAILED, "error": first_line(error)}
    record["took"] = time.time() - record["started"]
    _write(known, entry["key"], record)
    _say(place, record)
    return bool(record["state"] == DONE)


def compute(unit: Unit, group: str, number: int, again: bool) -> Record:
    """Evaluate one unit, show it and hand it to the tracker; returns what the ledger keeps of it.

    Args:
        unit: as it was planned.
        group: of the sweep, for the tracker.
        number: of the job.
        again: an earlier try vanished, perhaps between its result and its tracker.

    Raises:
        UserError, UnitFailed: it cannot be scored.
    """
    from iqa_lab.networks.sources import local_file  # torch takes seconds to import
    from iqa_lab.store.headline import headline
    from iqa_lab.store.show import show

    config = unit.config()
    if config.tracker.group is None:
        config.tracker.group = group
    _pin_device(config, number)
    before = ledger.file_facts(local_file(config.weights))
    outcome = evaluate_unit(config, track_anyway=again)
    show(outcome, config)
    after = ledger.file_facts(local_file(config.weights))
    if before is not None and before != after:
        raise UnitFailed(f"{before['path']} was changed while it was used; the same command computes the unit again")
    result = outcome.unit.result()
    return {
        "folder": str(outcome.unit.folder.relative_to(config.results)),
        "signature": outcome.unit.folder.name,
        **ledger.facts_of_result(outcome.unit.folder),
        # what the result says of itself, not what is so now: nothing new is written over old scores
        "made_of": {
            "weights_file": after,
            "code": result["hashed"]["code"],
            "index_digest": result["hashed"]["index_digest"],
        },
        "forwards": result.get("forwards", 0),
        "seconds": result.get("seconds", {}).get("until_written", 0.0),
        "peak_memory_mib": result.get("peak_memory_mib", 0),
        "headline": {**headline(outcome.table, config.benchmark.headline), **result.get("headline", {})},
    }


def evaluate_unit(config: Config, track_anyway: bool = False) -> "Outcome":
    """The result of one unit, handed to the tracker where something was computed.

    Raises:
        UserError, UnitFailed: it cannot be scored.
    """
    from iqa_lab.store.finished import finished
    from iqa_lab.tracking.wandb import check_tracker, track_unit

    check_tracker(config)
    found = finished(config)
    if found is not None:
        outcome = found.outcome
    else:
        with status("loading torch"):  # which takes seconds
            from iqa_lab import unit
            from iqa_lab.scoring.memory import keep_freed_memory

        keep_freed_memory()
        outcome = unit.evaluate(config)
    if outcome.computed or outcome.restated or track_anyway:
        track_unit(outcome.table, outcome.unit.read_result() or {}, config, outcome.unit.scores)
    return outcome


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    text = " ".join((str(error).strip().splitlines() or [""])[0].split())[:300]
    return text if isinstance(error, (UserError, UnitFailed)) else f"{type(error).__name__}: {text}".rstrip(": ")


def _say(place: str, record: Record) -> None:
    """One line on a unit that has ended."""
    if record["state"] == FAILED:
        say(f"{place}: {record['name']}: failed: {record['error']}", "red")
        return
    say(f"{place}: {record['name']}: {headline_line(record['headline'])}, {record['took']:.1f} s")


def _write(known: Ledger, key: str, record: Record) -> None:
    """Write a record; where even that fails (a full disk) the unit stays as one that was not finished."""
    try:
        known.write(key, record)
    except OSError as error:
        say(f"{record['name']}: its end cannot be recorded: {error.strerror or error}", "red")


@contextmanager
def _logged(file: Path) -> Iterator[None]:
    """What a unit prints goes to its log, a traceback too; a person's terminal keeps the progress bar."""
    with file.open("w", encoding="utf-8") as log, ExitStack() as redirected:
        redirected.enter_context(redirect_stdout(log))
        if not sys.stderr.isatty():
            redirected.enter_context(redirect_stderr(log))
        try:
            yield
        except (UserError, UnitFailed) as error:
            log.write(f"{error}\n")
            raise
        except Exception:
            traceback.print_exc(file=log)
            raise


def _share_processor(job: Job) -> None:
    """Give torch this job's part of the cores: several processes with a thread for each core slow each other down."""
    own = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("OMP_NUM_THREADS") or job.threads
    if own is not None:
        import torch

        with suppress(ValueError):
            torch.set_num_threads(max(1, int(own)))


def _pin_device(config: Config, number: int) -> None:
    """One job per GPU: where the device is not named, the one of the job's number among those that it can see."""
    if config.runtime.device not in ("auto", "cuda"):
        return
    import torch

    if torch.cuda.is_available():
        config.runtime.device = f"cuda:{number % torch.cuda.device_count()}"
