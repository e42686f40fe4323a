"""Too few pairs, nothing that varies, NaN: defined, never a crash, a warning or a number that means nothing."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from iqa_lab.statistics import (
    agreement,
    average_precision,
    benjamini_hochberg,
    cluster_bootstrap,
    compare_krasula,
    cubic,
    fisher_interval,
    holm,
    jackknife,
    krasula,
    krcc,
    logistic4,
    logistic5,
    meng,
    outlier_ratio,
    percentile_interval,
    plcc,
    rmse,
    rmse_star,
    srcc,
    srcc_within,
    steiger,
    two_afc,
    williams,
    zou,
)

pytestmark = pytest.mark.filterwarnings("error")

NOTHING = {
    "no pair": ([], []),
    "one pair": ([1.0], [2.0]),
    "constant scores": ([1.0] * 9, list(range(9))),
    "constant opinions": (list(range(9)), [5.0] * 9),
    "all ties": ([1.0] * 9, [5.0] * 9),
    "a score is NaN": ([np.nan, *range(8)], list(range(9))),
    "an opinion is NaN": (list(range(9)), [np.nan, *range(8)]),
}
CORRELATIONS = {
    "srcc": srcc,
    "plcc": plcc,
    "krcc": krcc,
    "srcc_within": lambda x, y: srcc_within(x, y, np.zeros(len(y))),
    "weighted srcc": lambda x, y: srcc(x, y, np.full(len(y), 2)),
    "weighted plcc": lambda x, y: plcc(x, y, np.full(len(y), 2)),
    "weighted krcc": lambda x, y: krcc(x, y, np.full(len(y), 1)),
    "logistic4": lambda x, y: logistic4(x, y).plcc,
    "logistic5": lambda x, y: logistic5(x, y).plcc,
    "logistic5 best": lambda x, y: logistic5(x, y, "best").plcc,
    "logistic5 customary": lambda x, y: logistic5(x, y, "customary").plcc,
    "cubic": lambda x, y: cubic(x, y).plcc,
    "bootstrap": lambda x, y: cluster_bootstrap(x, y, np.arange(len(y)) % 3, resamples=5)[0].reshape(np.shape(x)[1:]),
    "bootstrap plcc": lambda x, y: cluster_bootstrap(
        x, y, np.arange(len(y)) % 3, resamples=5, statistic="plcc"
    )[0].reshape(np.shape(x)[1:]),
    "bootstrap of single rows": lambda x, y: cluster_bootstrap(x, y, np.arange(len(y)), resamples=5)[0].reshape(
        np.shape(x)[1:]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize("case", NOTHING)
def test_nothing_to_correlate_is_nan(name: str, case: str) -> None:
    scores, opinion = (np.array(values, dtype=float) for values in NOTHING[case])
    found = CORRELATIONS[name](scores, opinion)
    assert np.shape(found) == () and np.isnan(found)
    both = CORRELATIONS[name](np.stack([scores, scores], axis=1), opinion)
    assert np.shape(both) == (2,) and np.isnan(both).all()


@pytest.mark.parametrize("name", [name for name in CORRELATIONS if "bootstrap" not in name])
def test_a_nan_spoils_its_own_column_only(name: str) -> None:
    rng = np.random.default_rng(0)
    opinion = rng.normal(size=40)
    scores = opinion[:, None] + rng.normal(size=(40, 3))
    alone = CORRELATIONS[name](scores[:, 2], opinion)
    scores[3, 1] = np.nan
    found = CORRELATIONS[name](scores, opinion)
    assert np.isnan(found).tolist() == [False, True, False]
    assert float(found[2]) == pytest.approx(float(alone), abs=1e-12)


def test_two_pairs_correlate_perfectly_but_fit_no_curve() -> None:
    for statistic in (srcc, plcc, krcc):
        assert float(statistic([1.0, 2.0], [3.0, 7.0])) == 1
        assert float(statistic([1.0, 2.0], [7.0, 3.0])) == -1
    for fit in (logistic4([1.0, 2.0], [3.0, 7.0]), logistic5([1.0, 2.0], [3.0, 7.0])):
        assert np.isnan(fit.plcc) and np.isnan(fit.rmse) and not fit.converged and np.isnan(fit.fitted).all()


@pytest.mark.parametrize("parameters", [4, 5])
def test_a_curve_needs_more_pairs_than_parameters(parameters: int) -> None:
    fit = {4: logistic4, 5: logistic5}[parameters]
    x = np.arange(parameters + 1.0)
    assert np.isnan(fit(x[:parameters], x[:parameters]).plcc)
    assert float(fit(x, x).plcc) == pytest.approx(1, abs=1e-6)


def test_a_contrary_column_has_a_falling_curve_and_no_monotone_one() -> None:
    x = np.linspace(0, 1, 50)
    fit = logistic4(x, -np.tanh(5 * (x - 0.5)))
    assert float(fit.plcc) == pytest.approx(1, abs=1e-6) and float(fit.direction) == -1 and fit.converged
    assert np.isnan(logistic5(x, -x).plcc) and not logistic5(x, -x).converged


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e12, 1e30])
def test_the_unit_of_the_scores_does_not_matter(scale: float) -> None:
    rng = np.random.default_rng(0)
    opinion = rng.normal(size=200)
    scores = np.exp(opinion + rng.normal(size=200))
    for fit in (logistic4, logistic5):
        expected = fit(scores, opinion)
        found = fit(scale * scores + (scale * 7 if scale < 1e6 else 0), opinion)
        assert float(found.plcc) == pytest.approx(float(expected.plcc), abs=1e-6) and found.converged


@pytest.mark.parametrize("values", [2, 3])
def test_few_distinct_scores_are_fitted_by_their_means(values: int) -> None:
    rng = np.random.default_rng(0)
    scores = (np.arange(60) % values).astype(float)
    opinion = scores**2 + rng.normal(size=60)
    means = np.array([opinion[scores == score].mean() for score in scores])
    for fit in (logistic4, cubic, logistic5, lambda x, y: logistic5(x, y, "best")):
        found = fit(scores, opinion)
        assert float(found.plcc) == pytest.approx(float(plcc(means, opinion)), abs=1e-4) and found.converged
    assert np.isfinite(logistic5(scores, opinion, "customary").plcc)


def test_infinite_scores_have_ranks_but_no_curve() -> None:
    scores = np.array([1, 2, 3, 5, 4, np.inf, 7, 8])  # the PSNR of identical images
    opinion = np.array([1, 2, 3, 4, 5, 9, 7, 8.0])
    assert float(srcc(scores, opinion)) > 0.9
    assert np.isnan(logistic4(scores, opinion).plcc)


def test_errors_of_prediction_without_pairs_and_with_nan() -> None:
    for empty in ([], np.empty((0, 2))):
        for value in (rmse(empty, []), outlier_ratio(empty, [], []), rmse_star(empty, [], [])):
            assert np.isnan(value).all() and np.shape(value) == np.shape(empty)[1:]
    assert np.isnan(outlier_ratio([1.0, np.nan], [1.0, 1.0], [0.1, 0.1]))
    assert np.isnan(outlier_ratio([1.0, 1.0], [1.0, 1.0], [0.1, np.nan]))
    assert np.isnan(rmse_star([1.0, 2, 3, 4], [1.0, 1, 1, 1], [0.1] * 4))  # no degree of freedom is left
    assert float(outlier_ratio([1.0, 1.0], [1.0, 2.0], [0.0, 0.0])) == 0.5  # zero: any difference is an outlier


def test_one_reference_has_no_interval() -> None:
    scores, opinion = np.arange(6.0), np.arange(6.0)
    assert np.isnan(cluster_bootstrap(scores, opinion, np.zeros(6), resamples=10)).all()
    assert np.isnan(percentile_interval(cluster_bootstrap(scores, opinion, np.zeros(6), resamples=10))).all()
    one_distortion = cluster_bootstrap(scores, opinion, [0, 0, 0, 1, 1, 1], crossed=np.zeros(6), resamples=10)
    assert np.isnan(one_distortion).all()
    assert np.isnan(jackknife(scores, opinion, np.zeros(6))).all()


def test_krasula_without_different_or_similar_pairs() -> None:
    scores, opinion = np.arange(6.0), np.arange(6.0)
    all_similar = krasula(scores, opinion, np.full(6, 100.0))
    assert all_similar.pairs_different == 0
    assert np.isnan([all_similar.auc_ds, all_similar.auc_bw, all_similar.c0]).all()
    all_different = krasula(scores, opinion, np.zeros(6))
    assert np.isnan(all_different.auc_ds) and float(all_different.auc_bw) == float(all_different.c0) == 1
    for n in (0, 1):
        assert np.isnan(krasula(scores[:n], opinion[:n], np.zeros(n)).c0)
    for unknown in (krasula(scores, opinion, [np.nan] * 6), krasula([np.nan, *range(5)], opinion, np.zeros(6))):
        assert np.isnan([unknown.auc_ds, unknown.auc_bw, unknown.c0]).all()
    constant = krasula(np.ones(6), opinion, np.zeros(6))
    assert float(constant.c0) == 0 and float(constant.auc_bw) == 0.5  # no difference counts as wrong
    assert np.isnan(compare_krasula(scores, scores, opinion, np.ones(6)).auc_ds.p)


@pytest.mark.parametrize(
    ("r12", "r13", "r23", "n"),
    [(0.5, 0.4, 0.3, 3), (0.5, 0.4, 0.3, 0), (1.0, 0.4, 0.3, 50), (np.nan, 0.4, 0.3, 50), (0.9, -0.9, 0.9, 50)],
)
def test_undefined_comparisons_are_nan(r12: float, r13: float, r23: float, n: int) -> None:
    for test in (williams, steiger, meng):
        assert np.isnan(test(r12, r13, r23, n)).all()
    assert np.isnan(zou(r12, r13, r23, n)).all()


def test_fisher_interval_needs_four_pairs() -> None:
    assert np.isnan(fisher_interval(0.5, 3)).all()
    assert np.isfinite(fisher_interval(0.5, 4)).all()


def test_no_triplets_have_no_score() -> None:
    assert np.isnan(two_afc([], [], []))
    assert np.isnan(two_afc([np.nan], [1.0], [0.4]))


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-20, 1.0, 1e20, 1e160, 1e300])
def test_correlations_do_not_depend_on_the_unit(scale: float) -> None:
    """Squares of very small and very large numbers are 0 or infinite: Pearson's was 1 at 1e-300, 0 at 1e160."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=20), rng.normal(size=20)
    assert float(plcc(x * scale, y)) == pytest.approx(float(plcc(x, y)), abs=1e-12)
    assert float(plcc(x, y * scale, np.ones(20))) == pytest.approx(float(plcc(x, y)), abs=1e-12)
    assert float(srcc(x * scale, y)) == float(srcc(x, y))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_infinite_scores_have_no_pearson_correlation(bad: float) -> None:
    columns, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20.0)
    columns[3, 0] = bad
    found = plcc(columns, y)
    assert np.isnan(found[0]) and np.isfinite(found[1])


