"""The commands as a person uses and misuses them: what is printed, what is left, which exit code."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image

import iqa_lab
from iqa_lab.benchmarks.levels import RECIPE
from iqa_lab.cli.main import main
from iqa_lab.statistics.table import COLUMNS
from tests.conftest import ROOT, Finished, made_once, untrained

Command = Callable[..., Finished]
UNTRAINED = ["goal=untrained", "dataset=none", "architecture=squeezenet1_1", "benchmark.allow_missing=true"]


@pytest.fixture(scope="session")
def few_at_half_size(levels_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty of the 350 pairs of ``levels`` at half their size, for passes that take a quarter of their time."""

    def make(home: Path) -> None:
        for folder, pattern in [("reference", "c*a.png"), ("distorted", "ch*.[bmj]*.png")]:
            (home / folder).mkdir(parents=True)
            for path in (levels_home / "levels" / RECIPE / folder).glob(pattern):
                Image.open(path).reduce(2).save(home / folder / path.name)

    return made_once(tmp_path_factory, "few-at-half-size", make)


@pytest.fixture
def few(few_at_half_size: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own with these pairs as the benchmark ``levels``; the folder of its images."""
    home = tmp_path_factory.mktemp("few")
    kept = home / "levels" / RECIPE
    shutil.copytree(few_at_half_size, kept)
    monkeypatch.setenv("IQA_LAB_DATA", str(home))
    return kept


def results(folder: Path = Path("results")) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/*/*/result.json"))


def test_a_run_leaves_the_contracts_files_and_the_second_does_nothing(iqa_lab: Command, few: Path) -> None:
    first = iqa_lab("run", *UNTRAINED, "readout=[plain,mean]")
    assert first.code == 0, first.err
    assert "pixels" in first.out and "No human judgement" in first.out and "Result in results/levels/" in first.out
    assert "forwards" in first.err and "columns" in first.err and "GiB" in first.err
    (unit,) = results()
    assert unit.parts[:3] == ("results", "levels", "untrained-none-squeezenet1_1")
    result = json.loads((unit / "result.json").read_text())
    n = result["n_scored"]
    assert result["signature"] == unit.name and result["state"] == "done" and result["n_expected"] == 350
    assert {"hashed", "seconds", "peak_memory_mib", "versions", "device", "weights_digest"} <= set(result)
    scores = pd.read_parquet(unit / "scores.parquet")
    assert list(scores.columns[:5]) == ["reference", "distorted", "distortion", "level", "opinion"] and len(scores) == n
    network = untrained("squeezenet1_1")
    names = ["pixels", *(layer.name for layer in network.layers)]
    assert set(scores.columns[5:]) == {f"{readout}@{layer}" for readout in ("plain", "mean") for layer in names}
    assert (scores.dtypes.iloc[5:] == "float32").all()
    table = pd.read_csv(unit / "correlations.csv")
    assert list(table.columns) == COLUMNS and len(table) == 20 and (table["n"] == n).all()
    assert (table["srcc_low"] <= table["srcc_high"]).sum() + table["srcc_low"].isna().sum() == 20
    assert "squeezenet1_1" in (unit / "config.yaml").read_text()

    before = {path: path.stat().st_mtime_ns for path in unit.iterdir()}
    second = iqa_lab("run", *UNTRAINED, "readout=[plain,mean]", "runtime.batch_size=5", "runtime.workers=1")
    assert second.code == 0 and "Nothing to do" in second.out and "forwards" not in second.err
    assert {path: path.stat().st_mtime_ns for path in unit.iterdir()} == before
    assert len(list(Path("wandb").glob("offline-run-*"))) == 1


def test_a_result_grows_by_the_columns_asked_for(iqa_lab: Command, few: Path) -> None:
    assert iqa_lab("run", *UNTRAINED, "layers=[features.1]", "tracker=none").code == 0
    (unit,) = results()
    first = pd.read_parquet(unit / "scores.parquet")
    assert list(first.columns[5:]) == ["plain@pixels", "plain@features.1"]
    grown = iqa_lab("run", *UNTRAINED, "readout=[plain,mean]", "layers={last: 2}", "tracker=none")
    assert grown.code == 0 and "5 columns" in grown.err  # mean@pixels and two layers in both readouts
    assert results() == [unit]
    second = pd.read_parquet(unit / "scores.parquet")
    pd.testing.assert_frame_equal(second[first.columns], first)
    assert len(pd.read_csv(unit / "correlations.csv")) == 7
    forced = iqa_lab("run", *UNTRAINED, "layers=[features.1]", "tracker=none", "--force")
    assert forced.code == 0 and "2 columns" in forced.err
    pd.testing.assert_frame_equal(pd.read_parquet(unit / "scores.parquet")[second.columns], second)


def test_the_pixel_control_is_always_there(iqa_lab: Command, few: Path) -> None:
    assert iqa_lab("run", *UNTRAINED, "readout=mean", "layers=[0]", "tracker=none").code == 0
    scores = pd.read_parquet(results()[0] / "scores.parquet")
    assert list(scores.columns[5:]) == ["plain@pixels", "mean@pixels", "mean@features.1"]


def test_what_moves_a_number_moves_the_signature(iqa_lab: Command, few: Path) -> None:
    base = [*UNTRAINED, "layers=[features.1]", "tracker=none"]
    for extra in ([], ["preprocess.resize=64"], ["precision=bf16"], ["weights.seed=1"], ["weights.input.range=2"]):
        assert iqa_lab("run", *base, *extra).code == 0
    assert len(results()) == 5
    next(few.glob("distorted/*.png")).unlink()
    assert iqa_lab("run", *base).code == 0
    assert len(results()) == 6


def test_a_multirun_is_one_result_and_one_tracked_run_a_unit(iqa_lab: Command, few: Path) -> None:
    sweep = ["run", "-m", "architecture=squeezenet1_1,alexnet", "readout=plain,mean", *UNTRAINED[:2], UNTRAINED[3]]
    first = iqa_lab(*sweep)
    assert first.code == 0, first.err
    units = results()
    assert [unit.parent.name for unit in units] == ["untrained-none-alexnet", "untrained-none-squeezenet1_1"]
    for unit in units:
        assert set(pd.read_csv(unit / "correlations.csv")["readout"]) == {"plain", "mean"}
    runs = [path.name.split("-", 3)[3] for path in Path("wandb").glob("offline-run-*")]
    assert sorted(run for run in runs if not run.startswith("sweep-")) == sorted(unit.name for unit in units)
    assert sum(run.startswith("sweep-") for run in runs) == 1
    second = iqa_lab(*sweep)
    assert second.code == 0 and "2 done, 0 running" in second.out and "forwards" not in second.err
    assert len(list(Path("wandb").glob("offline-run-*"))) == 3


def test_a_failing_unit_of_a_multirun_does_not_stop_the_others(iqa_lab: Command, few: Path) -> None:
    Path("broken.pth").write_bytes(b"no weights")
    sweep = ["goal=segmentation,untrained", "dataset=none,voc", *UNTRAINED[2:], "tracker=none"]
    done = iqa_lab("run", "-m", *sweep, "weights.path=broken.pth,null")
    assert done.code == 1 and len(results()) == 1
    assert "failed: segmentation-voc-squeezenet1_1 on levels, weights.path=broken.pth: broken.pth was not" in done.err
    assert (
        "untrained-none-squeezenet1_1 on levels, weights.path=broken.pth: goal=untrained loads no weights" in done.err
    )
    assert "iqa-lab: 2 of 3 units failed, as listed above" in done.err.splitlines()[-1] and "Traceback" not in done.err
    assert "goal=untrained and goal=baseline go with dataset=none" in iqa_lab("sweep", *sweep, "--dry-run").out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["goal=classifcation"], "goal has no option classifcation; choose from classification,"),
        (["architecture=alexnt"], "architecture has no option alexnt; choose from alexnet,"),
        (["readout=[plain,lips]"], "readout has no option lips; choose from lpips,"),
        (
            ["weights=classification/imagenet1k/nothing"],
            "weights has no option classification/imagenet1k/nothing; choose from classification/imagenet1k/",
        ),
        (["benchmark.allow_mising=true"], "no key benchmark.allow_mising; the nearest are benchmark.allow_missing"),
        (["+benchmark.folders=x"], "no key benchmark.folders; the nearest are benchmark.folder"),
        (["precison=bf16"], "no key precison; the nearest are precision"),
        (["alexnet"], "'alexnet' is no override: write KEY=VALUE"),
        (["runtime.batch_size=many"], "runtime.batch_size=many: give a number of images, or auto"),
        (["runtime.batch_size=0"], "runtime.batch_size=0: a batch holds at least 1 image; or say auto"),
        (["runtime.workers=0"], "runtime.workers=0: at least one thread"),
        (["runtime.device=gpu7"], "runtime.device=gpu7 is not to be had here"),
        (["preprocess.resize=0"], "preprocess.resize=0: a side has at least 1 pixel"),
        (["precision=fp8"], "precision=fp8: choose fp32, tf32 or bf16"),
        (
            ["layers=[features.99]"],
            "no such layer: features.99; the layers are features.9, .*features.1, features.3, features.4, ",
        ),
        (["layers=[40]"], "no such layer: 40; the layers are"),
        (["layers={first: 2}"], "give all, fine, a list of names or indices, or {last: n}"),
        (["readout=[]"], "no readout is chosen: readout=plain"),
        (
            ["goal=segmentation", "dataset=voc"],
            "no public weights for goal=segmentation .* the nearest cells are: goal=segm",
        ),
        (["benchmark.path=/nowhere", "benchmark=tid2013"], "looked for /nowhere/mos_with_names.txt; get it from"),
        (["experiment=nothing"], "experiment has no option nothing"),
    ],
)
def test_wrong_use_is_one_line_and_leaves_nothing(
    iqa_lab: Command, few: Path, overrides: list[str], message: str
) -> None:
    import re

    finished = iqa_lab("run", *UNTRAINED, *overrides)
    assert finished.code == 2
    assert re.search(message, finished.error_line), finished.error_line
    assert not results() and not Path("wandb").exists()


def test_weights_that_cannot_be_used_are_one_line(
    iqa_lab: Command, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    monkeypatch.setenv("IQA_LAB_MIRROR", "http://no-such-host.invalid")
    offline = iqa_lab("run", "architecture=alexnet", UNTRAINED[3])
    assert offline.code == 2 and "could not download" in offline.error_line
    assert "iqa-lab list weights available=True" in offline.error_line
    torch.save(untrained("squeezenet1_1").module.state_dict(), tmp_path / "x.pth")
    said = ["goal=classification", "dataset=imagenet1k"]
    foreign = iqa_lab("run", "architecture=alexnet", *said, UNTRAINED[3], f"weights.path={tmp_path / 'x.pth'}")
    assert foreign.code == 2 and "does not fit this architecture: 12 keys missing" in foreign.error_line
    contradiction = iqa_lab("run", "architecture=alexnet", UNTRAINED[3], "weights=classification/imagenet1k/vgg16")
    assert contradiction.code == 2 and "architecture=vgg16, but the run asks" in contradiction.error_line
    assert not results()


def test_a_broken_image_is_named_and_nothing_is_written(iqa_lab: Command, few: Path) -> None:
    broken = sorted(few.glob("distorted/*.png"))[3]
    broken.write_bytes(broken.read_bytes()[:500])
    finished = iqa_lab("run", *UNTRAINED)
    assert finished.code == 2 and f"{broken} is damaged or no image" in finished.error_line
    assert not results()


def test_results_that_cannot_be_written_are_said_before_the_work(iqa_lab: Command, few: Path) -> None:
    Path("file").touch()
    finished = iqa_lab("run", *UNTRAINED, "results=file")
    assert finished.code == 2 and "cannot write results to file" in finished.error_line
    assert "forwards" not in finished.err


def test_scores_that_are_no_numbers_are_exit_code_1_and_recorded(iqa_lab: Command, few: Path, tmp_path: Path) -> None:
    state = {key: torch.full_like(value, 1e38) for key, value in untrained("squeezenet1_1").module.state_dict().items()}
    torch.save(state, tmp_path / "x.pth")
    finished = iqa_lab(
        "run", "architecture=squeezenet1_1", f"weights.path={tmp_path / 'x.pth'}", UNTRAINED[3], "tracker=none",
        "goal.name=large", "dataset=own",
    )  # fmt: skip
    assert finished.code == 1 and "scores are no finite numbers" in finished.error_line
    (unit,) = results()
    assert json.loads((unit / "result.json").read_text())["state"] == "failed"


def test_ctrl_c_leaves_nothing_half_written(levels_home: Path, tmp_path: Path) -> None:
    """The pass over seventy pairs takes many seconds, of which it has one."""
    command = [sys.executable, "-m", "iqa_lab", "run", "goal=untrained", "dataset=none", "architecture=resnet50",
               f"results={tmp_path / 'results'}", f"tracker.dir={tmp_path}", "runtime.batch_size=2",
               "benchmark.levels=[5]"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "IQA_LAB_DATA": str(levels_home)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test runner in the background ignores it
    )  # fmt: skip
    assert process.stderr is not None
    announced = process.stderr.readline()
    assert "forwards" in announced, announced
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1].startswith("iqa-lab: interrupted: ") and "Traceback" not in err
    assert not list((tmp_path / "results").rglob("*.*")) and not (tmp_path / "wandb").exists()


def test_a_configuration_folder_of_ones_own(iqa_lab: Command, few: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "architecture"
    mine.mkdir(parents=True)
    text = (ROOT / "conf" / "architecture" / "squeezenet1_1.yaml").read_text()
    (mine / "my_net.yaml").write_text(text.replace("name: squeezenet1_1", "name: my_net"))
    finished = iqa_lab(
        "run", "--config-dir", str(mine.parent), *UNTRAINED, "architecture=my_net", "layers=[0]", "tracker=none"
    )  # fmt: skip
    assert finished.code == 0, finished.err
    assert results()[0].parent.name == "untrained-none-my_net"
    listed = iqa_lab("list", "architectures", "--config-dir", str(mine.parent), "--json")
    assert "my_net" in [row["name"] for row in json.loads(listed.out)]
    (mine / "my_net.yaml").write_text("name: [broken")
    broken = iqa_lab("run", "--config-dir", str(mine.parent), *UNTRAINED, "architecture=my_net")
    assert broken.code == 2 and broken.error_line


@pytest.mark.parametrize(
    ("kind", "name", "columns"),
    [
        ("goals", "untrained", {"name", "description"}),
        ("datasets", "imagenet1k", {"name", "images"}),
        ("architectures", "alexnet", {"name", "layers"}),
        ("readouts", "plain", {"name", "formula"}),
        ("benchmarks", "tid2013", {"name", "pairs", "licence", "present"}),
        ("experiments", "environment", {"name", "question"}),
    ],
)
def test_list(iqa_lab: Command, kind: str, name: str, columns: set[str]) -> None:
    rows = json.loads(iqa_lab("list", kind, "--json").out)
    assert name in [row["name"] for row in rows] and columns <= set(rows[0])
    assert name in iqa_lab("list", kind).out


def test_list_weights_is_the_coverage(iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(tmp_path))
    rows = json.loads(iqa_lab("list", "weights", "--json").out)
    assert {"goal", "dataset", "architecture", "weights", "publisher", "licence", "available"} <= set(rows[0])
    assert {"squeezenet1_0", "squeezenet1_0.deepcompressed"} <= {row["weights"] for row in rows}
    files = [path for path in (ROOT / "conf" / "weights").rglob("*.yaml") if "untrained" not in path.parts]
    assert len(rows) == len(files) > 150
    shown = iqa_lab("list", "weights", "goal=jigsaw,rotation").out
    assert re.search(r"jigsaw +10 +2 +0 +imagenet1k 5, imagenet22k 3, yfcc100m 2", shown)  # how full the grid is
    assert re.search(r"jigsaw +yfcc100m +alexnet_jigsaw +alexnet_jigsaw +VISSL", shown)  # and the rows
    (tmp_path / "resnet20-12fca82f.th").touch()
    filtered = json.loads(iqa_lab("list", "weights", "available=True", "dataset=cifar10", "--json").out)
    assert [row["architecture"] for row in filtered] == ["resnet20_cifar"]


def test_fetch_names_what_could_not_be_had_and_takes_the_rest(
    iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    served = tmp_path / "served" / "download.pytorch.org" / "models"
    served.mkdir(parents=True)
    (served / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"not the weights")
    torch.save({}, served / "squeezenet1_0-b66bff10.pth")
    (tmp_path / "squeezenet1_0_imagenet1000.safetensors").touch()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setenv("IQA_LAB_MIRROR", f"http://127.0.0.1:{http.server_port}")
        finished = iqa_lab(
            "fetch", "goal=classification", "dataset=imagenet1k", "architecture=squeezenet1_1,mnasnet0_5"
        )
        http.shutdown()
    assert finished.code == 1
    assert "1 of 2: classification/imagenet1k/mnasnet0_5: failed: could not download" in finished.err
    assert "the server says 404" in finished.err
    assert "another file than expected and was removed" in finished.err
    assert "2 of 2 could not be fetched (classification/imagenet1k/mnasnet0_5, " in finished.error_line
    assert not list((tmp_path / "hub" / "checkpoints").iterdir())
    for wrong, message in (([], "say what to fetch with benchmark="), (["colour=blue"], "say what to fetch"),
                           (["goal=jigsaw", "architecture=vgg16"], "no public weights for goal=jigsaw")):  # fmt: skip
        refused = iqa_lab("fetch", *wrong)
        assert refused.code == 2 and message in refused.error_line


def test_fetch_verifies_and_says_what_is_here_already(
    iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, shared_weights: Path
) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(shared_weights))
    finished = iqa_lab("fetch", "dataset=cifar10")
    assert finished.code == 0, finished.err
    assert "1 of 2: classification/cifar10/resnet20_cifar: already here, verified" in finished.err


@pytest.mark.slow  # tests of verify and of recognition read the same files
def test_every_network_that_is_at_hand_runs(
    iqa_lab: Command, few: Path, monkeypatch: pytest.MonkeyPatch, shared_weights: Path
) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(shared_weights))
    rows = json.loads(iqa_lab("list", "weights", "available=True", "--json").out)
    networks = [row for row in rows if row["goal"] != "baseline"]
    assert len(networks) >= 10
    for path in sorted(few.glob("distorted/*"))[8:]:  # eight pairs tell whether a network runs
        path.unlink()
    for row in networks:
        factors = [f"{factor}={row[factor]}" for factor in ("goal", "dataset", "architecture")]
        option = f"weights={row['goal']}/{row['dataset']}/{row['weights']}"
        done = iqa_lab("run", *factors, option, "benchmark.allow_missing=true", "tracker=none",
                       "statistics.resamples=100")  # fmt: skip
        assert done.code == 0, done.err
    tables = [pd.read_csv(folder / "correlations.csv") for folder in results()]
    assert len(tables) == len(networks)
    digests = {json.loads((folder / "result.json").read_text())["weights_digest"] for folder in results()}
    assert len(digests) == len(networks)  # each with weights of its own
    for table in tables:
        assert table["srcc"].notna().all() and len(table) > 5


def test_a_network_of_ones_own_by_import_path(iqa_lab: Command, few: Path) -> None:
    missing = iqa_lab("run", "architecture=custom", *UNTRAINED[:2])
    assert missing.code == 2
    assert "architecture.constructor has to be given: architecture.constructor=VALUE" in missing.error_line
    custom = ["architecture=custom", "architecture.constructor=torchvision.models.mnasnet0_5"]
    overrides = [entry for entry in UNTRAINED if not entry.startswith("architecture=")]
    done = iqa_lab("run", *custom, "architecture.layers=[layers.8.0,layers.10.1]", *overrides)
    assert done.code == 0, done.err
    (folder,) = results()
    assert set(pd.read_csv(folder / "correlations.csv")["layer"]) == {"pixels", "layers.8.0", "layers.10.1"}
    rows = json.loads(iqa_lab("list", "layers", *custom, "--json").out)
    assert [row["name"] for row in rows][:3] == ["layers.2", "layers.5", "layers.8.0"]
    nameless = iqa_lab("list", "layers", "architecture=custom")
    assert nameless.code == 2 and "needs architecture.constructor=IMPORT.PATH" in nameless.error_line


def test_a_network_of_one_image_size_says_how_to_feed_it(iqa_lab: Command, few: Path) -> None:
    overrides = [entry for entry in UNTRAINED if not entry.startswith("architecture=")]
    refused = iqa_lab("run", "architecture=mixer_b16_224", "layers=[stem]", *overrides)
    assert refused.code == 2
    assert "takes images of 224 x 224 pixels only" in refused.error_line
    assert "preprocess.resize=[224,224]" in refused.error_line
    done = iqa_lab("run", "architecture=mixer_b16_224", "layers=[stem]", "preprocess.resize=[224,224]", *overrides)
    assert done.code == 0, done.err
    (folder,) = results()
    assert set(pd.read_csv(folder / "correlations.csv")["input"]) == {"rgb 0..1, 224 x 224"}
    wrong = iqa_lab("run", *UNTRAINED, "preprocess.resize=[1,2,3]")
    assert wrong.code == 2 and "give the short side in pixels, [height,width], or null" in wrong.error_line


def test_list_layers(iqa_lab: Command) -> None:
    rows = json.loads(iqa_lab("list", "layers", "architecture=squeezenet1_0", "--json").out)
    assert rows[0] == {"name": "features.1", "depth": 0.0, "channels": 96, "stride": 2, "layout": "map", "kind": "ReLU",
                       "fine": False}  # fmt: skip
    assert rows[-1]["name"] == "features.12" and rows[-1]["channels"] == 512 and rows[-1]["depth"] == 1
    tokens = json.loads(iqa_lab("list", "layers", "architecture=vit_small_patch16_224", "--json").out)
    assert {(row["channels"], row["stride"]) for row in tokens} == {(384, 16)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["weigts"], "cannot list 'weigts'; choose from weights"),
        (["layers"], "iqa-lab list layers architecture=NAME"),
        (["layers", "architecture=alexnt"], "there is no architecture alexnt; choose from alexnet"),
        (["weights", "gaol=x"], "weights have no gaol; choose from goal"),
        (["weights", "goal"], "'goal' is no filter: write COLUMN=VALUE"),
    ],
)
def test_list_misused(iqa_lab: Command, arguments: list[str], message: str) -> None:
    finished = iqa_lab("list", *arguments)
    assert finished.code == 2 and message in finished.error_line


def test_help_version_and_unknown_commands(iqa_lab: Command) -> None:
    assert "run" in iqa_lab("--help").out and iqa_lab("--version").out.strip()
    unknown = iqa_lab("rum")
    assert unknown.code == 2 and "rum" in unknown.error_line
    assert "architecture" in iqa_lab("run", "--cfg", "job").out


def test_both_entry_points_are_the_same() -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    script = Path(sys.executable).parent / "iqa-lab"
    outputs = [
        subprocess.run([*command, "list", "goals"], capture_output=True, text=True, check=True, env=environment).stdout
        for command in ([script], [sys.executable, "-m", "iqa_lab"])
    ]
    assert outputs[0] == outputs[1] and "classification" in outputs[0]


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, "30000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_threads_rest_between_operations_unless_somebody_said_when(
    said: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that what the command sets is taken back
        monkeypatch.delenv(name)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert os.environ.get("GOMP_SPINCOUNT") == expected
    assert capsys.readouterr().out.strip() == iqa_lab.__version__
