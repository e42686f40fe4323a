"""``weights=resnet50.v2``, the short name that ``iqa-lab list weights`` prints, beside goal, dataset, architecture."""

import pytest

from iqa_lab.cli.arguments import full_weights
from iqa_lab.config import configuration_folder, option_files
from iqa_lab.errors import UserError

OPTIONS = list(option_files("weights", [configuration_folder()]))


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["goal=classification", "dataset=imagenet1k", "architecture=resnet50", "weights=resnet50.v2"],
         "classification/imagenet1k/resnet50.v2"),
        (["weights=resnet50.v2"], "classification/imagenet1k/resnet50.v2"),
        # the usual goal and dataset decide between several
        (["weights=resnet50"], "classification/imagenet1k/resnet50"),
        (["goal=dino", "weights=resnet50"], "dino/imagenet1k/resnet50"),
        (["dataset=places365", "weights=resnet50"], "classification/places365/resnet50"),
        # what is written in full, or is no name of any training, stays
        (["weights=dino/imagenet1k/resnet50"], "dino/imagenet1k/resnet50"),
        (["weights=nonsense"], "nonsense"),
        (["weights=glob(*)"], "glob(*)"),
        (["weights=null"], "null"),
    ],
)  # fmt: skip
def test_a_short_name_is_the_training_of_the_cell(overrides: list[str], expected: str) -> None:
    assert full_weights(overrides, OPTIONS, several=False) == [*overrides[:-1], f"weights={expected}"]


def test_in_a_sweep_a_name_may_mean_several_trainings() -> None:
    given = ["goal=dino,jigsaw", "dataset=imagenet1k,yfcc100m", "weights=resnet50,resnet50.goyal19"]
    (found,) = [one for one in full_weights(given, OPTIONS, several=True) if one.startswith("weights=")]
    assert set(found.removeprefix("weights=").split(",")) == {
        "dino/imagenet1k/resnet50", "jigsaw/imagenet1k/resnet50", "jigsaw/yfcc100m/resnet50",
        "jigsaw/imagenet1k/resnet50.goyal19",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["goal=dino", "weights=resnet50.v2"], "none of goal=dino; give one of classification/imagenet1k/resnet50.v2"),
        (["architecture=alexnet", "weights=resnet50.v2"], "none of architecture=alexnet"),
        (
            ["goal=colorization", "dataset=imagenet22k", "architecture=resnet50", "weights=resnet50"],
            "none of goal=color",
        ),
        (["experiment=goal", "weights=resnet50"], "several trainings have this name; give one of"),
    ],
)
def test_a_short_name_that_is_none_or_several_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        full_weights(overrides, OPTIONS, several=False)
