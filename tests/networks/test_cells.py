"""The tree conf/weights: consistent with itself, loadable, and clear about what is not there."""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from omegaconf import OmegaConf
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torchvision.models import get_weight
from torchvision.models.regnet import BlockParams

from iqa_lab.cli.catalogue import coverage, coverage_counts, list_options
from iqa_lab.config import ArchitectureConfig, Config, WeightsConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks import Layer, build_network
from iqa_lab.networks.build import build_module, declared_layers, named_layers, weights_name
from iqa_lab.networks.cells import BASELINE, cells, check_cell, is_by_hand, nearest_cells
from iqa_lab.networks.network import CLASS_TOKEN
from iqa_lab.scoring.definitions import chosen_layers
from tests.conftest import ROOT, composed, needs_shared, options, untrained

CONF = configuration_folder()
CELLS = {f"{cell.goal}/{cell.dataset}/{name}": cell for name, cell in cells([CONF])}
BASELINES = sorted(str(cell.architecture) for cell in CELLS.values() if cell.goal == BASELINE)
ARCHITECTURES = sorted({path.stem for path in (CONF / "architecture").glob("*.yaml")} - {*BASELINES, "custom"})


def overrides(option: str) -> list[str]:
    cell = CELLS[option]
    factors = [f"goal={cell.goal}", f"dataset={cell.dataset}", f"architecture={cell.architecture}"]
    return [*factors, f"weights={option}"]


@cache
def described(architecture: str) -> ArchitectureConfig:
    """An architecture's own file; not to be changed."""
    spec = OmegaConf.load(CONF / "architecture" / f"{architecture}.yaml")
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(ArchitectureConfig), spec))
    assert isinstance(config, ArchitectureConfig)
    return config


OF_INITIALISATION = {
    getattr(torch.Tensor, name) for name in ("normal_", "uniform_", "erfinv_", "mul_", "add_", "clamp_")
}
KEEP_THE_SHAPE = {F.batch_norm, F.layer_norm, F.silu, F.gelu, F.hardswish, F.hardsigmoid, F.hardtanh}


def linear_in_outline(values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    assert values.shape[-1] == weight.shape[1] and (bias is None or bias.shape == weight.shape[:1])
    return values.new_empty((*values.shape[:-1], weight.shape[0]))


def attended_in_outline(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any
) -> torch.Tensor:
    assert query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]
    return query.new_empty((*query.shape[:-1], value.shape[-1]))


IN_OUTLINE = {F.linear: linear_in_outline, F.scaled_dot_product_attention: attended_in_outline}


class Outline(TorchFunctionMode):
    """Networks have shapes only, and what keeps a shape is not computed: without memory that takes time, too."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in OF_INITIALISATION:
            return args[0]
        if func in IN_OUTLINE:
            return IN_OUTLINE[func](*args, **(kwargs or {}))
        return torch.empty_like(args[0]) if func in KEEP_THE_SHAPE else func(*args, **(kwargs or {}))


@contextmanager
def in_outline() -> Iterator[None]:
    """Networks that are built or run here have shapes and nothing else."""
    with torch.device("meta"), Outline(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(BlockParams, "from_init_params", widths_of_regnets)
        yield


_widths = BlockParams.from_init_params


def widths_of_regnets(*arguments: Any, **named: Any) -> BlockParams:
    """Computed with tensors that have values."""
    with torch.device("cpu"):
        return _widths(*arguments, **named)


@cache
def built(architecture: str, arguments: str) -> nn.Module:
    """An architecture with a cell's constructor arguments."""
    with in_outline():
        return build_module(described(architecture), WeightsConfig(arguments=json.loads(arguments)))


@cache
def layers_of(architecture: str) -> tuple[Layer, ...]:
    """The layers of an architecture, found as for a run: by two forwards, here of shapes."""
    with in_outline():
        return named_layers(described(architecture), built(architecture, "{}"), [])


