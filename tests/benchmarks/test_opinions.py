"""Tables of every bad kind: read right, or refused in one line that names the row and the range."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from PIL import Image

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.benchmarks.benchmark import assemble
from iqa_lab.benchmarks.checks import say_left_out
from iqa_lab.benchmarks.lists import numbers
from iqa_lab.benchmarks.names import Names, find_entry, finder, inside
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError
from tests.conftest import composed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("r.png", "s.png", "NA", *(f"d{number}.png" for number in range(1, 7))):
        Image.new("RGB", (8, 8)).save(tmp_path / name, "PNG")
    return tmp_path


def load(folder: Path, content: str | bytes, *overrides: str) -> Benchmark:
    file = folder / "table.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    own = [override.removeprefix("benchmark.") for override in overrides]
    settings = OmegaConf.from_dotlist([f"path={file}", *own])
    config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(table()), settings))
    assert isinstance(config, BenchmarkConfig)
    return load_benchmark(config)


@cache
def table() -> BenchmarkConfig:
    """The settings of a table, composed once."""
    return composed("benchmark=table").benchmark


HEAD = "reference,distorted,opinion"
STD = "reference,distorted,opinion,opinion_std\nr.png,d1.png,1,{}\nr.png,d2.png,2,.5\n"
CHOICES = "reference,left,right,preference\nr.png,d1.png,d2.png,{}\nr.png,d3.png,d4.png,.5\n"

READ: dict[str, tuple[str | bytes, list[float]]] = {
    "a mark at the beginning": (f"\ufeff{HEAD}\nr.png,d1.png,1.5\n", [1.5]),
    "UTF-16, as a spreadsheet saves it": (f"{HEAD}\nr.png,d1.png,1.5\n".replace(",", "\t").encode("utf-16"), [1.5]),
    "vertical bars": ("reference|distorted|opinion\nr.png|d1.png|1.5\n", [1.5]),
    "tabs and line ends of Windows": ("reference\tdistorted\topinion\r\nr.png\td1.png\t1.5\r\n", [1.5]),
    "semicolons and decimal commas": (
        "reference;distorted;opinion\nr.png;d1.png;1,234\nr.png;d2.png;2,5\nr.png;d3.png;3\n", [1.234, 2.5, 3]
    ),
    "line ends of an old Macintosh": ("reference;distorted;opinion\rr.png;d1.png;1,5\r", [1.5]),
    "quoted decimal commas": (f'{HEAD}\nr.png,d1.png,"0,123"\nr.png,d2.png,"-1,5"\n', [0.123, -1.5]),
    "a spreadsheet's first line": ("sep=;\nreference;distorted;opinion\nr.png;d1.png;4\n", [4]),
    "blanks around fields and empty lines": (f"{HEAD}\n\n r.png , d1.png , 1.5 \n\n", [1.5]),
    "empty fields at the end": (f"{HEAD},,\nr.png,d1.png,1.5,,\n", [1.5]),
    "exponents": (f"{HEAD}\nr.png,d1.png,1.5e-1\nr.png,d2.png,+2E1\n", [0.15, 20]),
    "one image of two references": (f"{HEAD}\nr.png,d1.png,1\ns.png,d1.png,2\n", [1, 2]),
    "an image called NA": (f"{HEAD}\nNA,d1.png,1\n", [1]),
}  # fmt: skip


@pytest.mark.parametrize("kind", READ)
def test_tables_are_read_whatever_wrote_them(folder: Path, kind: str) -> None:
    content, opinions = READ[kind]
    assert load(folder, content).pairs["opinion"].tolist() == opinions


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a thousand, or 1.234": (f'{HEAD}\nr.png,d1.png,"1,234"\nr.png,d2.png,123\n', r"d1.png \(line 2: '1,234'; write"),
    "commas and points": (f'{HEAD}\nr.png,d1.png,"1,5"\nr.png,d2.png,1.5\n', "1 opinions are no numbers: d1.png"),
    "1.234,5": ("reference;distorted;opinion\nr.png;d1.png;1.234,5\n", r"line 2: '1.234,5'"),
    "a decimal comma that separates": (f"{HEAD}\nr.png,d1.png,3,5\n", "table.csv:2: 4 fields, but the header names 3"),
    "a cut line": (f"{HEAD}\nr.png,d1.png,3\nr.png,d2.png\n", "table.csv:3: 2 fields, but the header names 3"),
    "an open quote": (f'{HEAD}\nr.png,d1.png,3\nr.png,"d2.png,4\n', "table.csv:3 is no line of a CSV file"),
    "a column twice": (f"{HEAD},opinion\nr.png,d1.png,1,2\n", "has the column opinion twice"),
    "another encoding": (f"{HEAD}\nr.png,d\xe4.png,1\n".encode("latin-1"), "no text in UTF-8: see line 2"),
    "a Parquet file": (b"PAR1\0\1\2", "no text but a Parquet file: let its name end in .parquet"),
    "a spreadsheet": (b"PK\3\4\0\0", "no text but a spreadsheet or an archive: export"),
    "a compressed table": (b"\x1f\x8b\x08\0", "no text but compressed: unpack it"),
    "UTF-16 that does not say so": (f"{HEAD}\nr.png,d1.png,1\n".encode("utf-16-le"), "no text in UTF-8: see line 1"),
    "a zero byte": (f"{HEAD}\nr.png,d\0001.png,1\n", "no text in UTF-8: see line 2"),
    "a header alone": (f"{HEAD}\n", "has a header, but no row below it"),
    "nothing": ("", "is empty"),
    "an underscore": (f"{HEAD}\nr.png,d1.png,1_000\n", r"line 2: '1_000'"),
    "digits of another script": (f"{HEAD}\nr.png,d1.png,١\n", r"line 2: '١'"),
    "hexadecimal": (f"{HEAD}\nr.png,d1.png,0x10\n", "no numbers"),
    "infinite": (f"{HEAD}\nr.png,d1.png,1\nr.png,d2.png,-inf\n", r"no numbers: d2.png \(line 3: -inf\)"),
    "not known": (f"{HEAD}\nr.png,d1.png,NA\n", r"no numbers: d1.png \(line 2: nan\)"),
    "larger than any formula takes": (f"{HEAD}\nr.png,d1.png,1e300\n", "no numbers"),
    "the same pair, spelled otherwise": (f"{HEAD}\nr.png,d1.png,1\nr.png,./D1.PNG,2\n", r"twice: ./D1.PNG \(line 3\)"),
    "a name with a control character": (f"{HEAD}\nr.png,d\x01.png,1\n", "line 2 names no image"),
    "a name that is too long": (f"{HEAD}\nr.png,{'d' * 300}.png,1\n", "missing are dddd"),
    "a negative spread": (STD.format("-.5"), r"opinion_std are not 0 or more: d1.png \(line 2: -0.5\)"),
    "an infinite spread": (STD.format("inf"), "opinion_std are not 0 or more"),
    "a spread in words": (STD.format("large"), r"1 opinion_std are no numbers: d1.png \(line 2: 'large'\)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_tables_that_could_be_misread_are_refused(folder: Path, kind: str) -> None:
    content, message = REFUSED[kind]
    with pytest.raises(UserError, match=message) as error:
        load(folder, content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("way", ["{folder}/", "../{name}/", "parts/../", "same/", "../{name}/same/.//"])
def test_an_image_is_itself_whichever_way_leads_to_it(
    folder: Path, way: str, absolute: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two opinions of one pair are there twice, and one reference has one name: intervals resample references."""
    (folder / "parts").mkdir()
    (folder / "same").symlink_to(".")
    monkeypatch.chdir(folder)
    other = way.format(folder=folder, name=folder.name)
    table = folder if absolute else Path()
    with pytest.raises(UserError, match=r"1 opinions are there twice: .*d1.png \(line 3\)"):
        load(table, f"{HEAD}\nr.png,d1.png,1\n{other}r.png,{other}d1.png,2\n")
    assert load(table, f"{HEAD}\nr.png,d1.png,1\n{other}r.png,d2.png,2\n").pairs["reference"].nunique() == 1
    votes = load(table, f"{HEAD}\nr.png,d1.png,1\n{other}r.png,{other}d1.png,2\n", "benchmark.votes=true")
    assert votes.pairs["opinion"].tolist() == [1.5]
    again = f"{other}r.png,{other}d2.png,d1.png,.2"
    with pytest.raises(UserError, match="1 opinions are there twice"):
        load(table, f"{CHOICES.format('.7')}{again}\n", "benchmark.protocol=2afc")


