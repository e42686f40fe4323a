"""What the tests of metrics share: a small result of a random network, with opinions that follow the distortion."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import iqa_lab
from iqa_lab.metric.evaluated import Evaluated
from tests.conftest import made_once, noisy, picture

WORDS = ["goal=untrained", "dataset=none", "architecture=squeezenet1_1", "layers=[features.1,features.4]"]


@pytest.fixture(scope="session")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of eight photographs, three distorted versions each, and ``pairs.csv`` with opinions."""

    def make(folder: Path) -> None:
        rows = []
        for reference in range(8):
            image = picture(reference, 40, 48)
            Image.fromarray(image).save(folder / f"r{reference}.png")
            for level, sigma in enumerate((6, 20, 50)):
                name = f"r{reference}_{level}.png"
                Image.fromarray(noisy(image, 10 * reference + level, sigma)).save(folder / name)
                rows.append((f"r{reference}.png", name, 5 - level - 0.1 * (reference % 4)))
        pd.DataFrame(rows, columns=["reference", "distorted", "opinion"]).to_csv(folder / "pairs.csv", index=False)

    return made_once(tmp_path_factory, "rated", make)


@pytest.fixture(scope="session")
def evaluated(rated: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """One unit on them; nobody is to change it."""
    return unit_of(rated, tmp_path_factory.mktemp("results"))


def unit_of(rated: Path, results: Path, *more: str) -> Evaluated:
    return iqa_lab.evaluate(
        *WORDS, "concat=[raw,scaled]", "benchmark=table", f"benchmark.path={rated / 'pairs.csv'}", f"results={results}",
        "tracker=none", "statistics.resamples=20", "runtime.device=cpu", *more,
        readout=["plain", "lpips", "channel_scaled", "tuned"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def images(rated: Path) -> Callable[[str], list[str]]:
    """The paths of one side of all pairs."""
    table = pd.read_csv(rated / "pairs.csv")
    return lambda side: [str(rated / name) for name in table[side]]


def close(found: object, expected: object) -> bool:
    """Equal to 1e-6 of the largest: convolutions of other batches add up in another order."""
    x, y = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    return bool(np.allclose(x, y, rtol=1e-6, atol=1e-6 * np.abs(y).max()))
