"""Every form in which weights are published: a file of exactly that form, loaded with the settings of a real cell."""

import argparse
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torchvision
from omegaconf import OmegaConf
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionTransformer
from torchvision.ops.misc import FrozenBatchNorm2d

from iqa_lab.config import WeightsConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks.alexnets import (
    alexnet_caffe,
    alexnet_colorization,
    alexnet_deepcluster,
    alexnet_jigsaw,
    alexnet_rotation,
)
from iqa_lab.networks.resnets import resnet, resnet50_fpn
from iqa_lab.networks.weights import load_weights

State = dict[str, Tensor]

# the authors' own files of three goals, all in one layout
SWAV_LIKE = [
    *(f"swav/imagenet1k/resnet50{recipe}" for recipe in (
        "", ".100ep", ".200ep", ".200ep_bs256", ".400ep", ".400ep_2x224", ".400ep_bs256")),
    *(f"deepclusterv2/imagenet1k/resnet50{recipe}" for recipe in ("", ".400ep", ".400ep_2x224")),
    *(f"selav2/imagenet1k/resnet50{recipe}" for recipe in ("", ".2x224")),
]  # fmt: skip


def cell(option: str) -> WeightsConfig:
    """The settings of a cell of the grid."""
    path = configuration_folder() / "weights" / f"{option}.yaml"
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(WeightsConfig), OmegaConf.load(path)))
    assert isinstance(config, WeightsConfig)
    return config


def seeded(make: Any, seed: int, *arguments: Any, **named: Any) -> nn.Module:
    """A module whose weights, and running statistics, come from a seed."""
    torch.manual_seed(seed)
    module: nn.Module = make(*arguments, **named)
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    return module.eval().requires_grad_(False)


def small_resnet(seed: int, classes: int = 5) -> nn.Module:
    """A network with the names of all of torchvision's ResNets."""
    return seeded(ResNet, seed, BasicBlock, [1, 1, 1, 1], num_classes=classes)


def body_of(network: nn.Module) -> State:
    """The tensors of a network without its classifier."""
    return {key: value for key, value in network.state_dict().items() if not key.startswith("fc.")}


def prefixed(state: State, prefix: str) -> State:
    """The same tensors, a text before every key."""
    return {prefix + key: value for key, value in state.items()}


def check(
    path: Path, original: nn.Module, other: nn.Module, config: WeightsConfig, without: tuple[str, ...] = ()
) -> None:
    """Load ``path`` into ``other`` and compare with ``original`` tensor by tensor, but for keys that begin so."""
    assert not torch.equal(next(original.parameters()), next(other.parameters()))
    missing = load_weights(other, path, config)
    assert all(key.startswith(without) for key in missing) if without else not missing
    loaded, expected = other.state_dict(), original.state_dict()
    assert list(loaded) == list(expected)
    compared = 0
    for key, value in expected.items():
        if not (without and key.startswith(without)):
            assert torch.equal(loaded[key], value), key
            compared += 1
    assert compared > 5


@pytest.fixture
def foreign() -> Iterator[types.ModuleType]:
    """A program that is there when a file is written, and not when it is read."""
    module = types.ModuleType("training_program")

    class Options(dict):  # type: ignore[type-arg]
        pass

    class Schedule:
        def __init__(self) -> None:
            self.steps = [1, 2]

    for kind in (Options, Schedule):
        kind.__module__, kind.__qualname__ = "training_program", kind.__name__
        setattr(module, kind.__name__, kind)
    sys.modules["training_program"] = module
    yield module
    sys.modules.pop("training_program", None)


def forget(module: types.ModuleType) -> None:
    """Take the program away."""
    del sys.modules[module.__name__]


