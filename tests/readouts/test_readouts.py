"""Every readout against somebody else's code, and its properties on responses of any shape."""

import numpy as np
import pytest
import scipy.spatial.distance as scipy_distance
import torch
from hypothesis import given
from hypothesis import strategies as st

from iqa_lab.config import ReadoutConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.readouts import Response, load_readout
from tests.conftest import composed

NAMES = sorted(path.stem for path in (configuration_folder() / "readout").glob("*.yaml"))
READOUTS = {name: composed(f"readout={name}").readouts[name] for name in NAMES}
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 7))


def responses(seed: int, number: int, shape: tuple[int, ...], *, sparse: bool = False) -> torch.Tensor:
    values = torch.randn(number, *shape, generator=torch.Generator().manual_seed(seed))
    return values.relu() if sparse else values


def between(name: str, f: torch.Tensor, g: torch.Tensor) -> float:
    response = Response(torch.stack([f, g]), [0], [1])
    return float(load_readout(READOUTS[name])(response)[0])


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 999), shape=SHAPES, sparse=st.booleans())
def test_distances_are_distances(name: str, seed: int, shape: tuple[int, ...], sparse: bool) -> None:
    f, g = responses(seed, 2, shape, sparse=sparse)
    assert between(name, f, f) == 0
    there, back = between(name, f, g), between(name, g, f)
    assert there >= 0 and np.isfinite(there)
    if READOUTS[name].symmetric:
        assert there == pytest.approx(back, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_constant_and_zero_responses_have_finite_distances(name: str) -> None:
    zero, one = torch.zeros(3, 4, 5), torch.ones(3, 4, 5)
    for f in (zero, one):
        assert between(name, f, f) == 0
    assert np.isfinite(between(name, zero, one)) and between(name, zero, one) > 0


@pytest.mark.parametrize("name", NAMES)
def test_pairs_of_any_layout_equal_pairs_alone(name: str) -> None:
    values = responses(3, 5, (4, 6, 7))
    for reference, distorted in [([0, 0, 0, 0], [1, 2, 3, 4]), ([0, 3, 3], [1, 2, 4]), ([0, 0, 0], [0, 1, 4])]:
        together = load_readout(READOUTS[name])(Response(values, reference, distorted))
        alone = [between(name, values[r], values[d]) for r, d in zip(reference, distorted, strict=True)]
        assert together.tolist() == pytest.approx(alone, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_readout_leaves_the_response_as_it_was(name: str) -> None:
    values = responses(3, 3, (4, 6, 7))
    before = values.clone()
    load_readout(READOUTS[name])(Response(values, [0, 0], [1, 2]))
    assert torch.equal(values, before)


@given(seed=st.integers(0, 99))
def test_plain_and_cosine_equal_scipy(seed: int) -> None:
    f, g = responses(seed, 2, (16, 9, 11))
    a, b = f.flatten().double().numpy(), g.flatten().double().numpy()
    assert between("plain", f, g) == pytest.approx(scipy_distance.euclidean(a, b), rel=1e-6)
    assert between("cosine", f, g) == pytest.approx(scipy_distance.cosine(a, b), rel=1e-5)
    means = f.double().mean((1, 2)).numpy(), g.double().mean((1, 2)).numpy()
    assert between("mean", f, g) == pytest.approx(scipy_distance.euclidean(*means), rel=1e-5)


def test_cosine_keeps_its_digits_for_nearly_parallel_responses() -> None:
    f = responses(1, 1, (32, 20, 20))[0]
    g = f + 1e-4 * responses(2, 1, (32, 20, 20))[0]
    exact = scipy_distance.cosine(f.double().flatten().numpy(), g.double().flatten().numpy())
    assert between("cosine", f, g) == pytest.approx(exact, rel=1e-3)  # about 5e-9; 1 - cos in float32 gives 0 or 6e-8


def test_cosine_with_a_zero_response() -> None:
    zero, f = torch.zeros(3, 4, 4), responses(1, 1, (3, 4, 4))[0]
    assert between("cosine", zero, f) == between("cosine", f, zero) == 1


def test_distances_of_millions_of_values_keep_their_digits() -> None:
    values = responses(1, 2, (64, 190, 255), sparse=True).contiguous(memory_format=torch.channels_last) * 50
    exact = float((values[1].double() - values[0].double()).square().sum().sqrt())
    assert between("plain", values[0], values[1]) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_means_of_nearly_equal_responses_keep_their_digits(order: torch.memory_format) -> None:
    f = responses(1, 1, (32, 128, 192), sparse=True)[0] + 5
    near = f + 0.01 * responses(2, 1, (32, 128, 192))[0]
    values = torch.stack([f, near]).contiguous(memory_format=order)
    exact = float((near.double().mean((1, 2)) - f.double().mean((1, 2))).norm())
    found = float(load_readout(READOUTS["mean"])(Response(values, [0], [1]))[0])
    assert found == pytest.approx(exact, rel=1e-3)  # one float32 mean of each gives about 1e-2 here


@given(seed=st.integers(0, 99))
def test_lpips_layer_equals_the_lpips_package(seed: int) -> None:
    lpips = pytest.importorskip("lpips", reason="the extra [oracles] is not installed")
    f, g = (x[None] for x in responses(seed, 2, (16, 9, 11), sparse=True))
    difference = (lpips.normalize_tensor(f) - lpips.normalize_tensor(g)) ** 2
    expected = float(lpips.spatial_average(difference.sum(1, keepdim=True)))
    assert between("lpips", f[0], g[0]) == pytest.approx(expected, rel=1e-5)


def test_the_sum_over_alexnets_layers_equals_uncalibrated_lpips() -> None:
    lpips = pytest.importorskip("lpips", reason="the extra [oracles] is not installed")
    from dataclasses import replace

    from iqa_lab.config import InputConfig
    from iqa_lab.networks.network import Network
    from tests.conftest import noisy, picture, untrained

    theirs = lpips.LPIPS(net="alex", lpips=False, pnet_rand=True, verbose=False).eval()
    alexnet = untrained("alexnet")
    module = type(alexnet.module)().eval()
    trunk = [value for key, value in theirs.net.state_dict().items()]
    for parameter, value in zip(module.features.parameters(), trunk, strict=True):
        parameter.data.copy_(value)
    # lpips takes -1..1 and then shifts and scales
    shift, scale = theirs.scaling_layer.shift.flatten(), theirs.scaling_layer.scale.flatten()
    convention = InputConfig(mean=(1 + shift).tolist(), std=scale.tolist(), range=2.0)
    network: Network = replace(alexnet, module=module, input=convention)

    images = np.stack([picture(0, 64, 96), noisy(picture(0, 64, 96), 1, 25)])
    stack = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = float(theirs(stack[:1] / 127.5 - 1, stack[1:] / 127.5 - 1))
        x, total = network.prepare(stack), 0.0
        for number, part in enumerate(module.features):
            x = part(x)
            if f"features.{number}" in [layer.name for layer in network.layers]:
                total += float(load_readout(READOUTS["lpips"])(Response(x.clone(), [0], [1]))[0])
    assert total == pytest.approx(expected, rel=1e-5)


def test_a_readout_of_ones_own_by_import_path() -> None:
    mine = ReadoutConfig(function="tests.readouts.test_readouts.largest_difference", formula="max |f - g|")
    f, g = responses(0, 2, (2, 3, 3))
    assert float(load_readout(mine)(Response(torch.stack([f, g]), [0], [1]))) == float((f - g).abs().max())
    for function in ("nothing", "no.such.module"):
        with pytest.raises(UserError, match="the readout's function=.* cannot be imported"):
            load_readout(ReadoutConfig(function=function, formula=""))


def largest_difference(response: Response) -> torch.Tensor:
    return response.difference(response.values).abs().amax((1, 2, 3))
