"""Families of public trainings: files in exactly the published layout load, and files in another are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
import yaml
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from iqa_lab.config import WeightsConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks.alexnet_gn import alexnet_gn
from iqa_lab.networks.build import build_module, build_network, named_layers
from iqa_lab.networks.cells import cells
from iqa_lab.networks.taskonomy import taskonomy_encoder
from iqa_lab.networks.weights import load_weights
from tests.conftest import composed
from tests.networks.test_formats import body_of, cell, check, prefixed, seeded, small_resnet

State = dict[str, Tensor]
CONF = configuration_folder()


def small_vit(seed: int, classes: int = 0, **more: Any) -> nn.Module:
    """A transformer with the names of all of timm's."""
    made: nn.Module = seeded(
        VisionTransformer, seed, img_size=32, embed_dim=64, depth=2, num_heads=4, num_classes=classes, **more
    )
    return made


def small_clip(seed: int) -> nn.Module:
    """A transformer as timm builds CLIP's."""
    return small_vit(seed, 16, pre_norm=True, patch_size=16)


def as_openclip(network: nn.Module) -> State:
    """What OpenCLIP calls the tensors of such a network, and its text tower."""
    state: State = {}
    names = {
        "cls_token": "class_embedding", "pos_embed": "positional_embedding", "patch_embed.proj.weight": "conv1.weight",
        "norm_pre.": "ln_pre.", "norm.": "ln_post.", "blocks.": "transformer.resblocks.", "norm1": "ln_1",
        "norm2": "ln_2", "attn.qkv.weight": "attn.in_proj_weight", "attn.qkv.bias": "attn.in_proj_bias",
        "attn.proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    }  # fmt: skip
    for key, value in network.state_dict().items():
        if key == "head.bias":  # their projection has none
            continue
        if key == "head.weight":
            state["visual.proj"] = value.t().contiguous()
            continue
        new = key
        for ours, theirs in names.items():
            new = new.replace(ours, theirs)
        state[f"visual.{new}"] = (
            value[0] if key in ("pos_embed",) else value.reshape(-1) if key == "cls_token" else value
        )
    text = {"token_embedding.weight": torch.zeros(3, 4), "transformer.resblocks.0.ln_1.weight": torch.zeros(4)}
    return {"positional_embedding": torch.zeros(2, 4), "text_projection": torch.zeros(4, 4),
            "logit_scale": torch.zeros(()), **state, **text}  # fmt: skip


def alike(state: State, attacker: str) -> State:
    """A file of the robustness library: the network, the attacker's copy of it, and the normaliser."""
    return {
        **prefixed(state, "module." + ("model.model." if attacker == "dummy" else "model.")),
        **prefixed(state, "module.attacker.model."),
        "module.normalizer.new_mean": torch.zeros(3, 1, 1), "module.attacker.normalize.new_std": torch.ones(3, 1, 1),
    }  # fmt: skip


def text_tower() -> State:
    """What stands beside the images' network in a file of SLIP."""
    return {"module.token_embedding.weight": torch.zeros(3, 4), "module.image_projection": torch.zeros(2, 2)}


def moco(state: State) -> State:
    """What MoCo v2 writes."""
    head = {"fc.0.weight": torch.zeros(4, 4), "fc.2.weight": torch.zeros(4, 4)}
    queue = {"module.queue": torch.zeros(4, 9), "module.queue_ptr": torch.zeros(1, dtype=torch.long)}
    return {**prefixed({**state, **head}, "module.encoder_q."), **prefixed(state, "module.encoder_k."), **queue}


def decoder() -> State:
    """What MAE's files hold besides the encoder."""
    return {"mask_token": torch.zeros(1, 1, 8), "decoder_pos_embed": torch.zeros(1, 5, 8),
            "decoder_blocks.0.norm1.weight": torch.zeros(8), "decoder_embed.weight": torch.zeros(8, 64)}  # fmt: skip


def full(network: nn.Module) -> State:
    """All tensors of a network."""
    return dict(network.state_dict())


FC = ("fc.",)
CNN = small_resnet
# option; the network; the file's content, from that network; keys that stay at random
LAYOUTS: dict[str, tuple[Callable[[int], nn.Module], Callable[[nn.Module], Any], tuple[str, ...]]] = {
    "clip/commonpool_s_basic/vit_base_patch32_clip_224": (small_clip, as_openclip, ()),
    "fare/laion2b/vit_base_patch16_clip_224": (small_clip, as_openclip, ()),
    "slip/cc12m/vit_base_patch16_224": (
        small_vit,
        lambda net: {"epoch": 35, "state_dict": {**prefixed(full(net), "module.visual."), **text_tower()}}, (),
    ),
    "simclr/yfcc15m/vit_small_patch16_224": (
        small_vit,
        lambda net: {"state_dict": prefixed({**prefixed(full(net), "visual."), "image_mlp.0.bias": torch.zeros(2)},
                                            "module.")},
        (),
    ),
    "robust_classification/imagenet1k/resnet18.eps0_5": (CNN, lambda net: {"model": alike(full(net), "net")}, ()),
    "robust_classification/imagenet1k/vgg16_bn": (CNN, lambda net: {"model": alike(full(net), "dummy")}, ()),
    "classification/imagenet1k/wide_resnet50_4": (CNN, lambda net: {"model": alike(full(net), "net")}, ()),
    "mocov2/shaders21k/resnet50": (CNN, lambda net: {"state_dict": moco(body_of(net)), "epoch": 200}, FC),
    "dino/saycam/vit_base_patch14_224": (
        small_vit,
        lambda net: {"student": {}, "teacher": {**prefixed(full(net), "backbone."), "head.mlp.0.bias": torch.zeros(2)}},
        (),
    ),
    "dino/saycam_s/resnext50_32x4d": (
        CNN,
        lambda net: {"teacher": {**prefixed(body_of(net), "module.backbone."), "module.head.last.v": torch.zeros(2)}},
        FC,
    ),
    "mae/saycam/vit_base_patch16_224": (small_vit, lambda net: {"model": {**full(net), **decoder()}}, ()),
    "mae/vc1_egocentric_imagenet1k/vit_large_patch16_224": (
        small_vit, lambda net: {"model": {**full(net), **decoder()}}, (),
    ),
    "ipcl/places2/alexnet_gn": (
        lambda seed: seeded(alexnet_gn, seed),
        lambda net: {"state_dict": prefixed({**full(net), "fc6.0.weight": torch.zeros(2, 2),
                                             "fc7.1.running_mean": torch.zeros(2), "fc8.0.bias": torch.ones(2)},
                                            "module.")}, (),
    ),
    "taskonomy_curvature/taskonomy/resnet50_taskonomy": (
        lambda seed: seeded(taskonomy_encoder, seed), lambda net: {"state_dict": full(net), "epoch": 1}, (),
    ),
    "classification/imagenet1k/resnet50.am": (CNN, full, ()),
    "classification/imagenet1k_adversarial_noise/resnet50": (
        CNN, lambda net: {"model_state_dict": full(net), "optimizer_state_dict": {}}, (),
    ),
    "spark/imagenet1k/resnet50": (
        CNN,
        lambda net: {"state_dict": {**prefixed(body_of(net), "backbone."), "mask_tokens.0": torch.zeros(1),
                                    "enc_dec_norms.0.bias": torch.zeros(1), "neck.x": torch.zeros(1)}}, FC,
    ),
    "simsiam/imagenet1k/resnet50": (
        CNN,
        lambda net: {"state_dict": {**prefixed({**body_of(net), "fc.0.weight": torch.zeros(2, 2)}, "module.encoder."),
                                    "module.predictor.0.weight": torch.zeros(2, 2)}}, FC,
    ),
    "mocov3/imagenet1k/resnet50": (
        CNN,
        lambda net: {"state_dict": {**prefixed({**body_of(net), "fc.0.weight": torch.zeros(2, 2)},
                                               "module.base_encoder."), "module.predictor.0.bias": torch.zeros(2),
                                    "module.momentum_encoder.bn1.bias": torch.zeros(2)}}, FC,
    ),
    "ibot/imagenet22k/vit_base_patch16_224": (small_vit, lambda net: {"state_dict": full(net)}, ()),
    "msn/imagenet1k/vit_base_patch16_224": (
        small_vit,
        lambda net: {"target_encoder": prefixed({**full(net), "fc.fc1.weight": torch.zeros(2, 2)}, "module."),
                     "encoder": {}}, (),
    ),
    "vicreg/imagenet1k/resnet50_w2": (CNN, body_of, FC),
    "swav/imagenet1k/resnet50_w4": (
        CNN,
        lambda net: prefixed({**body_of(net), "projection_head.0.weight": torch.zeros(4, 4),
                              "prototypes.weight": torch.zeros(3, 4)}, "module."), FC,
    ),
    "depth/lvd142m_depth_anything_v2/vit_base_patch14_dinov2": (
        small_vit,
        lambda net: {**prefixed({**full(net), "mask_token": torch.zeros(1, 64)}, "pretrained."),
                     "depth_head.projects.0.bias": torch.zeros(2)}, (),
    ),
    "depth/instagram1b_imagenet1k_midas/resnext101_32x8d": (
        CNN,
        lambda net: {**{_midas(key): value for key, value in body_of(net).items()},
                     "scratch.layer1_rn.weight": torch.zeros(2)}, FC,
    ),
    "arniqa/imagenet1k_arniqa/resnet50": (
        CNN, lambda net: {_numbered(key, "model"): v for key, v in body_of(net).items()}, FC,
    ),
    "contrique/contrique/resnet50": (
        CNN,
        lambda net: {**{_numbered(key, "encoder"): v for key, v in body_of(net).items()},
                     "projector.0.weight": torch.zeros(2)}, FC,
    ),
    "ijepa/imagenet1k/vit_huge_patch14_gap_224": (
        lambda seed: small_vit(seed, class_token=False, global_pool="avg", fc_norm=False),
        lambda net: {"encoder": prefixed(full(net), "module."), "predictor": {}, "epoch": 300}, (),
    ),
    "classification/bamboo/resnet50": (CNN, body_of, FC),
}  # fmt: skip


def _midas(key: str) -> str:
    """Where MiDaS keeps a tensor of its ResNeXt."""
    for ours, theirs in {"conv1.": "layer1.0.", "bn1.": "layer1.1.", "layer1.": "layer1.4."}.items():
        if key.startswith(ours):
            return f"pretrained.{theirs}{key.removeprefix(ours)}"
    return f"pretrained.{key}"


def _numbered(key: str, wrapper: str) -> str:
    """A tensor's name in a Sequential of a ResNet's parts."""
    part, _, rest = key.partition(".")
    parts = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    return f"{wrapper}.{parts.index(part)}.{rest}"


@pytest.mark.parametrize("option", LAYOUTS)
def test_a_file_in_the_published_layout_loads(tmp_path: Path, option: str) -> None:
    make, content, without = LAYOUTS[option]
    original = make(1)
    if option.split("/")[0] in ("clip", "fare"):
        nn.init.zeros_(original.get_parameter("head.bias"))  # OpenCLIP has none, and timm fills in zeros
    torch.save(content(original), tmp_path / "x.pth")
    check(tmp_path / "x.pth", original, make(2), cell(option), without=without)


@pytest.mark.parametrize("option", LAYOUTS)
def test_a_file_in_another_layout_is_refused_with_the_keys(tmp_path: Path, option: str) -> None:
    make, _, _ = LAYOUTS[option]
    other = prefixed(full(make(1)), "somewhere.else.")
    torch.save({"weights": other}, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"it holds weights|more than tensors at its top \(weights\)"):
        load_weights(make(2), tmp_path / "x.pth", cell(option))
    config = cell(option)
    # the right place in the file, and other names there
    place = config.state
    torch.save({place: other} if place else other, tmp_path / "y.pth")
    with pytest.raises(UserError, match=r"somewhere\.else\."):
        load_weights(make(2), tmp_path / "y.pth", config)


def test_every_family_is_described_and_has_members() -> None:
    members = {weights.family for _, weights in cells([CONF])} - {None}
    described = {path.stem: yaml.safe_load(path.read_text()) for path in (CONF / "family").glob("*.yaml")}
    assert set(described) == members
    for name, family in described.items():
        assert family["name"] == name and family["description"] and family["held"]
    assert sum(weights.family == "taskonomy" for _, weights in cells([CONF])) == 25
    assert sum(weights.family == "replicates" for _, weights in cells([CONF])) == 16
    # no sibling differs in how it is fed: a family's members differ in what it says only
    for name in ("taskonomy", "datacomp_l", "without_a_camera", "ipcl", "ipcl_diet", "saycam", "slip"):
        fed = {str(weights.input) for _, weights in cells([CONF]) if weights.family == name}
        assert len(fed) == 1, name


def test_taskonomys_resnet_halves_its_maps_in_the_last_block_of_a_stage() -> None:
    """The published encoder: 324 tensors; outputs were bit-equal to its authors' code at three sizes."""
    network = seeded(taskonomy_encoder, 1)
    assert len(network.state_dict()) == 324
    images = torch.rand(1, 3, 97, 131) * 2 - 1
    maps: dict[str, Tensor] = {}
    for name in ("maxpool", "layer1.0", "layer1.1", "layer1.2", "layer2.3", "layer3.5", "layer4.2"):
        network.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: maps.update({name: out}))
    assert network(images).shape == (1, 8, 6, 9)
    sizes = {name: tuple(out.shape[2:]) for name, out in maps.items()}
    assert sizes == {"maxpool": (24, 33), "layer1.0": (24, 33), "layer1.1": (24, 33), "layer1.2": (12, 17),
                     "layer2.3": (6, 9), "layer3.5": (6, 9), "layer4.2": (6, 9)}  # fmt: skip
    # the pool has no padding: its first window is the first three rows and columns
    stem = torch.relu(network.get_submodule("bn1")(network.get_submodule("conv1")(images)))
    assert torch.equal(maps["maxpool"][..., 0, 0], stem[..., :3, :3].amax((2, 3)))
    # without its convolutions the last block hands on every second position of what it was given
    last = network.get_submodule("layer1.2")
    nn.init.zeros_(last.get_parameter("bn3.weight"))
    nn.init.zeros_(last.get_parameter("bn3.bias"))
    last.get_submodule("bn3").running_mean = torch.zeros(256)
    given = torch.rand(1, 256, 7, 9)
    assert torch.equal(last(given.clone()), given[..., ::2, ::2])


