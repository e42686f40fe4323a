"""Modulations around a grey in luminance and two opponent colours -> linear RGB in cd/m2, in float64.

The space is that of Derrington, Krauskopf and Lennie (1984) on the CIE 2006 cone fundamentals, with the grey of D65.
The matrices are those of the published tests to the last digit, although the two between XYZ and cones are each other's
inverse only to about 1e-6: other digits would be other stimuli.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AXES = {"achromatic": 0, "red_green": 1, "yellow_violet": 2}

WHITE = np.array([0.9505, 1.0, 1.0888])  # XYZ of D65 at luminance 1
_XYZ_TO_LMS = np.array(
    [
        [0.187596268556126, 0.585168649077728, -0.026384263306304],
        [-0.133397430663221, 0.405505777260049, 0.034502127690364],
        [0.000244379021663, -0.000542995890619, 0.019406849066323],
    ]
)
_LMS_TO_XYZ = np.array(
    [
        [2.629129278399650, -3.780202391780134, 10.294956387893450],
        [0.865649062438827, 1.215555811642301, -0.984175688105352],
        [-0.008886561474676, 0.081612628990755, 51.371024830897888],
    ]
)
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_GREY_LMS = (0.739876529525622, 0.320136241543338, 0.020793708751515)
_LMS_TO_DKL = np.array(
    [
        [1, 1, 0],
        [1, -_GREY_LMS[0] / _GREY_LMS[1], 0],
        [-1, -1, (_GREY_LMS[0] + _GREY_LMS[1]) / _GREY_LMS[2]],
    ]
)
_DKL_TO_RGB = _XYZ_TO_RGB @ _LMS_TO_XYZ @ np.linalg.inv(_LMS_TO_DKL)
_XYZ_TO_DKL = _LMS_TO_DKL @ _XYZ_TO_LMS


def modulated(background: float, modulation: Floats, axis: str) -> Floats:
    """Linear RGB ``[H, W, 3]`` in cd/m2 of a grey with something added along one axis.

    Args:
        background: luminance of the grey, cd/m2.
        modulation: ``[H, W]``, what is added along the axis, whose length is 1 in cone units (cd/m2 for achromatic).
        axis: one of ``AXES``.
    """
    grey = _DKL_TO_RGB @ _XYZ_TO_DKL @ (WHITE * background)
    return np.asarray(grey + modulation[..., None] * _DKL_TO_RGB[:, AXES[axis]])


def grey_levels(luminance: Floats) -> Floats:
    """An achromatic image ``[H, W, 1]``: one value for red, green and blue."""
    return np.asarray(luminance[..., None])
