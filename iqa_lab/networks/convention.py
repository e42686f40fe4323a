"""How pixels become a network's input: the settings of that formula, checked before anything is built with them."""

import math

from iqa_lab.config import InputConfig
from iqa_lab.errors import UserError

CHANNELS = {"rgb": 3, "bgr": 3, "lightness": 1}

# (value * range / 255 - mean) / std: beyond this, range, mean and std are not of one scale
_LARGEST = 1000.0


def check_input(convention: InputConfig, setting: str = "weights.input") -> None:
    """Nothing, if every number and word of ``(value * range / 255 - mean) / std`` can be meant.

    Args:
        convention: order, range in (0, 65535], mean and std with one number for each channel; a mean within
            ``-range..range``, a std between a 1000th and 1000 times the range.
        setting: where it is written, for the message.

    Raises:
        UserError: naming the first setting that is not so.
    """
    order, white = convention.order, convention.range
    if order not in CHANNELS:
        raise UserError(f"{setting}.order={order}: choose {', '.join(CHANNELS)} (in small letters)")
    if not (math.isfinite(white) and 0 < white <= 65535):
        raise UserError(f"{setting}.range={white:g}: the value of a white pixel is a number above 0, such as 1 or 255")
    for name, values in (("mean", convention.mean), ("std", convention.std)):
        if len(values) != CHANNELS[order]:
            raise UserError(
                f"{setting}.{name}={values}: order {order} takes {CHANNELS[order]} number(s), one for each channel"
            )
    wrong_mean = [mean for mean in convention.mean if not abs(mean) <= white]  # not NaN either
    if wrong_mean:
        raise UserError(
            f"{setting}.mean={convention.mean}: a mean lies within -{white:g}..{white:g}, as {setting}.range={white:g} "
            "says that pixels do"
        )
    if not all(white / _LARGEST <= std <= white * _LARGEST for std in convention.std):
        raise UserError(
            f"{setting}.std={convention.std}: above 0 and of the scale of {setting}.range={white:g} "
            f"({white / _LARGEST:g} to {white * _LARGEST:g})"
        )
