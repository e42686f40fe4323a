"""What the tests of the baselines share: photographs and distortions, and baselines that need no download."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from torch import nn

from iqa_lab.benchmarks import load_benchmark
from iqa_lab.config import Config
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.network import OUTPUT
from iqa_lab.readouts import Distance, Response
from iqa_lab.scoring.columns import plan_columns
from iqa_lab.scoring.forward import read_layers
from iqa_lab.scoring.score import Scores, score
from iqa_lab.scoring.settings import Settings
from tests.conftest import composed, needs_shared, noisy

Pixels = NDArray[np.uint8]

PIXEL_METRICS = ("rmse", "psnr", "ssim_gray", "ssim_rgb", "ssim_gray_256", "ssim_rgb_256", "ms_ssim")
# the trunk of each, in torchvision
TRUNKS = {"lpips_alex": "alexnet", "lpips_vgg": "vgg16", "lpips_squeeze": "squeezenet1_1", "dists": "vgg16"}
BASELINES = (*PIXEL_METRICS, *TRUNKS)


@dataclass(frozen=True)
class Baseline:
    """A baseline as a run has it."""

    name: str
    config: Config
    network: Network

    def pass_over(self, pairs: pd.DataFrame, **how: Any) -> Scores:
        """The real pass."""
        return score(self.network, pairs, plan_columns(self.config, self.network).passed, Settings(**how))

    def distances(self, pairs: pd.DataFrame, **how: Any) -> NDArray[np.float32]:
        """Its score of every pair, from the real pass."""
        return self.pass_over(pairs, **how).values[:, 1]

    def responses(self, *images: Pixels) -> dict[str, torch.Tensor]:
        """What it compares of some images of one size, ``[B, C, H, W]`` by layer, read as in a pass."""
        found: dict[str, torch.Tensor] = {}

        def keep(layer: str, output: torch.Tensor | None) -> None:
            assert output is not None
            found[layer] = output.clone()

        read_layers(self.network, torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), self.terms, Settings(), keep)
        return found

    def between(self, reference: Pixels, distorted: Pixels) -> float:
        """Its score of one pair before it is stored as float32."""
        responses = self.responses(reference, distorted)
        return self.sum_of_terms(responses, 0, 1)

    def sum_of_terms(self, responses: dict[str, torch.Tensor], reference: int, distorted: int) -> float:
        """Its score of two of the images whose responses are given."""
        pairs = {layer: Response([r[[reference]]], [r[[distorted]]], 1) for layer, r in responses.items()}
        return float(sum(term(pairs[layer]) for layer, term in self.terms.items()))

    @property
    def terms(self) -> Mapping[str, Distance]:
        assert self.network.terms is not None
        return self.network.terms


def trunk_of(name: str) -> dict[str, torch.Tensor]:
    """A random trunk as torchvision would save it; its responses keep their size from layer to layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        features = getattr(torchvision.models, name)().get_submodule("features")
        for module in features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                assert module.bias is not None
                nn.init.normal_(module.bias, std=0.05)
    return {f"features.{key}": value for key, value in features.state_dict().items()}


@pytest.fixture(scope="session")
def trunk_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a random trunk, by the trunk's name; a head stands in it, as in torchvision's."""
    folder = tmp_path_factory.mktemp("trunks")

    @cache
    def write(name: str) -> Path:
        path = folder / f"{name}.pth"
        torch.save({**trunk_of(name), "classifier.1.weight": torch.zeros(3, 3)}, path)
        return path

    return write


@pytest.fixture(scope="session")
def baseline(trunk_file: Callable[[str], Path]) -> Callable[[str], Baseline]:
    """A baseline by its name, built once; its trunk, where it has one, is random."""

    @cache
    def build(name: str) -> Baseline:
        trunk = [f"weights.path={trunk_file(TRUNKS[name])}"] if name in TRUNKS else []
        config = composed("goal=baseline", "dataset=none", f"architecture={name}", *trunk)
        network = build_network(config)
        assert network.layers == (OUTPUT,)
        return Baseline(name, config, network)

    return build


def crop(photograph: str, height: int, width: int) -> Pixels:
    """The middle of a photograph of scikit-image."""
    image = getattr(skimage.data, photograph)()
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def blurred(image: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(1.5)))


def compressed(image: Pixels) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", quality=12)
    return np.asarray(Image.open(file))


def flatter(image: Pixels) -> Pixels:
    return np.asarray(ImageEnhance.Contrast(Image.fromarray(image)).enhance(0.6))


DISTORTIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "noise": lambda image: noisy(image, 1, 20),
    "slight": lambda image: noisy(image, 2, 2),
    "blur": blurred,
    "jpeg": compressed,
    "contrast": flatter,
}


def pairs_of(folder: Path, references: list[Pixels], *kinds: str) -> pd.DataFrame:
    """Each reference with its distorted images, written to files."""
    rows = []
    for number, image in enumerate(references):
        Image.fromarray(image).save(folder / f"r{number}.png")
        for kind in kinds or DISTORTIONS:
            Image.fromarray(DISTORTIONS[kind](image)).save(folder / f"r{number}.{kind}.png")
            rows.append((str(folder / f"r{number}.png"), str(folder / f"r{number}.{kind}.png"), f"r{number}.{kind}"))
    return pd.DataFrame(rows, columns=["reference_path", "distorted_path", "distorted"])


def loaded(pairs: pd.DataFrame) -> list[tuple[Pixels, Pixels]]:
    """The images of all pairs, read by Pillow."""
    paths = zip(pairs["reference_path"], pairs["distorted_path"], strict=True)
    return [(np.array(Image.open(reference)), np.array(Image.open(distorted))) for reference, distorted in paths]


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Ten pairs: two photographs of odd sizes, distorted in five ways."""
    references = [crop("astronaut", 65, 96), crop("chelsea", 80, 71)]
    return pairs_of(tmp_path_factory.mktemp("photographs"), references)


@pytest.fixture(scope="session")
def calibration(tid2013_kit: Path) -> pd.DataFrame:
    """Five pairs of TID2013, each with what the authors' own programs give: a column a metric."""
    published = pd.read_csv(needs_shared("oracles", "calibration_pairs.csv"))
    config = composed("benchmark=tid2013", f"benchmark.path={tid2013_kit / 'tid2013'}", "benchmark.allow_missing=true")
    pairs = load_benchmark(config.benchmark).pairs.assign(dist=lambda frame: frame["distorted"].str.lower())
    values = published.pivot(index="dist", columns="metric", values="author_implementation")
    joined = pairs.merge(values, left_on="dist", right_index=True)
    assert len(joined) == 5
    return joined.reset_index(drop=True)
