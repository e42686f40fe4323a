"""The table of a unit: every column filled from what the benchmark tells, and nothing from what it does not."""

import numpy as np
import pandas as pd
import pytest

from iqa_lab.config import StatisticsConfig
from iqa_lab.statistics import krasula, logistic4, outlier_ratio, rmse_star
from iqa_lab.statistics.intervals.few import FEWEST, RELIABLE, few_references
from iqa_lab.statistics.table import (
    CORRELATIONS,
    KRASULA_PAIRS,
    agreement_table,
    correlation_table,
    kind_columns,
    kinds_of,
    people_an_image,
    standard_errors,
)
from tests.conftest import composed, needs_shared


def published() -> pd.DataFrame:
    scores = pd.read_csv(needs_shared("oracles", "tid2013_scores.csv")).rename(
        columns={"ref": "reference", "type": "distortion", "mos": "opinion", "mos_sem": "opinion_std"}
    )
    return scores.assign(reference=scores["reference"].str.lower(), psnr=-scores["psnr"])  # distances all


def test_the_table_of_published_scores_is_filled_completely() -> None:
    scores, config = published(), composed("benchmark=tid2013", "statistics.resamples=100")
    errors = standard_errors(scores, config.benchmark)
    names = ["psnr", "fsim", "clip_vitb32_l2"]
    table = correlation_table(scores, names, 1, config.statistics, errors)
    assert list(table.columns) == CORRELATIONS and table.notna().all().all()
    assert table["logistic_converged"].all() and (table["krasula_pairs"] == KRASULA_PAIRS).all()
    expected = pd.read_csv(needs_shared("oracles", "tid2013_expected.csv")).set_index(["statistic", "metric"])["value"]
    for column, statistic, tolerance in [
        ("plcc_logistic", "plcc_log4", 3e-4), ("rmse", "rmse_log4", 3e-4),
        ("outlier_ratio", "outlier_ratio_log4", 2e-3),
        ("rmse_star", "rmse_star_log4", 1e-3), ("krcc", "krcc_tau_b", 1e-9),
        ("srcc_within_reference", "mean_per_reference_srcc", 1e-9),
        # a sample of pairs: its documented error
        ("krasula_auc_ds", "krasula_auc_ds", 5e-3), ("krasula_auc_bw", "krasula_auc_bw", 5e-3),
        ("krasula_c0", "krasula_c0", 5e-3),
    ]:  # fmt: skip
        np.testing.assert_allclose(table[column], expected[statistic].loc[names], atol=tolerance, err_msg=column)


def test_without_standard_errors_what_needs_them_is_empty() -> None:
    scores = published().drop(columns="opinion_std").iloc[::15]  # of all references
    table = correlation_table(scores, ["psnr"], 1, composed("statistics.resamples=20").statistics)
    empty = ["outlier_ratio", "rmse_star", "krasula_auc_ds", "krasula_auc_bw", "krasula_c0"]
    assert table[empty].isna().all().all() and table.drop(columns=empty).notna().all().all()


def test_a_contrary_column_stays_negative_after_the_mapping() -> None:
    scores = published().head(300)
    settings = composed("statistics.resamples=20").statistics
    right = correlation_table(scores, ["fsim"], 1, settings)
    contrary = correlation_table(scores, ["fsim"], -1, settings)  # as if the opinions were dmos
    assert float(right["plcc_logistic"].iloc[0]) > 0.5
    for name in ("srcc", "plcc", "plcc_logistic", "krcc"):
        assert float(contrary[name].iloc[0]) == pytest.approx(-float(right[name].iloc[0]), abs=1e-6)


def test_a_standard_deviation_becomes_a_standard_error_by_the_number_of_people() -> None:
    scores = pd.DataFrame({"opinion_std": [2.0, 4.0]})
    config = composed("benchmark=kadid10k").benchmark
    config.opinion_std, config.people = "standard_deviation", None
    assert standard_errors(scores, config) is None
    config.people = 16
    assert standard_errors(scores, config).tolist() == [0.5, 1.0]
    config.people = [12, 20]  # the middle
    assert standard_errors(scores, config).tolist() == [0.5, 1.0] and people_an_image(config) == 16
    config.opinion_std = "standard_error"
    assert standard_errors(scores, config).tolist() == [2.0, 4.0]
    assert standard_errors(scores.replace(2.0, np.nan), config) is None
    assert standard_errors(scores.drop(columns="opinion_std"), config) is None


def test_statistics_of_predictions_are_those_after_the_logistic() -> None:
    scores, config = published().iloc[:600], composed("benchmark=tid2013", "statistics.resamples=20")
    errors = standard_errors(scores, config.benchmark)
    row = correlation_table(scores, ["lpips"], 1, config.statistics, errors).iloc[0]
    opinion = scores["opinion"].to_numpy()
    fit = logistic4(-scores["lpips"], opinion)
    assert row["rmse_star"] == float(rmse_star(fit.fitted, opinion, errors))
    assert row["outlier_ratio"] == float(outlier_ratio(fit.fitted, opinion, errors))
    whole = krasula(-scores["lpips"], opinion, errors, max_pairs=KRASULA_PAIRS)
    assert whole.pairs == row["krasula_pairs"] == 600 * 599 // 2 and row["krasula_c0"] == float(whole.c0)


@pytest.mark.parametrize("references", [1, 2, FEWEST - 1, FEWEST, RELIABLE])
def test_over_few_references_there_is_no_interval(references: int) -> None:
    rng = np.random.default_rng(references)
    rows = 12 * references
    scores = pd.DataFrame(
        {"reference": np.repeat(np.arange(references), 12), "distortion": "blur", "opinion": rng.random(rows),
         "plain@a": rng.random(rows)}
    )  # fmt: skip
    settings = StatisticsConfig(resamples=20)
    rated = correlation_table(scores, ["plain@a"], 1, settings)
    chosen = agreement_table(scores.assign(opinion=np.tile([0.25, 0.75], rows // 2)), ["plain@a"], settings)
    assert rated["srcc"].notna().all() and chosen["agreement"].notna().all()
    for table, name in ((rated, "srcc"), (chosen, "agreement")):
        ends = table[[f"{name}_low", f"{name}_high"]]
        assert ends.notna().all().all() if references >= FEWEST else ends.isna().all().all()
    said = few_references(references)
    assert (said is None) == (references >= RELIABLE)
    assert said is None or ("No intervals" in said) == (references < FEWEST)


def test_a_kind_of_distortion_that_is_called_low_leaves_the_interval_as_it_is() -> None:
    rng = np.random.default_rng(0)
    names = ["low", "high", "best", "low_", "jpeg"]
    scores = pd.DataFrame(
        {"reference": np.repeat(np.arange(FEWEST), 20), "distortion": np.tile(np.repeat(names, 2), 2 * FEWEST),
         "opinion": np.tile([0.25, 0.75], 10 * FEWEST), "plain@a": rng.random(20 * FEWEST)}
    )  # fmt: skip
    settings = StatisticsConfig(resamples=20)
    plain = agreement_table(scores.assign(distortion=""), ["plain@a"], settings)
    found = agreement_table(scores, ["plain@a"], settings)
    pd.testing.assert_frame_equal(found[list(plain)], plain)
    assert set(kinds_of(found)) == {*kind_columns(names).values()} and len(kinds_of(found)) == len(names)
    for kind, name in kind_columns(names).items():
        alone = agreement_table(scores[scores["distortion"] == kind], ["plain@a"], settings)
        assert found[name].tolist() == alone["agreement"].tolist()
