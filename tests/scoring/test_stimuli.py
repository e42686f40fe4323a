"""float32 stimuli through the pass: as 8-bit images go, without their rounding; and what is refused before it."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.benchmarks.images import Decoded, Resize, decode, made
from iqa_lab.config import InputConfig
from iqa_lab.errors import UserError
from iqa_lab.networks import Network
from iqa_lab.networks.network import PIXELS, lightness
from iqa_lab.psychophysics.experiment import read_scores
from iqa_lab.scoring.batches import Picture, batches
from iqa_lab.scoring.columns import Column, plan_columns
from iqa_lab.scoring.run import check_readouts
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.scoring.stimuli import check_stimuli
from iqa_lab.store.identity import identity
from tests.conftest import composed, untrained
from tests.scoring.test_score import FUNCTIONS

FEW = "benchmark.distortions=[string,picture]"  # four stimuli, eight trials


@pytest.fixture(scope="module")
def stimuli() -> Benchmark:
    return examine(load_benchmark(composed("benchmark=modelfest_30", FEW).benchmark))


def columns_of(network: Network, *readouts: str) -> list[Column]:
    layers = (PIXELS, network.layers[1], network.layers[-1])
    return [
        Column(layer=layer, readout=name, terms={layer.name: FUNCTIONS[name]}) for layer in layers for name in readouts
    ]


def test_8_bit_images_have_the_digests_that_they_always_had() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = hashlib.blake2b(pixels.tobytes(), digest_size=16)
    expected.update(b"(2, 4, 3)")
    assert Decoded(pixels, None).digest == expected.hexdigest()
    assert Decoded(pixels.astype(np.float32), None).digest != expected.hexdigest()
    assert Decoded(pixels.view(np.uint8).copy(), None).digest == expected.hexdigest()


def test_images_of_whole_levels_score_alike_in_both_kinds_of_numbers(small_pairs: pd.DataFrame) -> None:
    def as_floats(path: str, resize: Resize = None, *, thorough: bool = True) -> Decoded:
        return made(decode(path, resize, thorough=thorough).pixels.astype(np.float32), path)

    network = untrained("squeezenet1_1")
    columns = columns_of(network, "plain", "cosine", "mean")
    whole, floats = (score(network, small_pairs, columns, Settings(), decode=how).values for how in (decode, as_floats))
    np.testing.assert_array_equal(whole, floats)


def test_a_batch_holds_one_kind_of_numbers() -> None:
    kinds = [np.uint8, np.uint8, np.float32, np.float32, np.uint8]
    pictures = [
        Picture(str(number), np.zeros((4, 4, 3), dtype=kind), None, "r", number, True)
        for number, kind in enumerate(kinds)
    ]
    assert [len(batch.pictures) for batch in batches(pictures, 8)] == [2, 2, 1]


def test_scores_of_stimuli_do_not_depend_on_the_batch(stimuli: Benchmark) -> None:
    network = untrained("squeezenet1_1")
    columns = columns_of(network, "plain", "mean")
    one, three, all_at_once = (
        score(network, stimuli.pairs, columns, Settings(batch_size=size), decode=stimuli.decode).values
        for size in (1, 3, 16)
    )
    assert (one > 0).all()
    # responses differ by 1e-6 of their size, and stimuli at threshold by 1e-3 of it
    np.testing.assert_allclose(three, one, rtol=1e-3)
    np.testing.assert_allclose(all_at_once, one, rtol=1e-3)


def test_either_picture_may_come_first_and_none_differs_from_itself(stimuli: Benchmark) -> None:
    network = untrained("squeezenet1_1")
    columns = columns_of(network, "plain", "cosine")
    facts = ("path", "pixels", "checksum")
    ends = {f"reference_{fact}": f"distorted_{fact}" for fact in facts}
    turned = stimuli.pairs.rename(columns=ends | {other: one for one, other in ends.items()})
    forth, back = (
        score(network, pairs, columns, Settings(batch_size=4), decode=stimuli.decode).values
        for pairs in (stimuli.pairs, turned)
    )
    np.testing.assert_allclose(back, forth, rtol=1e-3)
    same = stimuli.pairs.assign(**{other: stimuli.pairs[one] for one, other in ends.items()})
    assert (score(network, same, columns, Settings(), decode=stimuli.decode).values == 0).all()


def test_bisected_thresholds_are_the_linear_ones_where_a_distance_is_linear() -> None:
    few = "benchmark.distortions=[orientation,baguette]"
    found = {}
    for how in ("linear", "bisect"):
        benchmark = load_benchmark(composed("benchmark=modelfest_60", few, f"benchmark.thresholds={how}").benchmark)
        control = [Column(layer=PIXELS, readout="plain", terms={PIXELS.name: FUNCTIONS["plain"]})]
        network = untrained("squeezenet1_1")  # only the pixels are read: nothing is forwarded
        scores = score(network, benchmark.pairs, control, Settings(batch_size=32), decode=benchmark.decode)
        frame = benchmark.pairs.assign(**{"plain@pixels": scores.values[:, 0]})
        found[how] = read_scores(benchmark.config, frame, ["plain@pixels"])
    linear, bisect = (one.values[:, 0] - one.values[:, 0].mean() for one in found.values())
    # sRGB bends the pixels by 1 % at contrasts of people's thresholds, .02: .1 dB
    np.testing.assert_allclose(bisect, linear, atol=0.005)
    assert (
        found["bisect"].extra["censored"][0] == 0
        and found["bisect"].stimulus.tolist() == found["linear"].stimulus.tolist()
    )


def test_a_stimulus_that_is_another_one_than_was_examined_is_noticed(stimuli: Benchmark) -> None:
    other = load_benchmark(replace(stimuli.config, peak_luminance=61))
    network = untrained("squeezenet1_1")
    with pytest.raises(UserError, match="is not the image any more"):
        score(network, stimuli.pairs, columns_of(network, "plain"), Settings(), decode=other.decode)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 4, 3)), "float64"),
        (np.zeros((4, 4), dtype=np.float32), "not float32 .height, width, 3"),
        (np.full((4, 4, 3), 255.1, dtype=np.float32), "outside of 0..255"),
        (np.full((4, 4, 3), -0.1, dtype=np.float32), "outside of 0..255"),
        (np.full((4, 4, 3), np.nan, dtype=np.float32), "outside of 0..255"),
    ],
)
def test_a_picture_that_no_display_shows_is_refused(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        made(pixels, "s")


def test_a_stimulus_is_never_resized(stimuli: Benchmark) -> None:
    with pytest.raises(UserError, match=r"preprocess.resize=64: a stimulus is never resized"):
        stimuli.decode("grey", 64)


def test_lightness_in_8_bits_is_that_of_the_nearest_levels() -> None:
    """So metrics see images that a descent has moved; of stimuli nothing may be rounded, which the next test holds."""
    whole = torch.randint(0, 256, (1, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(lightness(whole), lightness(whole.float()))
    assert torch.equal(lightness(whole), lightness((whole.float() + 0.25).clamp_max(255)))


@pytest.mark.parametrize(
    ("network", "overrides", "message"),
    [
        ({"image_size": 224}, [], "takes images of 224 x 224 pixels only.*have 64.* benchmark.pixels_per_degree=60 "
                                  "benchmark.border=48$"),
        ({"image_size": 64}, ["benchmark.border=1"], "benchmark.pixels_per_degree=30 benchmark.border=0"),
        ({"image_size": 257}, [], "no setting of this benchmark has that many"),
        ({"input": InputConfig(mean=[0], std=[1], order="lightness")}, [], "reads lightness in 8 bits"),
        ({}, ["precision=bf16"], "precision=bf16: near threshold"),
        ({}, ["precision=tf32"], "precision=tf32: near threshold"),
    ],
)  # fmt: skip
def test_what_would_change_stimuli_is_refused_before_the_pass(
    network: dict[str, object], overrides: list[str], message: str
) -> None:
    config = composed("benchmark=modelfest_30", FEW, *overrides)
    with pytest.raises(UserError, match=message):
        check_stimuli(config, replace(untrained("squeezenet1_1"), **network), load_benchmark(config.benchmark))


def test_what_suits_is_not_refused(stimuli: Benchmark) -> None:
    config = composed("benchmark=modelfest_30", FEW)
    check_stimuli(config, untrained("squeezenet1_1"), stimuli)
    fitting = load_benchmark(replace(config.benchmark, pixels_per_degree=60, border=48))
    config = composed("benchmark=modelfest", FEW, "benchmark.pixels_per_degree=60", "benchmark.border=48")
    check_stimuli(config, replace(untrained("squeezenet1_1"), image_size=224), fitting)
    assert fitting.decode("grey").pixels.shape == (224, 224, 3)


def test_thresholds_are_no_opinions_to_fit_to(stimuli: Benchmark) -> None:
    config = composed("benchmark=modelfest_30", FEW, "readout=tuned")
    plan = plan_columns(config, untrained("squeezenet1_1"))
    with pytest.raises(UserError, match="is fitted to opinions of images"):
        check_readouts(plan, config.readouts, stimuli)


@pytest.mark.parametrize("override", ["pixels_per_degree=60", "peak_luminance=61", "border=1", "thresholds=bisect"])
def test_how_stimuli_are_shown_is_part_of_the_signature(override: str, stimuli: Benchmark) -> None:
    """Even where no pixel told it: the same examined benchmark under other settings is another unit."""
    one, other = (
        identity(composed("benchmark=modelfest_30", FEW, *more), untrained("squeezenet1_1"), stimuli)
        for more in ([], [f"benchmark.{override}"])
    )
    assert one != other and one["stimuli"] != other["stimuli"]
    assert "stimuli" not in identity(composed(), untrained("squeezenet1_1"), stimuli)
