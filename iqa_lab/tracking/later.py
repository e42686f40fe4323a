"""Finished results on disk -> W&B runs, without a pass: what was made with ``tracker=none`` is logged later."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from iqa_lab.config import TrackerConfig, configuration_folder, read_mapping
from iqa_lab.config.check import make
from iqa_lab.errors import UnitFailed, UserError, first_names, pass_on_interrupt
from iqa_lab.progress import say, track
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.result import DONE, FAILED, RESULT
from iqa_lab.tracking.wandb import check_tracker, log_unit


def track_results(results: Path, tracker: TrackerConfig) -> list[Path]:
    """Log every finished unit below a folder as one W&B run, named by its signature; returns their folders.

    Scores and tables stay as they are, and are logged only as they were written. A unit that cannot be logged does not
    stop the others.

    Args:
        results: a folder of results, or of one unit.
        tracker: where to; its group, where it names none, is that of each unit's own configuration.

    Raises:
        UserError: there is no finished unit below it.
        UnitFailed: some could not be logged; all of them are named, and why.
    """
    units = [UnitFolder(file.parent) for file in sorted(results.rglob(RESULT)) if ".sweep" not in file.parts]
    units = [unit for unit in units if (unit.read_result() or {}).get("state") != FAILED]
    if not units:
        raise UserError(f"{results} holds no finished unit: give the folder that results=... named, or one unit's own")
    done, failures = [], []
    for unit in track(units, "tracking"):
        try:
            _track(unit, tracker)
            done.append(unit.folder)
        except Exception as error:  # whatever W&B or a damaged unit runs into, the others have their turn
            pass_on_interrupt(error)
            kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            failures.append(f"{unit.folder}: {kind}{' '.join(str(error).split())[:160]}")
            say(failures[-1], "yellow")
    if failures:
        raise UnitFailed(f"{len(failures)} of {len(units)} units could not be logged: {first_names(failures)}")
    return done


def _track(unit: UnitFolder, tracker: TrackerConfig) -> None:
    result, config = unit.check(), unit.config()
    if result["state"] != DONE:
        raise UserError("scores without statistics: iqa-lab report --recompute makes these")
    config.tracker = replace(tracker, group=tracker.group or config.tracker.group)
    check_tracker(config)
    log_unit(unit.table(), result, config, unit.scores())


def tracker_of(overrides: Sequence[str]) -> TrackerConfig:
    """The tracker ``wandb`` as ``conf/tracker`` has it, changed by overrides such as ``tracker.project=mine``.

    Raises:
        UserError: an override is none of the tracker's.
    """
    changes = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.startswith("tracker."):
            raise UserError(f"{override!r}: after the results only the tracker's settings, as in tracker.project=NAME")
        changes[key.removeprefix("tracker.")] = None if value == "null" else value
    base = read_mapping(configuration_folder() / "tracker" / "wandb.yaml")
    tracker = make(TrackerConfig, base, changes, prefix="tracker.")
    if tracker.name == "none":
        raise UserError("tracker.name=none would log nothing")
    return tracker