def test_a_link_to_an_image_is_an_image_of_its_own(folder: Path) -> None:
    (folder / "copy.png").symlink_to("d1.png")
    assert len(load(folder, f"{HEAD}\nr.png,d1.png,1\nr.png,copy.png,2\n").pairs) == 2


@pytest.mark.parametrize("value", ["95", "-0.1", "1.001", "nan", "inf", "", "yes"])
def test_preferences_outside_of_0_to_1_are_refused(folder: Path, value: str) -> None:
    choices = ["benchmark.protocol=2afc"]
    assert load(folder, CHOICES.format("1"), *choices).pairs["opinion"].tolist() == [0, 1, 0.5, 0.5]
    with pytest.raises(UserError, match=r"(outside of 0 to 1|no numbers): d2.png \(line 2"):
        load(folder, CHOICES.format(value), *choices)


@pytest.mark.parametrize("again", ["r.png,d1.png,d2.png,.2", "r.png,d2.png,d1.png,.2", "R.png,D1.png,./d2.png,.2"])
def test_a_triplet_counts_once(folder: Path, again: str) -> None:
    with pytest.raises(UserError, match="1 opinions are there twice: .*benchmark.votes=true"):
        load(folder, f"{CHOICES.format('.7')}{again}\n", "benchmark.protocol=2afc")


