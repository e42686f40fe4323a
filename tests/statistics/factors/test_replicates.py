"""The noise floor: against a hand computation, against simulations whose truth is known, and beside contrasts."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f as fisher

from iqa_lab.statistics import fisher_z
from iqa_lab.statistics.factors.contrasts import matched_contrasts
from iqa_lab.statistics.factors.families import BEYOND, INSIDE, UNKNOWN, controlled_comparisons
from iqa_lab.statistics.factors.replicates import Floor, Floors, noise_floors, replicated_cells
from iqa_lab.statistics.factors.units import Judged, TooFewUnits
from iqa_lab.statistics.factors.verdicts import judge_claims

NAMES = ["benchmark", "goal", "dataset", "architecture", "weights", "value"]


def units(*rows: tuple[object, ...]) -> pd.DataFrame:
    """One row a unit."""
    return pd.DataFrame(rows, columns=NAMES)


def cell(
    goal: str, architecture: str, values: list[float], benchmark: str = "tid", dataset: str = "in"
) -> pd.DataFrame:
    """Several trainings of one cell."""
    names = [architecture if number == 0 else f"{architecture}.r{number}" for number in range(len(values))]
    return units(
        *((benchmark, goal, dataset, architecture, name, one) for name, one in zip(names, values, strict=True))
    )


def test_the_floor_is_the_pooled_spread_of_z_within_cells() -> None:
    table = pd.concat([cell("a", "x", [0.70, 0.72, 0.71]), cell("a", "y", [0.50, 0.56]), cell("b", "x", [0.9])])
    z = [np.arctanh(values) for values in ([0.70, 0.72, 0.71], [0.50, 0.56])]
    by_hand = np.sqrt(sum(((one - one.mean()) ** 2).sum() for one in z) / (2 + 1))
    floor = noise_floors(table).trained
    assert floor.sd == pytest.approx(by_hand, rel=1e-12)
    assert (floor.df, floor.networks, floor.cells) == (3, 5, 2)
    # two normal trainings differ by their standard deviation times root 2; t of 3 degrees of freedom is 3.182
    assert floor.reach == pytest.approx(3.182446 * np.sqrt(2) * by_hand, rel=1e-6)
    assert floor.contains(-floor.reach * 0.99) and not floor.contains(floor.reach * 1.01)
    cells = replicated_cells(table)
    assert cells["networks"].tolist() == [3, 2] and cells["sd"].iloc[0] == pytest.approx(z[0].std(ddof=1), rel=1e-12)


def test_several_benchmarks_are_averaged_in_each_network() -> None:
    """The same networks on several benchmarks are no more networks."""
    two = [cell("a", "x", values, benchmark) for benchmark, values in (("tid", [0.7, 0.8]), ("kadid", [0.6, 0.5]))]
    lacking = units(("tid", "a", "in", "x", "x.lacks", 0.1))  # on one of two benchmarks: left out
    floor = noise_floors(pd.concat([*two, lacking])).trained
    means = [(fisher_z(a) + fisher_z(b)) / 2 for a, b in ((0.7, 0.6), (0.8, 0.5))]
    assert (floor.df, floor.networks) == (1, 2)
    assert floor.sd == pytest.approx(np.std(means, ddof=1), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "networks"),
    [
        ({}, 3),
        ({"goal": "baseline"}, 0),
        ({"replicate": [True, False, False]}, 0),  # recipes that differ by intention
        ({"replicate": [True, True, False]}, 2),
        ({"initialised_from": [None, None, "clip/laion2b"]}, 2),  # began elsewhere
        ({"initialised_from": "clip/laion2b"}, 3),
        ({"value": [0.7, 0.6, np.nan]}, 2),
    ],
)
def test_what_counts_as_a_replicate(change: dict[str, object], networks: int) -> None:
    floor = noise_floors(cell("a", "x", [0.7, 0.6, 0.8]).assign(**change)).trained
    assert floor.networks == networks
    if networks == 0:
        assert np.isnan(floor.sd) and np.isnan(floor.reach) and not floor.contains(0.0)


def test_seeds_of_untrained_networks_are_replicates_of_their_own_kind() -> None:
    seeds = units(*(("tid", "untrained", "none", "x", f"seed{n}", value) for n, value in enumerate([0.5, 0.6, 0.4])))
    floors = noise_floors(pd.concat([seeds, cell("a", "x", [0.70, 0.71])]))
    assert (floors.trained.networks, floors.untrained.networks) == (2, 3)
    assert floors.between(False, False) is floors.trained and floors.between(True, True) is floors.untrained
    mixed = floors.between(True, False)
    one, other = floors.trained.sd**2, floors.untrained.sd**2
    assert mixed.sd == pytest.approx(np.sqrt((one + other) / 2), rel=1e-12)
    assert mixed.df == pytest.approx((one + other) ** 2 / (one**2 / 1 + other**2 / 2), rel=1e-12)
    assert np.isnan(Floors(trained=floors.trained).between(True, False).sd)  # one of the two is not known


def test_two_new_trainings_differ_by_less_than_the_reach_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    sd, inside, found = 0.04, [], []
    for _ in range(150):
        z = rng.normal([[0.9], [0.7], [1.1]], sd, size=(3, 5))  # three cells of five trainings
        floor = noise_floors(
            pd.concat([cell("a", name, list(np.tanh(row))) for name, row in zip("xyz", z, strict=True)])
        )
        inside.append(floor.trained.contains(float(np.diff(rng.normal(0, sd, 2))[0])))
        found.append(floor.trained.sd**2)
    # three Monte-Carlo errors: sqrt(.95 x .05 / 150) = .018; of a variance with 12 df sqrt(2 / 12 / 150) = .033
    assert np.mean(inside) == pytest.approx(0.95, abs=0.054)
    assert np.mean(found) == pytest.approx(sd**2, rel=0.1)


def contrast_table() -> pd.DataFrame:
    """Two goals in six architectures, .05 apart in z; five recipes of one cell."""
    rows = [
        ("tid", goal, "in", f"net{n}", f"net{n}", float(np.tanh(0.8 + 0.05 * (goal == "a") + 0.01 * n)))
        for goal, n in product("ab", range(6))
    ]
    return units(*rows)


def test_the_floor_stands_beside_every_contrast() -> None:
    table = contrast_table()
    recipes = pd.concat([cell("c", "rep", list(np.tanh([0.5, 0.5 + wide, 0.5 - wide]))) for wide in (0.01,)])
    both = pd.concat([table, recipes], ignore_index=True)
    (row,) = matched_contrasts(both, "goal", value="value", floors=noise_floors(both)).to_dict("records")
    assert row["difference_z"] == pytest.approx(0.05, rel=1e-9)
    assert row["floor_sd"] == pytest.approx(0.01, rel=1e-9) and row["floor_df"] == 2
    assert row["floor_reach"] == pytest.approx(4.302653 * np.sqrt(2) * 0.01, rel=1e-6) and row["inside_floor"]
    (alone,) = matched_contrasts(both, "goal", value="value").to_dict("records")
    assert np.isnan(alone["floor_sd"]) and not alone["inside_floor"]


@pytest.mark.parametrize(("wide", "inside"), [(0.02, True), (0.002, False)])
def test_a_claim_says_when_a_difference_is_inside_the_floor(wide: float, inside: bool) -> None:
    recipes = cell("c", "rep", list(np.tanh([0.5, 0.5 + wide, 0.5 - wide])))
    table = pd.concat([contrast_table(), recipes], ignore_index=True).rename(columns={"value": "srcc"})
    table = table.assign(layer="last", depth=1.0, readout="plain")
    (row,) = judge_claims(["a > b at last layer"], table).to_dict("records")
    assert row["verdict"] == "undecided" or row["difference"] > 0
    assert row["floor_sd"] == pytest.approx(wide, rel=1e-9) and row["inside_floor"] == inside
    assert ("inside the noise floor: 0.050 in Fisher's z" in row["note"]) == inside
    assert ("(sd 0.020 of Fisher's z over 3 trainings of 1 cell)" in row["note"]) == inside
    # a floor is about networks: readouts, layers and metrics have none
    lpips = pd.concat([table, table.assign(readout="lpips", srcc=table["srcc"] + 0.01)], ignore_index=True)
    (other,) = judge_claims(["lpips > plain at last layer"], lpips).to_dict("records")
    assert np.isnan(other["floor_sd"]) and "noise floor" not in other["note"]


def family(effect: float, rng: np.random.Generator, levels: int = 8, sd: float = 0.04) -> pd.DataFrame:
    """A family of goals in one cell of the other factors, and twelve recipes of another cell."""
    moved = 0.8 + rng.normal(0, effect, levels) + rng.normal(0, sd, levels)
    goals = units(*(("tid", f"g{n}", "in", "net", "net", float(np.tanh(z))) for n, z in enumerate(moved)))
    recipes = cell("c", "rep", list(np.tanh(0.9 + rng.normal(0, sd, 12))))
    return pd.concat([goals.assign(family="f"), recipes.assign(family="replicates")], ignore_index=True)


def test_a_family_has_a_row_for_each_factor_that_moves() -> None:
    table = family(0.2, np.random.default_rng(1))
    (row,) = controlled_comparisons(table).to_dict("records")
    z = np.arctanh(table.loc[table["family"] == "f", "value"])
    floor = noise_floors(table).trained
    assert (row["family"], row["factor"], row["held"]) == ("f", "goal", "dataset in, architecture net")
    assert (row["levels"], row["networks"], row["pairs"], row["benchmarks"]) == (8, 8, 28, 1)
    assert row["effect"] == pytest.approx(z.std(ddof=1), rel=1e-12) and row["df"] == 7
    assert row["floor"] == pytest.approx(floor.sd, rel=1e-12) and row["floor_df"] == 11
    assert row["p"] == pytest.approx(fisher.sf(z.var(ddof=1) / floor.sd**2, 7, 11), rel=1e-9)
    assert row["verdict"] == BEYOND and row["effect_low"] < row["effect"] < row["effect_high"]
    assert row["lowest"] == f"g{z.argmin()}" and row["highest"] == f"g{z.argmax()}"
    (unknown,) = controlled_comparisons(table[table["family"] == "f"]).to_dict("records")
    assert unknown["verdict"] == UNKNOWN and np.isnan(unknown["floor"])


def test_crossed_factors_are_compared_with_the_other_held() -> None:
    """Two goals in three architectures: what the architecture does is no part of the goal's spread."""
    rows = [
        ("tid", goal, "in", arch, arch, float(np.tanh(0.5 + 0.1 * (goal == "a") + 0.2 * place)))
        for goal, (place, arch) in product("ab", enumerate("xyz"))
    ]
    table = controlled_comparisons(units(*rows).assign(family="f")).set_index("factor")
    assert table.loc["goal", "effect"] == pytest.approx(0.1 / np.sqrt(2), rel=1e-9)  # of two values .1 apart
    assert table.loc["architecture", "effect"] == pytest.approx(0.2, rel=1e-9)
    assert table.loc["goal", "pairs"] == 3 and table.loc["architecture", "pairs"] == 6
    assert table.loc["goal", "held"] == "dataset in, each of 3 architectures"


