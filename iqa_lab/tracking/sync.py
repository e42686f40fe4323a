"""Offline W&B runs -> the server, all in one go; those that are there already stay what they are."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from iqa_lab.errors import UnitFailed, first_names
from iqa_lab.progress import console, track
from iqa_lab.tracking.wandb import COMPLETE

# so many runs in one call of wandb: the length of a command line is limited
AT_ONCE = 200


def sync(folder: Path, upload: Callable[[Sequence[Path]], bool] | None = None) -> int:
    """Send all complete offline runs that were not sent; returns how many.

    A run's id is its unit's signature, so that a run that is sent again, or sent by another machine, is the same run.
    Runs whose process was killed while it wrote them are left out: the server would show them as running for ever, and
    the sweep that is resumed writes them anew.

    Args:
        folder: the one that holds ``wandb/``.
        upload: sends runs and says whether it could; None: ``wandb sync``.

    Raises:
        UnitFailed: the server refused runs, or cannot be reached.
    """
    ready, cut_off = unsent(folder)
    batches = [ready[start : start + AT_ONCE] for start in range(0, len(ready), AT_ONCE)]
    failed = [batch for batch in track(batches, "syncing") if not (upload or _wandb_sync)(batch)]
    if cut_off:
        names = first_names(path.name for path in cut_off)
        console.print(f"left out, since their process was killed: {names}; the same sweep again writes them anew")
    left, _ = unsent(folder)
    if failed or (left and upload is None):
        raise UnitFailed(f"{len(left)} of {len(ready)} runs could not be sent; the same command tries them again")
    return len(ready)


def unsent(folder: Path) -> tuple[list[Path], list[Path]]:
    """The offline runs that were not sent yet: the complete ones, and those that were cut off."""
    runs = sorted((folder / "wandb").glob("offline-run-*"))
    waiting = [run for run in runs if not any(run.glob("*.wandb.synced"))]
    complete = [run for run in waiting if (run / COMPLETE).is_file()]
    return complete, [run for run in waiting if run not in complete]


def _wandb_sync(runs: Sequence[Path]) -> bool:
    """Whether ``wandb sync`` could send them; it marks those that it has sent."""
    return subprocess.run([sys.executable, "-m", "wandb", "sync", *map(str, runs)], check=False).returncode == 0
