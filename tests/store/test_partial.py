"""A unit that is stopped anywhere goes on from there, and ends with the files of one that was never stopped."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from iqa_lab import unit as units
from iqa_lab.config import Config
from iqa_lab.errors import UnitFailed
from iqa_lab.scoring import score as scoring
from iqa_lab.scoring.score import Scores
from iqa_lab.store import partial
from iqa_lab.store.outcome import Outcome
from tests.conftest import ROOT, THREADS, composed, noisy, picture

OVERRIDES = (
    "goal=untrained", "dataset=none", "architecture=squeezenet1_1", "benchmark=table", "tracker=none",
    "readout=[plain,channel_scaled]", "layers=[features.1,features.4]", "runtime.batch_size=3",
    "statistics.resamples=20",
)  # fmt: skip
COUNTS = (9, 2, 11, 7, 3, 8)  # distorted images of each reference; references of two sizes, in turn
FORWARDS = sum(COUNTS) + len(COUNTS)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 40 small pairs, some of them grey."""
    folder = tmp_path_factory.mktemp("pairs")
    rows = []
    for number, count in enumerate(COUNTS):
        image = picture(number, 48, 48 + 16 * (number % 2))
        Image.fromarray(image).save(folder / f"r{number}.png")
        for level in range(count):
            name = f"d{number}_{level}.png"
            changed = Image.fromarray(noisy(image, 100 * number + level, 3.0 + 4 * level))
            (changed.convert("L") if level == 1 else changed).save(folder / name)
            rows.append((f"r{number}.png", name, 9 - level + 0.1 * number))
    pd.DataFrame(rows, columns=["reference", "distorted", "opinion"]).to_csv(folder / "pairs.csv", index=False)
    return folder / "pairs.csv"


@cache
def _composed() -> Config:
    return composed(*OVERRIDES)


def config_of(pairs: Path, results: Path, **runtime: object) -> Config:
    config = deepcopy(_composed())
    config.benchmark.path, config.results = str(pairs), str(results)
    for name, value in runtime.items():
        setattr(config.runtime, name, value)
    return config


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is scored is kept at every border, however little time has passed."""
    monkeypatch.setattr(partial, "EVERY", 0.0)
    monkeypatch.setattr(partial, "SHARE", float("inf"))


@pytest.fixture(scope="module", autouse=True)
def _threads() -> None:
    """What the module's fixtures compute is computed with as many threads as what the tests compute."""
    torch.set_num_threads(THREADS)


