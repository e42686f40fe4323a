"""Distances at known contrasts -> sensitivities: slopes, what is never seen, what was filtered out."""

import numpy as np
import pandas as pd
import pytest

from iqa_lab.psychophysics.thresholds import ladder, read_bisected, read_linear

NAMES = [f"s{number}" for number in range(6)]
HUMAN = np.array([2.0, 1.5, 1.0, 1.8, 0.7, 1.2])
PEOPLE = pd.DataFrame(HUMAN + np.random.default_rng(0).normal(0, 0.1, (5, 6)), columns=NAMES)


def trials_at(contrasts: dict[str, list[float]]) -> pd.DataFrame:
    rows = [(name, c, "g", human) for name, human in zip(NAMES, HUMAN, strict=True) for c in contrasts[name]]
    return pd.DataFrame(rows, columns=["reference", "level", "distortion", "opinion"])


LINEAR = trials_at({name: [10**-s, 10**-s / 2] for name, s in zip(NAMES, HUMAN, strict=True)})
BISECT = trials_at({name: ladder(1.0) for name in NAMES})


@pytest.mark.parametrize(("power", "outside"), [(1.0, 0), (0.75, 6), (0.85, 0), (2.0, 6), (1.19, 0)])
def test_slopes_are_flagged_outside_of_a_fifth(power: float, outside: int) -> None:
    reading = read_linear(LINEAR, (LINEAR["level"].to_numpy() ** power)[:, None], PEOPLE)
    assert reading.extra["slope"][0] == pytest.approx(power) and reading.extra["slopes_outside"][0] == outside
    # people's thresholds have one distance for all, if the contrast at each is scaled by its sensitivity
    seen = (LINEAR["level"] * 10 ** LINEAR["opinion"]).to_numpy() ** power
    assert read_linear(LINEAR, seen[:, None], PEOPLE).extra["rms_db_sloped"][0] == pytest.approx(0, abs=1e-9)


def test_the_order_of_trials_does_not_matter() -> None:
    distances = np.random.default_rng(1).uniform(1, 2, (12, 3))
    order = np.random.default_rng(2).permutation(12)
    one = read_linear(LINEAR, distances, PEOPLE)
    other = read_linear(LINEAR.iloc[order].reset_index(drop=True), distances[order], PEOPLE)
    place = [other.stimulus.tolist().index(name) for name in one.stimulus]
    np.testing.assert_allclose(one.values, other.values[place])
    np.testing.assert_allclose(one.extra["slope"], other.extra["slope"])


def test_a_stimulus_that_leaves_no_trace_is_counted_and_never_a_number() -> None:
    distances = np.repeat(LINEAR["level"].to_numpy()[:, None], 2, axis=1)
    distances[0, 1] = 0  # at the threshold of the first stimulus
    reading = read_linear(LINEAR, distances, PEOPLE)
    assert reading.extra["censored"].tolist() == [0, 1]
    assert np.isnan(reading.values[0, 1]) and np.isfinite(reading.values[:, 0]).all()


@pytest.mark.parametrize("trials", [LINEAR, BISECT])
def test_what_was_filtered_out_is_left_out(trials: pd.DataFrame) -> None:
    distances = trials["level"].to_numpy()[:, None].copy()
    distances[(trials["reference"] == "s2").to_numpy()] = np.nan
    read = read_linear if trials is LINEAR else read_bisected
    reading = read(trials, distances, PEOPLE)
    assert reading.stimulus.tolist() == [name for name in NAMES if name != "s2"]
    assert reading.observers is not None and reading.observers.shape == (5, 5) and reading.values.shape == (5, 1)


def test_what_never_reaches_the_criterion_is_censored_at_the_highest_contrast() -> None:
    level = BISECT["level"].to_numpy()
    gain = BISECT["reference"].map(dict(zip(NAMES, 10**HUMAN, strict=True))).to_numpy().copy()
    gain[(BISECT["reference"] == "s4").to_numpy()] = 1e-3  # nearly blind to one
    reading = read_bisected(BISECT, (gain * level)[:, None], PEOPLE)
    assert reading.extra["censored"].tolist() == [1]
    assert reading.values[4, 0] == pytest.approx(0)  # sensitivity 1: contrast 1


def test_a_distance_that_falls_is_noticed_and_its_first_crossing_counts() -> None:
    level = BISECT["level"].to_numpy()
    gain = BISECT["reference"].map(dict(zip(NAMES, 10**HUMAN, strict=True))).to_numpy()
    straight = gain * level
    bent = np.where((BISECT["reference"] == "s0").to_numpy() & (level > 0.3), 0.01, straight)
    reading = read_bisected(BISECT, np.stack([straight, bent], axis=1), PEOPLE)
    assert reading.extra["not_monotone"].tolist() == [0, 1]
    np.testing.assert_allclose(reading.values[:, 1], HUMAN, atol=1e-6)


def test_a_ladder_ends_at_what_can_be_shown() -> None:
    for largest in (1.0, 0.5, 0.307):
        steps = ladder(largest)
        assert (steps[0], steps[-1]) == pytest.approx((1e-4, largest))
        assert np.diff(20 * np.log10(steps)).max() <= 2 + 1e-9