class Python2Pickler(pickle._Pickler):  # type: ignore[name-defined, misc]
    """Writes text as Python 2 did: one byte a character."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_text(self, text: str) -> None:
        raw = text.encode("latin1")
        assert len(raw) < 256
        self.write(pickle.SHORT_BINSTRING + bytes([len(raw)]) + raw)
        self.memoize(text)

    dispatch[str] = save_text


def save_as_python_2(content: object, path: Path) -> None:
    """What Python 2.7 with PyTorch 0.2 wrote."""

    def dump(value: object, file: Any, protocol: int = 2) -> None:
        Python2Pickler(file, protocol).dump(value)

    pickler = types.SimpleNamespace(Pickler=Python2Pickler, dump=dump, __name__="pickle")
    torch.save(content, path, pickle_module=pickler, pickle_protocol=2, _use_new_zipfile_serialization=False)


def test_torchvision(tmp_path: Path) -> None:
    original = seeded(torchvision.models.squeezenet1_1, 1)
    for number, new in enumerate((True, False)):
        path = tmp_path / f"{number}.pth"
        torch.save(original.state_dict(), path, _use_new_zipfile_serialization=new)
        check(
            path, original, seeded(torchvision.models.squeezenet1_1, 2), cell("classification/imagenet1k/squeezenet1_1")
        )


def test_torchvision_transformers_are_timms_under_other_names(tmp_path: Path) -> None:
    theirs = seeded(TorchvisionTransformer, 1, image_size=32, patch_size=16, num_layers=2, num_heads=4, hidden_dim=64,
                    mlp_dim=128, num_classes=5)  # fmt: skip
    nn.init.normal_(theirs.heads.head.weight)  # which begins with zeros
    torch.save(theirs.state_dict(), tmp_path / "x.pth")
    ours = seeded(VisionTransformer, 2, img_size=32, patch_size=16, embed_dim=64, depth=2, num_heads=4, mlp_ratio=2,
                  num_classes=5)  # fmt: skip
    assert load_weights(ours, tmp_path / "x.pth", cell("hashtags/instagram3b/vit_base_patch16_224")) == []
    images = torch.rand(2, 3, 32, 32)
    # the same arithmetic in another order: float32 rounding
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [5, 0])
def test_timm_on_the_hugging_face_hub(tmp_path: Path, classes: int) -> None:
    def make(seed: int) -> nn.Module:
        return seeded(VisionTransformer, seed, img_size=32, embed_dim=64, depth=2, num_heads=4, num_classes=classes)

    save_file(make(1).state_dict(), tmp_path / "model.safetensors")
    check(tmp_path / "model.safetensors", make(1), make(2), cell("classification/imagenet22k/vit_tiny_patch16_224"))


def test_a_publishers_names_go_through_timms_own_conversion(tmp_path: Path) -> None:
    def make(seed: int) -> nn.Module:
        return seeded(VisionTransformer, seed, img_size=32, embed_dim=64, depth=2, num_heads=4, num_classes=0)

    # DINOv2's own file has a token for masked patches, which the network does not need
    state = {**make(1).state_dict(), "mask_token": torch.zeros(1, 64)}
    torch.save(state, tmp_path / "x.pth")
    check(tmp_path / "x.pth", make(1), make(2), cell("dinov2/lvd142m/vit_small_patch14_dinov2"))
    with pytest.raises(UserError, match=r"1 key left over \(mask_token\)"):
        load_weights(make(2), tmp_path / "x.pth", WeightsConfig())


@pytest.mark.parametrize(
    "option", ["simclr/imagenet1k/resnet50", "rotation/imagenet22k/resnet50", "pirl/imagenet1k/resnet50_w2"]
)
def test_vissl_checkpoints(tmp_path: Path, foreign: types.ModuleType, option: str) -> None:
    original = small_resnet(1)
    trunk = {
        key: value for key, value in prefixed(original.state_dict(), "_feature_blocks.").items() if ".fc." not in key
    }
    content = {
        "phase_idx": 99, "iteration": 5, "loss": 0.5, "config": foreign.Options(MODEL=foreign.Options(TRUNK="resnet")),
        "classy_state_dict": {"base_model": {"model": {"trunk": trunk, "heads": {"0.clf.0.weight": torch.zeros(2, 2)}},
                                             "meters": foreign.Options()}},
    }  # fmt: skip
    torch.save(content, tmp_path / "model_final_checkpoint_phase99.torch")
    forget(foreign)
    check(tmp_path / "model_final_checkpoint_phase99.torch", original, small_resnet(2), cell(option), without=("fc.",))


def test_vissl_files_converted_from_caffe2(tmp_path: Path) -> None:
    original = small_resnet(1)
    state = {
        key: value for key, value in prefixed(original.state_dict(), "_feature_blocks.").items() if ".fc." not in key
    }
    torch.save({"model_state_dict": state}, tmp_path / "x.torch", _use_new_zipfile_serialization=False)
    check(tmp_path / "x.torch", original, small_resnet(2), cell("jigsaw/yfcc100m/resnet50"), without=("fc.",))


@pytest.mark.parametrize(
    ("option", "make"),
    [
        ("classification/imagenet1k/alexnet_caffe", alexnet_caffe),
        ("jigsaw/imagenet22k/alexnet_jigsaw", alexnet_jigsaw),
        ("colorization/yfcc100m/alexnet_colorization", alexnet_colorization),
        ("deepcluster/imagenet1k/alexnet_deepcluster", alexnet_deepcluster),
        ("rotation/imagenet1k/alexnet_rotation", alexnet_rotation),
    ],
)
def test_vissl_alexnets(tmp_path: Path, option: str, make: Any) -> None:
    original = seeded(make, 1)
    # VISSL's trunk is a list: convolutions at 0, 2, 4, 5, 6 and pools between them
    places = {"conv1": 0, "conv2": 2, "conv3": 4, "conv4": 5, "conv5": 6}
    state = {}
    for key, value in original.state_dict().items():
        block, _, rest = key.partition(".")
        state[f"_feature_blocks.{places[block]}.{rest}"] = value
    if make is alexnet_rotation:  # RotNet's own fully connected layers, whose names VISSL's converter keeps
        state |= {f"_feature_blocks.8.{number}.weight": torch.zeros(4, 4) for number in (1, 2, 4, 5)}
        state |= {"_feature_blocks.9.0.weight": torch.zeros(4, 4), "_feature_blocks.9.0.bias": torch.zeros(4)}
    if make is alexnet_deepcluster:
        state |= {"sobel.0.weight": torch.ones(1, 3, 1, 1) / 3, "sobel.1.weight": torch.zeros(2, 1, 3, 3)}
    torch.save({"model_state_dict": state}, tmp_path / "x.torch")
    check(tmp_path / "x.torch", original, seeded(make, 2), cell(option))


@pytest.mark.parametrize("option", SWAV_LIKE)
def test_swav_and_its_siblings(tmp_path: Path, option: str) -> None:
    original = small_resnet(1)
    state = body_of(original)
    heads = {"projection_head.0.weight": torch.zeros(4, 4), "prototypes.weight": torch.zeros(3, 4)}
    torch.save(prefixed({**state, **heads}, "module."), tmp_path / "x.pth.tar")
    check(tmp_path / "x.pth.tar", original, small_resnet(2), cell(option), without=("fc.",))
    assert cell(option).input.std == [0.228, 0.224, 0.225]  # the authors' own, in multicropdataset.py


@pytest.mark.parametrize(
    "option", ["npid/imagenet1k/resnet50.lemniscate", "byol/imagenet1k/resnet200_w2", "mocov2/imagenet1k/resnet50"]
)
def test_a_declared_head_of_another_size_stays_at_random(tmp_path: Path, option: str) -> None:
    """A file whose ``fc`` has 128 outputs, as MoCo's first version and InstDisc have."""
    config = cell(option)
    original = small_resnet(1, classes=128)
    inside: Any = prefixed(original.state_dict(), config.prefix)
    for key in reversed((config.state or "").split("/") if config.state else []):
        inside = {key: inside}
    torch.save(inside, tmp_path / "x.pth")
    ours = small_resnet(2)
    before = ours.get_parameter("fc.weight").clone()
    assert load_weights(ours, tmp_path / "x.pth", config) == ["fc.weight", "fc.bias"]
    assert torch.equal(ours.get_parameter("fc.weight"), before)
    assert torch.equal(ours.get_parameter("conv1.weight"), original.get_parameter("conv1.weight"))
    with pytest.raises(UserError, match=r"2 keys of another shape \(fc.weight, fc.bias\)"):
        load_weights(small_resnet(2), tmp_path / "x.pth", WeightsConfig(state=config.state, prefix=config.prefix))


