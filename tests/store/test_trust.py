"""Nothing on the disk is believed blindly: what was changed is made again, or named; never another number."""

import json
import os
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from iqa_lab import unit as units
from iqa_lab.benchmarks import load_benchmark
from iqa_lab.config import Config
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.readouts import tuned
from iqa_lab.scoring.columns import ChannelReadout, Plan
from iqa_lab.scoring.run import check_readouts
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.metric import read_metric
from iqa_lab.store.outcome import Outcome
from iqa_lab.store.reading import (
    DAMAGED,
    MISPLACED,
    MISSING,
    OTHER_VERSION,
    UNREADABLE,
    Unusable,
    parse_config,
    parse_yaml,
)
from iqa_lab.store.recompute import recompute
from iqa_lab.store.result import APART
from iqa_lab.store.signature import DIGEST, digest_of, seal
from iqa_lab.store.table import read_results
from iqa_lab.store.tabulate import settings_of_statistics, summarise, tabulate
from iqa_lab.sweep.ledger import Ledger, facts_of_result, why_not
from tests.conftest import composed, made_once
from tests.sweep.faults import write_pairs

RMSE = ["goal=baseline", "dataset=none", "architecture=rmse", "tracker=none", "statistics.resamples=20",
        "benchmark=table"]  # fmt: skip


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with one unit of one network, its weights of channels, a record and an index."""

    def make(home: Path) -> None:
        rng = np.random.default_rng(0)
        opinion = rng.normal(size=40)
        scores = pd.DataFrame(
            {"reference": np.repeat([f"r{number}.png" for number in range(8)], 5), "level": 1, "opinion": opinion,
             "distorted": [f"d{number}.png" for number in range(40)], "distortion": np.tile(list("abcde"), 8)}
        )  # fmt: skip
        names = ["plain@pixels", "plain@a", "mean@a"]
        scores = scores.assign(**{name: (rng.normal(size=40) - opinion).astype(np.float32) for name in names})
        definitions = {name: {"layer": name[-1] if name[-2] == "@" else "pixels", "depth": 0.0,
                              "readout": name.partition("@")[0]} for name in names}  # fmt: skip
        config = composed(*RMSE, "benchmark.path=x")
        folder = home / "results" / "table" / "baseline-none-rmse" / "0123456789ab"
        facts = {"signature": folder.name, "hashed": {"weights": "w", "index_digest": "3f2a01b7"}, "input": "rgb",
                 "n_scored": 40, "statistics": settings_of_statistics(config)}  # fmt: skip
        weights = pd.DataFrame({"readout": "mean", "layer": "a", "channel": range(9), "weight": 0.5, "srcc": 0.25})
        UnitFolder(folder).write(
            scores, definitions, facts, OmegaConf.to_yaml(OmegaConf.structured(config)),
            lambda scores, columns: tabulate(scores, columns, config, "w", "rgb"), weights,
            lambda scores, table: summarise(scores, table, config),
        )  # fmt: skip
        read_results(home / "results")  # makes the index
        Ledger(home / "results").write("key", {"folder": str(folder.relative_to(home / "results")), "tries": 1,
                                               **facts_of_result(folder)})  # fmt: skip

    return made_once(tmp_path_factory, "a-whole-unit", make)


def readings(results: Path) -> dict[str, object]:
    """All that can be read of the unit, by what it is; what cannot is left out."""
    (folder,) = (results / "table" / "baseline-none-rmse").iterdir()
    unit = UnitFolder(folder)
    read: dict[str, Callable[[], object]] = {
        "scores": unit.scores,
        "weights": unit.weights,
        "config": lambda: asdict(unit.config()),
        "facts": lambda: {key: value for key, value in unit.result().items() if key != "headline"},
        "headline": lambda: unit.result()["headline"] or None,
        "record": lambda: Ledger(results).read_all().get("key"),
        "table": lambda: read_results(results).table,
    }
    found: dict[str, object] = {}
    named: dict[str, Unusable] = {}
    for name, function in read.items():
        try:
            found[name] = function()
        except Unusable as trouble:
            named[str(trouble)] = trouble
    kinds = (MISSING, UNREADABLE, DAMAGED, OTHER_VERSION)
    assert all(trouble.kind in kinds and str(trouble.file) in said for said, trouble in named.items())
    return {name: value for name, value in found.items() if value is not None}


def same(one: object, other: object) -> bool:
    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        return one.equals(other)
    return bool(one == other)


FILES = ("result.json", "correlations.csv", "scores.parquet", "channel_weights.csv", "config.yaml",
         ".sweep/units/key.json", ".sweep/correlations.parquet", ".sweep/correlations.json")  # fmt: skip


def damage(content: bytes, kind: str, place: float, byte: int) -> bytes | None:
    """A file's content with one byte flipped, cut off there, a byte put in, or nothing left of it; None: no file."""
    at = min(int(place * len(content)), len(content) - 1)
    damaged = {
        "flip": content[:at] + bytes([content[at] ^ byte]) + content[at + 1 :],
        "cut": content[:at],
        "take": content[:at] + content[at + 1 :],
        "put": content[:at] + bytes([byte]) + content[at:],
        "empty": b"",
        "other": b"[1, 2]",
    }
    return damaged.get(kind)


