"""Every readout against somebody else's code, and its properties on responses of any shape."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.spatial.distance as scipy_distance
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from iqa_lab import loops
from iqa_lab.config import ReadoutConfig
from iqa_lab.errors import UserError
from iqa_lab.readouts import Response, gram, load_distance
from tests.conftest import composed

READOUTS = {name: readout for name, readout in composed("readout=all").readouts.items() if readout.reads == "responses"}
NAMES = sorted(READOUTS)
PIXELS = 1001  # of the images, whatever positions their responses have
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 7))


def responses(seed: int, number: int, shape: tuple[int, ...], *, sparse: bool = False) -> torch.Tensor:
    values = torch.randn(number, *shape, generator=torch.Generator().manual_seed(seed))
    return values.relu() if sparse else values


def between(name: str, f: torch.Tensor, g: torch.Tensor) -> float:
    return float(load_distance(READOUTS[name])(Response([f[None]], [g[None]], PIXELS))[0])


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 999), shape=SHAPES, sparse=st.booleans())
def test_distances_are_distances(name: str, seed: int, shape: tuple[int, ...], sparse: bool) -> None:
    f, g = responses(seed, 2, shape, sparse=sparse)
    assert between(name, f, f) == 0
    there, back = between(name, f, g), between(name, g, f)
    assert there >= 0 and np.isfinite(there)
    if READOUTS[name].symmetric:
        # differences of nearly equal statistics keep fewer digits
        assert there == pytest.approx(back, rel=1e-5, abs=1e-7)


BLIND_TO_CONSTANTS = ("std", "correlation")  # they compare what varies over positions


@pytest.mark.parametrize("name", NAMES)
def test_constant_and_zero_responses_have_finite_distances(name: str) -> None:
    zero, one = torch.zeros(3, 4, 5), torch.ones(3, 4, 5)
    for f in (zero, one):
        assert between(name, f, f) == 0
    apart = between(name, zero, one)
    assert apart == 0 if name in BLIND_TO_CONSTANTS else np.isfinite(apart) and apart > 0


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 99), value=st.floats(-3, 3, width=32))
def test_a_constant_channel_gives_no_nan(name: str, seed: int, value: float) -> None:
    f, g = responses(seed, 2, (3, 5, 7))
    f[1] = value
    assert np.isfinite(between(name, f, g)) and between(name, f, f) == 0
    g[1] = value
    assert np.isfinite(between(name, f, g))


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 99))
def test_maps_of_one_position_have_defined_distances(name: str, seed: int) -> None:
    f, g = responses(seed, 2, (6, 1, 1), sparse=True)
    assert np.isfinite(between(name, f, g)) and between(name, f, g) >= 0
    assert between(name, f, f) == 0


def test_correlation_of_constant_channels_is_as_documented() -> None:
    pattern, constant = responses(1, 1, (1, 5, 7))[0], torch.full((1, 5, 7), 0.1)
    assert between("correlation", constant, 3 * constant) == 0
    assert between("correlation", pattern, constant) == between("correlation", constant, pattern) == 1
    both = between("correlation", torch.cat([pattern, constant]), torch.cat([-pattern, constant]))
    assert both == pytest.approx(1, abs=1e-6)  # the mean of 2 and 0


@pytest.mark.parametrize("name", NAMES)
def test_pairs_of_any_layout_equal_pairs_alone(name: str) -> None:
    values = responses(3, 5, (4, 6, 7))
    for runs in ([(0, [1, 2, 3, 4])], [(0, [1, 2]), (3, [4])], [(0, [0]), (0, [1, 4])]):
        reference = [values[r : r + 1] for r, _ in runs]
        together = load_distance(READOUTS[name])(Response(reference, [values[several] for _, several in runs], PIXELS))
        alone = [between(name, values[r], values[d]) for r, several in runs for d in several]
        assert together.tolist() == pytest.approx(alone, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8])
def test_the_order_in_memory_and_the_type_do_not_matter(name: str, dtype: torch.dtype) -> None:
    values = (responses(3, 4, (20, 33, 41)).abs() * 50).to(dtype)
    expected = [between(name, values[0].float(), g.float()) for g in values[1:]]
    for order in (torch.channels_last, torch.contiguous_format):
        laid = values.contiguous(memory_format=order)
        found = load_distance(READOUTS[name])(Response([laid[:1]], [laid[1:]], PIXELS))
        assert found.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_responses_give_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "enabled", False)  # which read everything in one piece
    values = responses(3, 6, (5, 6, 7))
    whole = load_distance(READOUTS[name])(Response([values[:1]], [values[1:]], PIXELS))
    monkeypatch.setattr("iqa_lab.readouts.pieces.PIECE_BYTES", 2 * 4 * 5 * 6 * 7)  # two images
    monkeypatch.setattr("iqa_lab.readouts.order.SORT_BYTES", 4 * 6 * 7)  # one channel
    monkeypatch.setattr("iqa_lab.readouts.order._STRIPE", 10)
    pieces = load_distance(READOUTS[name])(Response([values[:1]], [values[1:]], PIXELS))
    assert pieces.tolist() == pytest.approx(whole.tolist(), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_readout_leaves_the_response_as_it_was(name: str) -> None:
    values = responses(3, 3, (4, 6, 7))
    before = values.clone()
    load_distance(READOUTS[name])(Response([values[:1]], [values[1:]], PIXELS))
    assert torch.equal(values, before)


@given(seed=st.integers(0, 99), sparse=st.booleans())
def test_statistics_equal_numpy_and_scipy(seed: int, sparse: bool) -> None:
    f, g = responses(seed, 2, (12, 9, 11), sparse=sparse)
    x, y = (values.flatten(1).double().numpy() for values in (f, g))
    grams = [values @ values.T / values.shape[1] for values in (x, y)]
    expected = {
        "manhattan": scipy_distance.cityblock(x.ravel(), y.ravel()) / PIXELS,
        "std": scipy_distance.euclidean(x.std(1), y.std(1)),
        "mean_std": scipy_distance.euclidean([*x.mean(1), *x.std(1)], [*y.mean(1), *y.std(1)]),
        "gram": np.linalg.norm(grams[0] - grams[1]),
        "correlation": np.mean([scipy_distance.correlation(c, d) for c, d in zip(x, y, strict=True)]),
        "wasserstein": np.mean([wasserstein_distance(c, d) for c, d in zip(x, y, strict=True)]),
        "jsd": np.mean([histogram_distance(c, d) for c, d in zip(x, y, strict=True)]),
    }
    for name, value in expected.items():
        assert between(name, f, g) == pytest.approx(value, rel=1e-5), name


def histogram_distance(x: np.ndarray, y: np.ndarray, bins: int = 32) -> float:
    span = min(x.min(), y.min()), max(x.max(), y.max())
    p, q = (np.histogram(values, bins=bins, range=span)[0] for values in (x, y))
    return float(scipy_distance.jensenshannon(p, q))


@pytest.mark.parametrize("way", [True, False], ids=["compiled loops", "torch"])
@pytest.mark.parametrize("bins", [2, 3, 31, 500])
def test_histograms_have_the_bins_asked_for(bins: int, way: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "enabled", way)
    f, g = responses(8, 2, (6, 30, 50), sparse=True)
    readout = ReadoutConfig(function="jsd", arguments={"bins": bins})
    response = Response([f[None]], [g[None]], PIXELS, several=True)
    load_distance(READOUTS["wasserstein"])(response)  # which is asked for other bins
    found = float(load_distance(readout)(response))
    x, y = (values.flatten(1).double().numpy() for values in (f, g))
    assert found == pytest.approx(np.mean([histogram_distance(c, d, bins) for c, d in zip(x, y, strict=True)]))


@pytest.mark.parametrize("bins", [0, 1, -3, 2.5, "8", True, None])
def test_bins_that_tell_nothing_are_refused(bins: object) -> None:
    f, g = responses(1, 2, (6, 3, 5))
    readout = ReadoutConfig(function="jsd", arguments={"bins": bins})
    with pytest.raises(UserError, match="bins=.*2 or more"):
        load_distance(readout)(Response([f[None]], [g[None]], PIXELS))


@pytest.mark.parametrize("size", [1, 1e-5])
def test_gram_of_more_channels_than_positions_equals_the_definition(size: float) -> None:
    f, change = responses(5, 2, (96, 3, 5), sparse=True).double()  # the shorter way, with matrices of positions
    g = f + size * change
    x, y = (values.flatten(1).numpy() for values in (f, g))
    # the definition subtracts matrices that nearly agree, and loses as many digits as the change is small
    assert between("gram", f, g) == pytest.approx(np.linalg.norm(x @ x.T - y @ y.T) / 15, rel=1e-14 / size + 1e-13)


def turned(values: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The positions in another order, of which the Gram matrix tells nothing; and a little noise, of which it does."""
    return values.roll(1, 2) + 1e-2 * noise


