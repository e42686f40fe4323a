"""W&B, read back with W&B's own reader: one run a unit, complete, and never in the way."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from iqa_lab.config import Config
from iqa_lab.errors import UserError
from iqa_lab.tracking.content import MOST_PAIRS, group_of, pairs_of, steps_of, tags_of
from iqa_lab.tracking.wandb import check_tracker, summary_of, track_unit
from tests.conftest import composed

RESULT = {
    "signature": "0123456789ab", "weights_digest": "f" * 64, "n_expected": 3, "n_scored": 3, "device": "cpu",
    "versions": {},
}  # fmt: skip


def correlations(*readouts: str) -> pd.DataFrame:
    rows = [
        {"layer": layer, "depth": depth, "readout": readout, "n": 3, "srcc": value, "srcc_low": value - 0.1,
         "srcc_high": value + 0.1, "plcc": 0.5, "krcc": 0.4, "srcc_within_distortion": 0.9, "weights": "alexnet",
         "logistic_converged": None}
        for readout in readouts
        for layer, depth, value in [("pixels", 0.0, 0.9), ("features.1", 0.0, 0.3), ("features.4", 0.5, 0.7)]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def config(tmp_path: Path, *overrides: str) -> Config:
    return composed(
        f"tracker.dir={tmp_path}", "tracker.group=quick", "architecture=alexnet", "benchmark=tid2013", *overrides
    )


def runs(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "wandb").glob("offline-run-*"))


def read_back(run: Path, *options: str) -> str:
    """What W&B's own reader prints of an offline run."""
    wandb = Path(sys.executable).parent / "wandb"
    done = subprocess.run([wandb, "leet", "inspect", *options, run], capture_output=True, text=True, check=True)
    return done.stdout


def test_one_unit_is_one_run_that_holds_factors_headline_and_table(tmp_path: Path) -> None:
    track_unit(correlations("plain"), RESULT, config(tmp_path))
    (run,) = runs(tmp_path)
    found = json.loads(read_back(run, "--summary", "--json"))
    assert found["config"]["architecture"] == "alexnet" and found["config"]["human_opinion"] is True
    assert found["summary"]["best_layer"] == "features.4" and found["summary"]["srcc_best"] == 0.7
    assert found["summary"]["srcc_pixels"] == 0.9
    records = [json.loads(line) for line in read_back(run, "--json").splitlines()]
    (described,) = (record["run"] for record in records if record["type"] == "run")
    assert described["display_name"] == "classification-imagenet1k-alexnet-tid2013"
    assert (described["run_id"], described["run_group"], described["job_type"]) == ("0123456789ab", "quick", "evaluate")
    (table,) = run.glob("files/media/table/correlations*.json")
    content = json.loads(table.read_text())
    assert content["columns"][:3] == ["layer", "depth", "readout"] and len(content["data"]) == 3


def test_a_grown_unit_is_still_one_run(tmp_path: Path) -> None:
    track_unit(correlations("plain"), RESULT, config(tmp_path))
    track_unit(correlations("mean", "plain"), RESULT, config(tmp_path))
    (run,) = runs(tmp_path)
    (table,) = run.glob("files/media/table/correlations*.json")
    assert len(json.loads(table.read_text())["data"]) == 6


def test_choices_are_logged_with_what_was_chosen_on_other_references(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    of_opinions = ["n", "plcc", "krcc", "srcc_within_distortion", "logistic_converged"]
    table = correlations("plain").drop(columns=of_opinions).assign(n=3)
    table.columns = [name.replace("srcc", "agreement") for name in table.columns]
    headline = {"agreement_heldout": 0.65, "agreement_heldout_low": 0.6, "agreement_heldout_high": 0.7,
                "chosen_how_often": 0.8, "agreement_best": 0.7, "agreement_low": 0.66}  # fmt: skip
    settings = composed(f"tracker.dir={tmp_path}", "architecture=alexnet", "benchmark=bapps")
    track_unit(table, {**RESULT, "headline": headline}, settings)
    assert "could not log" not in capfd.readouterr().err
    (run,) = runs(tmp_path)
    found = json.loads(read_back(run, "--summary", "--json"))["summary"]
    assert found["agreement_heldout"] == 0.65 and found["agreement_best"] == 0.7
    assert found["headline"] == "agreement_heldout .650 [.600, .700]"
    assert "agreement_low" not in found  # the interval of the best, as earlier versions had it


def test_the_summary_begins_with_what_is_held_out(tmp_path: Path) -> None:
    facts = {"srcc_heldout": 0.65, "srcc_heldout_low": None, "srcc_heldout_high": None}
    summary = summary_of(correlations("plain"), facts, config(tmp_path))
    assert list(summary)[:2] == ["headline", "srcc_heldout"] and "no interval" in summary["headline"]
    assert summary["srcc_best"] == 0.7 and not {"srcc_low", "srcc_high"} & set(summary)
    assert summary_of(correlations("plain"), {}, config(tmp_path))["headline"].startswith("no held-out value")


def test_a_synced_run_is_never_removed(tmp_path: Path) -> None:
    track_unit(correlations("plain"), RESULT, config(tmp_path))
    (run,) = runs(tmp_path)
    (run / "run-0123456789ab.wandb.synced").touch()
    track_unit(correlations("mean", "plain"), RESULT, config(tmp_path))
    assert run in runs(tmp_path)


def test_a_failure_of_wandb_is_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    track_unit(correlations("plain"), RESULT, config(tmp_path, f"tracker.dir={tmp_path / 'file'}"))
    assert "W&B could not log this unit" in capfd.readouterr().err


def test_no_tracker_leaves_nothing(tmp_path: Path) -> None:
    track_unit(correlations("plain"), RESULT, config(tmp_path, "tracker=none"))
    assert not (tmp_path / "wandb").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("tracker.project=a/b", "tracker.project=a/b: W&B takes 1 to 128 characters, none of"),
        ("tracker.project=" + "x" * 129, "W&B takes 1 to 128 characters"),
        ("tracker.group=" + "x" * 129, "W&B takes 1 to 128 characters"),
        ("tracker.entity=''", "tracker.entity=: W&B takes 1 to 64 characters"),
    ],
)
def test_names_that_wandb_refuses_are_refused_before_the_work(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_tracker(composed(setting))


def pairs(count: int = 12) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "reference": [f"r{number // 4}" for number in range(count)],
            "distorted": [f"d{number}" for number in range(count)],
            "distortion": 1,
            "level": 1,
            "opinion": range(count),
            "plain@features.4": [float(count - number) for number in range(count)],
        }
    )


