"""castleCSF from its formula, against the numbers that its authors' program gave."""

import json

import numpy as np
import pytest

from iqa_lab.psychophysics.csf import DIRECTIONS, sensitivity
from tests.conftest import needs_shared

# facts/data/castlecsf/FORMULA.md: 1 2 4 8 16 c/deg, 100 cd/m2, sigma 1
KNOWN = {
    "achromatic": [89.431, 176.049, 202.909, 124.381, 41.634],
    "red_green": [251.379, 247.656, 180.688, 103.535, 51.418],
    "yellow_violet": [28.474, 25.732, 17.439, 9.570, 4.662],
}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_it_is_the_published_formula(direction: str) -> None:
    found = sensitivity([1, 2, 4, 8, 16], np.pi, 100.0, direction)
    np.testing.assert_allclose(found, KNOWN[direction], atol=5e-4)  # the digits given


@pytest.mark.parametrize(
    ("name", "axis", "direction", "factor"),
    [
        ("rho_sensitivity_data", "rho", "achromatic", 1.0024),
        ("rho_sensitivity_data_RG", "rho", "red_green", 1.5851),
        ("rho_sensitivity_data_YV", "rho", "yellow_violet", 1.7486),
        ("rho_sensitivity_data_band_lim_noise", "noise", "achromatic", 1.0024),
        ("area_sensitivity_data", "area", "achromatic", 1.0024),
        ("luminance_sensitivity_data", "luminance", "achromatic", 1.0024),
    ],
)
def test_curves_of_others_are_this_times_a_constant(name: str, axis: str, direction: str, factor: float) -> None:
    curve = json.loads(needs_shared("facts", "data", "vfm_hvs", f"castleCSF_{name}.json").read_text())
    x = np.array(curve[f"{'rho' if axis == 'noise' else axis}_list"])
    frequency = x if axis in ("rho", "noise") else 8.0 if axis == "area" else 2.0
    area = x if axis == "area" else 4 * np.pi if axis == "noise" else np.pi
    luminance = x if axis == "luminance" else 100.0
    ours = factor * sensitivity(frequency, area, luminance, direction)
    np.testing.assert_allclose(ours, curve["sensitivity_list"], rtol=1e-4)  # the constants have five digits
