"""The vocabulary of claims, and verdicts on results whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from scipy.stats import t as student
from statsmodels.stats.weightstats import ttost_paired

from iqa_lab.errors import UserError
from iqa_lab.statistics.factors.claims import parse_claim
from iqa_lab.statistics.factors.serial import trend_p
from iqa_lab.statistics.factors.units import Columns, Judged
from iqa_lab.statistics.factors.verdicts import columns_of_claims, judge_claims
from tests.statistics.factors.test_contrasts import NETS, grid

REFERENCES = 25


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


def judged_of(
    claims: list[str], table: pd.DataFrame, error: float = 0.005, references: int = REFERENCES
) -> dict[Columns, Judged]:
    """The best of the candidates, with errors over references of each column's own."""
    rng = np.random.default_rng(0)
    noise = error * rng.normal(size=(len(table), 400))
    place = {name: number for number, name in enumerate(table.index)}
    found: dict[Columns, Judged] = {}
    for columns in columns_of_claims(claims, table):
        values = {
            name: table["srcc" if np.isfinite(table.loc[name, "srcc"]) else "agreement"][name] for name in columns
        }
        best = max(values, key=lambda name: values[name])
        found[columns] = Judged(float(values[best]), values[best] + noise[place[best]], references, len(columns))
    return found


def verdict_of(claim: str, table: pd.DataFrame, **settings: float) -> dict[str, object]:
    (row,) = judge_claims([claim], table, judged_of([claim], table, **settings)).to_dict("records")
    return row


def test_a_claim_pairs_only_what_began_alike() -> None:
    """Detectors that began with ImageNet's weights are no evidence on their goal, and are on being trained at all."""
    table = results()
    detector = table["goal"].eq("jigsaw")
    began = np.where(detector, "classification/imagenet1k", "")
    table = table.assign(goal=table["goal"].replace("jigsaw", "detection"), initialised_from=began)
    row = verdict_of("classification > detection", table)
    assert row["verdict"] == "undecided" and "differ in goal alone and began alike" in str(row["note"])
    assert verdict_of("classification > detection", table.assign(initialised_from=""))["verdict"] == "supported"
    blank = table[detector].assign(goal="untrained", dataset="none", initialised_from="", srcc=0.2)
    both = pd.concat([table, blank], ignore_index=True)
    assert verdict_of("all > untrained", both)["networks"] == 24
    assert verdict_of("detection > untrained", both)["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("classification > jigsaw", "supported"),
        ("jigsaw > classification", "contradicted"),
        ("jigsaw < classification", "supported"),
        ("goal=classification > goal=jigsaw for benchmark in [tid]", "supported"),
        ("all > baseline/ssim_gray", "supported"),
        ("all > baseline/ssim_gray for goal = jigsaw", "supported"),  # a metric has no goal to be chosen by
        ("all > baseline/ssim_gray for architecture in [net0, net1]", "holds for these 4 networks"),
        ("baseline/ssim_gray < baseline/ssim_rgb", "undecided"),
        ("baseline/ssim_gray > all", "contradicted"),
        ("trend(depth) > 0", "supported"),  # rises in each of eight, as no random walks would
        ("trend(depth) ~ 0 within .2", "undecided"),
        ("trend(depth) > 0 for architecture in [net0]", "undecided"),  # of three layers anything goes up
        ("classification > jigsaw for architecture in [net0, net1]", "holds for these 4 networks"),
        ("classification < jigsaw for architecture = net0", "fails for these 2 networks"),
        ("[jigsaw] < classification", "supported"),
        ("goal=[classification] > goal=[jigsaw]", "supported"),
        ("classification > jigsaw at layer middle", "supported"),
        ("classification > jigsaw at depth .4", "supported"),
        ("classification > jigsaw at last layer", "supported"),
        ("classification > jigsaw at best heldout for readout = plain", "supported"),
        ("first layer < best layer", "supported"),
        ("first layer > last layer", "contradicted"),
        ("each > baseline/ssim_gray", "holds for these 16 networks"),
        ("most > baseline/ssim_gray", "holds for these 16 networks"),
        ("most < baseline/ssim_gray", "fails for these 16 networks"),
        ("at least 3 of 8 architectures > baseline/ssim_rgb for benchmark = tid", "holds for these 16 networks"),
        ("at least 2 > baseline/ssim_rgb", "holds for these 16 networks"),
    ],
)
def test_verdicts(claim: str, verdict: str) -> None:
    row = verdict_of(claim, results())
    assert row["verdict"] == verdict, row
    one_by_one = claim.startswith(("each", "most", "at least"))
    assert (row["note"] == "") == (verdict != "undecided" and not one_by_one)
    if one_by_one:
        assert (
            "16 networks are so" in str(row["note"])
            or "8 architectures are so" in str(row["note"])
            or "0 of" in str(row["note"])
        )