@pytest.fixture(scope="module")
def undisturbed(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return units.evaluate(config_of(pairs, tmp_path_factory.mktemp("undisturbed")))


class Stopper:
    """Presses Ctrl-C at one of the steps of a unit; counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1  # steps until Ctrl-C; below zero: never
        self.forwarded = 0  # images
        self.steps = 0
        forward, write = scoring.forward, partial.write_quickly

        def counted(network: object, module: object, stack: object, *rest: object) -> None:
            self()
            forward(network, module, stack, *rest)
            self.forwarded += 0 if stack is None else len(stack)
            self()

        def written(file: Path, content: bytes) -> None:
            self()
            write(file, content)
            self()

        monkeypatch.setattr(scoring, "forward", counted)
        monkeypatch.setattr(partial, "write_quickly", written)
        monkeypatch.setattr("iqa_lab.scoring.run.announce", lambda *_: None)  # its trial is not the pass
        for name in ("weigh_channels", "summarise"):
            original = getattr(units, name)
            monkeypatch.setattr(units, name, self._before(original))

    def _before(self, original: Callable[..., object]) -> Callable[..., object]:
        def stopped(*rest: object) -> object:
            self()
            return original(*rest)

        return stopped

    def __call__(self) -> None:
        self.steps += 1
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.fixture
def stopper(monkeypatch: pytest.MonkeyPatch) -> Stopper:
    return Stopper(monkeypatch)


def same(one: Outcome, other: Outcome) -> None:
    """The same files; of what is said about them all but time and place."""
    for name in ("scores.parquet", "correlations.csv", "channel_weights.csv"):
        assert (one.unit.folder / name).read_bytes() == (other.unit.folder / name).read_bytes(), name
    facts = [outcome.unit.result() for outcome in (one, other)]
    for name in ("forwards", "conversions", "n_scored", "columns", "headline", "batch_size", "signature"):
        assert facts[0][name] == facts[1][name], name
    assert not (other.unit.folder / partial.FOLDER).exists()


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_stopped_at_random_places_again_and_again(
    seed: int, pairs: Path, tmp_path: Path, undisturbed: Outcome, stopper: Stopper
) -> None:
    """Any number of times, in forwards, before and after files are written, in what comes after the pass."""
    generator = np.random.default_rng(seed)
    config, stops = config_of(pairs, tmp_path), 0
    while True:
        stopper.left = int(generator.integers(1, 40))
        try:
            outcome = units.evaluate(config)
            break
        except KeyboardInterrupt:
            stops += 1
    same(undisturbed, outcome)
    assert stops
    # after each stop at most what lies between two borders is forwarded again: 4 batches, and the rest of a reference
    assert FORWARDS < stopper.forwarded + 1 <= FORWARDS + 1 + stops * (4 * 3 + max(COUNTS) + 1)


def test_stopped_after_the_pass_it_is_not_made_again(
    pairs: Path, tmp_path: Path, undisturbed: Outcome, stopper: Stopper, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(units, "weigh_channels", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            units.evaluate(config_of(pairs, tmp_path))
    before = stopper.forwarded
    same(undisturbed, units.evaluate(config_of(pairs, tmp_path)))
    assert stopper.forwarded == before
    assert "goes on after 40 of 40 pairs" in " ".join(capfd.readouterr().err.split())


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def stopped(pairs: Path, results: Path, stopper: Stopper, **runtime: object) -> Path:
    """What a pass that was stopped near its end has kept."""
    stopper.left = 34
    with pytest.raises(KeyboardInterrupt):
        units.evaluate(config_of(pairs, results, **runtime))
    stopper.left = -1
    (kept,) = results.rglob(partial.FOLDER)
    assert len(list(kept.iterdir())) > 1
    return kept


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def _turned(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-3] ^= 0x10  # of a number
    file.write_bytes(bytes(content))


def _facts(name: str, value: object) -> Callable[[Path], None]:
    """Files of another pass, which are whole."""

    def change(file: Path) -> None:
        header, numbers = partial._header(file.read_bytes())
        header["facts"][name] = value
        content = json.dumps(header).encode() + b"\n" + numbers
        digest = hashlib.sha256(content).hexdigest().encode()
        file.write_bytes(digest + b"\n" + content)

    return change


DAMAGES = [
    (_cut, "is damaged"),
    (_turned, "is damaged"),
    (lambda file: file.write_bytes(b""), "is damaged"),
    (lambda file: file.write_bytes(b"\x93NUMPY" * 50), "is damaged"),
    (lambda file: (file.unlink(), file.mkdir()), "is damaged"),
    (_facts("signature", "0123456789ab"), "is of a pass with other signature"),
    (_facts("images", "0" * 64), "is of a pass with other images"),
    (_facts("columns", "0" * 64), "is of a pass with other columns"),
    (_facts("device", "cuda"), "is of a pass with other device"),
    (_facts("device", "cpu x86_64 a decade ago"), "is of a pass with other device"),
    (_facts("threads", 1000), "is of a pass with other threads"),
    (_facts("compiled loops", "off"), "is of a pass with other compiled loops"),
    (_facts("versions", {"torch": "1.0"}), "is of a pass with other versions"),
    (_facts("batch size", "many"), "is of a pass with other batch size"),
]
FACTS = {"signature": "a", "images": "b", "columns": "c", "device": "cpu", "versions": {"torch": "2"}, "batch size": 3}


def made(pairs: int) -> Scores:
    """Scores of so many pairs, which differ from each other."""
    values = np.arange(3 * pairs, dtype=np.float32).reshape(pairs, 3)
    paths = {f"{number}.png": "greyscale to RGB" for number in range(0, pairs, 2)}
    return Scores(values, (), {"a": values[:, :2] / 7}, paths, 2 * pairs, 3, float(pairs), {"a": {(pairs, 4)}})


def kept_by(folder: Path, *borders: int) -> partial.PartialPass:
    """A pass of which was kept what it had at these borders."""
    keeper = partial.PartialPass(folder, FACTS, ())
    for border in borders:
        keeper.keep(border, made(border).from_pair)
    return keeper


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
@pytest.mark.parametrize("place", range(3))
def test_what_is_damaged_or_of_another_pass_is_left_out(
    damage: Callable[[Path], None], message: str, place: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The files before it stay; it and those after it are removed, and the pass goes on where they began."""
    borders = [0, 4, 9, 15]
    kept_by(tmp_path, *borders[1:])
    files = sorted((tmp_path / partial.FOLDER).iterdir())
    assert len(files) == 3
    damage(files[place])
    keeper = partial.PartialPass(tmp_path, FACTS, ())
    said = " ".join(capfd.readouterr().err.split())
    assert (message in said) == (place == 0 or message == "is damaged")
    left = sorted((tmp_path / partial.FOLDER).glob("*"))
    assert [file for file in left if file.is_file()] == files[:place]
    if place == 0:
        assert keeper.begun is None
        return
    _equal(keeper.begun, made(borders[place]))
    keeper.keep(15 - borders[place], lambda first: made(15).from_pair(borders[place] + first))
    whole = partial.PartialPass(tmp_path, FACTS, ()).begun
    assert whole is not None and np.array_equal(whole.values, made(15).values)


def _equal(one: Scores | None, other: Scores) -> None:
    assert one is not None
    assert np.array_equal(one.values, other.values) and one.values.dtype == np.float32
    assert np.array_equal(one.channels["a"], other.channels["a"])
    facts = [(scores.converted, scores.forwards, scores.batch_size, scores.seconds) for scores in (one, other)]
    assert facts[0] == facts[1]


def test_files_add_up_to_what_was_scored(tmp_path: Path) -> None:
    """Sums of forwards and seconds, each conversion once, layers' positions of all files; over two processes, too."""
    kept_by(tmp_path, 4, 9)
    second = partial.PartialPass(tmp_path, FACTS, ())
    _equal(second.begun, made(9))
    second.keep(6, made(6).from_pair)
    third = partial.PartialPass(tmp_path, FACTS, ()).begun
    assert third is not None and (third.forwards, third.seconds, len(third.values)) == (18 + 12, 15.0, 15)
    assert third.positions == {"a": {(4, 4), (9, 4), (6, 4)}}


def test_nothing_is_written_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "EVERY", 3600.0)
    kept_by(tmp_path, 4, 9)
    assert not (tmp_path / partial.FOLDER).exists()


