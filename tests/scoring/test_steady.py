"""Networks whose responses depend on chance or on the batch are refused; all others are not."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from iqa_lab.config import InputConfig, ReadoutConfig
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.network import Layer
from iqa_lab.readouts import Response, load_distance
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.scoring.steady import check_steady
from tests.conftest import composed, noisy, picture, untrained
from tests.scoring.test_score import one_pair

SIZE = (32, 48)


class Step(nn.Module):
    """A module that does what a function says."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, values: Tensor) -> Tensor:
        return self.function(values)


def network(*steps: nn.Module | Callable[[Tensor], Tensor], image_size: int | None = None) -> Network:
    """Convolution ``0``, then these steps, then convolution ``end``; every one is a layer."""
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 8, 3), *(step if isinstance(step, nn.Module) else Step(step) for step in steps)]
    module = nn.Sequential()
    for number, part in enumerate(parts):
        module.add_module(str(number), part)
    module.add_module("end", nn.Conv2d(8, 8, 3))
    layers = tuple(Layer(name, 0.0) for name, _ in module.named_children())
    return Network(
        module=module.requires_grad_(False),
        layers=layers,
        input=InputConfig(),
        image_size=image_size,
        weights="",
        digest="",
    )


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("steady") / "image.png"
    Image.fromarray(picture(0, *SIZE)).save(path)
    return str(path)


def check(tested: Network, path: str, precision: str = "fp32") -> None:
    check_steady(tested, path, ["pixels", *(layer.name for layer in tested.layers)], Settings(precision=precision))


def drop_path(values: Tensor) -> Tensor:
    return values * (torch.rand(()) > 0.1)


def own_generator() -> Callable[[Tensor], Tensor]:
    generator = torch.Generator()
    return lambda values: values + 1e-2 * torch.randn(values.shape, generator=generator).to(values)


BY_CHANCE: dict[str, Callable[[], nn.Module | Callable[[Tensor], Tensor]]] = {
    "dropout in training mode": lambda: nn.Dropout(0.01).train(),
    "dropout that is always on": lambda: lambda values: F.dropout(values, 0.1),
    "channel dropout": lambda: nn.Dropout2d(0.2).train(),
    "faint noise": lambda: lambda values: values + 1e-6 * torch.randn_like(values),
    "noise of NumPy": lambda: lambda values: values * (1 + 1e-6 * float(np.random.normal())),
    "noise of Python": lambda: lambda values: values * (1 + 1e-6 * random.random()),
    "a path that is seldom dropped": lambda: drop_path,
    "noise of its own generator": own_generator,
    "a learning spectral norm": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 3)).train(),
}
BY_BATCH: dict[str, Callable[[], nn.Module | Callable[[Tensor], Tensor]]] = {
    "batch normalisation in training mode": lambda: nn.BatchNorm2d(8).train(),
    "without running statistics": lambda: nn.BatchNorm2d(8, track_running_stats=False).eval(),
    "divided by the largest of all": lambda: lambda values: values / values.abs().max(),
    "less the mean of the batch": lambda: lambda values: values - 0.1 * values.mean(0, keepdim=True),
    "the image before": lambda: lambda values: values + 0.1 * values.roll(1, 0),
    "the image before, not around": lambda: lambda values: values + F.pad(values[:-1], (0, 0, 0, 0, 0, 0, 1, 0)),
    "turned round": lambda: lambda values: values.flip(0),
    "sorted": lambda: lambda values: values[values.mean((1, 2, 3)).argsort()],
    "neighbours exchanged": lambda: (
        lambda values: values[[number ^ 1 for number in range(len(values) & ~1)]] if len(values) > 1 else values
    ),
    "otherwise for more than three": lambda: lambda values: values * (1 if len(values) < 4 else 2),
    "the image behind": lambda: lambda values: values + F.pad(values[1:], (0, 0, 0, 0, 0, 0, 0, 1)),
}
STEADY: dict[str, Callable[[], nn.Module | Callable[[Tensor], Tensor]]] = {
    "batch normalisation": lambda: nn.BatchNorm2d(8).eval(),
    "dropout that is off": lambda: nn.Dropout(0.5).eval(),
    "numbers drawn for nothing": lambda: lambda values: values + 0 * torch.rand(()),
    "instance normalisation": lambda: nn.InstanceNorm2d(8),
    "nothing but zeros": lambda: lambda values: 0 * values,
}


