"""What a study can find: against statsmodels, against the estimator itself on simulated studies, and by its limits."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.power import TTestPower

from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS
from iqa_lab.statistics.factors.estimate import Sample, estimate
from iqa_lab.statistics.factors.foreseen import Foreseen, foresee
from iqa_lab.statistics.factors.power import detectable, detectable_trend, provable_margin
from tests.statistics.factors.test_simulation import pairs


@pytest.mark.parametrize("number", [5, 6, 12, 40])
@pytest.mark.parametrize("claims", [1, 11])
def test_without_references_it_is_the_power_of_a_paired_t_test(number: int, claims: int) -> None:
    theirs = TTestPower().solve_power(nobs=number, alpha=0.05 / claims, power=0.8)
    assert detectable(number, claims, within=0.0) == pytest.approx(0.03 * theirs, rel=1e-4)  # their search stops there


@pytest.mark.parametrize(("number", "claims"), [(1, 1), (4, 1), (4, 5), (5, 1), (12, 1), (12, 5)])
def test_four_of_five_simulated_studies_find_it(number: int, claims: int) -> None:
    rng, trials = np.random.default_rng([number, claims]), 400
    size, margin = detectable(number, claims), provable_margin(number, claims)
    studies = []
    for _ in range(trials):
        sample, of_these = pairs(rng, number, 25)
        if number < ENOUGH_NETWORKS:  # about these networks: what they differ by is the truth
            assert sample.drawn is not None
            sample = Sample(sample.values - of_these, sample.drawn - of_these)
        studies.append(estimate([sample], [25]))
    assert {one.networks for one in studies} == {"other" if number >= ENOUGH_NETWORKS else "these"}
    # the same study with a true difference is shifted by it
    found = np.mean([one.p(-size) < 0.05 / claims for one in studies])
    equal = np.mean([max(one.p(margin), one.p(-margin)) < 0.05 / claims and abs(one.difference) < margin
                     for one in studies])  # fmt: skip
    assert abs(found - 0.8) < 0.06 and abs(equal - 0.8) < 0.06  # three Monte-Carlo errors


def test_more_networks_find_less_and_references_set_a_floor() -> None:
    sizes = [detectable(number) for number in (5, 6, 10, 20, 1000)]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > 2.8 * 0.012 / np.sqrt(2)
    assert detectable(20, others=20) > detectable(20) and np.isnan(detectable(20, others=0))
    assert all(np.isnan(function(number)) for function in (detectable, provable_margin) for number in (0, -1))
    assert detectable(8, 10) > detectable(8, 1)


def test_trends_need_enough_orders_of_networks() -> None:
    assert np.isnan(detectable_trend([4])) and np.isnan(detectable_trend([5], claims=4))  # 2 of 120 orders are .017
    assert detectable_trend([30]) < detectable_trend([15, 15]) < detectable_trend([12])


def grid() -> pd.DataFrame:
    """Six architectures for two goals on two benchmarks, three of them untrained, and a metric."""
    rows = []
    for benchmark in ("tid", "kadid"):
        for number in range(6):
            for goal in ("classification", "jigsaw", *(["untrained"] if number < 3 else [])):
                dataset = "none" if goal == "untrained" else "imagenet1k"
                rows += [
                    {"benchmark": benchmark, "goal": goal, "dataset": dataset, "architecture": f"a{number}",
                     "weights": "w", "readout": readout, "layer": layer, "depth": depth, "parameters": number}
                    for readout in ("plain", "mean") for layer, depth in (("early", 0.0), ("late", 1.0))
                ]  # fmt: skip
        rows.append({"benchmark": benchmark, "goal": "baseline", "dataset": "none", "architecture": "ssim",
                     "weights": "", "readout": "ssim", "layer": "ssim", "depth": 1.0})  # fmt: skip
    return pd.DataFrame(rows).assign(value=0.5, statistic="srcc")


@pytest.mark.parametrize(
    ("claim", "pairs_", "networks", "finds", "note"),
    [
        ("classification > jigsaw", 6, 12, detectable(6), ""),
        ("classification > jigsaw at layer features.3", 6, 12, detectable(6), ""),
        ("classification > untrained", 3, 6, detectable(3), "these 6 networks only"),
        ("classification > jigsaw for architecture in [a0, a1]", 2, 4, detectable(2), "these 4 networks only"),
        ("all > baseline/ssim", 6, 12, detectable(6), ""),
        ("mean ~ plain within .2", 6, 12, provable_margin(6), ""),
        ("mean ~ plain within .03", 6, 12, provable_margin(6), "within 0.03 is more than this grid can show"),
        ("last layer < first layer", 6, 12, detectable(6), ""),
        ("most > baseline/ssim", 6, 12, None, "one by one"),
        ("at least 3 of 4 architectures > baseline/ssim", 6, 12, None, "there are 6 architectures"),
        ("[a0, a1] > [a2, a3]", 2, 8, detectable(2), "these 8 networks only"),
        ("trend(depth) > 0", 6, 12, None, "random walks"),
        ("trend(parameters) < 0", 12, 12, detectable_trend([6, 6]), ""),
        ("trend(own task) > 0", 0, 0, None, "own_task is known"),
        ("concat > best layer", 0, 0, None, "no network"),
        ("swav > jigsaw", 0, 0, None, "no network of the grid has swav"),
    ],
)
def test_each_kind_of_claim(claim: str, pairs_: int, networks: int, finds: float | None, note: str) -> None:
    (found,) = foresee([claim], grid())
    assert isinstance(found, Foreseen) and note in found.note
    assert (found.pairs, found.networks) == (pairs_, networks)
    assert np.isnan(found.detects) if finds is None else found.detects == pytest.approx(finds)
    assert found.benchmarks == (("kadid", "tid") if networks else ())
