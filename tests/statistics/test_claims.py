"""The vocabulary of claims, and verdicts on results whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from iqa_lab.errors import UserError
from iqa_lab.statistics.claims import judge_claims, parse_claim
from iqa_lab.statistics.factors import resample_units
from tests.statistics.test_factors import NETS, grid, scores_of


def results(networks: int = 8, seed: int = 0) -> pd.DataFrame:
    """Networks of two goals on two benchmarks, an SSIM that is worse, and two layers more whose SRCC grows."""
    units = grid(["classification", "jigsaw"], NETS[:networks], ["tid", "kadid"], seed=seed)
    ssim = grid(["jigsaw"], ["ssim_gray", "ssim_rgb"], ["tid", "kadid"], seed=seed).assign(
        goal="baseline", dataset="none", layer="output", srcc=lambda rows: rows["srcc"] - 0.2
    )
    layers = [
        units.assign(layer=name, depth=depth, srcc=units["srcc"] - lower)
        for name, depth, lower in [("first", 0.0, 0.2), ("middle", 0.5, 0.1), ("last", 1.0, 0.0), ("pixels", 0.0, 0.3)]
    ]
    return pd.concat([*layers, ssim], ignore_index=True)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("classification > jigsaw", "supported"),
        ("jigsaw > classification", "contradicted"),
        ("jigsaw < classification", "supported"),
        ("goal=classification > goal=jigsaw for benchmark in [tid]", "supported"),
        ("all > baseline/ssim", "supported"),
        ("baseline/ssim_gray > all", "contradicted"),
        ("trend(depth) > 0", "undecided"),  # rises in each of them: no spread to judge by
        ("classification > jigsaw for architecture in [net0, net1]", "undecided"),
    ],
)
def test_verdicts(claim: str, verdict: str) -> None:
    (row,) = judge_claims([claim], results()).to_dict("records")
    assert row["verdict"] == verdict, row
    assert (row["note"] == "") == (verdict != "undecided")


def test_the_row_says_what_a_verdict_rests_on() -> None:
    (row,) = judge_claims(["classification > jigsaw"], results(seed=1)).to_dict("records")
    assert row["difference"] == pytest.approx(0.1, abs=0.02) and row["low"] < 0.1 < row["high"]
    assert (row["pairs"], row["units"], row["benchmarks"]) == (8, 32, 2) and row["about"] == "other networks"
    (many,) = judge_claims(["all > baseline/ssim"], results()).to_dict("records")
    assert many["pairs"] == 16 and many["units"] == 36  # both variants of SSIM, on two benchmarks


def test_equal_groups_are_undecided() -> None:
    table = results(seed=1)
    table.loc[table["goal"] == "jigsaw", "srcc"] += 0.1
    (row,) = judge_claims(["classification > jigsaw"], table).to_dict("records")
    assert row["verdict"] == "undecided" and row["note"] == "the difference may be chance"


def test_p_values_are_corrected_across_the_study() -> None:
    claims = ["classification > jigsaw", "all > baseline/ssim", "classification > jigsaw for benchmark in [tid]"]
    together = judge_claims(claims, results())
    assert (together["p_holm"] >= together["p"]).all() and together["p_holm"].max() > together["p"].max() * 0.99
    alone = judge_claims(claims[:1], results())
    assert alone["p_holm"].iloc[0] == alone["p"].iloc[0] < together["p_holm"].iloc[0]


def test_few_networks_are_judged_by_resampling_references() -> None:
    units = grid(["classification", "jigsaw"], ["net0"], ["tid"], noise=0).assign(srcc=[0.9, 0.5])
    drawn = resample_units(scores_of(units), resamples=1000)
    (row,) = judge_claims(["classification > jigsaw"], units, drawn).to_dict("records")
    assert row["verdict"] == "supported" and row["about"] == "other references" and row["pairs"] == 1
    (without,) = judge_claims(["classification > jigsaw"], units).to_dict("records")
    assert without["verdict"] == "undecided" and "no interval" in without["note"]


def test_a_trend_of_one_network_is_judged_by_resampling_references() -> None:
    table = results(1).query("goal == 'jigsaw' and benchmark == 'tid' and layer != 'pixels'")
    rng = np.random.default_rng(0)
    drawn = {name: srcc + 0.01 * rng.normal(size=500) for name, srcc in table["srcc"].items()}
    claims = ["trend(depth) > 0 for architecture in [net0]", "trend(depth) < 0"]
    judged = judge_claims(claims, table, drawn)
    assert judged["verdict"].tolist() == ["supported", "contradicted"]
    assert judged["difference"].tolist() == [1, 1] and judged["units"].tolist() == [1, 1]


def test_nothing_to_compare_is_undecided_and_says_why() -> None:
    table = results().query("goal != 'jigsaw' or architecture == 'net0'")
    table.loc[table["goal"] == "jigsaw", "dataset"] = "imagenet22k"
    (row,) = judge_claims(["classification > jigsaw"], table).to_dict("records")
    assert row["verdict"] == "undecided" and "no two units differ in goal alone" in row["note"] and row["units"] == 0
    (apart,) = judge_claims(
        ["all > baseline/ssim"], results().query("(goal == 'baseline') == (benchmark == 'tid')")
    ).to_dict("records")
    assert "no two units of these groups are on the same benchmark" in apart["note"]


def test_conditions() -> None:
    claim = parse_claim("all > baseline/ssim for benchmark in [tid, kadid] and goal=jigsaw")
    assert claim.only == {"benchmark": ("tid", "kadid"), "goal": ("jigsaw",)}
    assert (claim.left, claim.greater, claim.right) == ("all", True, "baseline/ssim")
    assert parse_claim("trend(depth) < 0").greater is False


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("classification is better", "write LEFT > RIGHT or LEFT < RIGHT, as in classification > jigsaw"),
        ("trend(depth) > 1", "a trend is compared with 0"),
        ("a b > c", "'a b' is no group of networks"),
        ("classification > jigsaw for architecture", "after 'for' write FACTOR in"),
        ("classification > jigsaw for colour in [red]", "there is no factor colour"),
        ("classification > jigsaw for goal in []", "no level of goal is named"),
        ("clasification > jigsaw", "no result has clasification; there are classification"),
        ("all > baseline/sim", "no result is baseline/sim; of baseline there are ssim"),
        ("colour=red > jigsaw", "there is no factor colour"),
        ("classification > jigsaw for architecture in [net99]", "no result has architecture=net99"),
    ],
)
def test_claims_that_cannot_be_read_say_what_is_wrong(claim: str, message: str) -> None:
    with pytest.raises(UserError, match="claim") as error:
        judge_claims([claim], results())
    assert message in str(error.value)


def test_a_word_of_two_factors_is_asked_for() -> None:
    table = results()
    table.loc[table["goal"] == "jigsaw", "dataset"] = "classification"
    with pytest.raises(UserError, match="classification is a level of goal and of dataset: write goal=classification"):
        judge_claims(["classification > jigsaw"], table)