@settings(max_examples=60)
@given(
    file=st.sampled_from(FILES),
    kind=st.sampled_from(["flip", "flip", "flip", "cut", "take", "put", "empty", "remove", "other"]),
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(1, 255),
)
def test_any_damage_gives_the_right_number_or_a_named_failure(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, file: str, kind: str, place: float, byte: int
) -> None:
    results = tmp_path_factory.mktemp("damaged") / "results"
    shutil.copytree(whole / "results", results)
    right = readings(results)
    assert len(right) == 7
    (folder,) = (results / "table" / "baseline-none-rmse").iterdir()
    hit = results / file if file.startswith(".sweep") else folder / file
    content = damage(hit.read_bytes(), kind, place, byte)
    if content is None:
        hit.unlink()
    else:
        hit.write_bytes(content)
    found = readings(results)
    for name, value in found.items():
        if name == "table" and not len(value):  # type: ignore[arg-type]
            assert read_results(results).troubles  # left out, and named
        else:
            assert same(value, right[name]), name
    if file.startswith(".sweep") or file in ("correlations.csv", "config.yaml", "channel_weights.csv"):
        assert same(found["table"], right["table"])  # the scores are there: the table is made again
    shutil.rmtree(results.parent)


@pytest.mark.parametrize("file", FILES)
def test_a_folder_in_a_file_s_place_and_what_may_not_be_read(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    results = tmp_path / "results"
    shutil.copytree(whole / "results", results)
    right = readings(results)
    (folder,) = (results / "table" / "baseline-none-rmse").iterdir()
    hit = results / file if file.startswith(".sweep") else folder / file
    content = hit.read_bytes()
    original = Path.read_bytes

    def refused(path: Path) -> bytes:  # root may read everything
        if path == hit:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refused)
        found = readings(results)
    assert all(same(value, right[name]) for name, value in found.items() if name != "table" or len(value))  # type: ignore[arg-type]
    hit.write_bytes(content)
    hit.unlink()
    hit.mkdir()
    found = readings(results)
    assert all(same(value, right[name]) for name, value in found.items() if name != "table" or len(value))  # type: ignore[arg-type]
    with pytest.raises(UserError) if file == "scores.parquet" else _nothing():
        read = UnitFolder(folder).scores()
        assert len(read) == 40 or file == "result.json"


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        return isinstance(error, Unusable)


