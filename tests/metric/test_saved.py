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
from iqa_lab.metric import saved, trimmed
from iqa_lab.metric.evaluated import Evaluated
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.module import Metric
from iqa_lab.metric.sealed import KEY, read_description
from tests.conftest import ROOT
from tests.metric.own import OVERRIDES

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
    assert str(Path.home()) not in text + json.dumps(read_description(file))


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


KINDS = {"overrides": list(OVERRIDES), "goal": "untrained", "dataset": "none"}
TRIMMED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a convolution": ({**KINDS, "layers": ["first.conv"]}, {"first.conv"}),
    "a block": ({**KINDS, "layers": ["second"]}, {"first.conv", "second.conv"}),
    "channels last": ({**KINDS, "layers": ["first", "last"]}, {"first.conv", "second.conv", "last.mix"}),
    "tokens": ({**KINDS, "layers": ["tokens"]}, {"first.conv", "second.conv", "last.mix", "tokens.mix"}),
    "pixels": ({**RANDOM, "layers": "pixels", "readout": "plain"}, set()),
    "squeezenet": ({**RANDOM, "layers": ["features.1"]}, {"features.0"}),
}


@pytest.mark.parametrize("case", TRIMMED)
def test_only_what_a_metric_needs_is_saved(case: str, tmp_path: Path) -> None:
    words, expected = TRIMMED[case]
    metric = load_metric(**{"readout": "lpips", **words})
    whole = dict(metric.module.state_dict())
    file = metric.save(tmp_path / "first.safetensors")
    held = set(read_description(file)["tensors"])
    assert {name.removeprefix("network.").rpartition(".")[0] for name in held} == expected
    # the metric in hand is what it was, and so is what was read
    assert {key: values.data_ptr() for key, values in metric.module.state_dict().items()} == {
        key: values.data_ptr() for key, values in whole.items()
    }
    again = load_metric(file, trust=True)
    assert again(*PAIR).equal(metric(*PAIR))
    assert {f"network.{key}" for key in again.module.state_dict()} == held
    # and once more: nothing is lost or forgotten on the way
    twice = again.save(tmp_path / "second.safetensors")
    assert twice.read_bytes() == file.read_bytes()
    number = len(whole) - len(held)
    assert f"without {number} of {len(whole)} tensors" in file.with_suffix(".md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "vit_tiny_patch16_224",
        "resnet18",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("swin_t", "mobilenetv2_tf", "densenet121")),
    ],
)
def test_trimmed_networks_of_many_kinds_give_the_same_bits(name: str, tmp_path: Path) -> None:
    metric = load_metric(goal="untrained", dataset="none", architecture=name, layers=[2], readout="lpips")
    side = metric.network.image_size or 64
    pair = np.random.default_rng(0).integers(0, 256, (2, 1, side, side, 3), dtype=np.uint8)
    file = metric.save(tmp_path / "a.safetensors")
    again = load_metric(file)
    assert again(*pair).equal(metric(*pair))
    assert 0 < len(again.module.state_dict()) < len(metric.module.state_dict())


def test_a_baseline_is_saved_whole() -> None:
    network = load_metric(goal="baseline", dataset="none", architecture="ssim_gray").network
    assert network.terms and trimmed.left_out(network, list(network.terms), "fp32") == []


@pytest.mark.parametrize("hidden", ["", "features.0."])
def test_a_network_whose_operations_are_hidden_is_saved_whole(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_metric(**RANDOM, layers=["features.1"], readout="lpips").network
    state = network.module.state_dict()
    places = {trimmed._place(values) for key, values in state.items() if key.startswith(hidden)}
    see = trimmed._Seen.__torch_dispatch__

    def overlook(self: trimmed._Seen, *args: Any, **keywords: Any) -> Any:
        result = see(self, *args, **keywords)
        self.places -= places
        return result

    assert len(trimmed.left_out(network, ["features.4"], "fp32")) == len(state) - 14
    monkeypatch.setattr(trimmed._Seen, "__torch_dispatch__", overlook)
    assert trimmed.left_out(network, ["features.4"], "fp32") == []
    after = network.module.state_dict()
    assert after.keys() == state.keys() and all(after[key] is not None for key in state)


def header_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def rewritten(header: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def damaged(file: Path, how: str) -> bytes:
    content = file.read_bytes()
    header, data = header_of(content)
    said = json.loads(header["__metadata__"][KEY])
    if how == "cut":
        return content[:-100]
    if how == "one bit":
        return content[:-50] + bytes([content[-50] ^ 1]) + content[-49:]
    if how == "the recipe":
        said["recipe"]["terms"][0]["layer"] = "features.2"
    if how == "the version":
        said["schema"] = 99
    if how == "no JSON":
        header["__metadata__"][KEY] = "{"
        return rewritten(header, data)
    if how == "names exchanged":
        names = [name for name in header if header[name].get("shape") == [64]][:2]
        header[names[0]], header[names[1]] = header[names[1]], header[names[0]]
    if how == "a constructor":
        from iqa_lab.store.signature import digest_of

        said.pop("digest")
        said["about"]["build"]["architecture"]["constructor"] = "os.getcwd"
        said["digest"] = digest_of(said)
    header["__metadata__"][KEY] = json.dumps(said)
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