def test_the_grid_is_as_full_as_promised() -> None:
    of_networks = [cell for cell in CELLS.values() if cell.goal != BASELINE]
    assert len(of_networks) >= 150
    assert len({(cell.goal, cell.dataset, cell.architecture) for cell in of_networks}) >= 150
    assert len({cell.goal for cell in of_networks}) >= 25
    assert len({cell.dataset for cell in of_networks}) >= 25


def test_the_documents_tell_how_full_the_grid_is() -> None:
    page = (ROOT / "docs" / "grid.md").read_text()
    rows = [row for row in list_options("weights", {}, [CONF]) if row["goal"] != BASELINE]
    table = coverage(rows)
    for row in table:
        family = OmegaConf.load(CONF / "goal" / f"{row['goal']}.yaml").family
        line = f"| `{row['goal']}` | {family} | {row['trainings']} | {row['architectures']} | {row['on']} |"
        assert line in page
    counts = coverage_counts(rows).partition(";")[0]
    assert counts in page and counts in (ROOT / "README.md").read_text().replace("\n", " ")


FIRST = {tuple(option.split("/")[:2]): option for option in reversed(CELLS)}
FIRST_OF_EACH = [option for option in CELLS if option in FIRST.values()]  # of each goal and dataset


def most_slow(options: Iterable[str], quick: Collection[str]) -> list[Any]:
    """The options; those that are not among the quick ones marked as slow, for Hydra composes a run of each."""
    return [option if option in quick else pytest.param(option, marks=pytest.mark.slow) for option in options]


@pytest.mark.parametrize("option", CELLS)
def test_a_cell_is_what_its_path_says(option: str) -> None:
    cell = CELLS[option]
    goal, dataset, name = option.split("/")
    assert (CONF / "weights" / goal / dataset / f"{name}.yaml").is_file()
    assert name == (f"{cell.architecture}.{cell.recipe}" if cell.recipe else cell.architecture)
    # goal, dataset and architecture alone find a training, a recipe is chosen
    assert f"{goal}/{dataset}/{cell.architecture}" in CELLS or cell.recipe
    if goal == BASELINE and cell.source is None:  # a formula has neither publisher nor licence
        assert cell.citation or cell.architecture in ("rmse", "psnr")
    elif is_by_hand(cell):
        assert cell.publisher and cell.licence and cell.citation
    else:
        assert cell.steps is None
        assert cell.publisher and cell.licence and cell.citation and cell.source
        assert cell.source.partition(":")[0] in ("torchvision", "hf", "url", "folder", "package")
    channels = 1 if cell.input.order == "lightness" else 3
    assert len(cell.input.mean) == len(cell.input.std) == channels


def test_a_cell_is_read_as_hydra_reads_it() -> None:
    """The first of each goal and dataset; tests/config/test_schema.py composes the goals and datasets themselves."""
    base = composed()
    for option, weights in options("weights", FIRST_OF_EACH).items():
        cell = CELLS[option]
        assert weights == cell, option
        asked = {"goal": str(cell.goal), "dataset": str(cell.dataset), "architecture": str(cell.architecture)}
        assert all((CONF / group / f"{name}.yaml").is_file() for group, name in asked.items()), option
        config = replace(base, weights=weights, **{g: replace(getattr(base, g), name=n) for g, n in asked.items()})
        check_as_asked(config)


def check_as_asked(config: Config) -> None:
    """``check_cell`` of a run of a cell: nothing, or how to get its file by hand."""
    if is_by_hand(config.weights):
        with pytest.raises(UserError, match="get it by hand"):
            check_cell(config)
    else:
        check_cell(config)


@pytest.mark.parametrize("option", most_slow(CELLS, FIRST_OF_EACH[::10]))
def test_a_cell_composes(option: str) -> None:
    config = composed(*overrides(option))
    assert config.weights == CELLS[option]
    check_as_asked(config)


