"""Against scipy, scikit-learn and plain re-computation on random data, with ties: equal to 1e-10."""

import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.special import expit
from sklearn.metrics import roc_auc_score, root_mean_squared_error

from iqa_lab.statistics import (
    bca_interval,
    bonett_wright,
    bootstrap_p,
    cluster_bootstrap,
    compare_krasula,
    cubic,
    delong,
    fisher_interval,
    fisher_z,
    jackknife,
    krasula,
    krcc,
    logistic4,
    logistic5,
    percentile_interval,
    plcc,
    rmse,
    srcc,
)

SEEDS = st.integers(0, 9999)


@given(seed=SEEDS, ties=st.booleans())
def test_weights_repeat_rows(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    scores, opinion = rng.normal(size=(30, 2)), rng.normal(size=30)
    if ties:
        scores, opinion = scores.round(), opinion.round()
    weights = rng.integers(0, 4, 30)
    rows = np.repeat(np.arange(30), weights)
    for mine, theirs in ((srcc, scipy.stats.spearmanr), (plcc, scipy.stats.pearsonr), (krcc, scipy.stats.kendalltau)):
        expected = [theirs(scores[rows, column], opinion[rows]).statistic for column in range(2)]
        np.testing.assert_allclose(mine(scores, opinion, weights), expected, atol=1e-10)


def test_weights_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="how often"):
        plcc([1, 2, 3], [1, 2, 3], [1, -1, 1])
    with pytest.raises(ValueError, match="whole numbers"):
        krcc([1, 2, 3], [1, 2, 3], [1, 0.5, 1])


@given(seed=SEEDS, n=st.integers(4, 100))
def test_fisher(seed: int, n: int) -> None:
    theirs = scipy.stats.pearsonr(*np.random.default_rng(seed).normal(size=(2, n)))
    r = float(theirs.statistic)
    assert float(fisher_z(r)) == pytest.approx(np.arctanh(r), abs=1e-12)
    low, high = fisher_interval(r, n)
    expected = theirs.confidence_interval()
    assert (float(low), float(high)) == pytest.approx((float(expected.low), float(expected.high)), abs=1e-10)
    assert float(bonett_wright(r, n)) == pytest.approx((1 + r * r / 2) / (n - 3), rel=1e-12)


@given(seed=SEEDS)
def test_rmse_equals_scikit_learn(seed: int) -> None:
    predicted, opinion = np.random.default_rng(seed).normal(size=(2, 20))
    assert float(rmse(predicted, opinion)) == pytest.approx(root_mean_squared_error(opinion, predicted), abs=1e-10)


