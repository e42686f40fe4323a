"""ModelFest: stimuli against those of others, people's means, and the models whose agreement is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from iqa_lab.baselines.observers import CastleObserver, StandardObserver
from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.config import BenchmarkConfig, StatisticsConfig
from iqa_lab.errors import UserError
from iqa_lab.psychophysics import experiment_of
from iqa_lab.psychophysics.display import decoded
from iqa_lab.psychophysics.modelfest import NAMES, STIMULI, observers, pattern
from iqa_lab.readouts import Response
from iqa_lab.readouts.grating import contrast_sensitivity
from iqa_lab.statistics.reading import observer_ceiling, reading_table
from tests.conftest import composed, needs_shared

Floats = NDArray[np.float64]
SETTINGS = StatisticsConfig(resamples=200)

# How far our patterns may be from stimupy's, where it is more than 2e-3. It puts the phase of a grating on whole pixels
# (.02), centres the window of what it draws between two pixels, cuts the Gabors of its strings at 21 pixels (by
# exp(-3.1)), and turns its checks by whole pixels: of these the edges may be elsewhere, and are compared apart.
APART = {
    **dict.fromkeys(["06_gabor_8", "08_gabor_16", "16_gabor_8_elongated", "17_gabor_16_elongated"], 0.022),
    **dict.fromkeys(["13_gabor_8_octave", "14_gabor_16_octave", "25_gabors_4_8"], 0.016),
    **dict.fromkeys(["30_edge", "31_line", "32_dipole"], 0.003), "41_bessel": 0.005,
    **dict.fromkeys(["33_gabors_in_phase", "34_gabors_out_of_phase"], 0.045),
}  # fmt: skip


def config(*overrides: str, name: str = "modelfest") -> BenchmarkConfig:
    return composed(f"benchmark={name}", *overrides).benchmark


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return load_benchmark(config())


@pytest.fixture(scope="module")
def pictures(benchmark: Benchmark) -> torch.Tensor:
    """Grey, then the stimuli of all trials, at people's threshold and at half of it in turns, ``[87, 3, 256, 256]``."""
    names = ["grey", *benchmark.pairs["distorted_path"]]
    return torch.from_numpy(np.stack([benchmark.decode(name).pixels for name in names])).permute(0, 3, 1, 2)


def table_of(benchmark: Benchmark, distances: Floats) -> pd.Series:
    assert benchmark.experiment is not None
    return reading_table(benchmark.experiment.read(distances[:, None]), SETTINGS).iloc[0]


def test_stimuli_are_those_of_others() -> None:
    theirs = np.load(needs_shared("facts", "data", "modelfest", "stimupy_stimuli_float32.npz"))["images"]
    for number, name in enumerate(NAMES):
        image = 2.0 * theirs[number] - 1
        if name == "42_checkerboard":  # the same but for a pixel along the edges of its checks
            ours = np.sign(pattern(name))
            inside = minimum_filter(ours, 3) == maximum_filter(ours, 3)  # of a check, by a pixel or more
            assert inside.mean() > 0.75 and (np.sign(image) == ours)[inside].all()
            assert np.abs(np.abs(image) - np.abs(pattern(name))).max() < 0.003
            continue
        assert np.abs(pattern(name) - image).max() < APART.get(name, 2e-3), name


def test_people_are_those_of_the_data() -> None:
    means = observers().mean(axis="index")
    known = {"04_gabor_4": 2.106, "10_gabor_30": 0.567, "35_noise": 1.330, "43_scene": 1.523}
    assert {name: float(means[name]) for name in known} == pytest.approx(known, abs=6e-4)
    assert observers().shape == (16, 43) and observers().notna().all(axis=None)
    table = pd.read_csv(needs_shared("facts", "data", "modelfest", "means.csv"))
    np.testing.assert_allclose(means, table["mean_log10_sensitivity"], atol=5.1e-5)  # four digits


def test_the_ceiling_is_one_observer_against_the_others(benchmark: Benchmark) -> None:
    assert benchmark.experiment is not None
    found = observer_ceiling(benchmark.experiment.read(np.ones((86, 1))))
    assert found is not None and found.rms_db is not None
    assert (found.plcc[0], found.plcc[2]) == pytest.approx((0.917, 0.991), abs=5e-4)