@pytest.fixture(scope="module")
def kept_once(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with what a pass has kept that was stopped near its end; not to be changed."""
    results = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partial, "EVERY", 0.0)
        patch.setattr(partial, "SHARE", float("inf"))
        stopped(pairs, results, Stopper(patch))
    return results


@pytest.mark.parametrize(
    ("runtime", "again", "message"),
    [
        ({}, False, "goes on after"),
        ({"batch_size": 2}, True, "is of a pass with other batch size"),
        ({"batch_size": "auto"}, False, "goes on after"),  # with the batches that it was begun with
        ({"force": True}, True, ""),
    ],
)
def test_other_settings(
    runtime: dict[str, object], again: bool, message: str, pairs: Path, tmp_path: Path, undisturbed: Outcome,
    stopper: Stopper, capfd: pytest.CaptureFixture[str], kept_once: Path,
) -> None:  # fmt: skip
    results = tmp_path / "results"
    shutil.copytree(kept_once, results)
    outcome = units.evaluate(config_of(pairs, results, **runtime))
    assert (stopper.forwarded == FORWARDS) == again
    assert message in " ".join(capfd.readouterr().err.split())
    if runtime.get("batch_size") != 2:
        same(undisturbed, outcome)


def test_with_other_threads_it_begins_anew(
    pairs: Path, tmp_path: Path, stopper: Stopper, capfd: pytest.CaptureFixture[str], kept_once: Path
) -> None:
    """Sums are divided among threads: with another number of them the last bits of scores may be others."""
    shutil.copytree(kept_once, tmp_path / "results")
    torch.set_num_threads(THREADS + 1)
    outcome = units.evaluate(config_of(pairs, tmp_path / "results"))
    assert stopper.forwarded == FORWARDS
    assert "is of a pass with other threads" in " ".join(capfd.readouterr().err.split())
    same(units.evaluate(config_of(pairs, tmp_path / "fresh")), outcome)


def test_changed_images_are_another_unit(pairs: Path, tmp_path: Path, stopper: Stopper, kept_once: Path) -> None:
    """What is kept lies in the folder of the signature, which hashes the pixels of all images."""
    results, mine = tmp_path / "results", tmp_path / "pairs"
    shutil.copytree(kept_once, results)
    shutil.copytree(pairs.parent, mine)
    Image.fromarray(noisy(picture(0, 48, 48), 7, 20.0)).save(mine / "d0_0.png")
    outcome = units.evaluate(config_of(mine / "pairs.csv", results))
    assert stopper.forwarded == FORWARDS
    fresh = units.evaluate(config_of(mine / "pairs.csv", tmp_path / "fresh"))
    same(fresh, outcome)


def test_a_full_disk_is_one_line_and_the_pass_goes_on(
    pairs: Path,
    tmp_path: Path,
    undisturbed: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(partial, "write_quickly", full)
    same(undisturbed, units.evaluate(config_of(pairs, tmp_path)))
    assert " ".join(capfd.readouterr().err.split()).count("cannot keep what is scored so far (No space left") == 1


def test_scores_that_fail_the_unit_are_not_kept(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopper: Stopper
) -> None:
    original = scoring._BatchReading.distances

    def broken(self: scoring._BatchReading, zeros: torch.Tensor) -> torch.Tensor:
        found = original(self, zeros)
        found[:, -1] = float("nan")
        return found

    monkeypatch.setattr(scoring._BatchReading, "distances", broken)
    with pytest.raises(UnitFailed, match="no finite numbers"):
        units.evaluate(config_of(pairs, tmp_path))
    assert not list(tmp_path.rglob(partial.FOLDER))


@pytest.mark.slow  # a process of its own, killed
def test_a_process_that_is_killed_for_good(pairs: Path, tmp_path: Path, undisturbed: Outcome) -> None:
    """SIGKILL when the first file is there; the same command then goes on."""
    code = (
        "import time\nfrom iqa_lab.scoring import score\nfrom iqa_lab.store import partial\n"
        "partial.EVERY = 0.0\nforward = score.forward\n"
        "score.forward = lambda *rest: (time.sleep(0.05), forward(*rest))\n"
        "from iqa_lab.cli.main import main\nmain()"
    )
    command = [sys.executable, "-c", code, "run", *OVERRIDES, f"benchmark.path={pairs}", f"results={tmp_path}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(THREADS)}
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(tmp_path.rglob(f"{partial.FOLDER}/0*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "goes on after" in " ".join(done.stderr.split())
    (scores,) = tmp_path.rglob("scores.parquet")
    assert scores.read_bytes() == undisturbed.unit.scores_file.read_bytes()
