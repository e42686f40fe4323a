"""Images of several sizes in one benchmark: a distance means the same for a large image as for a small one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from PIL import Image
from scipy.stats import rankdata

from iqa_lab.networks import build_network
from iqa_lab.networks.network import PIXELS
from iqa_lab.readouts import Response, load_distance
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.definitions import Concatenation
from iqa_lab.scoring.run import _say_fixed
from iqa_lab.scoring.score import Scores, score
from iqa_lab.scoring.settings import Settings
from tests.conftest import composed, noisy, untrained

READOUTS = {name: readout for name, readout in composed("readout=all").readouts.items() if readout.reads == "responses"}
SIZES = {"astronaut": (48, 64), "chelsea": (96, 128), "coffee": (150, 210)}


def column(layer: str, readout: str, layers: dict[str, object]) -> Column:
    return Column(layer=layers[layer], readout=readout, terms={layer: load_distance(READOUTS[readout])})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Three photographs of three sizes, each with the same six strengths of noise, shuffled."""
    folder, rows = tmp_path_factory.mktemp("sizes"), []
    for number, (name, (height, width)) in enumerate(SIZES.items()):
        image = np.ascontiguousarray(getattr(skimage.data, name)()[100 : 100 + height, 100 : 100 + width])
        Image.fromarray(image).save(folder / f"{name}.png")
        for level, sigma in enumerate((3, 6, 9, 12, 18, 25)):
            path = folder / f"{name}_{level}.png"
            Image.fromarray(noisy(image, 10 * number + level, sigma + number)).save(path)
            rows.append((str(folder / f"{name}.png"), str(path), path.name))
    return pd.DataFrame(rows, columns=["reference_path", "distorted_path", "distorted"])


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path), dtype=float)


def test_the_pixels_of_three_image_sizes_are_ordered_as_by_psnr_rank_for_rank(photographs: pd.DataFrame) -> None:
    network = build_network(composed("goal=baseline", "dataset=none", "architecture=psnr"))
    assert network.terms is not None
    columns = [column("pixels", "plain", {"pixels": PIXELS}), Column(layer=PIXELS, readout="psnr", terms=network.terms)]
    found = score(network, photographs, columns, Settings(batch_size=4)).values
    both = [(pixels(row.reference_path), pixels(row.distorted_path)) for row in photographs.itertuples()]
    error = np.array([np.square(x - y).mean() for x, y in both])
    np.testing.assert_allclose(found[:, 0], np.sqrt(3 * error), rtol=1e-6)  # of three colours
    by_hand = 10 * np.log10(255**2 / error)  # PSNR
    assert (rankdata(found[:, 0]) == rankdata(-by_hand)).all() and (rankdata(found[:, 1]) == rankdata(-by_hand)).all()
    area = np.array([x.shape[0] * x.shape[1] for x, _ in both])
    assert (rankdata(found[:, 0] * np.sqrt(area)) != rankdata(-by_hand)).any()  # as it was, a sum over positions


@pytest.mark.parametrize("name", sorted(READOUTS))
@pytest.mark.parametrize("shape", [(3, 17, 23), (40, 5, 4)], ids=["pixels", "deep"])
def test_a_pair_tiled_2_x_2_is_as_far_apart(name: str, shape: tuple[int, ...]) -> None:
    """Every readout is a mean over positions, or made of such; where it is a sum, it is one per pixel of the image."""
    f, g = torch.randn(2, 1, *shape, generator=torch.Generator().manual_seed(0)).relu()
    distance = load_distance(READOUTS[name])
    once = float(distance(Response([f], [g], 1000)))
    tiled = float(distance(Response([f.tile(2, 2)], [g.tile(2, 2)], 4000)))
    assert tiled == pytest.approx(once, rel=1e-5) and once > 0


def test_the_differences_that_channels_are_weighed_by_are_means_too() -> None:
    """channel_scaled, grating and tuned are made of these and of nothing else of the images."""
    f, g = torch.randn(2, 1, 8, 11, 13, generator=torch.Generator().manual_seed(0))
    once = Response([f], [g], 1000).channel_squared_difference
    tiled = Response([f.tile(2, 2)], [g.tile(2, 2)], 4000).channel_squared_difference
    torch.testing.assert_close(tiled, once, rtol=1e-6, atol=0)