@pytest.mark.parametrize("shape", [(96, 1, 1), (96, 1, 3), (300, 8, 12)])
@pytest.mark.parametrize(
    "change",
    [
        lambda values, noise: values + noise,
        lambda values, noise: values + 1e-5 * noise,
        turned,
        lambda values, noise: 1e-2 * noise - values,
        lambda values, _: 1.001 * values.flip(0),
        lambda values, noise: torch.where(torch.arange(len(values))[:, None, None] == 0, values + noise, values),
    ],
    ids=["noise", "little noise", "turned", "negative", "other channels", "one channel"],
)
@pytest.mark.parametrize("scale", [1, 1e18, 1e-18])
@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format], ids=["loops", "torch"])
def test_gram_of_many_channels_keeps_its_digits_in_float32(
    shape: tuple[int, ...], change: Callable[..., torch.Tensor], scale: float, order: torch.memory_format
) -> None:
    """Products in float32 serve most responses; where their terms cancel, or leave its range, they do not."""
    values, noise = responses(5, 2, shape)
    f, g = scale * (values.relu() + 1), scale * change(values.relu() + 1, noise)
    x, y = (values.flatten(1).double().numpy() for values in (f, g))
    expected = np.linalg.norm((x + y) @ (y - x).T + (y - x) @ (x + y).T) / 2 / x.shape[1]
    parts = ([values[None].contiguous(memory_format=order)] for values in (f, g))
    assert float(gram.distance(Response(*parts, PIXELS))) == pytest.approx(expected, rel=3e-6)


