"""The YAML files: all options of a group have the same keys, all compose, and the schema refuses the rest."""

from dataclasses import fields

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from iqa_lab.cli.catalogue import list_options
from iqa_lab.config import ArchiveConfig, Config, configuration_folder, read_mapping, register_schema
from iqa_lab.statistics.factors.claims import parse_claim
from tests import composed_before
from tests.conftest import composed, options

CONF = configuration_folder()
GROUPS = {
    group: sorted(str(path.relative_to(CONF / group).with_suffix("")) for path in (CONF / group).rglob("*.yaml"))
    for group in ("goal", "dataset", "architecture", "weights", "readout", "benchmark", "tracker", "runtime")
}
OPTIONS = [(group, option) for group, names in GROUPS.items() for option in names]
READOUTS = [  # DESIGN 8, and the label-free relevance of channels
    "plain", "manhattan", "cosine", "lpips", "mean", "std", "mean_std", "gram", "correlation", "dists", "wasserstein",
    "jsd", "channel_scaled", "grating", "tuned",
]  # fmt: skip
EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("group", GROUPS)
def test_all_options_of_a_group_have_the_same_keys(group: str) -> None:
    contents = {option: read_mapping(CONF / group / f"{option}.yaml") for option in GROUPS[group]}
    keys = {option: set(content) for option, content in contents.items() if set(content) != {"defaults"}}
    assert len(set(map(frozenset, keys.values()))) == 1, keys


def test_all_archives_have_the_same_keys() -> None:
    contents = [OmegaConf.load(CONF / "benchmark" / f"{option}.yaml") for option in GROUPS["benchmark"]]
    archives = [archive for content in contents for archive in content.archives]
    assert len(archives) > 30 and all(
        set(archive) == {entry.name for entry in fields(ArchiveConfig)} for archive in archives
    )


# Hydra takes a tenth of a second for a run: options of several groups go together, as many as there are benchmarks
RUNS = [
    {group: names[number % len(names)] for group, names in GROUPS.items() if group != "weights"}
    for number in range(len(GROUPS["benchmark"]))
]
ALONE = {group: [option for option in GROUPS[group] if option not in {run[group] for run in RUNS}]
         for group in GROUPS if group != "weights"}  # fmt: skip


@pytest.mark.parametrize("chosen", RUNS, ids=lambda chosen: "-".join(chosen.values()))
def test_every_option_composes_and_is_named_as_its_file(chosen: dict[str, str]) -> None:
    needed = ["architecture.constructor=my.network"] if chosen["architecture"] == "custom" else []  # one's own
    config = composed(*(f"{group}={option}" for group, option in chosen.items()), *needed)
    for group, option in chosen.items():
        if group == "readout":
            assert list(config.readouts) == ([option] if option != "all" else READOUTS)
        elif group != "runtime":
            assert getattr(config, group).name == option


@pytest.mark.parametrize("group", [group for group, left in ALONE.items() if left])
def test_the_options_that_no_run_chose_compose_and_are_named_as_their_files(group: str) -> None:
    found = options(group, ALONE[group])
    assert [one.name for one in found.values()] == list(found) == ALONE[group]


def test_no_option_is_left_out() -> None:
    composed_ones = {entry for run in RUNS for entry in run.items()}
    composed_ones |= {(group, option) for group, left in ALONE.items() for option in left}
    assert composed_ones == {entry for entry in OPTIONS if entry[0] != "weights"}


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_study_composes_and_asks_a_question(experiment: str) -> None:
    register_schema()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", [f"experiment={experiment}"], return_hydra_config=True)
    assert set(config.hydra.sweeper.params)
    (row,) = list_options("experiments", {"name": experiment}, [CONF])
    assert "?" in row["question"]
    text = (CONF / "experiment" / f"{experiment}.yaml").read_text()
    assert f"make study NAME={experiment}" in text or f"iqa-lab sweep experiment={experiment}" in text
    assert "Last run" in text or "Not run yet" in text
    assert config.claims and all(parse_claim(claim) for claim in config.claims)
    assert experiment in (CONF / "experiment" / "README.md").read_text()


def test_readouts_compose_to_one_run_and_follow_the_runs_layers() -> None:
    config = composed("readout=[plain,lpips]", "layers=[features.1]", "readouts.lpips.layers=[features.4]")
    assert {name: readout.layers for name, readout in config.readouts.items()} == {
        "plain": ["features.1"], "lpips": ["features.4"],
    }  # fmt: skip


def test_the_empty_cell_has_no_weights() -> None:
    assert composed("goal=segmentation").weights.source is None
    assert composed("architecture=squeezenet1_0", "weights=classification/imagenet1k/squeezenet1_0.deepcompressed") != (
        composed("architecture=squeezenet1_0")
    )


@pytest.mark.parametrize(
    "overrides",
    [
        ["benchmark=tid2013", "readout=[plain,lpips]", "benchmark.path=/x", "goal=untrained", "dataset=none"],
        ["goal=baseline", "dataset=none", "architecture=psnr", "statistics.seed=3", "tracker=none"],
        ["experiment=task", "hydra/launcher=processes"],
    ],
)
def test_what_the_tests_remember_of_compositions_is_what_hydra_makes(
    overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    register_schema()
    made = []
    for anew in (False, False, True):
        if anew:
            composed_before.forget(monkeypatch)
        with initialize_config_dir(str(CONF), version_base="1.3"):
            made.append(OmegaConf.to_yaml(compose("config", overrides, return_hydra_config=True)))
    assert made[0] == made[1] == made[2]


def test_the_schema_knows_every_group() -> None:
    assert {entry.name for entry in fields(Config)} >= set(GROUPS) - {"readout"} | {"readouts"}
