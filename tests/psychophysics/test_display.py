"""Luminance -> the value of a pixel, not rounded; what a display cannot show is refused."""

import numpy as np
import pytest

from iqa_lab.errors import UserError
from iqa_lab.psychophysics.display import Display, decoded, encoded, framed

DISPLAY = Display(peak_luminance=60, pixels_per_degree=120)


def test_pixels_are_what_the_standard_says() -> None:
    # IEC 61966-2-1 by hand: a fifth of white, a dark grey on the straight part, both ends
    expected = [0.0, 255 * 12.92 * 0.002, 255 * (1.055 * 0.2 ** (1 / 2.4) - 0.055), 255.0]
    np.testing.assert_allclose(encoded([0, 0.002, 0.2, 1]), expected, rtol=1e-12)
    light = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(decoded(encoded(light)), light, atol=1e-7)  # the two halves meet to so many digits


def test_a_contrast_below_one_grey_level_stays() -> None:
    grey, faint = DISPLAY.values([30.0, 30.0 * 1.005])
    assert grey.dtype == np.float32
    assert 0 < faint - grey < 0.5  # 8 bits would show nothing


@pytest.mark.parametrize("luminance", [-0.1, 60.1, np.nan, np.inf])
def test_what_it_cannot_show_is_refused(luminance: float) -> None:
    with pytest.raises(UserError, match=r"cannot be shown: this display has 0 to 60"):
        DISPLAY.values([30.0, luminance])


@pytest.mark.parametrize(("peak", "largest"), [(60, 1.0), (45, 0.5), (30, 0.0), (300, 1.0), (20, 0.0)])
def test_the_largest_contrast_is_what_white_allows(peak: float, largest: float) -> None:
    assert Display(peak_luminance=peak, pixels_per_degree=60).largest_contrast(30) == pytest.approx(largest)


def test_a_frame_is_of_the_same_grey() -> None:
    picture = framed(np.full((4, 4), 10, dtype=np.float32), 3, 7.5)
    assert picture.shape == (10, 10, 3) and picture.dtype == np.float32
    assert (picture[3:7, 3:7] == 10).all() and (picture[:3] == np.float32(7.5)).all()
