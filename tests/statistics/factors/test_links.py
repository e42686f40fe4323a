"""Two benchmarks beside each other: trends over networks and over layers whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from iqa_lab.errors import UserError
from iqa_lab.statistics.factors.claims import parse_claim
from iqa_lab.statistics.factors.foreseen import foresee
from iqa_lab.statistics.factors.serial import trend_p, walking_pairs
from iqa_lab.statistics.factors.units import Columns, Judged, with_values
from iqa_lab.statistics.factors.verdicts import columns_of_claims, judge_claims

HEADLINES = {"tid": "srcc", "thresholds": "sensitivity"}
OVER = "trend(benchmark tid) > 0 for benchmark = thresholds"
LAYERS = "trend(benchmark tid over layers) > 0 for benchmark = thresholds"


def table_of(networks: int = 8, layers: int = 12, sign: int = 1, seed: int = 0) -> pd.DataFrame:
    """The same networks on two benchmarks; where one layer, or network, agrees better, so does it there (or worse)."""
    rng = np.random.default_rng(seed)
    rows = []
    for network in range(networks):
        quality = 0.5 + 0.03 * network + rng.uniform(-0.01, 0.01, layers).cumsum()
        for benchmark in ("tid", "thresholds"):
            srcc = quality if benchmark == "tid" else 0.3 + sign * (quality - 0.6)
            rows += [
                {"benchmark": benchmark, "goal": "classification", "dataset": "imagenet1k", "weights": f"w{network}",
                 "architecture": f"net{network}", "layer": f"l{layer}", "depth": layer / (layers - 1),
                 "readout": "plain", "srcc": srcc[layer], "n": 100}
                for layer in range(layers)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def judged_of(claims: list[str], table: pd.DataFrame) -> dict[Columns, Judged]:
    rng = np.random.default_rng(1)
    found = {}
    for columns in columns_of_claims(claims, table, HEADLINES):
        value = float(table.loc[list(columns), "srcc"].mean())
        found[columns] = Judged(value, value + 0.002 * rng.normal(size=400), 25, len(columns))
    return found


def verdict(claim: str, table: pd.DataFrame) -> dict[str, object]:
    (row,) = judge_claims([claim], table, judged_of([claim], table), headlines=HEADLINES).to_dict("records")
    return row


@pytest.mark.parametrize(("sign", "word"), [(1, "supported"), (-1, "contradicted")])
def test_networks_that_agree_better_there_do_or_do_not_here(sign: int, word: str) -> None:
    found = verdict(OVER, table_of(sign=sign))
    assert found["verdict"] == word and found["difference"] == pytest.approx(sign)
    assert (found["networks"], found["benchmarks"]) == (8, 2)


def test_every_training_is_a_network() -> None:
    """Trainings of one architecture on other images are several networks here: each has a value on both benchmarks."""
    table = table_of().assign(architecture="one")
    assert verdict(OVER, table)["networks"] == 8


@pytest.mark.parametrize(("sign", "word"), [(1, "supported"), (-1, "contradicted")])
def test_layers_that_agree_better_there_do_or_do_not_here(sign: int, word: str) -> None:
    found = verdict(LAYERS, table_of(sign=sign))
    assert found["verdict"] == word and found["difference"] == pytest.approx(sign, abs=1e-9)


def test_layers_are_matched_by_name_not_by_place() -> None:
    table = table_of(networks=6, seed=3)
    order = np.random.default_rng(4).permutation(len(table))
    one, other = (verdict(LAYERS, rows) for rows in (table, table.iloc[order].reset_index(drop=True)))
    assert one["difference"] == pytest.approx(other["difference"])


def test_two_drifting_profiles_are_no_evidence() -> None:
    """Random walks along the layers of few networks: a trend as large as theirs is chance."""
    walks = walking_pairs(12)
    assert np.abs(np.mean(walks)) < 0.02 and np.quantile(np.abs(walks), 0.95) > 0.7
    rng = np.random.default_rng(0)
    own = [spearmanr(*rng.normal(size=(2, 12)).cumsum(axis=1)).statistic for _ in range(400)]
    assert np.std(own) == pytest.approx(np.std(walks), rel=0.15)
    assert trend_p(0.5, [12], walking=walking_pairs) > 0.2 > 0.01 > trend_p(0.5, [12] * 20, walking=walking_pairs)


def test_a_network_on_one_benchmark_only_is_no_evidence() -> None:
    table = table_of(networks=7)
    alone = table[~((table["benchmark"] == "tid") & table["weights"].isin(["w0", "w1", "w2"]))]
    found = verdict(OVER, alone.reset_index(drop=True))
    assert found["verdict"] == "undecided" and "it takes" in str(found["note"])


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("trend(benchmark tid) > 0", "beside which benchmark"),
        ("trend(benchmark tid) > 0 for benchmark = tid", "beside which benchmark"),
        ("trend(benchmark tid) > 0 for benchmark in [a, b]", "beside which benchmark"),
        ("trend(benchmark tid) ~ 0 within .2 for benchmark = a", "cannot be tested"),
        ("trend(benchmark tid over layers) > 0 for benchmark = a at last layer", "FACTOR in"),
        ("trend(benchmark tid over layers) > 0 at last layer for benchmark = a", "of all layers"),
        ("trend(benchmark) > 0 for benchmark = a", "there is no trend"),
        ("trend(tid) > 0 for benchmark = a", r"trend\(benchmark NAME\)"),
    ],
)
def test_what_means_nothing_is_refused(claim: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_claim(claim)


def test_a_benchmark_that_is_not_there_is_named() -> None:
    found = verdict("trend(benchmark kadid) > 0 for benchmark = thresholds", table_of())
    assert found["verdict"] == "undecided" and "no result has benchmark=kadid" in str(found["note"])


def test_thresholds_and_opinions_are_never_averaged() -> None:
    table = pd.concat([table_of(), table_of().assign(goal="jigsaw", architecture="x")], ignore_index=True)
    row = judge_claims(["classification > jigsaw"], table, headlines=HEADLINES).to_dict("records")[0]
    assert row["verdict"] == "undecided" and "judged by different statistics" in str(row["note"])


def test_what_a_grid_can_find_is_foreseen() -> None:
    table = with_values(table_of(), HEADLINES)
    over, layers = foresee([OVER, LAYERS], table)
    assert (over.networks, over.benchmarks) == (8, ("thresholds", "tid")) and 0 < over.detects < 1
    assert layers.networks == 8 and "random walks" in layers.note
