"""What several test modules share: the data beside the checkout, small images, networks built once."""

import gc
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hydra import compose, initialize_config_dir
from hypothesis import settings
from omegaconf import OmegaConf
from PIL import Image

from iqa_lab.cli import main as cli
from iqa_lab.config import Config, configuration_folder, register_schema
from iqa_lab.config.options import SCHEMAS
from tests import composed_before

if TYPE_CHECKING:  # torch takes seconds to import, for which the processes that run the tests would have to wait
    from iqa_lab.networks import Network

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

os.environ["WANDB_MODE"] = "offline"  # no test ever talks to a server
composed_before.remember()

# machines differ in speed, and the same commit must pass or fail the same way twice
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The notebooks first, for one kernel: half a minute, which the other process would wait for at the end."""
    items.sort(key=lambda item: "kernel" not in getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """Python no longer searches for garbage in what was imported until now, and seldom in what tests make."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def pytest_unconfigure() -> None:
    """Python's own end searches everything again: libraries would report what it leaves as leaked."""
    gc.unfreeze()


def needs_shared(*parts: str) -> Path:
    """A path of the data that lie beside a developer's checkout; skips where they do not."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the development data are not beside this checkout: no shared/{'/'.join(parts)}")
    return path


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests remember of images is not the user's; and what they print goes into a pipe, of no width."""
    os.environ["IQA_LAB_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ.pop("COLUMNS", None)  # xdist says 80


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    return needs_shared("weights")


@pytest.fixture(scope="session")
def shared_oracles() -> Path:
    return needs_shared("oracles")


@pytest.fixture(scope="session")
def tid2013_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 599 real pairs of TID2013, rebuilt once; the folder above ``tid2013``."""
    build = needs_shared("data", "tid2013", "build.py")

    def make(home: Path) -> None:
        subprocess.run([sys.executable, build, home / "tid2013", "--quiet"], check=True, capture_output=True)

    return made_once(tmp_path_factory, "tid2013-kit", make)


@pytest.fixture(scope="session")
def levels_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the benchmark ``levels``, made once."""
    from iqa_lab.benchmarks import load_benchmark

    def make(home: Path) -> None:
        load_benchmark(composed(f"benchmark.path={home / 'levels'}").benchmark)

    return made_once(tmp_path_factory, "levels-home", make)


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory, levels_home: Path) -> Iterator[Any]:
    """A kernel for notebooks, with the benchmark ``levels`` in its data folder."""
    from tests import notebooks

    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    with notebooks.kernel(
        tmp_path_factory.mktemp("kernel"), IQA_LAB_DATA=str(levels_home), PYTHONPATH=path, OMP_NUM_THREADS="1"
    ) as manager:
        yield manager


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of all test processes makes; the others wait for it. Nobody is to change it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # the processes' own folders are in it
    home = root / name
    with FileLock(root / f"{name}.lock"):
        if not (root / f"{name}.made").exists():
            shutil.rmtree(home, ignore_errors=True)  # of one that failed
            home.mkdir()
            make(home)
            (root / f"{name}.made").touch()
    return home


# a plain absolute path: Hydra's grammar and YAML read it as text
_PATH = re.compile(r"(benchmark|weights)\.path=(/[\w./-]+)")


def composed(*overrides: str) -> Config:
    """The configuration that the command line would compose, as the schema's own type; a test may change it.

    Paths, which every test has of its own, are set afterwards: Hydra takes a tenth of a second.
    """
    config = deepcopy(_composed(*(entry for entry in overrides if not _PATH.fullmatch(entry))))
    for path in filter(None, map(_PATH.fullmatch, overrides)):
        getattr(config, path[1]).path = path[2]
    return config


@cache
def _composed(*overrides: str) -> Config:
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", overrides=list(overrides)))
    assert isinstance(config, Config)
    return config


def options(group: str, names: Sequence[str]) -> dict[str, Any]:
    """Options of a group by name, as Hydra composes them and as the schema's own type; several at once cost little.

    Hydra takes a tenth of a second for a run, and a hundredth for an option beside others.
    """
    found: dict[str, Any] = {}
    for part in (names[start : start + 20] for start in range(0, len(names), 20)):
        with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
            many = compose(None, [f"+{group}@{group}.n{number}={name}" for number, name in enumerate(part)])
        for number, name in enumerate(part):
            typed = OmegaConf.merge(OmegaConf.structured(SCHEMAS[group]), many[group][f"n{number}"])
            found[name] = OmegaConf.to_object(typed)
    return found


@cache
def untrained(architecture: str, *overrides: str) -> "Network":
    """A seeded random network; in-process only, never to be changed by a test."""
    from iqa_lab.networks import build_network

    return build_network(composed("goal=untrained", "dataset=none", f"architecture={architecture}", *overrides))


@dataclass
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line of an error of use."""
        lines = [line for line in self.err.splitlines() if line.startswith("iqa-lab: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


@pytest.fixture
def iqa_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Finished]:
    """The command line, in this process, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")  # cli sets it for the process; here it is undone after the test

    def command(*arguments: str) -> Finished:
        capfd.readouterr()
        try:
            cli.main(list(arguments))
            code = 0
        except SystemExit as leave:
            code = int(leave.code or 0)
        captured = capfd.readouterr()
        return Finished(code, captured.out, captured.err)

    return command


def picture(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A smooth coloured image ``[height, width, 3]``, 8 bits."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (4, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def noisy(image: np.ndarray, seed: int, sigma: float) -> np.ndarray:
    """The image with Gaussian noise, 8 bits."""
    rng = np.random.default_rng(seed)
    return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def small_pairs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Three references of two sizes with four distorted images each, one of them identical to its reference."""
    folder = tmp_path_factory.mktemp("small")
    rows = []
    for reference, (height, width) in enumerate([(64, 96), (80, 64), (64, 96)]):
        image = picture(reference, height, width)
        Image.fromarray(image).save(folder / f"r{reference}.png")
        for level, sigma in enumerate([0, 15, 40, 80]):
            distorted = noisy(image, 10 * reference + level, sigma) if sigma else image
            path = folder / f"r{reference}_{level}.png"
            Image.fromarray(distorted).save(path)
            rows.append((str(folder / f"r{reference}.png"), str(path), level))
    return pd.DataFrame(rows, columns=["reference_path", "distorted_path", "level"]).assign(
        distorted=lambda frame: frame["distorted_path"].map(lambda path: Path(path).name)
    )


# as many as there are processors for, up to two: threads that wait for each other's processor take many times as long
THREADS = min(2, max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


@pytest.fixture(autouse=True)
def _few_threads() -> None:
    import torch

    torch.set_num_threads(THREADS)
