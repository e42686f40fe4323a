"""Where the best network and the best baseline disagree: which two, that a loop finds the same, without images, too."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.report.collect import collect
from iqa_lab.report.page import write_report
from iqa_lab.report.study import EVERYTHING, Study
from tests.report.made import make_unit, without_drawing, without_pages_of_units


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pages_of_units(monkeypatch)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for number, network in enumerate(("alexnet", "vgg16")):
        make_unit(tmp_path, network, seed=number)
    baseline = {"goal": "baseline", "weights": "psnr"}
    make_unit(tmp_path, "psnr", seed=9, words=baseline)
    return tmp_path


def test_the_pair_that_a_loop_finds(results: Path) -> None:
    report = collect(results, Study("results", EVERYTHING))
    (found,) = report.disagreements
    best = report.best.sort_values("srcc_heldout", ascending=False)
    network, baseline = (best[(best["goal"] == "baseline") == is_one].iloc[0] for is_one in (False, True))
    assert found.first == f"{network['architecture']} {network['readout']}@{network['layer']}"
    assert found.second == "psnr" and found.benchmark == "table" and not found.has_images
    a, b = (
        pd.read_parquet(results / row["unit"] / "scores.parquet").assign(
            score=lambda rows, name=f"{row['readout']}@{row['layer']}": rows[name]
        )
        for row in (network, baseline)
    )
    steady, moving = a["score"].to_numpy(dtype=float), b["score"].to_numpy(dtype=float)
    furthest, pair = 0.0, None
    for one in range(len(steady)):
        for other in range(len(steady)):
            near = abs(steady[one] - steady[other]) <= 0.1 * steady.std()
            if near and moving[other] - moving[one] > furthest:
                furthest, pair = moving[other] - moving[one], (one, other)
    assert pair is not None
    first = found.pairs[0]
    assert (first.better.distorted, first.worse.distorted) == tuple(a["distorted"].iloc[list(pair)])
    assert first.caption.startswith(f"A sees no difference; B prefers the first by {furthest / moving.std():.1f} sd")
    opinions = a["opinion"].iloc[list(pair)].to_numpy()
    assert [first.better.opinion, first.worse.opinion] == pytest.approx(opinions.tolist())
    assert ("agrees with B" in first.caption) == bool(opinions[0] > opinions[1])
    assert np.sum([pair.caption.startswith("A sees") for pair in found.pairs]) == 3 and len(found.pairs) == 6


def test_the_page_says_so_where_there_are_no_images(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_drawing(monkeypatch)
    page = write_report(collect(results, Study("results", EVERYTHING)), tmp_path / "page").read_text(encoding="utf-8")
    section = page.partition('<section id="disagree">')[2].partition("</section>")[0]
    assert "No images of these pairs" in section and "<img" not in section and "opinion agrees with" in section


def test_one_network_disagrees_with_nobody(tmp_path: Path) -> None:
    make_unit(tmp_path, "alexnet")
    assert collect(tmp_path, Study("results", EVERYTHING)).disagreements == ()
