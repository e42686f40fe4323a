"""One metric's correlations on several benchmarks -> their mean, by Fisher's z, with an interval over references.

The interval is about other references of these very benchmarks, not about other benchmarks: that is a random-effects
meta-analysis (``factors/meta.py``), which needs many of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt, tanh

import numpy as np
import scipy
from numpy.typing import NDArray

from iqa_lab.statistics.correlation.coefficients import fisher_z
from iqa_lab.statistics.intervals.few import FEWEST

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OnBenchmark:
    """A metric's correlation on one benchmark."""

    value: float
    drawn: Floats | None  # in resamples of its references
    references: int


@dataclass(frozen=True)
class Mean:
    """The mean correlation over benchmarks; the ends are NaN where there is no interval, all where there is no mean."""

    value: float
    low: float
    high: float
    benchmarks: tuple[str, ...]


def mean_over_benchmarks(
    found: Mapping[str, OnBenchmark], sharing: Sequence[Sequence[str]] = (), confidence: float = 0.95
) -> Mean:
    """The mean of Fisher's z over benchmarks, transformed back, each benchmark counting once.

    Benchmarks are independent of each other unless they share references: the error of the mean is made of the errors
    on each benchmark, and Student's t has Satterthwaite's degrees of freedom (An approximate distribution of estimates
    of variance components, 1946). Errors of benchmarks that share references are added as if they were one and the
    same: the most that they can be, since names do not tell which photographs are the same.

    Args:
        found: by benchmark. Values that were chosen have to be of columns that other references chose.
        sharing: groups of benchmarks that share references.
        confidence: of the interval.

    Returns:
        NaN where a correlation is undefined, -1 or 1. No interval where one benchmark has fewer than ``FEWEST``
        references, or resamples in which nothing varies.
    """
    names = tuple(found)
    z = fisher_z([found[name].value for name in names])
    if not len(z) or not np.isfinite(z).all():
        return Mean(nan, nan, nan, names)
    mean = float(z.mean())
    errors = {name: _standard_error(found[name]) for name in names}
    groups = [[name for name in group if name in errors] for group in sharing]
    alone = set(names) - {name for group in groups for name in group}
    parts = [*(group for group in groups if group), *([name] for name in names if name in alone)]
    variances = np.array([sum(errors[name] for name in part) ** 2 for part in parts])
    freedom = np.array([min(found[name].references for name in part) - 1 for part in parts])
    total = float(variances.sum())
    if not total > 0 or min(one.references for one in found.values()) < FEWEST:
        return Mean(tanh(mean), nan, nan, names)
    df = total**2 / float((variances**2 / freedom).sum())
    reach = float(scipy.stats.t.ppf((1 + confidence) / 2, df)) * sqrt(total) / len(names)
    return Mean(tanh(mean), tanh(mean - reach), tanh(mean + reach), names)


def groups_of(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Names that hang together by pairs, each name once.

    >>> groups_of([("a", "b"), ("c", "d"), ("b", "e")])
    [('a', 'b', 'e'), ('c', 'd')]
    """
    groups: list[set[str]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touched] + [set(pair).union(*touched)]
    return sorted(tuple(sorted(group)) for group in groups)


def _standard_error(one: OnBenchmark) -> float:
    """Of Fisher's z, from resamples that draw as many references as there are; widened for that as in ``selection``."""
    if one.drawn is None or one.references < 2:
        return nan
    z = fisher_z(one.drawn)
    z = z[np.isfinite(z)]
    return float(z.std(ddof=1)) * sqrt(one.references / (one.references - 1)) if len(z) > 1 else nan