def test_the_row_says_what_a_verdict_rests_on() -> None:
    row = verdict_of("classification > jigsaw", results(seed=1))
    assert row["difference"] == pytest.approx(0.1, abs=0.02) and row["low"] < 0.1 < row["high"]
    assert (row["pairs"], row["networks"], row["units"], row["benchmarks"]) == (8, 16, 32, 2)
    assert row["about"] == "other networks and references" and row["candidates"] == "3 against 3"
    assert row["rests_on"] == "16 networks in 8 independent pairs, 50 references, 2 benchmarks"
    many = verdict_of("all > baseline/ssim_gray", results())
    # two goals of each architecture are one observation of it
    assert (many["pairs"], many["networks"], many["units"]) == (8, 16, 34) and many["candidates"] == "3 against 1"


def test_without_scores_no_layer_can_be_chosen() -> None:
    (row,) = judge_claims(["classification > jigsaw"], results()).to_dict("records")
    assert row["verdict"] == "undecided" and "write 'at layer NAME'" in row["note"]
    (fixed,) = judge_claims(["classification > jigsaw at last layer"], results()).to_dict("records")
    assert fixed["verdict"] == "supported" and fixed["about"] == "other networks"


def test_an_unrelated_network_changes_no_verdict() -> None:
    """One that lacks a readout took it from all claims, and turned them."""
    claim = "classification > jigsaw for readout = lpips"
    table = results()
    lpips = table[table["goal"] != "baseline"].assign(readout="lpips", srcc=lambda rows: rows["srcc"] + 0.1)
    table = pd.concat([table, lpips], ignore_index=True)
    other = table[:1].assign(goal="rotation", architecture="net99", weights="net99")
    with_other = pd.concat([table, other], ignore_index=True)
    alone, beside = verdict_of(claim, table), verdict_of(claim, with_other)
    for row in (alone, beside):  # no cell has several trainings: there is no noise floor
        assert np.isnan([row.pop("floor_sd"), row.pop("floor_reach")]).all()
    assert alone == beside and alone["verdict"] == "supported"
    lacking = with_other.drop(
        with_other[(with_other["readout"] == "lpips") & (with_other["architecture"] == "net1")].index
    ).reset_index(drop=True)
    row = verdict_of(claim, lacking)
    assert row["pairs"] == 7 and "left out, for they were not read in this way: classification" in str(row["note"])


def test_the_readout_of_a_claim_is_fixed() -> None:
    """Plain unless it says otherwise: not the best of all that ran."""
    table = readings(0.05, 0.002)
    jigsaw = table[table["goal"] == "classification"].assign(goal="jigsaw", srcc=lambda rows: rows["srcc"] - 0.01)
    both = pd.concat([table, jigsaw], ignore_index=True)
    assert verdict_of("classification > jigsaw", both)["candidates"] == "1 against 1"
    named = verdict_of("classification > jigsaw for readout in [plain, gram]", both)
    assert named["candidates"] == "3 against 3"
    elsewhere = both.replace({"readout": {"plain": "lpips"}})
    row = verdict_of("classification > jigsaw", elsewhere)
    assert row["verdict"] == "undecided" and "networks were read in several ways (gram, lpips)" in str(row["note"])