@pytest.mark.parametrize(
    "setting",
    ["people=0", "people=-3", "range=[5,1]", "range=[1]", "range=[0,.nan]", "range=[1,1]", "expected.pairs=0",
     "psnr_srcc=2", "folder=../outside", "folder=/tmp", "name=../../x", "protocol=3afc", "opinion=best"],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused_before_anything_is_read(folder: Path, setting: str) -> None:
    with pytest.raises(UserError, match=f"benchmark.{setting.partition('=')[0]}"):
        load(folder, f"{HEAD}\nr.png,d1.png,1\n", f"benchmark.{setting}")


def test_opinions_outside_of_a_declared_range_are_refused_with_it(folder: Path) -> None:
    content = f"{HEAD}\nr.png,d1.png,1\nr.png,d2.png,5.5\nr.png,d3.png,0\n"
    with pytest.raises(UserError, match=r"2 opinions outside of 1 to 5: d2.png \(line 3: 5.5\), d3.png \(line 4: 0\)"):
        load(folder, content, "benchmark.range=[1,5]")


def test_optional_columns_may_be_empty_in_some_rows_and_hold_any_word(folder: Path) -> None:
    kinds, levels = ["None", "NA", "null", "nan", "", "jpeg"], ["1", "", "3", "", "5", ""]
    cells = zip(range(1, 7), kinds, levels, ["", *5 * [".5"]], strict=True)
    lines = [f"r.png,d{number}.png,{number},{kind},{level},{spread}" for number, kind, level, spread in cells]
    benchmark = examine(load(folder, "\n".join([f"{HEAD},distortion,level,opinion_std", *lines])))
    assert benchmark.pairs["distortion"].tolist() == kinds
    assert benchmark.pairs["level"].tolist() == levels
    assert benchmark.pairs["opinion_std"].isna().sum() == 1 and len(benchmark.index_digest()) == 64
    assert load(folder, "\n".join([f"{HEAD},distortion,level,opinion_std", *lines]), "benchmark.distortions=['None']")
    frame = pd.DataFrame({"reference": "r.png", "distorted": ["d1.png", "d2.png"], "opinion": [1, 2],
                          "distortion": ["jpeg", None], "level": [1, None]})  # fmt: skip
    frame.to_parquet(folder / "table.parquet")
    pairs = load_benchmark(replace(table(), path=str(folder / "table.parquet"))).pairs
    assert pairs["distortion"].tolist() == ["jpeg", ""] and pairs["level"].tolist() == ["1", ""]


def test_a_line_end_in_the_name_of_a_distortion_is_a_blank(folder: Path) -> None:
    """The agreement within a kind is a column of its name, and results are read a line a row."""
    kinds = ["two\nlines", "two\r\n lines", "a\tb", "\n", " kept\u00a0 as it is"]
    frame = pd.DataFrame({"reference": "r.png", "distorted": [f"d{number}.png" for number in range(1, 6)],
                          "opinion": range(5), "distortion": kinds, "level": kinds})  # fmt: skip
    frame.to_parquet(folder / "table.parquet")
    pairs = load_benchmark(replace(table(), path=str(folder / "table.parquet"))).pairs
    assert pairs["distortion"].tolist() == ["two lines", "two lines", "a b", "", " kept\u00a0 as it is"]
    assert pairs["level"].tolist() == pairs["distortion"].tolist()
    pairs = load(folder, f'{HEAD},distortion\nr.png,d1.png,1,"two\nlines"\n').pairs
    assert pairs["distortion"].tolist() == ["two lines"]


def test_rows_of_a_loader_of_ones_own_pass_the_same_door(folder: Path) -> None:
    config = replace(table(), range=[0, 5])
    rows = pd.DataFrame({"reference": "r.png", "distorted": ["d1.png", "d2.png"], "distortion": [np.nan, "x"],
                         "level": [np.nan, 1], "opinion": ["1.5", "2"]})  # fmt: skip
    rows = rows.assign(reference_file=rows["reference"], distorted_file=rows["distorted"])
    pairs = assemble(config, rows, folder).pairs
    assert pairs["opinion"].tolist() == [1.5, 2] and pairs["distortion"].tolist() == ["", "x"]
    with pytest.raises(UserError, match=r"outside of 0 to 5: d2.png \(7\)"):
        assemble(config, rows.assign(opinion=[1, 7]), folder)
    with pytest.raises(UserError, match="gives no column level"):
        assemble(config, rows.drop(columns="level"), folder)


def loader_that_fails(_config: BenchmarkConfig) -> Benchmark:
    raise KeyError("no\nsuch column")


def loader_that_leaves(_config: BenchmarkConfig) -> Benchmark:
    raise SystemExit(0)


def loader_of_a_table(_config: BenchmarkConfig) -> pd.DataFrame:
    return pd.DataFrame()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("loader_that_fails", "fails: KeyError: 'no.*such column'"),
        ("loader_that_leaves", "fails: SystemExit: 0"),
        ("loader_of_a_table", "gives DataFrame, not what"),
    ],
)
def test_a_loader_of_ones_own_that_makes_no_benchmark_is_one_line(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"its loader {__name__}.{name} {message}") as error:
        load_benchmark(replace(table(), family=f"{__name__}.{name}"))
    assert "\n" not in str(error.value)


