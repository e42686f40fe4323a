"""What a run plans: layers, tokens, readouts that need positions, and layers put together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from iqa_lab.errors import UserError
from iqa_lab.networks import build_network
from iqa_lab.scoring import run
from iqa_lab.scoring.columns import plan_columns
from tests.conftest import Finished, composed, untrained

ALEXNET = ("goal=untrained", "dataset=none", "architecture=alexnet")
VIT = ("goal=untrained", "dataset=none", "architecture=vit_small_patch16_224")


def names(*overrides: str) -> list[str]:
    config = composed(*overrides)
    return list(plan_columns(config, untrained(config.architecture.name)).definitions)


def test_the_control_is_always_there_and_layers_given_twice_count_once() -> None:
    planned = names(*ALEXNET, "readout=mean", "layers=[features.4,features.4,1]")
    assert planned == ["plain@pixels", "mean@pixels", "mean@features.4"]


@pytest.mark.parametrize("readout", ["plain", "gram", "channel_scaled"])
def test_rows_are_of_the_readout_whose_name_they_bear(readout: str) -> None:
    with pytest.raises(UserError, match=f"readouts.{readout}.function=mean: rows called {readout} are of {readout}"):
        names(*ALEXNET, f"readout={readout}", f"readouts.{readout}.function=mean")


def test_the_control_stays_what_it_is_beside_code_of_ones_own_that_is_called_plain() -> None:
    config = composed(*ALEXNET, "readouts.plain.function=builtins.abs")
    planned = plan_columns(config, untrained("alexnet")).definitions
    assert [planned[f"plain@{layer}"]["function"] for layer in ("pixels", "features.1")] == ["plain", "builtins.abs"]


def test_all_readouts_read_all_layers() -> None:
    planned = names(*ALEXNET, "readout=all")
    rows = {name.split("@")[0] for name in planned}
    assert len(rows) == 16 and {"tuned_insample", "tuned_heldout", "grating", "channel_scaled", "jsd"} <= rows
    assert len(planned) == 16 * (1 + len(untrained("alexnet").layers))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("patch", ["plain@blocks.3"]),
        ("class", ["plain@blocks.3:class"]),
        ("both", ["plain@blocks.3", "plain@blocks.3:class"]),
    ],
)
def test_tokens(tokens: str, expected: list[str]) -> None:
    layers = {"patch": "[blocks.3]", "class": "['blocks.3:class']", "both": "[blocks.3,'blocks.3:class']"}[tokens]
    assert names(*VIT, f"tokens={tokens}", f"layers={layers}")[1:] == expected


def test_the_class_token_has_the_depth_of_its_block() -> None:
    layers = {layer.name: layer for layer in untrained("vit_small_patch16_224").layers}
    assert layers["blocks.3"].depth == layers["blocks.3:class"].depth
    assert layers["blocks.3"].spatial and not layers["blocks.3:class"].spatial


@pytest.mark.parametrize("readout", ["std", "mean_std", "correlation", "dists", "wasserstein", "jsd"])
def test_readouts_that_need_positions_refuse_a_class_token(readout: str) -> None:
    with pytest.raises(UserError, match=f"readout {readout} compares positions, and .*:class.* has none"):
        names(*VIT, f"readout={readout}", "tokens=both")


def test_a_pooled_vector_has_no_positions() -> None:
    config = composed(*ALEXNET, "architecture.layers=[features.11,avgpool,classifier.1]", "readout=[plain,mean]")
    network = build_network(config)
    assert [layer.spatial for layer in network.layers] == [True, True, False]  # avgpool of AlexNet is 6 x 6
    assert "plain@classifier.1" in plan_columns(config, network).definitions
    pooled = composed("goal=untrained", "dataset=none", "architecture=resnet18", "readout=jsd",
                      "architecture.layers=[layer4,avgpool]")  # fmt: skip
    with pytest.raises(UserError, match="readout jsd compares positions, and avgpool has none"):
        plan_columns(pooled, build_network(pooled))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["tokens=all"], "tokens=all: choose patch, class or both"),
        (["tokens=class"], "tokens=class: this architecture has no class token"),
        (["concat=[sorted]"], "concat=.*sorted.*: a list of raw and scaled"),
        (["readouts.plain.combine=max"], "combine=max: choose sum or euclidean"),
        (["readouts.plain.reads=pixels"], "reads=pixels: choose responses or channels"),
    ],
)
def test_settings_that_mean_nothing(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        names(*ALEXNET, *overrides)


def test_concatenation_is_cumulative_and_named_by_its_layers() -> None:
    assert names(*ALEXNET, "concat=[raw]", "layers=[features.1,features.4,features.11]")[-3:] == [
        "plain@concat_raw(features.1)",
        "plain@concat_raw(features.1..features.4)",
        "plain@concat_raw(features.1+features.4+features.11)",
    ]


def test_concatenated_layers_are_the_root_of_the_summed_squares_or_the_sum(
    iqa_lab: Callable[..., Finished], levels_home: Path, tmp_path: Path
) -> None:
    common = (
        *ALEXNET, "tracker=none", "statistics.resamples=20", f"benchmark.path={levels_home / 'levels'}",
        "layers=[features.1,features.4,features.11]", "readout=[plain,lpips]", "benchmark.levels=[1,5]",
        "preprocess.resize=96",
    )  # fmt: skip
    assert iqa_lab("run", *common).code == 0
    (folder,) = (tmp_path / "results/levels").glob("*/*")
    before = pd.read_parquet(folder / "scores.parquet")
    # asked for later, it needs no pass: the columns are there
    done = iqa_lab("run", *common, "concat=[raw,scaled]")
    assert done.code == 0 and "images" not in done.err
    scores = pd.read_parquet(folder / "scores.parquet")
    pd.testing.assert_frame_equal(scores[before.columns], before)
    layers = ["features.1", "features.4", "features.11"]
    plain, lpips = (
        scores[[f"{readout}@{layer}" for layer in layers]].to_numpy(float) for readout in ("plain", "lpips")
    )
    label = "(features.1+features.4+features.11)"
    expected = {
        f"plain@concat_raw{label}": np.linalg.norm(plain, axis=1),
        f"plain@concat_scaled{label}": np.linalg.norm(plain / plain.mean(0), axis=1),
        f"lpips@concat_raw{label}": lpips.sum(1),
        f"lpips@concat_scaled{label}": (lpips / lpips.mean(0)).sum(1),
        "plain@concat_raw(features.1..features.4)": np.linalg.norm(plain[:, :2], axis=1),
        "plain@concat_raw(features.1)": plain[:, 0],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(scores[name], values, rtol=1e-6)
    table = pd.read_csv(folder / "correlations.csv").set_index(["readout", "layer"])
    assert table.loc[("plain", f"concat_raw{label}"), "depth"] == 1
    assert table.loc[("plain", "concat_raw(features.1)"), "srcc"] == table.loc[("plain", "features.1"), "srcc"]


def test_a_run_with_every_readout_fills_every_column(
    iqa_lab: Callable[..., Finished], levels_home: Path, tmp_path: Path
) -> None:
    done = iqa_lab(
        "run", *ALEXNET, "tracker=none", "statistics.resamples=20", f"benchmark.path={levels_home / 'levels'}",
        "readout=all", "concat=[raw]", "preprocess.resize=96", "benchmark.levels=[1,5]",
    )  # fmt: skip
    assert done.code == 0, done.err
    (folder,) = (tmp_path / "results/levels").glob("*/*")
    scores = pd.read_parquet(folder / "scores.parquet")
    table = pd.read_csv(folder / "correlations.csv")
    assert scores.notna().all(axis=None) and table["srcc"].notna().all()
    assert len(table) == 16 * (1 + 5 + 5)
    assert set(table["input"]) == {"rgb 0..1, short side 96"}


@pytest.mark.parametrize(
    ("scored", "fitted", "ours", "theirs", "warned"),
    [("live", "tid2013", ["tid2013"], ["live"], True), ("mine", "live", [], ["mine"], True),
     ("mine", "live", ["live"], [], True), ("kadid10k", "tid2013", [], ["live"], False)],
)  # fmt: skip
def test_weights_fitted_to_the_same_photographs_are_warned_of_whoever_says_so(
    scored: str, fitted: str, ours: list[str], theirs: list[str], warned: bool,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    config = composed(*ALEXNET, "readout=tuned", f"readouts.tuned.arguments.fit_on={fitted}")
    config.benchmark.name, config.benchmark.shares_references = scored, ours
    other = replace(config.benchmark, name=fitted, shares_references=theirs)
    pairs = pd.DataFrame({"reference": [f"r{number}" for number in range(9)]})
    there = SimpleNamespace(config=other, pairs=pairs, index_digest=lambda: "digest")
    monkeypatch.setattr(run, "load_benchmark_named", lambda *_, **__: there)
    plan = plan_columns(config, untrained("alexnet"))
    definitions = run.with_fitting_benchmarks(plan, config)
    assert "digest" in {facts.get("fit_on_digest") for facts in definitions.values()}
    assert ("the same photographs" in capfd.readouterr().err) == warned
