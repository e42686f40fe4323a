"""A metric's file: loaded in an empty folder it gives the same bits; whatever was changed in it is found."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from iqa_lab.cli.catalogue import list_options
from iqa_lab.errors import UserError
from iqa_lab.metric import saved
from iqa_lab.metric.evaluated import Evaluated
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.module import Metric
from tests.conftest import ROOT

RANDOM: dict[str, Any] = {"goal": "untrained", "dataset": "none", "architecture": "squeezenet1_1"}
PAIR = [np.random.default_rng(seed).integers(0, 256, (2, 48, 40, 3), dtype=np.uint8) for seed in (1, 2)]


@pytest.fixture(scope="module")
def metric(evaluated: Evaluated) -> Metric:
    name = next(
        name for name in evaluated.scores if name.startswith("tuned_insample@concat_scaled") and "features.4" in name
    )
    return load_metric(evaluated.folder, column=name)


@pytest.fixture(scope="module")
def file(metric: Metric, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return metric.save(tmp_path_factory.mktemp("saved") / "mine.safetensors")


def test_it_gives_the_same_bits_in_an_empty_folder(metric: Metric, file: Path, tmp_path: Path) -> None:
    """In another process, so that nothing but the file is there."""
    expected = metric(*PAIR)
    (tmp_path / "mine.safetensors").write_bytes(file.read_bytes())
    code = (
        "import iqa_lab, numpy as np\n"
        "pair = [np.random.default_rng(seed).integers(0, 256, (2, 48, 40, 3), dtype=np.uint8) for seed in (1, 2)]\n"
        "metric = iqa_lab.load_metric('mine.safetensors')\n"
        "print([value.hex() for value in metric(*pair).tolist()], metric)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str([value.hex() for value in expected.tolist()]))
    assert "found on table, 24 pairs: srcc" in done.stdout


def test_it_is_what_was_saved(metric: Metric, file: Path) -> None:
    again = load_metric(file)
    assert again.recipe == metric.recipe and repr(again) == repr(metric) and again(*PAIR).equal(metric(*PAIR))
    text = file.with_suffix(".md").read_text()
    assert 'iqa_lab.load_metric("mine.safetensors")' in text and "SRCC" in text and "24" in text
    assert str(Path.home()) not in text + json.dumps(saved.read_description(file))


def test_by_name_it_holds_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = load_metric(**RANDOM, layers=["features.1"], readout="lpips", overrides=["weights.seed=3"])
    file = metric.save(tmp_path / "small.safetensors", weights="by name")
    assert file.stat().st_size < 20_000
    assert load_metric(file)(*PAIR).equal(metric(*PAIR))
    other = load_metric(**RANDOM, layers=["features.1"], readout="lpips").network
    monkeypatch.setattr(saved, "network_from", lambda *_: other)
    with pytest.raises(UserError, match="made with other weights of this name"):
        load_metric(file)


def test_a_baseline_and_ones_own_network(tmp_path: Path) -> None:
    psnr = load_metric(goal="baseline", dataset="none", architecture="psnr")
    assert load_metric(psnr.save(tmp_path / "psnr.safetensors"))(*PAIR).equal(psnr(*PAIR))
    words = {"goal": "untrained", "dataset": "none"}
    overrides = [
        "architecture=custom",
        "architecture.constructor=tests.metric.own.Kinds",
        "architecture.layers=[first]",
    ]
    own = load_metric(**words, overrides=overrides, readout="plain")
    file = own.save(tmp_path / "own.safetensors")
    with pytest.raises(UserError, match="names the code tests.metric.own.Kinds.*trust=True"):
        load_metric(file)
    assert load_metric(file, trust=True)(*PAIR).equal(own(*PAIR))


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def rewritten(header: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def damaged(file: Path, how: str) -> bytes:
    content = file.read_bytes()
    header, data = header_of(content)
    said = json.loads(header["__metadata__"][saved.KEY])
    if how == "cut":
        return content[:-100]
    if how == "one bit":
        return content[:-50] + bytes([content[-50] ^ 1]) + content[-49:]
    if how == "the recipe":
        said["recipe"]["terms"][0]["layer"] = "features.2"
    if how == "the version":
        said["schema"] = 99
    if how == "no JSON":
        header["__metadata__"][saved.KEY] = "{"
        return rewritten(header, data)
    if how == "names exchanged":
        names = [name for name in header if header[name].get("shape") == [64]][:2]
        header[names[0]], header[names[1]] = header[names[1]], header[names[0]]
    if how == "a constructor":
        from iqa_lab.store.signature import digest_of

        said.pop("digest")
        said["about"]["build"]["architecture"]["constructor"] = "os.getcwd"
        said["digest"] = digest_of(said)
    header["__metadata__"][saved.KEY] = json.dumps(said)
    return rewritten(header, data)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut", "damaged"),
        ("one bit", "are not the tensors that were saved"),
        ("the recipe", "was changed after it was written"),
        ("the version", "of another version"),
        ("no JSON", "no JSON"),
        ("names exchanged", "damaged"),
        ("a constructor", "names the code os.getcwd"),
    ],
)
def test_damage_is_found(file: Path, tmp_path: Path, how: str, said: str) -> None:
    other = tmp_path / "damaged.safetensors"
    other.write_bytes(damaged(file, how))
    with pytest.raises(UserError, match=said) as error:
        load_metric(other)
    assert str(other) in str(error.value)


def test_other_files_are_no_metric(tmp_path: Path) -> None:
    save_file({"a": np.zeros(3, np.float32)}, tmp_path / "weights.safetensors")
    (tmp_path / "text.safetensors").write_text("text")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name, said in (("weights", "only weights"), ("text", "no safetensors"), ("empty", "no safetensors")):
        with pytest.raises(UserError, match=said):
            load_metric(tmp_path / f"{name}.safetensors")


def test_what_cannot_be_saved_says_so(metric: Metric, tmp_path: Path) -> None:
    for path, weights, said in (
        (tmp_path / "a.pt", "inside", "ends with .safetensors"),
        (tmp_path / "a.safetensors", "outside", "choose 'inside' or 'by name'"),
    ):
        with pytest.raises(UserError, match=said):
            metric.save(path, weights=weights)
    trained = load_metric(**RANDOM, layers=["features.1"], readout="lpips")
    next(trained.module.parameters()).data.add_(1)
    with pytest.raises(UserError, match="not those that were loaded"):
        trained.save(tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_saved_metrics_are_listed(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list_options("metrics", {}, []) == []
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "mine.safetensors").write_bytes(file.read_bytes())
    (tmp_path / "other.safetensors").write_text("text")
    (row,) = list_options("metrics", {"goal": "untrained"}, [])
    assert row["file"] == "metrics/mine.safetensors" and "srcc" in row["found_on"]
