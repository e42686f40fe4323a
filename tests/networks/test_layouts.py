"""How a layer's output is laid out is found by running the network; what cannot be a right map is refused."""

from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from iqa_lab.config import ArchitectureConfig, Config, WeightsConfig
from iqa_lab.errors import UserError
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.build import build_module, named_layers
from iqa_lab.networks.choice import select_layers
from iqa_lab.networks.network import Layer, call_of, module_of, part_of
from iqa_lab.scoring.forward import read_layers
from iqa_lab.scoring.settings import Settings
from tests.conftest import composed

OWN = "tests.networks.own"


@cache
def own_config() -> Config:
    return composed("goal=untrained", "dataset=none", "architecture=custom", "architecture.constructor=none")


def custom(constructor: str, arguments: dict[str, Any] | None = None, **changes: Any) -> Config:
    """The configuration of a random network of one's own."""
    config = deepcopy(own_config())
    config.architecture.constructor = constructor
    config.architecture.arguments = arguments or {}
    for key, value in changes.items():
        setattr(config.architecture, key, value)
    return config


def responses(network: Network, images: Tensor) -> dict[str, Tensor]:
    """Every layer's response as the pass reads it."""
    found: dict[str, Tensor] = {}

    def read(layer: str, output: Tensor | None) -> None:
        assert output is not None
        found[layer] = output.clone()

    read_layers(network, images, [layer.name for layer in network.layers], Settings(), read)
    return found


