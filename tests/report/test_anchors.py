"""Published numbers: copied rightly, under names that exist here, and set beside ours only where they mean the same."""

from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from iqa_lab.config import ReadoutConfig, configuration_folder
from iqa_lab.networks.network import Layer
from iqa_lab.report.anchors import SETTING, STATISTICS, beside, load_anchors, others
from iqa_lab.scoring.definitions import concatenate
from iqa_lab.statistics.table import COLUMNS

CONF = configuration_folder()
ANCHORS = load_anchors()
COMPARED = ANCHORS.dropna(subset=["architecture"])
LPIPS_LAYERS = ["features.3", "features.8", "features.15", "features.22", "features.29"]


def result(**changes: object) -> pd.DataFrame:
    """A row of correlations.csv of PSNR on the whole of TID2013, as published."""
    row = {
        "benchmark": "tid2013", "goal": "baseline", "dataset": "none", "architecture": "psnr", "weights": "psnr",
        "layer": "output", "readout": "psnr", "depth": 1.0, "n": 3000, "srcc": 0.6869, "plcc": 0.6601,
        "krcc": 0.4958, "input": "rgb 0..255, no resize",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def test_every_setting_has_a_benchmark_a_cell_and_a_readout_of_ours() -> None:
    assert set(SETTING) <= set(COLUMNS) and set(STATISTICS) <= set(COLUMNS) and "input" in COLUMNS
    assert len(COMPARED) > 150 and not COMPARED[[*SETTING, "resize"]].isna().any(axis=None)
    assert ANCHORS.loc[ANCHORS["architecture"].isna(), [*SETTING[1:], "resize"]].isna().all(axis=None)
    for name, pairs in ANCHORS.groupby("benchmark")["pairs"].unique().items():
        assert list(pairs) == [OmegaConf.load(CONF / "benchmark" / f"{name}.yaml").expected.pairs]
    for goal, dataset, weights, architecture, readout in (
        COMPARED[["goal", "dataset", "weights", "architecture", "readout"]].drop_duplicates().itertuples(index=False)
    ):
        cell = OmegaConf.load(CONF / "weights" / goal / dataset / f"{weights}.yaml")
        name = f"{cell.architecture}.{cell.recipe}" if cell.recipe else cell.architecture
        assert (cell.goal, cell.dataset, cell.architecture, name) == (goal, dataset, architecture, weights)
        if goal == "baseline":
            assert readout == architecture
        else:
            assert (CONF / "readout" / f"{readout}.yaml").exists()


def test_every_layer_is_one_of_its_architecture() -> None:
    for architecture, group in COMPARED.groupby("architecture"):
        listed = OmegaConf.load(CONF / "architecture" / f"{architecture}.yaml").layers
        names = [str(next(iter(entry))) for entry in listed]
        known = {"output"} if group["goal"].iloc[0] == "baseline" else {"pixels", *names}
        together = {name for name in group["layer"] if name.startswith("concat")}
        assert set(group["layer"]) - together <= known, architecture
        if together:
            layers = tuple(Layer(name, number / (len(names) - 1)) for number, name in enumerate(names))
            readout = ReadoutConfig(function="plain", formula="", combine="euclidean", concat=["raw"])
            five = [layer for layer in layers if layer.name in LPIPS_LAYERS]
            made = concatenate("plain", readout, five, layers, "plain")
            assert together <= {entry.layer.name for entry in made}


def test_keras_vgg16_is_the_cell_with_its_weights_and_nearly_its_input() -> None:
    cell = OmegaConf.load(CONF / "weights" / "classification" / "imagenet1k" / "vgg16.caffe.yaml")
    assert cell.source == "torchvision:VGG16_Weights.IMAGENET1K_FEATURES" and cell.input.order == "rgb"
    taken_off = [255 * mean for mean in cell.input.mean]
    assert taken_off == pytest.approx([123.68, 116.779, 103.939], abs=0.7)  # the note says so
    assert [255 * std for std in cell.input.std] == pytest.approx([1, 1, 1])


def test_values_are_those_of_the_sources(shared_oracles: Path) -> None:
    """Networks cell by cell, metrics by their name and statistic; signs as ours."""
    vgg = pd.read_csv(shared_oracles / "vgg16_layers.csv").set_index("keras_layer")
    resnet = pd.read_csv(shared_oracles / "resnet18_layers.csv").set_index(["database", "torchvision_module"])
    metrics = pd.read_csv(shared_oracles / "published_metrics.csv")
    metrics = metrics[~(metrics["source"].str.contains("bug") | metrics["note"].fillna("").str.contains("bug"))]
    concatenated = pd.read_csv(shared_oracles / "vgg16_concat.csv").set_index("n_layers")
    clip = pd.concat(
        [
            pd.read_csv(shared_oracles / "clip_vitb16_tid2013.csv").assign(model="CLIP ViT-B/16"),
            pd.read_csv(shared_oracles / "clip_models_tid2013.csv"),
        ]
    )
    clip.index = pd.Index(clip["model"] + " layer " + clip["layer"].astype(str) + ", " + clip["distance"])
    for row in ANCHORS.itertuples():
        kind, _, name = row.name.partition(" ")
        if kind == "VGG-16" and name in vgg.index:
            other = {"srcc": "spearman", "plcc": "pearson"}[row.statistic]
            published = [vgg.loc[name, f"{row.benchmark}_abs_{other}"]]
            if row.layer != "pixels" and isinstance(row.layer, str):
                assert row.layer == vgg.loc[name, "torchvision_module"]
        elif kind == "ResNet-18":
            published = [-resnet.loc[(row.benchmark, name), f"{row.statistic}_signed"]]
        elif kind == "VGG-16":
            other = {"srcc": "spearman", "plcc": "pearson"}[row.statistic]
            number = row.layer.count("+") + 1
            assert f"first {number} of the 5" in row.name
            assert row.layer == f"concat_raw({'+'.join(LPIPS_LAYERS[:number])})"
            published = [concatenated.loc[number, f"{row.benchmark}_abs_{other}"]]
        elif row.name in clip.index:
            published = list(clip.loc[[row.name], "tid2013_abs_spearman"])
        else:
            same = metrics[(metrics["metric"] == row.name) & (metrics["database"] == row.benchmark)]
            published = list(same.loc[same["statistic"].str.contains(row.statistic), "value"].abs())
        assert any(row.value == pytest.approx(value, abs=5e-5) for value in published), row
    assert (ANCHORS["value"] > 0).all()  # all of them agree with people


def test_ours_and_published_side_by_side() -> None:
    found = beside(result(srcc=0.7), ANCHORS).set_index(["statistic", "source"])
    tid = found.loc["srcc"].loc["pyiqa, published benchmark tables"]
    assert tid[["ours", "published"]].tolist() == [0.7, 0.6869] and tid["difference"] == pytest.approx(0.0131)
    assert tid["complete"] and tid["differs"] and not found.loc["plcc"]["differs"].any()
    assert found["difference"].abs().is_monotonic_decreasing


@pytest.mark.parametrize(
    ("changes", "complete", "differs"),
    [
        ({}, True, False),
        ({"srcc": 0.6969, "n_expected": 3000}, True, False),  # exactly .01 is not more than .01
        ({"srcc": 0.7}, True, True),
        ({"srcc": float("nan")}, True, True),
        ({"srcc": -0.6869}, True, True),  # a wrong sign is a difference
        ({"srcc": 0.5, "n": 599}, False, False),
        ({"srcc": 0.5, "n": 599, "n_expected": 3000}, False, False),
        ({"srcc": 0.5, "n_expected": 3001}, False, False),
    ],
)
def test_a_difference_counts_on_a_whole_benchmark_only(
    changes: dict[str, float], complete: bool, differs: bool
) -> None:
    found = beside(result(**changes), ANCHORS[ANCHORS["source"].str.startswith("pyiqa")])
    row = found[found["statistic"] == "srcc"].iloc[0]
    assert (row["complete"], row["differs"]) == (complete, differs)


@pytest.mark.parametrize(
    "changes",
    [
        {"benchmark": "levels"},
        {"layer": "pixels"},
        {"weights": "psnr.other"},
        {"readout": "plain"},
        {"input": "rgb 0..255, short side 256"},
    ],
)
def test_another_setting_is_not_compared(changes: dict[str, str]) -> None:
    found = beside(result(**changes), ANCHORS)
    assert found.empty and {"ours", "published", "differs"} <= set(found)


def test_choices_between_images_have_nothing_to_compare() -> None:
    table = result(benchmark="bapps").drop(columns=STATISTICS).assign(agreement=0.7)
    assert beside(table, ANCHORS).empty


def test_resized_dists_is_compared_with_the_paper_only() -> None:
    ours = {"architecture": "dists", "weights": "dists", "readout": "dists"}
    resized = beside(result(**ours, input="rgb 0..1, short side 256"), ANCHORS)
    assert resized["source"].tolist() == ["Ding et al. (2020), quoted in the piq README"]
    assert set(beside(result(**ours), ANCHORS)["source"]) == {"pyiqa, published benchmark tables"}


def test_other_metrics_are_there_to_be_shown() -> None:
    shown = others(ANCHORS, "tid2013")
    assert {"FSIMc", "VSI", "MDSI"} <= set(shown["name"]) and shown["value"].is_monotonic_decreasing
    assert not set(shown["name"]) & {"psnr", "PSNRc"}
    assert others(ANCHORS, "levels").empty
