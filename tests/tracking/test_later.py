"""Results that were made without a tracker are logged later: no pass, the same run, and failures are said."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
import yaml

from iqa_lab.config import TrackerConfig
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.store.files import UnitFolder
from iqa_lab.tracking.later import track_results, tracker_of
from tests.conftest import composed
from tests.tracking.test_wandb import RESULT, correlations, read_back, runs

NAME = "plain@features.4"


def finished(folder: Path) -> Path:
    config = composed("architecture=alexnet", "benchmark=tid2013", "tracker=none", "tracker.group=mine")
    scores = pd.DataFrame({"reference": ["r"] * 3, "distorted": ["a", "b", "c"], "plain@features.4": [1.0, 2.0, 3.0]})
    UnitFolder(folder).write(
        scores,
        {"plain@features.4": {"layer": "features.4", "depth": 0.5, "readout": "plain"}},
        {**RESULT, "signature": folder.name},
        yaml.safe_dump(asdict(config)),
        lambda *_: correlations("plain"),
    )
    return folder


def test_one_run_a_unit_named_by_its_signature_twice_as_good_as_once(tmp_path: Path) -> None:
    unit = finished(tmp_path / "results" / "tid2013" / "cell" / RESULT["signature"])
    before = {file.name: file.read_bytes() for file in unit.iterdir()}
    tracker = tracker_of([f"tracker.dir={tmp_path}", "tracker.project=other"])
    for folder in (unit, tmp_path / "results"):
        assert track_results(folder, tracker) == [unit]
    (run,) = runs(tmp_path)
    records = [json.loads(line) for line in read_back(run, "--json").splitlines()]
    (described,) = (record["run"] for record in records if record["type"] == "run")
    assert (described["run_id"], described["project"]) == (RESULT["signature"], "other")
    assert described["run_group"] == "mine"  # its own
    assert {file.name: file.read_bytes() for file in unit.iterdir()} == before


@pytest.mark.parametrize("file", ["config.yaml", "correlations.csv", "scores.parquet", "result.json"])
def test_a_damaged_unit_is_named_and_not_logged(tmp_path: Path, file: str) -> None:
    _, bad = (finished(tmp_path / "results" / "tid2013" / "cell" / name) for name in ("a", "b"))
    (bad / file).write_text("benchmark: [")
    with pytest.raises(UnitFailed, match=f"1 of 2 units could not be logged: {bad}"):
        track_results(tmp_path / "results", tracker_of([f"tracker.dir={tmp_path}"]))
    assert len(runs(tmp_path)) == 1


def test_a_failure_of_the_tracker_is_a_failure(tmp_path: Path) -> None:
    good = finished(tmp_path / "results" / "tid2013" / "cell" / "a")
    (tmp_path / "file").touch()
    with pytest.raises(UnitFailed, match=f"1 of 1 units could not be logged: {good}"):
        track_results(good, tracker_of([f"tracker.dir={tmp_path / 'file'}"]))


def test_nothing_to_log(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="holds no finished unit"):
            track_results(folder, TrackerConfig(name="wandb"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("goal=clip", "only the tracker's settings"),
        ("tracker.mod=online", "no key tracker.mod; the nearest are tracker.mode"),
        ("tracker.mode=sometimes", "tracker.mode=sometimes: choose"),
        ("tracker.name=none", "would log nothing"),
        ("online", "only the tracker's settings"),
    ],
)
def test_settings_that_are_none_of_the_trackers(override: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        tracker_of([override])
