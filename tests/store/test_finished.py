"""A result that is there is found without building its network; whatever has changed, the run itself sees to it."""

import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from iqa_lab import unit as units
from iqa_lab.config import Config
from iqa_lab.progress import say
from iqa_lab.store import known
from iqa_lab.store.finished import finished
from iqa_lab.store.known import built_network, known_network
from tests.conftest import composed, noisy, picture, untrained

Change = Callable[[Config, Path], None]
OVERRIDES = (
    "goal=untrained", "dataset=none", "architecture=squeezenet1_1", "benchmark=table", "tracker=none",
    "readout=[plain,mean]", "layers={last: 2}", "statistics.resamples=20",
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Of a unit with six pairs, whose result and cache are in this test's own folder."""
    monkeypatch.setenv("IQA_LAB_CACHE", str(tmp_path / "cache"))
    rows = []
    for number in range(2):
        image = picture(number, 48, 48)
        Image.fromarray(image).save(tmp_path / f"r{number}.png")
        for level in range(1, 4):
            Image.fromarray(noisy(image, level, 10.0 * level)).save(tmp_path / f"d{number}_{level}.png")
            rows.append((f"r{number}.png", f"d{number}_{level}.png", 5 - level))
    pd.DataFrame(rows, columns=["reference", "distorted", "opinion"]).to_csv(tmp_path / "pairs.csv", index=False)
    made = composed(*OVERRIDES)
    made.benchmark.path, made.results = str(tmp_path / "pairs.csv"), str(tmp_path / "results")
    return made


def test_what_a_run_has_made_is_found_as_it_is(config: Config, capfd: pytest.CaptureFixture[str]) -> None:
    assert finished(config) is None
    made = units.evaluate(config)
    capfd.readouterr()
    found = finished(config)
    said_by_it = capfd.readouterr().err
    again = units.evaluate(config)
    assert said_by_it == capfd.readouterr().err
    assert found is not None and found.outcome.unit == again.unit == made.unit
    assert found.outcome.computed == again.computed == 0
    pd.testing.assert_frame_equal(found.outcome.table, again.table)
    assert found.outcome.benchmark.index_digest() == again.benchmark.index_digest()
    assert found.definitions == again.unit.result()["columns"]


def _set(dotted: str, value: object) -> Change:
    def change(config: Config, _: Path) -> None:
        *above, last = dotted.split(".")
        place: object = config
        for name in above:
            place = place[name] if isinstance(place, dict) else getattr(place, name)
        setattr(place, last, value)

    return change


def _another_readout(config: Config, _: Path) -> None:
    config.readouts = {**config.readouts, "std": composed("readout=std").readouts["std"]}


def _own_readout(config: Config, _: Path) -> None:
    config.readouts["mean"].function = "my_package.distance"


def _file(pattern: str, damage: Callable[[Path], object]) -> Change:
    def change(_: Config, folder: Path) -> None:
        (file,) = folder.glob(pattern)
        damage(file)

    return change


def _edited(before: str, after: str) -> Callable[[Path], object]:
    def edit(file: Path) -> None:
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, after, 1))

    return edit


