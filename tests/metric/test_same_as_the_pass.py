"""A metric gives the numbers of the pass: every readout, layer, layout and input order, whatever form images have."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from iqa_lab.metric.load import checked_channel_weights
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import Recipe, Sum, recipe_of_words, term_of
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.network import PIXELS
from iqa_lab.scoring.columns import plan_columns
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from tests.conftest import composed
from tests.metric.own import OVERRIDES

INPUTS = {
    "rgb": ["weights.input.order=rgb"],
    "bgr": ["weights.input={order: bgr, range: 255, mean: [104, 117, 124], std: [1, 1, 1]}"],
    "lightness": [
        "weights.input={order: lightness, range: 1, mean: [.5], std: [.25]}", "+architecture.arguments.channels=1",
    ],
}  # fmt: skip
RELATIVE = 1e-6


@cache
def network_of(order: str) -> tuple[Network, object]:
    config = composed("goal=untrained", "dataset=none", *OVERRIDES, *INPUTS[order], "readout=all", "tokens=both")
    for name, readout in list(config.readouts.items()):
        if readout.spatial:
            config.readouts[name] = replace(readout, tokens="patch")
    return build_network(config), config


def metric_of(order: str) -> Metric:
    """All readouts of responses in all layers and in the pixels, each by itself."""
    network, config = network_of(order)
    responses = {name: one for name, one in config.readouts.items() if one.reads == "responses"}  # type: ignore[attr-defined]
    recipe = recipe_of_words(replace(config, readouts=responses), network, None, False, {})  # type: ignore[type-var]
    pixels = [term_of(name, one, PIXELS, weighed=False) for name, one in responses.items()]
    terms = (*recipe.terms, *pixels)
    return Metric(network, Recipe(terms=terms, sums=tuple(Sum(name=t.name, terms=(k,)) for k, t in enumerate(terms))))


def images_of(pairs: pd.DataFrame, side: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in pairs[f"{side}_path"]]


@pytest.mark.parametrize("order", INPUTS)
def test_every_column_is_that_of_the_pass(order: str, small_pairs: pd.DataFrame) -> None:
    """Pair by pair: convolutions of other batches add up in another order, which jsd's bins make steps of."""
    metric = metric_of(order)
    network, config = network_of(order)
    plan = plan_columns(config, network)  # type: ignore[arg-type]
    names = [column.name for column in plan.passed]
    assert {f"lpips@{layer}" for layer in ("last", "tokens", "first.conv", "pixels")} < set(metric.names)
    assert "plain@tokens:class" in metric.names and len(metric.names) > 60
    for row in (0, 1, 6, 11):
        pair = small_pairs.iloc[[row]].reset_index(drop=True)
        passed = dict(zip(names, score(network, pair, plan.passed, Settings(batch_size=2)).values[0], strict=True))
        found = metric(pair["reference_path"][0], pair["distorted_path"][0])[0].tolist()
        for name, value in zip(metric.names, found, strict=True):
            assert value == pytest.approx(float(passed[name]), rel=RELATIVE, abs=0), name


def test_batches_give_nearly_the_same(small_pairs: pd.DataFrame) -> None:
    metric = metric_of("rgb")
    kept = [place for place, term in enumerate(metric.recipe.terms) if term.readout != "jsd"]
    pairs = list(zip(small_pairs["reference_path"], small_pairs["distorted_path"], strict=True))
    alone = torch.cat([metric(f, g) for f, g in pairs])[:, kept].numpy()
    found = metric(*map(list, zip(*pairs, strict=True)))[:, kept].numpy()
    # responses differ by 1e-7 of their size, and distances of nearly equal ones by more of theirs
    np.testing.assert_allclose(found, alone, rtol=2e-5, atol=1e-8)
    assert ((found == 0) == (alone == 0)).all()


def test_a_gradient_moves_no_number(small_pairs: pd.DataFrame) -> None:
    metric = metric_of("rgb")
    smooth = [place for place, term in enumerate(metric.recipe.terms) if term.differentiable]
    kept = Recipe(
        terms=tuple(metric.recipe.terms[place] for place in smooth),
        sums=tuple(Sum(name=metric.recipe.terms[place].name, terms=(k,)) for k, place in enumerate(smooth)),
    )
    metric = Metric(metric.network, kept)
    few = small_pairs.iloc[:4]
    f, g = (
        torch.from_numpy(np.stack(images_of(few, side))).permute(0, 3, 1, 2) / 255
        for side in ("reference", "distorted")
    )
    expected = metric(f, g)
    for sides in (
        (f, g.clone().requires_grad_()),
        (f.clone().requires_grad_(), g),
        (f.clone().requires_grad_(), g.clone().requires_grad_()),
    ):
        found = metric(*sides)
        np.testing.assert_allclose(found.detach(), expected, rtol=2e-5, atol=1e-8)
        found.sum().backward()
        for side in sides:
            assert side.grad is None or (side.grad.isfinite().all() and side.grad.abs().max() > 0)
            assert side.grad is None or not side.grad[0].any(), "the first pair is identical"


