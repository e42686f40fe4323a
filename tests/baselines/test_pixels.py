"""RMSE and PSNR against NumPy and scikit-image."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from iqa_lab.baselines.pixels import PSNR
from iqa_lab.networks.network import PIXELS
from iqa_lab.readouts import Response
from tests.baselines.conftest import Baseline, loaded


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_rmse_is_numpys(baseline: Callable[[str], Baseline], photographs: pd.DataFrame, batch_size: int) -> None:
    expected = [np.sqrt(np.mean((x.astype(float) - y) ** 2)) for x, y in loaded(photographs)]
    # squares of whole numbers add up exactly in the lines of images this small; scores are stored as float32
    np.testing.assert_allclose(baseline("rmse").distances(photographs, batch_size=batch_size), expected, rtol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_psnr_is_scikit_images_below_120_dB(
    baseline: Callable[[str], Baseline], photographs: pd.DataFrame, batch_size: int
) -> None:
    expected = [120 - peak_signal_noise_ratio(x, y, data_range=255) for x, y in loaded(photographs)]
    # scores are stored as float32: half a unit in the last place of a number below 128
    found = baseline("psnr").distances(photographs, batch_size=batch_size)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-6)


def test_psnr_of_real_pairs_is_the_published(baseline: Callable[[str], Baseline], calibration: pd.DataFrame) -> None:
    # printed with two decimals
    np.testing.assert_allclose(120 - baseline("psnr").distances(calibration), calibration["psnr"], rtol=0, atol=0.005)


def test_black_against_white(baseline: Callable[[str], Baseline], tmp_path: Path) -> None:
    black, white = np.zeros((9, 7, 3), np.uint8), np.full((9, 7, 3), 255, np.uint8)
    assert baseline("rmse").between(black, white) == 255
    assert baseline("psnr").between(black, white) == 120


@pytest.mark.parametrize("ceiling", [48, 60, 90, 99.5, 100, 120, 130, 150])
def test_psnr_ends_at_its_ceiling_and_is_exactly_0_there(ceiling: float) -> None:
    grey = torch.full((1, 3, 20, 30), 77, dtype=torch.uint8)
    nearly = grey.clone()
    nearly[0, 1, 3, 4] += 1
    (term,) = PSNR(ceiling).terms().values()
    distances = term(Response([grey], [torch.cat([grey, nearly, grey])], 1))
    assert distances[0] == distances[2] == 0
    expected = max(0.0, ceiling - 10 * np.log10(255**2 * nearly.numel()))
    assert distances[1].item() == pytest.approx(expected, abs=1e-12)  # rounding of numbers up to 150 in float64
    assert distances[1] >= 0


def test_both_read_nothing_but_the_pixels(baseline: Callable[[str], Baseline], photographs: pd.DataFrame) -> None:
    image = torch.from_numpy(np.array(Image.open(photographs["reference_path"][0]))).permute(2, 0, 1)[None]
    for name in ("rmse", "psnr"):
        assert list(baseline(name).terms) == [PIXELS.name]
        assert baseline(name).network.module(image) is image
