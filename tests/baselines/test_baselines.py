"""What all baselines share: their columns, equal and constant images, and how a run is asked for."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from iqa_lab.benchmarks.levels import RECIPE
from iqa_lab.config import configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks import build_network
from iqa_lab.networks.network import PIXELS
from iqa_lab.scoring.columns import plan_columns
from tests.baselines.conftest import BASELINES, DISTORTIONS, PIXEL_METRICS, Baseline, crop, pairs_of
from tests.conftest import Finished, composed, untrained

Command = Callable[..., Finished]
READS = {
    "rmse": "rgb 0..255",
    "psnr": "rgb 0..255",
    "ssim_gray": "grey 0..255",
    "ssim_rgb": "rgb 0..255",
    "ssim_gray_256": "grey 0..255, short side averaged to about 256",
    "ssim_rgb_256": "rgb 0..255, short side averaged to about 256",
    "ms_ssim": "grey 0..255",
    "lpips_alex": "rgb -1..1",
    "lpips_vgg": "rgb -1..1",
    "lpips_squeeze": "rgb -1..1",
    "dists": "rgb 0..1",
}

# Sums of float64 numbers, made of float32 responses that are the same whichever image comes first.
SYMMETRIC = 1e-9


def side_for(name: str) -> int:
    """A side that the baseline takes: ms_ssim wants 161 pixels."""
    return 161 if name == "ms_ssim" else 64


def saved(folder: Path, *pairs: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    rows = []
    for number, images in enumerate(pairs):
        paths = [str(folder / f"{number}.{kind}.png") for kind in ("reference", "distorted")]
        for path, image in zip(paths, images, strict=True):
            Image.fromarray(image).save(path)
        rows.append((*paths, str(number)))
    return pd.DataFrame(rows, columns=["reference_path", "distorted_path", "distorted"])


def even_grey(level: int, side: int) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def test_all_baselines_are_tested() -> None:
    cells = (configuration_folder() / "weights" / "baseline" / "none").glob("*.yaml")
    of_thresholds = {"csf", "sso"}  # tests/psychophysics
    assert {path.stem for path in cells} - of_thresholds == set(BASELINES) == set(READS)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_has_its_own_column_and_the_pixel_control(baseline: Callable[[str], Baseline], name: str) -> None:
    ours = baseline(name)
    plan = plan_columns(ours.config, ours.network)
    assert [column.name for column in plan.passed] == ["plain@pixels", f"{name}@output"]
    assert not plan.channels and not plan.concatenations
    assert list(plan.definitions) == ["plain@pixels", f"{name}@output"]
    assert ours.network.reads == READS[name]
    assert (list(ours.terms) == [PIXELS.name]) == (name in PIXEL_METRICS)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("batch_size", [1, 8])
def test_equal_images_are_exactly_0_apart(
    baseline: Callable[[str], Baseline], tmp_path: Path, name: str, batch_size: int
) -> None:
    image = crop("astronaut", side_for(name), side_for(name))
    pairs = pairs_of(tmp_path, [image], "jpeg")
    equal = tmp_path / "equal.png"
    Image.fromarray(image).save(equal)
    pairs = pd.concat([pairs.assign(distorted_path=str(equal)), pairs, pairs.assign(distorted_path=str(equal))])
    found = baseline(name).distances(pairs.reset_index(drop=True), batch_size=batch_size)
    assert found[0] == found[2] == 0 < found[1]


@pytest.mark.parametrize("name", PIXEL_METRICS)
def test_equal_pixels_are_exactly_0_apart_wherever_they_lie(baseline: Callable[[str], Baseline], name: str) -> None:
    side = side_for(name)
    for image in (crop("astronaut", side, side + 9), *(even_grey(level, side) for level in (0, 131, 255))):
        assert baseline(name).between(image, image) == 0


@pytest.mark.parametrize("name", BASELINES)
def test_it_does_not_matter_which_image_is_the_reference(baseline: Callable[[str], Baseline], name: str) -> None:
    image = crop("chelsea", side_for(name), side_for(name) + 9)
    ours = baseline(name)
    responses = ours.responses(image, *(DISTORTIONS[kind](image) for kind in ("slight", "blur", "contrast")))
    for number in (1, 2, 3):
        there, back = ours.sum_of_terms(responses, 0, number), ours.sum_of_terms(responses, number, 0)
        assert there == pytest.approx(back, rel=SYMMETRIC) and there > 0


@pytest.mark.parametrize("name", BASELINES)
def test_constant_images_have_finite_distances(baseline: Callable[[str], Baseline], tmp_path: Path, name: str) -> None:
    black, white, grey, lighter = (even_grey(level, side_for(name)) for level in (0, 255, 128, 129))
    photograph = crop("astronaut", *black.shape[:2])
    pairs = saved(tmp_path, (black, black), (black, white), (grey, lighter), (black, photograph), (photograph, white))
    found = baseline(name).distances(pairs)  # a number that is none would be refused
    assert np.isfinite(found).all() and found[0] == 0 and (found[1:] > 0).all()
    assert found[2] < found[1]


def test_a_trunk_says_that_images_are_too_small(baseline: Callable[[str], Baseline], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="images of 8 x 8 pixels are too small for this network"):
        baseline("lpips_alex").distances(pairs_of(tmp_path, [crop("astronaut", 8, 8)], "noise"))


def test_weights_of_another_trunk_are_refused(trunk_file: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="features"):
        build_network(
            composed("goal=baseline", "dataset=none", "architecture=lpips_alex", f"weights.path={trunk_file('vgg16')}")
        )


@pytest.fixture
def levels(levels_home: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a run needs for 35 of the 350 pairs of ``levels``: five references, seven distorted images each."""
    folder = tmp_path_factory.mktemp("levels")
    for kind, pattern in [("reference", "c*.png"), ("distorted", "c*.[bj]*.[1-5].png")]:
        (folder / RECIPE / kind).mkdir(parents=True)
        for path in (levels_home / "levels" / RECIPE / kind).glob(pattern):
            shutil.copy(path, folder / RECIPE / kind)
    return [f"benchmark.path={folder}", "benchmark.allow_missing=true", "tracker=none"]


