"""Compiled loops give what the definitions in torch give, sort what they should, and need neither Numba nor a disk."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from iqa_lab import loops
from iqa_lab.benchmarks.png import usual_pixels
from iqa_lab.errors import UserError
from iqa_lab.readouts import Response, load_distance
from iqa_lab.readouts.moments import differences, moments, squares_apart, squares_from_positions
from iqa_lab.readouts.order import sort_positions
from tests.benchmarks.test_image_files import encoded
from tests.conftest import ROOT
from tests.readouts.test_readouts import NAMES, PIXELS, READOUTS, responses

pytest.importorskip("numba")

# Torch adds thousands of float32 numbers; test_extremes holds both ways to the formulas.
SAME = {"rel": 1e-5, "abs": 1e-9}


def distances(name: str, references: list[Tensor], distorted: list[Tensor], *, several: bool = False) -> list[float]:
    response = Response(references, distorted, PIXELS, several=several)
    return [float(value) for value in load_distance(READOUTS[name])(response)]


@contextmanager
def threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def as_tokens(values: Tensor) -> Tensor:
    """The same as maps of patch tokens, a class token before them in memory."""
    images, channels, height, width = values.shape
    tokens = torch.cat([values.new_zeros(images, 1, channels), values.flatten(2).transpose(1, 2)], 1)
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (height, width))


ORDERS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels innermost": lambda values: values.contiguous(memory_format=torch.channels_last),
    "channels first": lambda values: values.contiguous(),
    "tokens": as_tokens,
    "every second column": lambda values: values.repeat_interleave(2, 3)[..., ::2],
    "bf16": lambda values: values.bfloat16().contiguous(memory_format=torch.channels_last),
    "bytes": lambda values: (64 * values).clamp(0, 255).byte().contiguous(memory_format=torch.channels_last),
}
# as many rows as loops take at a time and a few more; channels for vectors and a rest; one position; one channel
SHAPES = [(20, 9, 14), (9, 27, 39), (24, 20, 27), (48, 9, 14), (3, 9, 14), (8, 2, 2), (37, 1, 1), (1, 5, 7)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_both_ways_give_the_same(order: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    base = responses(1, 2, shape, sparse=True)
    images = torch.cat([base, base[:1] + 0.3 * responses(2, 4, shape), base[:1] * 1.1])
    values = ORDERS[order](images)
    layouts = {
        "one reference": ([values[:1]], [values[1:]]),
        "two references, one image equal": ([values[:1], values[1:2]], [values[2:4], values[1:]]),
        "a reference each": ([values[:2]], [values[4:6]]),
    }
    for name in NAMES:
        for layout, (references, distorted) in layouts.items():
            found = [distances(name, references, distorted, several=several) for several in (False, True)]
            monkeypatch.setattr(loops, "enabled", False)
            expected = pytest.approx(distances(name, references, distorted), **SAME)
            monkeypatch.undo()
            assert found[0] == expected, (name, layout)
            assert found[1] == expected, (name, layout)


def centred(values: Tensor) -> Tensor:
    return values - values.mean((2, 3), keepdim=True)


def near_zero_means() -> Tensor:
    """Images with one pattern; means of a ten-thousandth of its deviation, whose squares dists compares."""
    return 1000 * centred(responses(3, 1, (40, 16, 24))) + 0.1 * responses(4, 2, (40, 1, 1))


def nearly_flat() -> Tensor:
    """Pixels of two levels: equal products are rounded alike, again and again, where a float32 adds them."""
    images = torch.tensor([171.0, 208.0])[:, None, None, None].repeat(1, 3, 120, 160)
    images[:, :, 5, 7] += 1
    return images


@pytest.mark.parametrize(("readout", "images"), [("dists", near_zero_means), ("gram", nearly_flat)])
def test_no_digits_are_lost_in_sums(
    readout: str, images: Callable[[], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    f, g = images().split(1)
    exact = distances(readout, [f.double()], [g.double()])  # which torch computes, whatever the switch says
    assert distances(readout, [f], [g], several=True) == pytest.approx(exact, rel=1e-6)
    monkeypatch.setattr(loops, "enabled", False)
    assert distances(readout, [f], [g]) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("order", ["channels innermost", "channels first"])
def test_what_is_only_shifted_varies_exactly_as_before(order: str) -> None:
    """Otherwise rounding would rank pairs that are equal."""
    pixels = (40 * responses(7, 1, (9, 13, 17)).abs()).round()
    shifted = ORDERS[order](torch.cat([pixels, pixels + 20]).to(torch.uint8))
    for name in ("std", "correlation"):
        assert distances(name, [shifted[:1]], [shifted[1:]]) == [0]
    assert distances("mean", [shifted[:1]], [shifted[1:]]) == [pytest.approx(60, rel=1e-12)]


def test_differences_of_bytes_do_not_wrap_around() -> None:
    images = torch.tensor([0, 255, 127], dtype=torch.uint8)[:, None, None, None].repeat(1, 3, 90, 100)
    found = differences([images[:1], images[1:2]], [images[1:], images[:1]])
    assert found is not None
    expected = 27000 * torch.tensor([[255.0**2, 127.0**2, 255.0**2], [255.0, 127.0, 255.0]], dtype=torch.float64)
    torch.testing.assert_close(torch.stack(found), expected, rtol=1e-6, atol=0)
    given = Response([images[:1]], [images[1:]], PIXELS)
    assert (given.reference.parts[0] - given.distorted.parts[0]).amin((1, 2, 3)).tolist() == [-255, -127]


def test_how_many_threads_read_does_not_matter() -> None:
    values = responses(5, 4, (24, 80, 90)).contiguous(memory_format=torch.channels_last)
    found = []
    for number in (1, 2, 5):
        with threads(number):
            found.append([distances(name, [values[:1]], [values[1:]], several=True) for name in NAMES])
    for other in found[1:]:
        for name, first, second in zip(NAMES, found[0], other, strict=True):
            assert second == pytest.approx(first, rel=1e-6 if name in ("gram", "wasserstein") else 1e-12), name


def special(kind: str, length: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    drawn = generator.standard_normal(length, dtype=np.float32)
    return {
        "both signs": lambda: drawn,
        "many zeros": lambda: np.maximum(drawn, 0),
        "zeros of both signs": lambda: np.where(np.abs(drawn) < 1, np.copysign(np.float32(0), drawn), drawn),
        "all zero": lambda: np.zeros_like(drawn),
        "one value": lambda: np.full_like(drawn, -3),
        "negative": lambda: -np.abs(drawn) - 1,
        "few values": lambda: np.round(drawn).astype(np.float32),
        "falling": lambda: np.sort(drawn)[::-1],
        "one far away": lambda: np.where(np.arange(length) == length // 2, np.float32(1e7), drawn),
        "as wide as numbers go": lambda: (
            np.where(drawn > 0, np.float32(3e38), np.float32(-3e38)) * np.abs(drawn).clip(0, 1)
        ),
        "hardly wider than nothing": lambda: (drawn * 1e-42).astype(np.float32),
        "tiny and huge": lambda: (drawn * 10 ** generator.uniform(-44, 37, drawn.shape)).astype(np.float32),
        "infinite": lambda: np.where(np.abs(drawn) > 1, np.float32(np.inf) * np.sign(drawn), drawn),
        "hardly different": lambda: np.float32(1e4) + drawn * np.float32(1e-3),
        "levels": lambda: generator.integers(0, 256, length).astype(np.uint8),
    }[kind]()


KINDS = [
    "both signs", "many zeros", "zeros of both signs", "all zero", "one value", "negative", "few values", "falling",
    "one far away", "as wide as numbers go", "hardly wider than nothing", "tiny and huge", "infinite",
    "hardly different", "levels",
]  # fmt: skip


@pytest.mark.parametrize("order", ["channels innermost", "channels first"])
@pytest.mark.parametrize("kind", KINDS)
def test_values_are_put_into_order(kind: str, order: str) -> None:
    # up to 512: all channels by the same steps; up to 8192 the first sixteen
    for length in (1, 2, 3, 17, 100, 512, 513, 1007, 8192, 9000):
        line = special(kind, length)
        channels = np.stack([np.roll(line, shift) for shift in range(18)])
        found = sort_positions(ORDERS[order](torch.from_numpy(channels)[None, :, None]))
        np.testing.assert_array_equal(found[0].numpy(), np.sort(channels, axis=1))


@pytest.mark.parametrize("rows", [*range(16, 600, 16), 1024, 1040, 1536, 2064, 4112, 8192])
def test_a_network_puts_rows_into_order(rows: int) -> None:
    """What puts all zeros and ones into order puts all numbers into order (Knuth, volume 3, 5.3.4, theorem Z)."""
    from iqa_lab.loops.network import sort_rows

    random = np.random.default_rng(rows)
    ones = np.arange(rows)[:, None] < random.integers(0, rows + 1, 16)
    for keys in (random.permuted(ones, axis=0), ones, random.integers(-(2**31), 2**31, (rows, 16))):
        keys = keys.astype(np.int32)
        expected = np.sort(keys, axis=0)
        sort_rows(keys)
        np.testing.assert_array_equal(keys, expected)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda line: line[::-1],
    "the last digit of a few": lambda line: np.where(np.arange(len(line)) % 100 == 7, np.nextafter(line, 0), line),
    "a little": lambda line: line + np.float32(0.003) * np.roll(line, 1),
    "much": lambda line: np.roll(line, 1) * np.float32(0.7) + np.float32(0.2),
    "another": lambda line: np.random.default_rng(1).standard_normal(len(line), dtype=np.float32),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "as wide as numbers go"])  # sums are infinite
def test_channels_that_are_only_parted_into_groups_are_as_far_apart(
    kind: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are enough values, and short ones. Beside float64, and what torch counts in all of them in order."""
    for length in (90, 1030, 9000):  # two channels: from 513 positions on each by itself
        line = special(kind, length).astype(np.float32)
        with np.errstate(invalid="ignore"):
            both = [line, CHANGES[change](line).astype(np.float32)]
        for first, second in (both, both[::-1]):
            f, g = (torch.from_numpy(np.stack([np.roll(one, 5), one])[None, :, None].copy()) for one in (first, second))
            with np.errstate(invalid="ignore"):
                moved = np.abs(np.sort(second).astype(float) - np.sort(first)).mean()
            # two thousand values at a time are added in float32
            assert distances("wasserstein", [f], [g], several=True) == [pytest.approx(moved, rel=1e-6, nan_ok=True)]
            found = distances("jsd", [f], [g], several=True)
            monkeypatch.setattr(loops, "enabled", False)
            assert found == pytest.approx(distances("jsd", [f], [g]), rel=1e-9, abs=1e-15, nan_ok=True)
            monkeypatch.undo()