def test_same_padding_is_tensorflows() -> None:
    """BYOL's network: positions count from the first pixel, where symmetric padding begins one before it."""
    ours = seeded(resnet, 1, padding="same")
    assert list(ours.state_dict()) == list(torchvision.models.resnet50().state_dict())
    images = torch.rand(1, 3, 64, 66)
    maps: dict[str, Tensor] = {}
    for name in ("conv1", "maxpool", "layer2.0.conv2"):
        ours.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: maps.update({name: out}))
    inputs: dict[str, Tensor] = {}
    ours.get_submodule("layer2.0.conv2").register_forward_pre_hook(lambda _m, given: inputs.update(x=given[0]))
    ours(images)
    # on even sizes a kernel of 7 wants 5 pixels more, 2 before and 3 after; one of 3 wants 1, after
    expected = nn.functional.conv2d(
        nn.functional.pad(images, (2, 3, 2, 3)), ours.get_parameter("conv1.weight"), stride=2
    )
    torch.testing.assert_close(maps["conv1"], expected, rtol=0, atol=1e-5)
    weight = ours.get_parameter("layer2.0.conv2.weight")
    right = inputs["x"].shape[3] % 2 == 0
    padded = nn.functional.pad(inputs["x"], (0 if right else 1, 1, 0, 1))
    torch.testing.assert_close(
        maps["layer2.0.conv2"], nn.functional.conv2d(padded, weight, stride=2), rtol=0, atol=1e-5
    )
    stem = torch.relu(ours.get_submodule("bn1")(maps["conv1"]))
    lowest = nn.functional.pad(stem, (1, 1, 0, 1) if stem.shape[3] % 2 else (0, 1, 0, 1), value=-1.0)
    assert torch.equal(maps["maxpool"], nn.functional.max_pool2d(lowest, 3, 2))
    with pytest.raises(ValueError, match="padding=valid: choose symmetric or same"):
        resnet(padding="valid")


