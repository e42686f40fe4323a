"""``run --dry-run`` says what a run would do, and does nothing."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from iqa_lab.progress import console
from iqa_lab.sweep.bar import Standing, sweep_bar, told
from iqa_lab.sweep.ledger import DONE, FAILED, RUNNING
from tests.conftest import Finished

Command = Callable[..., Finished]


@pytest.fixture
def pairs(small_pairs: pd.DataFrame, tmp_path: Path) -> list[str]:
    table = small_pairs.assign(reference=small_pairs["reference_path"], distorted=small_pairs["distorted_path"])
    table.assign(opinion=-table["level"])[["reference", "distorted", "opinion"]].to_csv(tmp_path / "p.csv", index=False)
    return ["benchmark=table", f"benchmark.path={tmp_path / 'p.csv'}", "goal=untrained", "dataset=none",
            "architecture=squeezenet1_1", "layers=[0]", "tracker=none"]  # fmt: skip


def test_it_says_what_would_be_done_and_what_is_there(iqa_lab: Command, pairs: list[str]) -> None:
    said = iqa_lab("run", *pairs, "--dry-run")
    assert said.code == 0, said.err
    for words in ("12 of 12 pairs, 3 references", "2: each layer", "nothing yet", "15 forwards, 2 columns", "GiB and"):
        assert words in said.out
    assert "Nothing was run" in said.out and not Path("results").exists() and not Path("wandb").exists()
    assert iqa_lab("run", *pairs).code == 0
    before = {path: path.stat().st_mtime_ns for path in Path("results").rglob("*")}
    again = iqa_lab("run", *pairs, "--dry-run")
    assert "there already: results/table/untrained-none-squeezenet1_1/" in again.out and "forwards" not in again.out
    more = iqa_lab("run", *pairs, "--dry-run", "readout=[plain,mean]")
    assert "2 of 4 columns" in more.out and "2 columns, batches" in more.out
    assert {path: path.stat().st_mtime_ns for path in Path("results").rglob("*")} == before


def test_weights_that_are_not_here_are_not_downloaded(
    iqa_lab: Command, pairs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("iqa_lab.networks.sources.find_weights_file", None)
    trained = [
        "goal=classification",
        "dataset=imagenet1k",
        *(one for one in pairs if not one.startswith(("goal", "da"))),
    ]
    said = iqa_lab("run", *trained, "--dry-run")
    assert said.code == 0 and "not here: the run downloads them" in said.out, said.err


def test_wrong_use_is_refused_as_by_the_run(iqa_lab: Command, pairs: list[str]) -> None:
    wrong = iqa_lab("run", *pairs, "layers=[nothing]", "--dry-run")
    assert wrong.code == 2 and "no such layer: nothing" in wrong.error_line


class _Unit:
    def __init__(self, key: str, seconds: float) -> None:
        self.key, self.seconds = key, seconds


class _Ledger:
    def __init__(self) -> None:
        self.records: dict[str, dict[str, str]] = {}

    def read(self, key: str) -> dict[str, str]:
        return self.records.get(key, {})


def test_the_bar_of_a_sweep_counts_what_ended_in_this_sweep() -> None:
    known = _Ledger()
    standing = Standing([_Unit("a", 10), _Unit("b", 30), _Unit("c", 20)], "now", known)  # type: ignore[arg-type,list-item]
    known.records = {"a": {"sweep": "before", "state": DONE}, "b": {"sweep": "now", "state": RUNNING}}
    assert standing.look() == (0, 0, None)  # nobody knows how long it takes
    known.records = {"a": {"sweep": "now", "state": DONE}, "b": {"sweep": "now", "state": FAILED}}
    standing.started -= 20
    done, failed, left = standing.look()
    assert (done, failed) == (1, 1) and left == pytest.approx(10, abs=2)  # 40 foreseen seconds took 20
    assert told(1, 1, 1) == "1 unit done, 1 failed, 1 left"
    with sweep_bar([], "now", known):  # type: ignore[arg-type]
        assert not console.is_terminal