@pytest.mark.parametrize("thresholds", ["linear", "bisect"])
@pytest.mark.parametrize("name", ["modelfest", "modelfest_60", "modelfest_30"])
def test_a_model_that_is_people_is_perfect(thresholds: str, name: str) -> None:
    experiment = experiment_of(config(f"benchmark.thresholds={thresholds}", name=name))
    trials = experiment.trials
    # a distance of 1 at every threshold, as large as the contrast is times it: the ideal, and the same in other units
    ideal = trials["level"].to_numpy(float) * 10 ** trials["opinion"].to_numpy(float)
    table = reading_table(experiment.read(np.stack([ideal, 7e-5 * ideal], axis=1)), SETTINGS)
    np.testing.assert_allclose(table["rms_db"], 0, atol=1e-6)
    np.testing.assert_allclose(table[["srcc", "plcc", "srcc_within_group"]], 1, atol=1e-9)
    assert (table["censored"] == 0).all()


def test_pixels_agree_as_measured(benchmark: Benchmark, pictures: torch.Tensor) -> None:
    light = decoded(pictures[:, 0].numpy())
    found = table_of(benchmark, np.sqrt(((light[1:] - light[0]) ** 2).mean((1, 2))))
    assert found["rms_db"] == pytest.approx(7.09, abs=0.005) and found["plcc"] == pytest.approx(0.587, abs=1e-3)
    assert found["slope"] == pytest.approx(1, abs=1e-4) and found["slopes_outside"] == 0
    values = pictures[:, 0].double().numpy()
    found = table_of(benchmark, np.sqrt(((values[1:] - values[0]) ** 2).mean((1, 2))))
    assert found["rms_db"] == pytest.approx(7.1, abs=0.05) and found["plcc"] == pytest.approx(0.59, abs=0.005)


def test_pixels_of_other_peoples_stimuli_agree_as_measured() -> None:
    theirs = np.load(needs_shared("facts", "data", "modelfest", "stimupy_stimuli_float32.npz"))["images"]
    energy = np.sqrt(((2.0 * theirs - 1) ** 2).mean((1, 2)))
    experiment = experiment_of(config())
    full = dict(zip(NAMES, energy, strict=True))
    distances = np.array([row.level * full[row.reference] for row in experiment.trials.itertuples()])
    found = reading_table(experiment.read(distances[:, None]), SETTINGS).iloc[0]
    assert [found[name] for name in ("rms_db", "plcc", "srcc")] == pytest.approx([7.09, 0.587, 0.556], abs=0.005)


def test_an_early_model_of_vision_agrees_as_measured() -> None:
    # Mannos and Sakrison's filter, then energy: of the images that it was measured with, and of ours
    theirs = np.load(needs_shared("facts", "data", "modelfest", "stimupy_stimuli_float32.npz"))["images"]
    frequency = np.hypot(np.fft.fftfreq(256, 1 / 120)[:, None], np.fft.fftfreq(256, 1 / 120)[None])
    gain = contrast_sensitivity(frequency)
    experiment = experiment_of(config())
    # the edges of the checkerboard, phases, strings: what moves is the third digit
    for images, within in ((2.0 * theirs - 1, 5e-4), (np.stack([pattern(name) for name in NAMES]), 2e-3)):
        energy = np.sqrt((np.fft.ifft2(np.fft.fft2(images) * gain).real ** 2).mean((1, 2)))
        seen = dict(zip(NAMES, energy, strict=True))
        distances = np.array([row.level * seen[row.reference] for row in experiment.trials.itertuples()])
        found = reading_table(experiment.read(distances[:, None]), SETTINGS).iloc[0]
        assert found["rms_db"] == pytest.approx(5.6, abs=0.05) and found["plcc"] == pytest.approx(0.743, abs=within)