@pytest.mark.parametrize("length", [100, 1007])
@pytest.mark.parametrize("negative", [False, True])
def test_what_is_no_number_stands_at_an_end(negative: bool, length: int) -> None:
    line = special("both signs", length)
    line[5] = np.copysign(np.float32(np.nan), -1 if negative else 1)
    ordered = sort_positions(torch.from_numpy(line)[None, None, None])[0, 0]
    assert ordered[[0, -1]].isnan().tolist() == [negative, not negative]


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (9, 16), (40, 24), (23, 18), (5, 40)], ids=str)
def test_columns_are_laid_out_as_lines(shape: tuple[int, int]) -> None:
    from iqa_lab.loops.rows import lay_out

    wide = np.random.default_rng(0).standard_normal((2 * shape[0], 2 * shape[1]), dtype=np.float32)
    rows, columns = shape
    for tile in (wide[:rows, 3 : 3 + columns], wide[::2, ::2], wide.T[:rows, :columns]):
        number, together = tile.shape
        lines = np.full((together + 1, number + 3), np.float32(np.nan))
        lay_out(tile, lines)
        np.testing.assert_array_equal(lines[:-1, :-3], tile.T)
        assert np.isnan(lines[-1]).all() and np.isnan(lines[:, -3:]).all()  # nothing is written beside them


