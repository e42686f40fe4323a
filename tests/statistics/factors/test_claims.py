"""The vocabulary of claims, and verdicts on results whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from statsmodels.stats.weightstats import ttost_paired

from iqa_lab.errors import UserError
from iqa_lab.statistics.factors.claims import parse_claim
from iqa_lab.statistics.factors.units import resample_units
from iqa_lab.statistics.factors.verdicts import judge_claims, rows_of_claims
from tests.statistics.factors.test_contrasts import NETS, grid, scores_of


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
    assert (claim.left, claim.relation, claim.right, claim.margin) == ("all", ">", "baseline/ssim", 0)
    assert parse_claim("trend(depth) < 0").relation == "<"
    assert parse_claim("places365 ~ imagenet1k within .03 for benchmark=tid").margin == 0.03


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("classification is better", "write LEFT > RIGHT, LEFT < RIGHT or LEFT ~ RIGHT within .05"),
        ("classification ~ jigsaw", "~ and within belong together"),
        ("classification > jigsaw within .05", "~ and within belong together"),
        ("trend(depth) ~ 0 within .1", "a trend is compared with 0"),
        ("plain > jigsaw", "a readout is compared with a readout"),
        ("trend(depth) > 1", "a trend is compared with 0"),
        ("a b > c", "'a b' is no group of networks"),
        ("classification > jigsaw for architecture", "after 'for' write FACTOR in"),
        ("classification > jigsaw for colour in [red]", "there is no factor colour"),
        ("classification > jigsaw for goal in []", "no level of goal is named"),
        ("colour=red > jigsaw", "there is no factor colour"),
    ],
)
def test_claims_that_cannot_be_read_say_what_is_wrong(claim: str, message: str) -> None:
    with pytest.raises(UserError, match="claim") as error:
        judge_claims([claim], results())
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("clasification > jigsaw", "no result has clasification; there are classification"),
        ("all > baseline/sim", "no result is baseline/sim; of baseline there are ssim"),
        ("classification > jigsaw for architecture in [net99]", "no result has architecture=net99"),
    ],
)
def test_what_no_result_has_leaves_its_claim_undecided(claim: str, message: str) -> None:
    """Misspelt, or not computed yet: the other claims of a study are judged all the same."""
    judged = judge_claims([claim, "classification > jigsaw"], results())
    assert judged["verdict"].tolist() == ["undecided", "supported"] and message in judged["note"][0]
    assert len(rows_of_claims([claim], results())) == 0


def test_a_word_of_two_factors_is_asked_for() -> None:
    table = results()
    table.loc[table["goal"] == "jigsaw", "dataset"] = "classification"
    with pytest.raises(UserError, match="classification is a level of goal and of dataset: write goal=classification"):
        judge_claims(["classification > jigsaw"], table)


def test_untrained_networks_take_part_where_they_are_named() -> None:
    """An architecture that is better trained and worse untrained: a claim of architectures is about trained ones."""
    trained = grid(["classification"], ["net0", "net1"], ["tid"], noise=0).assign(srcc=[0.8, 0.7])
    untrained = trained.assign(goal="untrained", dataset="none", srcc=[0.2, 0.6])
    table = pd.concat([trained, untrained], ignore_index=True)
    claims = ["net0 > net1", "net0 > net1 for goal = untrained", "classification > untrained", "all > untrained"]
    judged = judge_claims(claims, table)
    assert judged["difference"].round(6).tolist() == [0.1, -0.4, 0.35, 0.35]
    assert judged["pairs"].tolist() == [1, 1, 2, 2]  # matched; of all, each against the mean of the untrained


def readings(difference: float, noise: float, networks: int = 8) -> pd.DataFrame:
    """Networks with a second readout that is better by a difference, in their best of two layers."""
    units = grid(["classification"], NETS[:networks], ["tid"], seed=2)
    rng = np.random.default_rng(3)
    second = units.assign(readout="gram", srcc=units["srcc"] + difference + noise * rng.normal(size=networks))
    worse = second.assign(layer="first", depth=0.0, srcc=second["srcc"] - 0.3)
    baseline = units[:1].assign(goal="baseline", architecture="psnr", layer="output", readout="plain", srcc=0.1)
    return pd.concat([units, second, worse, baseline], ignore_index=True)


def test_readouts_are_compared_on_the_same_networks_at_their_best_layers() -> None:
    table = readings(0.05, 0.002)
    (row,) = judge_claims(["gram > plain"], table).to_dict("records")
    means = table[table["layer"] == "last"].groupby("readout")["srcc"].mean()
    assert row["verdict"] == "supported" and row["pairs"] == 8 and row["units"] == 16
    assert row["difference"] == pytest.approx(means["gram"] - means["plain"])
    (named,) = judge_claims(["readout=plain < readout=gram for architecture in [net0, net1]"], table).to_dict("records")
    assert named["pairs"] == 2
    (alone,) = judge_claims(["gram > plain"], table[(table["readout"] == "gram") != (table.index < 3)]).to_dict(
        "records"
    )
    assert alone["pairs"] == 3
    (apart,) = judge_claims(
        ["gram > plain"], table[(table["readout"] == "gram") == (table["architecture"] == "net1")]
    ).to_dict("records")
    assert apart["note"] == "no network was read in both ways"


@pytest.mark.parametrize(
    ("difference", "noise", "verdict"),
    [(0.01, 0.004, "supported"), (0.06, 0.004, "contradicted"), (0.02, 0.05, "undecided"), (-0.01, 0.004, "supported")],
)
def test_small_differences_are_claimed_by_two_one_sided_tests(difference: float, noise: float, verdict: str) -> None:
    table = readings(difference, noise)
    (row,) = judge_claims(["gram ~ plain within .03"], table).to_dict("records")
    assert row["verdict"] == verdict
    assert (row["note"] == "") == (verdict != "undecided")
    if verdict == "supported":  # statsmodels gives the larger of two one-sided p; ours are two-sided
        last = table[(table["layer"] == "last")].pivot(index="architecture", columns="readout", values="srcc")
        assert row["p"] == pytest.approx(2 * ttost_paired(last["gram"], last["plain"], -0.03, 0.03)[0])


def test_small_differences_of_few_networks_are_judged_by_resampling_references() -> None:
    units = grid(["classification", "jigsaw"], ["net0"], ["tid"], noise=0).assign(srcc=[0.9, 0.9])
    drawn = resample_units(scores_of(units), resamples=1000)
    claims = ["classification ~ jigsaw within .2", "classification ~ jigsaw within .001"]
    judged = judge_claims(claims, units.assign(srcc=[float(drawn[0].mean()), float(drawn[1].mean())]), drawn)
    assert judged["verdict"].tolist() == ["supported", "undecided"]
    away = np.mean([drawn[0] - drawn[1] >= 0.2, drawn[0] - drawn[1] <= -0.2], axis=1).max()
    assert judged["p"][0] == pytest.approx(2 * away, abs=2 / 1001)


def test_the_trend_of_performance_is_spearmans_over_networks() -> None:
    table = grid(["classification"], NETS, ["tid", "kadid"], noise=0)
    rng = np.random.default_rng(5)
    better = dict(zip(NETS, rng.permutation(8), strict=True))
    rising = table.assign(performance=table["architecture"].map(better))
    rising["srcc"] = 0.5 + 0.04 * rising["performance"] + 0.001 * rng.normal(size=len(rising))
    (row,) = judge_claims(["trend(performance) > 0"], rising).to_dict("records")
    expected = [spearmanr(part["srcc"], part["performance"])[0] for _, part in rising.groupby("benchmark")]
    assert row["difference"] == pytest.approx(np.mean(expected)) and row["verdict"] == "supported"
    assert (row["pairs"], row["units"], row["benchmarks"], row["about"]) == (8, 16, 2, "other networks")
    (few,) = judge_claims(["trend(performance) > 0"], rising[rising["architecture"] < "net4"]).to_dict("records")
    assert few["verdict"] == "undecided" and "5 networks whose performance" in few["note"]
    (unknown,) = judge_claims(["trend(performance) > 0"], table).to_dict("records")
    assert unknown["note"] == few["note"]


def test_the_rows_that_claims_rest_on_are_those_whose_resamples_they_use() -> None:
    """With resamples of these rows, and of no other, no claim is left without an interval."""
    table = readings(0.01, 0.004, networks=2)
    claims = ["gram > plain", "net0 > net1 for readout = plain", "all > baseline/psnr"]
    rows = rows_of_claims(claims, table)
    assert set(rows["readout"]) == {"plain", "gram"} and "first" not in set(rows["layer"])
    rng = np.random.default_rng(0)
    drawn = {name: value + 0.01 * rng.normal(size=200) for name, value in rows["srcc"].items()}
    assert judge_claims(claims, table, drawn)["p"].notna().all()
    layers = rows_of_claims(["trend(depth) > 0 for readout = gram"], table)
    assert len(layers) == 4 and set(layers["layer"]) == {"first", "last"}
