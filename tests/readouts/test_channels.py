"""The readouts that weigh channels, against other people's solvers and on data whose answer is known."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.stats import spearmanr

from iqa_lab.errors import UserError
from iqa_lab.networks import Network
from iqa_lab.readouts import channel_scaled, grating, tuned
from iqa_lab.readouts.channels import Context, Differences, Read, weights_table
from iqa_lab.scoring.forward import read_layers
from iqa_lab.scoring.settings import Settings
from tests.conftest import Finished, untrained

REFERENCES, EACH = 12, 10


def made_up(channels: int = 20, relevant: int = 2, seed: int = 0) -> Differences:
    """Differences of 12 references x 10 pairs, of which the first few channels alone make the quality."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(1, 1, (REFERENCES * EACH, channels)).astype(np.float32)
    references = np.repeat([f"r{number:02}" for number in range(REFERENCES)], EACH).astype(object)
    quality = -level[:, :relevant].sum(1) + 0.2 * rng.normal(size=len(level))
    return Differences({"layer": level}, references, quality)


def responses_of(network: Network) -> Callable[[torch.Tensor, Sequence[str], Read], None]:
    return lambda images, layers, read: read_layers(network, images, layers, Settings(), read)


def context(here: Differences, there: Differences | None = None) -> Context:
    def elsewhere(_name: str) -> Differences:
        assert there is not None
        return there

    return Context(here, None, responses_of(untrained("alexnet")), elsewhere)


# --- tuned ------------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 200), pairs=st.integers(3, 40), channels=st.integers(1, 30))
def test_non_negative_ridge_equals_scipys_nnls(seed: int, pairs: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    differences, quality = rng.gamma(1, 1, (pairs, channels)), rng.normal(size=pairs)
    penalties = (1.0, 0.01)
    found = tuned.non_negative_ridge(differences, quality, penalties)
    scale = differences.mean(0)
    scaled = differences / scale - 1
    unit = np.square(scaled).sum() / channels
    for penalty, weights in zip(penalties, found.T, strict=True):
        # ridge as rows of data, the textbook way
        rows = np.vstack([scaled, np.sqrt(penalty * unit) * np.eye(channels)])
        expected, _ = nnls(rows, np.r_[quality.mean() - quality, np.zeros(channels)], maxiter=100 * channels)
        np.testing.assert_allclose(weights * scale, expected, atol=1e-9 * max(1, np.abs(expected).max()))
    assert (found >= 0).all()


def test_solver_ends_where_blocks_would_go_round_in_circles() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):  # nearly singular: exchanges of whole blocks are wrong again and again
        base = rng.normal(size=(30, 3))
        matrix = base @ base.T + 1e-6 * np.eye(30)
        vector = rng.normal(size=30)
        found = tuned.non_negative_solution(matrix, vector, rng.random(30) < 0.5)
        gradient = matrix @ found - vector
        assert (found >= 0).all()
        assert (gradient >= -1e-9).all() or np.abs(gradient[gradient < 0]).max() <= 1e-6 * np.abs(vector).max()
        assert np.abs(gradient[found > 0]).max(initial=0) <= 1e-6 * np.abs(vector).max()


def test_tuned_weights_find_the_channels_that_matter() -> None:
    here = made_up()
    insample, heldout = tuned.weigh(context(here), "tuned")
    assert [insample.row, heldout.row] == ["tuned_insample", "tuned_heldout"]
    for entry in (insample, heldout):
        assert (entry.weights >= 0).all()
        assert set(np.argsort(entry.weights)[-2:]) == {0, 1}
        assert -spearmanr(entry.distances, here.quality).statistic > 0.9
    assert -spearmanr(here.of_layer["layer"].sum(1), here.quality).statistic < 0.5


def test_weights_fitted_to_noise_do_not_survive_being_held_out() -> None:
    here = made_up(channels=60)
    noise = Differences(here.of_layer, here.references, np.random.default_rng(1).normal(size=len(here.quality)))
    insample, heldout = tuned.weigh(context(noise), "tuned")
    assert -spearmanr(insample.distances, noise.quality).statistic > 0.2
    assert abs(spearmanr(heldout.distances, noise.quality).statistic) < 0.2


def test_held_out_distances_do_not_depend_on_the_opinions_of_their_own_references() -> None:
    here = made_up()
    changed = here.quality.copy()
    mine = here.references == "r03"
    changed[mine] = np.random.default_rng(2).normal(size=mine.sum())
    before = tuned.weigh(context(here), "tuned")[1].distances
    after = tuned.weigh(context(Differences(here.of_layer, here.references, changed)), "tuned")[1].distances
    np.testing.assert_array_equal(before[mine], after[mine])
    assert not np.array_equal(before, after)