def test_gram_does_not_mix_the_batch() -> None:
    f, g, h = responses(6, 3, (8, 5, 7))
    found = load_distance(READOUTS["gram"])(Response([f[None]], [torch.stack([g, h])], PIXELS))
    assert found.tolist() == pytest.approx([between("gram", f, g), between("gram", f, h)], rel=1e-6)


@pytest.mark.parametrize("name", ["gram", "std", "dists", "correlation"])
def test_nearly_equal_responses_keep_their_digits(name: str) -> None:
    f = responses(1, 1, (32, 40, 50), sparse=True)[0] * 3 + 1
    g = f + 1e-3 * responses(2, 1, (32, 40, 50))[0]
    a, b = f.double().flatten(1), g.double().flatten(1)
    (va, vb), (ma, mb) = (a.var(1, correction=0), b.var(1, correction=0)), (a.mean(1), b.mean(1))
    covariance = ((a - ma[:, None]) * (b - mb[:, None])).mean(1)
    texture, structure = (2 * ma * mb + 1e-6) / (ma**2 + mb**2 + 1e-6), (2 * covariance + 1e-6) / (va + vb + 1e-6)
    exact = {
        "gram": (a @ a.T - b @ b.T).norm() / a.shape[1],
        "std": (va.sqrt() - vb.sqrt()).norm(),
        "dists": 1 - (texture + structure).mean() / 2,
        "correlation": (1 - covariance / (va * vb).sqrt()).mean(),
    }[name]
    assert between(name, f, g) == pytest.approx(float(exact), rel=1e-3)