def test_networks_of_one_group_against_another_without_pairs() -> None:
    """Six against two are no six observations; what they are matched by is not there."""
    units = grid(["classification"], NETS, ["tid"], noise=0.02)
    units["goal"] = ["classification"] * 6 + ["jigsaw"] * 2
    units["dataset"] = [f"d{number}" for number in range(8)]
    table = units.assign(architecture="vgg16")
    row = verdict_of("classification/vgg16 > jigsaw/vgg16", table)
    assert row["pairs"] == 2 and row["about"] == "other references" and "these 8 networks" in str(row["verdict"])
    many = pd.concat(
        [table, table.assign(dataset=lambda rows: rows["dataset"] + "x", goal="jigsaw")], ignore_index=True
    )
    wide = verdict_of("classification/vgg16 > jigsaw/vgg16", many)
    assert wide["pairs"] == 6 and wide["about"] == "other networks and references"


def test_attributes_of_goals() -> None:
    table = results().assign(**{"goal.supervision": lambda rows: rows["goal"].map({"classification": "labels"})})
    table["goal.supervision"] = table["goal.supervision"].fillna("none")
    row = verdict_of("goal.supervision=labels > none", table)
    assert row["verdict"] == "supported" and row["pairs"] == 8 and row["networks"] == 16
    some = verdict_of("all > baseline/ssim_gray for goal.supervision = none", table)
    assert some["networks"] == 8 and some["verdict"] == "supported"


def test_choices_enter_claims_by_their_agreement() -> None:
    table = results().query("goal != 'baseline'")
    choices = table[table["benchmark"] == "tid"].assign(
        benchmark="bapps", agreement=lambda rows: rows["srcc"], srcc=np.nan
    )
    both = pd.concat([table, choices], ignore_index=True)
    assert verdict_of("classification > jigsaw for benchmark = bapps", both)["verdict"] == "supported"
    mixed = verdict_of("classification > jigsaw", both)
    assert mixed["verdict"] == "undecided" and "different statistics (agreement, srcc)" in str(mixed["note"])


def test_few_references_decide_nothing() -> None:
    row = verdict_of("classification > jigsaw for benchmark = tid", results(), references=5)
    assert row["verdict"] == "undecided" and np.isnan(row["p"]) and "fewer than 6 references" in str(row["note"])


def test_many_clear_claims_stay_clear() -> None:
    """Fifty-one: the smallest p that 400 resamples can count is .0025, and 51 of them would all be chance."""
    row = verdict_of("classification > jigsaw for architecture = net0 and benchmark = tid", results())
    assert row["verdict"] == "holds for these 2 networks" and 51 * float(str(row["p"])) < 1e-4


def test_equal_groups_are_undecided() -> None:
    table = results(seed=1)
    table.loc[table["goal"] == "jigsaw", "srcc"] += 0.1
    row = verdict_of("classification > jigsaw", table)
    assert row["verdict"] == "undecided" and row["note"] == "the difference may be chance"


def test_p_values_are_corrected_across_the_study() -> None:
    claims = ["classification > jigsaw", "all > baseline/ssim_gray", "classification > jigsaw for benchmark in [tid]"]
    table = results()
    together = judge_claims(claims, table, judged_of(claims, table))
    assert (together["p_holm"] >= together["p"]).all() and together["p_holm"].max() > together["p"].max() * 0.99
    alone = judge_claims(claims[:1], table, judged_of(claims, table))
    assert alone["p_holm"].iloc[0] == alone["p"].iloc[0] < together["p_holm"].iloc[0]


def test_few_networks_are_judged_by_resampling_references() -> None:
    units = grid(["classification", "jigsaw"], ["net0"], ["tid"], noise=0).assign(srcc=[0.9, 0.5])
    row = verdict_of("classification > jigsaw", units, error=0.05)
    assert row["verdict"] == "holds for these 2 networks"
    assert row["about"] == "other references" and row["pairs"] == 1
    (without,) = judge_claims(["classification > jigsaw"], units).to_dict("records")
    assert without["verdict"] == "undecided" and "no interval" in without["note"]


