"""Meta-analysis over benchmarks: metafor's numbers, and what it does at its edges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics.factors.contrasts import matched_contrasts
from iqa_lab.statistics.factors.meta import pooled, random_effects
from iqa_lab.statistics.factors.units import Judged

NAMES = {"estimate": "effect", "se": "se", "p": "p", "low": "low", "high": "high"}


@pytest.mark.parametrize("method", ["REML", "DL"])
@pytest.mark.parametrize("test", ["knha", "z"])
def test_equal_to_metafor(shared_oracles: Path, method: str, test: str) -> None:
    folder = shared_oracles / "inference"
    data, expected = (pd.read_csv(folder / name) for name in ("meta.csv", "expected.csv"))
    rows = expected[expected["design"] == "meta"].set_index("what")
    tau2, i2 = (float(rows.loc[f"{method} {test} {name}", "estimate"]) for name in ("tau2", "I2"))
    at_theirs = pooled(data["effect"].to_numpy(), data["se"].to_numpy() ** 2, tau2, test == "knha")
    for theirs, ours in NAMES.items():
        assert getattr(at_theirs, ours) == pytest.approx(float(rows.loc[f"{method} {test}", theirs]), rel=1e-6), ours
    assert at_theirs.i2 == pytest.approx(i2, rel=1e-6)
    found = random_effects(data["effect"], data["se"], method=method, hartung_knapp=test == "knha")
    # metafor stops its search when tau2 changes by less than 1e-5: here at 4e-7, where 0 is more likely still
    assert found.tau2 == pytest.approx(tau2, rel=1e-6, abs=0 if method == "DL" else 1e-6)
    assert found.effect == pytest.approx(at_theirs.effect, abs=1e-5) and found.se == pytest.approx(
        at_theirs.se, rel=1e-3
    )
    if (method, test) == ("REML", "knha"):
        interval = rows.loc["REML knha prediction interval"]
        assert at_theirs.prediction_low == pytest.approx(interval["low"], rel=1e-6)
        assert at_theirs.prediction_high == pytest.approx(interval["high"], rel=1e-6)


def test_restricted_likelihood_of_equal_errors_is_known() -> None:
    """With equal errors the estimate is the variance of the effects less theirs, and the mean is a plain one."""
    y = np.array([0.1, 0.3, -0.2, 0.25, 0.05, 0.4])
    found = random_effects(y, np.full(6, 0.05))
    assert found.tau2 == pytest.approx(y.var(ddof=1) - 0.05**2, rel=1e-6)
    assert (found.effect, found.se) == pytest.approx((y.mean(), y.std(ddof=1) / np.sqrt(6)))
    assert found.low < found.effect < found.high and found.prediction_low < found.low


def test_intervals_hold_what_they_promise() -> None:
    rng, trials = np.random.default_rng(0), 400
    se = np.array([0.010, 0.012, 0.015, 0.018, 0.020])  # where they differ more the interval is too narrow: .91
    inside = 0
    for _ in range(trials):
        found = random_effects(0.1 + rng.normal(0, 0.03, 5) + rng.normal(0, se), se)
        inside += found.low <= 0.1 <= found.high
    assert abs(inside / trials - 0.95) < 0.04  # three Monte-Carlo errors are .033


def test_edges() -> None:
    assert np.isnan(random_effects([0.1], [0.1]).effect) and np.isnan(random_effects([], []).tau2)
    some = random_effects([0.1, np.nan, 0.2, 0.3], [0.1, 0.1, np.nan, 0.1])
    assert some.benchmarks == 2 and some.effect == pytest.approx(0.2)
    assert random_effects([0.1, 0.1], [0.1, 0.2]).tau2 == 0
    with pytest.raises(ValueError, match="above 0"):
        random_effects([0.1, 0.2], [0.1, 0.0])


def test_contrasts_carry_the_meta_analysis_of_their_benchmarks() -> None:
    """Equal to one by hand: the mean difference on each benchmark, with the error of its references alone."""
    rng = np.random.default_rng(5)
    rows, judged, errors, means = [], {}, [], []
    for benchmark in ("tid", "kadid", "csiq"):
        drawn, values = [], []
        for architecture in ("vgg16", "alexnet"):
            for goal in ("a", "b"):
                value, draws = rng.uniform(0.4, 0.8), rng.normal(0, 0.02, 200)
                judged[len(rows)] = Judged(value, draws, 20)
                rows.append({"benchmark": benchmark, "goal": goal, "dataset": "d", "architecture": architecture,
                             "weights": "w", "value": value})  # fmt: skip
                drawn.append((1 if goal == "a" else -1) * draws / 2)
                values.append((1 if goal == "a" else -1) * value / 2)
        means.append(sum(values))
        errors.append(np.std(sum(drawn), ddof=1) * np.sqrt(20 / 19))
    (found,) = matched_contrasts(pd.DataFrame(rows), "goal", judged, value="value").to_dict("records")
    expected = random_effects(means, errors)
    assert found["meta_benchmarks"] == 3 and found["meta_difference"] == pytest.approx(expected.effect)
    assert (found["meta_low"], found["meta_p"]) == pytest.approx((expected.low, expected.p))
    one = pd.DataFrame(rows)[lambda rows: rows["benchmark"] == "tid"]
    assert np.isnan(matched_contrasts(one, "goal", judged, value="value")["meta_difference"]).all()
    assert (matched_contrasts(one, "goal", None, value="value")["meta_benchmarks"] == 0).all()
