"""Words, numbers and names of the schema: one function refuses what is wrong, on every way in."""

import math
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from omegaconf import OmegaConf

from iqa_lab.config import (
    ArchitectureConfig,
    BenchmarkConfig,
    Config,
    InputConfig,
    SplitConfig,
    WeightsConfig,
    checked_name,
    configuration_folder,
    name_fault,
)
from iqa_lab.config.check import check, checked, hints, make, without_none
from iqa_lab.config.options import SCHEMAS, checked_own_folder, read_option
from iqa_lab.config.overrides import for_hydra
from iqa_lab.config.rules import RULE, Name, Range, Words
from iqa_lab.errors import UserError
from iqa_lab.store.reading import parse_config
from iqa_lab.sweep.compose import typed
from tests.conftest import composed

NAN, INF = math.nan, math.inf


def described(schema: Any = Config, prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Every key of the schema with its type and its rule; readouts as those of ``plain``."""
    found = []
    for entry in fields(schema):
        kind, key = without_none(hints(schema)[entry.name]), f"{prefix}{entry.name}"
        inner = get_args(kind)[1] if entry.name == "readouts" else kind
        if is_dataclass(inner):
            found += described(inner, f"{key}.plain." if entry.name == "readouts" else f"{key}.")
        found.append((key, kind, entry.metadata.get(RULE)))
    return found


KEYS = described()
WORDS = [(key, rule) for key, _, rule in KEYS if isinstance(rule, Words)]
RANGES = [(key, kind, rule) for key, kind, rule in KEYS if isinstance(rule, Range)]
NAMES = [key for key, _, rule in KEYS if isinstance(rule, Name) and key != "readouts"]


@cache
def table_config() -> Config:
    """Composed once; not to be changed."""
    return composed("benchmark=table")


def refused(override: str) -> str:
    with pytest.raises(UserError) as error:
        for_hydra([override])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_a_word_a_number_a_name() -> None:
    """A key that is new here has been thought about: a word needs its list, a number its range."""
    words = {"layout", "order", "keys", "reads", "combine", "tokens", "concat", "protocol", "opinion", "opinion_std",
             "headline", "precision", "mode", "name", "thresholds"}  # fmt: skip
    assert {key.rpartition(".")[2] for key, _ in WORDS} == words
    without = [key for key, kind, rule in KEYS if kind in (int, float, list[float]) and rule is None]
    assert without == []
    assert set(NAMES) == {
        *(f"{group}.name" for group in ("goal", "dataset", "architecture", "benchmark")),
        *(f"weights.{key}" for key in ("goal", "dataset", "architecture", "recipe", "family")),
    }


@pytest.mark.parametrize(("key", "rule"), WORDS, ids=[key for key, _ in WORDS])
def test_a_word_is_one_of_a_list_and_the_nearest_is_named_first(key: str, rule: Words) -> None:
    listed = "[{}]" if key.endswith("concat") else "{}"
    for word in rule.words:
        assert for_hydra([f"{key}={listed.format(word)}"])
        for wrong in (f"{word}x", word.swapcase(), f" {word}"):
            said = refused(f"{key}={listed.format(repr(wrong))}")
            assert said.startswith(f"{key}=") and f"choose {word}" in said
    for wrong in ("variance", "''", "null,variance"):
        assert key.endswith("concat") or all(word in refused(f"{key}={wrong}") for word in rule.words)


@pytest.mark.parametrize(("key", "kind", "rule"), RANGES, ids=[key for key, _, _ in RANGES])
def test_a_number_is_in_its_range_and_is_a_number(key: str, kind: Any, rule: Range) -> None:
    listed = "[{}]" if kind == list[float] else "{}"
    step = 1 if kind is int else 1e-6
    wrong = [rule.low - step, *([rule.high + step, rule.high * 10 + 1] if math.isfinite(rule.high) else []),
             *([rule.low, rule.high] if rule.inside else []), NAN, INF, -INF]  # fmt: skip
    for value in wrong:
        assert refused(f"{key}={listed.format(value)}").startswith(f"{key}=")
    assert "not true or false" in refused(f"{key}={listed.format('true')}")
    assert refused(f"++{key}={listed.format('nan')}") and refused(f"+{key}={listed.format('inf')}")
    if kind is int:
        assert "whole number" in refused(f"{key}={rule.low + 0.5}")
    if not rule.inside:
        assert for_hydra([f"{key}={listed.format(rule.low)}"])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("statistics.confidence=-1", "statistics.confidence=-1: give a share between 0 and 1, as .95 for 95 %"),
        ("statistics.confidence=95", "statistics.confidence=95: give a share between 0 and 1"),
        ("statistics.confidence=.9,nan", "statistics.confidence=nan: give a finite number"),
        ("statistics.resamples=1", "statistics.resamples=1: give a number from 10 to 100000"),
        ("weights.seed=-1", "weights.seed=-1: give a number from 0 to"),
        ("benchmark.people=0", "benchmark.people=0: give a number of at least 1"),
        *(
            (f"benchmark.people={wrong}", "give a number of at least 1, or [FEWEST, MOST]")
            for wrong in ("[0,5]", "[7,5]", "[5]", "[5,6,7]", "[]", "2.5", "some", "[a,b]", "[true,2]")
        ),
        ("benchmark.human=1", "benchmark.human=1: give true or false, not a number"),
        ("benchmark.allow_missing=0.0", "give true or false"),
        ("runtime.workers=0", "at least one thread has to decode"),
        ("runtime.workers=1025", "at most 1024; or say auto"),
        ("runtime.workers=2.0", "give a number of threads, or auto"),
        ("runtime.workers=all", "give a number of threads, or auto"),
        ("runtime.batch_size=0", "a batch holds at least 1 image; or say auto"),
        ("runtime.batch_size=true", "give a number of images, or auto"),
        ("runtime.batch_size=8.0", "give a number of images, or auto"),
        ("runtime.batch_size=many", "give a number of images, or auto"),
        ("benchmark.range=[5,1]", "give [LOWEST, HIGHEST]"),
        ("benchmark.range=[1,1]", "give [LOWEST, HIGHEST]"),
        ("benchmark.range=[1]", "give [LOWEST, HIGHEST]"),
        ("benchmark.range=[0,inf]", "give a finite number"),
        ("benchmark.levels=[1,nan]", "give a finite number"),
        ("architecture.arguments={alpha: inf}", "architecture.arguments.alpha=inf: give a finite number"),
        ("readouts.tuned.arguments.folds=nan", "give a finite number"),
        ("weights.input.std=[0,1,1]", "weights.input.std=0: give a number from 0.0001 to 10000"),
        ("weights.input.mean=[1e30,0,0]", "weights.input.mean=1e+30: give a number"),
        ("weights.input.order=BGR", "weights.input.order=BGR: choose"),
        ("weights.arguments=5", "weights.arguments=5: give keys and values, as {a: 1}"),
    ],
)
def test_what_was_accepted_and_must_not_be(override: str, said: str) -> None:
    assert said in refused(override)


def test_text_that_omegaconf_makes_a_number_of_is_looked_at_again() -> None:
    for wrong in ({"range": [0, "inf"]}, {"psnr_srcc": "nan"}, {"people": "0"}, {"range": ["2", "1"]}):
        with pytest.raises(UserError, match=f"benchmark.{next(iter(wrong))}="):
            make(BenchmarkConfig, benchmark(**wrong), prefix="benchmark.")


BAD = ["a/b", "../../x", "/etc", ".hidden", "..", ".", "", " ", "a b", "con", "CON", "nul.txt", "Lpt1", "x" * 65,
       "a\nb", "a\x1b[2J", "[/red]", "-m", "a.", "naïve", "a\\b", "a:b", "a\0b", "$x", "a%b", "True", "false", "null",
       "<!--<script>", "=1+1", "@x", "${oc.env:HOME}", "\u202ea"]  # fmt: skip
GOOD = ["tid2013", "resnet50.v2", "a_b-c", "1.10", "0", "no", "x" * 64, "console", "_a", "2afc", "none"]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_is_no_part_of_a_path_is_refused_everywhere(name: str) -> None:
    with pytest.raises(UserError, match="^benchmark.name=") as error:
        checked_name(name, "benchmark.name")
    assert str(error.value).isprintable() and len(str(error.value)) < 250
    for schema, prefix in ((BenchmarkConfig, "benchmark."), (ArchitectureConfig, "architecture.")):
        with pytest.raises(UserError, match=f"^{prefix}name="):
            check(schema(name=name), prefix)
    with pytest.raises(UserError, match="^readouts: "):
        check(replace(table_config(), readouts={name: table_config().readouts["plain"]}))


@pytest.mark.parametrize("override", ["hydra.launcher=basic", "+hydra.sweeper=x", "hydra.job_logging=null"])
def test_an_option_of_hydra_s_own_is_not_chosen_as_a_value(override: str) -> None:
    """Hydra takes it, and then has a word where its settings should be."""
    assert refused(override) == (
        f"{override}: an option of this group is chosen with {override.replace('hydra.', 'hydra/')}"
    )


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_taken(name: str) -> None:
    assert name_fault(name) is None and checked_name(name, "x") == name


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_text_that_says_nothing_is_refused_wherever_it_may_not_be_meant(text: str) -> None:
    """As of ``results=$FOLDER`` where the variable is not set: results were written into the working folder."""
    described = ["weights.prefix", "weights.citation", "benchmark.description", "benchmark.bibtex", "benchmark.folder"]
    values = OmegaConf.create(asdict(table_config()))
    for key in described:
        OmegaConf.update(values, key, text)
    assert checked(values).weights.citation == text
    paths = ("weights.path", "weights.sha256", "weights.state", "benchmark.path", "benchmark.split.part", "results",
             "benchmark.columns.level", "tracker.dir", "tracker.group", "runtime.device")  # fmt: skip
    for key in (*paths, *(key for key, rule in WORDS if "concat" not in key)):
        values = OmegaConf.create(asdict(table_config()))
        OmegaConf.update(values, key, text)
        with pytest.raises(UserError, match=f"^{key}(=| is empty)"):
            checked(values)


@pytest.mark.parametrize("name", [None, 1, 1.1, True, ["a"]])
def test_a_name_is_text(name: object) -> None:
    assert "quotes" in str(name_fault(name))


def benchmark(**changes: object) -> dict[str, object]:
    return {**yaml.safe_load((configuration_folder() / "benchmark" / "table.yaml").read_text()), **changes}


@pytest.mark.parametrize(
    ("key", "value"),
    [("opinion_std", "variance"), ("name", "../x"), ("people", 0), ("headline", "foo"), ("human", 1), ("name", False),
     ("name", 1.1), ("opinion", ""), ("range", [3, 2]), ("split", {"train": 2.0}), ("headline", "agreement"),
     ("split", {"train": 0.9}), ("people", True), ("psnr_srcc", NAN), ("archives", [{"url": "ftp://a.b/c.zip"}]),
     ("archives", [{"url": ""}]), ("archives", [{"url": "http://a.b/c", "source": "../x"}]), ("archives", "c.zip"),
     ("archives", [{"url": "http://[a/c"}]), ("archives", [{"url": f"http://a.b/{n}.zip"} for n in range(33)]),
     ("archives", [{"url": "http://a.b/c", "terms": 3}])],
)  # fmt: skip
def test_every_way_in_refuses_the_same(key: str, value: object, tmp_path: Path) -> None:
    """A file of one's own, an option of a benchmark, a sweep's unit, a result's configuration."""
    content = benchmark(**{key: value})
    file = tmp_path / "benchmark" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match=key):
        make(BenchmarkConfig, read_option(file, "benchmark"), prefix="benchmark.")
    with pytest.raises(UserError, match=key):
        typed("benchmark", content)
    whole = asdict(table_config())
    with pytest.raises(UserError, match=key):
        parse_config(yaml.safe_dump({**whole, "benchmark": content}).encode(), tmp_path / "config.yaml")
    with pytest.raises(UserError, match=key):
        checked(OmegaConf.create({**whole, "benchmark": content}))
    if key not in ("split", "headline") or value == "foo":  # what is wrong only together is found when all is there
        with pytest.raises(UserError, match=f"mine.yaml: {key}"):
            checked_own_folder(tmp_path)