def test_open_ipcls_alexnet_against_its_layers_written_out() -> None:
    network = seeded(alexnet_gn, 1)
    plain = nn.Sequential(
        nn.Conv2d(3, 96, 11, 4, 2, bias=False), nn.GroupNorm(32, 96), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, 1, 2, bias=False), nn.GroupNorm(32, 256), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, 1, 1, bias=False), nn.GroupNorm(32, 384), nn.ReLU(),
        nn.Conv2d(384, 384, 3, 1, 1, bias=False), nn.GroupNorm(32, 384), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1, bias=False), nn.GroupNorm(32, 256), nn.ReLU(), nn.MaxPool2d(3, 2),
    ).eval()  # fmt: skip
    plain.load_state_dict(dict(zip(plain.state_dict(), network.state_dict().values(), strict=True)))
    images = torch.rand(1, 3, 96, 96)
    torch.testing.assert_close(network(images), plain(images), rtol=0, atol=0)
    assert list(network.state_dict())[:3] == ["conv_block_1.0.weight", "conv_block_1.1.weight", "conv_block_1.1.bias"]


@pytest.mark.parametrize("task", ["normal", "egomotion"])
def test_taskonomy_trainings_build_from_files_of_the_published_layout(tmp_path: Path, task: str) -> None:
    original = seeded(taskonomy_encoder, 3)
    torch.save({"state_dict": original.state_dict()}, tmp_path / "x.pth")
    network = build_network(
        composed(
            f"goal=taskonomy_{task}",
            "dataset=taskonomy",
            "architecture=resnet50_taskonomy",
            f"weights.path={tmp_path / 'x.pth'}",
        )
    )
    assert [layer.name for layer in network.layers][::17] == ["relu", "relu1"] and len(network.layers) == 18
    white, black = (network.prepare(torch.full((1, 3, 2, 2), value, dtype=torch.uint8)) for value in (255, 0))
    assert white.unique().tolist() == [1.0] and black.unique().tolist() == [-1.0]
    for key, value in original.state_dict().items():
        assert torch.equal(network.module.state_dict()[key], value)


@pytest.mark.parametrize(
    ("architecture", "same_as", "arguments"),
    [("wide_resnet50_4", torchvision.models.resnet50, {"width_per_group": 256})],
)
def test_wide_resnets_are_wider_inside(architecture: str, same_as: Any, arguments: dict[str, Any]) -> None:
    config = composed("goal=untrained", "dataset=none", f"architecture={architecture}").architecture
    with torch.device("meta"):
        ours, theirs = build_module(config, WeightsConfig()), same_as(**arguments)
        assert {k: v.shape for k, v in ours.state_dict().items()} == {
            k: v.shape for k, v in theirs.state_dict().items()
        }
        assert ours.get_parameter("layer1.0.conv2.weight").shape == (256, 256, 3, 3)
        assert len(named_layers(config, ours, [])) == 17