@pytest.mark.parametrize("option", [option for option in CELLS if not option.startswith(BASELINE)])
def test_every_cell_builds_with_its_declared_layers_and_parameters(option: str) -> None:
    cell = CELLS[option]
    module = built(str(cell.architecture), json.dumps(cell.arguments))
    layers = [layer.name.removesuffix(CLASS_TOKEN) for layer in layers_of(str(cell.architecture))]
    assert layers and set(layers) <= {name for name, _ in module.named_modules()}
    if cell.parameters is not None:  # what the publisher counted: the same classes, widths and heads
        assert sum(parameter.numel() for parameter in module.parameters()) == cell.parameters
    first = next(part for part in module.modules() if isinstance(part, nn.Conv2d))
    assert first.in_channels == (2 if cell.architecture == "alexnet_deepcluster" else len(cell.input.mean))


@pytest.mark.parametrize("option", [option for option, cell in CELLS.items() if "hf:timm/" in (cell.source or "")])
def test_what_timm_publishes_fits_our_architecture(option: str) -> None:
    cell = CELLS[option]
    with in_outline():
        theirs = timm.create_model(str(cell.source).removeprefix("hf:timm/"), pretrained=False)
    ours = built(str(cell.architecture), json.dumps(cell.arguments))
    expected = {key: value.shape for key, value in theirs.state_dict().items()}
    own = {key: value.shape for key, value in ours.state_dict().items()}
    # what the file lacks is declared: a network without its classifier
    lacking = {key for key in own if key not in expected and any(fnmatchcase(key, name) for name in cell.ignores)}
    assert {key: shape for key, shape in own.items() if key not in lacking} == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_declares_layers_that_exist_with_their_channels(architecture: str) -> None:
    layers = layers_of(architecture)
    declared = declared_layers(described(architecture))
    assert declared is not None and all(isinstance(channels, int) for channels in declared.values())
    # a transformer's blocks have their class tokens beside them
    assert [layer.name for layer in layers if not layer.name.endswith(CLASS_TOKEN)] == list(declared)
    depths = [layer.depth for layer in layers]
    assert depths[0] == 0 and depths[-1] == 1 and depths == sorted(depths)


@pytest.mark.parametrize(
    ("architecture", "first", "last", "number"),
    [
        ("vit_tiny_patch16_224", "norm_pre", "norm", 14),
        ("swin_t", "features.0", "norm", 17),
        ("swin_v2_s", "features.0", "norm", 29),
        ("convnext_tiny", "stem", "stages.3.blocks.2", 22),
        ("densenet121", "features.relu0", "features.norm5", 9),
        ("fcn_resnet50", "backbone.relu", "classifier.2", 18),  # the scores of classes are no layer
        ("resnet50", "relu", "layer4.2", 17),
    ],
)
def test_families_are_read_from_their_stem_to_their_last_place(
    architecture: str, first: str, last: str, number: int
) -> None:
    layers = layers_of(architecture)
    usual = [layer for layer in layers if not layer.fine and not layer.name.endswith(CLASS_TOKEN)]
    assert (usual[0].name, usual[-1].name, len(usual)) == (first, last, number)
    assert [layer.depth for layer in usual] == pytest.approx([place / (number - 1) for place in range(number)])


def test_no_layer_is_a_networks_class_scores() -> None:
    for architecture in ARCHITECTURES:
        names = list(declared_layers(described(architecture)) or {})
        assert not names[-1].endswith(("fc", "head", "classifier", "classifier.4", "linear")), architecture