def test_a_result_of_an_earlier_version_is_told_apart(
    whole: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    shutil.copytree(whole / "results", results)
    (file,) = results.glob("table/*/*/result.json")
    content = json.loads(file.read_text())
    for key in ("schema", "digest", "files"):
        content.pop(key)
    file.write_text(json.dumps(content))
    shutil.rmtree(results / ".sweep")
    found = read_results(results)
    assert [trouble.kind for trouble in found.troubles.values()] == [OTHER_VERSION] and not len(found.table)
    found.end()
    assert "1 result of another version of iqa_lab: run again table/baseline-none-rmse" in capfd.readouterr().err
    with pytest.raises(UnitFailed, match="of another version"):
        recompute(results)


def as_of_schema(file: Path, schema: int) -> None:
    """A sealed file as an earlier version sealed it."""
    content = {**json.loads(file.read_text()), "schema": schema}
    apart = {key: value for key, value in content.items() if key not in (DIGEST, *APART)}
    file.write_text(json.dumps({**content, DIGEST: digest_of(apart)}))


# one unit, run again


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many passes were made."""
    made: list[int] = []
    original = units.run_pass
    monkeypatch.setattr(units, "run_pass", lambda *rest: made.append(1) or original(*rest))
    return made


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    (tmp_path / "pairs").mkdir()
    return write_pairs(tmp_path / "pairs")


@cache
def _composed() -> Config:
    return composed(*RMSE)


def config_of(pairs: Path, *more: tuple[str, object], results: str = "results") -> Config:
    """The configuration of a baseline, with other values of some keys."""
    config = deepcopy(_composed())
    for key, value in (("benchmark.path", str(pairs)), ("results", str(pairs.parent.parent / results)), *more):
        group, _, name = key.rpartition(".")
        setattr(getattr(config, group) if group else config, name, value)
    return config


def table_of(outcome: Outcome) -> pd.DataFrame:
    assert outcome.table.equals(outcome.unit.table())
    assert outcome.unit.check()["state"] == "done"
    return outcome.table


def rewrite(file: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    if file.suffix == ".csv":
        change(pd.read_csv(file)).to_csv(file, index=False)
    else:
        change(pd.read_parquet(file)).to_parquet(file, index=False)


def test_columns_of_plain_from_before_it_was_per_pixel_are_never_kept_beside_new_ones(
    pairs: Path, passes: list[int], capfd: pytest.CaptureFixture[str]
) -> None:
    """Version 2 wrote sums over positions under the same name: reading refuses them, running makes all anew."""
    first = units.evaluate(config_of(pairs))
    right = table_of(first)
    as_of_schema(first.unit.folder / "result.json", 3)  # as it is: the change below is the schema's alone
    assert units.evaluate(config_of(pairs)).computed == 0
    as_of_schema(first.unit.folder / "result.json", 2)
    found = read_results(Path(config_of(pairs).results))
    assert not len(found.table) and [trouble.kind for trouble in found.troubles.values()] == [OTHER_VERSION]
    with pytest.raises(Unusable, match="of another version"):
        read_metric(f"{first.unit.folder}:plain@pixels")
    again = units.evaluate(config_of(pairs))
    assert again.computed == 2 and len(passes) == 2 and table_of(again).equals(right)
    assert "of another version" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("file", "change", "again"),
    [
        ("correlations.csv", None, 0),
        ("correlations.csv", lambda table: table.assign(srcc=0.999), 0),
        ("correlations.csv", lambda table: table.iloc[:1], 0),
        ("config.yaml", None, 0),
        ("scores.parquet", None, 1),
        ("scores.parquet", lambda table: table.sample(frac=1, random_state=0), 1),
        ("scores.parquet", lambda table: table.iloc[:4], 1),
        ("scores.parquet", lambda table: table.assign(opinion=table["opinion"] + 1), 1),
        ("result.json", None, 1),
        ("result.json", "n_scored", 1),
        ("result.json", "columns", 1),
        ("result.json", "headline", 0),
    ],
)
def test_what_can_be_made_again_is_and_the_rest_is_computed(
    pairs: Path, passes: list[int], capfd: pytest.CaptureFixture[str], file: str, change: object, again: int
) -> None:
    first = units.evaluate(config_of(pairs))
    right = table_of(first)
    assert units.evaluate(config_of(pairs)).computed == 0 and len(passes) == 1
    hit = first.unit.folder / file
    if change is None:
        hit.unlink()
    elif callable(change):
        rewrite(hit, change)
    else:
        hit.write_text(json.dumps({**json.loads(hit.read_text()), str(change): {}}))
    capfd.readouterr()
    second = units.evaluate(config_of(pairs))
    assert table_of(second).equals(right) and len(passes) == 1 + again
    assert second.restated == (not again) and (file in capfd.readouterr().err or change in (None, "headline"))
    assert units.evaluate(config_of(pairs)).restated is False and len(passes) == 1 + again


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("statistics.confidence", 0.5),
        ("statistics.resamples", 30),
        ("statistics.seed", 1),
        ("benchmark.people", 9),
        ("benchmark.opinion_std", "standard_error"),
        ("benchmark.headline", "plcc"),
    ],
)
def test_other_settings_make_the_statistics_anew_without_a_pass(
    pairs: Path, passes: list[int], key: str, value: object
) -> None:
    table = pd.read_csv(pairs)
    table.assign(opinion_std=np.linspace(0.2, 0.6, len(table))).to_csv(pairs, index=False)
    before = units.evaluate(config_of(pairs))
    changed = units.evaluate(config_of(pairs, (key, value)))
    assert len(passes) == 1 and changed.restated and changed.unit == before.unit
    fresh = units.evaluate(config_of(pairs, (key, value), results="fresh"))
    assert table_of(changed).equals(table_of(fresh))
    assert changed.unit.result()["headline"] == fresh.unit.result()["headline"]
    group, name = key.split(".")
    usual = getattr(getattr(_composed(), group), name)
    recompute(before.unit.folder, [f"{key}={'null' if usual is None else usual}"])
    assert before.unit.table().equals(before.table)
    assert units.evaluate(config_of(pairs)).restated is False and len(passes) == 2


@pytest.mark.parametrize("override", ["layers=[1]", "statistics.confidence", "benchmark.name=x", "statistics.seed=a",
                                      "statistics.confidence=${oc.env:HOME}"])  # fmt: skip
def test_a_recomputation_changes_settings_of_statistics_only(tmp_path: Path, override: str) -> None:
    with pytest.raises(UserError):
        recompute(tmp_path, [override])


def test_another_spread_of_opinions_is_noticed(pairs: Path, passes: list[int]) -> None:
    table = pd.read_csv(pairs)
    tables = []
    for scale, results in ((1, "results"), (2, "results"), (2, "fresh")):
        table.assign(opinion_std=scale * np.linspace(0.2, 0.6, len(table))).to_csv(pairs, index=False)
        tables.append(
            table_of(units.evaluate(config_of(pairs, ("benchmark.opinion_std", "standard_error"), results=results)))
        )
    assert tables[1].equals(tables[2]) and not tables[0].equals(tables[1])
    assert len(passes) == 3  # it is another benchmark: the digest is of opinions and their spread


def test_scores_are_kept_when_their_statistics_fail(
    pairs: Path, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = table_of(units.evaluate(config_of(pairs, results="fresh")))

    def failing(*_: object) -> pd.DataFrame:
        raise ZeroDivisionError("no statistics today")

    with monkeypatch.context() as patch:
        patch.setattr(units, "tabulate", failing)
        with pytest.raises(UnitFailed, match=r"scores are kept .* no statistics today\); iqa-lab report --recompute"):
            units.evaluate(config_of(pairs))
    results = pairs.parent.parent / "results"
    found = read_results(results)
    assert len(found.waiting) == 1 and not found.troubles and not len(found.table)
    recompute(results)
    assert table_of(units.evaluate(config_of(pairs))).equals(right) and len(passes) == 2


@pytest.mark.parametrize(("key", "value"), [("headline", "foo"), ("protocol", "2afc"), ("opinion_std", 3)])
def test_settings_that_cannot_work_are_refused_before_the_first_image(
    pairs: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: object
) -> None:
    config = config_of(pairs)
    setattr(config.benchmark, key, value)
    monkeypatch.setattr(units, "run_pass", lambda *_: pytest.fail("a pass was begun"))
    if key == "opinion_std":
        config.statistics.confidence = 7
    with pytest.raises(UserError):
        units.evaluate(config)


@pytest.mark.parametrize(
    ("readout", "arguments", "said"),
    [
        ("tuned", {"folds": 5}, "table has 3 references, fewer than the 5 folds"),
        ("tuned", {"folds": 2}, "at least 3"),
        ("tuned", {"fold": 3}, "unexpected keyword argument 'fold'"),
        ("plain", {"power": 3}, "unexpected keyword argument 'power'"),
        ("grating", {"pixels": 3}, "unexpected keyword argument 'pixels'"),
    ],
)
def test_readouts_that_cannot_work_are_refused_before_the_first_image(
    pairs: Path, readout: str, arguments: dict[str, object], said: str
) -> None:
    benchmark = load_benchmark(config_of(pairs).benchmark)
    config = composed("goal=untrained", "dataset=none", "architecture=squeezenet1_1", f"readout={readout}").readouts
    config[readout].arguments = arguments
    channels = () if readout == "plain" else (ChannelReadout(readout, config[readout], (), ()),)
    with pytest.raises(UserError, match=said):
        check_readouts(Plan((), channels, (), {}), config, benchmark)


def test_readouts_that_fit_opinions_refuse_choices() -> None:
    with pytest.raises(UserError, match="bapps has choices"):
        tuned.check("bapps", 100, choices=True)


def test_lost_weights_of_channels_take_their_columns_with_them(whole: Path, tmp_path: Path) -> None:
    (folder,) = shutil.copytree(whole / "results", tmp_path / "results").glob("table/*/*")
    unit = UnitFolder(folder)
    unit.weights_file.write_text("readout,layer\n")
    assert set(unit.standing()) == {"plain@pixels", "plain@a"}
    config = unit.config()
    unit.tabulate_again(lambda scores, columns: tabulate(scores, columns, config, "w", "rgb"), lambda *_: {})
    assert set(unit.check()["columns"]) == {"plain@pixels", "plain@a"} and unit.weights() is None
    assert set(unit.table()["readout"]) == {"plain"}


def test_two_tables_of_one_name_are_two_benchmarks(pairs: Path) -> None:
    units.evaluate(config_of(pairs))
    other = pairs.with_name("other.csv")
    pd.read_csv(pairs).assign(opinion=lambda table: -table["opinion"]).to_csv(other, index=False)
    results = pairs.parent.parent / "results"
    assert set(read_results(results).table["benchmark"]) == {"table"}
    units.evaluate(config_of(other))
    table = read_results(results).table
    assert table["benchmark"].nunique() == table["benchmark_digest"].nunique() == 2
    assert all(
        name == f"table.{digest[:6]}"
        for name, digest in zip(table["benchmark"], table["benchmark_digest"], strict=True)
    )


def test_a_planner_sees_what_was_changed(whole: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(whole / "results", results)
    record = Ledger(results).read("key")
    assert why_not(results, record, record["statistics"]) is None
    assert "other settings" in str(why_not(results, record, {**record["statistics"], "statistics.seed": 7}))
    for name in ("scores.parquet", "correlations.csv"):
        content = (results / record["folder"] / name).read_bytes()
        (results / record["folder"] / name).unlink()
        assert f"{name} is missing" in str(why_not(results, record, None))
        (results / record["folder"] / name).write_bytes(content[:-1] + b"?")
        assert f"{name} is damaged" in str(why_not(results, record, None))
        (results / record["folder"] / name).write_bytes(content)
        assert why_not(results, record, record["statistics"]) is None  # as it was, though later
    for place in ("../elsewhere", "/etc", "a/../../b"):
        assert "no folder of a result" in str(why_not(results, {**record, "folder": place}, None))


@pytest.mark.parametrize(
    "text",
    ["a: ${oc.env:HOME}", "${oc.env:HOME}: 1", "a: [b, {c: '${x}'}]", "a: &a [1]\nb: *a", "[" * 90, "- 1\n- 2", "\0",
     "a: [", "!!python/object/apply:os.system [ls]", "? [1]\n: 2", "", "a: " + "x" * 2**20],
)  # fmt: skip
def test_yaml_of_somebody_else_is_plain_data_or_refused(text: str) -> None:
    with pytest.raises(Unusable, match="c.yaml is damaged"):
        parse_yaml(text.encode(), Path("c.yaml"))
    with pytest.raises(Unusable):
        parse_config(text.encode(), Path("c.yaml"))
    with pytest.raises(Unusable):
        parse_config(b"\xff" + text.encode(), Path("c.yaml"))
    with pytest.raises(Unusable, match="of another version"):
        parse_config(b"colour: red", Path("c.yaml"))


def test_what_is_sealed_says_when_it_was_changed() -> None:
    sealed = seal({"a": 1.5, "b": {"c": [1, "x"]}})
    assert seal({key: value for key, value in sealed.items() if key not in ("digest", "schema")}) == sealed


@pytest.mark.parametrize("place", ["table/baseline-none-rmse/aaaaaaaaaaaa", "table/baseline-none-psnr/0123456789ab",
                                   "another/baseline-none-rmse/0123456789ab"])  # fmt: skip
def test_a_copy_of_a_unit_counts_once_and_is_named(whole: Path, tmp_path: Path, place: str) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    results = tmp_path / "results"
    once = read_results(results).table
    shutil.copytree(results / "table" / "baseline-none-rmse" / "0123456789ab", results / place)
    for _ in range(2):  # read, and from the index
        found = read_results(results)
        assert found.table.equals(once) and set(found.troubles) == {place}
        assert found.troubles[place].kind == MISPLACED and place in " ".join(found.left_out())


def test_units_that_lie_too_deep_are_named(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "results", tmp_path / "results" / "of-another-machine")
    found = read_results(tmp_path / "results")
    assert not len(found.table) and [trouble.kind for trouble in found.troubles.values()] == [MISPLACED]


def test_scores_of_another_unit_in_the_place_of_this_one_are_not_believed(
    pairs: Path, passes: list[int], capfd: pytest.CaptureFixture[str]
) -> None:
    right = units.evaluate(config_of(pairs))
    other = units.evaluate(config_of(pairs, ("preprocess.resize", 40)))
    assert len(passes) == 2 and not table_of(right).equals(table_of(other))
    shutil.rmtree(right.unit.folder)
    shutil.copytree(other.unit.folder, right.unit.folder)
    again = units.evaluate(config_of(pairs))
    assert table_of(again).equals(right.table) and len(passes) == 3 and MISPLACED in capfd.readouterr().err


@pytest.mark.parametrize("file", ["result.json", "scores.parquet", "correlations.csv", "config.yaml"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda file: file.symlink_to("/dev/zero"), Path.mkdir])
def test_what_is_no_plain_file_is_not_waited_for(
    whole: Path, tmp_path: Path, file: str, make: Callable[[Path], None]
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    unit = UnitFolder(tmp_path / "results" / "table" / "baseline-none-rmse" / "0123456789ab")
    (unit.folder / file).unlink()
    make(unit.folder / file)
    with pytest.raises(Unusable, match=f"{file} is unreadable .no plain file"):
        unit.check()


def test_settings_that_no_statistics_can_have_are_refused_beside_a_result_too(pairs: Path, passes: list[int]) -> None:
    right = units.evaluate(config_of(pairs))
    with pytest.raises(UserError, match=r"cannot be made with these settings"):
        units.evaluate(config_of(pairs, ("benchmark.headline", "average_precision")))
    with pytest.raises(UnitFailed, match="cannot be made with these settings"):
        recompute(right.unit.folder, ["benchmark.headline=agreement"])
    assert table_of(right).equals(right.table) and units.evaluate(config_of(pairs)).restated is False
    assert len(passes) == 1
