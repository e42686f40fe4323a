"""A number -> its text as journals print correlations."""

import math


def with_interval(value: float, low: float, high: float) -> str:
    """A number and its interval; a dash where it has none.

    >>> with_interval(0.7, 0.65, 0.75), with_interval(0.7, math.nan, math.nan)
    ('.700 [.650, .750]', '.700 -')
    """
    ends = "-" if math.isnan(low) or math.isnan(high) else f"[{three_digits(low)}, {three_digits(high)}]"
    return f"{three_digits(value)} {ends}"


def three_digits(value: float) -> str:
    """Three decimals without the leading zero, as journals print correlations; a dash where undefined."""
    if math.isnan(value):
        return "-"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text


def two_digits(value: float) -> str:
    """Two decimals, as depths are printed; a dash where undefined.

    >>> two_digits(0.823), two_digits(math.nan)
    ('0.82', '-')
    """
    return "-" if math.isnan(value) else f"{value:.2f}"
