"""Whatever happens to a worker, results are whole, and the same as without it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import iqa_lab
from tests.conftest import ROOT


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_workers_leave_nothing_behind_that_is_not_bit_for_bit_right(tmp_path: Path, rounds: int) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.sweep.faults", str(tmp_path), str(rounds), "1"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    killed = re.search(r"(\d+) killed under way", done.stdout)
    assert killed and int(killed.group(1)) > 0, done.stdout
    right = sorted((tmp_path / "undisturbed").glob("table/*/*"))
    assert len(right) == 6
    disturbed = sorted(tmp_path.glob("disturbed*"))
    for results in disturbed:
        assert sorted(path.relative_to(results) for path in results.glob("table/*/*")) == [
            path.relative_to(tmp_path / "undisturbed") for path in right
        ]
        for unit in right:
            other = results / unit.relative_to(tmp_path / "undisturbed")
            assert same_files(unit, other)
            assert not list(other.glob(".unfinished-*"))
        rows = iqa_lab.results(results).sort_values(["unit", "readout", "layer"]).reset_index(drop=True)
        whole = iqa_lab.results(tmp_path / "undisturbed").sort_values(["unit", "readout", "layer"])
        pd.testing.assert_frame_equal(rows, whole.reset_index(drop=True))


def same_files(one: Path, other: Path) -> bool:
    """Whether two units hold the same scores and correlations, and results but for times and the folder's name."""
    pd.testing.assert_frame_equal(
        pd.read_parquet(one / "scores.parquet"), pd.read_parquet(other / "scores.parquet"), check_exact=True
    )
    first, second = (json.loads((unit / "result.json").read_text()) for unit in (one, other))
    for result in (first, second):
        for changing in ("seconds", "written", "peak_memory_mib", "passes", "digest"):  # the digest is of times, too
            result.pop(changing)
        result["files"].pop("config.yaml")  # it names the folder of results
    assert first == second
    return (one / "correlations.csv").read_bytes() == (other / "correlations.csv").read_bytes()