@pytest.mark.parametrize("goal", ["barlow_twins", "vicreg", "dino"])
def test_backbones_without_a_classifier(tmp_path: Path, goal: str) -> None:
    original = small_resnet(1)
    state = body_of(original)
    torch.save(state, tmp_path / "resnet50.pth")
    check(tmp_path / "resnet50.pth", original, small_resnet(2), cell(f"{goal}/imagenet1k/resnet50"), without=("fc.",))


def test_moco(tmp_path: Path) -> None:
    original = small_resnet(1)
    body = body_of(original)
    head = {"fc.0.weight": torch.zeros(4, 4), "fc.2.weight": torch.zeros(4, 4)}
    state = {
        **prefixed({**body, **head}, "module.encoder_q."),
        **prefixed({**small_resnet(3).state_dict(), **head}, "module.encoder_k."),
        "module.queue": torch.zeros(4, 9), "module.queue_ptr": torch.zeros(1, dtype=torch.long),
    }  # fmt: skip
    content = {
        "epoch": 200,
        "arch": "resnet50",
        "state_dict": state,
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    }
    torch.save(content, tmp_path / "x.pth.tar", _use_new_zipfile_serialization=False)
    check(tmp_path / "x.pth.tar", original, small_resnet(2), cell("mocov2/imagenet1k/resnet50"), without=("fc.",))


def test_moco_v3(tmp_path: Path) -> None:
    def make(seed: int) -> nn.Module:
        return seeded(VisionTransformer, seed, img_size=32, embed_dim=64, depth=2, num_heads=4, num_classes=0)

    head = {"head.0.weight": torch.zeros(2, 64)}
    state = {
        **prefixed({**make(1).state_dict(), **head}, "module.base_encoder."),
        **prefixed({**make(3).state_dict(), **head}, "module.momentum_encoder."),
        "module.predictor.0.weight": torch.zeros(2, 2),
    }  # fmt: skip
    torch.save({"epoch": 300, "state_dict": state}, tmp_path / "x.pth.tar")
    check(tmp_path / "x.pth.tar", make(1), make(2), cell("mocov3/imagenet1k/vit_base_patch16_224"))


@pytest.mark.filterwarnings("error")
def test_places365_saved_by_python_2(tmp_path: Path) -> None:
    original = small_resnet(1)
    content = {
        "epoch": 90, "arch": "resnet18", "best_prec1": np.float64(54.2), "lieu": "ch\u00e2teau",
        "state_dict": prefixed(original.state_dict(), "module."),
    }  # fmt: skip
    path = tmp_path / "resnet18_places365.pth.tar"
    save_as_python_2(content, path)
    assert b"ch\xe2teau" in path.read_bytes()  # which is no UTF-8
    check(path, original, small_resnet(2), cell("classification/places365/resnet18"))