def test_the_spread_of_opinions_is_part_of_what_is_scored(folder: Path) -> None:
    digests = {examine(load(folder, STD.format(value))).index_digest() for value in ("", ".5", ".6")}
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("words", "found"),
    [(["3,5", "1,234", "2"], [3.5, 1.234, 2]), (["0,123"], [0.123]), (["1234,5"], [1234.5]), (["1.234"], [1.234])],
)
def test_decimal_commas(words: list[str], found: list[float]) -> None:
    assert numbers(pd.Series(words))[0].tolist() == found
    for ambiguous in (["1,234"], ["1,234", "123"], ["12,345,678"], ["1,5", "1.5"], ["1,5", "1,2,3"], ["1 234"]):
        assert numbers(pd.Series(ambiguous))[1], ambiguous


# ---------------------------------------------------------------------------------------------------------- votes


def test_votes_are_averaged_with_their_standard_error(folder: Path) -> None:
    votes = {"d1.png": [1, 2, 4], "d2.png": [5, 5, 5]}
    lines = [f"r.png,{name},{vote}" for number in range(3) for name, vote in ((n, v[number]) for n, v in votes.items())]
    benchmark = load(folder, "\n".join([HEAD, *lines]), "benchmark.votes=true", "benchmark.expected.pairs=2")
    assert benchmark.config.people == 3 and benchmark.config.opinion_std == "standard_error"
    assert benchmark.is_whole and benchmark.n_expected == 2
    for pair in benchmark.pairs.itertuples():
        values = np.array(votes[pair.distorted], float)
        assert pair.opinion == pytest.approx(values.mean()) and pair.opinion_std == pytest.approx(
            values.std(ddof=1) / np.sqrt(3)
        )
    with pytest.raises(UserError, match="4 opinions are there twice: .*benchmark.votes=true"):
        load(folder, "\n".join([HEAD, *lines]))
    uneven = load(folder, "\n".join([HEAD, *lines[:-1], "s.png,d2.png,1"]), "benchmark.votes=true")
    assert uneven.config.people is None and len(uneven.pairs) == 3 and uneven.pairs["opinion_std"].isna().sum() == 1