@pytest.mark.parametrize(
    ("architecture", "blocks"), [("densenet121", (6, 12, 24, 16)), ("densenet169", (6, 12, 32, 32))]
)
def test_dense_layers_are_read_where_they_are_asked_for(architecture: str, blocks: tuple[int, ...]) -> None:
    layers = layers_of(architecture)
    fine = [layer for layer in layers if layer.fine]
    assert [layer.name for layer in fine] == [
        f"features.denseblock{block}.denselayer{number}"
        for block, many in enumerate(blocks, start=1)
        for number in range(1, many + 1)
    ]
    depths = [layer.depth for layer in layers]
    assert depths == sorted(depths) and len(set(depths)) == len(depths)

    def chosen(*settings: str) -> list[str]:
        config = composed(f"architecture={architecture}", "goal=untrained", "dataset=none", *settings)
        return [layer.name for layer in chosen_layers(config.readouts["plain"], layers, "plain")]

    assert not set(chosen()) & {layer.name for layer in fine}
    assert chosen("layers=fine") == [layer.name for layer in layers]
    assert chosen("layers={last: 2}") == ["features.denseblock4", "features.norm5"]
    assert chosen("layers=[-1,features.denseblock2.denselayer3]") == [
        "features.denseblock2.denselayer3", "features.norm5",
    ]  # fmt: skip
    (row,) = list_options("architectures", {"name": architecture}, [CONF])
    assert row["layers"] == 9
    with pytest.raises(UserError, match="no such layer: features.denseblock9"):
        chosen("layers=[features.denseblock9]")


@pytest.mark.parametrize("architecture", ["alexnet_colorization", "resnet50_lightness"])
def test_an_untrained_network_with_one_input_channel_sees_lightness(architecture: str) -> None:
    network = untrained(architecture)
    assert network.prepare(torch.zeros(1, 3, 8, 8, dtype=torch.uint8)).shape == (1, 1, 8, 8)
    assert network.reads == "lightness 0..100" and network.weights == "seed0"


def test_wrong_declared_channels_are_refused() -> None:
    wrong = ["goal=untrained", "dataset=none", "architecture=alexnet", "architecture.layers=[{features.1: 65}]"]
    with pytest.raises(UserError, match=r"layer features.1 has 64 channels, but architecture.layers says 65"):
        build_network(composed(*wrong))


def test_facts_of_torchvision_and_timm_are_theirs() -> None:
    seen = {"torchvision": 0, "hf": 0}
    for option, cell in CELLS.items():
        kind, _, place = (cell.source or "").partition(":")
        if kind == "torchvision" and cell.goal != BASELINE:
            weights = get_weight(place)
            assert cell.sha256 and f"-{cell.sha256}" in weights.url, option
            transforms = weights.transforms()
            if hasattr(transforms, "mean") and not option.endswith("vgg16.caffe"):
                assert (cell.input.mean, cell.input.std) == (list(transforms.mean), list(transforms.std)), option
            metrics = next(iter(weights.meta["_metrics"].values()))
            assert cell.top1 == (None if option.endswith("vgg16.caffe") else metrics.get("acc@1")), option
            own = next((key for key in ("kp_map", "mask_map", "box_map", "miou") if key in metrics), None)
            assert own is None or f" {metrics[own]} " in str(cell.score), option
        elif kind == "torchvision":  # the trunk of a baseline
            assert cell.sha256 and f"-{cell.sha256}" in get_weight(place).url, option
            continue
        elif place.startswith("timm/"):
            timm_config = timm.get_pretrained_cfg(place.removeprefix("timm/"))
            assert timm_config is not None, option
            assert (cell.input.mean, cell.input.std) == (list(timm_config.mean), list(timm_config.std)), option
            assert cell.input.size == timm_config.input_size[1], option
        else:
            continue
        seen[kind] += 1
    assert seen["torchvision"] > 80 and seen["hf"] > 80


def test_accuracies_are_those_that_timm_measured() -> None:
    """Its results-imagenet.csv, at each file's own size."""
    published = needs_shared("facts", "top1_timm.txt").read_text().splitlines()
    rows = [line.split("\t") for line in published if line]
    assert len(rows) == 57
    for option, top1, name in rows:
        cell = CELLS[option.removesuffix(".yaml")]
        assert (cell.top1, cell.source) == (float(top1), f"hf:timm/{name}"), option


