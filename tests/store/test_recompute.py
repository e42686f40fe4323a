"""Statistics made again from what is on disk: the same numbers, and nothing else is touched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from iqa_lab.statistics.table import COLUMNS
from tests.conftest import Finished

Command = Callable[..., Finished]
# all seven photographs: of fewer there is no interval
RMSE = ["goal=baseline", "dataset=none", "architecture=rmse", "tracker=none", "statistics.resamples=50",
        "benchmark.distortions=[jpeg,gaussian_blur]"]  # fmt: skip


@pytest.fixture
def unit(iqa_lab: Command, levels_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IQA_LAB_DATA", str(levels_home))
    done = iqa_lab("run", *RMSE)
    assert done.code == 0, done.err
    (file,) = Path("results").glob("*/*/*/result.json")
    return file.parent


def test_the_same_numbers_without_images(iqa_lab: Command, unit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in unit.iterdir() if path.is_file()}
    result = json.loads(before["result.json"])
    headline = result["headline"]
    assert headline["srcc_heldout"] == headline["srcc_best"]  # one column: nothing to choose
    table = pd.read_csv(unit / "correlations.csv")
    assert list(table.columns) == COLUMNS and table["logistic_converged"].all() and table["rmse"].gt(0).all()

    monkeypatch.setenv("IQA_LAB_DATA", "nowhere")
    (unit / "correlations.csv").write_text(table.assign(srcc=9, plcc_logistic=9).to_csv(index=False))
    (unit / "result.json").write_text(json.dumps({**result, "headline": {}}))
    done = iqa_lab("report", "--recompute")
    assert done.code == 0 and "recomputed the statistics of 1 unit in results" in done.out
    assert {path.name: path.read_bytes() for path in unit.iterdir() if path.is_file()} == before | {
        "result.json": (unit / "result.json").read_bytes()
    }
    assert json.loads((unit / "result.json").read_text()) == result


def test_a_damaged_unit_does_not_stop_the_others(iqa_lab: Command, unit: Path) -> None:
    damaged = unit.parent / "0123456789ab"
    shutil.copytree(unit, damaged)
    (damaged / "config.yaml").write_text("colour: red\n")
    (unit / "correlations.csv").write_text(pd.read_csv(unit / "correlations.csv").assign(srcc=9).to_csv(index=False))
    done = iqa_lab("report", "--recompute", "results")
    assert done.code == 1 and "1 of 2 units could not be recomputed" in done.error_line
    assert "0123456789ab" in done.error_line and "Traceback" not in done.err
    assert (pd.read_csv(unit / "correlations.csv")["srcc"] < 1).all()


def test_other_settings_are_taken_and_shown(iqa_lab: Command, unit: Path) -> None:
    before = pd.read_csv(unit / "correlations.csv")
    done = iqa_lab("report", "--recompute", "results", "statistics.confidence=.5")
    after = pd.read_csv(unit / "correlations.csv")
    assert done.code == 0 and set(after["confidence"]) == {0.5} and (after["srcc"] == before["srcc"]).all()
    assert (after["srcc_low"] > before["srcc_low"]).any()
    again = iqa_lab("run", *RMSE)
    assert again.code == 0 and "SRCC [95 %]" in again.out and "statistics.confidence=0.95 (was 0.5)" in again.err
    assert pd.read_csv(unit / "correlations.csv").equals(before)
    half = iqa_lab("run", *RMSE, "statistics.confidence=.5")  # fmt: skip
    assert "SRCC [50 %]" in half.out and "Nothing to do" not in half.out


def test_misuse(iqa_lab: Command) -> None:
    empty = iqa_lab("report", "--recompute", "nowhere")
    assert empty.code == 2 and "nowhere holds no finished unit" in empty.error_line
    several = iqa_lab("report", "--recompute", "one", "two")
    assert several.code == 2 and "one results folder, not 2" in several.error_line
