"""A unit's headline: the best column as published, and as it is chosen on other references."""

import numpy as np
import pandas as pd
import pytest

from iqa_lab.statistics.intervals.ceilings import opinion_ceilings
from iqa_lab.statistics.intervals.selection import select_column, select_column_of_means
from iqa_lab.store.show import chosen_on_others
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
    first, second = chosen_on_others(facts)
    assert "chosen on other references" in first and "is possible (knowing what people think on average)" in second


def test_one_column_is_not_chosen_and_other_headlines_have_no_heldout_srcc() -> None:
    frame = scores()
    config = composed("benchmark=tid2013", "statistics.resamples=50")
    alone = {name: DEFINITIONS[name] for name in ("plain@pixels", "plain@c")}
    facts = summarise(frame, tabulate(frame, alone, config, "v1", "rgb"), config)
    assert facts["srcc_heldout"] == facts["srcc_best"] and "chosen_how_often" not in facts
    levels = composed("benchmark=levels", "statistics.resamples=50")
    assert "srcc_heldout" not in summarise(frame, tabulate(frame, DEFINITIONS, levels, "v1", "rgb"), levels)
    assert chosen_on_others({}) == []


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
    assert facts["srcc_heldout"] is None and facts["srcc_low"] is None and facts["srcc_best"] is not None
