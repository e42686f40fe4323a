"""A report of made results: families of trainings in one table, the noise floor beside contrasts and claims."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.report.collect import collect
from iqa_lab.report.page import write_report
from iqa_lab.report.study import Study
from tests.report.made import make_unit, without_drawing, without_pages_of_units

CLAIM = "taskonomy_normal > taskonomy_curvature"


def training(results: Path, goal: str, dataset: str, architecture: str, weights: str, seed: int) -> None:
    """A finished unit of a training of the grid."""
    words = {"goal": goal, "dataset": dataset, "architecture": architecture, "weights": weights}
    make_unit(results, f"{weights}-{goal}", words=words, seed=seed)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("controlled")
    for number, task in enumerate(("normal", "curvature", "denoising", "jigsaw")):
        training(home / "results", f"taskonomy_{task}", "taskonomy", "resnet50_taskonomy", "resnet50_taskonomy", number)
    for number, recipe in enumerate(("", ".a2", ".b1k", ".d")):
        training(home / "results", "classification", "imagenet1k", "resnet50", f"resnet50{recipe}", 10 + number)
    for number, recipe in enumerate(("", ".eps1", ".eps5")):  # strengths of an attack are no replicates
        name = f"resnet50{recipe}"
        training(home / "results", "robust_classification", "imagenet1k", "resnet50", name, 20 + number)
    with pytest.MonkeyPatch.context() as patch:
        without_drawing(patch)
        without_pages_of_units(patch)
        report = collect(home / "results", Study("controlled", "Goal?", claims=(CLAIM,)))
        return write_report(report, home / "page").parent


def test_the_table_of_controlled_comparisons(page: Path) -> None:
    rows = pd.read_csv(page / "tables" / "controlled.csv")
    (row,) = rows[rows["family"] == "taskonomy"].to_dict("records")
    assert (row["factor"], row["levels"], row["pairs"]) == ("goal", 4, 6)
    assert row["held"] == "dataset taskonomy, architecture resnet50_taskonomy" and row["floor_df"] == 3
    cells = pd.read_csv(page / "tables" / "replicates.csv")
    assert cells[["goal", "networks"]].to_numpy().tolist() == [["classification", 4]]
    assert cells["sd"].iloc[0] == pytest.approx(row["floor"], rel=1e-9)
    # one robust cell of three strengths, and no member without an attack: nothing moves
    assert set(rows["family"]) == {"taskonomy"}


def test_the_floor_beside_contrasts_and_claims(page: Path) -> None:
    contrasts = pd.read_csv(page / "tables" / "contrasts.csv")
    controlled = pd.read_csv(page / "tables" / "controlled.csv")
    assert np.allclose(contrasts["floor_sd"], controlled["floor"].iloc[0])
    (claim,) = pd.read_csv(page / "tables" / "claims.csv").to_dict("records")
    assert claim["claim"] == CLAIM and claim["floor_sd"] == pytest.approx(controlled["floor"].iloc[0], rel=1e-6)
    assert claim["inside_floor"] == (abs(claim["difference_z"]) <= claim["floor_reach"])
    assert ("inside the noise floor" in str(claim["note"])) == claim["inside_floor"]
    text = (page / "index.html").read_text()
    assert "Controlled comparisons" in text and "Contrasts beside the noise floor" in text
    assert "Noise floor of trained networks (recipes): sd " in text and "over 4 trainings of 1 cell" in text
    assert "25 goals learned from the same photographs by the same network" in text