def test_a_run_writes_the_table_of_a_baseline(iqa_lab: Command, levels: list[str]) -> None:
    done = iqa_lab("run", "goal=baseline", "dataset=none", "architecture=ssim_gray", *levels)
    assert done.code == 0, done.err
    (unit,) = Path("results/levels/baseline-none-ssim_gray").iterdir()
    scores = pd.read_parquet(unit / "scores.parquet")
    assert list(scores.columns[5:]) == ["plain@pixels", "ssim_gray@output"]
    table = pd.read_csv(unit / "correlations.csv").set_index("layer")
    assert set(table.index) == {"pixels", "output"}
    row = table.loc["output"]
    factors = {"goal": "baseline", "dataset": "none", "architecture": "ssim_gray", "readout": "ssim_gray", "depth": 1}
    assert {key: row[key] for key in factors} == factors
    assert row["input"] == "grey 0..255, no resize"
    assert 0.5 < row["srcc"] < 1  # blur and JPEG: the stronger, the less similar


def test_a_run_takes_a_trunk_from_a_file(
    iqa_lab: Command, levels: list[str], trunk_file: Callable[[str], Path]
) -> None:
    trunk = f"weights.path={trunk_file('squeezenet1_1')}"
    baseline = ["goal=baseline", "dataset=none", "architecture=lpips_squeeze", trunk]
    done = iqa_lab("run", *baseline, "preprocess.resize=64", *levels)
    assert done.code == 0, done.err
    (path,) = Path("results/levels/baseline-none-lpips_squeeze").glob("*/correlations.csv")
    row = pd.read_csv(path).set_index("layer").loc["output"]
    assert row["input"] == "rgb -1..1, short side 64" and row["weights"] == "custom"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["architecture=ssim_gray"],
            "no public weights for goal=classification dataset=imagenet1k architecture=ssim_gray",
        ),
        (
            ["goal=baseline", "dataset=none", "architecture=alexnet"],
            "no public weights for goal=baseline dataset=none architecture=alexnet",
        ),
        (
            ["goal=baseline", "dataset=imagenet1k", "architecture=psnr"],
            "goal=baseline dataset=imagenet1k architecture=psnr: .*dataset=none",
        ),
        (
            ["goal=untrained", "dataset=none", "architecture=psnr"],
            "architecture=psnr is a baseline: goal=baseline goes with baselines only",
        ),
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(iqa_lab: Command, overrides: list[str], message: str) -> None:
    refused = iqa_lab("run", *overrides, "tracker=none")
    assert refused.code == 2 and re.search(message, refused.error_line), refused.err
    assert not Path("results").exists()


def test_a_network_is_no_baseline_even_with_weights(iqa_lab: Command, tmp_path: Path) -> None:
    torch.save(untrained("squeezenet1_1").module.state_dict(), tmp_path / "weights.pth")
    network = ["goal=baseline", "dataset=none", "architecture=squeezenet1_1", "weights.path=weights.pth"]
    refused = iqa_lab("run", *network, "tracker=none")
    assert refused.code == 2 and "architecture=squeezenet1_1 is a network: goal=baseline" in refused.error_line