def test_a_step_a_layer_over_depth_the_pairs_and_what_a_run_is_found_by(tmp_path: Path) -> None:
    """What a workspace, and leet, draw by themselves; read back with W&B's own reader."""
    headline = {"srcc_heldout": 0.65, "srcc_heldout_low": 0.6, "srcc_heldout_high": 0.7}
    settings = composed(f"tracker.dir={tmp_path}", "architecture=alexnet", "benchmark=tid2013")
    track_unit(correlations("plain", "mean"), {**RESULT, "headline": headline}, settings, pairs)
    (run,) = runs(tmp_path)
    found = json.loads(read_back(run, "--summary", "--json"))
    assert found["config"]["references"] == 3 and found["config"]["layers"] == 2
    assert found["config"]["goal_family"] == settings.goal.family
    assert found["config"]["dataset_images"] == settings.dataset.images
    records = [json.loads(line) for line in read_back(run, "--json").splitlines()]
    (described,) = (record["run"] for record in records if record["type"] == "run")
    assert described["run_group"] == "single runs on tid2013"
    assert {"classification", "alexnet", "tid2013", "human opinion"} <= set(described["tags"])
    text = json.dumps(records)
    assert "srcc/plain" in text and "srcc/mean" in text
    assert "best of all columns, chosen in-sample; srcc_heldout .650 [.600, .700]" in text
    (table,) = run.glob("files/media/table/pairs*.json")
    content = json.loads(table.read_text())
    assert content["columns"] == ["reference", "distorted", "distortion", "level", "opinion", "score"]
    assert [row[-1] for row in content["data"]] == [float(12 - number) for number in range(12)]


def test_steps_are_layers_by_depth_without_pixels_concatenations_and_what_is_undefined() -> None:
    table = correlations("plain", "mean")
    together = table[table["layer"] == "features.4"].assign(layer="concat_1-2")
    table = pd.concat([table.iloc[::-1], together])
    table.loc[(table["layer"] == "features.1") & (table["readout"] == "mean"), "srcc"] = float("nan")
    assert list(steps_of(table)) == [
        {"depth": 0.0, "layer": "features.1", "srcc/plain": 0.3},
        {"depth": 0.5, "layer": "features.4", "srcc/mean": 0.7, "srcc/plain": 0.7},
    ]
    choices = correlations("plain").rename(columns=lambda name: name.replace("srcc", "agreement"))
    assert [set(step) for step in steps_of(choices)] == [{"depth", "layer", "agreement/plain"}] * 2


@pytest.mark.parametrize(("count", "drawn"), [(9, 9), (MOST_PAIRS, MOST_PAIRS), (MOST_PAIRS + 1, MOST_PAIRS)])
def test_of_many_pairs_a_seeded_sample_is_shown(count: int, drawn: int) -> None:
    shown = pairs_of(pairs(count), "plain@features.4")
    assert len(shown) == drawn and shown.equals(pairs_of(pairs(count), "plain@features.4"))
    assert (shown["score"] + shown["opinion"] == count).all()


@pytest.mark.parametrize("length", [64, 65, 300])
def test_tags_are_as_long_as_wandb_takes_them(length: int) -> None:
    settings = composed("architecture=alexnet")
    settings.benchmark.name = "b" * length
    assert max(map(len, tags_of(settings))) == 64 and len(group_of(settings)) <= 128
