"""A benchmark of stimuli from the command to the report: whoever looks for a best column looks for the lowest."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.errors import UserError
from iqa_lab.psychophysics import experiment_of
from iqa_lab.report.collect import collect
from iqa_lab.report.study import EVERYTHING, Study
from iqa_lab.report.tables import markdown_table, paper_table
from iqa_lab.statistics.factors.units import candidate_rows
from iqa_lab.store.headline import best_first, headline
from iqa_lab.store.headlines import unit_headlines
from iqa_lab.store.held_out import chosen_on_others, headline_line
from iqa_lab.store.metric import read_metric
from iqa_lab.store.recompute import recompute
from iqa_lab.store.table import Results
from iqa_lab.unit import evaluate
from tests.conftest import Finished, composed

Command = Callable[..., Finished]
# 10 stimuli of two groups, 20 trials of 64 x 64 pixels
ON_STIMULI = ("benchmark=modelfest_30", "benchmark.distortions=[fixed_size,one_octave]")
SQUEEZENET = ("goal=untrained", "dataset=none", "architecture=squeezenet1_1", "tracker=none")
OBSERVER = ("goal=baseline", "dataset=none", "architecture=sso", "tracker=none")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with one network and one model of vision."""
    home = tmp_path_factory.mktemp("stimuli") / "results"
    for network in ((*SQUEEZENET, "readout=[plain,cosine]"), OBSERVER):
        evaluate(composed(*ON_STIMULI, *network, f"results={home}"))
    return home


def folder_of(results: Path, kind: str) -> Path:
    (unit,) = (results / "modelfest_30").glob(f"{kind}*/*")
    return unit


def test_the_terminal_says_what_is_found_and_which_way_is_good(results: Path, iqa_lab: Command) -> None:
    again = iqa_lab("run", *ON_STIMULI, *SQUEEZENET, "readout=[plain,cosine]", f"results={results}")
    assert again.code == 0 and "Nothing to do" in again.out
    said = " ".join(again.out.split())
    assert "Low rms_db is good." in said and "the lowest of 18 columns" in said
    assert "intervals by resampling stimuli" in said and "One observer against the mean" in said
    assert "white 60 cd/m2, 30 pixels per degree" in said and "outside of 0.8..1.2" in said
    shown = iqa_lab("results", str(results))
    lines = [line for line in shown.out.splitlines() if line.startswith(("baseline", "untrained"))]
    assert "baseline" in lines[0] and "untrained" in lines[1], shown.out  # the standard observer is nearer to people
    assert "low is good" in shown.out
    single = iqa_lab("results", str(results), "--where", "readout=plain")
    found = [float(number) for number in re.findall(r"  plain +\d?\.\d\d +(\d*\.\d+)", single.out)]
    assert single.code == 0 and len(found) > 3 and found == sorted(found)  # the lowest first


def test_the_headline_is_that_of_the_table(results: Path) -> None:
    unit = folder_of(results, "untrained")
    table, facts = pd.read_csv(unit / "correlations.csv"), json.loads((unit / "result.json").read_text())["headline"]
    own = candidate_rows(table)
    lowest = own.loc[own["rms_db"].idxmin()]
    assert facts["rms_db_best"] == pytest.approx(lowest["rms_db"]) and facts["best_layer"] == lowest["layer"]
    assert facts["rms_db_heldout_low"] <= facts["rms_db_heldout"] <= facts["rms_db_heldout_high"]
    assert (table["n"] == 10).all() and table["rms_db_observers_low"].notna().all()
    # cosine is quadratic, and said to be
    slopes = table[table["layer"] != "pixels"].groupby("readout")["slope"].median()
    assert slopes["plain"] == pytest.approx(1, abs=0.1) and slopes["cosine"] == pytest.approx(2, abs=0.2)


def test_tables_are_made_again_from_the_scores_alone(results: Path) -> None:
    unit = folder_of(results, "untrained")
    before = pd.read_csv(unit / "correlations.csv")
    (unit / "correlations.csv").unlink()
    recompute(results)
    pd.testing.assert_frame_equal(pd.read_csv(unit / "correlations.csv"), before)


