"""Every readout against its textbook formula in float64, on responses that leave float32 few digits."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab import loops
from iqa_lab.readouts import Response, load_distance
from tests.readouts.test_readouts import BLIND_TO_CONSTANTS, NAMES, READOUTS, between, histogram_distance
from tests.readouts.test_readouts import PIXELS as PIXELS_OF_IMAGE

Matrix = NDArray[np.float64]

# Responses and differences of responses are float32, each right to 6e-8 of itself; sums of thousands to 1e-6.
RELATIVE = 1e-5
# Where all of a distance is smaller than what the rounding of the responses themselves makes of it:
ROUNDING = 6e-8
DIRECTIONS = 1e-13  # some squares of it
# (responses that are not negative stay below 1.5 in dists)
LARGEST = {"cosine": 2, "correlation": 2, "dists": 2, "lpips": 4, "jsd": np.sqrt(np.log(2))}


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


SHAPE = (12, 21, 33)
PATTERN = noise(0, *SHAPE).relu()
LEVELS = noise(1, 12, 1, 1).abs()
POSITION = noise(2, 200, 1, 1)
FEW = noise(3, 200, 2, 3)
PIXELS = torch.randint(0, 200, (3, 21, 33), generator=torch.Generator().manual_seed(4)).to(torch.uint8)


def uniform(levels: Tensor) -> Tensor:
    return levels.expand(SHAPE).clone()


def changed(values: Tensor, by: float, channels: slice, row: int, column: int) -> Tensor:
    result = values.clone()
    result[channels, row, column] += by
    return result


def shifted_where_constant() -> tuple[Tensor, Tensor]:
    f, g = PATTERN.clone(), PATTERN + 0.1 * noise(5, *SHAPE)
    f[::3], g[::3] = LEVELS[::3], LEVELS[::3] + 0.25
    return f, g


CASES: dict[str, tuple[Tensor, Tensor]] = {
    **{f"uniform, {size:g}": (size * uniform(LEVELS), size * uniform(1.3 * LEVELS + 0.1)) for size in (1e-6, 1, 1e6)},
    "uniform, 1000 and 1200": (uniform(1000 * LEVELS), uniform(1200 * LEVELS)),
    "constant channels that shift": shifted_where_constant(),
    "amplitude 1e-6": (1e-6 * PATTERN, 1e-6 * (PATTERN + 0.3 * noise(6, *SHAPE))),
    "amplitude 1e6": (1e6 * PATTERN, 1e6 * (PATTERN + 0.3 * noise(6, *SHAPE))),
    "10000 and a little": (1e4 + 0.1 * noise(7, *SHAPE), 1e4 + 0.1 * noise(8, *SHAPE)),
    "10000 and 12000": (1e4 + noise(7, *SHAPE), 1.2e4 + noise(8, *SHAPE)),
    "dark and bright": (0.02 * PATTERN, 0.02 * PATTERN + 60),
    "one value": (PATTERN, changed(PATTERN, 1, slice(3, 4), 4, 5)),
    "one position": (PATTERN, changed(PATTERN, 0.5, slice(None), 4, 5)),
    "the first position by much": (PATTERN, changed(PATTERN, 100, slice(None), 0, 0)),
    "one of many positions": (
        large := 50 * noise(9, 4, 200, 300).relu(),
        changed(large, 1, slice(None), 100, 100),
    ),
    "proportional": (PATTERN, 1.1 * PATTERN),
    "nearly proportional": (PATTERN, 1.3 * PATTERN + 1e-3 * noise(10, *SHAPE)),
    "another contrast": (PATTERN, 0.7 * PATTERN + 0.2 + 1e-3 * noise(10, *SHAPE)),
    "nearly equal": (PATTERN, PATTERN + 1e-4 * noise(11, *SHAPE)),
    "opposite": (PATTERN, -PATTERN),
    "one channel": (noise(12, 1, 21, 33), noise(13, 1, 21, 33)),
    "maps of one position": (POSITION, POSITION + 0.2 * noise(14, 200, 1, 1)),
    "one channel of one position": (torch.full((1, 1, 1), 2.0), torch.full((1, 1, 1), 2.5)),
    "few positions in another order": (FEW, FEW.flip(2) + 1e-3 * noise(15, 200, 2, 3)),
    "pixels, brighter": (PIXELS, PIXELS + 20),
    "pixels, less contrast": (PIXELS, (0.6 * PIXELS + 30).round().to(torch.uint8)),
    "pixels, one level in one": (PIXELS, changed(PIXELS, 1, slice(0, 1), 3, 4)),
}


def textbook(name: str, f: Tensor, g: Tensor) -> float:
    """A readout as its definition says, in float64, in the form that loses no digits."""
    a, b = f.double().numpy(), g.double().numpy()
    x, y = a.reshape(len(a), -1), b.reshape(len(b), -1)
    (mx, my), d = (x.mean(1), y.mean(1)), x - y
    xc, yc, dc = (v - v.mean(1, keepdims=True) for v in (x, y, d))
    vx, vy, vd = ((v**2).mean(1) for v in (xc, yc, dc))
    sx, sy = (np.where(v <= 1e-12 * (v + m**2), 0, np.sqrt(v)) for v, m in ((vx, mx), (vy, my)))
    means = np.linalg.norm(d.mean(1))
    deviations = np.linalg.norm((dc * (xc + yc)).mean(1) / np.maximum(sx + sy, 1e-300))
    formulas: dict[str, Callable[[], float]] = {
        "plain": lambda: np.sqrt(np.square(d).sum() / PIXELS_OF_IMAGE),
        "manhattan": lambda: np.abs(d).sum() / PIXELS_OF_IMAGE,
        "cosine": lambda: np.square(a / np.linalg.norm(a) - b / np.linalg.norm(b)).sum() / 2,
        "lpips": lambda: np.square(of_length_1(a) - of_length_1(b)).sum(0).mean(),
        "mean": lambda: means,
        "std": lambda: deviations,
        "mean_std": lambda: np.hypot(means, deviations),
        "gram": lambda: np.linalg.norm(d @ (x + y).T + (x + y) @ d.T) / 2 / x.shape[1],
        "correlation": lambda: np.mean(
            [
                float((s > 0) != (t > 0)) if s * t == 0 else np.square(u / s - v / t).mean() / 2
                for u, v, s, t in zip(xc, yc, sx, sy, strict=True)
            ]
        ),
        "dists": lambda: (d.mean(1) ** 2 / (mx**2 + my**2 + 1e-6) + vd / (vx + vy + 1e-6)).mean() / 2,
        "wasserstein": lambda: np.abs(np.sort(x) - np.sort(y)).mean(),
        "jsd": lambda: np.mean([0 if equal(u, v) else histogram_distance(u, v) for u, v in zip(x, y, strict=True)]),
    }
    return float(formulas[name]())


def resolution(name: str, f: Tensor, g: Tensor) -> float:
    """What rounding every response to float32 makes of a distance, at most."""
    x, y = (values.double().flatten(1) for values in (f, g))
    sizes = torch.maximum(x.square().mean(1), y.square().mean(1)).sqrt() * ROUNDING
    if name in ("std", "mean_std"):
        return float(sizes.norm())
    if name == "correlation":
        deviations = torch.minimum(x.std(1, correction=0), y.std(1, correction=0))
        return DIRECTIONS + float((sizes / deviations).square().nan_to_num(0, 0).mean())
    return DIRECTIONS if name in ("cosine", "lpips", "dists") else 0


def of_length_1(values: Matrix) -> Matrix:
    return np.asarray(values / (np.sqrt((values**2).sum(0)) + 1e-10))


def equal(u: Matrix, v: Matrix) -> bool:
    return bool(np.ptp(np.concatenate([u, v])) == 0)


@pytest.fixture(params=["compiled loops", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to compute readouts on a CPU."""
    monkeypatch.setattr(loops, "enabled", request.param == "compiled loops")
    return str(request.param)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_digits_are_kept(name: str, case: str, way: str) -> None:
    f, g = CASES[case]
    expected = textbook(name, f, g)
    floor = resolution(name, f, g)
    for order in (torch.contiguous_format, torch.channels_last):
        x, y = (values[None].contiguous(memory_format=order) for values in (f, g))
        found = float(load_distance(READOUTS[name])(Response([x], [y], PIXELS_OF_IMAGE))[0])
        assert found == pytest.approx(expected, rel=RELATIVE, abs=floor)
        assert 0 <= found <= LARGEST.get(name, np.inf) * (1 + 1e-12)
        assert between(name, f, f) == between(name, g, g) == 0


