"""A unit's result on the disk -> one W&B run. Offline unless the user says ``tracker.mode=online``."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.config import Config
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import cell_name
from iqa_lab.progress import console
from iqa_lab.summary import headline

# what W&B accepts; checked here because its own refusal comes late and without the key's name
_LONGEST = {"project": 128, "group": 128, "entity": 64}
_FORBIDDEN = "/\\#?%:"


def check_tracker(config: Config) -> None:
    """Nothing, if the tracker's settings can be used.

    Raises:
        UserError: a name is too long or holds characters that W&B refuses, or there is no such tracker or mode.
    """
    tracker = config.tracker
    if tracker.name not in ("wandb", "none"):
        raise UserError(f"tracker.name={tracker.name}: choose wandb or none")
    if tracker.mode not in ("offline", "online"):
        raise UserError(f"tracker.mode={tracker.mode}: choose offline or online")
    for key, longest in _LONGEST.items():
        value = getattr(tracker, key)
        if value is None:
            continue
        wrong = set(_FORBIDDEN) & set(value) if key != "group" else set()
        if not 1 <= len(value) <= longest or wrong:
            raise UserError(f"tracker.{key}={value[:40]}: W&B takes 1 to {longest} characters, none of {_FORBIDDEN}")


def track_unit(table: pd.DataFrame, result: dict[str, Any], config: Config) -> None:
    """Log one unit as one W&B run, named by its signature; a failure of W&B is a warning, never a lost result.

    Args:
        table: the unit's correlations.
        result: what its ``result.json`` says.
        config: of the run.
    """
    if config.tracker.name == "none":
        return
    try:
        _log(table, result, config)
    except Exception as error:  # whatever W&B runs into, the result is on the disk
        reason = " ".join(str(error).split())[:160]
        console.print(
            f"[yellow]W&B could not log this unit ({type(error).__name__}: {reason}); its result is on the disk[/]"
        )


def _log(table: pd.DataFrame, result: dict[str, Any], config: Config) -> None:
    import wandb

    tracker, signature = config.tracker, result["signature"]
    Path(tracker.dir).mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        project=tracker.project,
        entity=tracker.entity,
        group=tracker.group,
        job_type="evaluate",
        name=f"{cell_name(config)}-{config.benchmark.name}"[:128],
        id=signature,
        resume="allow" if tracker.mode == "online" else None,
        mode=tracker.mode,  # type: ignore[arg-type]
        dir=tracker.dir,
        config=_factors(table, result, config),
        settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_save_requirements=False),
    )
    try:
        run.log({"correlations": wandb.Table(dataframe=table)})
        run.summary.update({**headline(table, config.benchmark.headline), **result.get("headline", {})})
    finally:
        run.finish()
    if tracker.mode == "offline":
        _drop_superseded(Path(tracker.dir) / "wandb", signature, Path(run.dir).parent)


def _factors(table: pd.DataFrame, result: dict[str, Any], config: Config) -> dict[str, Any]:
    """What a W&B user groups and filters by."""
    return {
        "goal": config.goal.name,
        "supervision": config.goal.supervision,
        "dataset": config.dataset.name,
        "architecture": config.architecture.name,
        "weights": table["weights"].iloc[0],
        "benchmark": config.benchmark.name,
        "human_opinion": config.benchmark.human,
        "readouts": sorted(set(table["readout"])),
        "precision": config.precision,
        "resize": config.preprocess.resize,
        "signature": result["signature"],
        "weights_digest": result["weights_digest"],
        "n_expected": result["n_expected"],
        "n_scored": result["n_scored"],
        "device": result["device"],
        "versions": result["versions"],
    }


def _drop_superseded(folder: Path, signature: str, newest: Path) -> None:
    """Remove earlier offline logs of the same unit that were not synced: the newest holds all of theirs."""
    for run in folder.glob(f"offline-run-*-{signature}"):
        synced = any(run.glob("*.wandb.synced"))
        if run.resolve() != newest.resolve() and not synced:
            shutil.rmtree(run, ignore_errors=True)