@pytest.mark.parametrize(
    ("model", "rms_db", "plcc"), [(StandardObserver(), 1.12, 0.992), (CastleObserver(), 1.54, 0.983)]
)
def test_models_of_vision_are_nearly_human(
    benchmark: Benchmark, pictures: torch.Tensor, model: StandardObserver | CastleObserver, rms_db: float, plcc: float
) -> None:
    # 1.12 dB and .992 are what the facts measured; castleCSF was not fitted to these data
    model.shown_on(120, 60)
    full = pictures[1::2]  # at people's thresholds; both models are linear in contrast: the halves cost time only
    distance = model.terms()["pixels"](Response([pictures[:1]], [full], 256 * 256)).numpy()
    found = table_of(benchmark, np.stack([distance, distance / 2], axis=1).ravel())
    assert [found["rms_db"], found["plcc"]] == pytest.approx([rms_db, plcc], abs=0.005)


def test_fewer_pixels_are_means_and_leave_out_what_they_cannot_show() -> None:
    np.testing.assert_allclose(pattern("35_noise", 4)[0, 0], pattern("35_noise")[:4, :4].mean())
    for name, side, left in (("modelfest_60", 128, 43), ("modelfest_30", 64, 38)):
        experiment = experiment_of(config(name=name))
        assert experiment.picture("grey").shape == (side, side, 3) and experiment.trials["reference"].nunique() == left
    shown = set(experiment.trials["reference"])
    assert {name for _, name, frequency, _ in STIMULI if frequency > 15} == set(NAMES) - shown
    assert "5 of 43 stimuli have frequencies above 15" in experiment.said[0]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pixels_per_degree=20", "120, 60 or 30.* 10 cycles per degree .Nyquist. are too few; the lowest is 30"),
        ("pixels_per_degree=240", "ModelFest is shown at 120, 60 or 30"),
        ("peak_luminance=35", r"contrasts up to 0.167, and .* reach 0.307 .14_gabor_16_octave.: 39.2 cd/m2 or more"),
        ("peak_luminance=25", "contrasts up to 0,"),
        ("pixels_per_degree=null", "pixels_per_degree=null: stimuli are made for a display"),
        ("levels=[1]", "levels=.* stimuli are made on the spot"),
        ("split.part=test", "split.part: the stimuli are few"),
        ("opinion=dmos", "opinion=dmos"),
        ("distortions=[fixed]", "has no fixed; choose from .*fixed_size"),
    ],
)
def test_what_cannot_be_shown_or_chosen_is_refused(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_benchmark(config(f"benchmark.{override}"))


@pytest.mark.parametrize("override", ["pixels_per_degree=60", "thresholds=bisect", "headline=rms_db", "border=4"])
def test_benchmarks_of_images_have_no_display(override: str) -> None:
    with pytest.raises(UserError, match="protocol=thresholds"):
        load_benchmark(composed(f"benchmark.{override}").benchmark)


def test_stimuli_are_the_same_every_time_and_known_by_their_pixels() -> None:
    few = config("benchmark.distortions=[string]")
    one, again = (examine(load_benchmark(few)) for _ in range(2))
    other = examine(load_benchmark(replace(few, peak_luminance=80)))
    wider = examine(load_benchmark(replace(few, border=2)))
    assert one.index_digest() == again.index_digest()
    assert len({one.index_digest(), other.index_digest(), wider.index_digest()}) == 3
    assert one.n_identical == 0 and len(one.pairs) == 4


def test_a_ladder_finds_what_bisection_finds() -> None:
    """Thresholds of a bent distance, interpolated between contrasts: the very function reaches one criterion there."""
    experiment = experiment_of(config("benchmark.thresholds=bisect"))
    trials = experiment.trials
    gain = {name: 1 + 5 * np.sqrt((pattern(name) ** 2).mean()) for name in NAMES}

    def distance(contrast: Floats | float, name: str) -> Floats:
        return np.asarray((contrast * gain[name]) ** 1.4 / (0.02 + contrast * gain[name]))

    table = [float(distance(row.level, row.reference)) for row in trials.itertuples()]
    reading = experiment.read(np.array(table)[:, None])
    found = -reading.values[:, 0]
    assert found.mean() == pytest.approx(-reading.human.mean(), abs=1e-9)
    criterion = np.array([np.log10(distance(10**c, name)) for c, name in zip(found, reading.stimulus, strict=True)])
    # one criterion for all stimuli, to a tenth of a decibel over what a step of 2 dB bends: none is .01 dB away
    assert 20 * np.ptp(criterion) < 0.02
