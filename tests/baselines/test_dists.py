"""DISTS against the DISTS-pytorch package, both with the same random trunk and the published alpha and beta."""

import copy
from collections.abc import Callable
from pathlib import Path

import DISTS_pytorch
import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from DISTS_pytorch.DISTS_pt import L2pooling, prepare_image
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from iqa_lab.baselines.dists import DISTS, L2Pool
from iqa_lab.benchmarks.images import decode
from tests.baselines.conftest import Baseline, Pixels, crop, loaded, pairs_of

# Two float32 programs: convolutions add in different orders, and the package takes a small variance for the difference
# of two large means. Every l and s is off by some 1e-7, and their weights sum to 1 (measured: 1.2e-7).
FLOAT32 = 1e-6
# Of the same responses, against float64: our differences are float32, each right to 6e-8 of itself, and so are the
# sums of their squares in the lines of a map.
SUMS = 1e-6


def to_tensor(image: Pixels) -> Tensor:
    return prepare_image(Image.fromarray(image), resize=False)


@pytest.fixture(scope="module")
def theirs(baseline: Callable[[str], Baseline]) -> DISTS_pytorch.DISTS:
    """The package's module with our trunk; made without a download."""
    ours = baseline("dists").network.module
    assert isinstance(ours, DISTS)

    def untrained(pretrained: bool) -> torch.nn.Module:
        assert pretrained
        return torchvision.models.vgg16(init_weights=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("DISTS_pytorch.DISTS_pt.models", type("models", (), {"vgg16": staticmethod(untrained)}))
        module = DISTS_pytorch.DISTS(load_weights=False)
    published = Path(DISTS_pytorch.__file__).with_name("weights.pt")
    state = torch.load(published, weights_only=True, map_location="cpu")
    trunk = [parameter for name, parameter in module.named_parameters() if name.startswith("stage")]
    with torch.no_grad():
        module.alpha.copy_(state["alpha"])
        module.beta.copy_(state["beta"])
        for parameter, value in zip(trunk, ours.features.parameters(), strict=True):
            parameter.copy_(value)
    return module.eval()


@pytest.fixture(scope="module")
def few(photographs: pd.DataFrame) -> pd.DataFrame:
    """Six pairs: slight distortions and strong ones."""
    return photographs[photographs["distorted"].str.contains("slight|blur|contrast")].reset_index(drop=True)


@pytest.fixture(scope="module")
def expected(theirs: DISTS_pytorch.DISTS, few: pd.DataFrame) -> NDArray[np.float64]:
    with torch.no_grad():
        distances = np.array([float(theirs(to_tensor(x), to_tensor(y))) for x, y in loaded(few)])
    assert distances.min() < 1e-3 and distances.max() > 0.1
    return distances


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_pass_gives_what_the_package_gives(
    baseline: Callable[[str], Baseline], few: pd.DataFrame, expected: NDArray[np.float64], batch_size: int
) -> None:
    found = baseline("dists").distances(few, batch_size=batch_size)
    np.testing.assert_allclose(found, expected, rtol=0, atol=FLOAT32)


def test_of_the_same_responses_it_makes_what_the_package_makes_in_float64(
    baseline: Callable[[str], Baseline], theirs: DISTS_pytorch.DISTS, few: pd.DataFrame
) -> None:
    ours = baseline("dists")
    precise = copy.deepcopy(theirs).double()
    for x, y in loaded(few.iloc[:3]):
        responses = ours.responses(x, y)
        layers = [responses["pixels"].double() / 255, *(responses[name].double() for name in list(responses)[1:])]
        both = iter([[layer[:1] for layer in layers], [layer[1:] for layer in layers]])
        with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(precise, "forward_once", lambda _image, given=both: next(given))
            expected = float(precise(None, None))
        assert ours.sum_of_terms(responses, 0, 1) == pytest.approx(expected, rel=SUMS)


@pytest.mark.parametrize(("height", "width"), [(300, 400), (300, 403), (403, 300), (257, 400), (399, 266)])
def test_large_images_are_brought_to_256_as_by_the_package(tmp_path: Path, height: int, width: int) -> None:
    Image.fromarray(crop("rocket", height, width)).save(tmp_path / "x.png")
    expected = prepare_image(Image.open(tmp_path / "x.png"), resize=True)[0]
    # ToTensor divides by 255 in float32: within 1e-5 of whole numbers again
    np.testing.assert_array_equal(
        decode(str(tmp_path / "x.png"), 256).pixels, (expected * 255).round().permute(1, 2, 0).byte().numpy()
    )


def test_a_pass_at_256_gives_what_the_package_gives(
    baseline: Callable[[str], Baseline], theirs: DISTS_pytorch.DISTS, tmp_path: Path
) -> None:
    pairs = pairs_of(tmp_path, [crop("rocket", 300, 403)], "noise")
    first, second = (
        prepare_image(Image.open(pairs[column][0]), resize=True) for column in ("reference_path", "distorted_path")
    )
    assert first.shape == (1, 3, 256, 343)  # the long side, 343.9, is rounded down
    with torch.no_grad():
        expected = [float(theirs(first, second))]
    np.testing.assert_allclose(baseline("dists").distances(pairs, resize=256), expected, rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("shape", [(8, 8), (7, 9), (1, 2)])
def test_pools_are_the_packages(shape: tuple[int, int]) -> None:
    values = torch.rand(2, 5, *shape) * 10
    found = L2Pool(5)(values)
    assert found.shape[2:] == (-(-shape[0] // 2), -(-shape[1] // 2))
    # nine float32 products in two orders
    torch.testing.assert_close(found, L2pooling(channels=5)(values), rtol=1e-6, atol=0)


def test_the_published_weights_are_there_and_sum_to_1(baseline: Callable[[str], Baseline]) -> None:
    module = baseline("dists").network.module
    published = torch.load(Path(DISTS_pytorch.__file__).with_name("weights.pt"), weights_only=True, map_location="cpu")
    for name in ("alpha", "beta"):
        assert module.get_buffer(name).equal(published[name].flatten()) and len(module.get_buffer(name)) == 1475


def test_unlike_images_are_at_most_2_apart(baseline: Callable[[str], Baseline]) -> None:
    image = crop("astronaut", 64, 64)
    assert 0.1 < baseline("dists").between(image, 255 - image) < 2
