"""``load_metric`` and the public surface: bad words are one line with the nearest right ones; catalogues are tables."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import iqa_lab
from iqa_lab.errors import UserError
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.words import composed

RANDOM: dict[str, Any] = {"goal": "untrained", "dataset": "none", "architecture": "squeezenet1_1"}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no network": ({}, "which network"),
    "goal": ({**RANDOM, "goal": "clasification"}, "goal has no option clasification; choose from classification"),
    "dataset": ({**RANDOM, "dataset": "imagenet"}, "dataset has no option imagenet"),
    "architecture": ({**RANDOM, "architecture": "vgg"}, "architecture has no option vgg; choose from vgg1"),
    "a list": ({**RANDOM, "architecture": "vgg16,vgg19"}, "architecture has no option"),
    "readout": ({**RANDOM, "readout": "lpip"}, "readout has no option lpip; choose from lpips"),
    "readouts": ({**RANDOM, "readout": ["lpips", "plane"]}, "readout has no option plane; choose from plain"),
    "a readout twice": ({**RANDOM, "readout": ["lpips", "lpips"]}, "twice"),
    "no readout": ({**RANDOM, "readout": []}, "the list is empty"),
    "layers": ({**RANDOM, "layers": ["features.99"]}, "no such layer: features.99; the layers are"),
    "layers by number": ({**RANDOM, "layers": 3.5}, "layers=3.5"),
    "tokens": ({**RANDOM, "tokens": "all"}, "tokens=all: choose patch, class or both"),
    "no class token": ({**RANDOM, "tokens": "class"}, "no class token"),
    "weights": ({"architecture": "resnet50", "weights": "v9"}, "weights has no option classification/imagenet1k/v9"),
    "empty cell": ({**RANDOM, "goal": "jigsaw", "dataset": "imagenet1k"}, "no public weights for goal=jigsaw"),
    "override": ({**RANDOM, "overrides": ["precission=fp32"]}, "precission"),
    "no override": ({**RANDOM, "overrides": ["fp32"]}, "is no override"),
    "a network of one's own": (
        {"architecture": "alexnet", "overrides": ["weights.path=mine.pt"]}, "say what it was trained for and on"
    ),
    "code of one's own": (
        {"architecture": "custom", "overrides": ["architecture.constructor=mine.net"], "goal": "clip"},
        "say what it was trained for and on",
    ),
    "precision": ({**RANDOM, "overrides": ["precision=fp8"]}, "precision=fp8"),
    "scaled": ({**RANDOM, "concat": "scaled"}, "needs? the means|means of a benchmark|divides every layer by its mean"),
    "scaled in words": ({**RANDOM, "overrides": ["concat=[scaled]"]}, "divides every layer by its mean"),
    "concat": ({**RANDOM, "concat": "both"}, "concat=both"),
    "cumulative": ({**RANDOM, "concat": None, "cumulative": True}, "choose one of the two"),
    "tuned": ({**RANDOM, "readout": "tuned"}, "load a column of a result"),
    "channel weights of gram": (
        {**RANDOM, "readout": "gram", "layers": ["features.1"], "channel_weights": {"features.1": [1]}},
        "channel_weights are for plain, lpips",
    ),
    "too few": (
        {**RANDOM, "readout": "lpips", "layers": ["features.1"], "channel_weights": {"features.1": [1, 2]}},
        "2 numbers for 64 channels",
    ),
    "negative": (
        {**RANDOM, "readout": "lpips", "layers": ["features.1"], "channel_weights": {"features.1": [-1.0] * 64}},
        "none below 0",
    ),
    "another layer": (
        {**RANDOM, "readout": "lpips", "layers": ["features.1"], "channel_weights": {"features.4": [1.0] * 64}},
        "features.4 is not among the layers",
    ),
    "device": ({**RANDOM, "device": "cuda:77"}, "device=cuda:77 is not to be had"),
    "range": ({**RANDOM, "value_range": (1, 0)}, "value_range"),
    "column without result": ({**RANDOM, "column": "lpips@features.1"}, "name its folder"),
    "no such folder": ({"source": "results/nothing"}, "no such folder"),
    "no such file": ({"source": "nothing.safetensors"}, "no such file"),
    "source and words": ({"source": "results/nothing", "layers": ["a"], "goal": "dino"}, "leave out goal, layers"),
    "an architecture as path": ({"source": "vgg16"}, r"vgg16 is an architecture, .*load_metric\(architecture='vgg16'"),
    "no path": ({"source": 3}, "is no path"),
    "a readout of no kind": ({**RANDOM, "readout": 3}, "readout=3: give a name"),
    "overrides as one text": ({**RANDOM, "overrides": "precision=fp32"}, r"overrides=\['precision=fp32'\]"),
    "a sweep": ({**RANDOM, "overrides": ["weights.seed=1,2"]}, "weights.seed=1,2 names several values"),
    "said twice": ({**RANDOM, "readout": "lpips", "overrides": ["readout=plain"]}, "readout is given twice"),
    "goal said twice": ({**RANDOM, "overrides": ["goal=dino"]}, "goal is given twice"),
    "layers said twice": ({**RANDOM, "layers": [0], "overrides": ["layers=[1]"]}, "layers is given twice"),
    "weights without layer": (
        {**RANDOM, "readout": "lpips", "layers": ["features.1"], "channel_weights": [1.0] * 64},
        "channel_weights go by layer",
    ),
    "nothing weighs": (
        {**RANDOM, "readout": "lpips", "layers": ["features.1"], "channel_weights": {"features.1": [0] * 64}},
        "are all 0",
    ),
    "a readout of a baseline": (
        {"goal": "baseline", "dataset": "none", "architecture": "psnr", "readout": "lpips"},
        "psnr is a baseline.*leave out readout",
    ),
    "layers of a baseline": (
        {"goal": "baseline", "dataset": "none", "architecture": "psnr", "overrides": ["layers=[1]"]},
        "psnr is a baseline.*leave out layers",
    ),
    "a GPU that is not there": ({**RANDOM, "device": 77}, "cuda:77 is not to be had"),
    "file and column": ({"source": "x.safetensors", "column": "a@b"}, "leave out column"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_words_are_one_line(case: str) -> None:
    given, said = BAD[case]
    with pytest.raises(UserError, match=said) as error:
        load_metric(**given)
    assert "\n" not in str(error.value)


def test_a_goal_of_ones_own_is_not_described_as_the_usual_one() -> None:
    """As on the command line: else a result, and the card of a metric, would say that it is a classifier's."""
    own = ["weights.path=mine.pt", "goal.name=deblurring", "dataset.name=mine"]
    config = composed(own, words={"architecture": "alexnet"})
    assert (config.goal.name, config.goal.family, config.dataset.name) == ("deblurring", "own", "mine")
    with pytest.raises(UserError, match="say what it was trained for and on"):
        iqa_lab.evaluate("architecture=alexnet", "weights.path=mine.pt")


