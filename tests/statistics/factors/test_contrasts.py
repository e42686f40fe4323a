"""Factor analysis on simulated grids whose effects are known, and against statsmodels."""

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.formula.api as formula
from statsmodels.stats.anova import anova_lm

from iqa_lab.statistics import fisher_z
from iqa_lab.statistics.factors.contrasts import matched_contrasts, matched_pairs, mean_effect, simultaneous
from iqa_lab.statistics.factors.units import Judged, Scores, TooFewUnits, best_of_units, comparable, resample_unit
from iqa_lab.statistics.factors.variance import aliases, decompose_variance

EFFECTS = {"classification": 0.10, "jigsaw": 0.0, "rotation": 0.02}


def grid(
    goals: list[str], architectures: list[str], benchmarks: list[str], noise: float = 0.01, seed: int = 0
) -> pd.DataFrame:
    """One row a unit; the goal adds ``EFFECTS``, architecture and benchmark something of their own."""
    rng = np.random.default_rng(seed)
    of_architecture = {name: 0.03 * rng.normal() for name in architectures}
    of_benchmark = {name: 0.05 * rng.normal() for name in benchmarks}
    rows = [
        (b, g, "imagenet1k", a, a, "last", 1.0, "plain", 0.6 + EFFECTS[g] + of_architecture[a] + of_benchmark[b])
        for b, g, a in product(benchmarks, goals, architectures)
    ]
    names = ["benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout", "srcc"]
    return pd.DataFrame(rows, columns=names).assign(srcc=lambda t: t["srcc"] + noise * rng.normal(size=len(t)))


NETS = [f"net{number}" for number in range(8)]


def test_the_best_row_of_a_unit_is_neither_pixels_nor_fitted() -> None:
    table = grid(["jigsaw"], ["net0"], ["tid"], noise=0)
    rows = [
        table.assign(layer=layer, readout=readout, srcc=value)
        for layer, readout, value in [("pixels", "plain", 0.99), ("a", "tuned_insample", 0.95), ("a", "plain", 0.5),
                                      ("b", "plain", 0.7), ("c", "plain", np.nan)]
    ]  # fmt: skip
    best = best_of_units(pd.concat(rows, ignore_index=True))
    assert len(best) == 1 and best["layer"].iloc[0] == "b" and best.index[0] == 3


def test_networks_are_compared_by_the_readouts_that_all_have() -> None:
    units = grid(["jigsaw"], NETS[:3], ["tid", "kadid"])
    tuned = units[(units["architecture"] == "net1") & (units["benchmark"] == "tid")].assign(readout="tuned", srcc=0.99)
    everywhere = units[units["benchmark"] == "kadid"].assign(readout="gram")
    baseline = units[:1].assign(goal="baseline", architecture="psnr", readout="psnr", layer="output")
    pixels = units[:1].assign(layer="pixels", readout="gram")
    table = pd.concat([units, tuned, everywhere, baseline, pixels], ignore_index=True)
    kept = comparable(table)
    assert set(kept["readout"]) == {"plain", "gram", "psnr"}
    assert set(kept.loc[kept["readout"] == "gram", "benchmark"]) == {"kadid"}
    assert set(kept.index) <= set(table.index) and len(kept) == 6 + 3 + 1
    apart = table[(table["readout"] == "tuned") | (table["architecture"] == "net0")].query("benchmark == 'tid'")
    assert comparable(apart).empty  # no readout in common: nothing to compare by


def test_matched_pairs_differ_in_one_factor_only() -> None:
    units = grid(["classification", "jigsaw"], NETS[:3], ["tid", "kadid"])
    pairs = matched_pairs(units, "goal")
    assert len(pairs) == 6 and pairs["pair"].nunique() == 3
    for row in pairs.itertuples():
        one, other = units.loc[row.first], units.loc[row.second]
        same = ["benchmark", "dataset", "architecture"]
        assert (one[same] == other[same]).all() and one["goal"] != other["goal"]
        assert row.difference == pytest.approx(one["srcc"] - other["srcc"])
    lonely = units[(units["goal"] == "jigsaw") | (units["architecture"] == "net0")]
    assert len(matched_pairs(lonely, "goal")) == 2