def test_a_report_is_made_of_it(results: Path) -> None:
    report = collect(results, Study("results", EVERYTHING))
    names = {figure.name for figure in report.figures}
    assert {"modelfest_30_curves", "modelfest_30_ranking"} <= names
    best = report.best.set_index("goal")
    assert best.loc["baseline", "rms_db_heldout"] < best.loc["untrained", "rms_db_heldout"]
    assert report.across.empty and all(page.charts.get("curve") is not None for page in report.units)
    assert not report.disagreements


def test_thresholds_are_not_compared_as_opinions(results: Path) -> None:
    with pytest.raises(UserError, match="has thresholds of stimuli"):
        read_metric(f"{folder_of(results, 'untrained')}:plain@features.3")


def test_code_that_a_result_names_is_not_called() -> None:
    """A result of somebody else names its benchmark's code as it likes; only the user's own configuration is obeyed."""
    foreign = replace(composed(*ON_STIMULI).benchmark, family="os.system")
    with pytest.raises(UserError, match="code that a result names is not called"):
        experiment_of(foreign)


# --- tables of anybody ------------------------------------------------------------------------------------------------


def table_of(rms_db: list[float], **more: object) -> pd.DataFrame:
    layers = ["pixels", *(f"l{number}" for number in range(len(rms_db) - 1))]
    return pd.DataFrame(
        {"benchmark": "modelfest", "goal": "g", "dataset": "d", "architecture": "a", "weights": "w", "layer": layers,
         "depth": 0.5, "readout": "plain", "n": 43, "rms_db": rms_db, "srcc": 0.5, "plcc": 0.5,
         "srcc_within_group": 0.5, "slope": 1.0, "slopes_outside": 0.0, **more}
    )  # fmt: skip


def test_the_headline_is_the_lowest_and_pixels_are_no_candidate() -> None:
    table = table_of([0.5, 9.0, np.nan, 7.0, 8.0])
    assert best_first(table, "rms_db")["layer"].tolist() == ["l2", "l3", "l0", "l1"]
    facts = headline(table, "rms_db")
    assert (facts["rms_db_best"], facts["best_layer"], facts["rms_db_pixels"], facts["columns"]) == (7.0, "l2", 0.5, 4)


def test_units_are_listed_with_the_nearest_to_people_first() -> None:
    rows = [table_of([7.1, 9, 8], unit="far"), table_of([7.1, 6, 12], unit="near", architecture="b")]
    table = pd.concat(rows, ignore_index=True)
    found = Results(
        table, {}, (), pd.DataFrame({"unit": ["far", "near"], "statistic": "rms_db", "heldout": [8.5, 6.5],
                                     "heldout_low": 5.0, "heldout_high": 9.0})
    )  # fmt: skip
    listed = unit_headlines(found)
    assert listed["unit"].tolist() == ["near", "far"] and listed["best"].tolist() == [6, 8]


def test_a_held_out_number_of_decibels_is_said_as_what_it_is() -> None:
    facts = {"rms_db_heldout": 7.4, "rms_db_heldout_low": 4.5, "rms_db_heldout_high": 10.2, "rms_db_best": 7.2,
             "best_layer": "l1", "best_readout": "plain", "columns": 9, "chosen_how_often": 1.0}  # fmt: skip
    assert headline_line(facts) == "rms_db_heldout 7.400 [4.500, 10.200]"
    said = " ".join(chosen_on_others(facts, 0.95, 43, what="stimuli"))
    assert "that other stimuli choose" in said and "the lowest of 9 columns" in said and "0 is human" in said
    few = {**facts, "rms_db_heldout_low": None, "rms_db_heldout_high": None}
    assert headline_line(few, 4, "stimuli").endswith("no interval: 4 stimuli are too few for one, it takes 6")


def test_the_lowest_is_bold_where_low_is_good() -> None:
    rows = pd.DataFrame(
        {"architecture": ["a", "b"], "rms_db_heldout": [7.5, 9.25], "rms_db_heldout_low": [7.0, 9.0],
         "rms_db_heldout_high": [8.0, 9.5]}
    )  # fmt: skip
    text = markdown_table(paper_table(rows, "rms_db_heldout"))
    assert r"**7.500 \[7.000, 8.000\]**" in text and "**9" not in text