@pytest.mark.parametrize("preference", [-0.1, 1.5, 60.0])
def test_preferences_are_shares(preference: float) -> None:
    for function in (two_afc, agreement):
        with pytest.raises(ValueError, match="no share of people"):
            function([0.1, 0.2], [0.3, 0.1], [0.5, preference])
    with pytest.raises(ValueError, match="no share of people"):
        average_precision([0.1, 0.2], [0.5, preference])


def test_small_groups_do_not_count_within_groups() -> None:
    """One photograph's six images of a type counted as much as a hundred of another."""
    y = np.arange(26.0)
    x = np.concatenate([y[:20], -y[20:]])
    groups = ["many"] * 20 + ["few"] * 6
    assert float(srcc_within(x, y, groups)) == 1 and float(srcc_within(x, y, groups, fewest=2)) == 0
    assert float(srcc_within(x[20:], y[20:], groups[20:])) == -1  # there are no others
    three = np.random.default_rng(0).normal(size=30)
    kinds = np.repeat(["a", "b", "c"], 10)
    each = [float(srcc(three[kinds == kind], y[:10])) for kind in "abc"]
    expected = np.tanh(np.mean(np.arctanh(each)))
    assert float(srcc_within(three, np.tile(y[:10], 3), kinds, average="fisher_z")) == pytest.approx(expected)


@pytest.mark.parametrize("number", [1, 2, 5, 51])
def test_corrections_for_many_tests_equal_statsmodels(number: int) -> None:
    p = np.round(np.random.default_rng(number).uniform(size=number) ** 2, 2)  # with ties
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1])
    some = np.insert(p, 0, np.nan)  # no test
    np.testing.assert_allclose(holm(some)[1:], holm(p))
    assert np.isnan(holm(some)[0])
