"""Values of networks on benchmarks -> a mean or a difference of means, with the error that its samples leave.

Networks, references and, from five on, benchmarks are samples. The variance of a mean over networks is that between
networks (Student's t), and what all of them share because they saw the same references, from the resamples. Below five
independent networks that variance cannot be estimated: the error is then that of the references alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from iqa_lab.statistics.factors.enough import ENOUGH_BENCHMARKS, ENOUGH_NETWORKS
from iqa_lab.statistics.intervals.few import FEWEST

Floats = NDArray[np.float64]
ROUNDING = 1e-24  # a variance below is that of rounding: nothing varies
THESE, OTHERS = "these", "other"  # networks that an estimate is about


@dataclass(frozen=True)
class Sample:
    """One side of a comparison, or the differences of matched pairs."""

    values: Floats  # ``[networks, benchmarks]``, independent networks (or pairs); NaN where one has no result
    drawn: Floats | None  # the same in every resample of references, ``[resamples, networks, benchmarks]``
    sign: int = 1  # -1: it is taken off
    fixed: bool = False  # no sample of networks: a metric that was named


@dataclass(frozen=True)
class Estimate:
    """A mean difference, its standard error and how well that is known."""

    difference: float
    se: float  # NaN: nothing allows an inference
    df: float
    least_p: float  # no p value is below it
    networks: str  # ``these`` or ``other``: what the error is about
    benchmarks: str  # the same of benchmarks
    references: bool  # whether it is about other references

    def p(self, null: float = 0.0) -> float:
        """Two-sided p value of a difference of ``null``."""
        if not self.se > 0:
            return float("nan")
        return float(max(self.least_p, 2 * scipy.stats.t.sf(abs(self.difference - null) / self.se, self.df)))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """By Student's t."""
        reach = float(scipy.stats.t.ppf((1 + confidence) / 2, self.df)) * self.se if self.se > 0 else float("nan")
        return self.difference - reach, self.difference + reach


def estimate(samples: Sequence[Sample], references: Sequence[int] | None) -> Estimate:
    """The signed sum of the means of samples: each the mean over networks of their means over benchmarks.

    The error has three parts: between networks, s2 / J of each sample with J - 1 degrees of freedom; what references do
    to all networks alike, from the resamples (covariance of different networks), with references - 1; and, from five
    benchmarks on, what benchmarks do to all alike, if that is more. Degrees of freedom of the sum by Satterthwaite, but
    no more than the networks have.

    Args:
        samples: with the same benchmarks.
        references: the number of references of each benchmark; None: there are no resamples.
    """
    means = [_over(sample.values) for sample in samples]
    difference = float(sum(sample.sign * mean.mean() for sample, mean in zip(samples, means, strict=True)))
    random = [number for number, sample in enumerate(samples) if not sample.fixed]
    many = bool(random) and min(len(means[number]) for number in random) >= ENOUGH_NETWORKS
    nothing = Estimate(difference, float("nan"), float("nan"), 0.0, THESE, THESE, False)
    if references is not None and min(references) < FEWEST:  # one alone does not even vary
        return nothing
    shared = None if references is None else _of_references(samples, references, between=many)
    if not many:
        if shared is None or not shared[0] > ROUNDING:
            return nothing
        least = 2.0 ** (1 - sum(references or [1]))  # as of a test by signs
        return Estimate(difference, float(np.sqrt(shared[0])), shared[1], least, THESE, THESE, True)
    parts = [(float(means[number].var(ddof=1) / len(means[number])), len(means[number]) - 1.0) for number in random]
    common = shared or (0.0, 1.0)
    benchmarks = THESE
    if samples[0].values.shape[1] >= ENOUGH_BENCHMARKS:
        benchmarks = OTHERS
        found = _of_benchmarks(samples)
        common = max(common, found, key=lambda part: part[0])
    parts.append(common)
    variance = sum(part for part, _ in parts)
    if not variance > ROUNDING:
        return nothing
    # Satterthwaite's rises where the networks happen to be alike, which makes small p values too small (at .001 nearly
    # three times as many): no more than the networks have
    networks = min(len(means[number]) for number in random) - 1.0
    df = min(networks, variance**2 / sum(part**2 / free for part, free in parts))
    return Estimate(difference, float(np.sqrt(variance)), float(df), 0.0, OTHERS, benchmarks, shared is not None)


def _over(values: Floats) -> Floats:
    """The mean of each network over the benchmarks that it has."""
    return np.asarray(np.nanmean(values, axis=1))


def _of_references(
    samples: Sequence[Sample], references: Sequence[int], *, between: bool
) -> tuple[float, float] | None:
    """The variance that other references would make, and its degrees of freedom; None without resamples.

    Args:
        samples: with their resamples.
        references: of each benchmark.
        between: what the variance between networks already holds is taken off.
    """
    if any(sample.drawn is None for sample in samples):
        return None
    total: Floats | float = 0.0
    own = 0.0
    by_benchmark = np.zeros(len(references))
    # resamples of R clusters vary by (R - 1) / R of what other samples would
    wider = np.array([number / (number - 1) for number in references])
    for sample in samples:
        assert sample.drawn is not None
        there = np.isfinite(sample.values)
        weight = there / there.sum(axis=1, keepdims=True) * np.sqrt(wider)
        each = np.where(there, sample.drawn, 0.0) * weight  # [resamples, networks, benchmarks]
        total = total + sample.sign * each.mean(axis=1)  # [resamples, benchmarks]
        if between and not sample.fixed and len(sample.values) > 1:
            spread = np.cov(each.sum(axis=2), rowvar=False)
            number = len(spread)
            between_networks = (spread.sum() - np.trace(spread)) / (number * (number - 1))
            own += (np.trace(spread) / number - between_networks) / number
    by_benchmark = np.asarray(total).var(axis=0, ddof=1)
    variance = float(np.asarray(total).sum(axis=1).var(ddof=1))
    if not variance > 0:
        return 0.0, 1.0
    free = np.array(references) - 1.0
    df = float(np.clip(by_benchmark.sum() ** 2 / np.sum(by_benchmark**2 / free), free.min(), free.sum()))
    return max(0.0, variance - own), df


def _of_benchmarks(samples: Sequence[Sample]) -> tuple[float, float]:
    """The variance that other benchmarks would make, beyond that of single networks on them; degrees of freedom."""
    number = samples[0].values.shape[1]
    effects, noise, contrast = np.zeros(number), 0.0, _against_mean(number)
    weights = []
    for sample in samples:
        there = np.isfinite(sample.values)
        networks, benchmarks = np.nonzero(there)
        design = np.zeros((len(networks), len(there) + number - 1))
        design[np.arange(len(networks)), networks] = 1
        design[:, len(there) :] = contrast[benchmarks]
        y = sample.values[there]
        solution, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
        free = len(y) - rank
        residual = np.sum((y - design @ solution) ** 2) / free if free > 0 else 0.0
        covariance = residual * np.linalg.pinv(design.T @ design)[len(there) :, len(there) :]
        effects = effects + sample.sign * contrast @ solution[len(there) :]
        noise += float(np.trace(contrast @ covariance @ contrast.T))
        weights.append(np.sum((there / there.sum(axis=1, keepdims=True)).mean(axis=0) ** 2))
    between = max(0.0, (np.sum(effects**2) - noise) / (number - 1))
    return float(between * max(weights)), number - 1.0


def _against_mean(number: int) -> Floats:
    """Contrasts of so many levels whose effects sum to 0, ``[levels, levels - 1]``."""
    return np.vstack([np.eye(number - 1), -np.ones(number - 1)])
