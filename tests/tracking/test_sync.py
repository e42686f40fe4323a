"""Which offline runs are sent, and that twice is as good as once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from iqa_lab.errors import UnitFailed
from iqa_lab.tracking.sync import sync, unsent
from iqa_lab.tracking.wandb import COMPLETE, track_sweep, track_unit
from tests.conftest import composed
from tests.tracking.test_wandb import RESULT, config, correlations, read_back, runs


def offline_run(folder: Path, name: str, complete: bool = True) -> Path:
    run = folder / "wandb" / f"offline-run-20260101_000000-{name}"
    run.mkdir(parents=True)
    (run / f"run-{name}.wandb").touch()
    if complete:
        (run / COMPLETE).touch()
    return run


def sent(batch: Sequence[Path]) -> bool:
    """As ``wandb sync`` marks what it has sent."""
    for run in batch:
        next(run.glob("*.wandb")).with_suffix(".wandb.synced").touch()
    return True


def test_twice_sends_once_and_what_was_cut_off_is_not_sent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(450):
        offline_run(tmp_path, f"unit{number}")
    half = offline_run(tmp_path, "half", complete=False)
    calls: list[int] = []
    assert sync(tmp_path, lambda batch: bool(calls.append(len(batch))) or sent(batch)) == 450
    assert calls == [200, 200, 50] and unsent(tmp_path) == ([], [half])
    assert "left out, since their process was killed: " + half.name in capfd.readouterr().err
    assert sync(tmp_path, sent) == 0


def test_what_a_server_refuses_is_tried_again(tmp_path: Path) -> None:
    offline_run(tmp_path, "unit")
    with pytest.raises(UnitFailed, match="1 of 1 runs could not be sent"):
        sync(tmp_path, lambda _batch: False)
    assert sync(tmp_path, sent) == 1


def test_a_run_that_was_written_to_its_end_is_marked(tmp_path: Path) -> None:
    track_unit(correlations("plain"), RESULT, config(tmp_path))
    assert unsent(tmp_path) == (runs(tmp_path), [])


def test_a_sweep_is_one_more_run_of_its_group(tmp_path: Path) -> None:
    tracker = composed(f"tracker.dir={tmp_path}").tracker
    units = correlations("plain").head(1)
    for _ in range(2):
        track_sweep(units, correlations("plain", "mean"), "environment", tracker)
    (run,) = runs(tmp_path)
    text = read_back(run, "--json")
    assert '"run_group":"environment"' in text.replace(" ", "") and '"job_type":"report"' in text.replace(" ", "")
    assert len(list(run.glob("files/media/table/*.json"))) == 2
