"""The made benchmark: complete, graded, the same on every machine run, and never called human."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.benchmarks import is_present, load_benchmark
from iqa_lab.benchmarks.distortions import DISTORTIONS
from iqa_lab.benchmarks.images import decode
from iqa_lab.benchmarks.levels import RECIPE
from iqa_lab.errors import UserError
from tests.conftest import composed, picture


@pytest.fixture(scope="module")
def pairs(levels_home: Path) -> pd.DataFrame:
    return load_benchmark(composed(f"benchmark.path={levels_home / 'levels'}").benchmark).pairs


def test_it_is_complete_and_says_that_it_is_not_human(pairs: pd.DataFrame) -> None:
    config = composed().benchmark
    assert (len(pairs), pairs["reference"].nunique(), pairs["distortion"].nunique()) == (350, 7, 10)
    assert not config.human and "no human judgement" in config.description
    assert (pairs["opinion"] == -pairs["level"]).all()


def test_within_a_distortion_of_a_photograph_each_level_is_worse(pairs: pd.DataFrame) -> None:
    references = {path: decode(path).pixels.astype(float) for path in pairs["reference_path"].unique()}
    errors = pairs.assign(
        error=[
            float(np.square(references[first] - decode(second).pixels).mean())
            for first, second in zip(pairs["reference_path"], pairs["distorted_path"], strict=True)
        ]
    ).sort_values("level")
    rising = errors.groupby(["reference", "distortion"])["error"].apply(lambda group: group.is_monotonic_increasing)
    assert rising.all(), rising[~rising]
    assert (errors["error"] > 0).all()


@pytest.mark.parametrize("name", DISTORTIONS)
def test_a_distortion_is_the_same_every_time(name: str) -> None:
    function, strengths = DISTORTIONS[name]
    image = picture(1)
    first, again = (function(image, strengths[2], np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8 and first.shape == image.shape


def test_a_lost_image_is_missed(levels_home: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(levels_home / "levels", tmp_path / "levels")
    (tmp_path / "levels" / RECIPE / "distorted" / "china.jpeg.3.png").unlink()
    with pytest.raises(UserError, match="349 of 350 pairs are there, missing are china.jpeg.3.png"):
        load_benchmark(composed(f"benchmark.path={tmp_path / 'levels'}").benchmark)
    kept = load_benchmark(composed(f"benchmark.path={tmp_path / 'levels'}", "benchmark.allow_missing=true").benchmark)
    assert (len(kept.pairs), kept.n_expected) == (349, 350)


def test_only_what_is_asked_for_is_made_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("IQA_LAB_CACHE", str(tmp_path / "cache"))
    asked = ["benchmark.references=[chelsea.png]", "benchmark.distortions=[jpeg]"]

    def made() -> set[str]:
        return {path.name for path in (tmp_path / "cache" / "levels").rglob("*.*") if path.suffix == ".png"}

    assert not is_present(composed(*asked).benchmark)
    few = load_benchmark(composed(*asked, "benchmark.levels=[1,5]").benchmark)
    assert len(few.pairs) == 2 and made() == {"chelsea.png", "chelsea.jpeg.1.png", "chelsea.jpeg.5.png"}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.png")}
    more = load_benchmark(composed(*asked).benchmark)
    assert len(more.pairs) == 5 and len(made()) == 6
    assert {path: path.stat().st_mtime_ns for path in before} == before  # what was there stays
    assert is_present(composed(*asked).benchmark) and not (tmp_path / "data").exists()
    with pytest.raises(UserError, match="has no cat.png"):
        load_benchmark(composed("benchmark.references=[cat.png]").benchmark)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("IQA_LAB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="images of levels cannot be written .*IQA_LAB_CACHE"):
        load_benchmark(composed("benchmark.references=[chelsea.png]", "benchmark.levels=[1]").benchmark)