@pytest.mark.parametrize("terms", [None, "", " "])
def test_a_source_besides_the_publisher_says_its_terms(terms: str | None) -> None:
    archive = {"url": "https://a.b/c.zip", "source": "mirror", "terms": terms}
    with pytest.raises(UserError, match=r"benchmark.archives.terms=.*on which terms mirror hands the file out"):
        make(BenchmarkConfig, benchmark(archives=[archive]), prefix="benchmark.")
    (made,) = make(BenchmarkConfig, benchmark(archives=[{**archive, "terms": "Free."}])).archives
    assert (made.source, made.terms, made.into, made.checksum) == ("mirror", "Free.", "", None)


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "off", "true", "1.0", "1.10", "007", "1e3", "0x10", "~x: 1", "[a]"]
)
def test_a_name_that_yaml_reads_as_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "goal").mkdir()
    file = tmp_path / "goal" / "mine.yaml"
    file.write_text(f"name: {text}\ndescription: x\nfamily: none\nsupervision: none\n")
    with pytest.raises(UserError, match=r"mine\.yaml"):
        checked_own_folder(tmp_path)
    file.write_text("name: '1.10'\ndescription: x\nfamily: none\nsupervision: none\n")
    assert checked_own_folder(tmp_path) == tmp_path


def test_a_date_is_text(tmp_path: Path) -> None:
    (tmp_path / "goal").mkdir()
    (tmp_path / "goal" / "mine.yaml").write_text("name: 2024-01-31\n")
    assert read_option(tmp_path / "goal" / "mine.yaml", "goal")["name"] == "2024-01-31"


