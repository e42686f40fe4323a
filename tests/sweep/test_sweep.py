"""Sweeps as a person runs them: skipped, resumed, retried, on several processes; status and results."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

import iqa_lab as package
from iqa_lab.cli import sweep as command
from iqa_lab.config import configuration_folder
from iqa_lab.sweep import sweeper
from iqa_lab.sweep.ledger import DONE, FAILED, LOST, MISSING, Ledger
from tests.conftest import Finished, untrained
from tests.store.test_files import full_disk
from tests.sweep.faults import write_pairs

Command = Callable[..., Finished]


def interrupted(*_: object, **__: object) -> None:
    """Ctrl-C that met somebody else's code, which failed on its way out."""
    try:
        raise KeyboardInterrupt
    finally:
        raise AttributeError("flags")


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """Overrides for nine pairs of one's own, and little else."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    return ["benchmark=table", f"benchmark.path={write_pairs(folder)}", "statistics.resamples=20", "tracker=none",
            "dataset=none", "layers=[0]", "runtime.device=cpu"]  # fmt: skip


def units(results: Path = Path("results")) -> list[Path]:
    return sorted(path.parent for path in results.glob("table/*/*/result.json"))


def records(results: Path = Path("results")) -> dict[str, dict[str, object]]:
    return {str(record["name"]): record for record in Ledger(results).read_all().values()}


def test_a_sweep_its_plan_its_status_and_the_same_again(iqa_lab: Command, small: list[str]) -> None:
    grid = ["goal=baseline,untrained", "architecture=psnr,rmse,squeezenet1_1", "readout=plain,mean", *small]
    plan = iqa_lab("sweep", *grid, "--dry-run")
    assert plan.code == 0 and not units(), plan.err
    assert "3 units: 0 done, 0 running, 0 failed, 3 missing; 3 empty cells" in plan.out
    assert "to do: 3 units, 36 forwards" in plan.out and "a baseline has no weights that could stay random" in plan.out
    first = iqa_lab("sweep", *grid)
    assert first.code == 0 and len(units()) == 3, first.err
    assert set(pd.read_csv(units()[2] / "correlations.csv")["readout"]) == {"plain", "mean"}
    written = {path: path.stat().st_mtime_ns for unit in units() for path in unit.iterdir()}
    again = iqa_lab("sweep", *grid)
    assert again.code == 0 and "3 done" in again.out and "1 of" not in again.err
    assert {path: path.stat().st_mtime_ns for path in written} == written
    status = iqa_lab("status")
    assert status.code == 0 and "3 units: 3 done, 0 running, 0 failed, 0 missing; 3 empty cells" in status.out
    wider = iqa_lab("status", *grid, "architecture=psnr,rmse,squeezenet1_1,ssim_gray")
    assert "4 units: 3 done" in wider.out and "missing: baseline-none-ssim_gray on table" in wider.out
    grown = iqa_lab("sweep", *grid, "readout=std,mean")
    assert grown.code == 0 and set(pd.read_csv(units()[2] / "correlations.csv")["readout"]) == {"plain", "mean", "std"}
    table = package.results("results")
    assert table["unit"].nunique() == 3 and len(iqa_lab("results", "--csv").out.splitlines()) == len(table) + 1
    assert "squeezenet1_1" not in iqa_lab("results", "--where", "goal=baseline").out
    (network,) = (unit for unit in units() if "squeezenet1_1" in str(unit))
    alone = iqa_lab("run", "goal=untrained", "architecture=squeezenet1_1", "readout=manhattan", *small)
    assert alone.code == 0 and "3 done" in iqa_lab("status", *grid).out  # one that has grown is done as it was
    content = json.loads((network / "result.json").read_text())
    content["columns"]["plain@pixels"]["function"] = "another"
    (network / "result.json").write_text(json.dumps(content, indent=2))
    assert "2 done" in iqa_lab("status", *grid).out
    forced = iqa_lab("sweep", *grid, "--force")
    assert forced.code == 0 and forced.err.count(" of 3: ") == 3


def test_what_a_result_was_made_of_is_looked_at_before_it_is_skipped(
    iqa_lab: Command, small: list[str], tmp_path: Path
) -> None:
    state = untrained("squeezenet1_1").module.state_dict()
    torch.save(state, tmp_path / "x.pth")
    small[small.index("dataset=none")] = "dataset=imagenet1k"
    grid = ["goal=classification", "architecture=squeezenet1_1", f"weights.path={tmp_path / 'x.pth'}", *small]

    def left() -> int:
        return iqa_lab("status", *grid).out.count(" 1 missing")

    assert iqa_lab("sweep", *grid).code == 0 and not left()
    torch.save({key: value + 0.01 for key, value in state.items()}, tmp_path / "x.pth")  # other weights
    assert left() and iqa_lab("sweep", *grid).code == 0 and len(units()) == 2
    pairs = Path(small[1].partition("=")[2])
    pairs.write_text(pairs.read_text().replace("-3", "-5"))  # another opinion
    assert left() and iqa_lab("sweep", *grid).code == 0 and len(units()) == 3
    shutil.copy(pairs.parent / "r0_2.png", pairs.parent / "r0_1.png")  # another image
    assert left() and iqa_lab("sweep", *grid).code == 0 and len(units()) == 4
    shutil.rmtree(max(units(), key=lambda unit: (unit / "result.json").stat().st_mtime_ns))  # a result that is gone
    assert left() and iqa_lab("sweep", *grid).code == 0
    (tmp_path / "x.pth").unlink()  # weights that are gone contradict nothing
    assert not left()


def test_all_failures_are_listed_and_only_they_are_retried(iqa_lab: Command, small: list[str], tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"?" * 100)
    bad = f"weights.path={tmp_path / 'x.pth'},null"
    grid = ["goal=segmentation,untrained", "architecture=squeezenet1_1,shufflenet_v2_x0_5", bad, *small]
    grid[grid.index("dataset=none")] = "dataset=voc,none"
    done = iqa_lab("sweep", *grid)
    assert done.code == 1 and len(units()) == 2
    failed = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 4 and all("results/.sweep/units/" in line for line in failed)
    assert "4 of 6 units failed, as listed above" in done.err.splitlines()[-1]
    status = iqa_lab("status")
    assert "6 units: 2 done, 0 running, 4 failed, 0 missing" in status.out and status.out.count("failed: ") == 4
    log = next(Path(line.rpartition("; log ")[2]) for line in failed)
    assert log.read_text().strip()
    (tmp_path / "x.pth").unlink()
    shutil.rmtree(units()[0])
    retried = iqa_lab("sweep", *grid, "--retry", "failed")
    assert retried.code == 1 and "4 units: 0 done, 0 running, 4 failed" in retried.out and len(units()) == 1
    assert iqa_lab("sweep", *grid, "--retry", "everything").code == 2


def test_what_took_its_process_with_it_comes_last(iqa_lab: Command, small: list[str]) -> None:
    """In one process the same command would else die at the same unit again, before any other is done."""
    grid = ["goal=baseline,untrained", "architecture=psnr,squeezenet1_1", *small]
    assert iqa_lab("sweep", *grid).code == 0
    shutil.rmtree("results/table")

    def order() -> list[str]:
        lines = iqa_lab("sweep", *grid, "--dry-run").out.splitlines()
        return [line.split()[0] for line in lines if line.startswith(("baseline", "untrained"))]

    assert order() == ["untrained-none-squeezenet1_1", "baseline-none-psnr"]
    known = Ledger(Path("results"))
    key = next(key for key, record in known.read_all().items() if "squeezenet1_1" in str(record["name"]))
    known.write(key, {**known.read_all()[key], "state": "running"})  # and no process that claims it
    assert order() == ["baseline-none-psnr", "untrained-none-squeezenet1_1"]


def test_status_watches_until_nothing_is_left(
    iqa_lab: Command, small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks again and again; here the results come while it sleeps."""
    grid = ["goal=baseline", "architecture=psnr,rmse", *small]
    assert iqa_lab("sweep", *grid).code == 0
    here, away = Path("results/table"), Path("results/away")
    here.rename(away)
    looks = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        away.rename(here)

    monkeypatch.setattr(command.time, "sleep", sleep)
    watched = iqa_lab("status", *grid, "--watch")
    assert watched.code == 0 and looks == [2]
    assert "2 units: 2 done, 0 running, 0 failed, 0 missing" in watched.out


