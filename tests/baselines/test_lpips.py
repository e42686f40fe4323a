"""LPIPS against the lpips package, both with the same random trunk and the published linear weights."""

from collections.abc import Callable

import lpips
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.baselines.lpips import LPIPS, weighed_lpips
from iqa_lab.readouts import Response
from tests.baselines.conftest import Baseline, Pixels, loaded

# the package says pretrained= to torchvision
pytestmark = pytest.mark.filterwarnings(
    "ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum"
)

# Two float32 programs that convolve in different orders: responses differ by some 1e-7 of their size, distances of
# slightly distorted images, whose responses differ by 1 %, by some 1e-6 (measured: 2.2e-6).
FLOAT32 = 1e-5


def theirs(ours: LPIPS, trunk: str) -> lpips.LPIPS:
    """The package's module with our trunk."""
    module = lpips.LPIPS(net=trunk, pnet_rand=True, verbose=False)
    with torch.no_grad():
        for parameter, value in zip(module.net.parameters(), ours.features.parameters(), strict=False):
            parameter.copy_(value)
    assert all(p.equal(q) for p, q in zip(module.net.parameters(), ours.features.parameters(), strict=True))
    return module


def their_input(image: Pixels) -> Tensor:
    """RGB in -1..1."""
    return torch.from_numpy(image / 127.5 - 1).permute(2, 0, 1)[None].float()


@pytest.fixture(scope="module", params=["alex", "vgg", "squeeze"])
def both(request: pytest.FixtureRequest, baseline: Callable[[str], Baseline]) -> tuple[Baseline, lpips.LPIPS]:
    """Our LPIPS and the package's."""
    ours = baseline(f"lpips_{request.param}")
    assert isinstance(ours.network.module, LPIPS)
    return ours, theirs(ours.network.module, request.param)


@pytest.fixture(scope="module")
def expected(both: tuple[Baseline, lpips.LPIPS], photographs: pd.DataFrame) -> NDArray[np.float64]:
    """What the package says of the photographs."""
    with torch.no_grad():
        distances = np.array([float(both[1](their_input(x), their_input(y))) for x, y in loaded(photographs)])
    assert 0 < 20 * distances.min() < distances.max()  # slight distortions and strong ones
    return distances


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_pass_gives_what_the_package_gives(
    both: tuple[Baseline, lpips.LPIPS], expected: NDArray[np.float64], photographs: pd.DataFrame, batch_size: int
) -> None:
    np.testing.assert_allclose(both[0].distances(photographs, batch_size=batch_size), expected, rtol=FLOAT32)


def test_every_layer_is_the_packages(both: tuple[Baseline, lpips.LPIPS], photographs: pd.DataFrame) -> None:
    ours, module = both
    x, y = loaded(photographs)[0]
    with torch.no_grad():
        _, parts = module(their_input(x), their_input(y), retPerLayer=True)
    responses = ours.responses(x, y)
    assert len(ours.terms) == len(parts)
    for (layer, term), expected in zip(ours.terms.items(), parts, strict=True):
        found = term(Response([responses[layer][:1]], [responses[layer][1:]], 1))
        assert float(found) == pytest.approx(float(expected), rel=FLOAT32), layer


def test_the_linear_weights_are_the_published(both: tuple[Baseline, lpips.LPIPS]) -> None:
    ours, module = both
    for number, layer in enumerate(module.lins):
        (weight,) = layer.parameters()
        assert ours.network.module.get_buffer(f"linear{number}").equal(weight.flatten())


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_every_image_is_forwarded_once(
    baseline: Callable[[str], Baseline], photographs: pd.DataFrame, batch_size: int
) -> None:
    ours = baseline("lpips_alex")
    seen: list[int] = []
    handle = ours.network.module.register_forward_pre_hook(lambda _module, inputs: seen.append(len(inputs[0])))
    try:
        scores = ours.pass_over(photographs, batch_size=batch_size)
    finally:
        handle.remove()
    assert sum(seen) == scores.forwards == len(photographs) + 2  # ten distorted images, two references
    assert max(seen) <= batch_size


def test_positions_without_response_count_as_in_the_package() -> None:
    f, g = torch.rand(2, 1, 5, 3, 4)
    f[..., 0] = 0
    g[..., 0, 1] = 0
    f[..., 2, 3] = g[..., 2, 3] = 0
    weights = torch.tensor([0.5, 1, 2, 0, 3])
    expected = ((lpips.normalize_tensor(f) - lpips.normalize_tensor(g)).square() * weights[:, None, None]).sum(1).mean()
    # sums of sixty float32 numbers
    assert float(weighed_lpips(weights)(Response([f], [g], 1))) == pytest.approx(float(expected), rel=1e-6)


def test_an_unknown_trunk_is_refused() -> None:
    with pytest.raises(ValueError, match="trunk=resnet: choose alex, vgg, squeeze"):
        LPIPS("resnet")
