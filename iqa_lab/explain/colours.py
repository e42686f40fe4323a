"""Numbers as colours whose lightness grows evenly: readable by colour-blind people and in grey."""

import numpy as np
from numpy.typing import NDArray

# magma of S. van der Walt and N. Smith (2015, CC0), every 17th of its 256 colours; what lies between is within
# 2.2 levels of the original
_MAGMA = (
    "000004 0b0924 20114b 3b0f70 57157e 721f81 8c2981 a8327d c43c75 de4968 f1605d fa7f5e fe9f6d febf84 fddea0 fcfdbf"
)
_STOPS = np.array([list(bytes.fromhex(colour)) for colour in _MAGMA.split()], dtype=float)

Image = NDArray[np.uint8]


def colours(values: NDArray[np.floating]) -> Image:
    """The colours ``[..., 3]`` of numbers in [0, 1]: black, violet, red, light yellow.

    >>> colours(np.array([0.0, 1.0])).tolist()
    [[0, 0, 4], [252, 253, 191]]
    """
    places = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(values, places, _STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


# Of a map's positions: those above share the lightest colour, so that one bright point does not leave the rest dark.
BRIGHTEST = 0.01


def brightest(values: NDArray[np.floating]) -> float:
    """The value that the lightest colour begins at: of the highest 1 % of positions, or the highest if that is 0."""
    return float(np.quantile(values, 1 - BRIGHTEST)) or float(values.max())


def scaled(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The numbers in [0, 1]: over their ``brightest``, cut at 1; all 0 where that is 0.

    >>> scaled(np.array([0.0] * 199 + [3.0])).max()
    np.float64(1.0)
    """
    top = brightest(values)
    return np.minimum(values / top, 1) if top > 0 else np.zeros_like(values)


def grey(image: Image) -> Image:
    """The luma of an image (ITU-R BT.601), ``[H, W, 3]`` of ``[H, W, 3]``."""
    luma = (image @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    return np.repeat(luma[..., None], 3, axis=-1)