def test_an_untrained_network_differs_in_its_goal_alone_from_every_training() -> None:
    units = grid(["classification", "jigsaw"], NETS[:2], ["tid", "kadid"])
    places = units[units["goal"] == "classification"].assign(dataset="places365")
    untrained = units[units["goal"] == "jigsaw"].assign(goal="untrained", dataset="none", srcc=0.4)
    everything = pd.concat([units, places, untrained], ignore_index=True)
    pairs = matched_pairs(everything, "goal").query("second_level == 'untrained'")
    assert len(pairs) == 2 * 2 * 3 and pairs["pair"].nunique() == 2 * 3  # benchmarks, networks, trainings of each
    for row in pairs.itertuples():
        one, other = everything.loc[row.first], everything.loc[row.second]
        assert (one["architecture"], one["benchmark"]) == (other["architecture"], other["benchmark"])
        assert other["goal"] == "untrained" and row.difference == pytest.approx(one["srcc"] - 0.4)
    assert "untrained" not in matched_pairs(everything, "dataset")["pair"].str.cat()


def begun(goal: str, dataset: str, origin: str | None, networks: list[str] = NETS[:3]) -> pd.DataFrame:
    """Units of one goal and environment whose trainings began with the weights of another."""
    units = grid(["jigsaw"], networks, ["tid", "kadid"])
    return units.assign(goal=goal, dataset=dataset, initialised_from=origin)


IMAGENET, COCO = "imagenet1k", "imagenet1k_coco"
SCRATCH = begun("classification", IMAGENET, None)
UNTRAINED = begun("untrained", "none", None)


@pytest.mark.parametrize(
    ("factor", "left", "right", "matched"),
    [
        # whatever the environment is called, what began with ImageNet's weights is no partner of what did not
        ("goal", SCRATCH, begun("detection", IMAGENET, "classification/imagenet1k"), False),
        ("goal", begun("classification", COCO, None), begun("detection", COCO, "classification/imagenet1k"), False),
        ("goal", begun("detection", COCO, "classification/imagenet1k"), UNTRAINED, False),
        ("goal", begun("detection", COCO, "jigsaw/imagenet1k"), begun("keypoints", COCO, "mae/imagenet1k"), False),
        # of two that began alike the goal is all that differs
        ("goal", begun("detection", COCO, "classification/imagenet1k"),
         begun("keypoints", COCO, "classification/imagenet1k"), True),
        ("goal", SCRATCH, begun("jigsaw", IMAGENET, None), True),
        ("goal", SCRATCH, begun("jigsaw", IMAGENET, ""), True),  # as a CSV file has it
        ("goal", SCRATCH, UNTRAINED, True),
        # the environment is that of both trainings; the goals of both have to be the same
        ("dataset", SCRATCH, begun("classification", "imagenet22k_imagenet1k", "classification/imagenet22k"), True),
        ("dataset", SCRATCH, begun("classification", "instagram3b_imagenet1k", "hashtags/instagram3b"), False),
        ("dataset", begun("detection", "coco", None), begun("detection", COCO, "classification/imagenet1k"), False),
        ("architecture", SCRATCH, begun("classification", IMAGENET, None, NETS[3:5]), True),
        ("architecture", SCRATCH, begun("classification", IMAGENET, "jigsaw/imagenet1k", NETS[3:5]), False),
    ],
)  # fmt: skip
def test_a_training_that_starts_from_another_differs_in_that_too(
    factor: str, left: pd.DataFrame, right: pd.DataFrame, matched: bool
) -> None:
    units = pd.concat([left, right], ignore_index=True)
    across = matched_pairs(units, factor)
    sides = (across["first"] < len(left)) & (across["second"] >= len(left))
    sides |= (across["second"] < len(left)) & (across["first"] >= len(left))
    assert sides.any() == matched
    # without the column nobody knows, and all are as if they began at random
    blind = matched_pairs(units.drop(columns="initialised_from"), factor)
    assert len(blind) >= len(across)
    if factor == "goal" and not matched and across.empty:
        with pytest.raises(TooFewUnits, match="where their training began"):
            matched_contrasts(units, factor)