def test_layers_may_be_python_values() -> None:
    by_index = load_metric(**RANDOM, layers=(np.int64(0), 1), readout="lpips")
    by_name = load_metric(**RANDOM, layers=["features.1", "features.3"], readout="lpips")
    assert by_index.names == by_name.names
    assert len(load_metric(**RANDOM, layers={"last": 2}, readout="lpips", concat=None).names) == 2
    assert load_metric(**RANDOM, layers="pixels", readout="plain").names == ("plain@pixels",)
    assert "squeezenet1_1" in str(by_name.about["architecture"]) and "measured on no benchmark" in repr(by_name)


def test_a_baseline_is_a_metric() -> None:
    metric = load_metric(goal="baseline", dataset="none", architecture="psnr")
    image = np.full((12, 13, 3), 100, np.uint8)
    # PSNR of one grey level everywhere is 48.13 dB, below a ceiling of 120
    assert float(metric(image, image + 1)) == pytest.approx(120 - 48.1308, abs=1e-3)
    assert float(metric(image, image)) == 0


def test_both_orders_are_named() -> None:
    metric = load_metric(**RANDOM, layers=["features.1"], readout=["lpips", "plain"])
    f, g = (np.random.default_rng(seed).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8) for seed in (1, 2))
    there = metric(reference=f, distorted=g)
    assert metric.distorted_first(g, f).equal(there)
    assert metric.symmetric
    assert metric(g, f).flatten().tolist() == pytest.approx(there.flatten().tolist(), rel=1e-6)


def test_torchmetrics_adds_up_over_batches_and_processes() -> None:
    pytest.importorskip("torchmetrics")
    metric = load_metric(**RANDOM, layers=["features.1"], readout="lpips")
    f, g = (np.random.default_rng(seed).integers(0, 256, (5, 40, 40, 3), dtype=np.uint8) for seed in (1, 2))
    expected = float(metric(f, g).double().mean())
    here, there = metric.as_torchmetrics(), metric.as_torchmetrics()
    here.update(preds=g[:2], target=f[:2])
    there.update(g[2:4], f[2:4])
    there.update(g[4:], f[4:])
    together = metric.as_torchmetrics()
    # as torchmetrics reduces states of several processes
    for name, reduce in together._reductions.items():
        import torch

        setattr(together, name, reduce(torch.stack([getattr(here, name), getattr(there, name)])))
    together._update_count = 1
    assert float(together.compute()) == pytest.approx(expected, rel=1e-6)


def test_catalogues_are_tables() -> None:
    networks = iqa_lab.networks(goal="jigsaw")
    assert set(networks["goal"]) == {"jigsaw"} and {"architecture", "licence", "available"} <= set(networks)
    assert "tid2013" in set(iqa_lab.benchmarks()["name"])
    assert "lpips" in set(iqa_lab.readouts()["name"])
    nobody = iqa_lab.networks(goal="nobody")
    assert len(nobody) == 0 and list(nobody) == list(iqa_lab.networks())
    with pytest.raises(UserError, match="have no gaol"):
        iqa_lab.networks(gaol="jigsaw")


@pytest.mark.parametrize("imports", ["import iqa_lab", "import iqa_lab.networks", "from iqa_lab import networks"])
def test_importing_is_instant_and_the_order_of_imports_does_not_matter(imports: str) -> None:
    code = (
        f"{imports}; import sys, iqa_lab; heavy = {{'torch', 'pandas'}} & set(sys.modules); assert not heavy, heavy\n"
        "import iqa_lab.networks.cells; assert callable(iqa_lab.networks) and iqa_lab.networks.cells.BASELINE"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