@pytest.mark.parametrize("channels", [8, 12, 16, 24, 40, 64, 100, 129])
@pytest.mark.parametrize("size", [(5, 9), (16, 16), (19, 27)], ids=str)
def test_channels_are_multiplied_with_all_digits_of_a_small_difference(channels: int, size: tuple[int, int]) -> None:
    base = responses(8, 2, (channels, *size))
    nearly = base[[0, 0, 1]] + 1e-5 * responses(9, 3, (channels, *size))
    f, g = (values.contiguous(memory_format=torch.channels_last) for values in (base, nearly))
    runs = [f[:1], f[1:]], [g[:2], g[2:]]
    exact = distances("gram", *([part.double() for part in parts] for parts in runs))
    with threads(3):
        assert squares_apart(*runs) is not None
        assert distances("gram", *runs) == pytest.approx(exact, rel=1e-6)
    assert distances("gram", [f[:1]], [f[:1]]) == [0]


@pytest.mark.parametrize("channels", [33, 256, 300, 700])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 4), (5, 9)], ids=str)
def test_positions_are_multiplied_as_channels_are(channels: int, size: tuple[int, int]) -> None:
    f, g = responses(8, 2, (channels, *size)), responses(9, 3, (channels, *size))
    f, g = (values.contiguous(memory_format=torch.channels_last) for values in (f, g))
    runs = [f[:1], f[1:]], [g[:2], g[2:]]
    with threads(2):
        found = squares_from_positions(*runs)
    assert found is not None
    x, y = f[[0, 0, 1]].double().flatten(2), g.double().flatten(2)
    expected = [(x @ x.mT - y @ y.mT).square(), (y - x).square(), x.square()]
    torch.testing.assert_close(found, torch.stack([terms.sum((1, 2)) for terms in expected], 1), rtol=2e-6, atol=0)