@pytest.mark.parametrize(
    ("shares", "fits"),
    [((0.6, 0.2, 0.2), True), ((1, 0, 0), True), ((1 / 3, 1 / 3, 1 / 3), True), ((0.6, 0.2, 0.1), False),
     ((0.5, 0.5, 0.5), False)],
)  # fmt: skip
def test_shares_add_up_to_one(shares: tuple[float, float, float], fits: bool) -> None:
    split = SplitConfig(train=shares[0], validation=shares[1], test=shares[2])
    if fits:
        return check(split)
    with pytest.raises(UserError, match="the shares add up to"):
        check(split, "benchmark.split.")
    return None


@pytest.mark.parametrize(
    ("order", "mean", "std", "fits"),
    [("rgb", 3, 3, True), ("bgr", 3, 3, True), ("lightness", 1, 1, True), ("rgb", 1, 3, False), ("rgb", 3, 2, False),
     ("lightness", 3, 3, False), ("bgr", 0, 0, False)],
)  # fmt: skip
def test_means_and_deviations_are_one_a_channel(order: str, mean: int, std: int, fits: bool) -> None:
    given = InputConfig(mean=[0.5] * mean, std=[0.5] * std, order=order)
    if fits:
        return check(given)
    with pytest.raises(UserError, match=f"order={order} takes"):
        check(given)
    return None


