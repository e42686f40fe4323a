"""Choosing among many columns, ceilings and trends, on data whose answer is known."""

import numpy as np
import pytest
import scipy.stats

from iqa_lab.statistics import srcc
from iqa_lab.statistics.factors.trend import depth_trend
from iqa_lab.statistics.intervals.ceilings import attenuation_corrected, opinion_ceilings
from iqa_lab.statistics.intervals.selection import select_column, select_column_of_means


def database(seed: int, columns: int, references: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns that are all equally good, each with errors of its own for every reference."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(references), 10)
    opinion = rng.normal(size=len(cluster))
    own = rng.normal(size=(references, columns))[cluster]
    return opinion[:, None] + own + rng.normal(size=(len(opinion), columns)), opinion, cluster


def test_the_best_of_equally_good_columns_is_optimistic_and_the_heldout_one_is_not() -> None:
    optimism, error = [], []
    for seed in range(40):
        scores, opinion, cluster = database(seed, 60)
        chosen = select_column(scores, opinion, cluster, repeats=2, seed=seed)
        truth = float(srcc(scores, opinion).mean())  # all columns are as good as each other
        assert chosen.in_sample == pytest.approx(float(srcc(scores, opinion).max()), abs=1e-12)
        assert chosen.frequency.sum() == pytest.approx(1)
        optimism.append(chosen.in_sample - truth)
        error.append(chosen.heldout - truth)
    assert np.mean(optimism) > 0.1
    # unbiased up to what 40 databases tell
    assert abs(np.mean(error)) < 0.03


def test_a_column_that_is_clearly_best_is_chosen_and_loses_nothing() -> None:
    scores, opinion, cluster = database(0, 20)
    scores[:, 7] = opinion + 0.1 * np.random.default_rng(1).normal(size=len(opinion))
    chosen = select_column(scores, opinion, cluster)
    assert chosen.best == 7 and chosen.frequency[7] == 1
    # ranks among the other folds' pairs, not among all
    assert chosen.heldout == pytest.approx(chosen.in_sample, abs=0.01)
    again = select_column(np.exp(scores), opinion, cluster)
    assert again.heldout == pytest.approx(chosen.heldout, abs=1e-12)  # ranks only


def test_selection_against_plain_recomputation() -> None:
    scores, opinion, cluster = database(3, 5, references=4)
    chosen = select_column(scores, opinion, cluster, folds=4, repeats=1)
    position, picked = np.empty(len(opinion)), []
    for reference in range(4):  # four folds of four references: each alone
        inside = cluster == reference
        column = int(srcc(scores[~inside], opinion[~inside]).argmax())
        picked.append(column)
        others = scores[~inside, column]
        position[inside] = [np.mean(others < value) for value in scores[inside, column]]
    assert chosen.heldout == pytest.approx(float(srcc(position, opinion)), abs=1e-12)
    np.testing.assert_allclose(chosen.frequency, np.bincount(picked, minlength=5) / 4)


def test_selection_by_means() -> None:
    rng = np.random.default_rng(0)
    values, cluster = rng.integers(0, 2, (200, 30)).astype(float), np.arange(200) % 10
    chosen = select_column_of_means(values, cluster)
    assert chosen.in_sample == values.mean(axis=0).max() > 0.55
    assert chosen.heldout == pytest.approx(0.5, abs=0.07)
    values[:, 4] = 1
    sure = select_column_of_means(values, cluster)
    assert (sure.best, sure.heldout, sure.frequency[4]) == (4, 1, 1)


def test_nothing_to_choose_on() -> None:
    scores, opinion, _ = database(0, 3)
    alone = select_column(scores, opinion, np.zeros(len(opinion)))
    assert np.isnan(alone.heldout) and np.isfinite(alone.in_sample)
    empty = select_column(np.ones((4, 2)), np.arange(4.0), [0, 0, 1, 1])
    assert empty.best == -1 and np.isnan([empty.in_sample, empty.heldout]).all()
    assert np.isnan(select_column_of_means(scores, np.zeros(len(opinion))).heldout)
    partly = scores.copy()
    partly[0, 1] = np.nan
    assert select_column(partly, opinion, np.arange(len(opinion)) % 6).frequency[1] == 0


def test_the_interval_of_the_heldout_value_knows_of_the_choice() -> None:
    """Ten equal columns: an interval around the best of them held the truth in 62 % of cases."""
    truth = float(srcc(*database(0, 1, references=4000)[:2])[0])
    inside = []
    for seed in range(60):
        scores, opinion, cluster = database(seed, 10, references=25)
        found = select_column(scores, opinion, cluster, resamples=60, repeats=2, seed=seed)
        inside.append(found.heldout_low <= truth <= found.heldout_high)
    assert np.mean(inside) >= 0.88  # of .95 with 60 cases, two and a half standard errors; it is wider by design


@pytest.mark.parametrize(("references", "has"), [(3, False), (5, False), (6, True)])
def test_few_references_leave_the_heldout_value_without_interval(references: int, has: bool) -> None:
    scores, opinion, cluster = database(1, 4, references=references)
    found = select_column(scores, opinion, cluster)
    assert np.isfinite(found.heldout) and np.isfinite([found.heldout_low, found.heldout_high]).all() == has
    of_means = select_column_of_means((scores > 0).astype(float), cluster)
    assert np.isfinite(of_means.heldout_low) == has


def test_ceilings_are_what_simulated_people_reach() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    first, second = truth[:, None] + rng.normal(0, 2, (2, 4000, 16))
    error = first.std(axis=1, ddof=1) / 4
    found = opinion_ceilings(first.mean(axis=1), error, people=16)
    reached = {
        "group": scipy.stats.pearsonr(first.mean(axis=1), second.mean(axis=1)).statistic,
        "perfect": scipy.stats.pearsonr(first.mean(axis=1), truth).statistic,
        "observer": scipy.stats.pearsonr(first.mean(axis=1), second[:, 0]).statistic,
    }
    for name, value in reached.items():
        assert getattr(found, name) == pytest.approx(value, abs=0.03)  # two standard errors of the smallest
    metric = truth + rng.normal(0, 0.5, 4000)
    observed = scipy.stats.pearsonr(metric, first.mean(axis=1)).statistic
    expected = scipy.stats.pearsonr(metric, truth).statistic
    assert attenuation_corrected(observed, found.group) == pytest.approx(expected, abs=0.01)


def test_undefined_ceilings() -> None:
    assert np.isnan(opinion_ceilings([1.0], [0.1]).group)
    assert np.isnan(opinion_ceilings([1.0, 1.1, 0.9], [5.0, 5, 5]).perfect)
    assert np.isnan(opinion_ceilings([1.0, 2.0], [np.nan, 1]).group)
    assert np.isnan(opinion_ceilings([1.0, 2.0, 3.0], [0.1] * 3).observer)
    assert np.isnan(attenuation_corrected(0.5, 0.0)) and attenuation_corrected(0.99, 0.9) == 1


def test_trend_of_a_network_that_grows_and_of_one_that_peaks() -> None:
    rng = np.random.default_rng(0)
    depth = np.linspace(0, 1, 6)
    agreement = 0.4 + 0.4 * depth
    drawn = agreement + rng.normal(0, 0.02, (1000, 6))
    grows = depth_trend(depth, agreement, drawn)
    assert grows.rho == pytest.approx(1) and grows.rho_low > 0.8
    # six layers go up one after the other by chance in one of 32 random walks, and down in another
    assert grows.p == pytest.approx(2 / 32, abs=0.01)
    assert (grows.peak, grows.peak_high, grows.layers) == (1, 1, 6)
    hump = 0.7 - (depth - 0.4) ** 2
    peaks = depth_trend(depth, hump, hump + rng.normal(0, 0.02, (1000, 6)))
    assert peaks.peak == pytest.approx(0.4) and peaks.peak_low <= 0.4 <= peaks.peak_high and peaks.rho < 0
    without = depth_trend(depth, hump)
    assert without.rho == pytest.approx(scipy.stats.spearmanr(depth, hump).statistic) and np.isnan(without.p)


def test_no_trend_of_two_layers_or_undefined_ones() -> None:
    assert np.isnan(depth_trend([0, 1], [0.2, 0.3]).rho)
    assert np.isnan(depth_trend([0, 0.5, 1], [0.2, np.nan, 0.3]).rho)
    assert np.isnan(depth_trend([0, 0.5, 1], [0.2, 0.2, 0.2]).rho)
