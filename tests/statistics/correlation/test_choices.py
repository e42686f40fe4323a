"""Two-alternative choices against published scores of BAPPS and plain re-computation."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics.correlation.choices import agreement, average_precision, ceilings, cluster_bootstrap_mean
from iqa_lab.statistics.intervals.bootstrap import percentile_interval


@pytest.mark.parametrize("category", ["traditional", "frameinterp"])
def test_bapps_as_published(shared_oracles: Path, category: str) -> None:
    scores = pd.read_csv(shared_oracles / f"bapps_2afc_{category}.csv")
    expected = pd.read_csv(shared_oracles / "bapps_expected.csv").query("category == @category")
    expected = expected.set_index("quantity")["value"]
    assert len(scores) == expected["n_triplets"]
    people = np.round(5 * scores["judge"]) / 5  # stored as float32
    both = agreement(scores[["alex_d0", "vgg_d0"]], scores[["alex_d1", "vgg_d1"]], people)
    for network, values in zip(("alex", "vgg"), both.T, strict=True):
        assert 100 * values.mean() == pytest.approx(expected[f"{network}_2afc"], abs=1e-4)
        alone = agreement(scores[f"{network}_d0"], scores[f"{network}_d1"], people)
        np.testing.assert_array_equal(alone, values)
    limits = ceilings(people, people=5)
    assert 100 * limits.majority == pytest.approx(expected["human_majority_oracle"], abs=1e-4)
    assert 100 * limits.person == pytest.approx(expected["human_unbiased_5_judges"], abs=1e-4)
    assert 100 * limits.person_paired_with_themselves == pytest.approx(expected["human_p2_plus_q2"], abs=1e-4)
    assert limits.majority >= both.mean(axis=0).max()


def test_the_published_headline_of_lpips(shared_oracles: Path) -> None:
    for category, percent in (("traditional", 77.48), ("frameinterp", 62.43)):
        scores = pd.read_csv(shared_oracles / f"bapps_2afc_{category}.csv")
        values = agreement(scores["alex_d0"], scores["alex_d1"], np.round(5 * scores["judge"]) / 5)
        assert round(100 * values.mean(), 2) == percent


def test_a_perfect_and_a_contrary_distance() -> None:
    generator = np.random.default_rng(0)
    preference = generator.integers(0, 2, 50).astype(float)
    right = 1 - preference
    assert agreement(preference, right, preference).mean() == 1
    assert agreement(right, preference, preference).mean() == 0
    assert agreement(right, right, preference).mean() == 0.5


def test_the_bootstrap_of_the_mean_against_plain_resampling() -> None:
    generator = np.random.default_rng(0)
    values, clusters = generator.random((60, 2)), generator.integers(0, 9, 60)
    fast = cluster_bootstrap_mean(values, clusters, resamples=50, seed=3)
    drawing = np.random.default_rng(3)
    names = np.unique(clusters)
    for row in fast:
        drawn = drawing.integers(len(names), size=len(names))
        chosen = np.concatenate([np.flatnonzero(clusters == names[place]) for place in drawn])
        np.testing.assert_allclose(row, values[chosen].mean(axis=0), rtol=1e-12)
    assert np.isnan(cluster_bootstrap_mean(values, np.zeros(60))).all()


def test_triplets_of_one_reference_make_the_interval_wider() -> None:
    generator = np.random.default_rng(0)
    clusters = np.repeat(np.arange(40), 10)
    values = np.repeat(generator.random(40), 10)  # the ten triplets of a reference say the same
    widths = []
    for groups in (np.arange(400), clusters):
        low, high = percentile_interval(cluster_bootstrap_mean(values, groups, resamples=500))
        widths.append(float(high[0] - low[0]))
    assert widths[1] > 2.5 * widths[0]


def test_one_judge_has_no_ceiling() -> None:
    with pytest.raises(ValueError, match="at least two have to judge"):
        ceilings([0.0, 1.0], people=1)


def test_average_precision_is_that_of_the_lpips_package() -> None:
    import lpips

    generator = np.random.default_rng(0)
    distances, same = generator.random((300, 4)), generator.integers(0, 4, 300) / 3

    def published(column: Any) -> float:
        sames = same[np.argsort(column)]
        found = np.cumsum(sames)
        return float(lpips.voc_ap(found / sames.sum(), found / np.arange(1, 301)))

    np.testing.assert_allclose(
        average_precision(distances, same), [published(column) for column in distances.T], rtol=1e-12
    )


def test_average_precision_of_ties_nobody_and_nothing() -> None:
    assert average_precision([0.0, 0.0, 0.0], [1.0, 0.0, 0.5]) == pytest.approx(0.5)  # whatever their order
    assert np.isnan(average_precision([0.1, 0.2], [0.0, 0.0]))
    assert np.isnan(average_precision([0.1, np.nan], [1.0, 0.0]))
    assert average_precision(np.empty((0, 3)), []).shape == (3,)