def test_a_trend_of_one_network_has_to_beat_a_random_walk() -> None:
    one = grid(["jigsaw"], ["net0"], ["tid"])
    layers = [one.assign(layer=f"l{n}", depth=n / 11, srcc=0.3 + 0.02 * n) for n in range(12)]
    table = pd.concat(layers, ignore_index=True)
    claims = ["trend(depth) > 0 for architecture in [net0]", "trend(depth) < 0"]
    judged = judge_claims(claims, table, judged_of(claims, table))
    assert judged["verdict"].tolist() == ["holds for this network", "fails for this network"]
    assert judged["difference"].tolist() == [1, 1] and judged["units"].tolist() == [1, 1]
    assert judged["p"].tolist() == pytest.approx([trend_p(1, [12])] * 2)
    # three layers go up by chance in one of four profiles
    three = table[table["layer"].isin(["l0", "l5", "l11"])].reset_index(drop=True)
    row = verdict_of("trend(depth) > 0", three)
    assert row["verdict"] == "undecided" and row["p"] == pytest.approx(0.5, abs=0.02)


def test_nothing_to_compare_is_undecided_and_says_why() -> None:
    table = results().query("goal != 'jigsaw' or architecture == 'net0'")
    table.loc[table["goal"] == "jigsaw", "dataset"] = "imagenet22k"
    row = verdict_of("classification > jigsaw", table)
    assert row["verdict"] == "undecided" and "no two units differ in goal alone" in row["note"] and row["units"] == 0
    (row,) = [verdict_of("all > baseline/ssim_gray", results().query("(goal == 'baseline') == (benchmark == 'tid')"))]
    assert "no two units of these groups are on the same benchmark" in str(row["note"])


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
        ("trend(depth) ~ 1 within .1", "a trend is compared with 0"),
        ("trend(performance) > 0", "write trend(own task) or trend(imagenet)"),
        ("trend(colour) > 0", "there is no trend(colour)"),
        ("trend(depth) > 0 at depth .5", "is of all layers"),
        ("classification > jigsaw at depth 2", "after 'at' write"),
        ("classification > jigsaw at the end", "after 'at' write"),
        ("at least 5 of 4 architectures > baseline/ssim_gray", "no number of networks"),
        ("at least 0 > baseline/ssim_gray", "no number of networks"),
        ("most of 3 > baseline/ssim_gray", "write most, or at least N of 3"),
        ("most ~ baseline/ssim_gray within .1", "most goes with > and <"),
        ("last layer < classification", "compare two of best layer"),
        ("last layer < last layer", "compare two of best layer"),
        ("[classification, jigsaw] > jigsaw", "jigsaw is on both sides"),
        ("all > baseline/ssim", "baseline/ssim is not exact: write one of ssim_gray, ssim_rgb"),
        ("classification > jigsaw for goal = jigsaw and goal = classification", "goal is named twice"),
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
        ("all > baseline/simm", "no result is baseline/simm; of baseline there are ssim"),
        ("classification > jigsaw for architecture in [net99]", "no result has architecture=net99"),
    ],
)
def test_what_no_result_has_leaves_its_claim_undecided(claim: str, message: str) -> None:
    """Misspelt, or not computed yet: the other claims of a study are judged all the same."""
    claims, table = [claim, "classification > jigsaw"], results()
    judged = judge_claims(claims, table, judged_of(claims, table))
    assert judged["verdict"].tolist() == ["undecided", "supported"] and message in judged["note"][0]
    assert len(columns_of_claims([claim], table)) == 0


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
    assert judged["pairs"].tolist() == [1, 1, 2, 2]  # matched, of all too: they differ in their goal


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
    row = verdict_of("gram > plain", table)
    means = table[table["layer"] == "last"].groupby("readout")["srcc"].mean()
    assert row["verdict"] == "supported" and row["pairs"] == 8 and row["units"] == 16
    assert row["difference"] == pytest.approx(means["gram"] - means["plain"])
    named = verdict_of("readout=plain < readout=gram for architecture in [net0, net1]", table)
    assert named["pairs"] == 2
    alone = verdict_of("gram > plain", table[(table["readout"] == "gram") != (table.index < 3)])
    assert alone["pairs"] == 3
    apart = verdict_of("gram > plain", table[(table["readout"] == "gram") == (table["architecture"] == "net1")])
    assert apart["note"] == "no network was read in both ways"