@given(seed=st.integers(0, 99))
def test_plain_and_cosine_equal_scipy(seed: int) -> None:
    f, g = responses(seed, 2, (16, 9, 11))
    a, b = f.flatten().double().numpy(), g.flatten().double().numpy()
    assert between("plain", f, g) == pytest.approx(scipy_distance.euclidean(a, b) / np.sqrt(PIXELS), rel=1e-6)
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
    assert between("plain", values[0], values[1]) == pytest.approx(exact / np.sqrt(PIXELS), rel=1e-6)


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_means_of_nearly_equal_responses_keep_their_digits(order: torch.memory_format) -> None:
    f = responses(1, 1, (32, 128, 192), sparse=True)[0] + 5
    near = f + 0.01 * responses(2, 1, (32, 128, 192))[0]
    values = torch.stack([f, near]).contiguous(memory_format=order)
    exact = float((near.double().mean((1, 2)) - f.double().mean((1, 2))).norm())
    found = float(load_distance(READOUTS["mean"])(Response([values[:1]], [values[1:]], PIXELS))[0])
    assert found == pytest.approx(exact, rel=1e-3)  # one float32 mean of each gives about 1e-2 here


@given(seed=st.integers(0, 99))
def test_lpips_layer_equals_the_lpips_package(seed: int) -> None:
    import lpips

    f, g = (x[None] for x in responses(seed, 2, (16, 9, 11), sparse=True))
    difference = (lpips.normalize_tensor(f) - lpips.normalize_tensor(g)) ** 2
    expected = float(lpips.spatial_average(difference.sum(1, keepdim=True)))
    assert between("lpips", f[0], g[0]) == pytest.approx(expected, rel=1e-5)


def test_the_sum_over_alexnets_layers_equals_uncalibrated_lpips() -> None:
    from dataclasses import replace

    import lpips

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
                total += float(load_distance(READOUTS["lpips"])(Response([x[:1]], [x[1:]], PIXELS))[0])
    assert total == pytest.approx(expected, rel=1e-5)


def test_a_readout_of_ones_own_by_import_path() -> None:
    mine = ReadoutConfig(function="tests.readouts.test_readouts.largest_difference", formula="max |f - g|")
    f, g = responses(0, 2, (2, 3, 3))
    assert float(load_distance(mine)(Response([f[None]], [g[None]], PIXELS))) == float((f - g).abs().max())
    for function in ("nothing", "no.such.module"):
        with pytest.raises(UserError, match="the readout's function=.* cannot be imported"):
            load_distance(ReadoutConfig(function=function, formula=""))


def largest_difference(response: Response) -> torch.Tensor:
    return response.over_pairs(lambda f, g: (g - f).abs().amax((1, 2, 3)))


@pytest.mark.parametrize("positions", [gram.AT_ONCE - 1, gram.AT_ONCE, gram.AT_ONCE + 1, 3 * gram.AT_ONCE + 5])
def test_products_of_many_positions_lose_no_digits(positions: int) -> None:
    """Pixels: large sums that are all positive, of which only a little differs."""
    f = 255 * torch.rand(1, 3, 1, positions, generator=torch.Generator().manual_seed(positions))
    g = f + responses(1, 2, (3, 1, positions))
    first, second = f.double().flatten(2), g.double().flatten(2)
    apart = first @ first.mT - second @ second.mT
    found = gram.distance(Response([f], [g], PIXELS))
    torch.testing.assert_close(found, apart.square().sum((1, 2)).sqrt() / positions, rtol=2e-6, atol=0)
