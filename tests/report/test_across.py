"""One number over benchmarks: which cells it is over, that no layer is chosen by its own result, and its command."""

from collections.abc import Callable
from math import atanh, tanh
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.report.across import across_results
from iqa_lab.statistics.intervals.selection import select_column
from iqa_lab.store.table import read_results
from tests.conftest import Finished
from tests.report.made import config_text, make_unit, without_drawing

Command = Callable[..., Finished]


def named(benchmark: str, **changes: object) -> str:
    """The configuration of a benchmark of this name."""

    def change(values: dict) -> None:
        values["benchmark"] |= {"name": benchmark, **changes}

    return config_text(change)


def two_networks_on(results: Path, *benchmarks: str, **changes: object) -> None:
    for number, benchmark in enumerate(benchmarks):
        for place, network in enumerate(("alexnet", "vgg16")):
            make_unit(results, network, benchmark=benchmark, seed=10 * number + place, digest=f"{number}" * 12,
                      config=named(benchmark, **changes))  # fmt: skip


def test_the_mean_of_what_other_references_choose(tmp_path: Path) -> None:
    two_networks_on(tmp_path, "one", "two")
    means, said = across_results(tmp_path, read_results(tmp_path).table)
    assert len(means) == 4 and set(means["readout"]) == {"plain", "mean"} and set(means["columns"]) == {"2"}
    assert means["srcc_mean"].is_monotonic_decreasing
    row = means[(means["architecture"] == "vgg16") & (means["readout"] == "mean")].iloc[0]
    z = []
    for folder in tmp_path.glob("table/untrained-none-vgg16/*"):
        scores = pd.read_parquet(folder / "scores.parquet")
        columns = -scores[["mean@conv1", "mean@conv2"]].to_numpy(dtype=float)
        z.append(atanh(select_column(columns, scores["opinion"], scores["reference"]).heldout))
    assert row["srcc_mean"] == pytest.approx(tanh(np.mean(z)), abs=1e-12)
    assert row["srcc_mean_low"] < row["srcc_mean"] < row["srcc_mean_high"]
    assert "over 2 benchmarks (one, two)" in said[0] and "not about other benchmarks" in said[1] and len(said) == 2
    rows = read_results(tmp_path).table
    fixed, _ = across_results(tmp_path, rows[rows["layer"] == "conv2"])
    row = fixed[(fixed["architecture"] == "vgg16") & (fixed["readout"] == "mean")].iloc[0]
    own = rows[(rows["architecture"] == "vgg16") & (rows["readout"] == "mean") & (rows["layer"] == "conv2")]["srcc"]
    assert row["srcc_mean"] == pytest.approx(tanh(np.mean(np.arctanh(own))), abs=1e-12) and row["columns"] == "1"


def test_only_cells_that_all_networks_have(tmp_path: Path) -> None:
    """A third benchmark that one network lacks, and a readout that one network lacks, are left out and counted."""
    two_networks_on(tmp_path, "one", "two")
    make_unit(tmp_path, "alexnet", benchmark="three", seed=50, digest="a" * 12, config=named("three"))
    table = read_results(tmp_path).table
    means, said = across_results(tmp_path, table)
    assert len(means) == 4 and set(means["benchmarks"]) == {"one, two"}
    assert any("2 of 10 cells" in line and "benchmark three" in line for line in said)
    means, said = across_results(tmp_path, table[~((table["architecture"] == "vgg16") & (table["readout"] == "mean"))])
    assert set(means["readout"]) == {"plain"} and any("readout mean" in line for line in said)
    none, said = across_results(tmp_path, table[table["benchmark"].isin(["one", "three"])])
    assert none.empty and any("of 2 benchmarks the 2 networks share 1" in line for line in said)
    alone, said = across_results(tmp_path, table[table["architecture"] == "alexnet"])
    assert set(alone["benchmarks"]) == {"one, three, two"}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"human": False}, "Not averaged: two (no SRCC with human opinion)"),
        ({"headline": "plcc"}, "Not averaged: two (no SRCC with human opinion)"),
        ({"shares_references": ["one"]}, "one and two share photographs, or may"),
    ],
)
def test_what_is_not_averaged_or_not_independent_is_said(tmp_path: Path, changes: dict, line: str) -> None:
    two_networks_on(tmp_path, "one")
    for place, network in enumerate(("alexnet", "vgg16")):
        make_unit(tmp_path, network, benchmark="two", seed=30 + place, digest="b" * 12, config=named("two", **changes),
                  change=lambda rows: rows.assign(plcc=rows["srcc"]))  # fmt: skip
    means, said = across_results(tmp_path, read_results(tmp_path).table)
    assert any(line in one for one in said)
    assert means.empty == line.startswith("Not averaged")


def test_a_network_that_was_scored_twice_is_no_choice(tmp_path: Path) -> None:
    two_networks_on(tmp_path, "one", "two")
    make_unit(tmp_path, "vgg16", benchmark="one", seed=99, digest="0" * 12, config=named("one"))
    means, said = across_results(tmp_path, read_results(tmp_path).table)
    assert set(means["architecture"]) == {"alexnet"}
    assert any("scored twice on a benchmark: untrained-none-vgg16-seed0" in line for line in said)


def test_the_command(iqa_lab: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    without_drawing(monkeypatch)
    two_networks_on(Path("results"), "one", "two")
    shown = iqa_lab("results")
    assert shown.code == 0 and "srcc_heldout [95 %]" in shown.out and "--across" in shown.out
    across = iqa_lab("results", "--across", "--where", "readout=plain")
    assert across.code == 0 and "srcc_mean [95 %]" in across.out and "over 2 benchmarks (one, two)" in across.out
    assert len(iqa_lab("results", "--across", "--csv").out.splitlines()) == 1 + 4
    none = iqa_lab("results", "--where", "goal=swav")
    assert none.code == 0 and "nothing matches" in none.out
    biased = iqa_lab("results", "--across", "--where", "srcc > .5")
    assert biased.code == 2 and "not by how well they do" in biased.error_line
    report = iqa_lab("report", "results")
    assert report.code == 0, report.err
    page = Path("reports/results/index.html").read_text(encoding="utf-8")
    assert "<h2>Over benchmarks</h2>" in page and "srcc_mean_low" in page
    assert len(pd.read_csv("reports/results/tables/over_benchmarks.csv")) == 4
