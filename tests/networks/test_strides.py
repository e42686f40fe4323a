"""Strides are those of the network's geometry, whatever borders do to the number of positions."""

import math

import pytest
from torch import nn

from iqa_lab.networks.forms import MAP, Form, stride_of
from iqa_lab.networks.trace import TRACE_SIDE, trace
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


def left_of(side: int, kernel: int, padding: int, steps: tuple[int, ...]) -> int:
    """Positions along a side after convolutions with these strides; below 1 where a kernel found no room."""
    for step in steps:
        side = (side + 2 * padding - kernel) // step + 1 if side + 2 * padding >= kernel else 0
    return side


# for all products of strides that divide 32; for 3 and 14, which are about right only, where there is no border
STRIDES = [
    (kernel, padding, steps)
    for steps in [(1,), (2,), (4, 2), (2, 2, 2), (4, 2, 2, 2), (3,), (14,)]
    for padding in (0, 1, 3)
    for kernel in (1, 3, 7, 11)
    if (32 % math.prod(steps) == 0 and left_of(TRACE_SIDE, kernel, padding, steps) > 1) or (kernel, padding) == (1, 0)
]


@pytest.mark.parametrize(("kernel", "padding", "steps"), STRIDES)
def test_strides_of_any_convolutions(kernel: int, padding: int, steps: tuple[int, ...]) -> None:
    total = math.prod(steps)
    size = 14 if total == 14 else kernel
    network = nn.Sequential(*(nn.Conv2d(3, 3, size, step, padding if size == kernel else 0) for step in steps)).eval()
    traced = trace(network, 3, None)
    last = str(len(steps) - 1)
    assert traced.outputs[last].shape[-1] > 1 and stride_of(traced.outputs[last], traced, Form(MAP, 3)) == total


def test_a_pool_of_fixed_size_has_no_stride() -> None:
    traced = trace(nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.AdaptiveAvgPool2d(6)).eval(), 3, None)
    assert stride_of(traced.outputs["1"], traced, Form(MAP, 4)) is None