def test_a_corrupt_image_and_a_missing_benchmark_stop_nothing_else(
    iqa_lab: Command, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path / "nowhere"))
    pairs = Path(small[1].partition("=")[2])
    image = pairs.parent / "r1_1.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:100])
    small = [*small[2:], "goal=baseline", "architecture=psnr,rmse", f"benchmark.path={pairs}"]
    done = iqa_lab("sweep", "benchmark=table", *small)
    assert done.code == 1 and not units() and done.err.count("failed: baseline") >= 2
    assert f"{image} is damaged or no image" in done.err
    image.write_bytes(whole)
    assert iqa_lab("sweep", "benchmark=table", *small).code == 0 and len(units()) == 2
    absent = iqa_lab("sweep", "benchmark=tid2013", *[entry for entry in small if not entry.startswith("benchmark.")])
    assert absent.code == 1 and absent.err.count("benchmark tid2013 is not there") == 2
    assert "1 of 2" not in absent.err  # nothing was started for it


def test_a_full_disk_stops_nothing_and_leaves_nothing_half(iqa_lab: Command, small: list[str]) -> None:
    grid = ["goal=untrained", "architecture=squeezenet1_1", "readout=plain,mean", "weights.seed=0,1", *small,
            "layers=all"]  # fmt: skip
    with full_disk(7000):  # room for records and plans, not for all of a result
        full = iqa_lab("sweep", *grid)
    assert full.code == 1 and full.err.count("cannot write results to") >= 2 and not units()
    assert iqa_lab("sweep", *grid).code == 0 and len(units()) == 2
    assert not list(Path("results").rglob(".unfinished-*"))
    Path("file").touch()
    assert "cannot write results to file" in iqa_lab("sweep", *grid, "results=file").error_line