def test_places365_alexnet_has_its_wrapper_inside(tmp_path: Path) -> None:
    original = seeded(torchvision.models.alexnet, 1, num_classes=4)
    state = {key.replace("features.", "features.module."): value for key, value in original.state_dict().items()}
    save_as_python_2({"state_dict": state}, tmp_path / "x.pth.tar")
    other = seeded(torchvision.models.alexnet, 2, num_classes=4)
    check(tmp_path / "x.pth.tar", original, other, cell("classification/places365/alexnet"))
    check(tmp_path / "x.pth.tar", original, seeded(torchvision.models.alexnet, 3, num_classes=4),
          cell("classification/stylized_imagenet/alexnet"))  # fmt: skip


def test_places365_densenet_has_the_old_dotted_names(tmp_path: Path) -> None:
    def make(seed: int) -> nn.Module:
        return seeded(torchvision.models.DenseNet, seed, 8, (2, 2, 2, 2), 16, num_classes=4)

    original = make(1)
    old = {}
    for key, value in original.state_dict().items():
        for part in ("norm1", "norm2", "conv1", "conv2"):
            if "denselayer" in key:
                key = key.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
        old[f"module.{key}"] = value
    assert "module.features.denseblock1.denselayer1.norm.1.weight" in old
    save_as_python_2({"state_dict": old}, tmp_path / "x.pth.tar")
    check(tmp_path / "x.pth.tar", original, make(2), cell("classification/places365/densenet161"))


def test_robust_networks_come_with_their_attacker(tmp_path: Path, foreign: types.ModuleType) -> None:
    original = small_resnet(1)
    state = {
        "module.normalizer.new_mean": torch.zeros(3, 1, 1),
        **prefixed(original.state_dict(), "module.model."),
        **prefixed(small_resnet(3).state_dict(), "module.attacker.model."),
    }
    content = {"model": state, "optimizer": {}, "schedule": foreign.Schedule(), "epoch": 90, "amp": None}
    torch.save(content, tmp_path / "resnet50_l2_eps3.ckpt")
    forget(foreign)
    check(
        tmp_path / "resnet50_l2_eps3.ckpt", original, small_resnet(2), cell("robust_classification/imagenet1k/resnet50")
    )


def test_lightning_checkpoints(tmp_path: Path, foreign: types.ModuleType) -> None:
    original = small_resnet(1)
    state = {**prefixed(original.state_dict(), "backbone."), "loss.weight": torch.ones(3)}
    content = {
        "epoch": 3, "global_step": 7, "pytorch-lightning_version": "2.4.0", "state_dict": state, "lr_schedulers": [],
        "hyper_parameters": foreign.Options(lr=0.1), "args": argparse.Namespace(lr=0.1), "best": np.float32(0.5),
        "callbacks": {"ModelCheckpoint": {"best_model_path": "x"}}, "loops": {"fit_loop": {"state_dict": {}}},
    }  # fmt: skip
    torch.save(content, tmp_path / "x.ckpt")
    forget(foreign)
    config = WeightsConfig(state="state_dict", prefix="backbone.", ignores=["loss.*"])
    check(tmp_path / "x.ckpt", original, small_resnet(2), config)


def test_the_backbone_of_a_detector(tmp_path: Path) -> None:
    frozen = _resnet_fpn_extractor(seeded(torchvision.models.resnet50, 1, norm_layer=FrozenBatchNorm2d), 3)
    detector = FasterRCNN(frozen, num_classes=91).eval()
    for name, buffer in detector.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    overwrite_eps(detector, 0.0)  # as torchvision does with the weights of this cell
    torch.save(detector.state_dict(), tmp_path / "fasterrcnn.pth")
    ours = seeded(resnet50_fpn, 2)
    assert load_weights(ours, tmp_path / "fasterrcnn.pth", cell("detection/imagenet1k_coco/resnet50_fpn")) == []
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for level, expected in detector.backbone(images).items():
            torch.testing.assert_close(ours(images)[level], expected, rtol=0, atol=0)


def test_real_files_of_cifar10(shared_weights: Path) -> None:
    from iqa_lab.networks.cifar_resnet import CifarResNet

    path = shared_weights / "resnet20-12fca82f.th"
    content = torch.load(path, map_location="cpu", weights_only=True)
    network = seeded(CifarResNet, 1, blocks=3)
    assert load_weights(network, path, cell("classification/cifar10/resnet20_cifar")) == []
    for key, value in network.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(value, content["state_dict"][f"module.{key}"])


