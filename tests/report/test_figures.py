"""Figures of made results: what is drawn, and that it can be drawn without a browser."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from iqa_lab.report import theme
from iqa_lab.report.comparison import _measure
from iqa_lab.report.figures.benchmark_against_benchmark import benchmark_against_benchmark
from iqa_lab.report.figures.by_distortion import by_distortion
from iqa_lab.report.figures.channel_relevance import channel_relevance
from iqa_lab.report.figures.common import FACTORS, network_names, save
from iqa_lab.report.figures.depth_profile import depth_profile
from iqa_lab.report.figures.factor_grid import factor_grid
from iqa_lab.report.figures.forest import forest
from iqa_lab.report.figures.labels import spread
from iqa_lab.report.figures.opinion_against_score import opinion_against_score
from iqa_lab.report.figures.own_task import own_task
from iqa_lab.report.figures.ranking import ranking
from iqa_lab.report.figures.readouts import readouts
from iqa_lab.report.figures.variance_shares import variance_shares
from iqa_lab.statistics.factors.contrasts import matched_contrasts
from iqa_lab.statistics.factors.units import best_of_units
from iqa_lab.statistics.factors.variance import decompose_variance
from tests.conftest import composed


def values(chart: Any, mark: str) -> pd.DataFrame:
    """The data behind the first mark of a kind."""
    content = chart.to_dict()
    for layer in content.get("layer", [content]):
        kind = layer["mark"]["type"] if isinstance(layer["mark"], dict) else layer["mark"]
        if kind == mark:
            name = layer.get("data", content.get("data"))["name"]
            return pd.DataFrame(content["datasets"][name])
    raise AssertionError(f"no {mark} in the chart")


@pytest.fixture
def tid(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["benchmark"] == "tid2013"]


def test_the_depth_profile_has_a_line_a_network_and_rules(tid: pd.DataFrame) -> None:
    chart = depth_profile(tid, "plain", {"another group of people": 0.98})
    lines, rules = values(chart, "line"), values(chart, "rule")
    assert lines["network"].nunique() == 5 and len(lines) == 15 and set(lines["readout"]) == {"plain"}
    assert set(rules["network"]) == {"ssim_gray", "pixels (RMSE, PSNR)", "another group of people"}
    assert depth_profile(tid, "gram") is None


def test_the_rule_of_the_pixels_is_their_rmse_whatever_stands_first(tid: pd.DataFrame) -> None:
    """Other readouts score the pixels, too; theirs is not the control."""
    control = tid[tid["layer"] == "pixels"]
    others = [control.assign(readout=readout, srcc=0.01) for readout in ("cosine", "lpips", "mean")]
    rules = values(depth_profile(pd.concat([*others, tid]), "plain"), "rule").set_index("network")["srcc"]
    assert rules["pixels (RMSE, PSNR)"] == control["srcc"].iloc[0] != 0.01


def test_names_say_what_differs_and_no_more(tid: pd.DataFrame) -> None:
    own = tid[tid["architecture"] == "alexnet"]
    assert set(network_names(own)) == {"classification · imagenet1k", "jigsaw · imagenet1k", "untrained · none"}
    two = pd.concat([own, own.assign(weights=own["weights"] + ".v2")])
    assert "jigsaw · imagenet1k (alexnet.v2)" in set(network_names(two))
    one = own[own["goal"] == "jigsaw"]
    assert set(network_names(one)) == {"alexnet"}


def test_empty_cells_of_the_grid_are_there_and_empty(tid: pd.DataFrame) -> None:
    asked = pd.DataFrame([("jigsaw", "imagenet1k", "vgg16")], columns=list(FACTORS))
    have = tid.loc[tid["goal"] != "baseline", list(FACTORS)].drop_duplicates()
    grid = values(factor_grid(tid, pd.concat([have, asked])), "rect")
    cell = grid.set_index(list(FACTORS))
    assert cell.loc[("jigsaw", "imagenet1k", "vgg16"), "srcc"] is None or np.isnan(
        cell.loc[("jigsaw", "imagenet1k", "vgg16"), "srcc"]
    )
    best = best_of_units(tid).set_index(list(FACTORS))["srcc"]
    for key in best.index[best.index.get_level_values(0) != "baseline"]:
        assert cell.loc[key, "srcc"] == pytest.approx(best[key], abs=1e-5)


def test_the_ranking_is_ranked(tid: pd.DataFrame) -> None:
    drawn = values(ranking(tid), "point")
    assert len(drawn) == 6 and drawn["srcc"].is_monotonic_decreasing
    assert len(values(ranking(tid, most=2), "point")) == 2


def test_the_ranking_is_by_what_is_held_out_and_the_best_column_has_no_interval(tid: pd.DataFrame) -> None:
    """The network whose best column is highest is not the one that other references make the best."""
    number = tid.groupby("architecture", sort=False).ngroup()
    held_out = {"heldout": 0.6 - 0.1 * number, "heldout_low": 0.55 - 0.1 * number, "heldout_high": 0.65 - 0.1 * number}
    chart = ranking(tid.assign(**held_out, srcc=tid["srcc"] + 0.1 * number))
    drawn = values(chart, "point")
    assert drawn["heldout"].is_monotonic_decreasing and not drawn["srcc"].is_monotonic_decreasing
    marks = {layer["mark"]["type"]: layer["encoding"] for layer in chart.to_dict()["layer"]}
    assert (marks["rule"]["x"]["field"], marks["rule"]["x2"]["field"]) == ("heldout_low", "heldout_high")
    assert marks["point"]["x"]["field"] == "heldout" and marks["tick"]["x"]["field"] == "srcc"
    partly = ranking(tid.assign(heldout=np.nan, heldout_low=np.nan, heldout_high=np.nan))
    assert values(partly, "point")["srcc"].is_monotonic_decreasing


def test_medians_of_readouts_are_of_the_same_networks(tid: pd.DataFrame) -> None:
    """A readout that only a good network was read with is no better readout for it."""
    some = tid[(tid["readout"] != "mean") | (tid["architecture"] == "vgg16")]
    drawn = values(readouts(some), "tick")
    assert set(drawn["architecture"]) == {"vgg16"} and set(drawn["readout"]) == {"plain", "mean"}
    everywhere = values(readouts(tid), "tick")
    assert "untrained" not in set(everywhere["goal"]) and len(everywhere) == 2 * 4
    apart = tid[(tid["readout"] == "mean") == (tid["architecture"] == "vgg16")]
    with pytest.raises(AssertionError, match="no tick"):  # nobody was read in both ways: no medians
        values(readouts(apart), "tick")


def test_own_task_needs_three_networks_with_published_performance(tid: pd.DataFrame) -> None:
    keys = ["goal", "dataset", "architecture", "weights"]
    known = tid[tid["goal"] != "baseline"][keys].drop_duplicates().assign(performance=[56, 71, 93, 40, 1], measure="m")
    assert len(values(own_task(tid, known), "point")) == 5
    assert own_task(tid, known.head(2)) is None


def test_benchmark_against_benchmark_pairs_the_same_networks(table: pd.DataFrame) -> None:
    drawn = values(benchmark_against_benchmark(table, "tid2013", "kadid10k"), "point")
    assert len(drawn) == 6  # five networks and the baseline
    row = drawn[drawn["goal"] == "jigsaw"].iloc[0]
    best = best_of_units(table).set_index(["benchmark", "goal"])["srcc"]
    assert row["srcc_x"] == pytest.approx(best[("tid2013", "jigsaw")], abs=1e-5)
    assert row["srcc_y"] == pytest.approx(best[("kadid10k", "jigsaw")], abs=1e-5)
    assert benchmark_against_benchmark(table, "tid2013", "csiq") is None


def made_scores() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"reference": np.repeat([f"r{n}" for n in range(10)], 20), "level": np.tile(np.arange(20), 10)}
    )
    frame["distorted"] = [f"d{n}" for n in range(200)]
    frame["distortion"] = np.where(frame["level"] % 2 == 0, "blur", "noise")
    frame["opinion"] = 9 - 0.3 * frame["level"] + generator.normal(0, 0.5, 200)
    return frame.assign(**{"plain@x": frame["level"] + generator.normal(0, 2, 200)})


def test_opinion_against_score_draws_points_and_a_falling_curve() -> None:
    chart = opinion_against_score(made_scores(), "plain@x", 1, "a network", most=50)
    assert len(values(chart, "point")) == 50
    curve = values(chart, "line").sort_values("score")
    assert curve["opinion"].is_monotonic_decreasing and curve["opinion"].between(2, 10).all()
    assert "200 pairs, 50 of them drawn" in str(chart.to_dict()["title"]["subtitle"])
    better = made_scores().assign(opinion=lambda rows: 9 - rows["opinion"])  # a DMOS
    rising = values(opinion_against_score(better, "plain@x", -1, "x"), "line").sort_values("score")
    assert rising["opinion"].is_monotonic_increasing


def test_bars_within_distortions_are_the_correlations() -> None:
    scores = made_scores()
    drawn = values(by_distortion(scores, "plain@x", 1, resamples=50), "bar").set_index("distortion")
    for kind, group in scores.groupby("distortion"):
        expected = (-group["plain@x"]).corr(group["opinion"], method="spearman")
        assert drawn.loc[kind, "srcc"] == pytest.approx(expected)
    assert (drawn["srcc_low"] < drawn["srcc"]).all() and (drawn["srcc"] < drawn["srcc_high"]).all()
    assert by_distortion(scores.assign(distortion="all"), "plain@x", 1, resamples=50) is None


def test_channel_relevance_adds_up_to_all_weights() -> None:
    weights = pd.DataFrame(
        {"readout": "tuned", "layer": ["a"] * 3 + ["b"] * 2, "channel": [0, 1, 2, 0, 1], "weight": [1, 3, 0, 5, 5]}
    )
    drawn = values(channel_relevance(weights), "line")
    assert drawn.groupby("layer")["together"].max().tolist() == [1.0, 1.0]
    assert drawn[drawn["layer"] == "a"].sort_values("rank")["channel"].tolist()[0] == 1


def test_a_level_keeps_its_colour_and_no_two_share_one() -> None:
    small, large = theme.places(["jigsaw", "rotation"]), theme.places(["jigsaw", "rotation", "a", "b", "c"])
    assert small["jigsaw"] == large["jigsaw"] and small["rotation"] == large["rotation"]
    assert theme.places(["baseline", "untrained", "swav"])["swav"] == theme.places(["swav", "classification"])["swav"]
    many = theme.places([f"level{n}" for n in range(30)])
    looks = {(theme.colour_of(n), theme.dashes(many).range[i].__repr__()) for i, n in enumerate(many.values())}
    assert len(set(many.values())) == 30 and len(looks) == 30
    assert len(set(theme.places(["baseline", "untrained"]).values())) == 2


def test_every_figure_is_drawn_without_a_browser(table: pd.DataFrame, tmp_path: Path) -> None:
    tid = table[table["benchmark"] == "tid2013"]
    best = best_of_units(table)
    networks = best[best["goal"] != "baseline"]
    charts = {
        "depth": depth_profile(tid, "plain"),
        "grid": factor_grid(tid),
        "forest": forest(matched_contrasts(networks, "goal")),
        "variance": variance_shares(decompose_variance(networks)),
        "readouts": readouts(tid),
    }
    for name, chart in charts.items():
        png, svg, pdf = save(chart, tmp_path, name)
        with Image.open(png) as image:
            assert image.width > 300 and len(np.unique(np.asarray(image.convert("L")))) > 20, name
        assert svg.read_text().startswith("<svg") and pdf.read_bytes().startswith(b"%PDF"), name


@pytest.mark.parametrize(
    ("wanted", "apart"),
    [([0.5], 0.1), ([0.5, 0.5, 0.5], 0.1), ([0.99, 1.0, 0.98], 0.05), ([0.0, 0.0], 0.3), ([0.2, 0.9, 0.21], 0.05)],
)
def test_names_at_the_ends_of_lines_are_apart_in_order_and_inside(wanted: list[float], apart: float) -> None:
    found = spread(wanted, apart, 0.0, 1.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(found[order]) >= apart - 1e-9).all()
    assert found.min() >= -1e-9 and found.max() <= 1 + 1e-9
    alone = np.diff(np.sort(wanted), prepend=-np.inf, append=np.inf)
    far = [
        place
        for place, number in enumerate(order)
        if min(alone[place : place + 2]) > 2 * apart and 0 < wanted[number] < 1
    ]
    assert all(found[order[place]] == pytest.approx(wanted[order[place]]) for place in far)


def test_more_names_than_there_is_room_for_are_closer(tid: pd.DataFrame) -> None:
    assert spread([0.5] * 11, 0.2, 0.0, 1.0).tolist() == pytest.approx(np.linspace(0, 1, 11))


def named(chart: Any, name: str) -> pd.DataFrame:
    """The data of the layer of a name."""
    content = chart.to_dict()
    (layer,) = (layer for layer in content["layer"] if layer.get("name") == name)
    return pd.DataFrame(content["datasets"][layer["data"]["name"]])


def test_lines_have_their_names_at_their_ends_and_no_legend(tid: pd.DataFrame) -> None:
    chart = depth_profile(tid, "plain", {"another group of people": 0.98})
    ends = named(chart, "ends")
    lines = values(chart, "line")
    assert set(ends["label"]) == set(lines["network"])
    last = lines[lines["depth"] == 1].set_index("network")["srcc"]
    assert all(row["srcc"] == pytest.approx(last[row["label"]], abs=1e-4) for _, row in ends.iterrows())
    assert set(named(chart, "ends_of_rules")["label"]) == {
        "ssim_gray",
        "pixels (RMSE, PSNR)",
        "another group of people",
    }
    colours = [layer["encoding"]["color"] for layer in chart.to_dict()["layer"] if "color" in layer["encoding"]]
    assert all(colour.get("legend") is None for colour in colours)


def test_trainings_of_a_cell_share_a_name_where_there_are_many_lines(tid: pd.DataFrame) -> None:
    own = tid[tid["goal"] != "baseline"]
    many = pd.concat([own.assign(weights=own["weights"] + f".{number}") for number in range(3)])
    ends = named(depth_profile(many, "plain"), "ends")
    assert len(ends) == 5 and ends["label"].str.endswith("(3)").all()
    lines = values(depth_profile(many, "plain"), "line")
    assert lines["network"].nunique() == 15


def test_bands_are_intervals_and_where_there_are_none_it_is_said(tid: pd.DataFrame) -> None:
    chart = depth_profile(tid, "plain").to_dict()
    assert any(layer["mark"]["type"] == "area" for layer in chart["layer"])
    without = depth_profile(tid.assign(srcc_low=np.nan, srcc_high=np.nan), "plain").to_dict()
    assert not any(layer["mark"]["type"] == "area" for layer in without["layer"])
    assert "no intervals: too few references" in without["title"]["subtitle"]


HELD = {"heldout": 0.7, "heldout_low": 0.65, "heldout_high": 0.75}


@pytest.mark.parametrize("spread_of", [0.0, 0.018, 0.1, 0.4])
def test_colours_span_a_tenth_at_least_and_their_floor_is_said(spread_of: float, tid: pd.DataFrame) -> None:
    """.715 and .733 are nearly one colour."""
    number = tid.groupby("architecture").ngroup()
    rows = tid.assign(**{**HELD, "heldout": 0.5 + spread_of * number / number.max()})
    chart = factor_grid(rows).to_dict()
    (colour,) = (
        layer["encoding"]["color"] for layer in chart["layer"] if layer["encoding"].get("color", {}).get("scale")
    )
    low, high = colour["scale"]["domain"]
    assert high - low >= 0.1 - 1e-9
    assert f"colours from {low:.3f}".replace("0.", ".") in " ".join(chart["title"]["subtitle"])


def test_cells_of_the_grid_have_intervals_and_of_several_trainings_the_mean_and_the_range(tid: pd.DataFrame) -> None:
    one = tid[tid["goal"] == "classification"].assign(**HELD)
    other = one.assign(weights=one["weights"] + ".v2", heldout=0.5, heldout_low=0.45, heldout_high=0.55)
    alone = values(factor_grid(one), "rect").dropna(subset=["value"])
    assert set(alone["interval"]) == {"[.650, .750]"} and set(alone["value"]) == {0.7}
    both = values(factor_grid(pd.concat([one, other], ignore_index=True)), "rect").dropna(subset=["value"])
    assert set(both["interval"]) == {"2: .500 to .700"} and both["value"].tolist() == pytest.approx([0.6] * len(both))


def test_own_task_has_bars_where_values_are_held_out(tid: pd.DataFrame) -> None:
    keys = ["goal", "dataset", "architecture", "weights"]
    known = tid[tid["goal"] != "baseline"][keys].drop_duplicates().assign(performance=[56, 71, 93, 40, 1], measure="m")
    bars = values(own_task(tid.assign(**HELD), known), "rule")
    assert set(bars["value_low"]) == {0.65} and set(bars["value"]) == {0.7}
    assert "in-sample" in " ".join(own_task(tid, known).to_dict()["title"]["subtitle"])


def test_medians_of_readouts_have_intervals_over_six_networks(tid: pd.DataFrame) -> None:
    own = tid[(tid["goal"] == "classification") | (tid["goal"] == "baseline")]
    copies = [own.assign(weights=own["weights"] + f".{number}", srcc=own["srcc"] + number / 100) for number in range(2)]
    many = pd.concat(copies, ignore_index=True)
    bars = values(readouts(many), "rule")
    of_layers = many[many["layer"] != "pixels"].groupby(["readout", "architecture", "dataset", "weights"])["srcc"].max()
    for _, row in bars.iterrows():
        assert (row["low"], row["high"]) == pytest.approx(
            (of_layers[row["readout"]].min(), of_layers[row["readout"]].max()), abs=1e-4
        )
    with pytest.raises(AssertionError, match="no rule"):
        values(readouts(own), "rule")


def test_pngs_have_300_dots_an_inch(tid: pd.DataFrame, tmp_path: Path) -> None:
    png, _, _ = save(ranking(tid), tmp_path, "a")
    with Image.open(png) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.5) and image.width > 3 * 480


@pytest.mark.parametrize(
    ("benchmark", "measure"),
    [
        ("modelfest_60", "SRCC of log sensitivities with people's"),
        ("contrast_masking_coherent", "SRCC of distances with contrast in units of people's threshold"),
        ("contrast_matching", "SRCC of matching contrasts with people's"),
        ("property_csf", "SRCC of values with a formula of people's sensitivity of detection"),
        ("property_brightness", "SRCC of signed distances with CIEDE2000 responses"),
        ("table", "SRCC with human opinion"),
        ("levels", "SRCC with known levels (nobody's opinion)"),
    ],
)
def test_axes_say_what_is_correlated(benchmark: str, measure: str) -> None:
    rows = pd.DataFrame({"unit": ["one"]})
    assert _measure({"one": SimpleNamespace(config=composed(f"benchmark={benchmark}"))}, rows) == measure


def test_axes_of_experiments_that_are_not_called_promise_nothing() -> None:
    config = replace(composed("benchmark=modelfest").benchmark, family="somebody.elses.experiment")
    unit = SimpleNamespace(config=SimpleNamespace(benchmark=config))
    assert _measure({"one": unit}, pd.DataFrame({"unit": ["one"]})) == "SRCC with people's values"