@pytest.mark.parametrize(
    ("given", "hydra"),
    [
        ("architecture.arguments={a: 1}", "++architecture.arguments={a: 1}"),
        ("architecture.arguments={a: 1},{a: 2}", "++architecture.arguments={a: 1},{a: 2}"),
        ("architecture.arguments.width=2", "++architecture.arguments.width=2"),
        ("weights.renames={backbone: features}", "++weights.renames={backbone: features}"),
        ("weights.arguments={num_classes: 10}", "++weights.arguments={num_classes: 10}"),
        ("readouts.tuned.arguments={folds: 3}", "++readouts.tuned.arguments={folds: 3}"),
        ("++architecture.arguments={a: 1}", "++architecture.arguments={a: 1}"),
        ("+architecture.arguments={a: 1}", "+architecture.arguments={a: 1}"),
        ("~architecture.arguments", "~architecture.arguments"),
        ("benchmark.name=1.10", "benchmark.name='1.10'"),
        ("weights.recipe=1e3,v2", "weights.recipe='1e3',v2"),
        ("weights.sha256=12345678", "weights.sha256='12345678'"),
        ("weights.path=null", "weights.path=null"),
        ("benchmark.path='a b'", "benchmark.path='a b'"),
        ("benchmark.split={part: train}", "benchmark.split={part: train}"),
        ("goal=clip,dino", "goal=clip,dino"),
        ("weights.seed=range(0,3)", "weights.seed=range(0,3)"),
        ("hydra.sweeper.jobs=2", "hydra.sweeper.jobs=2"),
        ("nonsense", "nonsense"),
    ],
)
def test_overrides_as_hydra_takes_them(given: str, hydra: str) -> None:
    assert for_hydra([given]) == [hydra]
    assert for_hydra([hydra]) == [hydra]  # a sweep that is looked at again passes once more


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "benchmark=[tid2013,levels]",
            r"benchmark=\[tid2013,levels\]: one run has one benchmark; .*benchmark=tid2013,lev",
        ),
        ("architecture=[alexnet]", "one run has one architecture"),
        ("experiment=[a,b]", "one run has one experiment"),
        ("tracker=null", "tracker=null: name an option; tracker=none tracks nothing"),
        ("readout=null", "readout=null: name an option"),
        ("goal=clip,null", "goal=null: name an option"),
        ("+weights=3", "weights=3: name an option"),
        ("dataset=true", "dataset=True: name an option"),
    ],
)
def test_of_a_group_one_option_is_named(given: str, said: str) -> None:
    """Hydra would lay several over each other, of which the last counts; of null it shows its own insides."""
    with pytest.raises(UserError, match=said):
        for_hydra([given])
    for fine in ("readout=[plain,gram]", "architecture=glob(*)", "statistics=null", "benchmark={name: x}"):
        assert for_hydra([fine]) == [fine]


