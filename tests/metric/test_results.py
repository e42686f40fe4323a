"""Columns of results as metrics: the scores that are stored, and nothing that the result's sender may command."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import iqa_lab
from iqa_lab.errors import UserError
from iqa_lab.metric.evaluated import Evaluated
from iqa_lab.metric.from_result import metric_of_column
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.trusted import check_trust
from tests.conftest import composed
from tests.metric.conftest import close
from tests.metric.own import OVERRIDES

COLUMNS = (
    "plain@pixels", "lpips@features.4", "plain@concat_raw(features.1+features.4)",
    "lpips@concat_scaled(features.1+features.4)", "channel_scaled@features.1", "tuned_insample@features.4",
    "tuned_insample@concat_scaled(features.1+features.4)",
)  # fmt: skip


def test_every_column_gives_its_own_scores(evaluated: Evaluated, images: Callable[[str], list[str]]) -> None:
    scores = evaluated.scores.set_index("distorted")
    for column in COLUMNS:
        if column not in scores:
            column = column.replace("features.1+features.4", "features.1..features.4")
        metric = load_metric(evaluated.folder, column=column)
        expected = scores.loc[[Path(path).name for path in images("distorted")], column]
        assert close(metric(images("reference"), images("distorted")), expected), column
        assert "found on table, 24 pairs: srcc" in repr(metric) and metric.about["found_on"]["srcc"] > 0.3


def test_what_was_evaluated_is_in_hand(evaluated: Evaluated) -> None:
    assert {"srcc", "layer", "readout"} <= set(evaluated.table) and len(evaluated.scores) == 24
    assert evaluated.folder.is_dir() and "optimistic" in repr(evaluated)
    assert evaluated.metric("lpips@features.4").names == ("lpips@features.4",)
    assert len(iqa_lab.results(evaluated.folder.parents[2])) == len(evaluated.table)


def test_columns_that_are_no_metric_are_refused(evaluated: Evaluated) -> None:
    for column, said in (
        ("tuned_heldout@features.4", "take column='tuned_insample@features.4'"),
        ("lpips@features.44", "choose from lpips@features.4"),
        (None, "which column"),
    ):
        with pytest.raises(UserError, match=said):
            load_metric(evaluated.folder, column=column)


def test_weights_that_are_others_here_are_refused(evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch) -> None:
    from iqa_lab.metric import from_result

    build = from_result.build_network

    def others(config: object) -> object:
        network = build(config)  # type: ignore[arg-type]
        from dataclasses import replace

        return replace(network, digest="0" * 64)

    monkeypatch.setattr(from_result, "build_network", others)
    with pytest.raises(UserError, match="the weights here are not those of"):
        metric_of_column(evaluated.folder, "lpips@features.4")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (OVERRIDES, "the code tests.metric.own.Kinds"),
        (["architecture=vgg16", "architecture.constructor=torch.hub.load"], "the code torch.hub.load"),
        (["architecture=vgg16", "+architecture.arguments.weights=DEFAULT"], "the code torchvision.models.vgg16"),
        (["architecture=vgg16", "+weights.arguments.weights=DEFAULT"], "the arguments"),
        (["architecture=vgg16", "goal=classification", "dataset=imagenet1k", "weights.url=http://x/y"], "the address"),
        (["architecture=vgg16", "goal=classification", "dataset=imagenet1k", "weights.source=hf:x/y"], "the address"),
    ],
)
def test_what_a_stranger_names_is_not_run(overrides: list[str], said: str) -> None:
    config = composed("goal=untrained", "dataset=none", *overrides)
    with pytest.raises(UserError, match=said):
        check_trust(config, [], "results/x", trust=False)


def test_what_is_shipped_needs_no_trust() -> None:
    for words in (
        ["goal=classification", "dataset=imagenet1k", "architecture=mobilenetv2_tf"],
        ["goal=baseline", "dataset=none", "architecture=ssim_gray"],
        ["goal=classification", "dataset=imagenet1k", "architecture=resnet50", "weights.path=mine.pth"],
    ):
        config = composed(*words)
        check_trust(config, [{"function": "lpips"}], "results/x", trust=False)
    baseline = composed("goal=baseline", "dataset=none", "architecture=ssim_gray")
    check_trust(baseline, [{"function": baseline.architecture.constructor}], "results/x", trust=False)


def test_readouts_of_ones_own_need_trust() -> None:
    config = composed("goal=untrained", "dataset=none", "architecture=vgg16")
    check_trust(config, [{"function": "lpips"}], "results/x", trust=False)
    for code in ("evil.distance", "torch.save", "iqa_lab.cli.main.main"):
        with pytest.raises(UserError, match=f"the code {code} for its readout.*trust=True"):
            check_trust(config, [{"function": code}], "results/x", trust=False)
    check_trust(config, [{"function": "evil.distance"}], "results/x", trust=True)


def test_a_damaged_result_is_refused(evaluated: Evaluated, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "results" / evaluated.folder.name
    shutil.copytree(evaluated.folder, copy)
    result = json.loads((copy / "result.json").read_text())
    result["columns"]["lpips@features.4"]["function"] = "plain"
    (copy / "result.json").write_text(json.dumps(result))
    with pytest.raises(UserError, match="damaged"):
        load_metric(copy, column="lpips@features.4")


def test_scaled_needs_no_gradient_to_vanish(evaluated: Evaluated) -> None:
    column = next(name for name in evaluated.scores if name.startswith("lpips@concat_scaled") and "features.4" in name)
    metric = load_metric(evaluated.folder, column=column)
    x, y = torch.rand(2, 1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    y.requires_grad_()
    metric(x, y).sum().backward()
    assert y.grad is not None and y.grad.abs().max() > 0