FAINT = ("noise of NumPy", "noise of Python", "faint noise")  # a millionth, which bf16 rounds away


@pytest.mark.parametrize(
    ("kind", "precision"),
    [(kind, one) for kind in BY_CHANCE for one in ("fp32", "bf16") if one == "fp32" or kind not in FAINT],
)
def test_chance_is_refused(kind: str, precision: str, image: str) -> None:
    with pytest.raises(UserError, match=r"^layer 1 does not give the same responses to the same image again"):
        check(network(BY_CHANCE[kind]()), image, precision)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", BY_BATCH)
def test_what_depends_on_the_batch_is_refused(kind: str, precision: str, image: str) -> None:
    with pytest.raises(UserError, match=r"^layer 1 gives other responses to an image among others than alone"):
        check(network(BY_BATCH[kind]()), image, precision)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
@pytest.mark.parametrize("kind", STEADY)
def test_what_depends_on_the_image_alone_passes(kind: str, precision: str, image: str) -> None:
    check(network(STEADY[kind]()), image, precision)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_responses_that_are_no_numbers_are_said_to_be(number: float, image: str) -> None:
    with pytest.raises(UnitFailed, match="^layer 1 gives NaN or infinity for .*image.png"):
        check(network(lambda values: values + number), image)


def test_complex_responses_are_refused(image: str) -> None:
    with pytest.raises(UserError, match="^layer 1 gives complex numbers"):
        check(network(lambda values: torch.complex(values, values)), image)


def test_layers_that_nobody_reads_may_do_as_they_like(image: str) -> None:
    check_steady(network(nn.Dropout().train()), image, ["pixels", "0"], Settings())
    check_steady(network(nn.Dropout().train()), image, ["pixels"], Settings())


def test_networks_of_one_image_size(tmp_path: Path) -> None:
    Image.fromarray(picture(0, 40, 40)).save(tmp_path / "r.png")
    check(network(image_size=40), str(tmp_path / "r.png"))
    with pytest.raises(UserError, match="layer 1 gives other responses"):
        check(network(nn.BatchNorm2d(8).train(), image_size=40), str(tmp_path / "r.png"))


@pytest.mark.parametrize("grey", [0, 127, 255])
def test_uniform_images_show_it_as_well(tmp_path: Path, grey: int) -> None:
    Image.fromarray(np.full((*SIZE, 3), grey, np.uint8)).save(tmp_path / "r.png")
    with pytest.raises(UserError, match="layer 1 gives other responses"):
        check(network(nn.BatchNorm2d(8).train()), str(tmp_path / "r.png"))


@pytest.mark.parametrize("architecture", ["squeezenet1_1", "vit_tiny_patch16_224"])
def test_real_networks_pass(architecture: str, tmp_path: Path) -> None:
    Image.fromarray(picture(0, 64, 96)).save(tmp_path / "r.png")
    check(untrained(architecture), str(tmp_path / "r.png"))


