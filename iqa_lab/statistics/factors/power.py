"""Numbers of networks and of claims -> the smallest difference or trend that a study finds in four of five cases.

Every claim has to pass the first step of Holm's correction by itself, at .05 / claims: a difference that is found so is
found whatever becomes of the other claims. How much networks differ is not known before they have run. The typical
values are those of the simulation that the rules of inference are checked with (``make test-inference``).
"""

from collections.abc import Callable, Sequence
from math import factorial, nan, prod, sqrt, tanh

import numpy as np
import scipy

from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS

# of SRCC: the standard deviation of the differences of matched pairs of networks, and the standard error that 25
# references leave of one difference; half of its variance is common to all pairs
BETWEEN, WITHIN = 0.03, 0.012
REFERENCES = 25
POWER, LEVEL = 0.8, 0.05


def detectable(
    pairs: int, claims: int = 1, *, others: int | None = None, between: float = BETWEEN, within: float = WITHIN,
    references: int = REFERENCES,
) -> float:  # fmt: skip
    """The smallest true mean difference that is found with a power of .8; NaN without any pair.

    Two-sided t at .05 / claims, with the error and the degrees of freedom that ``estimate`` gives: from five
    independent pairs on about other networks; below, about these networks, and only references are chance.

    Args:
        pairs: independent pairs of networks; or networks of the first of two groups without pairs.
        claims: of the study.
        others: networks of the second group; None: there are pairs.
        between: standard deviation of the differences of pairs; of two groups: of networks.
        within: standard error that references leave of one difference.
        references: of the benchmark with the fewest.

    >>> round(detectable(6), 3), round(detectable(6, claims=10), 3), round(detectable(4), 3)
    (0.054, 0.092, 0.028)
    """
    if min(pairs, pairs if others is None else others) < 1:
        return nan
    se, df = _error(pairs, others, between, within, references)
    critical = float(scipy.stats.t.ppf(1 - LEVEL / (2 * claims), df))

    def lacking(ncp: float) -> float:
        # on the wrong side: so rare that scipy may call it NaN
        return (
            float(scipy.stats.nct.sf(critical, df, ncp))
            + float(np.nan_to_num(scipy.stats.nct.cdf(-critical, df, ncp)))
            - POWER
        )

    return se * _root(lacking)


def provable_margin(
    pairs: int, claims: int = 1, *, others: int | None = None, between: float = BETWEEN, within: float = WITHIN,
    references: int = REFERENCES,
) -> float:  # fmt: skip
    """The smallest margin within which two equal groups are found equal with a power of .8; NaN without any pair.

    Arguments as of ``detectable``. Two one-sided tests, each at .025 / claims, as ``judge_claims`` does them.

    >>> round(provable_margin(6), 3)
    0.063
    """
    if min(pairs, pairs if others is None else others) < 1:
        return nan
    se, df = _error(pairs, others, between, within, references)
    critical, half = float(scipy.stats.t.ppf(1 - LEVEL / (2 * claims), df)), (1 - POWER) / 2
    # each of the two tests may fail in a tenth of the cases
    return se * _root(lambda ncp: float(scipy.stats.nct.sf(critical, df, ncp)) - (1 - half))


def detectable_trend(networks: Sequence[int], claims: int = 1) -> float:
    """The smallest Spearman's correlation over networks that is found with a power of .8; NaN where none can be.

    Fisher's z with Bonett & Wright's variance. Permutations within goals set a limit of their own: their smallest p.

    Args:
        networks: the number of different networks of each goal.
        claims: of the study.

    >>> round(detectable_trend([20]), 2), detectable_trend([5], claims=10)
    (0.63, nan)
    """
    free = sum(networks) - len(networks) - 2
    if sum(networks) - len(networks) < ENOUGH_NETWORKS - 1 or 2 / prod(map(factorial, networks)) > LEVEL / claims:
        return nan
    wanted = float(scipy.stats.norm.ppf(1 - LEVEL / (2 * claims)) + scipy.stats.norm.ppf(POWER))

    def lacking(z: float) -> float:
        return z / sqrt((1 + tanh(z) ** 2 / 2) / free) - wanted

    return tanh(_root(lacking))


def _error(pairs: int, others: int | None, between: float, within: float, references: int) -> tuple[float, float]:
    """The standard error of a mean difference and its degrees of freedom, as ``estimate`` finds them."""
    common = within**2 / 2
    numbers = [number for number in (pairs, others) if number is not None]
    if min(numbers) < ENOUGH_NETWORKS:
        return sqrt(common + sum(common / number for number in numbers)), references - 1.0
    # references do something to each pair alone, too, which looks like a difference between networks
    parts = [((between**2 + common) / number, number - 1.0) for number in numbers]
    fewest = min(free for _, free in parts)
    parts.append((common, references - 1.0))
    variance = sum(part for part, _ in parts)
    return sqrt(variance), min(fewest, variance**2 / sum(part**2 / free for part, free in parts))


def _root(lacking: Callable[[float], float]) -> float:
    """Where a growing function of positive numbers is 0."""
    high = 1.0
    while lacking(high) < 0:
        high *= 2
    return float(scipy.optimize.brentq(lacking, 0.0, high, xtol=1e-10))
