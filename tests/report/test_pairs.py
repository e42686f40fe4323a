"""The scores of all pairs as CSV: the very numbers of the Parquet files, and nothing that a spreadsheet would run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.errors import UserError
from iqa_lab.report.pairs import write_pairs
from tests.report.made import make_unit


def test_every_unit_has_its_pairs_and_all_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    units = [make_unit(results, name, seed=seed) for seed, name in enumerate(("a", "b", "c"))]
    (units[2] / "scores.parquet").write_bytes(b"PAR1")
    assert write_pairs(results, out) == 2
    assert "left out" in capsys.readouterr().err
    for unit in units[:2]:
        read = pd.read_csv(
            out / "pairs" / unit.relative_to(results).parent / f"{unit.name}.csv", float_precision="round_trip"
        )
        scores = pd.read_parquet(unit / "scores.parquet")
        assert read.columns.tolist() == scores.columns.tolist()
        for name in scores:
            if scores[name].dtype == np.float32:
                assert (read[name].astype(np.float32) == scores[name]).all()
            elif scores[name].dtype == float:
                assert (read[name] == scores[name]).all()


def test_names_that_a_spreadsheet_would_run_are_text(tmp_path: Path) -> None:
    make_unit(tmp_path / "results", names=("=1+1{}", "@d{}", "blur", "noise"))
    write_pairs(tmp_path / "results", tmp_path / "out")
    (file,) = (tmp_path / "out").rglob("*.csv")
    read = pd.read_csv(file)
    assert read["reference"].str.startswith("'=").all() and read["distorted"].str.startswith("'@").all()


def test_a_folder_without_results_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no unit whose scores can be read"):
        write_pairs(tmp_path, tmp_path / "out")