def test_networks_that_began_elsewhere_are_no_partners_in_a_family() -> None:
    rows = units(("tid", "a", "in", "x", "x", 0.7), ("tid", "b", "in", "x", "x", 0.8)).assign(family="f")
    assert len(controlled_comparisons(rows)) == 1
    assert len(controlled_comparisons(rows.assign(initialised_from=[None, "a/in"]))) == 0
    assert len(controlled_comparisons(rows.assign(family=None))) == 0


def test_levels_that_do_nothing_are_beyond_the_floor_in_5_of_100_cases() -> None:
    rng = np.random.default_rng(2)
    # recipes need no family to be a noise floor, and each family takes its time
    tables = [family(0.0, rng).replace({"family": {"replicates": None}}) for _ in range(120)]
    p = [float(controlled_comparisons(table)["p"].iloc[0]) for table in tables]
    # three Monte-Carlo errors: sqrt(.05 x .95 / 120) = .020; of the mean of uniform p values sqrt(1 / 12 / 120) = .026
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 0.06
    assert np.mean(p) == pytest.approx(0.5, abs=0.079)
    quiet = family(0.0, rng)
    quiet.loc[quiet["family"] == "f", "value"] = np.tanh(0.8 + 0.001 * np.arange(8))  # closer than any recipes
    assert controlled_comparisons(quiet)["verdict"].iloc[0] == INSIDE


