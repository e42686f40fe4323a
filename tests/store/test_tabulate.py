"""A unit's headline: the best column as published, and as it is chosen on other references."""

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics.correlation.groups import TID_GLOBAL, range_restriction
from iqa_lab.statistics.intervals.ceilings import opinion_ceilings
from iqa_lab.statistics.intervals.selection import select_column, select_column_of_means
from iqa_lab.store.digits import three_digits, with_interval
from iqa_lab.store.held_out import chosen_on_others, held_out, statistic_of
from iqa_lab.store.show import ceilings_said
from iqa_lab.store.tabulate import summarise, tabulate
from tests.conftest import composed

LAYERS = {"plain@pixels": 0.0, "plain@a": 0.0, "plain@b": 0.5, "tuned_insample@b": 0.5, "plain@c": 1.0}
DEFINITIONS = {
    name: {"layer": name.partition("@")[2], "depth": depth, "readout": name.partition("@")[0]}
    for name, depth in LAYERS.items()
}  # fmt: skip


def scores(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    reference = np.repeat([f"i{number:02d}" for number in range(10)], 12)
    opinion = rng.normal(size=120)
    pairs = pd.DataFrame(
        {"reference": reference, "distorted": "x", "distortion": np.tile(["1", "2"], 60), "level": 1,
         "opinion": opinion, "opinion_std": 0.2}
    )  # fmt: skip
    noise = {"plain@pixels": 0.1, "tuned_insample@b": 0.2, "plain@a": 2, "plain@b": 1.5, "plain@c": 1.6}
    return pairs.assign(**{name: sd * rng.normal(size=120) - opinion for name, sd in noise.items()})


def test_the_headline_of_opinions() -> None:
    config, frame = composed("benchmark=tid2013", "statistics.resamples=50"), scores()
    table = tabulate(frame, DEFINITIONS, config, "v1", "rgb")
    facts = summarise(frame, table, config)
    names = ["plain@a", "plain@b", "plain@c"]  # neither the pixels nor what was fitted
    chosen = select_column(-frame[names].to_numpy(), frame["opinion"], frame["reference"])
    assert facts["srcc_best"] == pytest.approx(chosen.in_sample) and facts["srcc_heldout"] == chosen.heldout
    assert facts["best_layer"] == names[chosen.best].partition("@")[2]
    assert facts["chosen_how_often"] == pytest.approx(chosen.frequency.max())
    ceiling = opinion_ceilings(frame["opinion"], np.full(120, 0.2))
    assert (facts["ceiling_group"], facts["ceiling_perfect"]) == (ceiling.group, ceiling.perfect)
    assert (facts["srcc_heldout_low"], facts["srcc_heldout_high"]) == (chosen.heldout_low, chosen.heldout_high)
    assert list(facts)[:4] == ["srcc_heldout", "srcc_heldout_low", "srcc_heldout_high", "chosen_how_often"]
    assert facts["columns"] == 3 and "srcc_low" not in facts  # the best of many has no interval
    first, second = chosen_on_others(facts)
    assert first.startswith(f"srcc_heldout {with_interval(*held_out(facts))} (95 %)") and "other references" in first
    assert second.startswith(f"srcc_best {three_digits(facts['srcc_best'])} at plain@")
    assert "the highest of 3 columns" in second and "without an interval" in second and "[" not in second
    (ceilings,) = ceilings_said(facts)
    assert "is possible (knowing what people think on average)" in ceilings


def test_the_held_out_interval_has_the_confidence_of_the_others() -> None:
    narrow, wide = (
        held_out(summarise(scores(), tabulate(scores(), DEFINITIONS, config, "v1", "rgb"), config))
        for config in (composed("benchmark=tid2013", f"statistics.confidence={level}") for level in (0.8, 0.99))
    )
    assert narrow[0] == wide[0] and wide[1] < narrow[1] < narrow[0] < narrow[2] < wide[2]


def test_one_column_is_not_chosen_and_other_headlines_have_no_heldout_srcc() -> None:
    frame = scores()
    config = composed("benchmark=tid2013", "statistics.resamples=50")
    alone = {name: DEFINITIONS[name] for name in ("plain@pixels", "plain@c")}
    facts = summarise(frame, tabulate(frame, alone, config, "v1", "rgb"), config)
    assert facts["srcc_heldout"] == facts["srcc_best"] and "chosen_how_often" not in facts
    assert facts["srcc_heldout_low"] < facts["srcc_heldout"] < facts["srcc_heldout_high"]
    (said,) = chosen_on_others(facts)
    assert "its only column, nothing is chosen" in said and "srcc_best" not in said
    levels = composed("benchmark=levels", "statistics.resamples=50")
    facts = summarise(frame, tabulate(frame, DEFINITIONS, levels, "v1", "rgb"), levels)
    assert "srcc_heldout" not in facts
    names = ["plain@a", "plain@b", "plain@c"]
    chosen = select_column(-frame[names].to_numpy(), frame["opinion"], frame["reference"], groups=frame["distortion"])
    assert facts["srcc_within_distortion_heldout"] == chosen.heldout
    other = composed("benchmark=tid2013", "benchmark.headline=plcc", "statistics.resamples=50")
    facts = summarise(frame, tabulate(frame, DEFINITIONS, other, "v1", "rgb"), other)
    assert statistic_of(facts) is None and chosen_on_others(facts)[0].startswith("no held-out value")
    assert chosen_on_others({}) == []


@pytest.mark.parametrize(
    ("references", "said"),
    [
        (1, "srcc_heldout is undefined: with one reference there is no other one to choose on"),
        (3, "no interval: 3 references are too few for one, it takes 6"),
        (5, "no interval: 5 references are too few for one, it takes 6"),
        (6, "] (95 %)"),
    ],
)
def test_why_there_is_no_interval_is_said_once(references: int, said: str) -> None:
    frame = scores()
    frame["reference"] = [f"r{number % references}" for number in range(len(frame))]
    config = composed("benchmark=tid2013", "statistics.resamples=20")
    facts = summarise(frame, tabulate(frame, DEFINITIONS, config, "v1", "rgb"), config)
    assert said in " ".join(chosen_on_others(facts, 0.95, references))
    assert np.isfinite(held_out(facts)[1]) == (references >= 6)


def test_the_headline_of_choices() -> None:
    config, frame = composed("benchmark=bapps", "statistics.resamples=50"), scores()
    left = frame.iloc[0::2].assign(opinion=np.tile([0.2, 0.8, 0.6], 20))
    right = frame.iloc[1::2].assign(opinion=1 - left["opinion"].to_numpy())
    frame = pd.concat([left, right]).sort_index()
    names = ["plain@a", "plain@b", "plain@c"]
    facts = summarise(frame, tabulate(frame, DEFINITIONS, config, "v1", "rgb"), config)
    nearer = left[names].to_numpy() < right[names].to_numpy()
    values = np.where(nearer, left[["opinion"]].to_numpy(), right[["opinion"]].to_numpy())
    chosen = select_column_of_means(values, left["reference"])
    assert facts["agreement_best"] == pytest.approx(chosen.in_sample)
    assert facts["agreement_heldout"] == pytest.approx(chosen.heldout)


def test_what_is_undefined_is_no_number_in_json() -> None:
    frame = scores().assign(reference="one")
    config = composed("benchmark=tid2013", "statistics.resamples=50")
    facts = summarise(frame, tabulate(frame, DEFINITIONS, config, "v1", "rgb"), config)
    assert facts["srcc_heldout"] is None and facts["srcc_heldout_low"] is None and facts["srcc_best"] is not None


@pytest.mark.parametrize(
    ("often", "said"),
    [
        (0, "(lpips@conv5 in none of the divisions)"),
        (0.0, "(lpips@conv5 in none of the divisions)"),
        (0.004, "(lpips@conv5 in <1 % of the divisions)"),
        (0.04, "(lpips@conv5 in 4 % of the divisions)"),
        (0.76, "(lpips@conv5 in 76 % of the divisions)"),
        (0.994, "(lpips@conv5 in 99 % of the divisions)"),
        (0.996, "(lpips@conv5 in >99 % of the divisions)"),
        (1.0, "(lpips@conv5 in 100 % of the divisions)"),
        (None, "that other references choose."),
    ],
)
def test_how_often_the_best_column_is_chosen_in_words(often: float | None, said: str) -> None:
    facts = {"srcc_heldout": 0.6, "srcc_best": 0.7, "best_readout": "lpips", "best_layer": "conv5", "columns": 9,
             "chosen_how_often": often}  # fmt: skip
    assert said in chosen_on_others(facts)[0]


@pytest.mark.parametrize(("inside", "share"), [(1, "1 pairs (<1 %)"), (2, "2 pairs (1 %)"), (299, "299 pairs (>99 %)")])
def test_shares_of_distortions_are_none_or_all_only_where_they_are(inside: int, share: str) -> None:
    groups = ["16"] * inside + ["1"] * (300 - inside)
    assert share in range_restriction(groups, TID_GLOBAL)