def test_transfer_uses_the_other_benchmarks_opinions_only() -> None:
    here, there = made_up(seed=0), made_up(seed=1)
    shuffled = Differences(here.of_layer, here.references, here.quality[::-1].copy())
    first, second = (tuned.weigh(context(judged, there), "tuned", fit_on="kadid10k")[2] for judged in (here, shuffled))
    assert first.row == "tuned_from_kadid10k" == tuned.rows("tuned", fit_on="kadid10k", folds=5)[2]
    np.testing.assert_array_equal(first.distances, second.distances)
    assert -spearmanr(first.distances, here.quality).statistic > 0.9


def test_fewer_references_than_folds_is_a_clear_error() -> None:
    here = made_up()
    few = here.references < "r03"
    small = Differences({"layer": here.of_layer["layer"][few]}, here.references[few], here.quality[few])
    with pytest.raises(UserError, match="this benchmark has 3 references, fewer than the 5 folds of readout=tuned"):
        tuned.weigh(context(small), "tuned")
    with pytest.raises(UserError, match="kadid10k has 3 references, fewer than the 5 folds"):
        tuned.weigh(context(here, small), "tuned", fit_on="kadid10k")
    with pytest.raises(UserError, match="folds=2: at least 3"):
        tuned.weigh(context(here), "tuned", folds=2)


def test_channels_that_never_respond_get_no_weight() -> None:
    here = made_up()
    values = here.of_layer["layer"].copy()
    values[:, 5] = 0
    insample, heldout = tuned.weigh(context(Differences({"layer": values}, here.references, here.quality)), "tuned")
    assert insample.weights[5] == heldout.weights[5] == 0
    dead = Differences({"layer": np.zeros_like(values)}, here.references, here.quality)
    for entry in tuned.weigh(context(dead), "tuned"):
        assert (entry.distances == 0).all() and (entry.weights == 0).all()


# --- channel_scaled ---------------------------------------------------------------------------------------------------


def test_channel_scaled_is_the_definition_and_knows_no_opinion() -> None:
    here = made_up()
    (entry,) = channel_scaled.weigh(context(here), "channel_scaled")
    values = here.of_layer["layer"].astype(float)
    np.testing.assert_allclose(entry.distances, np.sqrt((values / values.mean(0)).mean(1)), rtol=1e-12)
    louder = Differences({"layer": here.of_layer["layer"] * np.geomspace(1, 1e6, 20)}, here.references, -here.quality)
    (scaled,) = channel_scaled.weigh(context(louder), "channel_scaled")
    np.testing.assert_allclose(scaled.distances, entry.distances, rtol=1e-6)


def test_channel_scaled_counts_a_silent_channel_as_zero() -> None:
    here = made_up()
    values = here.of_layer["layer"].copy()
    values[:, 3] = 0
    (entry,) = channel_scaled.weigh(context(Differences({"layer": values}, here.references, here.quality)), "x")
    assert np.isfinite(entry.distances).all() and entry.weights[3] == 0


# --- grating ----------------------------------------------------------------------------------------------------------


def test_gratings_have_their_frequency_orientation_and_contrast() -> None:
    images = grating.gratings(pixels_per_degree=32, cycles_per_degree=[1, 4])
    assert images.shape == (1 + 2 * grating.ORIENTATIONS, 3, grating.SIZE, grating.SIZE)
    assert images[0].unique().numel() == 1
    vertical = images[1 + grating.ORIENTATIONS, 0].double()  # 4 cycles a degree, varying along x only
    assert torch.equal(vertical, vertical[:1].expand_as(vertical))
    spectrum = torch.fft.rfft(vertical[0] - vertical[0].mean()).abs()
    assert int(spectrum.argmax()) == 4 * grating.SIZE // 32
    brightest, darkest = float(vertical.max()), float(vertical.min())
    assert (brightest - darkest) / (brightest + darkest) == pytest.approx(grating.CONTRAST, abs=0.01)


def test_human_contrast_sensitivity_has_its_peak_near_eight_cycles() -> None:
    frequencies = np.linspace(0.5, 40, 800)
    sensitivity = grating.contrast_sensitivity(frequencies)
    assert 7 < frequencies[sensitivity.argmax()] < 9
    assert sensitivity.max() == pytest.approx(1, abs=0.03)