def test_what_began_elsewhere_is_named_as_confounded() -> None:
    detectors = [begun(goal, COCO, "classification/imagenet1k") for goal in ("detection", "keypoints")]
    units = pd.concat([SCRATCH, begun("jigsaw", IMAGENET, None), *detectors], ignore_index=True)
    (of_goal,) = [one for one in aliases(units) if "began with" in one and one.startswith("goal")]
    assert of_goal == (
        "goal=detection,keypoints cannot be told from what their networks began with, a training on "
        "classification/imagenet1k: no network of these levels began at random"
    )
    assert not any("began with" in one for one in aliases(units.drop(columns="initialised_from")))
    both = pd.concat([SCRATCH, begun("detection", IMAGENET, None), *detectors], ignore_index=True)
    assert not any(one.startswith("goal=detection cannot be told from what") for one in aliases(both))


def test_contrasts_find_the_effects_that_were_put_in() -> None:
    units = grid(list(EFFECTS), NETS, ["tid", "kadid", "csiq"])
    table = matched_contrasts(units, "goal").set_index(["first_level", "second_level"])
    for (first, second), row in table.iterrows():
        truth = EFFECTS[first] - EFFECTS[second]
        assert row["low"] < truth < row["high"] and row["about"] == "other networks"
        assert (row["pairs"], row["units"], row["benchmarks"]) == (8, 48, 3)
    assert table.loc[("classification", "jigsaw"), "p"] < 1e-4


def test_recipes_of_one_cell_are_no_further_networks() -> None:
    units = grid(["classification", "jigsaw"], NETS[:2], ["tid"])
    many = pd.concat(
        [units.assign(weights=units["weights"] + f".{recipe}") for recipe in range(5)], ignore_index=True
    )  # fmt: skip
    effect = mean_effect(matched_pairs(many, "goal"))
    assert effect.pairs == 2 and effect.units == 20 and np.isnan(effect.p) and effect.about == "nothing"


def judged_of(units: pd.DataFrame, seed: int = 0, references: int = 12) -> dict[object, Judged]:
    """How well units do on references with 15 images each, the better the higher their SRCC; by rows."""
    rng = np.random.default_rng(seed)
    opinion, reference = rng.normal(size=15 * references), np.repeat(np.arange(references), 15)
    found: dict[object, Judged] = {}
    for name, r in units["srcc"].items():
        quality = r * opinion + np.sqrt(1 - r * r) * rng.normal(size=len(opinion))
        scores = Scores([name], quality[:, None], opinion, [f"{number:02d}" for number in reference])
        found[name] = resample_unit(scores, [(name,)])[(name,)]
    return found


def test_two_units_have_an_interval_over_references_and_say_that_it_is_about_them_only() -> None:
    units = grid(["classification", "jigsaw"], ["net0"], ["tid"], noise=0)
    units["srcc"] = [0.9, 0.5]
    judged = judged_of(units)
    (row,) = matched_contrasts(units, "goal", judged).to_dict("records")
    assert row["about"] == "other references" and (row["pairs"], row["units"], row["references"]) == (1, 2, 12)
    assert row["low"] < row["difference"] < row["high"] and row["low"] > 0 and row["p"] < 0.02
    # Student's t with references - 1 degrees of freedom on the bootstrap's standard error
    paired = judged[0].drawn - judged[1].drawn
    error = paired.std(ddof=1) * np.sqrt(12 / 11)
    assert row["high"] - row["difference"] == pytest.approx(scipy.stats.t.ppf(0.975, 11) * error)
    without = matched_contrasts(units, "goal").iloc[0]
    assert np.isnan(without[["low", "high", "p"]].astype(float)).all()
    with pytest.raises(TooFewUnits):
        decompose_variance(units)
    with pytest.raises(TooFewUnits, match="differ in architecture alone"):
        matched_contrasts(units, "architecture")