def test_torchscript_is_refused(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "x.pt"))
    with pytest.raises(UserError, match="x.pt is a TorchScript program, which is code: save its state dict"):
        load_weights(nn.Linear(2, 2), tmp_path / "x.pt", WeightsConfig())


@pytest.mark.parametrize("new", [True, False])
def test_a_network_saved_as_a_whole_is_refused(tmp_path: Path, new: bool) -> None:
    torch.save(small_resnet(1), tmp_path / "x.pth", _use_new_zipfile_serialization=new)
    with pytest.raises(UserError, match="x.pth .*save its state dict again with torch.save"):
        load_weights(small_resnet(2), tmp_path / "x.pth", WeightsConfig())


def test_what_stands_beside_the_tensors_is_never_run(tmp_path: Path, foreign: types.ModuleType) -> None:
    ran = []

    class Trap:
        def __init__(self, *_: object) -> None:
            ran.append("init")

        def __reduce__(self) -> Any:
            return foreign.Trap, (1,)

        def __setstate__(self, _: object) -> None:
            ran.append("setstate")

    Trap.__module__, Trap.__qualname__ = "training_program", "Trap"
    foreign.Trap = Trap  # type: ignore[attr-defined]
    content = {"state_dict": small_resnet(1).state_dict(), "extra": Trap()}
    torch.save(content, tmp_path / "x.pth")
    ran.clear()  # the program itself is still there, and could be imported
    check(tmp_path / "x.pth", small_resnet(1), small_resnet(2), WeightsConfig(state="state_dict"))
    assert not ran


def test_renames_that_collide_or_are_no_expressions_are_refused(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(2), "b.weight": torch.zeros(2)}, tmp_path / "x.pth")
    with pytest.raises(UserError, match="renames makes c.weight of two keys, b.weight is the second"):
        load_weights(nn.Linear(2, 2), tmp_path / "x.pth", WeightsConfig(renames={"^[ab]": "c"}))
    with pytest.raises(UserError, match=r"renames: '\(' to 'c' is wrong"):
        load_weights(nn.Linear(2, 2), tmp_path / "x.pth", WeightsConfig(renames={"(": "c"}))


def test_our_resnets_are_torchvisions_and_its_variants_differ_where_they_should() -> None:
    assert list(resnet(101).state_dict()) == list(torchvision.models.resnet101().state_dict())
    with pytest.raises(ValueError, match="depth=51: choose 50, 101, 152, 200"):
        resnet(51)
    wide = resnet(width=2).state_dict()
    for key, value in torchvision.models.resnet50().state_dict().items():
        if value.ndim == 4:
            outputs, inputs, *kernel = value.shape
            inputs = 3 if key == "conv1.weight" else 2 * inputs
            assert wide[key].shape == (2 * outputs, inputs, *kernel), key
    grey = resnet(input_channels=1, last_stride=1).eval()
    maps = {}
    for name in ("layer3", "layer4"):
        grey.get_submodule(name).register_forward_hook(
            lambda _m, _i, out, name=name: maps.update({name: out.shape[2:]})
        )
    grey(torch.zeros(1, 1, 64, 64))
    assert maps["layer3"] == maps["layer4"] == (4, 4)


def test_alexnets_against_their_layers_written_out() -> None:
    jigsaw = seeded(alexnet_jigsaw, 1)
    plain = nn.Sequential(
        nn.Conv2d(3, 96, 11, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75),
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75),
        nn.Conv2d(256, 384, 3, padding=1), nn.BatchNorm2d(384), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.BatchNorm2d(384), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.BatchNorm2d(256), nn.ReLU(), nn.MaxPool2d(3, 2),
    ).eval()  # fmt: skip
    plain.load_state_dict(dict(zip(plain.state_dict(), jigsaw.state_dict().values(), strict=True)))
    images = torch.rand(1, 3, 96, 96)
    torch.testing.assert_close(jigsaw(images), plain(images), rtol=0, atol=0)
    # DeepCluster's filter: a flat image has no edges, and a vertical edge only a horizontal derivative
    edges = alexnet_deepcluster()
    seen = []
    edges.get_submodule("conv1").register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    image = torch.zeros(1, 3, 67, 67)
    image[..., 30:] = 1
    edges(image)
    horizontal, vertical = seen[0][0, :, 1:-1, 1:-1]
    assert horizontal.abs().max() == 4 and vertical.abs().max() == 0