def test_given_keys_are_merged_into_those_that_are_there() -> None:
    config = composed(
        *for_hydra(["readout=tuned", "readouts.tuned.arguments={fit_on: csiq}", "weights.renames={a: b}"])
    )
    assert config.readouts["tuned"].arguments == {"folds": 5, "fit_on": "csiq"}
    assert config.weights.renames == {"a": "b"}


@pytest.mark.parametrize("group", SCHEMAS)
def test_every_shipped_option_passes_the_door(group: str) -> None:
    for path in (configuration_folder() / group).rglob("*.yaml"):
        values = read_option(path, group)
        if group in ("goal", "dataset", "weights", "benchmark", "tracker", "runtime"):
            make(SCHEMAS[group], values, prefix=f"{group}.")


def test_the_defaults_pass_the_door() -> None:
    for schema in (WeightsConfig, InputConfig, SplitConfig):
        check(schema())
    assert all(entry.default is not MISSING or entry.default_factory is not MISSING for entry in fields(Config))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("imagenet1k", "give GOAL/DATASET of the training that it began with"),
        ("classification/imagenet1k/resnet50", "give GOAL/DATASET"),
        ("classification/", "a name is not empty"),
        ("/imagenet1k", "a name is not empty"),
        ("../imagenet1k", "a name does not begin with a dot"),
        ("classification/a b", "a name is made of letters"),
        ("", "give GOAL/DATASET"),
        (3, "this is text"),
    ],
)
def test_where_a_training_began_is_a_goal_and_a_dataset(given: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(WeightsConfig, {"initialised_from": given})
    assert make(WeightsConfig, {"initialised_from": "classification/imagenet1k"}).initialised_from
    assert make(WeightsConfig, {"initialised_from": None}).initialised_from is None
