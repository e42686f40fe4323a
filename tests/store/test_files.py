"""What is on disk: whole or absent, growing, and safe against a second writer, a killed one and a full disk."""

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.errors import UserError
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.result import Definitions
from iqa_lab.store.signature import signature
from iqa_lab.store.writing import check_writable

PAIRS = pd.DataFrame({"reference": ["r"] * 4, "distorted": list("abcd"), "opinion": [1.0, 2.0, 3.0, 4.0]})


def tabulate(scores: pd.DataFrame, definitions: Definitions) -> pd.DataFrame:
    return pd.DataFrame({"column": sorted(definitions), "total": [scores[name].sum() for name in sorted(definitions)]})


def definition(name: str, **arguments: object) -> dict[str, object]:
    readout, _, layer = name.partition("@")
    return {"layer": layer, "depth": 0.0, "readout": readout, "function": readout, "arguments": arguments}


def write(unit: UnitFolder, name: str, values: list[float], **arguments: object) -> None:
    scores = PAIRS.assign(**{name: np.array(values, dtype=np.float32)})
    unit.write(scores, {name: definition(name, **arguments)}, {"n_scored": 4}, "a: 1\n", tabulate)


def test_a_unit_grows_by_columns(tmp_path: Path) -> None:
    unit = UnitFolder(tmp_path / "unit")
    assert unit.finished() == {} and unit.read_result() is None
    write(unit, "plain@a", [1, 2, 3, 4])
    write(unit, "mean@a", [5, 6, 7, 8])
    assert set(unit.finished()) == {"plain@a", "mean@a"}
    scores = pd.read_parquet(unit.scores_file)
    assert scores["plain@a"].tolist() == [1, 2, 3, 4] and scores["mean@a"].tolist() == [5, 6, 7, 8]
    assert scores["plain@a"].dtype == np.float32
    assert pd.read_csv(unit.correlations_file)["column"].tolist() == ["mean@a", "plain@a"]
    write(unit, "plain@a", [9, 9, 9, 9], exponent=2)  # defined otherwise: replaced
    assert pd.read_parquet(unit.scores_file)["plain@a"].tolist() == [9, 9, 9, 9]
    assert unit.finished()["plain@a"]["arguments"] == {"exponent": 2}
    assert sorted(path.name for path in unit.folder.iterdir()) == [
        ".lock", "config.yaml", "correlations.csv", "result.json", "scores.parquet",
    ]  # fmt: skip


def test_a_failure_is_recorded_but_never_over_a_result(tmp_path: Path) -> None:
    unit = UnitFolder(tmp_path / "unit")
    unit.write_failure({"signature": "x"}, "no numbers")
    assert unit.read_result() == {"state": "failed", "error": "no numbers", "signature": "x"}
    assert unit.finished() == {}
    write(unit, "plain@a", [1, 2, 3, 4])
    unit.write_failure({"signature": "x"}, "no numbers")
    assert unit.read_result()["state"] == "done"


def test_half_a_result_is_no_result(tmp_path: Path) -> None:
    unit = UnitFolder(tmp_path / "unit")
    write(unit, "plain@a", [1, 2, 3, 4])
    text = (unit.folder / "result.json").read_text()
    (unit.folder / "result.json").write_text(text[: len(text) // 2])
    assert unit.finished() == {}
    (unit.folder / "result.json").write_text(text)
    unit.scores_file.unlink()
    assert unit.finished() == {}


def _write_many(folder: Path, first: int) -> None:
    for number in range(first, first + 10):
        write(UnitFolder(folder), f"plain@layer{number}", [number] * 4)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path / "unit", first)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    unit = UnitFolder(tmp_path / "unit")
    assert len(unit.finished()) == 20
    scores = pd.read_parquet(unit.scores_file)
    assert all(scores[f"plain@layer{number}"].eq(number).all() for number in range(20))


def _write_for_ever(folder: Path) -> None:
    number = 0
    while True:
        write(UnitFolder(folder), f"plain@layer{number}", [number] * 4)
        number += 1


def test_a_killed_writer_leaves_a_whole_result(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for round_ in range(3):
        folder = tmp_path / str(round_)
        writer = context.Process(target=_write_for_ever, args=(folder,))
        writer.start()
        while not (folder / "result.json").is_file():
            time.sleep(0.01)
        time.sleep(0.05 * round_)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        unit = UnitFolder(folder)
        columns = unit.finished()
        scores = pd.read_parquet(unit.scores_file)
        assert columns and all(scores[name].eq(int(name.removeprefix("plain@layer"))).all() for name in columns)
        write(unit, "mean@a", [1, 2, 3, 4])  # the lock is free, leftovers are cleared away
        assert set(unit.finished()) == {*columns, "mean@a"}
        assert not list(folder.glob(".unfinished-*"))


@contextmanager
def full_disk(size: int = 2000) -> Iterator[None]:
    """No file can grow beyond that many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_clear_error_and_keeps_what_was_there(tmp_path: Path) -> None:
    unit = UnitFolder(tmp_path / "unit")
    with full_disk(), pytest.raises(UserError, match="cannot write results to .*unit: .*File too large"):
        write(unit, "plain@a", [1, 2, 3, 4])
    assert [path.name for path in unit.folder.iterdir()] == [".lock"]
    write(unit, "plain@a", [1, 2, 3, 4])
    before = {path.name: path.read_bytes() for path in unit.folder.iterdir()}
    with full_disk(), pytest.raises(UserError, match="cannot write results"):
        write(unit, "mean@a", [1, 2, 3, 4])
    assert {path.name: path.read_bytes() for path in unit.folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_found_out_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write results to .*file/results: Not a directory"):
        check_writable(tmp_path / "file" / "results")
    check_writable(tmp_path / "new" / "results")
    assert list((tmp_path / "new" / "results").iterdir()) == []


def test_the_signature_is_of_values_not_of_their_order() -> None:
    first = signature({"a": 1, "b": [1, 2], "c": {"x": None, "y": 0.5}})
    assert first == signature({"c": {"y": 0.5, "x": None}, "b": [1, 2], "a": 1})
    assert len(first) == 12 and first != signature({"a": 1, "b": [2, 1], "c": {"x": None, "y": 0.5}})