@pytest.mark.parametrize(
    ("content", "overrides", "message"),
    [
        (f"{HEAD}\nr.png,d1.png,1\nr.png,d1.png,9\n", ["benchmark.range=[1,5]"], r"outside of 1 to 5: d1.png \(line 3"),
        (f"{HEAD}\nr.png,d1.png,1\nr.png,d1.png,2\n", ["benchmark.people=3"], "benchmark.people=3, but 2 to 2 judged"),
        (f"{HEAD},level\nr.png,d1.png,1,1\nr.png,d1.png,2,2\n", [], "several values of level"),
        (STD.format(".5"), [], "votes have no opinion_std of their own"),
    ],
)
def test_votes_that_contradict_each_other_are_refused(
    folder: Path, content: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load(folder, content, "benchmark.votes=true", *overrides)


def test_votes_on_choices_are_shares_whatever_the_side(folder: Path) -> None:
    first = ["d1.png,d2.png,1", "d2.png,d1.png,0", "d1.png,d2.png,0", "d2.png,d1.png,1"]
    second = ["d3.png,d4.png,1", "d3.png,d4.png,1", "d4.png,d3.png,0", "d4.png,d3.png,1"]
    lines = [*(f"r.png,{vote}" for vote in first), *(f"s.png,{vote}" for vote in second)]
    content = "\n".join(["reference,left,right,preference", *lines])
    benchmark = load(folder, content, "benchmark.protocol=2afc", "benchmark.votes=true")
    share = dict(zip(benchmark.pairs["distorted"], benchmark.pairs["opinion"], strict=True))
    assert share == {"d1.png": 0.5, "d2.png": 0.5, "d3.png": 0.25, "d4.png": 0.75}
    assert benchmark.config.people == 4 and len(benchmark.pairs) == 4


# ---------------------------------------------------------------------------------------------------------- names


def test_an_exact_name_wins_and_without_one_several_are_an_error(tmp_path: Path) -> None:
    for name in ("LAKE.png", "lake.png", "Sea.png"):
        (tmp_path / name).touch()
    names = Names(tmp_path)
    assert names.find("lake.png") == tmp_path / "lake.png" and names.find("LAKE.png") == tmp_path / "LAKE.png"
    assert names.find("SEA.PNG") == find_entry(tmp_path, "sea.png") == tmp_path / "Sea.png"
    assert names.find("river.png") is None
    for find in (names.find, lambda name: find_entry(tmp_path, name)):
        with pytest.raises(UserError, match="has no Lake.png, but LAKE.png, lake.png, which differ in upper"):
            find("Lake.png")


def test_folders_that_differ_in_case_only_are_told_apart(tmp_path: Path) -> None:
    for place in ("A/x.png", "a/x.png", "B/y.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).touch()
    find = finder(tmp_path)
    assert find("A/x.png") == str(tmp_path / "A/x.png") and find("a/X.png") == str(tmp_path / "a/x.png")
    assert find("b/Y.PNG") == str(tmp_path / "B/y.png") and find("c/x.png") == find("B/") == find("B/..") == ""
    assert find(f"{tmp_path}/B/y.png") == find("a/../B/y.png").replace("/a/..", "") == str(tmp_path / "B/y.png")


def test_accents_are_found_whatever_their_encoding(tmp_path: Path) -> None:
    (tmp_path / "caf\u00e9.png").touch()
    assert Names(tmp_path).find("cafe\u0301.png") == tmp_path / "caf\u00e9.png"


def test_images_whose_names_differ_in_case_only_are_scored_as_themselves(folder: Path) -> None:
    for number, name in enumerate(["a.png", "A.png"]):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / name)
    pairs = examine(load(folder, f"{HEAD}\na.png,A.png,1\nA.png,a.png,2\nr.png,a.png,3\n")).pairs
    assert [Path(path).name for path in pairs["reference_path"]] == pairs["reference"].tolist()
    assert pairs["reference"].nunique() == 3
    only = load(folder, f"{HEAD}\na.png,A.png,1\nA.png,a.png,2\n", "benchmark.references=[A.png]").pairs
    assert only["opinion"].tolist() == [2]
    Image.new("RGB", (8, 8)).save(folder / "D1.png")
    with pytest.raises(UserError, match="differ in upper and lower case only"):
        load(folder, f"{HEAD}\nr.png,D1.PNG,1\n")


def test_one_reference_has_one_name(folder: Path) -> None:
    pairs = load(folder, f"{HEAD}\nr.png,d1.png,1\n./R.PNG,d2.png,2\n", "benchmark.expected.references=1").pairs
    assert pairs["reference"].tolist() == ["r.png", "r.png"]  # one cluster of every interval, not two


@pytest.mark.parametrize("path", ["..", "../x", "/x", "a/../../x", "C:/x", "..\\x", "a\0b", "a\nb"])
def test_paths_that_lead_out_of_their_folder_are_refused(path: str) -> None:
    with pytest.raises(UserError, match="leads out of its folder"):
        inside(path, "benchmark.folder")
    assert inside("a/b.c", "x") == "a/b.c" and inside("", "x") == ""


OPTIONAL = {"distortion": ["jpeg", "blur", "jpeg"], "level": [1, 2, 2], "opinion_std": [0.5, 0.25, 0.125],
            "split": ["a", "b", "a"]}  # fmt: skip
KINDS = ("csv", "object", "string", "category", "nullable")


@pytest.mark.parametrize("empty", [(0,), (1, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("column", OPTIONAL)
@pytest.mark.parametrize("kind", KINDS)
def test_any_optional_column_may_be_empty_in_some_rows(
    folder: Path, kind: str, column: str, empty: tuple[int, ...]
) -> None:
    """Whatever type pandas, or the program that wrote a Parquet file, gives the column."""
    known = [None if row in empty else value for row, value in enumerate(OPTIONAL[column])]
    frame = pd.DataFrame({"reference": ["r.png", "s.png", "r.png"], "distorted": ["d1.png", "d2.png", "d3.png"],
                          "opinion": [1.0, 2.0, 3.0], **OPTIONAL})  # fmt: skip
    frame[column] = pd.Series(known, dtype=object)
    file = folder / ("t.csv" if kind == "csv" else "t.parquet")
    if kind == "csv":
        frame.to_csv(file, index=False)
    else:
        number = "Int64" if column == "level" else "Float64" if column == "opinion_std" else "string"
        types = {"object": object, "string": "string", "category": "category", "nullable": number}
        frame[column] = pd.Series(known, dtype=object).astype(types[kind])
        frame.to_parquet(file)
    config = replace(table(), path=str(file))
    benchmark = examine(load_benchmark(config))
    pairs = benchmark.pairs.set_index("distorted").loc[["d1.png", "d2.png", "d3.png"]]
    assert len(pairs) == 3 and len(benchmark.index_digest()) == 64
    if column == "opinion_std":
        expected = [np.nan if value is None else value for value in known]
        np.testing.assert_array_equal(pairs[column].to_numpy(dtype=float), expected)
    elif column != "split":
        assert pairs[column].astype(str).tolist() == ["" if value is None else str(value) for value in known]
        asked = next((value for value in known if value is not None), None)
        filtered = load_benchmark(replace(config, **{f"{column}s": [asked]})) if asked is not None else None
        assert filtered is None or len(filtered.pairs) == known.count(asked)
    for part in set(known if column == "split" else OPTIONAL["split"]) - {None}:
        own = known if column == "split" else OPTIONAL["split"]
        some = load_benchmark(replace(config, split=replace(config.split, part=part)))
        assert len(some.pairs) == own.count(part)  # a row of no part is in none
    if column == "split":
        with pytest.raises(UserError, match=r"benchmark.split.part: table has no part c"):
            load_benchmark(replace(config, split=replace(config.split, part="c")))


@pytest.mark.parametrize("column", OPTIONAL)
def test_optional_columns_of_votes_and_of_choices_may_be_empty_too(folder: Path, column: str) -> None:
    value = OPTIONAL[column][0]
    choices = f"reference,left,right,preference,{column}\nr.png,d1.png,d2.png,.5,\nr.png,d3.png,d4.png,.5,{value}\n"
    assert len(examine(load(folder, choices, "benchmark.protocol=2afc")).index_digest()) == 64
    if column == "opinion_std":
        return  # votes have none
    votes = [f"{HEAD},{column}", *(f"r.png,d{number}.png,{vote}," for number in (1, 2) for vote in (1, 2))]
    votes += [f"r.png,d3.png,{vote},{value}" for vote in (1, 2)]
    pairs = load(folder, "\n".join(votes), "benchmark.votes=true").pairs
    assert pairs["opinion"].tolist() == [1.5, 1.5, 1.5]
    mixed = "\n".join([*votes, f"r.png,d1.png,3,{value}"])
    with pytest.raises(UserError, match=f"the votes of d1.png .* are of several values of {column}"):
        load(folder, mixed, "benchmark.votes=true")


@pytest.mark.parametrize(
    ("spread", "overrides", "message"),
    [
        ([".5", ".5"], [], "the column opinion_std is not used: benchmark.opinion_std=standard_error or"),
        ([".5", ".5"], ["opinion_std=standard_error"], ""),
        ([".5", ""], ["opinion_std=standard_error"], "benchmark.opinion_std=standard_error, but 1 of 2 opinions have"),
        (["", ""], ["opinion_std=standard_error"], "but 2 of 2 opinions have none"),
        (["", ""], [], ""),
        ([".5", ".5"], ["opinion_std=standard_deviation"], "needs the number of judges, benchmark.people=NUMBER"),
        ([".5", ".5"], ["opinion_std=standard_deviation", "people=9"], ""),
    ],
)
def test_a_spread_that_makes_no_statistics_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], spread: list[str], overrides: list[str], message: str
) -> None:
    lines = [f"r.png,d{number}.png,{number},{value}" for number, value in enumerate(spread, 1)]
    say_left_out(load(folder, "\n".join([f"{HEAD},opinion_std", *lines]), *overrides))
    said = " ".join(capsys.readouterr().err.split())
    assert message in said and bool(message) == bool(said)


def test_choices_have_one_direction(folder: Path) -> None:
    with pytest.raises(UserError, match="opinion=dmos: of choices the preference is the share of people who called"):
        load(folder, CHOICES.format(".2"), "benchmark.protocol=2afc", "benchmark.opinion=dmos")


def test_a_filter_of_what_no_pair_has_is_said(folder: Path) -> None:
    with pytest.raises(UserError, match="levels=3: table says of no pair which of the levels it is"):
        load(folder, f"{HEAD}\nr.png,d1.png,1\n", "benchmark.levels=[3]")