@pytest.mark.parametrize("name", NAMES)
def test_bf16_responses_are_read_as_the_numbers_that_they_are(name: str, way: str) -> None:
    f, g = (values.bfloat16() for values in CASES["10000 and 12000"])
    expected = textbook(name, f.float(), g.float())
    assert between(name, f, g) == pytest.approx(expected, rel=RELATIVE, abs=resolution(name, f, g))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_responses_that_are_no_numbers_give_none(name: str, bad: float, way: str) -> None:
    broken = changed(PATTERN, bad, slice(3, 4), 4, 5)
    for f, g in ((PATTERN, broken), (broken, PATTERN), (broken, broken)):
        assert not np.isfinite(between(name, f, g))


@pytest.mark.parametrize("name", NAMES)
def test_uniform_images_are_as_far_apart_in_a_batch(name: str, way: str) -> None:
    """The pairs of a run share what is known of their reference."""
    f = uniform(LEVELS)
    several = torch.stack([uniform(LEVELS + 0.5), f, PATTERN])
    found = load_distance(READOUTS[name])(Response([f[None], PATTERN[None]], [several, several], PIXELS_OF_IMAGE))
    alone = [between(name, x, y) for x in (f, PATTERN) for y in several]
    assert found.tolist() == pytest.approx(alone, rel=1e-6, abs=1e-12)
    assert found[1] == found[5] == 0
    assert (found[0] == 0) == (name in BLIND_TO_CONSTANTS)


@pytest.mark.parametrize("given", [lambda distances: distances[:, None], lambda distances: distances.sum(), float])
def test_a_readout_that_gives_no_number_a_pair_is_refused(given: Callable[[Tensor], object]) -> None:
    from iqa_lab.config import ReadoutConfig
    from iqa_lab.errors import UserError

    global _given
    _given = given
    readout = load_distance(ReadoutConfig(function="tests.readouts.test_extremes.of_another_shape", formula=""))
    with pytest.raises(UserError, match=r"gives .* for 1 pairs, not \(1,\)"):
        readout(Response([PATTERN[None]], [PATTERN[None]], PIXELS_OF_IMAGE))


_given: Callable[[Tensor], object] = float


def of_another_shape(response: Response) -> object:
    return _given(response.squared_difference)
