"""A metric can be descended: gradients of whole networks, whatever they overwrite in place."""

import copy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from iqa_lab.errors import UserError
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import recipe_of_words
from iqa_lab.networks import build_network
from iqa_lab.networks.network import _exact_lightness, lightness
from tests.conftest import composed
from tests.metric.own import OVERRIDES
from tests.readouts.test_gradients import SMOOTH

COLOURS = {
    "rgb": (),
    "lightness": (
        "weights.input={order: lightness, range: 1, mean: [.5], std: [.25]}",
        "+architecture.arguments.channels=1",
    ),
}


@cache
def config_of(order: str) -> Any:
    return composed("goal=untrained", "dataset=none", *OVERRIDES, *COLOURS[order], "readout=all")


def double(name: str, order: str = "rgb") -> Metric:
    config = config_of(order)
    network = build_network(config)
    one = replace(config.readouts[name], concat=[])
    return Metric(network, recipe_of_words(replace(config, readouts={name: one}), network, None, False, {})).double()


def images(seed: int, number: int = 1) -> Tensor:
    return torch.rand(number, 3, 20, 24, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_a_whole_network_equal_finite_differences(name: str) -> None:
    metric = double(name)
    x, y = images(1).requires_grad_(), images(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: metric(x, y), (x, y), fast_mode=True)
    assert torch.autograd.gradcheck(lambda y: metric(x.detach(), y), (y,), fast_mode=True)
    assert torch.autograd.gradcheck(lambda x: metric(x, y.detach()), (x,), fast_mode=True)


def test_the_gradient_of_lightness_is_that_of_its_formula() -> None:
    """Its numbers are rounded to 8 bits in several steps, which together are off by about one."""
    x = (255 * images(1)).requires_grad_()
    assert torch.autograd.gradcheck(_exact_lightness, (x,), fast_mode=True)
    found, exact = lightness(x), _exact_lightness(x)
    assert float((found - exact).detach().abs().max()) < 1.5
    weights = torch.rand(found.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slopes = [torch.autograd.grad((weights * one).sum(), x)[0] for one in (found, exact)]
    assert slopes[0].equal(slopes[1])
    assert found.detach().equal(lightness(x.detach().round().byte()).double())


def test_jsd_says_that_it_has_no_gradient() -> None:
    metric = double("jsd")
    with pytest.raises(UserError, match="readout jsd has no gradient: .*torch.no_grad"):
        metric(images(1), images(2).requires_grad_())
    assert metric(images(1), images(2)).min() > 0
    with torch.no_grad():
        assert metric(images(1), images(2).requires_grad_()).min() > 0


def test_training_mode_and_parameters() -> None:
    """A loss inside of a model that is trained stays what it was; asked to, the network itself has a gradient."""
    metric = double("plain")
    assert not metric.train().training and not metric.module.training
    assert not any(values.requires_grad for values in metric.parameters())
    metric.requires_grad_()
    metric(images(1), images(2)).sum().backward()
    assert metric.module.first.conv.weight.grad is not None  # type: ignore[union-attr]


def test_a_copy_is_a_metric_of_its_own() -> None:
    words = {"goal": "untrained", "dataset": "none", "architecture": "squeezenet1_1"}
    weights = {"features.1": torch.arange(64.0)}
    metric = load_metric(**words, layers=["features.1"], readout="plain", channel_weights=weights)
    x, y = images(1).float(), images(2).float()
    expected = metric(x, y)
    other = copy.deepcopy(metric)
    metric.get_buffer("weights_0").zero_()
    next(metric.module.parameters()).data.zero_()
    assert other(x, y).equal(expected) and not metric(x, y).any()
    assert set(other.state_dict()) == set(metric.state_dict())


def test_pixels_in_double_precision_keep_their_digits() -> None:
    metric = load_metric(
        goal="untrained", dataset="none", architecture="squeezenet1_1", layers="pixels", readout="plain"
    )
    x = images(1)
    y = x + 1e-9 * (images(2) - 0.5)
    expected = 255 * (x - y).square().sum((1, 2, 3)).div(x[0, 0].numel()).sqrt()
    assert metric.double()(x, y).flatten().tolist() == pytest.approx(expected.tolist(), rel=1e-5)


def test_under_autocast_and_compiled_it_gives_nearly_the_same() -> None:
    words = {"goal": "untrained", "dataset": "none", "architecture": "squeezenet1_1"}
    metric = load_metric(**words, layers=["features.1", "features.4"], readout=["lpips", "gram"])
    x, y = (one.float() for one in (images(1), images(2)))
    x, y = (torch.nn.functional.interpolate(one, scale_factor=2) for one in (x, y))
    expected = metric(x, y)
    with torch.autocast("cpu", torch.bfloat16):
        assert metric(x, y).tolist()[0] == pytest.approx(expected.tolist()[0], rel=0.02)
    compiled = torch.compile(metric, backend="eager")
    z = y.clone().requires_grad_()
    found = compiled(x, z)
    assert found.detach().equal(expected)
    found.sum().backward()
    assert z.grad is not None and z.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("name", "layer"),
    [("vit_tiny_patch16_224", "blocks.1"), ("swin_t", "features.1.0"), ("vit_small_patch16_dinov3", "blocks.1")],
)
def test_transformers_have_gradients(name: str, layer: str) -> None:
    """What they keep from the forwards that their layers were found by is no tensor of inference mode."""
    metric = load_metric(goal="untrained", dataset="none", architecture=name, layers=[layer], readout="lpips")
    side = metric.network.image_size or 64
    x, y = (torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    y.requires_grad_()
    metric(x, y).sum().backward()
    assert y.grad is not None and y.grad.isfinite().all() and y.grad.abs().max() > 0
