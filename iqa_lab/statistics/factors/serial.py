"""What chance makes of a trend along layers: neighbouring layers are alike, so that a profile drifts by itself.

Layers of one network are not independent observations. The null is a profile that goes up or down by chance from each
layer to the next, a random walk: of nine layers its rank correlation with depth is beyond .7 in two of three cases.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
DRAWS = 20_000


@cache
def walking_trends(layers: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Spearman's correlation of depth and of a random walk over so many layers, ``[draws]``."""
    walks = np.random.default_rng([seed, layers]).normal(size=(draws, layers)).cumsum(axis=1)
    ranks = rankdata(walks, axis=1) - (layers + 1) / 2
    depth = np.arange(layers) - (layers - 1) / 2
    result: Floats = ranks @ depth / np.sqrt((ranks**2).sum(axis=1) * (depth @ depth))
    return result


def trend_p(rho: float, layers: Sequence[int], draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p value of a mean trend, if the profiles of all networks were independent random walks.

    Args:
        rho: the mean over networks of Spearman's correlation of depth and agreement.
        layers: the number of layers of each network.
        draws: of the simulation; p is never below 1 / draws.
        seed: of the simulation.
    """
    generator = np.random.default_rng([seed, len(layers)])
    # each network's own order of the same walks: independent of each other
    means = np.mean([generator.permutation(walking_trends(number, draws, seed)) for number in layers], axis=0)
    return float((1 + np.sum(np.abs(means) >= abs(rho) - 1e-12)) / (draws + 1))