def test_what_two_experiments_ask_for_is_one_unit(iqa_lab: Command) -> None:
    counts = {name: iqa_lab("status", f"experiment={name}").out.split()[0] for name in ("task", "width", "task,width")}
    assert counts == {
        "task": "12",
        "width": "21",
        "task,width": str(12 + 21 - 9),
    }  # shared: trained, 5 seeds, baselines


def test_wrong_grids_are_one_line(iqa_lab: Command, small: list[str]) -> None:
    assert "every cell of this grid is empty" in iqa_lab("sweep", "goal=jigsaw", "architecture=vgg16").error_line
    assert "goal has no option jigsav" in iqa_lab("sweep", "goal=jigsav,dino").error_line
    assert "there was no sweep" in iqa_lab("status").error_line
    assert "no key benchmark.pathh" in iqa_lab("sweep", "benchmark.pathh=a,b").error_line


class FakePlan:
    """Just what ``sweeper.execute`` looks at: units whose state a test moves."""

    def __init__(self, results: Path, states: dict[str, str]) -> None:
        self.results, self.states = results, states
        self.tries = dict.fromkeys(states, 0)

    @property
    def units(self) -> tuple[object, ...]:
        class Entry:
            def __init__(self, key: str, state: str, tries: int) -> None:
                self.key, self.state, self.record = key, state, {"sweep": "now", "tries": tries}

        return tuple(Entry(key, state, self.tries[key]) for key, state in self.states.items())