@given(seed=SEEDS, ties=st.booleans())
def test_krasula_equals_scikit_learn_on_all_pairs(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    scores, opinion, error = rng.normal(size=14), rng.normal(size=14), rng.uniform(0.1, 0.6, 14)
    if ties:
        scores = scores.round()
    found = krasula(scores, opinion, error)
    i, j = np.triu_indices(14, 1)
    different = np.abs(opinion[i] - opinion[j]) > 1.96 * np.hypot(error[i], error[j])
    assert (found.pairs, found.pairs_different) == (91, different.sum())
    if not 0 < different.sum() < 91:
        return
    ds = roc_auc_score(different, np.abs(scores[i] - scores[j]))
    d = ((scores[i] - scores[j]) * np.sign(opinion[i] - opinion[j]))[different]
    bw = roc_auc_score(np.repeat([1, 0], len(d)), np.concatenate([d, -d]))
    assert (float(found.auc_ds), float(found.auc_bw)) == pytest.approx((ds, bw), abs=1e-10)
    assert float(found.c0) == pytest.approx(np.mean(d > 0), abs=1e-10)


@given(seed=SEEDS, ties=st.booleans())
def test_delong_by_its_definition(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    positive, negative = rng.normal(0.5, 1, (2, 12)), rng.normal(size=(2, 9))
    if ties:
        positive, negative = positive.round(), negative.round()
    kernel = (positive[:, :, None] > negative[:, None]) + 0.5 * (positive[:, :, None] == negative[:, None])
    rows, columns = np.cov(kernel.mean(2)), np.cov(kernel.mean(1))
    covariance = rows / 12 + columns / 9
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    found = delong(list(positive), list(negative))
    if variance < 1e-12:
        return
    difference = np.subtract(*kernel.mean((1, 2)))
    assert float(found.statistic) == pytest.approx(difference / np.sqrt(variance), rel=1e-9, abs=1e-10)


def test_delong_finds_the_better_metric() -> None:
    rng = np.random.default_rng(0)
    opinion = rng.normal(size=150)
    good, bad = opinion + 0.3 * rng.normal(size=150), opinion + 2 * rng.normal(size=150)
    found = compare_krasula(good, bad, opinion, np.full(150, 0.3))
    assert float(found.auc_ds.statistic) > 0 and float(found.auc_bw.statistic) > 0 and float(found.auc_bw.p) < 1e-6
    turned = compare_krasula(bad, good, opinion, np.full(150, 0.3))
    assert float(turned.auc_bw.statistic) == pytest.approx(-float(found.auc_bw.statistic))


def curve4(x: np.ndarray, b1: float, b2: float, b3: float, b4: float) -> np.ndarray:
    return b2 + (b1 - b2) * expit((x - b3) / np.abs(b4))


@settings(max_examples=25)
@given(seed=SEEDS, shape=st.sampled_from(["sigmoid", "line", "power", "heavy tail", "contrary"]))
def test_no_4_parameter_fit_of_scipy_is_better(seed: int, shape: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=150)
    clean = {"sigmoid": np.tanh(2 * x), "line": x, "power": np.exp(x), "heavy tail": x, "contrary": -np.tanh(x)}[shape]
    y = clean + rng.normal(0, 0.3, 150)
    x = np.sinh(2 * x) if shape == "heavy tail" else x
    found = logistic4(x, y)
    assert found.converged
    residual = float(found.rmse)
    for steepness in (0.1, 1, 10):
        for place in np.quantile(x, [0.1, 0.5, 0.9]):
            start = (y.max(), y.min(), place, np.ptp(x) / 10 / steepness)
            try:
                with warnings.catch_warnings(action="ignore"):
                    best, _ = curve_fit(curve4, x, y, start, maxfev=2000)
            except RuntimeError:
                continue
            theirs = np.sqrt(np.mean((curve4(x, *best) - y) ** 2))
            assert residual <= theirs * (1 + 1e-4), (steepness, place)


def test_the_parameters_that_made_the_data_are_recovered() -> None:
    x = np.linspace(-3, 5, 300)
    y4 = curve4(x, 8, 1, 0.7, 0.6)
    np.testing.assert_allclose(logistic4(x, y4).fitted, y4, atol=1e-4)
    y5 = 3 * (0.5 - 1 / (1 + np.exp(2 * (x - 1)))) + 0.4 * x + 2
    for start in ("monotone", "best", "customary"):
        np.testing.assert_allclose(logistic5(x, y5, start).fitted, y5, atol=1e-3)
    np.testing.assert_allclose(cubic(x, x**3 - x).fitted, x**3 - x, atol=1e-9)


def test_a_monotone_curve_never_falls() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    y = np.sin(2 * x[:, 0]) + x[:, 0] + 0.3 * rng.normal(size=200)
    fitted = logistic5(x + y[:, None], y).fitted
    for column, curve in zip((x + y[:, None]).T, fitted.T, strict=True):
        assert (np.diff(curve[np.argsort(column)]) >= -1e-9).all()


@settings(max_examples=6)
@given(seed=SEEDS)
def test_many_columns_are_fitted_as_each_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    opinion = rng.normal(size=60)
    scores = opinion[:, None] + rng.normal(size=(60, 4))
    together = logistic4(scores, opinion)
    for number in range(4):
        alone = logistic4(scores[:, number], opinion)
        assert float(alone.plcc) == pytest.approx(float(together.plcc[number]), abs=1e-9)


@settings(max_examples=15)
@given(seed=SEEDS, ties=st.booleans(), crossed=st.booleans())
def test_all_ways_of_the_bootstrap_equal_plain_resampling(seed: int, ties: bool, crossed: bool) -> None:
    """Few and many clusters, crossed factors, both correlations, against repeated rows."""
    rng = np.random.default_rng(seed)
    n = 60
    scores, opinion = rng.normal(size=(n, 2)), rng.normal(size=n)
    if ties:
        scores, opinion = scores.round(), opinion.round()
    for clusters in (4, n):
        cluster, kind = rng.permutation(np.arange(n) % clusters), np.arange(n) % 5
        draws = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=6)[:, cluster]
        if crossed:
            draws = draws * np.random.default_rng([seed, 1]).multinomial(5, np.full(5, 1 / 5), size=6)[:, kind]
        for name, theirs in (("srcc", scipy.stats.spearmanr), ("plcc", scipy.stats.pearsonr)):
            found = cluster_bootstrap(
                scores, opinion, cluster, resamples=6, seed=seed, crossed=kind if crossed else None, statistic=name
            )
            for row, drawn in zip(found, draws, strict=True):
                rows = np.repeat(np.arange(n), drawn)
                with np.errstate(all="ignore"):
                    expected = [theirs(scores[rows, column], opinion[rows]).statistic for column in range(2)]
                np.testing.assert_allclose(row, expected, atol=1e-10)


def test_jackknife_equals_leaving_out() -> None:
    rng = np.random.default_rng(0)
    scores, opinion, cluster = rng.normal(size=(40, 2)), rng.normal(size=40), np.arange(40) % 5
    found = jackknife(scores, opinion, cluster)
    for left_out in range(5):
        kept = cluster != left_out
        np.testing.assert_allclose(found[left_out], srcc(scores[kept], opinion[kept]), atol=1e-12)


def test_bca_equals_scipy() -> None:
    """Every row its own cluster, so that scipy's bootstrap is the same one; its draws are others."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    y = x + 0.5 * rng.normal(size=40)
    rows = np.arange(40)
    drawn = cluster_bootstrap(x, y, rows, resamples=20_000, statistic="plcc")
    low, high = bca_interval(drawn, plcc(x, y), jackknife(x, y, rows, statistic="plcc"))
    theirs = scipy.stats.bootstrap(
        (x, y), lambda a, b, axis=-1: scipy.stats.pearsonr(a, b, axis=axis).statistic, paired=True, vectorized=True,
        n_resamples=20_000, method="BCa", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    # the spread is .03; both ends rest on 20,000 draws
    assert (float(low[0]), float(high[0])) == pytest.approx((theirs.low, theirs.high), abs=0.004)
    plain_low, _ = percentile_interval(drawn)
    assert abs(float(low[0] - plain_low[0])) > 0.01  # the correction is more than what the draws differ by


def test_bootstrap_p() -> None:
    drawn = np.stack([np.linspace(-1, 3, 999), np.linspace(1, 2, 999), np.full(999, np.nan)], axis=1)
    p = bootstrap_p(drawn)
    assert p[0] == pytest.approx(2 * 251 / 1000, abs=0.003) and p[1] == 2 / 1000 and np.isnan(p[2])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("references", "images", "own", "expanded"),
    [(25, 40, 0.2, True), (100, 8, 0.7, False)],
    ids=["few references, expanded percentiles", "many references, percentiles"],
)
def test_coverage_of_the_cluster_bootstrap(references: int, images: int, own: float, expanded: bool) -> None:
    """Correlated images of a reference: the interval over references holds the truth as often as it says.

    With 1200 simulated databases the standard error of a share of 95 % is 0.6 %. Where references differ much, images
    taken as independent promise too much.
    """
    rng = np.random.default_rng(0)

    def database(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cluster = np.repeat(np.arange(number), images)
        level = rng.normal(size=images * number)
        score = level + own * rng.normal(size=number)[cluster] + 0.5 * rng.normal(size=len(level))
        return score, level, cluster

    truth = float(np.mean([float(srcc(*database(20_000)[:2])) for _ in range(5)]))
    held = np.zeros(1200, dtype=bool)
    held_by_rows = np.zeros(100, dtype=bool)
    for number in range(len(held)):
        score, level, cluster = database(references)
        drawn = cluster_bootstrap(score, level, cluster, resamples=1000, seed=number)
        low, high = percentile_interval(drawn, clusters=references if expanded else None)
        held[number] = low[0] <= truth <= high[0]
        if number < len(held_by_rows) and own > 0.5:
            rows = cluster_bootstrap(score, level, np.arange(len(level)), resamples=400, seed=number)
            low, high = percentile_interval(rows)
            held_by_rows[number] = low[0] <= truth <= high[0]
    assert held.mean() == pytest.approx(0.95, abs=0.02)
    assert held_by_rows.mean() < 0.9  # none where it was not tried