@pytest.mark.parametrize(
    ("difference", "noise", "verdict"),
    [(0.01, 0.004, "supported"), (0.06, 0.004, "contradicted"), (0.02, 0.05, "undecided"), (-0.01, 0.004, "supported")],
)
def test_small_differences_are_claimed_by_two_one_sided_tests(difference: float, noise: float, verdict: str) -> None:
    table = readings(difference, noise)
    (row,) = judge_claims(["gram ~ plain within .03 at last layer"], table).to_dict("records")
    assert row["verdict"] == verdict
    assert (row["note"] == "") == (verdict != "undecided")
    if verdict == "supported":  # statsmodels gives the larger of two one-sided p; ours are two-sided
        last = table[(table["layer"] == "last")].pivot(index="architecture", columns="readout", values="srcc")
        assert row["p"] == pytest.approx(2 * ttost_paired(last["gram"], last["plain"], -0.03, 0.03)[0])


def test_small_differences_of_few_networks_are_judged_by_resampling_references() -> None:
    units = grid(["classification", "jigsaw"], ["net0"], ["tid"], noise=0).assign(srcc=[0.9, 0.9])
    claims = ["classification ~ jigsaw within .2", "classification ~ jigsaw within .001"]
    judged = judge_claims(claims, units, judged_of(claims, units))
    assert judged["verdict"].tolist() == ["holds for these 2 networks", "undecided"]
    # two one-sided t tests with references - 1 degrees of freedom
    away = (0.2 - abs(judged["difference"][0])) / judged["se"][0]
    assert judged["p"][0] == pytest.approx(max(2 * student.sf(away, REFERENCES - 1), 2.0 ** (1 - REFERENCES)))


def sized(within: float, between: float) -> pd.DataFrame:
    """Two goals of eight architectures each; agreement grows with size by so much within and between goals."""
    table = grid(["classification", "jigsaw"], NETS, ["tid", "kadid"], noise=0)
    size = table["architecture"].str[3:].astype(float) + 10 * (table["goal"] == "jigsaw")
    value = 0.5 + within * (size % 10) + between * (table["goal"] == "jigsaw")
    return table.assign(imagenet=size, srcc=value + 0.001 * np.random.default_rng(5).normal(size=len(table)))


def test_trends_over_networks_are_within_goals() -> None:
    """Pooled, a trend of -1 in each of two goals was supported as one of +.5."""
    table = sized(-0.01, 0.3)
    claim = "trend(imagenet) > 0"
    pooled = [spearmanr(part["srcc"], part["imagenet"])[0] for _, part in table.groupby("benchmark")]
    row = verdict_of(claim, table)
    assert np.mean(pooled) > 0.4 and row["difference"] < -0.9 and row["verdict"] == "contradicted"
    assert (row["pairs"], row["units"], row["benchmarks"], row["about"]) == (16, 32, 2, "other networks")
    one = table[table["goal"] == "jigsaw"].reset_index(drop=True)
    expected = [spearmanr(part["srcc"], part["imagenet"])[0] for _, part in one.groupby("benchmark")]
    assert verdict_of(claim, one)["difference"] == pytest.approx(np.mean(expected))
    few = verdict_of(claim, one[one["architecture"] < "net4"])
    assert few["verdict"] == "undecided" and "5 architectures of one goal" in str(few["note"])
    assert "own_task is known" in str(verdict_of("trend(own task) > 0", table)["note"])


def test_the_columns_that_claims_rest_on_are_those_whose_resamples_they_use() -> None:
    """With resamples of these, and of no other, no claim is left without an interval."""
    table = readings(0.01, 0.004, networks=2)
    claims = ["gram > plain", "net0 > net1", "all > baseline/psnr", "first layer < best layer for readout = gram"]
    judged = judge_claims(claims, table, judged_of(claims, table))
    assert judged["p"].notna().all(), judged
    (layers,) = [columns_of_claims(["trend(depth) > 0 for readout = gram"], table)]
    assert len(layers) == 4 and all(len(columns) == 1 for columns in layers)