def test_channels_are_multiplied_as_lines_and_by_more_threads_than_pairs_by_torch() -> None:
    f, g = responses(8, 2, (24, 19, 23)).split(1)
    assert squares_apart([f], [g]) is None
    f, g = (values.contiguous(memory_format=torch.channels_last) for values in (f, g))
    with threads(1):
        one = squares_apart([f], [g])
    assert one is not None
    with threads(2):
        assert squares_apart([f], [g]) is None
        torch.testing.assert_close(squares_apart([f, g], [g, f]), one.repeat(2), rtol=1e-12, atol=0)


def test_processors_with_shorter_vectors_give_the_same(tmp_path: Path) -> None:
    """Compiled as for one that has AVX2: panels are narrower there, and a row of the network takes two registers."""
    features = pytest.importorskip("llvmlite.binding").get_host_cpu_features()
    if not features.get("avx2"):
        pytest.skip("this processor cannot run what is compiled for AVX2")
    code = """
import numpy as np
from iqa_lab.loops import matrices, network
random = np.random.default_rng(0)
keys = random.integers(-9, 9, (1040, 16)).astype(np.int32)
expected = np.sort(keys, axis=0)
network.sort_rows(keys)
np.testing.assert_array_equal(keys, expected)
x, y = random.random((300, 41), np.float32), random.random((3, 300, 41), np.float32)
found = np.empty(3)
matrices.squares_apart(x, y, 0, 3, found)
exact = [np.square(x.T.astype(float) @ x - one.T.astype(float) @ one).sum() for one in y]
np.testing.assert_allclose(found, exact, rtol=1e-6)
print(matrices.ROWS)
"""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2",
    }  # fmt: skip
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip() == "4"


def test_gradients_and_doubles_are_left_to_torch() -> None:
    f, g = responses(1, 2, (8, 5, 7)).split(1)
    assert moments([f], [g]) is not None and differences([f], [g]) is not None
    assert moments([f], [g.clone().requires_grad_()]) is None
    assert moments([f.double()], [g.double()]) is None
    with torch.no_grad():
        assert moments([f], [g.clone().requires_grad_()]) is not None