@pytest.mark.parametrize(("references", "inferred"), [(3, False), (5, False), (6, True), (12, True)])
def test_few_references_have_no_interval(references: int, inferred: bool) -> None:
    for networks in (1, 8):
        units = grid(["classification", "jigsaw"], NETS[:networks], ["tid"])
        effect = mean_effect(matched_pairs(units, "goal"), judged_of(units, references=references))
        assert np.isfinite([effect.p, effect.low]).all() == inferred
        # a test by the signs of so many references gives no less
        assert not inferred or networks > 1 or effect.p >= 2.0 ** (1 - references)


def test_with_enough_networks_both_are_a_sample() -> None:
    units = grid(["classification", "jigsaw"], NETS, ["tid"], noise=0.05)
    judged = judged_of(units)
    effect = mean_effect(matched_pairs(units, "goal"), judged)
    assert effect.about == "other networks and references" and not effect.these_networks
    few = mean_effect(matched_pairs(units[units["architecture"].isin(NETS[:3])], "goal"), judged)
    assert few.about == "other references" and few.pairs == 3 and few.networks == 6 and few.these_networks


def test_networks_with_something_in_common_are_one_pair() -> None:
    """One untrained network against six trainings; trainings of one architecture on several datasets."""
    units = grid(["classification"], ["net0"], ["tid"])
    trained = pd.concat([units.assign(dataset=f"data{number}") for number in range(6)])
    untrained = units.assign(goal="untrained", dataset="none", weights="seed0", srcc=0.4)
    one = matched_pairs(pd.concat([trained, untrained], ignore_index=True), "goal")
    assert len(one) == 6 and one["cluster"].nunique() == 1
    goals = grid(["classification", "jigsaw"], NETS[:3], ["tid"])
    several = pd.concat([goals, goals.assign(dataset="imagenet22k")], ignore_index=True)
    pairs = matched_pairs(several, "goal")
    assert pairs["pair"].nunique() == 6 and pairs["cluster"].nunique() == 3
    one_architecture = goals[goals["architecture"] == "net0"]
    datasets = pd.concat([one_architecture.assign(dataset=f"d{number}") for number in range(5)], ignore_index=True)
    assert matched_pairs(datasets, "goal")["cluster"].nunique() == 5


def test_intervals_of_a_family_hold_together() -> None:
    units = grid(list(EFFECTS), NETS, ["tid"])
    alone = matched_contrasts(units, "goal")
    together = simultaneous(alone)
    reach = (together["high"] - together["difference"]) / alone["se"]
    np.testing.assert_allclose(reach, scipy.stats.t.ppf(1 - 0.025 / 3, alone["df"]))
    assert (together["high"] > alone["high"]).all() and (together["low"] < alone["low"]).all()


def test_type_2_sums_of_squares_equal_statsmodels() -> None:
    units = grid(list(EFFECTS), NETS[:4], ["tid", "kadid"], noise=0.03)
    units = units.drop(units.sample(7, random_state=0).index)  # not balanced
    found = decompose_variance(units).set_index("factor")
    data = units.assign(z=fisher_z(units["srcc"]))
    theirs = anova_lm(formula.ols("z ~ C(benchmark) + C(goal) + C(architecture)", data).fit(), typ=2)
    for name in ("benchmark", "goal", "architecture"):
        assert found.loc[name, "sum_sq"] == pytest.approx(theirs.loc[f"C({name})", "sum_sq"], rel=1e-10)
        assert found.loc[name, "df"] == theirs.loc[f"C({name})", "df"]
    assert found.loc["residual", "sum_sq"] == pytest.approx(theirs.loc["Residual", "sum_sq"], rel=1e-10)
    assert found["lmg"].sum() == pytest.approx(1) and (found["aliased"] == 0).all()


