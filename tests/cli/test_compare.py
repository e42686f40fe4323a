"""compare and disagree: what they print is what the statistics say of the scores on disk; misuse is one line."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iqa_lab.statistics.comparisons.disagreement import disagreements
from iqa_lab.statistics.comparisons.paired import paired_differences
from iqa_lab.store.metric import read_metric, read_metrics
from tests.conftest import Finished

Command = Callable[..., Finished]


@pytest.fixture
def units(iqa_lab: Command, levels_home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A baseline, and another with its pixels, on seven photographs."""
    monkeypatch.setenv("IQA_LAB_DATA", str(levels_home))
    found = []
    for name in ("psnr", "ssim_gray"):
        done = iqa_lab("run", "goal=baseline", "dataset=none", f"architecture={name}", "tracker=none",
                       "preprocess.resize=64", "statistics.resamples=20", "benchmark.levels=[1,3,5]")  # fmt: skip
        assert done.code == 0, done.err
        (file,) = Path("results").glob(f"levels/baseline-none-{name}/*/result.json")
        found.append(str(file.parent))
    return found[0], found[1]


def test_what_is_printed_is_what_the_scores_say(iqa_lab: Command, units: tuple[str, str]) -> None:
    psnr, ssim = read_metrics(units)
    assert (psnr.name, ssim.name, read_metric(f"{units[0]}:plain@pixels").column) == (
        "psnr",
        "ssim_gray",
        "plain@pixels",
    )
    quality = -np.column_stack([psnr.scores["score"], ssim.scores["score"]])
    expected = paired_differences(quality, psnr.scores["opinion"], psnr.scores["reference"], ["psnr", "ssim_gray"])
    compared = iqa_lab("compare", *units, "--csv")
    found = pd.read_csv(io.StringIO(compared.out))
    np.testing.assert_allclose(found[["difference", "low", "high", "p"]], expected[["difference", "low", "high", "p"]])
    shown = iqa_lab("compare", *units, f"{units[0]}:plain@pixels", "--confidence", "0.9")
    assert shown.code == 0 and "SRCC [90 %]" in shown.out and "corrected for 3 comparisons" in shown.out
    assert "7 references are too narrow" in shown.out.replace("over ", "")

    table = pd.read_csv(io.StringIO(iqa_lab("disagree", *units, "--csv", "--most", "2").out))
    closer, farther = disagreements(psnr.scores["score"], ssim.scores["score"], most=2)[0]
    first = table.iloc[0]
    assert (first["equal"], first["different"]) == ("psnr", "ssim_gray") and len(table) == 4
    assert (first["closer"], first["farther"]) == tuple(psnr.scores["distorted"].iloc[[closer, farther]])
    better = psnr.scores["opinion"].iloc[closer] - psnr.scores["opinion"].iloc[farther]
    assert first["people"] == ("ssim_gray" if better > 0 else "psnr" if better == 0 else "neither")
    drawn = iqa_lab("disagree", *units, "--most", "1", "--out", "pairs/a.png")
    assert drawn.code == 0 and Image.open("pairs/a.png").width > 1000 and "people agree with" in drawn.out

    for arguments, message in [
        (("compare", units[0]), "takes two metrics or more"),
        (("compare", units[0], units[0]), "psnr is there twice"),
        (("compare", units[0], f"{units[1]}:plain@pixel"), "choose from plain@pixels"),
        (("compare", units[0], "nowhere:plain@x"), "there is no folder nowhere"),
        (("compare", *units, "--confidence", "95"), "--confidence=95"),
        (("disagree", *units, "--within", "-1"), "--within=-1"),
        (("disagree", *units, "--most", "0"), "--most=0"),
        (("disagree", *units, "--out", "results"), "cannot write results"),
    ]:
        refused = iqa_lab(*arguments)
        assert refused.code == 2 and message in refused.error_line, (arguments, refused)
