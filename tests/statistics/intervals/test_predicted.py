"""Opinions that are predicted: the curve is the logistic's, and the interval holds what it says."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from iqa_lab.statistics.correlation.mapping import logistic4
from iqa_lab.statistics.intervals.predicted import opinion_curve


def drawn(rng: np.random.Generator, references: int, each: int, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """Distances and opinions of photographs that differ: each shifts the distance at which people see the same."""
    which = np.repeat(np.arange(references), each)
    quality = rng.uniform(-2, 2, len(which))
    distance = np.exp(quality + rng.normal(0, 0.3, references)[which]) * scale
    opinion = 100 / (1 + np.exp(1.5 * quality)) + rng.normal(0, 5, len(which))
    return distance, opinion, which.astype(str)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_curve_is_the_logistic(sign: int) -> None:
    distance, opinion, which = drawn(np.random.default_rng(0), 10, 12)
    curve = opinion_curve(distance, sign * opinion, which)
    assert curve is not None
    fitted = logistic4(-distance, sign * opinion).fitted
    predicted, low, high, beyond = curve.predict(distance)
    np.testing.assert_allclose(predicted, fitted, rtol=1e-9)
    assert not beyond.any() and np.allclose(high - predicted, predicted - low) and (high > low).all()
    ends = curve.predict([0, 1e9])
    assert ends[3].all() and ends[0].tolist() == [curve.opinions[0], curve.opinions[-1]]


def test_few_references_have_no_interval_and_constant_opinions_no_curve() -> None:
    distance, opinion, which = drawn(np.random.default_rng(0), 5, 12)
    curve = opinion_curve(distance, opinion, which)
    assert curve is not None and np.isnan(curve.predict(distance)[1]).all()
    assert opinion_curve(distance, np.ones(60), which) is None


def covered(references: int, confidences: Sequence[float], draws: int) -> list[float]:
    """The shares of new opinions, each of a new photograph, that lie in their intervals."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(draws):
        curve = opinion_curve(*drawn(rng, references, 12))
        assert curve is not None
        distance, opinion, _ = drawn(rng, 200, 1)
        intervals = [replace(curve, confidence=one).predict(distance) for one in confidences]
        shares.append([((low <= opinion) & (opinion <= high)).mean() for _, low, high, _ in intervals])
    return [float(share) for share in np.mean(shares, 0)]


@pytest.mark.slow
@pytest.mark.parametrize("references", [8, 25])
def test_the_interval_holds_what_it_says(references: int) -> None:
    """Of new photographs: 300 benchmarks are drawn, whose mean has a standard error below .005."""
    confidences = [0.8, 0.95]
    assert covered(references, confidences, 300) == pytest.approx(confidences, abs=0.02)
