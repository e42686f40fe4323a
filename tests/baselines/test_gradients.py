"""The gradients of LPIPS and DISTS against those of the packages, with the same random trunk."""

import copy
from collections.abc import Callable

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from iqa_lab.baselines.lpips import LPIPS
from iqa_lab.metric.made import made
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import recipe_of_words
from iqa_lab.readouts import Response
from tests.baselines.conftest import PIXEL_METRICS, Baseline, loaded
from tests.baselines.test_dists import theirs as _dists
from tests.baselines.test_lpips import theirs as lpips_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:The parameter 'pretrained'", "ignore:Arguments other than a weight enum"
)
dists_package = _dists

# of the largest slope: two float32 programs that add up in different orders
FLOAT32 = 1e-5


def metric_of(baseline: Baseline) -> Metric:
    network = baseline.network
    return made(baseline.config, network, recipe_of_words(baseline.config, network, "raw", False, {}), {})


def pair(photographs: pd.DataFrame, side: int = 96) -> tuple[Tensor, Tensor]:
    """A photograph and a distorted version, ``[1, 3, side, side]`` in 0..1."""
    x, y = loaded(photographs)[0]
    return tuple(torch.from_numpy(one[:side, :side].copy()).permute(2, 0, 1)[None] / 255 for one in (x, y))  # type: ignore[return-value]


def slopes(function: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    first, second = torch.autograd.grad(function(x, y).sum(), (x, y))
    return first, second


def assert_same(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], most: float = FLOAT32) -> None:
    for ours, other in zip(found, expected, strict=True):
        assert other.abs().max() > 0
        assert float((ours - other).abs().max() / other.abs().max()) < most


@pytest.mark.parametrize("trunk", ["alex", "squeeze"])
def test_lpips_gradients_are_the_packages(
    trunk: str, baseline: Callable[[str], Baseline], photographs: pd.DataFrame
) -> None:
    ours = baseline(f"lpips_{trunk}")
    assert isinstance(ours.network.module, LPIPS)
    package: nn.Module = lpips_of(ours.network.module, trunk)
    x, y = pair(photographs)
    expected = slopes(lambda x, y: package(2 * x - 1, 2 * y - 1).flatten(), x, y)
    assert_same(slopes(metric_of(ours), x, y), expected)
    x, y = x.detach(), y.clone().requires_grad_()  # one side alone
    (alone,) = torch.autograd.grad(metric_of(ours)(x, y).sum(), y)
    assert_same((alone,), expected[1:])


# Of the float32 network alone: thirteen convolutions of oneDNN add in another order for one image than for two, and
# each hands its rounding on. Off from float64 on this pair: ours 1.3e-4 (both images in one forward), 2.6e-5 (one at a
# time), the package 1.6e-5 (one at a time), 5.5e-5 (two at a time). No ReLU falls to another side.
CONVOLUTIONS = 5e-4
# Of the readout alone, in float32: measured 2.4e-7.
READOUT = 1e-6


def test_dists_gradients_are_the_packages(
    dists_package: nn.Module,
    baseline: Callable[[str], Baseline],
    photographs: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In float64; in float32 the readout is as right as the numbers it gets, and the network is what is off."""
    x, y = (one.double() for one in pair(photographs, 64))
    package = copy.deepcopy(dists_package).double()
    expected = slopes(lambda x, y: package(x, y, require_grad=True).flatten(), x, y)
    metric = copy.deepcopy(metric_of(baseline("dists")))
    single = slopes(metric, x.float(), y.float())
    exact = slopes(metric.double(), x, y)
    assert_same(exact, expected)
    assert_same(tuple(one.double() for one in single), exact, most=CONVOLUTIONS)

    def narrowed(f: list[Tensor], g: list[Tensor], pixels: int) -> Response:
        return Response([one.float() for one in f], [one.float() for one in g], pixels)

    monkeypatch.setattr("iqa_lab.metric.module.Response", narrowed)
    assert_same(slopes(metric, x, y), exact, most=READOUT)


@pytest.mark.parametrize("name", PIXEL_METRICS)
def test_pixel_metrics_have_gradients(
    name: str, baseline: Callable[[str], Baseline], photographs: pd.DataFrame
) -> None:
    metric = metric_of(baseline(name)).double()
    x, y = (torch.nn.functional.interpolate(one, (176, 176)).double() for one in pair(photographs))
    first, second = slopes(metric, x, y)
    assert first.isfinite().all() and second.isfinite().all() and second.abs().max() > 0
    there = float(metric(x, y).detach())
    step = 1e-3 * second / second.abs().max()
    assert float(metric(x, (y - step).clamp(0, 1)).detach()) < there, "downhill"
    zero, same = slopes(metric, x, x)
    assert not zero.any() and not same.any()
