"""What ``results`` and ``list`` print: a block a benchmark, one line an option, all of it at 80 columns."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Finished
from tests.report.made import config_text, make_unit

Command = Callable[..., Finished]


def not_human(values: dict) -> None:
    values["benchmark"]["human"] = False


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    make_unit(folder, "alexnet", benchmark="zoo", seed=1)
    make_unit(folder, "vgg16", benchmark="zoo", seed=2)
    make_unit(folder, "alexnet", benchmark="a_made_one", seed=3, digest="1123456789ab", config=config_text(not_human))
    return folder


def test_a_block_a_benchmark_those_without_people_last(iqa_lab: Command, made: Path) -> None:
    shown = iqa_lab("results", str(made))
    assert shown.code == 0, shown.err
    human, other = shown.out.index("zoo: srcc, human opinion, 2 units"), shown.out.index("a_made_one: srcc, NO human")
    assert human < other
    heading = shown.out.splitlines()[1].split()
    assert {"architecture", "srcc_best", "layer", "depth", "readout", "columns", "n"} <= set(heading)
    assert "1 unit\n" in shown.out and "1 units" not in shown.out


@pytest.mark.parametrize("columns", ["80", "120", ""])
def test_it_can_be_read_at_any_width(
    iqa_lab: Command, made: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for arguments in ([], ["--where", "readout=plain"], ["--where", "depth >= .1", "--top", "2"]):
        shown = iqa_lab("results", str(made), *arguments)
        tables = [line for line in shown.out.splitlines() if re.search(r"alexnet|vgg16|architecture", line)]
        assert tables and (not columns or max(map(len, tables)) <= int(columns))
        assert "alexnet" in shown.out and re.search(r"\.\d\d\d", shown.out)


def test_order_and_number_of_rows(iqa_lab: Command, made: Path) -> None:
    by_name = iqa_lab("results", str(made), "--sort", "architecture", "--top", "1").out
    assert "alexnet" in by_name and "vgg16" not in by_name and "1 more unit: " in by_name
    values = json.loads(iqa_lab("results", str(made), "--json", "--sort", "srcc", "--top", "3").out)
    everything = json.loads(iqa_lab("results", str(made), "--json").out)
    assert len(values) == 3 and len(everything) > 3
    assert [row["srcc"] for row in values] == sorted((row["srcc"] for row in everything), reverse=True)[:3]
    csv = iqa_lab("results", str(made), "--csv").out
    assert pd.read_csv(pd.io.common.StringIO(csv)).shape[0] == len(everything)
    for wrong, said in (
        (["--sort", "scrc"], "--sort=scrc: there is no such column; choose from"),
        (["--csv", "--json"], "--csv or --json, not both"),
        (["--across", "--top", "3"], "leave out --sort and --top"),
        (["--top", "0"], "--top"),
    ):
        done = iqa_lab("results", str(made), *wrong)
        assert done.code == 2 and said in done.error_line


def test_single_columns_have_intervals(iqa_lab: Command, made: Path) -> None:
    everything = json.loads(iqa_lab("results", str(made), "--json").out)
    layer = everything[0]["layer"]
    shown = iqa_lab("results", str(made), "--where", f"layer={layer}", "--where", "readout=plain").out
    rows = [line for line in shown.splitlines() if f" {layer} " in line]
    assert len(rows) == 3 and all(re.search(r"-?\.\d{3} (\[-?\.\d{3}, -?\.\d{3}\]|-)", row) for row in rows)
    assert "architecture" in shown and " n" in shown and "depth" in shown


@pytest.mark.parametrize("kind", ["benchmarks", "readouts"])
def test_one_line_an_option_of_at_most_100_columns(iqa_lab: Command, kind: str) -> None:
    lines = iqa_lab("list", kind).out.splitlines()
    names = [row["name"] for row in json.loads(iqa_lab("list", kind, "--json").out)]
    assert [line.split()[0] for line in lines[1 : len(names) + 1]] == names
    assert max(map(len, lines)) <= 100 and f"iqa-lab list {kind} NAME" in lines[-1]


def test_everything_about_one_and_wildcards(iqa_lab: Command) -> None:
    one = iqa_lab("list", "benchmarks", "csiq").out
    assert "866" in one and "https://s2.smu.edu" in one and "iqa-lab run benchmark=csiq" in one and "bibtex" in one
    found = json.loads(iqa_lab("list", "architectures", "vit_*", "psnr", "layout=m*,t*", "--json").out)
    assert len(found) > 3 and all(row["name"].startswith("vit_") or row["name"] == "psnr" for row in found)
    assert iqa_lab("list", "goals", "nothing*").out.strip() == "nothing matches"
    refused = iqa_lab("list", "datasets", "imagnet1k")
    assert refused.code == 2 and "there are no datasets imagnet1k; choose from imagenet1k" in refused.error_line