def test_three_images_that_do_not_fit_into_memory_are_said(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    def only_one(values: Tensor) -> Tensor:
        if len(values) > 1:
            raise MemoryError
        return values

    check(network(only_one), image)
    assert "not checked whether batches matter" in " ".join(capsys.readouterr().err.split())


# --- other ways to a wrong number -------------------------------------------------------------------------------------


def scored(tested: Network, tmp_path: Path, *layers: str, distance: object = None) -> np.ndarray:
    pairs = one_pair(tmp_path, picture(0, *SIZE), noisy(picture(0, *SIZE), 1, 30))
    function = distance or load_distance(ReadoutConfig(function="plain", formula=""))
    columns = [Column(layer=Layer(name, 0.0), readout="plain", terms={name: function}) for name in layers]  # type: ignore[dict-item]
    return score(tested, pairs, columns, Settings()).values


class Branches(nn.Module):
    """Its part ``seldom`` runs for images that are bright; ``often`` runs twice, or fails."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.often, self.seldom = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        if self.how == "fails":
            raise KeyError("no such thing")
        if self.how == "leaves":
            raise SystemExit(0)
        values = self.often(images)
        if self.how == "twice":
            values = self.often(2 * images)
        if self.how == "catches":
            try:
                return self.seldom(values)
            except Exception:
                return values
        return values if self.how == "branch" else self.seldom(values)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("branch", "seldom did not run for 2 images of 48 x 32 pixels"),
        ("twice", "layer often runs more than once for images of 48 x 32 pixels"),
        ("fails", "the network fails on 2 images of 48 x 32 pixels: KeyError: 'no such thing'"),
        ("leaves", "the network fails on 2 images of 48 x 32 pixels: SystemExit: 0"),
    ],
)
def test_layers_that_do_not_run_once_are_refused(how: str, message: str, tmp_path: Path) -> None:
    tested = Network(
        module=Branches(how).requires_grad_(False),
        layers=(),
        input=InputConfig(),
        image_size=None,
        weights="",
        digest="",
    )
    with pytest.raises(UserError, match=message):
        scored(tested, tmp_path, "often", "seldom")


def test_each_call_of_a_layer_that_runs_twice_has_a_name(tmp_path: Path) -> None:
    torch.manual_seed(0)
    once = Branches("once").requires_grad_(False)
    twice = Branches("twice").requires_grad_(False)
    twice.load_state_dict(once.state_dict())
    plain = Network(module=once, layers=(), input=InputConfig(), image_size=None, weights="", digest="")
    tested = Network(module=twice, layers=(), input=InputConfig(), image_size=None, weights="", digest="")
    first, second = scored(tested, tmp_path, "often:call1", "often:call2").T
    assert (first == scored(plain, tmp_path, "often").T[0]).all()
    np.testing.assert_allclose(second, 2 * first, rtol=1e-5)
    with pytest.raises(UserError, match="often:call3 did not run"):
        scored(tested, tmp_path, "often:call3")


def test_an_error_in_a_readout_is_not_lost_in_a_network_that_catches_errors(tmp_path: Path) -> None:
    def broken(_response: Response) -> Tensor:
        raise UserError("this readout is broken")

    tested = Network(
        module=Branches("catches").requires_grad_(False),
        layers=(),
        input=InputConfig(),
        image_size=None,
        weights="",
        digest="",
    )
    assert scored(tested, tmp_path, "seldom").all()
    with pytest.raises(UserError, match="this readout is broken"):
        scored(tested, tmp_path, "seldom", distance=broken)


def test_responses_that_are_not_one_an_image_are_refused(tmp_path: Path) -> None:
    halves = network(lambda values: values.unfold(3, 20, 20).movedim(3, 1).flatten(0, 1))
    with pytest.raises(UserError, match="layer 1 gives 4 responses for 2 images"):
        scored(halves, tmp_path, "1")
    with pytest.raises(UserError, match="too small for this network: the responses of layer 1 are empty"):
        scored(network(lambda values: values[:, :, 40:]), tmp_path, "1")


def test_distances_below_zero_fail_the_unit(tmp_path: Path) -> None:
    with pytest.raises(UnitFailed, match="scores are below zero, in the columns plain@0: a readout gives distances"):
        scored(network(), tmp_path, "0", distance=lambda response: -response.squared_difference)


def test_a_network_that_was_rounded_to_bf16_is_not_taken_for_exact(image: str) -> None:
    tested = build_network(composed("goal=untrained", "dataset=none", "architecture=alexnet"))
    layers = ["features.1"]
    large = str(Path(image).with_name("large.png"))
    Image.fromarray(picture(0, 64, 96)).save(large)
    check_steady(tested, large, layers, Settings())
    check_steady(tested, large, layers, Settings(precision="bf16"))
    with pytest.raises(UserError, match="rounded to bf16 before: build it again for precision=fp32"):
        check_steady(tested, large, layers, Settings())