def _turned(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def _repainted(file: Path) -> None:
    """Another image of the same size in bytes, with the time that the file had."""
    before = file.stat()
    pixels = np.asarray(Image.open(file)).copy()
    Image.fromarray(pixels).save(file, compress_level=0)
    size = file.stat().st_size
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(file, compress_level=0)
    assert file.stat().st_size == size
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


RESULT = "results/*/*/*/"
CHANGES: dict[str, Change] = {
    "another seed": _set("weights.seed", 1),
    "another architecture": _set("architecture.name", "another"),
    "further layers": _set("readouts.mean.layers", "all"),
    "another readout": _another_readout,
    "a readout with arguments": _set("readouts.mean.arguments", {"x": 1}),
    "a readout of one's own": _own_readout,
    "a readout fitted elsewhere": _set("readouts.mean.arguments", {"fit_on": "tid2013"}),
    "precision": _set("precision", "bf16"),
    "another size": _set("preprocess.resize", 32),
    "confidence": _set("statistics.confidence", 0.9),
    "the other direction": _set("benchmark.opinion", "dmos"),
    "everything anew": _set("runtime.force", True),
    "another results folder": _set("results", "elsewhere"),
    "an image": _file("d0_1.png", _repainted),
    "an opinion": _file("pairs.csv", _edited(",4", ",3.5")),
    "a pair less": _file("pairs.csv", lambda file: file.write_text(file.read_text().rstrip().rpartition("\n")[0])),
    "damaged scores": _file(RESULT + "scores.parquet", _turned),
    "a damaged table": _file(RESULT + "correlations.csv", _turned),
    "no configuration": _file(RESULT + "config.yaml", Path.unlink),
    "no result": _file(RESULT + "result.json", Path.unlink),
    "a result that was edited": _file(
        RESULT + "result.json",
        lambda file: file.write_text(file.read_text().replace('"depth": 1.0', '"depth": 0.9', 1)),
    ),
    "a headline that was edited": _file(
        RESULT + "result.json", lambda file: file.write_text(file.read_text().replace('"n": 6', '"n": 7', 1))
    ),
    "a writer that was killed": _file(
        RESULT + "result.json", lambda file: file.with_name(".unfinished-result.json").touch()
    ),
    "a pass that was stopped": _file(RESULT + "result.json", lambda file: file.with_name(".partial").mkdir()),
    "a damaged memory": _file("cache/networks/*", _turned),
    "an empty memory": _file("cache/networks/*", lambda file: file.write_text("")),
    "the memory of another program": _file("cache/networks/*", lambda file: file.write_text("{}")),
    "no memory": _file("cache/networks/*", Path.unlink),
}


def test_whatever_has_changed_is_seen(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change alone, to copies of one folder: the result is no longer taken as it is."""
    monkeypatch.chdir(tmp_path)
    units.evaluate(config)
    assert finished(config) is not None
    kept = {file: (file.read_bytes(), file.stat()) for file in tmp_path.rglob("*") if file.is_file()}
    stale = []
    for name, change in CHANGES.items():
        changed = deepcopy(config)
        change(changed, tmp_path)
        if finished(changed) is not None:
            stale.append(name)
        for file in [file for file in tmp_path.rglob("*") if file not in kept and not file.is_dir()]:
            file.unlink()
        for folder in tmp_path.rglob(".partial"):
            folder.rmdir()
        for file, (content, facts) in kept.items():
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert finished(config) is not None, f"{name} was not taken back"
    assert not stale


def _state() -> dict[str, torch.Tensor]:
    """Tensors of an untrained network; a pass of another test may have put their channels innermost."""
    return {name: values.contiguous() for name, values in untrained("squeezenet1_1").module.state_dict().items()}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Of a network with weights in a file of one's own; no benchmark is read."""
    monkeypatch.setenv("IQA_LAB_CACHE", str(tmp_path / "cache"))
    save_file(_state(), tmp_path / "mine.safetensors")
    made = composed("architecture=squeezenet1_1", "goal=own", "goal.name=mine", "dataset=own", "dataset.name=mine")
    made.weights.path = str(tmp_path / "mine.safetensors")
    return made


def test_a_network_is_known_as_it_was_built(own: Config) -> None:
    assert known_network(own) is None
    built = built_network(own)
    found = known_network(own)
    assert found is not None
    for name in ("layers", "input", "image_size", "weights", "digest", "reads", "forms"):
        assert getattr(found, name) == getattr(built, name), name
    facts = [(layer.stride, layer.fine) for layer in built.layers]
    assert [(layer.stride, layer.fine) for layer in found.layers] == facts


def _other_weights(_: Config, folder: Path) -> None:
    """As many bytes, and the time that the file had."""
    file = folder / "mine.safetensors"
    before = file.stat()
    state = {name: values + 1 for name, values in _state().items()}
    save_file(state, file)
    assert file.stat().st_size == before.st_size
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _moved_in(_: Config, folder: Path) -> None:
    """Another file with the same name, size and time, renamed into the place."""
    file = folder / "mine.safetensors"
    facts, content = file.stat(), file.read_bytes()
    (folder / "other").write_bytes(content)
    os.utime(folder / "other", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (folder / "other").rename(file)


@pytest.mark.parametrize(
    "change",
    [
        _other_weights,
        _moved_in,
        lambda _, folder: (folder / "mine.safetensors").unlink(),
        _set("weights.prefix", "module."),
        _set("weights.sha256", "0123456789"),
        _set("weights.input.range", 255.0),
        _set("architecture.constructor", "my_package.network"),
        _set("architecture.arguments", {"dropout": 0.1}),
        _set("architecture.layers", ["features.1"]),
        _set("goal.name", "another"),
        _set("benchmark.pixels_per_degree", 60.0),
    ],
)
def test_a_network_is_unknown_once_something_has_changed(own: Config, tmp_path: Path, change: Change) -> None:
    built_network(own)
    change(own, tmp_path)
    assert known_network(own) is None


@pytest.mark.parametrize("part", ["programs", "machine", "environment"])
def test_other_programs_build_it_again(own: Config, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    built_network(own)
    match part:
        case "programs":
            monkeypatch.setattr(known, "version", lambda _: "9.9.9")
        case "machine":
            monkeypatch.setattr("platform.node", lambda: "another")
        case "environment":
            monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert known_network(own) is None


def test_a_file_that_is_written_meanwhile_is_not_remembered(own: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from iqa_lab import networks

    build = networks.build_network

    def slowly(config: Config) -> networks.Network:
        network = build(config)
        os.utime(str(config.weights.path))
        return network

    monkeypatch.setattr(networks, "build_network", slowly, raising=False)
    built_network(own)
    assert known_network(own) is None


@pytest.mark.parametrize(
    ("goal", "source", "sha256"),
    [
        ("classification", "hf:timm/resnet50.a1_in1k", None),
        ("baseline", "torchvision:AlexNet_Weights.DEFAULT", "7be5be79"),
    ],
)
def test_weights_that_may_change_elsewhere_are_never_remembered(goal: str, source: str, sha256: str | None) -> None:
    config = composed()
    config.goal.name, config.weights.source, config.weights.sha256 = goal, source, sha256
    assert known._made_of(config) is None


def test_lines_are_said_again(own: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from iqa_lab import networks

    build = networks.build_network

    def loudly(config: Config) -> networks.Network:
        say("layers: auto leaves out two", "yellow")
        return build(config)

    monkeypatch.setattr(networks, "build_network", loudly, raising=False)
    built_network(own)
    found = known_network(own)
    assert found is not None and found.said == (("layers: auto leaves out two", "yellow"),)


def test_torch_draws_nothing_for_it(config: Config) -> None:
    """Looking for a result leaves the random numbers of the process as they are."""
    units.evaluate(config)
    before = torch.random.get_rng_state()
    assert finished(config) is not None
    assert torch.equal(before, torch.random.get_rng_state())


def test_layers_are_looked_up_once(
    own: Config, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    times = []

    def build() -> list[dict[str, object]]:
        times.append(1)
        say("layers: auto leaves out two", "yellow")
        return [{"name": "features.1", "depth": 0.25, "stride": None, "fine": False}]

    rows = [known.layers_of(own.architecture, build) for _ in range(3)]
    assert rows[0] == rows[1] == rows[2] and len(times) == 1
    assert capfd.readouterr().err.count("layers: auto leaves out two") == 3
    own.architecture.arguments = {"dropout": 0.1}
    known.layers_of(own.architecture, build)
    monkeypatch.setattr(known, "version", lambda _: "9.9.9")
    known.layers_of(own.architecture, build)
    assert len(times) == 3
    own.architecture.constructor = "my_package.network"
    for _ in range(2):
        known.layers_of(own.architecture, build)
    assert len(times) == 5  # code of one's own is run every time