def test_a_unit_that_takes_its_neighbours_with_it_is_at_last_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As joblib does: when one worker is killed, all are."""
    plan = FakePlan(tmp_path, dict.fromkeys("abcdeP", MISSING))
    monkeypatch.setattr(sweeper, "refreshed", lambda plan: plan)
    launches: list[tuple[str, int]] = []

    def launch(wanted: list, jobs: int) -> None:  # type: ignore[type-arg]
        launches.append(("".join(entry.key for entry in wanted), jobs))
        waiting = [entry.key for entry in wanted]
        while waiting:
            at_once = [waiting.pop(0) for _ in range(min(jobs, len(waiting)))]
            for key in at_once:
                plan.tries[key] += 1
            if "P" in at_once:
                plan.states.update(dict.fromkeys(at_once, LOST))
                return
            plan.states.update(dict.fromkeys(at_once, DONE))

    sweeper.execute(plan, "now", launch, 3, forced=False)  # type: ignore[arg-type]
    assert plan.states == {**dict.fromkeys("abcde", DONE), "P": LOST} and plan.tries["P"] == sweeper.TRIES
    assert launches[-1][1] == 1 and max(plan.tries[key] for key in "abcde") <= sweeper.TRIES


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("sweep.work.compute", {MISSING}),
        ("sweep.benchmarks.examine", set()),
        ("tracking.wandb.log_unit", {MISSING}),
        ("store.files.UnitFolder._tabulate", {MISSING}),
    ],
)
def test_ctrl_c_under_another_error_ends_a_sweep_and_fails_no_unit(
    iqa_lab: Command, small: list[str], monkeypatch: pytest.MonkeyPatch, where: str, left: set[str]
) -> None:
    monkeypatch.setattr(f"iqa_lab.{where}", interrupted)
    tracked = ["tracker=wandb", "tracker.mode=offline"]
    done = iqa_lab("sweep", "goal=baseline", "architecture=psnr,rmse", *small, *tracked, "hydra/launcher=basic")
    assert done.code == 2 and "interrupted: " in done.error_line, done.err
    assert {record["state"] for record in records().values()} == left


def test_a_launcher_that_does_nothing_ends_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = FakePlan(tmp_path, {"a": MISSING, "b": FAILED})
    plan.tries["b"] = 1
    monkeypatch.setattr(sweeper, "refreshed", lambda plan: plan)
    calls = []
    sweeper.execute(plan, "now", lambda *asked: calls.append(asked), 2, forced=False)  # type: ignore[arg-type]
    assert len(calls) == 1


def test_only_one_process_computes_a_unit(tmp_path: Path) -> None:
    known = Ledger(tmp_path)
    with known.claim("k") as mine:
        assert mine and known.is_claimed("k")
        child = os.fork()
        if not child:
            with Ledger(tmp_path).claim("k") as theirs:
                os._exit(int(theirs))
        assert os.waitpid(child, 0)[1] == 0
    assert not known.is_claimed("k")
    known.write("k", {"state": "done"})
    (known.folder / "half.json").write_text('{"state": ')
    assert known.read_all() == {"k": {"state": "done"}} and json.loads((known.folder / "k.json").read_text())


@pytest.mark.slow
def test_a_unit_that_is_killed_takes_no_other_with_it(
    iqa_lab: Command, small: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In two processes of joblib, a network kills its process with -9 while it is built."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (tmp_path / "poison.py").write_text("import os\n\ndef network():\n    os.kill(os.getpid(), 9)\n")
    monkeypatch.syspath_prepend(str(tmp_path))  # joblib's workers inherit it
    mine = tmp_path / "mine" / "architecture"
    mine.mkdir(parents=True)
    custom = (configuration_folder() / "architecture" / "custom.yaml").read_text()
    (mine / "poison.yaml").write_text(custom.replace("custom", "poison").replace("???", "poison.network"))
    done = iqa_lab(
        "sweep", "--config-dir", str(mine.parent), "goal=untrained,baseline",
        "architecture=poison,psnr,rmse,ssim_gray,squeezenet1_1", *small, "hydra/launcher=processes",
        "hydra.sweeper.jobs=2",
    )  # fmt: skip
    assert done.code == 1 and len(units()) == 4, done.err
    failed = [line for line in done.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1 and "untrained-none-poison on table: its process ended without a word" in failed[0]
    assert "1 of 5 units failed" in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    "swept", ["statistics.confidence=.9,.8", "statistics.seed=1,2", "benchmark.headline=srcc,plcc"]
)
def test_one_result_cannot_have_two_tables(iqa_lab: Command, tmp_path: Path, swept: str) -> None:
    pairs = write_pairs(tmp_path)
    done = iqa_lab("status", "goal=baseline", "dataset=none", "architecture=rmse", "benchmark=table",
                   f"benchmark.path={pairs}", "tracker=none", swept)  # fmt: skip
    assert done.code == 2 and "is asked for twice" in done.error_line and swept.partition("=")[0] in done.error_line


@pytest.mark.parametrize("setting", ["benchmark.votes=true", "benchmark.people=[2,4]"])
def test_what_opinions_say_of_people_makes_no_unit_unfinished(iqa_lab: Command, tmp_path: Path, setting: str) -> None:
    """Votes tell how many people judged, which a result's table was made with; the configuration does not."""
    pairs = write_pairs(tmp_path)
    once = pd.read_csv(pairs)
    pd.concat([once, once.assign(opinion=once["opinion"] + 1)]).to_csv(tmp_path / "votes.csv", index=False)
    table = tmp_path / "votes.csv" if setting.endswith("true") else pairs
    command = ["goal=baseline", "dataset=none", "architecture=rmse", "benchmark=table", f"benchmark.path={table}",
               setting, "statistics.resamples=20", "tracker=none"]  # fmt: skip
    first = iqa_lab("sweep", *command)
    assert first.code == 0, first.err
    (result,) = Path("results").glob("table/*/*/result.json")
    people = json.loads(result.read_text())["statistics"]["benchmark.people"]
    assert people == (2 if setting.endswith("true") else [2, 4])
    assert "1 unit: 1 done" in iqa_lab("status", *command).out
