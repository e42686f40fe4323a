"""A made table of results, and the smallest study run from its sweep to its page."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.cli import main as cli
from tests.conftest import made_once

FEWER = "benchmark.levels=[2,5]"  # of the study quick


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """Correlations of nine units of two benchmarks: five networks and a baseline, three layers, two readouts."""
    generator = np.random.default_rng(0)
    networks = [
        ("classification", "imagenet1k", "alexnet", "alexnet"),
        ("classification", "imagenet1k", "vgg16", "vgg16"),
        ("classification", "cifar10", "vgg16", "vgg16"),
        ("jigsaw", "imagenet1k", "alexnet", "alexnet"),
        ("untrained", "none", "alexnet", "seed0"),
    ]
    rows = []
    for benchmark in ("tid2013", "kadid10k"):
        for network in networks:
            for readout in ("plain", "mean"):
                for number, layer in enumerate(("conv1", "conv2", "conv3")):
                    srcc = 0.5 + 0.1 * number + 0.05 * generator.random()
                    rows.append((benchmark, *network, layer, number / 2, readout, 3000, srcc, srcc - 0.03, srcc + 0.03))
            rows.append((benchmark, *network, "pixels", 0.0, "plain", 3000, 0.687, 0.64, 0.72))
        rows.append((benchmark, "baseline", "none", "ssim_gray", "ssim_gray", "output", 1.0, "ssim_gray",
                     3000, 0.63, 0.6, 0.66))  # fmt: skip
    names = ["benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout", "n", "srcc"]
    return pd.DataFrame(rows, columns=[*names, "srcc_low", "srcc_high"])


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory, levels_home: Path) -> Iterator[Path]:
    """A folder in which the study ``quick`` was swept and reported, with two of the five levels of distortions."""

    def make(home: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home)
            for command in ("sweep", "report"):
                with pytest.raises(SystemExit) as left:
                    cli.main([command, "experiment=quick", FEWER])
                assert left.value.code == 0, command

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IQA_LAB_DATA", str(levels_home))
        yield made_once(tmp_path_factory, "quick", make)
