"""Which offline runs are sent, and that sending again does no harm."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.tracking import sync as module
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


def sent(batch: Sequence[Path], _seconds: float = 0) -> bool:
    """As ``wandb sync`` marks what it has sent."""
    for run in batch:
        next(run.glob("*.wandb")).with_suffix(".wandb.synced").touch()
    return True


def test_twice_sends_once_and_what_was_cut_off_is_not_sent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(450):
        offline_run(tmp_path, f"unit{number}")
    half = offline_run(tmp_path, "half", complete=False)
    calls: list[int] = []
    assert sync(tmp_path, lambda batch, _: bool(calls.append(len(batch))) or sent(batch)) == 450
    assert calls == [200, 200, 50] and unsent(tmp_path) == ([], [half])
    assert "left out, since their process was killed: " + half.name in capfd.readouterr().err
    assert sync(tmp_path, sent) == 0


def test_what_a_server_refuses_is_tried_again(tmp_path: Path) -> None:
    offline_run(tmp_path, "unit")
    with pytest.raises(UnitFailed, match="1 of 1 runs could not be sent"):
        sync(tmp_path, lambda _batch, _seconds: False)
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


def test_it_says_what_it_waits_for_and_gives_up_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(401):
        offline_run(tmp_path, f"unit{number}")
    clock = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    seconds: list[float] = []

    def slow(batch: Sequence[Path], left: float) -> bool:
        seconds.append(left)
        clock[0] += 6
        return sent(batch)

    with pytest.raises(UnitFailed, match=r"1 of 401 runs could not be sent to https?://.* in 10 s; .*--timeout"):
        sync(tmp_path, slow, patience=10)
    assert seconds == [10, 4]  # what is left of it; the last batch has nothing left
    assert f"sending 401 runs to {module.server()}, for at most 10 s" in capfd.readouterr().err


def test_a_server_that_never_answers_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole family of processes ends, not only the one that was started."""
    beating = "while :; do echo >> beats; sleep 0.05; done"
    monkeypatch.setattr(module, "COMMAND", ["sh", "-c", f"sh -c '{beating}' & sleep 600"])
    monkeypatch.chdir(tmp_path)
    offline_run(tmp_path, "unit")
    with pytest.raises(UnitFailed, match="1 of 1 runs could not be sent"):
        sync(tmp_path, patience=0.5)
    beats = Path("beats").stat().st_size
    time.sleep(1)
    assert beats > 0 and Path("beats").stat().st_size == beats


@pytest.mark.parametrize("patience", [0, -1, float("nan"), float("inf")])
def test_a_patience_that_is_no_time(tmp_path: Path, patience: float) -> None:
    with pytest.raises(UserError, match="--timeout"):
        sync(tmp_path, sent, patience=patience)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        sync(tmp_path / "nowhere", sent)
