"""Correlations against scipy and published exact values, with ties and with nothing to correlate."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iqa_lab.statistics import krcc, plcc, srcc, srcc_within

VALUES = arrays(float, st.tuples(st.integers(3, 40), st.integers(2, 4)), elements=st.integers(-4, 4).map(float))


@given(table=VALUES)
def test_equal_to_scipy_with_ties(table: np.ndarray) -> None:
    opinion, scores = table[:, 0], table[:, 1:]
    for mine, theirs in [
        (srcc, scipy.stats.spearmanr),
        (plcc, scipy.stats.pearsonr),
        (krcc, scipy.stats.kendalltau),
    ]:
        together = mine(scores, opinion)
        for number, column in enumerate(scores.T):
            constant = len(set(column)) == 1 or len(set(opinion)) == 1
            expected = np.nan if constant else theirs(column, opinion).statistic
            assert together[number] == pytest.approx(expected, abs=1e-12, nan_ok=True)
            assert float(mine(column, opinion)) == pytest.approx(together[number], abs=1e-14, nan_ok=True)


@pytest.mark.parametrize("statistic", [srcc, plcc, krcc])
def test_nothing_to_correlate_is_nan(statistic: object) -> None:
    for scores, opinion in [
        ([], []),
        ([1.0], [2.0]),
        ([1, 1, 1], [1, 2, 3]),
        ([1, 2, 3], [5, 5, 5]),
        ([1, np.nan, 3], [1, 2, 3]),
    ]:
        assert np.isnan(statistic(np.array(scores, float), np.array(opinion, float)))
    assert np.isnan(statistic(np.empty((0, 3)), [])).all()


def test_the_sign_is_kept() -> None:
    assert float(srcc([1, 2, 3], [3, 2, 1])) == float(krcc([1, 2, 3], [3, 2, 1])) == -1


def test_published_scores_give_the_published_statistics(shared_oracles: Path) -> None:
    scores = pd.read_csv(shared_oracles / "tid2013_scores.csv")
    expected = pd.read_csv(shared_oracles / "tid2013_expected.csv").set_index(["statistic", "metric"])
    metrics = ["psnr", "msssim", "fsim", "lpips", "lpips_vgg", "dists", "clip_vitb32_l2", "dinov1_l2"]
    quality = scores[metrics] * np.where(np.array(metrics) == "psnr", 1, -1)  # all but psnr are distances
    found = {
        "srcc": srcc(quality, scores["mos"]),
        "plcc_raw": plcc(quality, scores["mos"]),
        "krcc_tau_b": krcc(quality, scores["mos"]),
        "mean_per_type_srcc": srcc_within(quality, scores["mos"], scores["type"]),
        "mean_per_reference_srcc": srcc_within(quality, scores["mos"], scores["ref"].str.lower()),
    }
    for statistic, values in found.items():
        rows = expected.loc[statistic].loc[metrics]
        for value, (metric, row) in zip(values, rows.iterrows(), strict=True):
            assert value == pytest.approx(row["value"], abs=max(row["tolerance"], 1e-9)), (statistic, metric)


def test_groups_without_a_correlation_do_not_count() -> None:
    scores = np.array([1, 2, 3, 5, 4, 7, 9.0, 9.0])
    opinion = np.array([1, 2, 3, 4, 5, 1, 2, 3.0])
    groups = ["up", "up", "up", "down", "down", "alone", "flat", "flat"]
    assert float(srcc_within(scores, opinion, groups)) == 0  # +1 and -1; "alone" and "flat" have none
    assert np.isnan(srcc_within(scores[5:6], opinion[5:6], groups[5:6]))
