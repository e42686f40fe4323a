"""A unit's result on the disk -> one W&B run. Offline unless the user says ``tracker.mode=online``."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.config import Config, TrackerConfig
from iqa_lab.config.names import shortened
from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.networks.cells import cell_name
from iqa_lab.progress import say
from iqa_lab.store.headline import headline
from iqa_lab.store.held_out import headline_line
from iqa_lab.tracking.content import DRAWN, facts_of, group_of, pairs_of, said_of, steps_of, tags_of

# what W&B accepts; checked here because its own refusal comes late and without the key's name
_LONGEST = {"project": 128, "group": 128, "entity": 64}
_FORBIDDEN = "/\\#?%:"
_LARGEST_TABLE = 200_000  # rows

# An interval of the best of many columns holds the truth too seldom; results of earlier versions have one.
_OF_THE_BEST = ("srcc_low", "srcc_high", "agreement_low", "agreement_high")

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


def track_unit(
    table: pd.DataFrame, result: dict[str, Any], config: Config, scores: Callable[[], pd.DataFrame] | None = None
) -> None:
    """Log one unit as one W&B run, named by its signature; a failure of W&B is a warning, never a lost result.

    Args:
        table: the unit's correlations.
        result: what its ``result.json`` says.
        config: of the run.
        scores: reads its pairs and their scores; None: they are not logged.
    """
    if config.tracker.name == "none":
        return
    try:
        log_unit(table, result, config, scores() if scores is not None else None)
    except Exception as error:  # whatever W&B runs into, the result is on the disk
        pass_on_interrupt(error)
        reason = " ".join(str(error).split())[:160]
        say(f"W&B could not log this unit ({type(error).__name__}: {reason}); its result is on the disk", "yellow")


def track_sweep(units: pd.DataFrame, correlations: pd.DataFrame, group: str, tracker: TrackerConfig) -> None:
    """Log a whole sweep as one more run of its group; a failure of W&B is a warning.

    Args:
        units: one row per unit.
        correlations: one row per unit, layer and readout; left out where W&B's tables cannot hold it.
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
        pass_on_interrupt(error)
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
        pass_on_interrupt(error)
        reason = " ".join(str(error).split())[:160]
        say(f"W&B could not log the report ({type(error).__name__}: {reason}); its page is there", "yellow")


def _without_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that are empty, whose type W&B could not tell."""
    return table.dropna(axis=1, how="all")


def log_unit(table: pd.DataFrame, result: dict[str, Any], config: Config, scores: pd.DataFrame | None = None) -> None:
    """Log one unit as ``track_unit`` does; what W&B runs into is raised."""
    import wandb

    name = f"{cell_name(config)}-{config.benchmark.name}"[:128]
    media: dict[str, Any] = {"correlations": wandb.Table(dataframe=table)}
    facts = result.get("headline", {})
    summary = summary_of(table, facts, config)
    column = f"{summary['best_readout']}@{summary['best_layer']}"
    if scores is not None and column in scores:
        pairs = wandb.Table(dataframe=pairs_of(scores, column))
        media |= {
            "pairs": pairs,
            "opinion_against_score": wandb.plot.scatter(pairs, "score", "opinion", title=said_of(column, facts)),
        }
    references = None if scores is None else int(scores["reference"].nunique())
    _one_run(
        config.tracker, result["signature"], group_of(config), "evaluate", name,
        facts_of(table, result, config, references), media, summary, steps_of(table), tags_of(config),
    )  # fmt: skip


def summary_of(table: pd.DataFrame, facts: Mapping[str, Any], config: Config) -> dict[str, Any]:
    """What a run's summary says: ``headline`` in words, the held-out value and its interval, then the best column.

    Args:
        table: the unit's correlations.
        facts: the ``headline`` of its ``result.json``; without it only the table speaks.
        config: of the run.
    """
    table_says = headline(table, config.benchmark.headline)
    known = {**facts, **{name: value for name, value in table_says.items() if name not in facts}}
    return {"headline": headline_line(facts), **{name: known[name] for name in known if name not in _OF_THE_BEST}}


def _one_run(
    tracker: TrackerConfig, signature: str, group: str | None, job_type: str, name: str, facts: dict[str, Any],
    tables: dict[str, Any], summary: dict[str, Any], steps: Iterable[Mapping[str, Any]] = (), tags: Sequence[str] = (),
) -> None:  # fmt: skip
    """One W&B run from its beginning to its end: steps over ``depth`` first, then everything else in one more."""
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
        tags=list(tags) or None,
        settings=wandb.Settings(silent=True, console="off", x_disable_stats=True, x_save_requirements=False),
    )
    try:
        for metric in DRAWN:
            # over depth, and not in the summary, where they would be those of the last layer
            run.define_metric(f"{metric}/*", step_metric="depth", summary="none")
        run.define_metric("depth", hidden=True, summary="none")
        for step in steps:
            run.log(dict(step))
        run.log(tables)
        run.summary.update(summary)
    finally:
        run.finish()
    if tracker.mode == "offline":
        folder = Path(run.dir).parent
        (folder / COMPLETE).touch()
        _drop_superseded(Path(tracker.dir) / "wandb", signature, folder)


def _drop_superseded(folder: Path, signature: str, newest: Path) -> None:
    """Remove earlier offline logs of the same unit that were not synced: the newest holds all of theirs."""
    for run in folder.glob(f"offline-run-*-{signature}"):
        synced = any(run.glob("*.wandb.synced"))
        if run.resolve() != newest.resolve() and not synced:
            shutil.rmtree(run, ignore_errors=True)