def test_a_floor_says_what_it_rests_on() -> None:
    assert str(Floor(0.02, 2, 3, 1)) == "sd 0.020 of Fisher's z over 3 trainings of 1 cell"
    low, high = Floor(0.02, 11, 12, 1).interval()
    assert low == pytest.approx(0.02 * 0.7084, rel=1e-3) and high == pytest.approx(0.02 * 1.6979, rel=1e-3)


@pytest.mark.parametrize("factor", ["goal", "dataset", "architecture"])
def test_where_no_network_was_trained_there_is_nothing_to_contrast(factor: str) -> None:
    """A study of untrained networks only: its report asks for contrasts of the trained ones all the same."""
    nothing = contrast_table().assign(initialised_from=None)[:0]
    with pytest.raises(TooFewUnits, match=f"no two of the 0 units differ in {factor} alone"):
        matched_contrasts(nothing, factor, value="value", floors=noise_floors(nothing))
    assert controlled_comparisons(nothing.assign(family=None)).empty and replicated_cells(nothing).empty


@pytest.mark.parametrize("references", [1, 2, 5])
def test_pairs_on_too_few_references_have_a_difference_and_no_interval(references: int) -> None:
    """One reference divided by zero."""
    table = contrast_table()
    judged = {name: Judged(value, np.full(50, value), references) for name, value in table["value"].items()}
    (row,) = matched_contrasts(table, "goal", judged, value="value").to_dict("records")
    assert row["difference"] > 0 and np.isnan(row["low"]) and np.isnan(row["p"])
