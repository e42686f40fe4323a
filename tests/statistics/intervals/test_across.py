"""The mean correlation over benchmarks: against a brute-force resampling, and in simulations whose truth is known."""

from math import atanh, tanh

import numpy as np
import pytest
from scipy.stats import spearmanr
from scipy.stats import t as student

from iqa_lab.statistics.factors.units import Scores, resample_unit
from iqa_lab.statistics.intervals.across import OnBenchmark, groups_of, mean_over_benchmarks


def benchmark(rng: np.random.Generator, references: int, noise: float, columns: int = 1) -> Scores:
    """A benchmark of ten images a reference, whose references differ in how high scores are."""
    reference = np.repeat(np.arange(references), 10)
    opinion = rng.normal(size=len(reference))
    own = 0.7 * rng.normal(size=(references, columns))[reference]
    quality = opinion[:, None] + own + noise * rng.normal(size=(len(reference), columns))
    return Scores(list(range(columns)), quality, opinion, reference.tolist())


def judged(scores: Scores, resamples: int, seed: int) -> OnBenchmark:
    columns = tuple(scores.names)
    found = resample_unit(scores, [columns], resamples=resamples, seed=seed)[columns]
    return OnBenchmark(found.value, found.drawn, found.references)


def test_against_a_loop() -> None:
    """Means of z, and the error of a mean of independent benchmarks, resampled reference by reference with scipy."""
    rng = np.random.default_rng(0)
    benchmarks = {name: benchmark(rng, number, noise) for name, number, noise in [("a", 8, 0.5), ("b", 12, 1.5)]}
    found = {name: judged(scores, 2000, 1) for name, scores in benchmarks.items()}
    mean = mean_over_benchmarks(found, confidence=0.9)
    values, variances, freedom = [], [], []
    for scores in benchmarks.values():
        quality, reference = np.asarray(scores.quality)[:, 0], np.asarray(scores.reference)
        values.append(atanh(spearmanr(quality, scores.opinion).statistic))
        drawn, count = [], reference.max() + 1
        for _ in range(1000):
            rows = np.concatenate([np.flatnonzero(reference == one) for one in rng.integers(0, count, count)])
            drawn.append(atanh(spearmanr(quality[rows], scores.opinion[rows]).statistic))
        variances.append(np.var(drawn, ddof=1) * count / (count - 1))
        freedom.append(count - 1)
    assert mean.value == pytest.approx(tanh(np.mean(values)), abs=1e-12) and mean.benchmarks == ("a", "b")
    df = sum(variances) ** 2 / sum(v**2 / f for v, f in zip(variances, freedom, strict=True))
    reach = student.ppf(0.95, df) * np.sqrt(sum(variances)) / 2
    # a standard deviation from 1000 and 2000 resamples is known within 3 %
    assert atanh(mean.high) - atanh(mean.value) == pytest.approx(reach, rel=0.08)
    assert atanh(mean.value) - atanh(mean.low) == pytest.approx(reach, rel=0.08)


@pytest.mark.parametrize(("columns", "references"), [(1, (8, 15, 25)), (4, (8, 10, 12))])
def test_the_interval_holds_the_truth_as_often_as_it_says(columns: int, references: tuple[int, ...]) -> None:
    """Three benchmarks of other references and difficulty; one column, or the one of equal ones that others choose."""
    noises = (0.5, 1.0, 2.0)
    large = np.random.default_rng(99)
    truths = []
    for noise in noises:
        scores = benchmark(large, 4000, noise)
        truths.append(atanh(spearmanr(np.asarray(scores.quality)[:, 0], scores.opinion).statistic))
    truth, inside, error = tanh(np.mean(truths)), [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        sets = [benchmark(rng, number, noise, columns) for number, noise in zip(references, noises, strict=True)]
        found = {str(number): judged(scores, 80, seed) for number, scores in enumerate(sets)}
        mean = mean_over_benchmarks(found)
        inside.append(mean.low <= truth <= mean.high)
        error.append(mean.value - truth)
    assert np.mean(inside) >= 0.89  # of .95 with 80 cases, two and a half standard errors
    assert abs(np.mean(error)) < 0.02  # no optimism of choosing


def test_benchmarks_that_share_references_are_not_counted_as_independent() -> None:
    """The same benchmark twice is known no better than once."""
    one = judged(benchmark(np.random.default_rng(0), 12, 1.0), 200, 0)
    alone = mean_over_benchmarks({"a": one})
    twice = mean_over_benchmarks({"a": one, "b": one}, [("a", "b")])
    assert (twice.value, twice.low, twice.high) == pytest.approx((alone.value, alone.low, alone.high), abs=1e-12)
    naive = mean_over_benchmarks({"a": one, "b": one})
    assert naive.high - naive.low < 0.8 * (alone.high - alone.low)
    # a group of which only one is there is as good as none
    assert mean_over_benchmarks({"a": one}, [("a", "z")]) == alone
    assert groups_of([]) == [] and groups_of([("a", "b"), ("b", "a")]) == [("a", "b")]


@pytest.mark.parametrize(
    ("value", "references", "has_value", "has_interval"),
    [(0.5, 6, True, True), (0.5, 5, True, False), (1.0, 20, False, False), (-1.0, 20, False, False),
     (float("nan"), 20, False, False)],
)  # fmt: skip
def test_what_is_undefined_stays_so(value: float, references: int, has_value: bool, has_interval: bool) -> None:
    good = OnBenchmark(0.7, np.array([0.6, 0.7, 0.8]), 20)
    mean = mean_over_benchmarks({"a": good, "b": OnBenchmark(value, np.array([0.4, 0.5, 0.6]), references)})
    assert np.isfinite(mean.value) == has_value
    assert np.isfinite([mean.low, mean.high]).all() == has_interval
    assert np.isnan(mean_over_benchmarks({}).value)
    assert np.isnan(mean_over_benchmarks({"a": good, "b": OnBenchmark(0.5, None, 20)}).low)
