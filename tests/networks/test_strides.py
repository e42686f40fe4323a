"""Strides are those of the network's geometry, whatever borders do to the number of positions."""

import pytest
from torch import nn

from iqa_lab.errors import UserError
from iqa_lab.networks.forms import MAP, Form, stride_of
from iqa_lab.networks.trace import trace
from tests.conftest import untrained


@pytest.mark.parametrize(
    ("architecture", "strides"),
    [
        ("alexnet", [4, 8, 16, 16, 16]),
        ("squeezenet1_1", [2, 4, 4, 8, 8, 16, 16, 16, 16]),
        ("resnet18", [2, 4, 4, 8, 8, 16, 16, 32, 32]),
        ("vgg11", [1, 2, 4, 4, 8, 8, 16, 16]),
    ],
)
def test_strides_of_published_networks(architecture: str, strides: list[int]) -> None:
    assert [layer.stride for layer in untrained(architecture).layers] == strides


@pytest.mark.parametrize("kernel", [1, 3, 7, 11])
@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("steps", [(1,), (2,), (4, 2), (2, 2, 2), (4, 2, 2, 2), (3,), (14,)])
def test_strides_of_any_convolutions(kernel: int, padding: int, steps: tuple[int, ...]) -> None:
    """The product of the strides, for all products that divide 32; for 3 and 14 where there is no border."""
    total = 1
    for step in steps:
        total *= step
    if 32 % total and (kernel, padding) != (1, 0):
        pytest.skip("about right only")
    size = 14 if total == 14 else kernel
    network = nn.Sequential(*(nn.Conv2d(3, 3, size, step, padding if size == kernel else 0) for step in steps)).eval()
    try:
        traced = trace(network, 3, None)
    except UserError:
        pytest.skip("nothing is left of the image")
    last = str(len(steps) - 1)
    if traced.outputs[last].shape[-1] < 2:
        pytest.skip("nothing is left of the image")
    assert stride_of(traced.outputs[last], traced, Form(MAP, 3)) == total


def test_a_pool_of_fixed_size_has_no_stride() -> None:
    traced = trace(nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.AdaptiveAvgPool2d(6)).eval(), 3, None)
    assert stride_of(traced.outputs["1"], traced, Form(MAP, 4)) is None