def test_a_channel_tuned_as_people_are_weighs_most() -> None:
    human = grating.contrast_sensitivity(np.array([0.5, 1, 2, 4, 8, 12]))
    sensitivity = np.stack([5 * human, human.max() - human, np.ones(6), np.zeros(6)], axis=1)
    np.testing.assert_allclose(grating.resemblance(sensitivity, human), [1, 0, 0.5, 0], atol=1e-12)


def test_grating_weights_know_the_network_and_no_opinion(small_pairs: pd.DataFrame) -> None:
    from iqa_lab.scoring.score import score

    network = untrained("alexnet")
    names = [layer.name for layer in network.layers[:2]] + ["pixels"]
    scores = score(network, small_pairs, [], Settings(), channels=names)
    references, quality = small_pairs["reference_path"].to_numpy(dtype=object), -small_pairs["level"].to_numpy(float)
    weighed = {}
    for sign in (1, -1):
        here = Differences(scores.channels, references, sign * quality)
        entries = grating.weigh(Context(here, None, responses_of(network), lambda _, here=here: here), "grating")
        weighed[sign] = {entry.layer: entry for entry in entries}
    for name in names:
        ours = weighed[1][name]
        assert ((ours.weights >= 0) & (ours.weights <= 1)).all() and ours.weights.max() > 0
        np.testing.assert_array_equal(ours.distances, weighed[-1][name].distances)
        assert (ours.distances[small_pairs["level"] == 0] == 0).all()
    # the pixels pass on every frequency alike, so no frequency is preferred
    np.testing.assert_allclose(weighed[1]["pixels"].weights, 0.5, atol=0.2)


# --- what is left on disk ---------------------------------------------------------------------------------------------


def test_the_table_of_weights_has_each_channels_own_agreement() -> None:
    here = made_up()
    table = weights_table(tuned.weigh(context(here), "tuned"), here)
    assert list(table.columns) == ["readout", "layer", "channel", "weight", "srcc"]
    assert len(table) == 2 * 20
    row = table[(table["readout"] == "tuned_insample") & (table["channel"] == 1)].iloc[0]
    expected = -spearmanr(here.of_layer["layer"][:, 1], here.quality).statistic
    assert row["srcc"] == pytest.approx(expected, abs=1e-12)


def test_a_run_saves_weights_and_keeps_them_as_it_grows(
    iqa_lab: Callable[..., Finished], levels_home: Path, tmp_path: Path
) -> None:
    common = (
        "goal=untrained", "dataset=none", "architecture=squeezenet1_1", "tracker=none", "statistics.resamples=50",
        f"benchmark.path={levels_home / 'levels'}", "layers=[features.1,features.12]", "benchmark.levels=[1,5]",
        "preprocess.resize=96",
    )  # fmt: skip
    assert iqa_lab("run", *common, "readout=[plain,channel_scaled]").code == 0
    (folder,) = (tmp_path / "results/levels").glob("*/*")
    first = pd.read_csv(folder / "channel_weights.csv")
    assert set(first["readout"]) == {"channel_scaled"}
    assert set(first["layer"]) == {"pixels", "features.1", "features.12"}
    done = iqa_lab("run", *common, "readout=tuned")
    assert done.code == 0, done.err
    both = pd.read_csv(folder / "channel_weights.csv")
    assert set(both["readout"]) == {"channel_scaled", "tuned_insample", "tuned_heldout"}
    assert (both["weight"] >= 0).all()
    pd.testing.assert_frame_equal(
        both[both["readout"] == "channel_scaled"].reset_index(drop=True), first.reset_index(drop=True)
    )
    table = pd.read_csv(folder / "correlations.csv")
    rows = table[table["layer"] == "features.12"].set_index("readout")["srcc"]
    assert {"plain", "channel_scaled", "tuned_insample", "tuned_heldout"} == set(rows.index)
    # what was fitted to the opinions themselves is never shown as the best
    first_row = next(line for line in done.out.splitlines() if "features.1" in line)
    assert "tuned_insample" not in first_row
    refused = iqa_lab("run", *common, "readout=tuned", "readouts.tuned.arguments.folds=8")
    assert refused.code == 2 and "7 references, fewer than the 8 folds" in refused.error_line
    refused = iqa_lab("run", *common, "readout=tuned", "readouts.tuned.arguments.fit_on=levels")
    assert refused.code == 2 and "fit_on=levels is the benchmark that is scored" in refused.error_line
    refused = iqa_lab("run", *common, "readout=tuned", "readouts.tuned.arguments.fit_on=kadid")
    assert refused.code == 2 and "there is no benchmark kadid; choose from" in refused.error_line