def test_lmg_shares_are_the_mean_over_all_orders() -> None:
    units = grid(list(EFFECTS), NETS[:4], ["tid", "kadid"], noise=0.03)
    units = units.drop(units.sample(7, random_state=1).index)
    found = decompose_variance(units).set_index("factor")["lmg"]
    data = units.assign(z=fisher_z(units["srcc"]))
    names = ["benchmark", "goal", "architecture"]
    shares = dict.fromkeys(names, 0.0)
    for order in permutations(names):
        before = 0.0
        for place, name in enumerate(order):
            terms = " + ".join(f"C({factor})" for factor in order[: place + 1])
            explained = formula.ols(f"z ~ {terms}", data).fit().rsquared
            shares[name] += (explained - before) / 6
            before = explained
    for name in names:
        assert found[name] == pytest.approx(shares[name], rel=1e-9)


def test_confounded_factors_share_and_are_named() -> None:
    units = grid(["classification", "jigsaw"], NETS[:6], ["tid", "kadid"])
    units["dataset"] = np.where(units["goal"] == "jigsaw", "imagenet22k", "imagenet1k")
    found = decompose_variance(units).set_index("factor")
    assert found.loc["goal", "aliased"] == found.loc["dataset", "aliased"] == 1
    assert found.loc["goal", "sum_sq"] == pytest.approx(0, abs=1e-12)
    assert found.loc["goal", "lmg"] == pytest.approx(found.loc["dataset", "lmg"]) and found.loc["goal", "lmg"] > 0.1
    said = aliases(units)
    assert any("goal=jigsaw cannot be told from dataset=imagenet22k" in sentence for sentence in said)
    assert any("1 of the 1 differences between levels of goal are mixtures" in sentence for sentence in said)


def test_a_goal_of_two_architectures_only_is_named() -> None:
    units = grid(["classification", "jigsaw"], NETS, ["tid"])
    units = units[(units["goal"] == "classification") | units["architecture"].isin(NETS[:2])]
    assert aliases(units) == [
        "dataset does not vary: it is imagenet1k in all units", "goal=jigsaw occurs only with architecture=net0, net1"
    ]  # fmt: skip
    assert aliases(grid(["classification", "jigsaw"], NETS, ["tid"]), ["goal", "architecture"]) == []


def test_shares_of_pure_noise_stay_below_what_permutations_give() -> None:
    """Twenty networks of ten architectures, no effect at all: type II gives architecture a third of the variance."""
    above, share = [], []
    for seed in range(20):
        units = grid(["jigsaw", "jigsaw"], [f"net{number}" for number in range(10)], ["tid"], seed=seed)
        units = units.assign(weights=[f"{a}.{n}" for n, a in enumerate(units["architecture"])])
        units["srcc"] = 0.6 + 0.05 * np.random.default_rng(seed).normal(size=len(units))
        row = decompose_variance(units).set_index("factor").loc["architecture"]
        above.append(row["omega"] > row["null"])
        share.append((row["share"], row["omega"]))
    assert np.mean(above) <= 0.2  # one in twenty, four at most
    assert np.mean(share, axis=0)[0] > 0.3 and abs(np.mean(share, axis=0)[1]) < 0.15


def test_interactions_where_networks_are_left_over() -> None:
    units = grid(["classification", "jigsaw"], NETS[:4], ["tid", "kadid"])
    assert "goal x architecture" not in set(decompose_variance(units)["factor"])  # one network a cell
    both = pd.concat([units.assign(weights=units["weights"] + f".{n}") for n in "ab"], ignore_index=True)
    crossed = (both["goal"] == "jigsaw") == both["architecture"].isin(NETS[:2])
    both["srcc"] += 0.1 * crossed + 0.01 * np.random.default_rng(0).normal(size=len(both))
    row = decompose_variance(both).set_index("factor").loc["goal x architecture"]
    assert row["omega"] > row["null"] > 0 and row["p"] == pytest.approx(1 / 500)
