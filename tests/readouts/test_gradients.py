"""Every readout can be descended: its gradient is right, 0 where a distance is 0, and asking for it moves no number."""

import pytest
import torch
from torch import Tensor

from iqa_lab.readouts import Response, load_distance
from tests.readouts.test_readouts import NAMES, PIXELS, READOUTS, responses

WITHOUT = {"jsd"}  # it counts values in bins
SMOOTH = sorted(set(NAMES) - WITHOUT)

# channels x height x width: maps, as many channels as Gram's shorter way needs, one position
SHAPES = [(3, 4, 5), (16, 2, 2), (9, 1, 3), (6, 1, 1)]


def distances(name: str, references: Tensor, distorted: Tensor) -> Tensor:
    return load_distance(READOUTS[name])(Response([references], [distorted], PIXELS))


def right_gradient(name: str, f: Tensor, g: Tensor) -> bool:
    """Whether autograd agrees with finite differences along a direction drawn with a fixed seed."""
    return torch.autograd.gradcheck(lambda f, g: distances(name, f, g), (f, g), fast_mode=True)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gradients_equal_finite_differences(name: str, shape: tuple[int, ...]) -> None:
    f, g = (responses(seed, 2, shape).double().requires_grad_() for seed in (1, 2))
    assert right_gradient(name, f, g)
    assert right_gradient(name, f[:1], g), "one reference of two pairs"


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_far_responses_equal_finite_differences(name: str) -> None:
    """The shifts that keep digits are constants for autograd."""
    f, g = (responses(seed, 2, (3, 4, 5)).double() for seed in (1, 2))
    f, g = (f + 100).requires_grad_(), (g + 120).requires_grad_()
    assert right_gradient(name, f, g)


ZERO, ONE = torch.zeros(1, 3, 4, 5), torch.ones(1, 3, 4, 5)
PATTERN = responses(3, 1, (3, 4, 5))
HALF = torch.cat([PATTERN[:, :1].relu(), ONE[:, :1], ZERO[:, :1]], 1)
EQUAL = {"zero": ZERO, "constant": ONE, "pattern": PATTERN, "some channels constant": HALF}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("case", EQUAL)
def test_the_gradient_of_identical_responses_is_zero(name: str, case: str) -> None:
    f, g = (EQUAL[case].clone().requires_grad_() for _ in range(2))
    found = distances(name, f, g)
    found.sum().backward()
    assert found.tolist() == [0]
    for given in (f, g):
        assert given.grad is not None and given.grad.abs().max() <= 1e-7


@pytest.mark.parametrize("name", SMOOTH)
def test_the_gradient_is_finite_where_a_statistic_is_zero(name: str) -> None:
    for f, g in ((ZERO, PATTERN), (PATTERN, ZERO), (ONE, PATTERN), (ZERO, ONE), (HALF, PATTERN), (HALF, -HALF)):
        f, g = f.clone().requires_grad_(), g.clone().requires_grad_()
        distances(name, f, g).sum().backward()
        assert f.grad is not None and g.grad is not None
        # a slope of 1 / epsilon, at a vector without direction, would carry a picture away
        assert max(f.grad.abs().max(), g.grad.abs().max()) < 100


@pytest.mark.parametrize("name", NAMES)
def test_asking_for_a_gradient_moves_no_number(name: str) -> None:
    f, g = responses(1, 4, (20, 9, 11)), responses(2, 4, (20, 9, 11))
    g[1] = f[1]
    plain = distances(name, f, g)
    asked = distances(name, f.clone().requires_grad_(), g.clone().requires_grad_())
    assert asked.tolist() == pytest.approx(plain.tolist(), rel=1e-6)
    with torch.inference_mode():
        assert distances(name, f, g).tolist() == plain.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_float64_is_read_as_it_is(name: str) -> None:
    f, g = responses(1, 3, (5, 6, 7)), responses(2, 3, (5, 6, 7))
    assert distances(name, f.double(), g.double()).tolist() == pytest.approx(distances(name, f, g).tolist(), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_for_each_pair_is_the_same_as_runs_of_one_pair(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    f, g = responses(1, 5, (5, 6, 7)), responses(2, 5, (5, 6, 7))
    monkeypatch.setattr("iqa_lab.readouts.pieces.PIECE_BYTES", 2 * 4 * 5 * 6 * 7)  # two images
    readout = load_distance(READOUTS[name])
    alone = readout(Response(list(f.split(1)), list(g.split(1)), PIXELS))
    assert readout(Response([f], [g], PIXELS)).tolist() == pytest.approx(alone.tolist(), rel=1e-6)
    mixed = readout(Response([f[:2], f[2:3]], [g[:2], g[2:]], PIXELS))
    expected = torch.cat([alone[:3], readout(Response([f[2:3]], [g[3:]], PIXELS))])
    assert mixed.tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_jsd_has_no_gradient() -> None:
    f, g = (responses(seed, 1, (3, 4, 5)).requires_grad_() for seed in (1, 2))
    assert not distances("jsd", f, g).requires_grad
