"""What chance makes of a trend along layers: neighbouring layers are alike, so that a profile drifts by itself.

Layers of one network are not independent observations. The null is a profile that goes up or down by chance from each
layer to the next, a random walk: of nine layers its rank correlation with depth is beyond .7 in two of three cases.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS = 20_000
Walking = Callable[[int, int, int], Floats]


@cache
def walking_trends(layers: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Spearman's correlation of depth and of a random walk over so many layers, ``[draws]``."""
    walks = np.random.default_rng([seed, layers]).normal(size=(draws, layers)).cumsum(axis=1)
    ranks = scipy.stats.rankdata(walks, axis=1) - (layers + 1) / 2
    depth = np.arange(layers) - (layers - 1) / 2
    result: Floats = ranks @ depth / np.sqrt((ranks**2).sum(axis=1) * (depth @ depth))
    return result


@cache
def walking_pairs(layers: int, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Spearman's correlation of two random walks over so many layers that know nothing of each other, ``[draws]``."""
    generator = np.random.default_rng([seed, layers, 2])
    one, other = (scipy.stats.rankdata(generator.normal(size=(draws, layers)).cumsum(axis=1), axis=1) for _ in range(2))
    one, other = one - (layers + 1) / 2, other - (layers + 1) / 2
    result: Floats = (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return result


def trend_p(
    rho: float, layers: Sequence[int], draws: int = DRAWS, seed: int = 0, walking: Walking = walking_trends
) -> float:
    """Two-sided p value of a mean trend, if the profiles of all networks were independent random walks.

    Args:
        rho: the mean over networks of Spearman's correlation of depth and agreement, or of two profiles.
        layers: the number of layers of each network.
        draws: of the simulation; p is never below 1 / draws.
        seed: of the simulation.
        walking: what walks are correlated with: depth (``walking_trends``) or each other (``walking_pairs``).
    """
    generator = np.random.default_rng([seed, len(layers)])
    # each network's own order of the same walks: independent of each other
    means = np.mean([generator.permutation(walking(number, draws, seed)) for number in layers], axis=0)
    return float((1 + np.sum(np.abs(means) >= abs(rho) - 1e-12)) / (draws + 1))
