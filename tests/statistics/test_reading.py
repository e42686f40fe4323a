"""Values beside people's -> statistics: invariances, intervals against brute force, the direction of each statistic."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from iqa_lab.config import StatisticsConfig
from iqa_lab.config.schema import HEADLINES, LOW_IS_GOOD
from iqa_lab.statistics.direction import by_goodness, goodness, is_low_good
from iqa_lab.statistics.factors.units import best_of_units, with_values
from iqa_lab.statistics.intervals.selection import select_column_of_reading
from iqa_lab.statistics.reading import Reading, observer_ceiling, reading_table, rms_db, rms_db_weighed

SETTINGS = StatisticsConfig(resamples=400)
RNG = np.random.default_rng(3)
HUMAN = RNG.uniform(0.5, 2, 24)
PEOPLE = HUMAN + RNG.normal(0, 0.15, (9, 24))
GOOD, BAD = HUMAN + RNG.normal(0, 0.1, 24), HUMAN[::-1] + RNG.normal(0, 0.5, 24)


def reading(*columns: np.ndarray, people: np.ndarray | None = PEOPLE, logarithmic: bool = True) -> Reading:
    return Reading(
        values=np.stack(columns, axis=1), human=HUMAN, observers=people, logarithmic=logarithmic,
        stimulus=np.array([f"s{number:02}" for number in range(24)], dtype=object),
        group=np.array(["a", "b", "c"] * 8, dtype=object),
    )  # fmt: skip


def test_the_table_is_what_others_compute() -> None:
    row = reading_table(reading(GOOD, BAD), SETTINGS).iloc[1]
    assert row["rms_db"] == pytest.approx(np.std(20 * (BAD - HUMAN)))
    assert row["srcc"] == pytest.approx(spearmanr(BAD, HUMAN).statistic)
    assert row["plcc"] == pytest.approx(pearsonr(BAD, HUMAN).statistic)
    within = [pearsonr(BAD[k::3], HUMAN[k::3]).statistic for k in range(3)]
    assert row["plcc_within_group"] == pytest.approx(np.mean(within))


def test_the_unit_of_a_distance_does_not_count() -> None:
    one, other = (reading_table(reading(GOOD + shift), SETTINGS) for shift in (0, 3.7))
    pd.testing.assert_frame_equal(one, other, rtol=1e-9)


def test_each_interval_is_over_what_its_name_says() -> None:
    """Against resamples drawn one by one, of stimuli and of observers."""
    found = reading_table(reading(GOOD), SETTINGS).iloc[0]
    stimuli = np.random.default_rng(0).multinomial(24, np.full(24, 1 / 24), 400)
    draws = [np.repeat(20 * (GOOD - HUMAN), count).std() for count in stimuli]
    assert (found["rms_db_low"], found["rms_db_high"]) == pytest.approx(np.percentile(draws, [2.5, 97.5]))
    people = np.random.default_rng(0).multinomial(9, np.full(9, 1 / 9), 400)
    moved = PEOPLE - PEOPLE.mean(axis=0) + HUMAN
    means = [np.repeat(moved, count, axis=0).mean(axis=0) for count in people]
    ends = np.percentile([np.std(20 * (GOOD - mean)) for mean in means], [2.5, 97.5])
    assert (found["rms_db_observers_low"], found["rms_db_observers_high"]) == pytest.approx(ends)
    ends = np.percentile([spearmanr(GOOD, mean).statistic for mean in means], [2.5, 97.5])
    assert (found["srcc_observers_low"], found["srcc_observers_high"]) == pytest.approx(ends)


def test_weights_count_rows_as_often_as_they_say() -> None:
    weights = RNG.integers(0, 4, (5, 24)).astype(float)
    expected = [np.repeat(20 * (GOOD - HUMAN), count.astype(int)).std() for count in weights]
    np.testing.assert_allclose(rms_db_weighed(GOOD[:, None], HUMAN, weights)[:, 0], expected)


def test_a_column_that_is_blind_to_a_stimulus_has_no_statistics_and_spoils_no_other() -> None:
    blind = GOOD.copy()
    blind[3] = np.nan
    both, alone = reading_table(reading(blind, GOOD), SETTINGS), reading_table(reading(GOOD), SETTINGS)
    assert both.iloc[0].drop(["n", "human"], errors="ignore").isna().all()
    pd.testing.assert_series_equal(both.iloc[1], alone.iloc[0], check_names=False)


def test_without_named_observers_or_logarithms_nothing_is_made_up() -> None:
    assert not [name for name in reading_table(reading(GOOD, people=None), SETTINGS) if "observers" in name]
    assert not [name for name in reading_table(reading(GOOD, logarithmic=False), SETTINGS) if name.startswith("rms")]
    assert observer_ceiling(reading(GOOD, people=None)) is None


def test_the_ceiling_leaves_the_observer_out() -> None:
    found = observer_ceiling(reading(GOOD))
    assert found is not None and found.rms_db is not None
    each = [pearsonr(PEOPLE[k], np.delete(PEOPLE, k, axis=0).mean(axis=0)).statistic for k in range(9)]
    assert found.plcc == pytest.approx((min(each), np.median(each), max(each)))
    assert found.rms_db[0] <= found.rms_db[1] <= found.rms_db[2]


# --- which way is good ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statistic", HEADLINES)
def test_every_statistic_has_a_direction(statistic: str) -> None:
    low = statistic in LOW_IS_GOOD
    for ending in ("", "_heldout", "_best", "_heldout_low"):
        assert is_low_good(statistic + ending) is low
    assert goodness(2.0, statistic) == (-2 if low else 2)
    table = pd.DataFrame({statistic: [2.0, np.nan, 1.0, 3.0]})
    assert by_goodness(table, statistic).index.tolist() == ([2, 0, 3, 1] if low else [3, 0, 2, 1])


@pytest.mark.parametrize("statistic", ["rms_db", "srcc"])
def test_other_stimuli_choose_the_column_that_is_nearest_to_people(statistic: str) -> None:
    found = select_column_of_reading(reading(BAD, GOOD, BAD + 1), statistic=statistic)
    assert found.best == 1 and found.frequency.tolist() == [0, 1, 0]
    exact = reading_table(reading(GOOD), SETTINGS).iloc[0][statistic]
    # the only column that is ever chosen: its value, but for the mean (or the ranks) that come from the other folds
    assert found.heldout == pytest.approx(exact, rel=0.1)
    assert found.heldout_low < found.heldout < found.heldout_high and (statistic != "rms_db" or found.heldout_low >= 0)


def test_held_out_decibels_are_no_better_than_the_best_when_columns_are_chance() -> None:
    noise = HUMAN + np.random.default_rng(5).normal(0, 0.3, (40, 24))
    found = select_column_of_reading(reading(*noise), statistic="rms_db")
    assert found.in_sample == pytest.approx(rms_db(noise.T, HUMAN).min())
    assert found.heldout > found.in_sample  # choosing the lowest of 40 is optimistic


def test_the_best_row_of_a_unit_is_the_lowest_where_low_is_good() -> None:
    rows = pd.DataFrame(
        {"benchmark": "modelfest", "goal": "g", "dataset": "d", "architecture": "a", "weights": "w",
         "layer": ["one", "two", "pixels"], "readout": "plain", "rms_db": [9.0, 7.0, 1.0], "srcc": [0.6, 0.5, 0.9]}
    )  # fmt: skip
    assert best_of_units(rows, "rms_db")["layer"].tolist() == ["two"]
    assert best_of_units(rows)["layer"].tolist() == ["one"]
    # claims average correlations, never decibels, and never those of stimuli with those of images
    assert with_values(rows, {"modelfest": "rms_db"})["value"].tolist() == [0.6, 0.5, 0.9]
    assert set(with_values(rows, {"modelfest": "sensitivity"})["statistic"]) == {"sensitivity"}
