"""TID2013 on disk: the official layout with its traps, and every way in which a copy can be wrong."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.errors import UserError
from tests.conftest import Finished, composed


def tid(path: Path, *overrides: str) -> Benchmark:
    return load_benchmark(composed("benchmark=tid2013", f"benchmark.path={path}", *overrides).benchmark)


@pytest.fixture
def miniature(tmp_path: Path) -> Path:
    """All 3000 names and opinions in the official spelling, CRLF line ends, and one tiny image under all names."""
    home = tmp_path / "tid2013"
    (home / "reference_images").mkdir(parents=True)
    (home / "distorted_images").mkdir()
    tiny = tmp_path / "tiny.bmp"
    Image.new("RGB", (2, 2)).save(tiny)
    lines = []
    for reference in range(1, 26):
        os.link(tiny, home / "reference_images" / ("i25.bmp" if reference == 25 else f"I{reference:02}.BMP"))
        for distortion in range(1, 25):
            for level in range(1, 6):
                ending = "BMP" if (distortion, level) in ((1, 1), (11, 1)) else "bmp"
                listed = f"{'I' if level == 1 else 'i'}{reference:02}_{distortion:02}_{level}.{ending}"
                on_disk = listed.lower() if reference % 2 else listed.upper()
                os.link(tiny, home / "distorted_images" / on_disk)
                lines.append(f"{reference / 10 + level:.5f} {listed}")
    (home / "mos_with_names.txt").write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return home


def test_names_match_whatever_their_case(miniature: Path) -> None:
    benchmark = tid(miniature)
    pairs = benchmark.pairs
    assert len(pairs) == benchmark.n_expected == 3000
    assert pairs["distortion"].value_counts().eq(125).all() and pairs["distortion"].nunique() == 24
    assert set(pairs["level"]) == {1, 2, 3, 4, 5}
    for row in pairs.itertuples():
        assert Path(row.distorted_path).name.lower() == row.distorted.lower()
        assert Path(row.reference_path).stem.lower() == row.distorted[:3].lower()
        assert row.opinion == pytest.approx(int(row.distorted[1:3]) / 10 + row.level, abs=1e-5)


def test_the_data_folder_is_searched(miniature: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (miniature.parent, miniature):
        monkeypatch.setenv("IQA_LAB_DATA", str(folder))
        assert len(load_benchmark(composed("benchmark=tid2013").benchmark).pairs) == 3000


def test_an_absent_benchmark_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for .*mos_with_names.txt; get it from http://www.ponomarenko.info"):
        tid(tmp_path / "nowhere")


Damage = Callable[[list[str]], list[str]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: lines[:-1], r"2999 pairs \(3000 expected\)"),
        (lambda lines: [*lines, lines[7]], "1 opinions are there twice: i01_02_3.bmp"),
        (lambda lines: ["nan" + lines[0][7:], *lines[1:]], "1 opinions are no numbers: I01_01_1.BMP"),
        (lambda lines: ["inf" + lines[0][7:], *lines[1:]], "1 opinions are no numbers"),
        (lambda lines: ["good I01_01_1.BMP", *lines[1:]], "mos_with_names.txt:1: expected an opinion and a name"),
        (lambda lines: [*lines[:4], lines[4].replace("_5.bmp", ".bmp"), *lines[5:]], "mos_with_names.txt:5: expected"),
    ],
)
def test_damaged_opinions_are_refused(miniature: Path, damage: Damage, message: str) -> None:
    file = miniature / "mos_with_names.txt"
    file.write_text("\n".join(damage(file.read_text().splitlines())))
    with pytest.raises(UserError, match=message):
        tid(miniature, "benchmark.allow_missing=true")


def test_missing_images_are_counted_and_named(miniature: Path) -> None:
    for name in ("i03_02_4.bmp", "i03_02_5.bmp"):
        (miniature / "distorted_images" / name).unlink()
    with pytest.raises(UserError, match="2998 of 3000 pairs are there, missing are i03_02_4.bmp, i03_02_5.bmp; "):
        tid(miniature)
    partial = tid(miniature, "benchmark.allow_missing=true")
    assert (len(partial.pairs), partial.n_expected) == (2998, 3000)
    (miniature / "reference_images" / "I07.BMP").unlink()
    with pytest.raises(UserError, match="2878 of 3000 pairs are there, missing are I07.BMP"):
        tid(miniature)
    shutil.rmtree(miniature / "distorted_images")
    with pytest.raises(UserError, match="0 of 3000 pairs are there"):
        tid(miniature, "benchmark.allow_missing=true")


def test_the_digest_follows_opinions_and_images(miniature: Path) -> None:
    first = examine(tid(miniature)).index_digest()
    assert examine(tid(miniature)).index_digest() == first
    changed = miniature / "distorted_images" / "i03_02_4.bmp"
    size = Image.open(changed).size
    changed.unlink()  # it is a link to the picture that all of them show
    Image.new("RGB", size, "white").save(changed, "BMP")
    second = examine(tid(miniature)).index_digest()
    text = (miniature / "mos_with_names.txt").read_text()
    (miniature / "mos_with_names.txt").write_text(text.replace("1.10000 ", "1.10001 ", 1))
    assert len({first, second, examine(tid(miniature)).index_digest()}) == 3


def test_the_kit_holds_599_real_pairs(tid2013_kit: Path, shared_oracles: Path) -> None:
    benchmark = tid(tid2013_kit / "tid2013", "benchmark.allow_missing=true")
    assert (len(benchmark.pairs), benchmark.n_expected, benchmark.pairs["reference"].nunique()) == (599, 3000, 25)
    published = pd.read_csv(shared_oracles / "tid2013_scores.csv")
    published.index = published["dist"].str.lower()
    mine = benchmark.pairs.set_index(benchmark.pairs["distorted"].str.lower())
    np.testing.assert_allclose(mine["opinion"], published.loc[mine.index, "mos"], atol=0)
    assert (mine["distortion"] == published.loc[mine.index, "type"].astype(str)).all()
    assert (mine["level"] == published.loc[mine.index, "level"]).all()


def test_a_whole_database_whose_pixels_do_not_agree_as_published_is_said_loudly(
    miniature: Path, iqa_lab: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IQA_LAB_DATA", str(miniature.parent))
    rmse = ["goal=baseline", "dataset=none", "architecture=rmse", "benchmark=tid2013", "tracker=none"]
    done = iqa_lab("run", *rmse, "statistics.resamples=10")
    assert done.code == 0, done.err
    assert "tid2013 was not read rightly" in done.err and "PSNR is published to agree by 0.6869" in done.err
    part = iqa_lab("run", *rmse, "statistics.resamples=10", "benchmark.distortions=[1,2]")
    assert part.code == 0 and "not read rightly" not in part.err