def photographs(height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


SAME = ["map", "map_last", "tokens", "class_first", "pair:0", "pair:1", "dictionary:out", "dictionary:aux"]


@pytest.mark.parametrize("side", [None, 64])
@pytest.mark.parametrize("name", SAME)
def test_every_layout_gives_the_same_map(name: str, side: int | None) -> None:
    config = custom(f"{OWN}.Layouts", {"side": side}, layers=[f"blocks.{name}"], image_size=side)
    network = build_network(config)
    images = photographs(64, 64) if side else photographs(40, 80)
    found = responses(network, images)[f"blocks.{name}"]
    with torch.inference_mode():
        expected = network.module.conv(network.prepare(images))
    assert torch.equal(found, expected)


NO_MAPS = [
    ("class_last", "do not stand row by row behind 1 others|both axes could be positions"),
    ("by_columns", "do not stand row by row behind 0 others|both axes could be positions"),
    ("tokens_first", "its first axis is not the batch"),
    ("channels_first", r"\[B, C, positions\]|both axes could be positions"),
    ("windows", "its first axis is not the batch"),
    ("attention", r"neither \[B, C, H, W\] nor \[B, H, W, C\]"),
    ("flat", "a vector whose length follows the image's size"),
    ("pair", r"gives no tensor of its own: choose one of its parts, blocks.pair:0, blocks.pair:1"),
    ("pair:2", r"no layer blocks.pair:2 .*nearest are blocks.pair:0, blocks.pair:1"),
    ("nothing", "gives no tensor of its own: choose a module inside or around it"),
    ("volume", "no map, tokens or vector"),
]


# at one image size a vector is a vector, and 64 x 64 positions of stride 1 are a map
@pytest.mark.parametrize(
    ("name", "message", "side"),
    [
        (name, said, side)
        for name, said in NO_MAPS
        for side in (None, 64)
        if not side or name not in ("flat", "attention")
    ],
)
def test_what_is_no_map_is_refused_with_the_reason(name: str, message: str, side: int | None) -> None:
    config = custom(f"{OWN}.Layouts", {"side": side}, layers=[f"blocks.{name}"], image_size=side)
    with pytest.raises(UserError, match=message):
        build_network(config)


@pytest.mark.parametrize("declared", ["map", "map_last", "tokens"])
@pytest.mark.parametrize(("name", "kind"), [("map", "map"), ("map_last", "map_last"), ("tokens", "tokens")])
@pytest.mark.parametrize("side", [None, 64])
def test_a_declared_layout_that_contradicts_the_output_is_refused(
    name: str, kind: str, declared: str, side: int | None
) -> None:
    config = custom(f"{OWN}.Layouts", {"side": side}, layers=[f"blocks.{name}"], image_size=side, layout=declared)
    if kind == declared:
        assert [layer.form.kind for layer in build_network(config).layers if layer.form] == [kind]
        return
    with pytest.raises(
        UserError, match=rf"blocks.{name} gives .*layout={declared} says .*: give .*layout={kind}, or auto"
    ):
        build_network(config)


@pytest.mark.parametrize(("patch", "prefix"), [(8, 0), (16, 1), (4, 1), (7, 1)])
def test_patches_that_contradict_the_tokens_are_refused(patch: int, prefix: int) -> None:
    config = custom(f"{OWN}.Layouts", layers=["blocks.class_first"], layout="tokens", patch=patch, prefix_tokens=prefix)
    with pytest.raises(UserError, match=f"architecture.patch={patch} and prefix_tokens={prefix} there would be"):
        build_network(config)


@pytest.mark.parametrize(("channels", "known"), [(8, False), (7, True)])
def test_three_equal_axes_at_one_size_are_said(channels: int, known: bool) -> None:
    """64 / 8 = 8 rows and columns: with 8 channels nobody can tell them apart."""
    config = custom(f"{OWN}.Layouts", {"channels": channels, "side": 64}, image_size=64, layers=["blocks.map_last"])
    if known:
        build_network(config)
        return
    with pytest.raises(UserError, match="three equal axes: say architecture.layout=map or map_last"):
        build_network(config)
    config.architecture.layout = "map_last"
    (layer,) = build_network(config).layers
    assert layer.form is not None and layer.form.kind == "map_last"


def test_equal_numbers_of_tokens_and_channels_are_told_by_a_change_of_the_image() -> None:
    """64 tokens of 16 channels, which could be 4 x 4 positions, too."""
    config = custom(f"{OWN}.Layouts", {"channels": 16, "side": 64}, image_size=64, layers=["blocks.tokens"])
    (layer,) = build_network(config).layers
    assert layer.form is not None and (layer.form.kind, layer.form.channels) == ("tokens", 16)
    config.architecture.layers = ["blocks.channels_first"]
    with pytest.raises(UserError, match="both axes could be positions, at one image size"):
        build_network(config)


def test_each_call_of_a_shared_module_is_a_layer() -> None:
    config = custom(f"{OWN}.Layouts", layers=["conv", "relu:call1", "relu:call2"])
    network = build_network(config)
    images = photographs(32, 48)
    found = responses(network, images)
    assert torch.equal(found["relu:call1"], found["conv"].clamp(min=0))
    assert torch.equal(found["relu:call2"], (found["conv"] - 1).clamp(min=0))
    config.architecture.layers = ["relu"]
    with pytest.raises(UserError, match="runs 2 times .* relu:call1 to relu:call2"):
        build_network(config)
    config.architecture.layers = ["relu:call3"]
    with pytest.raises(UserError, match="no layer relu:call3 .*nearest are relu:call1, relu:call2"):
        build_network(config)


def test_names_say_module_call_and_part() -> None:
    table = {
        "a.b": ("a.b", 1),
        "a:call3": ("a", 3),
        "a:call2:0": ("a", 2),
        "a:key:class": ("a", 1),
        "a:class": ("a", 1),
    }
    assert {name: (module_of(name), call_of(name)) for name in table} == table
    first, second = torch.zeros(1), torch.ones(1)
    assert part_of(first, "a") is first and part_of(first, "a:call2") is first and part_of(first, "a:class") is first
    assert part_of((first, second), "a:1") is second and part_of((first, second), "a:call2:1:class") is second
    assert part_of({"x": first, "y": second}, "a:y") is second and part_of((first,), "a:7") is None


def in_order(name: str, layers: dict[str, Any]) -> Any:
    """The layers named, from early to late; or auto, which has to find them."""
    return list(layers) if name.startswith(("pit", "twins")) else "auto"


def arranged(output: Tensor, layer: Layer, side: int) -> Tensor:
    """A hooked output as a map, written down for each layout apart from the code under test."""
    assert layer.form is not None
    if layer.form.kind == "map_last":
        return torch.einsum("bhwc->bchw", output)
    if layer.form.kind == "tokens":
        assert layer.form.patch is not None
        edge = -(-side // layer.form.patch)
        patches = output[:, -edge * edge :]
        return torch.stack([patches[:, row * edge : (row + 1) * edge].mT for row in range(edge)], dim=2)
    if layer.form.kind == "class":
        return output[:, 0][..., None, None]
    return output


# timm's name and arguments, side of its images (None: any), and for some layers: kind, channels, side of the map
FAMILIES: list[tuple[str, dict[str, Any], int | None, dict[str, tuple[str, int, int]]]] = [
    ("mambaout_femto", {}, None, {"stem.act": ("map", 24, 48), "stages.0": ("map_last", 48, 24)}),
    ("xcit_nano_12_p16_224", {"depth": 1}, None, {"patch_embed.proj.1": ("map", 16, 48), "blocks.0": ("tokens", 128, 6),
                                        "cls_attn_blocks.0": ("tokens", 128, 6)}),
    ("twins_svt_small", {"embed_dims": [8, 16, 32, 64], "depths": [2, 2, 2, 2]}, None,
     {"patch_embeds.0:0": ("tokens", 8, 24), "blocks.0.0": ("tokens", 8, 24), "blocks.3.1": ("tokens", 64, 3)}),
    ("swin_tiny_patch4_window7_224", {"embed_dim": 24, "depths": [1, 1, 1, 1]}, 224,
     {"layers.0": ("map_last", 24, 56), "layers.3": ("map_last", 192, 7)}),
    ("timm.models.volo.VOLO", {"layers": [1, 1, 1, 1], "embed_dims": [24, 48, 48, 48], "num_heads": [2] * 4}, 224,
     {"patch_embed.conv.2": ("map", 64, 112), "network.1": ("map_last", 48, 14), "post_network.0": ("tokens", 48, 14)}),
    ("levit_128s", {}, 224, {"stem.act1": ("map", 16, 112), "stages.0": ("tokens", 128, 14)}),
    ("pit_ti_224", {}, 224, {"transformers.0:0": ("map", 64, 27), "transformers.1.blocks.0": ("tokens", 128, 14)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "side", "expected"), FAMILIES, ids=[row[0] for row in FAMILIES])
def test_families_of_timm_are_read_layer_by_layer(
    name: str, arguments: dict[str, Any], side: int | None, expected: dict[str, tuple[str, int, int]]
) -> None:
    network = build_network(
        custom(
            name if "." in name else "timm.create_model",
            arguments if "." in name else {"model_name": name, **arguments},
            image_size=side,
            layers=in_order(name, expected),
        )
    )
    images = photographs(side or 96, side or 96)
    found = responses(network, images)
    layers = {layer.name: layer for layer in network.layers}
    kinds = {layer: (form.kind, form.channels, found[layer].shape[2]) for layer, form in network.forms.items()}
    assert expected.items() <= kinds.items()
    hooked: dict[str, Tensor] = {}
    handles = [
        network.module.get_submodule(module_of(layer)).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: hooked.update({layer: part_of(output, layer).clone()})
        )
        for layer in expected
    ]
    with torch.inference_mode():
        network.module(network.prepare(images))
    for handle in handles:
        handle.remove()
    for layer in expected:
        assert torch.allclose(found[layer], arranged(hooked[layer], layers[layer], side or 96), atol=1e-4), layer


@pytest.mark.parametrize(
    ("name", "side", "message"),
    [
        ("hiera_tiny_224", None, "but on 224 x 224: architecture.image_size=224"),
        ("levit_128s", None, "but on 224 x 224: architecture.image_size=224"),
        ("mixer_s32_224", 128, r"does not run on images of 128 x 128 pixels .*AssertionError.* but on 224 x 224"),
    ],
)
def test_families_that_make_no_map_are_one_line(name: str, side: int | None, message: str) -> None:
    architecture = ArchitectureConfig("own", "timm.create_model", {"model_name": name}, image_size=side)
    with pytest.raises(UserError, match=message):
        named_layers(architecture, build_module(architecture, WeightsConfig()), [])


def test_tokens_in_another_order_are_left_out_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Hiera keeps them by groups, until a group is one token."""
    arguments = {"model_name": "hiera_tiny_224", "embed_dim": 23, "num_heads": 1}
    architecture = ArchitectureConfig("own", "timm.create_model", arguments, image_size=224)
    module = build_module(architecture, WeightsConfig())
    assert {layer.stride for layer in named_layers(architecture, module, [])} == {32}
    assert "layers: auto leaves out blocks.0, blocks.1" in " ".join(capsys.readouterr().err.split())
    architecture.layers, architecture.layout = ["blocks.0"], "tokens"
    with pytest.raises(UserError, match="layer blocks.0 gives tokens that do not stand row by row"):
        named_layers(architecture, module, [])


def test_blocks_that_auto_cannot_read_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    names = [
        layer.name
        for layer in build_network(custom("timm.create_model", {"model_name": "pit_ti_224"}, image_size=224)).layers
    ]
    assert "transformers.1.blocks.0" in names and "transformers.0.blocks.0" not in names
    assert "layers: auto leaves out transformers.0.blocks.0" in " ".join(capsys.readouterr().err.split())


def test_a_network_that_runs_at_no_size_says_why() -> None:
    class Broken(nn.Module):
        def forward(self, _images: Tensor) -> Tensor:
            raise KeyError("nothing")

    with pytest.raises(
        UserError, match=r"does not run on images of 96 x 96 pixels \(KeyError: 'nothing'\): if it takes"
    ):
        named_layers(ArchitectureConfig("own", "own"), Broken(), [])


@pytest.mark.parametrize(
    ("constructor", "message"),
    [
        (f"{OWN}.lazy", r"0.weight, 0.bias have no size before the first image \(lazy modules\)"),
        (f"{OWN}.leaves", "own.leaves with {} failed: SystemExit 0"),
        (f"{OWN}.fails", "own.fails with {} failed: KeyError 'no.*such thing'"),
        (f"{OWN}.Leaves", r"does not run on images of 96 x 96 pixels \(SystemExit: 0\)"),
        (f"{OWN}:Layouts", "write it as module.name"),
        ("Layouts", "write it as module.name"),
        (f"{OWN}.Step.forward", "cannot be imported"),
        (f"{OWN}.OrderedDict", "gives OrderedDict, not a torch module"),
    ],
)
def test_constructors_that_make_no_network_are_one_line(constructor: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        build_network(custom(constructor))
    assert "\n" not in str(error.value)


def test_a_number_is_an_index_and_a_text_a_name() -> None:
    config = custom(f"{OWN}.sequential", layers=["1", "3"])
    names = [layer.name for layer in build_network(config).layers]
    assert names == ["1", "3"]
    for numbers in ([1, 3], [1], [{"1": 4}, 3]):
        config.architecture.layers = numbers
        with pytest.raises(UserError, match="a number is an index, here there are only names; put them in quotes"):
            build_network(config)
    assert (
        select_layers(["1"], names) == ["1"]
        and select_layers([0], names) == ["1"]
        and select_layers([-1], names) == ["3"]
    )
    with pytest.raises(
        UserError, match=r"as a number it is an index and means layer 3, but there is a layer called 1, too"
    ):
        select_layers([1], names)
    assert select_layers([0, 1], ["0", "1", "2"]) == ["0", "1"]
    with pytest.raises(UserError, match="no such layer"):
        select_layers([True], names)


def test_how_outputs_are_read_is_part_of_the_network() -> None:
    """What the signature hashes, whether the layout was declared or found."""
    forms = [
        build_network(custom(f"{OWN}.Layouts", layers=[f"blocks.{name}"], layout=layout)).forms
        for name, layout in [("map_last", "auto"), ("map_last", "map_last"), ("map", "auto")]
    ]
    assert forms[0] == forms[1] != forms[2]
    assert timm.__version__  # the families above are timm's
