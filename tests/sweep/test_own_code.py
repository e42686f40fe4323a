"""One's own network, readout and loader: swept like any other, and computed again when their source was edited."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from iqa_lab.sweep.ledger import Ledger
from iqa_lab.sweep.sweeper import new_name
from tests.conftest import Finished
from tests.sweep.faults import write_pairs

Command = Callable[..., Finished]

NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 4, 3, 2, 1)
        self.act1 = torch.nn.ReLU()

    def forward(self, images):
        return self.act1(self.conv1(1 * images))
"""
READOUT = """
def distance(response):
    return 1 * response.squared_difference
"""
LOADER = """
from iqa_lab.benchmarks.table import load as table

def load(config):
    return table(config)  # 1
"""


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Overrides for nine pairs, read by one's own loader, of one's own network and readout."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, text in (("own_net", NET), ("own_readout", READOUT), ("own_loader", LOADER)):
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "pairs").mkdir()
    return ["goal=untrained", "dataset=none", "architecture=custom", "architecture.constructor=own_net.Net",
            "architecture.layers=[act1]", "benchmark=table", f"benchmark.path={write_pairs(tmp_path / 'pairs')}",
            "benchmark.family=own_loader.load", "readouts.plain.function=own_readout.distance", "tracker=none",
            "statistics.resamples=20", "runtime.device=cpu"]  # fmt: skip


def scores() -> list[pd.DataFrame]:
    """Of all results, the newest last."""
    files = sorted(Path("results").rglob("scores.parquet"), key=lambda file: file.stat().st_mtime_ns)
    return [pd.read_parquet(file) for file in files]


def edit(name: str) -> None:
    file = Path(f"{name}.py")
    file.write_text(file.read_text().replace("1 *", "2 *").replace("# 1", "# 2"))


def test_a_sweep_over_one_s_own_network_is_done_and_follows_every_edit(iqa_lab: Command, grid: list[str]) -> None:
    first = iqa_lab("sweep", *grid)
    assert first.code == 0 and "1 done" in first.out and "left behind" not in first.err, first.err
    assert "nothing" not in first.err and len(scores()) == 1
    again = iqa_lab("sweep", *grid)
    assert again.code == 0 and "1 done" in again.out and "1 of 1" not in again.err
    before = scores()[-1]
    edit("own_net")
    status = iqa_lab("status", *grid)
    assert "1 missing" in status.out and "the code of its network" in status.out
    assert iqa_lab("sweep", *grid).code == 0 and len(scores()) == 2
    doubled = scores()[-1]
    assert not doubled["plain@act1"].equals(before["plain@act1"])
    assert doubled["plain@pixels"].equals(before["plain@pixels"])
    edit("own_readout")  # a column of the same unit
    assert "1 missing" in iqa_lab("status", *grid).out
    alone = iqa_lab("run", *grid)
    assert alone.code == 0 and "Nothing to do" not in alone.out and len(scores()) == 2, alone.err
    # twice the mean of squares
    assert scores()[-1]["plain@act1"].to_numpy() == pytest.approx(2 * doubled["plain@act1"].to_numpy(), rel=1e-6)
    assert "Nothing to do" in iqa_lab("run", *grid).out
    edit("own_loader")
    assert iqa_lab("sweep", *grid).code == 0 and len(scores()) == 3


def test_another_version_in_the_ledger_writes_nothing_new_over_old_scores(iqa_lab: Command, grid: list[str]) -> None:
    assert iqa_lab("sweep", *grid).code == 0
    known = Ledger(Path("results"))
    ((key, record),) = known.read_all().items()
    code = record["made_of"]["code"]
    assert set(code["packages"]) == {"torch", "torchvision", "timm"} and set(code["sources"]) == {
        "own_net.Net", "own_loader.load",
    }  # fmt: skip
    # the second sweep may begin in the second of the first: under one name it would find the unit settled
    assert len({new_name() for _ in range(100)}) == 100
    old = {**code, "packages": {**code["packages"], "torch": "1.0"}}
    known.write(key, {**record, "made_of": {**record["made_of"], "code": old}})
    assert "1 missing" in iqa_lab("status", *grid).out
    (file,) = Path("results").rglob("result.json")
    written = file.read_bytes()
    assert iqa_lab("sweep", *grid).code == 0 and file.read_bytes() == written
    ((_, after),) = known.read_all().items()
    assert after["made_of"]["code"] == code == json.loads(written)["hashed"]["code"]  # what the result itself says


@pytest.mark.parametrize("damage", [b"\xff{", None])
def test_damaged_files_of_a_sweep_are_as_good_as_none(iqa_lab: Command, tmp_path: Path, damage: bytes | None) -> None:
    (tmp_path / "pairs").mkdir()
    grid = ["goal=baseline", "dataset=none", "architecture=psnr,rmse", "benchmark=table", "tracker=none",
            f"benchmark.path={write_pairs(tmp_path / 'pairs')}", "statistics.resamples=20"]  # fmt: skip
    assert iqa_lab("sweep", *grid).code == 0
    for file in [*Path("results/.sweep").rglob("*.json"), *Path("results/.sweep").rglob("*.parquet")]:
        if damage is None:
            file.unlink()
            file.mkdir()
        else:
            file.write_bytes(damage)
    status = iqa_lab("status")
    assert status.code == 2 and "say which grid" in status.error_line
    status = iqa_lab("status", *grid)
    assert status.code == 0 and "2 missing" in status.out and "Traceback" not in status.err
    table = iqa_lab("results", "--csv")
    assert table.code == 0 and len(table.out.splitlines()) == 1 + 4
    if damage is not None:  # a folder in a record's place cannot be written over
        assert iqa_lab("sweep", *grid).code == 0 and "2 done" in iqa_lab("status", *grid).out
    for file in Path("results").rglob("result.json"):
        file.write_bytes(damage or b"?")
    left = iqa_lab("results")
    assert left.code == 1 and left.err.count("left out: ") == 2 and "Traceback" not in left.err