def test_where_a_training_began_is_a_training_of_known_factors() -> None:
    goals, datasets = ({path.stem for path in (CONF / group).glob("*.yaml")} for group in ("goal", "dataset"))
    began = {option: cell.initialised_from for option, cell in CELLS.items() if cell.initialised_from}
    assert {option.split("/")[0] for option in began} >= {"detection", "instance_segmentation", "keypoints"}
    for option, origin in began.items():
        goal, dataset = origin.split("/")
        # of environments whose first training nobody published there is only the name of both together
        assert goal in goals and (dataset in datasets or f"{dataset}_imagenet1k" in datasets), option
        # the environment is that of both trainings
        assert dataset in option.split("/")[1] or option == "segmentation/voc/mobilenetv2_tf", option
    assert all(option in began for option, cell in CELLS.items() if "imagenet1k_coco" in str(cell.dataset))
    assert all(origin.endswith("/imagenet1k") for option, origin in began.items() if "/imagenet1k/" in option)


@pytest.mark.parametrize("option", [option for option, cell in CELLS.items() if is_by_hand(cell)])
def test_a_file_without_an_address_says_how_to_get_it(option: str, tmp_path: Path) -> None:
    assert cell_row(option)["available"] is False and cell_row(option)["fetch"] is False
    with pytest.raises(UserError, match="no public address, get it by hand: download .* then weights.path=FILE"):
        build_network(composed(*overrides(option)))
    # the file that somebody got is the training of this cell, with its name
    config = composed(*overrides(option), f"weights.path={tmp_path / 'x.pth'}")
    assert weights_name(config) == option.rpartition("/")[2]
    assert weights_name(composed(f"weights.path={tmp_path / 'x.pth'}")) == "custom"


def cell_row(option: str) -> dict[str, Any]:
    """The row of a training in ``iqa-lab list weights``."""
    (row,) = (row for row in weights_rows() if f"{row['goal']}/{row['dataset']}/{row['weights']}" == option)
    return row


@cache
def weights_rows() -> list[dict[str, Any]]:
    return list_options("weights", {}, [CONF])


@pytest.mark.parametrize("architecture", BASELINES)
def test_an_untrained_baseline_is_refused(architecture: str) -> None:
    config = replace(composed("goal=untrained", "dataset=none"), architecture=baselines()[architecture])
    with pytest.raises(UserError, match=f"architecture={architecture} is a baseline: goal=baseline goes with"):
        build_network(config)


@cache
def baselines() -> dict[str, Any]:
    """Their architectures; composed one by one they take a second more."""
    return options("architecture", BASELINES)


@pytest.mark.parametrize(
    "architecture",
    ["alexnet", "vgg16", "resnet50", "squeezenet1_1", "mobilenetv2_tf", "vit_tiny_patch16_224", "swin_t"],
)
def test_auto_finds_every_declared_block(architecture: str) -> None:
    config = composed(f"architecture={architecture}", "goal=untrained", "dataset=none")
    declared = set(declared_layers(config.architecture) or {})
    config.architecture.layers = "auto"
    with torch.device("meta"):
        module = build_module(config.architecture, config.weights)
        found = {layer.name for layer in named_layers(config.architecture, module, [])}
    # Swin's embedded patches are a container of layers, which auto looks into and finds no block in
    blocks = {name for name in declared if name.rpartition(".")[2].isdigit()} - {"features.0"}
    assert blocks <= found


def test_the_seed_makes_the_untrained_network() -> None:
    def digest(seed: int) -> str:
        config = composed("goal=untrained", "dataset=none", "architecture=squeezenet1_1", f"weights.seed={seed}")
        torch.manual_seed(torch.initial_seed() + 1)  # the seed outside must not matter
        return build_network(config).digest

    assert digest(0) == digest(0) != digest(1)
    assert untrained("squeezenet1_1").digest == digest(0)


def test_building_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    build_network(composed("goal=untrained", "dataset=none", "architecture=alexnet"))
    assert torch.equal(torch.rand(1), expected)


