"""The grid: what overrides ask for, which cells are empty, and configurations equal to Hydra's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from iqa_lab.config import configuration_folder, option_files, register_schema
from iqa_lab.errors import UserError
from iqa_lab.sweep.compose import Composer, Unit
from iqa_lab.sweep.grid import Axes, Cell, networks, read_axes
from iqa_lab.sweep.ledger import key_of
from tests.conftest import composed

CONF = [configuration_folder()]
CHOSEN = {"goal": "classification", "dataset": "imagenet1k", "architecture": "vgg16", "benchmark": "levels",
          "weights": "classification/imagenet1k/vgg16"}  # fmt: skip


@pytest.fixture
def loader() -> Iterator[Any]:
    Plugins.instance()
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def axes(loader: Any, *overrides: str) -> Axes:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return read_axes(OverridesParser.create(config_loader=loader).parse_overrides(list(overrides)), CHOSEN, CONF)


def found(asked: Axes) -> tuple[list[str], list[str]]:
    cells = networks(asked, CONF, own_weights=False, own_constructor=False)
    return [cell.name for cell in cells if not cell.empty], [cell.name for cell in cells if cell.empty]


def test_lists_globs_ranges_and_choices_are_expanded(loader: Any) -> None:
    asked = axes(loader, "goal=swav,dino", "dataset=glob([imagenet12k*,imagenet1k])", "weights.seed=range(0,3)",
                 "precision=fp32,bf16", "benchmark=choice(levels,tid2013)", "results=r")  # fmt: skip
    assert asked.goals == ("swav", "dino") and asked.datasets == ("imagenet12k", "imagenet12k_imagenet1k", "imagenet1k")
    assert asked.architectures == ("vgg16",) and asked.benchmarks == ("levels", "tid2013")
    assert len(asked.others) == 6 and ("weights.seed=2", "precision=bf16", "results=r") in asked.others
    with pytest.raises(UserError, match="goal has no option swaw; choose from swav,"):
        axes(loader, "goal=swaw,dino")
    with pytest.raises(UserError, match="no goal matches"):
        axes(loader, "goal=glob(x*)")


def test_readouts_are_folded_into_one_pass(loader: Any) -> None:
    assert axes(loader, "readout=plain,lpips").readouts == ("plain", "lpips")
    assert axes(loader, "readout=[plain,lpips],[lpips,gram]").readouts == ("plain", "lpips", "gram")
    every = axes(loader, "readout=glob(*)").readouts
    assert every is not None and "all" not in every and len(every) == len(option_files("readout", CONF)) - 1
    assert axes(loader, "readout=all").readouts == ("all",) and axes(loader).readouts is None


def test_empty_cells_have_reasons(loader: Any) -> None:
    full, empty = found(axes(loader, "goal=segmentation,classification", "architecture=deeplabv3_resnet50,vgg16"))
    assert full == ["classification-imagenet1k-vgg16"] and len(empty) == 3
    full, empty = found(axes(loader, "goal=untrained", "dataset=none", "architecture=vgg16,psnr,custom"))
    assert full == ["untrained-none-vgg16"] and len(empty) == 2
    full, _ = found(axes(loader, "goal=baseline,untrained", "dataset=none", "architecture=psnr"))
    assert full == ["baseline-none-psnr"]
    asked = axes(loader, "goal=segmentation", "dataset=ecoset")
    assert not networks(asked, CONF, own_weights=True, own_constructor=False)[0].empty


def test_the_whole_grid_is_the_tree_of_weights_and_the_untrained(loader: Any) -> None:
    full, _ = found(axes(loader, "goal=glob(*)", "dataset=glob(*)", "architecture=glob(*)"))
    named = {name.replace("/", "-") for name in option_files("weights", CONF) if not name.startswith("untrained/")}
    untrained = {name for name in full if name.startswith("untrained-none-")}
    assert set(full) - untrained <= named and len(untrained) > 100
    recipes = named - set(full)
    assert all("." in name for name in recipes) and recipes


def test_weights_in_sub_folders_are_swept_and_bring_their_factors(loader: Any) -> None:
    full, empty = found(axes(loader, "weights=glob(swav/*)"))
    every = [name for name in option_files("weights", CONF) if name.startswith("swav/")]
    assert "swav-imagenet1k-resnet50.400ep" in full and len(full) == len(every) >= 13 and not empty
    full, empty = found(axes(loader, "weights=glob(*)",
                             "goal=jigsaw,rotation", "architecture=resnet50"))  # fmt: skip
    assert full and all(name.startswith(("jigsaw-", "rotation-")) and "-resnet50" in name for name in full)
    assert empty


def test_untrained_networks_are_swept_among_trainings_where_a_pattern_names_them(loader: Any) -> None:
    recipes = "classification/imagenet1k/resnet18*"
    asked = axes(loader, f"weights=glob([{recipes},untrained/none/resnet18])")
    cells = networks(asked, CONF, own_weights=False, own_constructor=False, seeds=3)
    untrained = [cell for cell in cells if cell.goal == "untrained"]
    assert [cell.name for cell in untrained] == [f"untrained-none-resnet18.seed{n}" for n in range(3)]
    assert all(cell.weights is None and cell.dataset == "none" for cell in untrained)  # they need no file
    assert {"classification-imagenet1k-resnet18", "classification-imagenet1k-resnet18.madry"} < {c.name for c in cells}
    named = networks(axes(loader, "weights=untrained/none/vgg16,dino/imagenet1k/resnet50"), CONF, False, False)
    assert [cell.name for cell in named] == ["untrained-none-vgg16", "dino-imagenet1k-resnet50"]
    for nobody in ("untrained/none/vgg17", "untrained/none/psnr"):
        with pytest.raises(UserError, match=f"weights has no option {nobody}"):
            axes(loader, f"weights={nobody}")
    assert not any(name.startswith("untrained") for name in axes(loader, "weights=glob(*)").weights or ())


def same_as_hydra(unit: Unit, *overrides: str) -> None:
    cell = unit.cell
    chosen = [f"goal={cell.goal}", f"dataset={cell.dataset}", f"architecture={cell.architecture}"]
    if cell.weights:
        chosen.append(f"weights={cell.weights}")
    assert unit.config() == composed(*overrides, *chosen, f"benchmark={unit.benchmark}")


@pytest.mark.parametrize(
    "overrides",
    [
        ("readout=[plain,lpips]",),
        ("benchmark.allow_missing=true", "weights.seed=3", "layers=[0]", "precision=bf16", "tracker=none"),
        ("++architecture.arguments={num_classes: 10}", "benchmark.levels=[5]", "weights.input.range=255"),
        ("experiment=environment",),
    ],
)
def test_a_configuration_is_what_hydra_composes(loader: Any, overrides: tuple[str, ...]) -> None:
    cells = [
        Cell("classification", "imagenet1k", "alexnet", "classification/imagenet1k/alexnet"),
        Cell("swav", "imagenet1k", "resnet50", "swav/imagenet1k/resnet50.400ep"),
        Cell("untrained", "none", "resnet50_lightness", "untrained/none/resnet50_lightness"),
        Cell("untrained", "none", "vit_tiny_patch16_224", None),
    ]
    composer = Composer(loader, "config", CONF, overrides)
    calls = 0
    original = composer._composed

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return original(*arguments)

    composer._composed = counted  # type: ignore[method-assign]
    units = composer.units(cells, ["levels", "tid2013"])
    assert calls == 1 and len({key_of(unit) for unit in units}) == 8
    GlobalHydra.instance().clear()
    for unit in (units[3], units[-1]):
        same_as_hydra(unit, *overrides)


def test_an_option_that_is_more_than_its_own_text_is_composed_by_hydra(tmp_path: Path) -> None:
    mine = tmp_path / "benchmark"
    mine.mkdir()
    (mine / "mine.yaml").write_text("# @package benchmark\ndefaults: [levels, _self_]\nname: mine\nlevels: [5]\n")
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        search = [f"hydra.searchpath=[file://{tmp_path}]"]
        by_hydra = compose("config", overrides=[*search, "benchmark=mine"])
        loader = GlobalHydra.instance().config_loader()
        cell = Cell("untrained", "none", "alexnet", None)
        units = Composer(loader, "config", [*CONF, tmp_path], search).units([cell], ["levels", "mine"])
    assert units[1].factors["benchmark"] == OmegaConf.to_container(by_hydra.benchmark, resolve=True)
    assert units[0].config().benchmark.name == "levels" and units[1].config().benchmark.levels == [5]


def test_wrong_keys_and_values_are_said_once(loader: Any) -> None:
    cell = Cell("untrained", "none", "alexnet", None)
    with pytest.raises(UserError, match="there is no key benchmark.folders; the nearest are benchmark.folder"):
        Composer(loader, "config", CONF, ["+benchmark.folders=x"]).units([cell], ["levels"])


def test_the_key_is_of_what_moves_a_score(loader: Any) -> None:
    cell = Cell("untrained", "none", "alexnet", None)

    def key(*overrides: str) -> str:
        return key_of(Composer(loader, "config", CONF, overrides).units([cell], ["levels"])[0])

    plain = key()
    assert key("readout=all", "tracker=none", "runtime.batch_size=3", "results=elsewhere", "statistics.seed=1") == plain
    others = ["preprocess.resize=64", "precision=bf16", "weights.seed=1", "benchmark.levels=[5]", "weights.path=x"]
    assert len({plain, *map(key, others)}) == len(others) + 1


def test_untrained_networks_are_a_sample_of_seeds(loader: Any) -> None:
    goals, none = ("classification", "untrained", "baseline"), ("none",)
    axes = Axes(goals, ("imagenet1k", *none), ("alexnet", "psnr"), None, ("levels",), frozenset(), None, ((),))
    cells = [cell for cell in networks(axes, CONF, False, False, seeds=3) if cell.empty is None]
    assert [(cell.name, cell.seed) for cell in cells] == [
        ("classification-imagenet1k-alexnet", None),
        *((f"untrained-none-alexnet.seed{seed}", seed) for seed in range(3)),
        ("baseline-none-psnr", None),
    ]
    composer = Composer(loader, "config", CONF, [])
    units = composer.units([cell for cell in cells if cell.goal == "untrained"], ["levels"])
    assert [unit.config().weights.seed for unit in units] == [0, 1, 2]
    alone = composer.units([Cell("untrained", "none", "alexnet", None)], ["levels"])
    assert key_of(alone[0]) == key_of(units[0]) and len(set(map(key_of, units))) == 3
    GlobalHydra.instance().clear()
    for unit in units:
        same_as_hydra(unit, f"weights.seed={unit.cell.seed}")


def test_names_of_cells() -> None:
    assert Cell("g", "d", "a", "g/d/a.recipe").name == "g-d-a.recipe"
    assert Cell("g", "d", "a", "g/d/a").name == Cell("g", "d", "a", None).name == "g-d-a"
