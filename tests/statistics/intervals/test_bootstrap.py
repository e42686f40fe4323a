"""The cluster bootstrap against one that really resamples, and against published intervals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from iqa_lab.statistics import cluster_bootstrap, percentile_interval


@given(seed=st.integers(0, 999), references=st.integers(2, 6), ties=st.booleans())
def test_it_equals_ranking_every_resample_anew(seed: int, references: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    n = 8 * references
    scores, opinion = rng.normal(size=(n, 2)), rng.normal(size=n)
    if ties:
        scores, opinion = scores.round(), opinion.round()
    cluster = rng.permutation(np.repeat(np.arange(references), 8))
    found = cluster_bootstrap(scores, opinion, cluster, resamples=20, seed=seed)
    draws = np.random.default_rng(seed).multinomial(references, np.full(references, 1 / references), size=20)
    for resample, drawn in enumerate(draws):
        rows = np.concatenate([np.flatnonzero(cluster == c) for c in range(references) for _ in range(drawn[c])])
        for column in range(2):
            with np.errstate(invalid="ignore"):
                expected = scipy.stats.spearmanr(scores[rows, column], opinion[rows]).statistic
            assert found[resample, column] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_intervals_of_published_scores(shared_oracles: Path) -> None:
    scores = pd.read_csv(shared_oracles / "tid2013_scores.csv")
    expected = pd.read_csv(shared_oracles / "tid2013_expected.csv").set_index(["metric", "statistic"])["value"]
    metrics = ["psnr", "fsim", "lpips", "dists"]
    quality = scores[metrics] * np.array([1, -1, -1, -1])
    low, high = percentile_interval(cluster_bootstrap(quality, scores["mos"], scores["ref"].str.lower(), seed=1))
    for number, metric in enumerate(metrics):
        # 2000 draws against 20,000: the folder's README gives .004
        assert low[number] == pytest.approx(expected[metric, "srcc_ci_low_by_reference"], abs=0.004)
        assert high[number] == pytest.approx(expected[metric, "srcc_ci_high_by_reference"], abs=0.004)


def test_seeded_and_paired() -> None:
    rng = np.random.default_rng(0)
    scores, opinion, cluster = rng.normal(size=(60, 1)), rng.normal(size=60), np.repeat(np.arange(6), 10)
    both = cluster_bootstrap(np.hstack([scores, scores]), opinion, cluster, resamples=30, seed=4)
    np.testing.assert_array_equal(both[:, 0], both[:, 1])
    again = cluster_bootstrap(scores, opinion, cluster, resamples=30, seed=4)
    np.testing.assert_array_equal(both[:, :1], again)
    assert not np.array_equal(again, cluster_bootstrap(scores, opinion, cluster, resamples=30, seed=5))


@pytest.mark.filterwarnings("error")
def test_one_reference_or_a_constant_column_have_no_interval() -> None:
    scores, opinion = np.arange(6.0), np.arange(6.0)
    one = cluster_bootstrap(scores, opinion, np.zeros(6), resamples=10)
    flat = cluster_bootstrap(np.ones(6), opinion, [0, 0, 0, 1, 1, 1], resamples=10)
    for distribution in (one, flat):
        assert np.isnan(percentile_interval(distribution)).all()
