"""Offline W&B runs -> the server, all in one go; those that are there already stay as they are."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from iqa_lab.errors import UnitFailed, UserError, counted, first_names
from iqa_lab.progress import say, track
from iqa_lab.tracking.wandb import COMPLETE

# so many runs in one call of wandb: the length of a command line is limited
AT_ONCE = 200

# seconds for everything that waits; wandb itself tries for hours where no server answers
PATIENCE = 1800

COMMAND = [sys.executable, "-m", "wandb", "sync"]

Upload = Callable[[Sequence[Path], float], bool]  # of runs, in so many seconds; whether the server took them


def sync(folder: Path, upload: Upload | None = None, patience: float = PATIENCE) -> int:
    """Send all complete offline runs that were not sent; returns how many.

    A run's id is its unit's signature, so that a run that is sent again, or sent by another machine, is the same run.
    Runs whose process was killed while it wrote them are left out: the server would show them as running for ever, and
    the resumed sweep writes them anew.

    Args:
        folder: the one that holds ``wandb/``.
        upload: sends runs and says whether it could; None: ``wandb sync``.
        patience: seconds to wait for the server, all runs together.

    Raises:
        UserError: there is no such folder, or the patience is no time.
        UnitFailed: the server refused runs, cannot be reached, or takes too long.
    """
    if not folder.is_dir():
        raise UserError(f"--dir {folder}: there is no such folder")
    if not 0 < patience < float("inf"):
        raise UserError(f"--timeout {patience:g}: give a number of seconds above 0")
    ready, cut_off = unsent(folder)
    if ready:
        say(f"sending {counted(len(ready), 'run')} to {server()}, for at most {patience:g} s (--timeout)")
    batches = [ready[start : start + AT_ONCE] for start in range(0, len(ready), AT_ONCE)]
    end = monotonic() + patience
    failed = 0
    for batch in track(batches, "syncing"):
        left = end - monotonic()
        if left <= 0:
            break
        failed += not (upload or _wandb_sync)(batch, left)
    if cut_off:
        names = first_names(path.name for path in cut_off)
        say(f"left out, since their process was killed: {names}; the same sweep again writes them anew")
    waiting, _ = unsent(folder)
    if failed or waiting:
        late = f" in {patience:g} s" if monotonic() > end else ""
        raise UnitFailed(
            f"{len(waiting)} of {len(ready)} runs could not be sent to {server()}{late}; "
            "the same command tries them again, --timeout SECONDS waits longer"
        )
    return len(ready)


def unsent(folder: Path) -> tuple[list[Path], list[Path]]:
    """The offline runs that were not sent yet: the complete ones, and those that were cut off."""
    runs = sorted((folder / "wandb").glob("offline-run-*"))
    waiting = [run for run in runs if not any(run.glob("*.wandb.synced"))]
    complete = [run for run in waiting if (run / COMPLETE).is_file()]
    return complete, [run for run in waiting if run not in complete]


def server() -> str:
    """Where runs go: W&B's own server, or the one that ``WANDB_BASE_URL`` names."""
    return os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai"


def _wandb_sync(runs: Sequence[Path], seconds: float) -> bool:
    """Whether ``wandb sync`` could send them in time; it marks those that it has sent. It never asks for a key."""
    process = subprocess.Popen([*COMMAND, *map(str, runs)], stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(timeout=seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:  # too late, or Ctrl-C: with everything that it has started
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