def tiled_pairs(folder: Path) -> pd.DataFrame:
    """A pair of a photograph, and the same two images tiled 2 x 2: another size, nearly the same statistics."""
    image = np.ascontiguousarray(skimage.data.astronaut()[0:128, 150:278])
    rows = []
    for name, times in (("once", 1), ("tiled", 2)):
        for kind, values in (("r", image), ("d", noisy(image, 1, 30))):
            Image.fromarray(np.tile(values, (times, times, 1))).save(folder / f"{name}_{kind}.png")
        rows.append((str(folder / f"{name}_r.png"), str(folder / f"{name}_d.png"), name))
    return pd.DataFrame(rows, columns=["reference_path", "distorted_path", "distorted"])


@pytest.mark.parametrize("architecture", ["squeezenet1_1", "vit_tiny_patch16_224"])
def test_through_a_network_a_tiled_pair_is_about_as_far_apart(architecture: str, tmp_path: Path) -> None:
    """Borders are another part of a larger image: some per cent; a sum over positions would be 100 or 300 % more."""
    network = untrained(architecture)
    layers = {layer.name: layer for layer in network.layers if layer.spatial}
    some = list(layers)[1:4:2]
    columns = [column(layer, readout, dict(layers)) for layer in some for readout in sorted(READOUTS)]
    once, tiled = score(network, tiled_pairs(tmp_path), columns, Settings()).values
    assert np.abs(tiled / once - 1).max() < 0.3, dict(zip([c.name for c in columns], tiled / once, strict=True))


def test_raw_concatenations_of_one_size_are_the_papers_but_for_one_factor(photographs: pd.DataFrame) -> None:
    network, pairs = untrained("squeezenet1_1"), photographs.iloc[6:12].reset_index(drop=True)
    layers = {layer.name: layer for layer in network.layers}
    some = list(layers)[:3]
    found = score(network, pairs, [column(layer, "plain", dict(layers)) for layer in some], Settings()).values
    names = tuple(f"plain@{layer}" for layer in some)
    together = Concatenation(PIXELS, "plain", names, "euclidean", scaled=False)
    distances = together.distances(pd.DataFrame(found, columns=list(names)))
    responses: dict[str, torch.Tensor] = {}
    handles = [
        network.module.get_submodule(layer).register_forward_hook(
            lambda _m, _i, out, layer=layer: responses.update({layer: out.clone()})
        )
        for layer in some
    ]
    vectors = []
    try:
        for path in [pairs["reference_path"][0], *pairs["distorted_path"]]:
            image = torch.from_numpy(np.asarray(Image.open(path)).copy()).permute(2, 0, 1)[None]
            with torch.inference_mode():
                network.module(network.prepare(image))
            vectors.append(np.concatenate([responses[layer].double().numpy().ravel() for layer in some]))
    finally:
        for handle in handles:
            handle.remove()
    paper = np.array([np.linalg.norm(vectors[0] - vector) for vector in vectors[1:]])
    np.testing.assert_allclose(distances, paper / np.sqrt(96 * 128), rtol=1e-5)


def test_layers_that_do_not_grow_with_the_image_are_named(
    photographs: pd.DataFrame, capfd: pytest.CaptureFixture[str]
) -> None:
    """A class token per pixel of the image is nearer in a large one: said, since no formula can mend it."""
    network = untrained("vit_tiny_patch16_224")
    layers = {layer.name: layer for layer in network.layers}
    some = ["blocks.0", "blocks.0:class"]
    columns = [column(layer, readout, dict(layers)) for layer in some for readout in ("plain", "mean")]
    scores = score(network, photographs.iloc[::6].reset_index(drop=True), columns, Settings())
    assert scores.fixed == ("blocks.0:class",)
    one_size = score(network, photographs.iloc[:3].reset_index(drop=True), columns, Settings())
    assert one_size.fixed == ()
    definitions = {
        one.name: {"layer": one.layer.name, "readout": one.readout, "function": one.readout} for one in columns
    }
    said = [said_of(result, definitions, capfd) for result in (scores, one_size)]
    assert "plain@blocks.0:class reads does not grow with the image" in said[0] and "mean@blocks" not in said[0]
    assert said[1] == ""


def said_of(scores: Scores, definitions: dict[str, dict[str, object]], capfd: pytest.CaptureFixture[str]) -> str:
    from types import SimpleNamespace

    benchmark = SimpleNamespace(config=SimpleNamespace(name="mine"))
    capfd.readouterr()
    _say_fixed(SimpleNamespace(definitions=definitions), scores, benchmark)  # type: ignore[arg-type]
    return " ".join(capfd.readouterr().err.split())
