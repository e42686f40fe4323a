"""What a planner remembers of a benchmark holds for all folders that its loader looks at."""

from pathlib import Path

import pytest

from iqa_lab.sweep.benchmarks import fingerprint


@pytest.mark.parametrize("place", ["bapps/dataset/2afc", "PerceptualSimilarity/dataset/2afc", "bapps/2afc"])
@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_changes_wherever_it_lies_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, named: bool
) -> None:
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path))
    values = {"family": "bapps", "folder": "bapps", "path": str(tmp_path / "bapps") if named else None}
    assert fingerprint(values) is None  # nothing is there
    (tmp_path / "bapps").mkdir()
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "000000.npy").write_text("0")
    before = fingerprint(values)
    assert before is not None and fingerprint(values) == before
    (tmp_path / place / "000000.npy").write_text("1.0")
    looked_at = not named or place.startswith("bapps")
    assert (fingerprint(values) != before) == looked_at
