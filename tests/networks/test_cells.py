"""The tree conf/weights: consistent with itself, loadable, and clear about what is not there."""

from pathlib import Path

import pytest
import torch

from iqa_lab.config import configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks import build_network
from iqa_lab.networks.build import build_module, named_layers
from iqa_lab.networks.cells import BASELINE, cells, nearest_cells
from tests.conftest import composed, untrained

CONF = configuration_folder()
CELLS = {f"{cell.goal}/{cell.dataset}/{name}": cell for name, cell in cells([CONF])}
BASELINES = sorted(str(cell.architecture) for cell in CELLS.values() if cell.goal == BASELINE)
ARCHITECTURES = sorted({path.stem for path in (CONF / "architecture").glob("*.yaml")} - set(BASELINES))


def overrides(option: str) -> list[str]:
    cell = CELLS[option]
    factors = [f"goal={cell.goal}", f"dataset={cell.dataset}", f"architecture={cell.architecture}"]
    return [*factors, f"weights={option}"]


@pytest.mark.parametrize("option", CELLS)
def test_a_cell_is_what_its_path_says_and_composes(option: str) -> None:
    cell = CELLS[option]
    goal, dataset, name = option.split("/")
    assert (CONF / "weights" / goal / dataset / f"{name}.yaml").is_file()
    assert name == f"{cell.architecture}.{cell.recipe}" if cell.recipe else cell.architecture
    config = composed(*overrides(option))
    assert config.weights == cell
    if goal == BASELINE and cell.source is None:  # a formula has neither publisher nor licence
        assert cell.citation or cell.architecture in ("rmse", "psnr")
    else:
        assert cell.publisher and cell.licence and cell.citation and cell.source


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_builds_untrained_with_its_layers(architecture: str) -> None:
    network = untrained(architecture)
    config = composed(f"architecture={architecture}", "goal=untrained", "dataset=none")
    # a transformer's blocks have their class tokens beside them
    assert [layer.name for layer in network.layers if layer.spatial] == config.architecture.layers
    depths = [layer.depth for layer in network.layers]
    assert depths[0] == 0 and depths[-1] == 1 and depths == sorted(depths)
    assert network.weights == "seed0"


@pytest.mark.parametrize("architecture", BASELINES)
def test_an_untrained_baseline_is_refused(architecture: str) -> None:
    with pytest.raises(UserError, match=f"architecture={architecture} is a baseline: goal=baseline goes with"):
        build_network(composed(f"architecture={architecture}", "goal=untrained", "dataset=none"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_auto_finds_every_declared_block(architecture: str) -> None:
    config = composed(f"architecture={architecture}", "goal=untrained", "dataset=none")
    declared = set(config.architecture.layers)
    config.architecture.layers = "auto"
    found = {
        layer.name for layer in named_layers(config.architecture, build_module(config.architecture, config.weights), [])
    }
    blocks = {name for name in declared if name.rpartition(".")[2].isdigit()}
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
        (["architecture.layout=sideways"], "choose map or tokens"),
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
