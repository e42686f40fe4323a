"""Does agreement grow with depth? The trend over the layers of one network, and where it peaks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.factors.serial import trend_p
from iqa_lab.statistics.intervals.bootstrap import bootstrap_p, percentile_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trend:
    """Of the layers of one network and one readout."""

    rho: float  # Spearman's correlation of depth and SRCC: 1 grows with every layer, -1 falls
    rho_low: float
    rho_high: float
    p: float  # two-sided: of other references, or of a profile that drifts by chance if that is larger
    peak: float  # depth of the layer with the highest SRCC, 0..1
    peak_low: float
    peak_high: float
    layers: int


def depth_trend(
    depth: ArrayLike, agreement: ArrayLike, distribution: Floats | None = None, confidence: float = 0.95
) -> Trend:
    """Spearman's correlation of depth with agreement over layers, and the depth of the best layer, with intervals.

    The intervals are about other reference images of the same benchmark. They say nothing about other networks, and the
    peak's is of the layers at hand. P is that of a random walk along the layers (neighbouring layers are alike), or
    that of other references where it is larger.

    Args:
        depth: of each layer, ``[layers]``, 0..1.
        agreement: SRCC of each layer, ``[layers]``.
        distribution: of the same layers, ``[resamples, layers]``, from one ``cluster_bootstrap``; None: no intervals.
        confidence: of the intervals.

    Returns:
        NaN with fewer than three layers, where a layer has no SRCC, or where all have the same one.
    """
    x, y = np.asarray(depth, dtype=float), np.asarray(agreement, dtype=float)
    nan = float("nan")
    if len(y) < 3 or not np.isfinite(y).all():
        return Trend(nan, nan, nan, nan, nan, nan, nan, len(y))
    rho, peak = float(srcc(y, x)), float(x[y.argmax()])
    if distribution is None:
        return Trend(rho, nan, nan, nan, peak, nan, nan, len(y))
    drawn = distribution[np.isfinite(distribution).all(axis=1)]
    if not len(drawn):
        return Trend(rho, nan, nan, nan, peak, nan, nan, len(y))
    rhos, peaks = srcc(drawn.T, x)[:, None], x[drawn.argmax(axis=1)][:, None]
    low, high = (float(end[0]) for end in percentile_interval(rhos, confidence))
    peak_low, peak_high = (float(end[0]) for end in percentile_interval(peaks, confidence))
    return Trend(
        rho, low, high, max(float(bootstrap_p(rhos)[0]), trend_p(rho, [len(y)])), peak, peak_low, peak_high, len(y)
    )