# --- where there is no Numba, and where nothing can be kept ----------------------------------------------------------


@pytest.mark.usefixtures("anew")
def test_without_numba_torch_and_pillow_serve_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_name: str) -> None:
        time.sleep(0.05)  # threads that decode are there at the same time
        raise ImportError("Numba needs NumPy 2.4 or less")

    monkeypatch.setattr(loops, "import_module", missing)
    f, g = responses(1, 2, (8, 5, 7)).split(1)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(usual_pixels, [encoded(Image.new("RGB", (8, 8)), "PNG")] * 3)) == [None] * 3
        assert [moments([f], [g]) for _ in range(3)] == [None] * 3
    torch.testing.assert_close(sort_positions(f), f.flatten(2).sort(2).values, rtol=0, atol=0)
    assert distances("plain", [f], [g])[0] > 0
    said = capsys.readouterr()
    assert (said.out + said.err).count("Numba cannot be used") == 1


@pytest.mark.usefixtures("anew")
def test_where_numba_cannot_compile_the_loops_torch_serves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A later Numba may know other instructions, which shows when they are compiled."""

    def of_another_time() -> None:
        raise AttributeError("'IRBuilder' object has no attribute 'shuffle_vector'")

    values = responses(1, 2, (8, 5, 7))
    expected = sort_positions(values)
    for name in ("order", "sums", "matrices"):
        monkeypatch.setattr(loops.loops(name), "try_out", of_another_time)
    loops._compiled_module.cache_clear()
    torch.testing.assert_close(sort_positions(values), expected, rtol=0, atol=0)
    assert moments([values[:1]], [values[1:]]) is None
    assert "Numba cannot be used" in capsys.readouterr().err


def double(number: float) -> float:
    return 2 * number


def test_loops_are_compiled_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    def njit(*functions: object, cache: bool = False, **how: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return original(*functions, **how)  # Numba's own modules, of which some are imported late, use it too

    original = numba.njit
    monkeypatch.setattr(numba, "njit", njit)
    assert loops.compile_loop(double)(3.0) == 6


@pytest.mark.parametrize("word", ["0", "false", "of", " off"])
def test_the_switch_is_on_or_off(word: str) -> None:
    with pytest.raises(UserError, match=f"^IQA_LAB_LOOPS={word}: choose on or off$"):
        loops.switched_on(word)


@pytest.mark.usefixtures("anew")
def test_somebody_who_waits_for_the_compiler_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(loops.console, "_force_terminal", True)
    compiled = loops.compile_loop(double)
    assert compiled(3.0) == 6 and compiled(3) == 6
    assert capsys.readouterr().err.count("compiling loops") == 1
    loops._said.cache_clear()
    assert loops.compile_loop(double)(3.0) == 6  # from the disk
    assert capsys.readouterr().err == ""


def test_a_damaged_or_full_disk_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert loops.compile_loop(double)(3.0) == 6
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(b"")
    assert loops.compile_loop(double)(3.0) == 6
    compiled = loops.compile_loop(double)
    for file in tmp_path.rglob("*.nb?"):
        file.unlink()
    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", _full)
    assert compiled(3.0) == 6
    assert not list(tmp_path.rglob("*.nbc"))


def _full(*_arguments: object) -> None:
    raise OSError(28, "No space left on device")


def test_no_module_asks_for_numba_before_a_pass() -> None:
    """Its import takes half a second, which no other command should pay for."""
    package = Path(loops.__file__).parents[1]
    assert not [path for path in package.rglob("*.py") if "import numba" in path.read_text(encoding="utf-8")]


def test_what_was_compiled_of_other_loops_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba alone would go on using it, where only the file of a loop has changed that is called by this one."""
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def hits() -> int:
        compiled: Any = loops.compile_loop(double)
        assert compiled(3.0) == 6
        return sum(compiled.stats.cache_hits.values())

    assert [hits(), hits()] == [0, 1]
    monkeypatch.setattr(loops, "_source", lambda: "others")
    assert [hits(), hits()] == [0, 1]