@pytest.mark.parametrize("kind", ["arrays", "floats", "tensors", "pictures", "paths", "strings", "half"])
def test_every_form_of_images_gives_the_same(kind: str, small_pairs: pd.DataFrame) -> None:
    metric = metric_of("rgb")
    few = small_pairs.iloc[[1, 2]]
    expected = metric(list(few["reference_path"]), list(few["distorted_path"])).numpy()

    def given(side: str) -> object:
        arrays, paths = images_of(few, side), list(few[f"{side}_path"])
        if kind in ("arrays", "floats"):
            return np.stack(arrays) if kind == "arrays" else np.stack(arrays) / 255
        if kind in ("tensors", "half"):
            tensor = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
            return tensor if kind == "tensors" else tensor / 255
        return [Image.open(path) if kind == "pictures" else Path(path) if kind == "paths" else path for path in paths]

    found = metric(given("reference"), given("distorted")).numpy()
    if kind not in ("floats", "half"):
        np.testing.assert_allclose(found, expected, rtol=RELATIVE)
        return
    # a 255th is no float: levels are off by 1e-7, of which jsd's bins make steps
    kept = [place for place, term in enumerate(metric.recipe.terms) if term.readout != "jsd"]
    np.testing.assert_allclose(found[:, kept], expected[:, kept], rtol=2e-5, atol=1e-6)


def test_one_reference_may_stand_for_all_and_sizes_may_differ(small_pairs: pd.DataFrame) -> None:
    metric = metric_of("rgb")
    place = metric.names.index("plain@first")
    for rows in ([1, 2, 3], [1, 5, 9]):
        few = small_pairs.iloc[rows]
        references, distorted = list(few["reference_path"]), list(few["distorted_path"])
        alone = torch.cat([metric(f, g) for f, g in zip(references, distorted, strict=True)])[:, place]
        found = metric(references[0] if len(set(references)) == 1 else references, distorted)[:, place]
        assert found.tolist() == pytest.approx(alone.tolist(), rel=1e-5)
    table = metric.layers(references[0], distorted[0])
    assert table.loc["first", "plain"] == pytest.approx(float(alone[0]), rel=1e-5)
    assert {"first.conv", "pixels", "tokens:class"} <= set(table.index)
    assert metric.layers(references[:1], distorted[:1]).index.names == ["pair", "layer"]


@pytest.mark.parametrize("row", ["tuned", "lpips", "plain"])
def test_weights_of_channels_are_those_of_the_definition(row: str, small_pairs: pd.DataFrame) -> None:
    network, config = network_of("rgb")
    one = replace(config.readouts[row], layers=["first", "second"], tokens="patch")  # type: ignore[attr-defined]
    weights = {"first": np.arange(5.0), "second": np.linspace(0, 1, 6)}
    recipe = recipe_of_words(replace(config, readouts={row: one}), network, None, False, weights)  # type: ignore[type-var]
    metric = Metric(network, recipe, weights=checked_channel_weights(recipe, weights, network))
    pair = small_pairs.iloc[[2]]
    passed = score(network, pair.reset_index(drop=True), [], Settings(), ["first", "second"])
    found = metric(pair["reference_path"].iloc[0], pair["distorted_path"].iloc[0])[0]
    if row != "lpips":
        for number, layer in enumerate(weights):
            expected = np.sqrt(passed.channels[layer][0].astype(float) @ weights[layer])
            if row == "plain":  # per pixel of the image; the layers have a quarter and a sixteenth of its positions
                expected *= np.sqrt(1 / 4 ** (number + 1))
            assert float(found[number]) == pytest.approx(expected, rel=RELATIVE)
    ones = {layer: np.ones(len(values)) for layer, values in weights.items()}
    if row != "tuned":
        same = Metric(network, recipe, weights=checked_channel_weights(recipe, ones, network))
        plain = Metric(network, recipe_of_words(replace(config, readouts={row: one}), network, None, False, {}))  # type: ignore[type-var]
        given = pair["reference_path"].iloc[0], pair["distorted_path"].iloc[0]
        np.testing.assert_allclose(same(*given), plain(*given), rtol=RELATIVE)


def test_layers_together_are_the_concatenations_of_the_pass(small_pairs: pd.DataFrame) -> None:
    network, config = network_of("rgb")
    readouts = {
        name: replace(config.readouts[name], layers=["first", "second", "tokens"], tokens="patch", concat=["raw"])  # type: ignore[attr-defined]
        for name in ("plain", "lpips")
    }
    config = replace(config, readouts=readouts)  # type: ignore[type-var]
    plan = plan_columns(config, network)
    passed = score(network, small_pairs, plan.passed, Settings())
    table = pd.DataFrame(passed.values, columns=[column.name for column in passed.columns])
    expected = {one.name: one.distances(table) for one in plan.concatenations}
    images = list(small_pairs["reference_path"]), list(small_pairs["distorted_path"])
    metric = Metric(network, recipe_of_words(config, network, "raw", True, {}))
    found = dict(zip(metric.names, metric(*images).T.numpy(), strict=True))
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=RELATIVE, atol=1e-7, err_msg=name)
    last = Metric(network, recipe_of_words(config, network, "raw", False, {}))
    assert [name for name in last.names if name not in found] == [] and len(last.names) == 2
