"""A unit's result on the disk -> one W&B run. Offline unless the user says ``tracker.mode=online``."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.config import Config, TrackerConfig
from iqa_lab.config.names import shortened
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import cell_name
from iqa_lab.progress import say
from iqa_lab.store.headline import headline

# what W&B accepts; checked here because its own refusal comes late and without the key's name
_LONGEST = {"project": 128, "group": 128, "entity": 64}
_FORBIDDEN = "/\\#?%:"
_LARGEST_TABLE = 200_000  # rows

# An offline run that was written to its end has this file beside it; iqa-lab sync sends no other.
COMPLETE = "complete"


def check_tracker(config: Config) -> None:
    """Nothing, if the tracker's settings can be used.

    Raises:
        UserError: a name is too long or holds characters that W&B refuses.
    """
    tracker = config.tracker
    for key, longest in _LONGEST.items():
        value = getattr(tracker, key)
        if value is None:
            continue
        wrong = set(_FORBIDDEN) & set(value) if key != "group" else set()
        if not 1 <= len(value) <= longest or wrong or not value.isprintable():
            raise UserError(
                f"tracker.{key}={shortened(value, 40)}: W&B takes 1 to {longest} characters, none of {_FORBIDDEN}"
            )


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
        log_unit(table, result, config)
    except Exception as error:  # whatever W&B runs into, the result is on the disk
        reason = " ".join(str(error).split())[:160]
        say(f"W&B could not log this unit ({type(error).__name__}: {reason}); its result is on the disk", "yellow")


def track_sweep(units: pd.DataFrame, correlations: pd.DataFrame, group: str, tracker: TrackerConfig) -> None:
    """Log a whole sweep as one more run of its group; a failure of W&B is a warning.

    Args:
        units: one row a unit.
        correlations: one row a unit, layer and readout; left out where W&B's tables cannot hold it.
        group: the name of the sweep or study.
        tracker: the tracker's settings.
    """
    if tracker.name == "none" or not len(units):
        return
    try:
        import wandb

        tables = {"units": wandb.Table(dataframe=_without_gaps(units))}
        if len(correlations) <= _LARGEST_TABLE:
            tables["correlations"] = wandb.Table(dataframe=_without_gaps(correlations))
        facts = {"units": len(units), "rows": len(correlations)}
        signature = f"sweep-{hashlib.sha256(group.encode()).hexdigest()[:12]}"
        _one_run(tracker, signature, group, "report", f"{group}: all units"[:128], facts, tables, facts)
    except Exception as error:  # whatever W&B runs into, the results are on the disk
        reason = " ".join(str(error).split())[:160]
        say(f"W&B could not log the sweep ({type(error).__name__}: {reason}); the results are there", "yellow")


def track_report(
    name: str, tables: Mapping[str, pd.DataFrame], pictures: Sequence[Path], tracker: TrackerConfig
) -> None:
    """Log a report's figures and tables as one more run of its group; a failure of W&B is a warning.

    Args:
        name: of the study, which is the group where the tracker names none.
        tables: by their names.
        pictures: PNG files.
        tracker: the tracker's settings.
    """
    if tracker.name == "none":
        return
    try:
        import wandb

        group = tracker.group or name
        media: dict[str, Any] = {f"figures/{picture.stem}": wandb.Image(str(picture)) for picture in pictures}
        media |= {f"tables/{key}": wandb.Table(dataframe=_without_gaps(table)) for key, table in tables.items()}
        signature = f"report-{hashlib.sha256(group.encode()).hexdigest()[:12]}"
        facts = {"figures": len(pictures), "tables": sorted(tables)}
        _one_run(tracker, signature, group, "report", f"{name}: report"[:128], facts, media, {})
    except Exception as error:  # whatever W&B runs into, the report is on the disk
        reason = " ".join(str(error).split())[:160]
        say(f"W&B could not log the report ({type(error).__name__}: {reason}); its page is there", "yellow")


def _without_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that are empty, whose type W&B could not tell."""
    return table.dropna(axis=1, how="all")


def log_unit(table: pd.DataFrame, result: dict[str, Any], config: Config) -> None:
    """Log one unit as ``track_unit`` does; what W&B runs into is raised."""
    import wandb

    name = f"{cell_name(config)}-{config.benchmark.name}"[:128]
    tables = {"correlations": wandb.Table(dataframe=table)}
    summary = {**headline(table, config.benchmark.headline), **result.get("headline", {})}
    _one_run(
        config.tracker, result["signature"], config.tracker.group, "evaluate", name, _factors(table, result, config),
        tables, summary,
    )  # fmt: skip


def _one_run(
    tracker: TrackerConfig, signature: str, group: str | None, job_type: str, name: str, facts: dict[str, Any],
    tables: dict[str, Any], summary: dict[str, Any],
) -> None:  # fmt: skip
    """One W&B run from its beginning to its end."""
    import wandb

    Path(tracker.dir).mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        project=tracker.project,
        entity=tracker.entity,
        group=group,
        job_type=job_type,
        name=name,
        id=signature,
        resume="allow" if tracker.mode == "online" else None,
        mode=tracker.mode,  # type: ignore[arg-type]
        dir=tracker.dir,
        config=facts,
        settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_save_requirements=False),
    )
    try:
        run.log(tables)
        run.summary.update(summary)
    finally:
        run.finish()
    if tracker.mode == "offline":
        folder = Path(run.dir).parent
        (folder / COMPLETE).touch()
        _drop_superseded(Path(tracker.dir) / "wandb", signature, folder)


def _factors(table: pd.DataFrame, result: dict[str, Any], config: Config) -> dict[str, Any]:
    """What a W&B user groups and filters by."""
    return {
        "goal": config.goal.name,
        "supervision": config.goal.supervision,
        "dataset": config.dataset.name,
        "architecture": config.architecture.name,
        "weights": table["weights"].iloc[0],
        "initialised_from": config.weights.initialised_from,
        "family": config.weights.family,
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
