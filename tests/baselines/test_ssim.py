"""SSIM against scikit-image, MS-SSIM against piq, both against a plain re-computation and the authors' numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import piq
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.metrics import structural_similarity

from iqa_lab.baselines import ssim
from iqa_lab.baselines.ssim import SSIM, average_blocks
from iqa_lab.errors import UserError
from iqa_lab.readouts import Response
from tests.baselines.conftest import DISTORTIONS, Baseline, Pixels, crop, loaded, pairs_of

Floats = NDArray[np.float64]

# A pass stores float32: half a unit in the last place, relative.
STORED = 6e-8
# What two float64 programs differ by that add in different orders: variances are differences of numbers up to 255^2,
# each right to 1e-15 of that after twenty additions, over C2 = 58 or more: 1e-12 at one position, less in the mean
# (measured: 2e-14).
FLOAT64 = 1e-12

# The exponents of the five scales in the paper, from fine to coarse.
WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def grey(image: Pixels) -> Floats:
    """MATLAB's rgb2gray of an 8-bit image."""
    red, green, blue = np.moveaxis(image.astype(float), 2, 0)
    return np.floor(0.298936021293775 * red + 0.587043074451121 * green + 0.114020904255103 * blue + 0.5)


def scikit_ssim(x: Floats, y: Floats) -> float:
    """One minus the index of scikit-image, with the settings of Wang et al."""
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return 1 - float(structural_similarity(x, y, channel_axis=2 if x.ndim == 3 else None, **settings))


def block_averaged(image: Floats, size: int) -> Floats:
    """MATLAB's ``y = imfilter(x, ones(f) / f^2, 'symmetric'); y(1:f:end, 1:f:end)``, of each colour.

    MATLAB's anchor of an even kernel is the pixel before its middle, SciPy's the one behind it.
    """
    if image.ndim == 3:
        return np.stack([block_averaged(colour, size) for colour in np.moveaxis(image, 2, 0)], axis=2)
    kernel = np.full((size, size), 1 / size**2)
    return ndimage.correlate(image, kernel, mode="reflect", origin=-((size + 1) % 2))[::size, ::size]