def test_cells_with_real_files_load(shared_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_WEIGHTS", str(shared_weights))
    loaded = {}
    for option, cell in CELLS.items():
        if (cell.source or "").startswith("folder:"):
            network = build_network(composed(*overrides(option)))
            loaded[option] = network
            layers = [layer.name for layer in network.layers]
            assert layers, option
    assert len(loaded) == 9
    rows = list_options("weights", {"tried": "yes"}, [CONF])
    tried = {f"{row['goal']}/{row['dataset']}/{row['weights']}" for row in rows if row["goal"] != BASELINE}
    assert tried == {*loaded, "classification/imagenet1k/efficientnet_lite0"}  # test_recognition loads this one
    assert len({network.digest for network in loaded.values()}) == 9
    # the segmentation backbone has no head convolution: what stays random must not be read
    segmentation = loaded["segmentation/voc/mobilenetv2_tf"]
    classification = loaded["classification/imagenet1k/mobilenetv2_tf"]
    assert [layer.name for layer in classification.layers][-1] == "bn2"
    assert segmentation.layers == classification.layers[:-1]
    assert segmentation.module.blocks[5][1].conv_dw.dilation == (2, 2)


def test_an_empty_cell_names_the_nearest() -> None:
    with pytest.raises(
        UserError, match="no public weights for goal=segmentation dataset=voc architecture=alexnet"
    ) as error:
        build_network(composed("goal=segmentation", "dataset=voc", "architecture=alexnet"))
    assert "goal=segmentation dataset=voc architecture=mobilenetv2_tf" in str(error.value)
    assert "weights.path=FILE" in str(error.value)
    near = nearest_cells("classification", "inat_birds", "mobilenetv2_100", [CONF])
    assert near[0] == "goal=classification dataset=inat_birds architecture=mobilenetv2_tf"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["goal=untrained"], "goal=untrained goes with dataset=none, and only with it"),
        (["dataset=none"], "goal=untrained goes with dataset=none, and only with it"),
        (["goal=untrained", "dataset=none", "weights.path=x"], "loads no weights"),
        (
            ["architecture=alexnet", "weights=classification/imagenet1k/vgg16"],
            "of architecture=vgg16, but the run asks",
        ),
        (["weights.path=/nowhere/x.pth"], "weights.path=/nowhere/x.pth: there is no such file"),
        (["architecture.constructor=torchvision.models.nothing"], "cannot be imported"),
        (["+architecture.arguments.nonsense=1"], "failed: .*nonsense"),
        (["architecture.layers=[blocks.9.9]"], "no layer blocks.9.9 in this network.*nearest are"),
        (["architecture.layers=[blocks.1.0,blocks.0.0]"], "blocks.0.0 runs before blocks.1.0"),
        (["architecture.layers=3"], "give auto or a list of module paths"),
        (["architecture.layout=sideways"], "choose auto, map, map_last, tokens"),
    ],
)
def test_contradictions_are_refused(settings: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_network(composed(*settings))


def test_a_module_that_runs_twice_is_no_layer() -> None:
    config = composed("architecture=resnet18", "goal=untrained", "dataset=none", "architecture.layers=[layer1.0.relu]")
    with pytest.raises(UserError, match="layer1.0.relu runs 2 times in one forward: name the block around it"):
        build_network(config)


def test_weights_of_ones_own_fill_an_empty_cell(tmp_path: Path) -> None:
    config = composed(
        "goal=segmentation", "dataset=voc", "architecture=squeezenet1_1", f"weights.path={tmp_path / 'x.pth'}"
    )
    donor = untrained("squeezenet1_1")
    torch.save(donor.module.state_dict(), tmp_path / "x.pth")
    network = build_network(config)
    assert (network.weights, network.digest) == ("custom", donor.digest)
    other = composed("goal=segmentation", "dataset=voc", "architecture=alexnet", f"weights.path={tmp_path / 'x.pth'}")
    with pytest.raises(UserError, match=r"12 keys missing .* 48 keys left over .* 3 keys of another shape"):
        build_network(other)
