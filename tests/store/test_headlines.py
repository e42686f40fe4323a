"""One row a unit from results on disk: the held-out value first, from whatever version and with whatever damage."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.store.files import UnitFolder
from iqa_lab.store.headlines import explained, shown, unit_headlines
from iqa_lab.store.table import read_results, results
from tests.report.made import make_unit

FACTS = {"srcc_heldout": 0.6, "srcc_heldout_low": 0.5, "srcc_heldout_high": 0.7, "chosen_how_often": 0.9}


def with_headline(folder: Path, facts: dict) -> None:
    """The unit's headline, written as the store writes it."""
    unit = UnitFolder(folder)
    unit.tabulate_again(lambda *_: pd.read_csv(folder / "correlations.csv"), lambda *_: facts, {}, None)


def test_the_held_out_value_orders_the_units(tmp_path: Path) -> None:
    for number, network in enumerate(("alexnet", "vgg16", "resnet50")):
        folder = make_unit(tmp_path, network, seed=number)
        with_headline(folder, {name: value - 0.1 * number for name, value in FACTS.items()})
    found = read_results(tmp_path)
    assert list(found.table) == list(results(tmp_path)) and "heldout" not in found.table  # columns are the unit's own
    rows = unit_headlines(found)
    assert rows["architecture"].tolist() == ["alexnet", "vgg16", "resnet50"]
    assert rows["heldout"].tolist() == pytest.approx([0.6, 0.5, 0.4]) and set(rows["columns"]) == {4}
    highest = found.table.groupby("architecture")["srcc"].max()
    assert rows["best"].tolist() == highest[rows["architecture"]].tolist()
    (table,) = shown(rows)
    names = list(table)
    assert names.index("srcc_heldout [95 %]") < names.index("srcc_best")
    assert table["srcc_heldout [95 %]"].iloc[0] == ".600 [.500, .700]" and "[" not in "".join(table["srcc_best"])
    again = unit_headlines(read_results(tmp_path))  # from the table that is kept
    pd.testing.assert_frame_equal(rows, again)
    only = unit_headlines(found.only([rows["unit"].iloc[1]]))
    assert only["architecture"].tolist() == ["vgg16"]


def test_several_results_of_one_network_are_told_apart(tmp_path: Path) -> None:
    """With another resize, say: without their signatures their rows would be the same but for the numbers."""
    folders = [make_unit(tmp_path, network, seed=seed) for seed, network in enumerate(("alexnet", "vgg16", "alexnet"))]
    (table,) = shown(unit_headlines(read_results(tmp_path)))
    told = dict(zip(table["architecture"] + table["result"], table.index, strict=True))
    assert set(told) == {f"alexnet{folders[0].name}", f"alexnet{folders[2].name}", "vgg16"}
    (alone,) = shown(unit_headlines(read_results(tmp_path).only([str(folders[0].relative_to(tmp_path))])))
    assert "result" not in alone


def test_a_headline_that_changes_is_read_again_and_one_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    folder = make_unit(tmp_path)
    assert np.isnan(unit_headlines(read_results(tmp_path))["heldout"].iloc[0])  # an earlier method had none
    with_headline(folder, FACTS)
    assert unit_headlines(read_results(tmp_path))["heldout"].tolist() == [0.6]
    result = json.loads((folder / "result.json").read_text())
    result["headline"]["srcc_heldout"] = 0.99
    (folder / "result.json").write_text(json.dumps(result))
    rows = unit_headlines(read_results(tmp_path))
    assert np.isnan(rows["heldout"].iloc[0]) and rows["best"].notna().all()
    assert any("No interval" in sentence for sentence in explained(rows))


def test_no_units_are_no_rows(tmp_path: Path) -> None:
    assert unit_headlines(read_results(tmp_path)).empty