def scales(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Mean contrast-structure and mean index of five scales, as the authors' msssim.m has them."""
    window = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def local(values: Floats) -> Floats:
        return ndimage.correlate1d(ndimage.correlate1d(values, window, 0), window, 1)[5:-5, 5:-5]

    structures, indices = [], []
    for _ in range(5):
        f, g = local(x), local(y)
        variances = local(x * x) - f * f + local(y * y) - g * g
        structure = (2 * (local(x * y) - f * g) + (0.03 * 255) ** 2) / (variances + (0.03 * 255) ** 2)
        luminance = (2 * f * g + (0.01 * 255) ** 2) / (f * f + g * g + (0.01 * 255) ** 2)
        structures.append(structure.mean())
        indices.append((luminance * structure).mean())
        x, y = block_averaged(x, 2), block_averaged(y, 2)
    return np.array(structures), np.array(indices)


def plain_ms_ssim(x: Floats, y: Floats) -> float:
    """One minus the product over scales."""
    structures, indices = scales(x, y)
    return 1 - float(np.prod(structures[:4] ** WEIGHTS[:4]) * indices[4] ** WEIGHTS[4])


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Pairs with sides that can be halved four times."""
    references = [crop("astronaut", 192, 240), crop("chelsea", 176, 192)]
    return pairs_of(tmp_path_factory.mktemp("even"), references, "slight", "blur")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Pairs with sides that are odd at one scale or another; the last is as small as ms_ssim takes it."""
    references = [crop("astronaut", 187, 201), crop("chelsea", 198, 172), crop("coffee", 161, 165)]
    return pairs_of(tmp_path_factory.mktemp("odd"), references, "noise", "jpeg")


def test_blocks_by_hand() -> None:
    row = torch.tensor([[[[1.0, 2, 4, 8, 16]]]], dtype=torch.float64)
    assert average_blocks(row, 1).tolist() == [[[[1, 2, 4, 8, 16]]]]
    assert average_blocks(row, 2).tolist() == [[[[1.5, 6, 16]]]]
    torch.testing.assert_close(average_blocks(row, 3)[0, 0, 0], torch.tensor([4 / 3, 28 / 3]).double())
    # an even kernel reaches one pixel further behind than before: (1 + 1 + 2 + 4) / 4 and (8 + 16 + 16 + 8) / 4
    assert average_blocks(row, 4).tolist() == [[[[2, 12]]]]


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(24, 30), (23, 31), (25, 32)])
def test_blocks_are_matlabs(size: int, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (*shape, 3))
    found = average_blocks(torch.from_numpy(image).permute(2, 0, 1)[None], size)[0].permute(1, 2, 0).numpy()
    assert found.shape == (-(-shape[0] // size), -(-shape[1] // size), 3)
    np.testing.assert_allclose(found, block_averaged(image, size), rtol=1e-13)  # a sum of 25 numbers in two orders


@pytest.mark.parametrize("kind", DISTORTIONS)
def test_ssim_is_scikit_images(baseline: Callable[[str], Baseline], photographs: pd.DataFrame, kind: str) -> None:
    for x, y in loaded(photographs[photographs["distorted"].str.endswith(kind)]):
        rgb, luma = (x.astype(float), y.astype(float)), (grey(x), grey(y))
        for name, images in {"ssim_rgb": rgb, "ssim_gray": luma, "ssim_rgb_256": rgb, "ssim_gray_256": luma}.items():
            # images this small are not averaged first
            assert baseline(name).between(x, y) == pytest.approx(scikit_ssim(*images), rel=0, abs=FLOAT64)


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("name", ["ssim_gray", "ssim_rgb"])
def test_ssim_of_a_pass_is_scikit_images(
    baseline: Callable[[str], Baseline], photographs: pd.DataFrame, name: str, batch_size: int
) -> None:
    images = [(x.astype(float), y.astype(float)) for x, y in loaded(photographs)]
    if name == "ssim_gray":
        images = [(grey(x), grey(y)) for x, y in loaded(photographs)]
    expected = [scikit_ssim(x, y) for x, y in images]
    np.testing.assert_allclose(baseline(name).distances(photographs, batch_size=batch_size), expected, rtol=STORED)


@pytest.mark.parametrize(
    ("name", "height", "width", "size"),
    [
        ("ssim_gray_256", 383, 390, 1),
        ("ssim_gray_256", 384, 401, 2),
        ("ssim_rgb_256", 401, 385, 2),
        ("ssim_gray_256", 421, 639, 2),
        ("ssim_gray_256", 640, 651, 3),
    ],
)
def test_large_images_are_averaged_to_about_256_first(
    baseline: Callable[[str], Baseline], name: str, height: int, width: int, size: int
) -> None:
    x = np.asarray(Image.fromarray(crop("coffee", 400, 420)).resize((width, height), Image.Resampling.BICUBIC))
    y = DISTORTIONS["noise"](x)
    first, second = (grey(i) if "gray" in name else i.astype(float) for i in (x, y))
    found = baseline(name).between(x, y)
    expected = scikit_ssim(block_averaged(first, size), block_averaged(second, size))
    assert found == pytest.approx(expected, rel=0, abs=FLOAT64)
    assert (found == baseline(name.removesuffix("_256")).between(x, y)) == (size == 1)


def test_ssim_of_real_pairs_is_the_authors(baseline: Callable[[str], Baseline], calibration: pd.DataFrame) -> None:
    found = 1 - baseline("ssim_gray").distances(calibration).astype(float)
    # printed with four decimals
    np.testing.assert_allclose(found, calibration["ssim"], rtol=0, atol=0.5e-4)


def test_ms_ssim_is_piqs(baseline: Callable[[str], Baseline], even: pd.DataFrame) -> None:
    def theirs(x: Pixels, y: Pixels) -> float:
        first, second = (torch.from_numpy(grey(image))[None, None] for image in (x, y))
        return 1 - float(piq.multi_scale_ssim(first, second, data_range=255))

    images = loaded(even)
    expected = [theirs(x, y) for x, y in images]  # piq computes in the type that it is given: float64
    found = [baseline("ms_ssim").between(x, y) for x, y in images]
    np.testing.assert_allclose(found, expected, rtol=0, atol=FLOAT64)
    np.testing.assert_allclose(baseline("ms_ssim").distances(even, batch_size=3), expected, rtol=STORED)


def test_ms_ssim_of_odd_sizes_is_the_plain_one(baseline: Callable[[str], Baseline], odd: pd.DataFrame) -> None:
    for x, y in loaded(odd):
        expected = plain_ms_ssim(grey(x), grey(y))
        assert baseline("ms_ssim").between(x, y) == pytest.approx(expected, rel=0, abs=FLOAT64)


def test_the_scales_of_ms_ssim_are_the_authors(baseline: Callable[[str], Baseline], calibration: pd.DataFrame) -> None:
    """The published numbers are the weighted mean over scales that msssim.m offers beside the product of the paper.

    So the plain re-computation is held against them in that form, and the baseline against it in the paper's.
    """
    found = 1 - baseline("ms_ssim").distances(calibration).astype(float)
    images = [(grey(x), grey(y)) for x, y in loaded(calibration)]
    np.testing.assert_allclose(found, [1 - plain_ms_ssim(x, y) for x, y in images], rtol=STORED)
    parts = [scales(x, y) for x, y in images]
    means = [np.average([*structures[:4], indices[4]], weights=WEIGHTS) for structures, indices in parts]
    # printed with four decimals
    np.testing.assert_allclose(means, calibration["ms_ssim"], rtol=0, atol=0.5e-4)


def test_inverted_images_have_no_similarity(baseline: Callable[[str], Baseline]) -> None:
    image = crop("astronaut", 192, 192)
    assert baseline("ms_ssim").between(image, 255 - image) == 1
    assert 1 < baseline("ssim_gray").between(image, 255 - image) < 2  # a negative index


def test_a_reference_is_looked_at_once_in_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    moments = ssim.Moments.of

    def look(images: torch.Tensor) -> ssim.Moments:
        looked.append(len(images))
        return moments(images)

    monkeypatch.setattr(ssim.Moments, "of", look)
    monkeypatch.setattr("iqa_lab.readouts.pieces.PIECE_BYTES", 1)  # one image a piece
    reference, distorted = torch.randint(0, 256, (2, 1, 3, 20, 30), dtype=torch.uint8)
    (term,) = SSIM().terms().values()
    assert len(term(Response([reference, reference], [distorted.repeat(3, 1, 1, 1), distorted], 1))) == 4
    assert looked == [1] * 6  # two runs: a reference and three images, a reference and one


def test_small_images_are_refused(baseline: Callable[[str], Baseline], tmp_path: Path) -> None:
    tiny = pairs_of(tmp_path, [crop("astronaut", 8, 8)], "noise")
    for name in ("ssim_gray", "ssim_rgb", "ssim_gray_256", "ssim_rgb_256"):
        with pytest.raises(UserError, match="8 x 8 pixels is smaller than the window of 11 x 11"):
            baseline(name).distances(tiny)
    for height, width in [(8, 8), (100, 100), (160, 300)]:
        small = pairs_of(tmp_path, [crop("astronaut", height, width)], "noise")
        with pytest.raises(UserError, match=f"{width} x {height} pixels is too small for ms_ssim: 161"):
            baseline("ms_ssim").distances(small)
    smallest = pairs_of(tmp_path, [crop("astronaut", 11, 11)], "noise")
    assert 0 < baseline("ssim_gray").distances(smallest)[0] < 2


def test_a_misspelt_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="colour=gray: choose grey or rgb"):
        SSIM("gray")
