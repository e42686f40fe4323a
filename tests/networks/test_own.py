"""A network of one's own is what its owner says that it is, never silently what is usual."""

from contextlib import nullcontext

import pytest

from iqa_lab.config.overrides import for_hydra, keys_of, own_factors
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import check_cell, check_name, check_said, is_own, said_in_vain, said_of_own
from tests.conftest import composed

CUSTOM = ["architecture=custom", "architecture.constructor=torchvision.models.alexnet"]


@pytest.mark.parametrize(
    ("overrides", "own"),
    [
        ([], False),
        (["architecture=alexnet"], False),
        (["architecture=alexnet", "weights.path=x.pth"], True),
        (["weights.url=https://a/b.pth"], True),
        (CUSTOM, True),
        (["architecture=alexnet", "architecture.constructor=my_package.net"], False),  # the cell's own weights
        (["goal=untrained", "dataset=none", "architecture=alexnet"], False),
        (["goal=baseline", "dataset=none", "architecture=psnr"], False),
    ],
)
def test_which_networks_are_ones_own(overrides: list[str], own: bool) -> None:
    assert is_own(composed(*overrides)) == own


@pytest.mark.parametrize("network", [["architecture=alexnet", "weights.path=x.pth"], CUSTOM])
@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ([], False),
        (["goal=classification"], False),
        (["dataset=imagenet1k"], False),
        (["goal=classification", "dataset=imagenet1k"], True),
        (["goal=own", "goal.name=deblurring", "dataset=own"], True),
        (["goal.name=deblurring", "dataset.name=mine"], True),
    ],
)
def test_goal_and_dataset_have_to_be_said(network: list[str], said: list[str], fine: bool) -> None:
    overrides = own_factors([*network, *said])
    config = composed(*overrides)
    if fine:
        check_said(config, keys_of(overrides))
        assert config.goal.name in ("classification", "deblurring") and "mean [0.485" in str(said_of_own(config))
        return
    with pytest.raises(UserError, match="say what it was trained for and on"):
        check_said(config, keys_of(overrides))


def test_a_word_of_ones_own_is_not_described_as_the_usual_goal() -> None:
    config = composed(*own_factors(["goal.name=deblurring", "dataset.name=mine", "architecture.name=small", *CUSTOM]))
    assert (config.goal.name, config.goal.family, config.dataset.name) == ("deblurring", "own", "mine")
    assert config.architecture.name == "small" and "architecture.name" not in str(said_of_own(config))
    assert own_factors(["goal=clip", "goal.name=x"]) == ["goal=clip", "goal.name=x"]


@pytest.mark.parametrize(
    ("overrides", "taken"),
    [
        (["architecture=squeezenet1_1"], True),
        (["architecture=squeezenet1_1", "architecture.name=fire"], True),
        (["architecture=mobilenetv2_tf", "architecture.arguments={num_classes: 7}"], True),
        (["architecture=squeezenet1_1", "architecture.name=alexnet"], False),
        (["architecture.name=vgg16"], False),  # of the usual network
        (["architecture=mobilenetv2_tf", "architecture.arguments={pad_type: ''}"], False),
        (["architecture=mobilenetv2_100", "architecture.name=mobilenetv2_tf"], False),
        (["architecture=mobilenetv2_tf", "architecture.name=mobilenetv2_100"], False),
        (["architecture=mobilenetv2_100", "architecture.arguments={pad_type: same}"], False),
        ([*CUSTOM, "architecture.name=alexnet"], True),
        ([*CUSTOM, "architecture.name=vgg16"], False),
        (["architecture=custom", "architecture.constructor=tests.networks.test_own.mine",
          "architecture.name=vgg16"], True),
    ],
)  # fmt: skip
def test_no_network_has_the_name_of_another(overrides: list[str], taken: bool) -> None:
    config = composed(*for_hydra(overrides), "goal=untrained", "dataset=none")
    said = r"architecture.name=(\w+) is the name of .*, which this is not: architecture=\1 chooses"
    with nullcontext() if taken else pytest.raises(UserError, match=said):
        check_name(config.architecture)


@pytest.mark.parametrize(
    ("overrides", "said", "sentences"),
    [
        (["goal=baseline", "dataset=none", "architecture=rmse"], ["readout", "layers"], 1),
        (["goal=baseline", "dataset=none", "architecture=rmse"], ["readouts.plain.layers"], 1),
        (["goal=baseline", "dataset=none", "architecture=rmse"], ["preprocess.resize"], 0),
        (["goal=untrained", "dataset=none"], ["weights.seed", "readout", "weights.input.mean"], 0),
        (["goal=untrained", "dataset=none"], ["weights.seed", "weights.prefix"], 1),
        ([], ["weights.seed"], 1),
        ([], ["weights.sha256", "layers", "readout"], 0),
    ],
)
def test_what_changes_nothing_is_said(overrides: list[str], said: list[str], sentences: int) -> None:
    found = said_in_vain(composed(*overrides), said)
    assert len(found) == sentences and all("nothing" in sentence for sentence in found)


def test_a_network_without_weights_says_how_to_run_it() -> None:
    with pytest.raises(UserError, match=r"architecture=custom has no public weights: .* goal=untrained dataset=none"):
        check_cell(composed(*CUSTOM, "goal=classification", "dataset=imagenet1k"))
