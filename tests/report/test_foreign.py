"""Results of somebody else are data: shown, never obeyed; what is damaged is left out and named."""

import errno
import hashlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

import iqa_lab
from iqa_lab.errors import UserError
from iqa_lab.explain.policy import policy
from iqa_lab.report.collect import Report, collect
from iqa_lab.report.comparison import comparing_figures
from iqa_lab.report.names import file_name, told_apart
from iqa_lab.report.page import island, write_report
from iqa_lab.report.pictures import Pictures, known_benchmark
from iqa_lab.report.study import EVERYTHING, Study
from iqa_lab.report.tables import csv_table, latex_table, markdown_table
from iqa_lab.report.units import unit_page
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.made import MADE, all_or_none
from tests.browser import rendered
from tests.conftest import picture
from tests.report.made import HOSTILE, config_text, make_unit, table_benchmark, without_drawing
from tests.report.test_page import scripts

SECRET = "a-secret-of-the-reader"


def collected(results: Path) -> Report:
    """The report; nothing of it is drawn yet."""
    return collect(results, Study("results", EVERYTHING))


def benchmark_of(**changes: Any) -> str:
    """A configuration with another benchmark."""
    return config_text(lambda values: values["benchmark"].update(changes))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one good unit, in an empty working folder without data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("READERS_SECRET", SECRET)
    monkeypatch.setattr("iqa_lab.report.collect.trainings", dict)  # six hundred files a report
    for function in ("unit_page", "comparing_figures"):  # how they are drawn is not asked here
        monkeypatch.setattr(f"iqa_lab.report.collect.{function}", lambda *_: ())
    make_unit(tmp_path / "results", "good")
    return tmp_path / "results"


CONFIGURATIONS: dict[str, Callable[[], str]] = {
    "environment": lambda: benchmark_of(description="${oc.env:READERS_SECRET}"),
    "escaped environment": lambda: benchmark_of(description="X").replace(
        "description: X", r'description: "\x24{oc.env:READERS_SECRET}"'
    ),
    "environment as a key": lambda: config_text(lambda values: values["weights"]["renames"].update({"${a}": "b"})),
    "another key's value": lambda: benchmark_of(description="${benchmark.name}"),
    "an alias bomb": lambda: "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
    ),
    "an object": lambda: benchmark_of(description="X").replace("n: X", "n: !!python/name:os.system"),
    "no YAML": lambda: "{[",
    "a list": lambda: "[]",
    "nothing": lambda: "",
    "not UTF-8": lambda: benchmark_of(description="\ud800").replace("name: table", "name: t\x00"),
    "unknown keys": lambda: "colour: red\n",
    "a name that leads outside": lambda: benchmark_of(name="../../../ESC"),
    "a hidden name": lambda: benchmark_of(name=".hidden"),
    "an absolute name": lambda: benchmark_of(name="/tmp/ESC"),
    "another name than its rows": lambda: benchmark_of(name="tid2013"),
    "another protocol": lambda: benchmark_of(protocol="votes"),
    "another direction": lambda: benchmark_of(opinion="MOS"),
    "no confidence": lambda: config_text(lambda values: values["statistics"].update(confidence=95)),
}  # fmt: skip


@pytest.mark.parametrize("config", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_a_configuration_that_asks_for_more_is_left_out_and_named(config: Callable[[], str], results: Path) -> None:
    bad = make_unit(results, "bad", config="", seed=1)
    (bad / "config.yaml").write_bytes(config().encode(errors="surrogatepass"))
    report = collected(results)
    assert set(report.table["architecture"]) == {"good"}
    (named,) = [text for text in report.warnings if bad.name in text]
    assert named.startswith("left out: ") and "\n" not in named and SECRET not in named
    shutil.rmtree(results / "table" / "untrained-none-good")
    with pytest.raises(UserError, match="no unit in .* can be read") as refused:
        collected(results)
    assert SECRET not in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["../../../ESC", ".hidden", "a/b", "/tmp/ESC", "a\\b", "", " ", "x" * 300])
def test_a_name_that_is_none_is_not_used(name: str, results: Path) -> None:
    bad = make_unit(results, "bad", config=benchmark_of(name=name), benchmark=name)
    report = collected(results)
    assert set(report.table["architecture"]) == {"good"} and any(bad.name in text for text in report.warnings)


def test_names_become_files_inside_the_folder_only() -> None:
    for name in (*HOSTILE, *(f"a_{name}" for name in HOSTILE), "x" * 300, "日" * 300, ".", "..", "a/../b"):
        made = file_name(name)
        assert Path(made).name == made and not made.startswith(".") and len(f"{made}.png".encode()) <= 255
    assert len({name.casefold() for name in told_apart(["a", "A", "a", "a-2", "b", "A-2"])}) == 6


DAMAGES: dict[str, dict[str, Any]] = {
    "facts of another kind": {"facts": {"seconds": 3}},
    "versions in a list": {"facts": {"versions": ["torch"]}},
    "an endless pass": {"facts": {"seconds": {"pass": float("inf")}}},
    "forwards in words": {"facts": {"forwards": "many"}},
    "layers that are numbers": {"facts": {"layers": [1, 2]}},
    "a headline of nothing": {"facts": {"headline": [], "hashed": 3}},
    "an srcc in words": {"change": lambda rows: rows.assign(srcc="high")},
    "an srcc of 1.2": {"change": lambda rows: rows.assign(srcc=1.2)},
    "an endless srcc": {"change": lambda rows: rows.assign(srcc=float("inf"))},
    "n of 2.5": {"change": lambda rows: rows.assign(n=2.5)},
    "n of another table": {"change": lambda rows: rows.assign(n=3000)},
    "no n": {"change": lambda rows: rows.assign(n=None)},
    "a row twice": {"change": lambda rows: pd.concat([rows, rows.head(1)])},
    "no layer": {"change": lambda rows: rows.assign(layer=None)},
    "no readout": {"change": lambda rows: rows.assign(readout=" ")},
    "a layer without scores": {"change": lambda rows: rows.assign(layer=[f"other{n}" for n in range(len(rows))])},
    "two benchmarks": {"change": lambda rows: rows.assign(benchmark=[f"b{n}" for n in range(len(rows))])},
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_what_is_damaged_is_left_out_and_named(damage: dict[str, Any], results: Path) -> None:
    bad = make_unit(results, "bad", seed=1, **damage)
    report = collected(results)
    assert set(report.table["architecture"]) == {"good"} and len(report.best) == 1
    assert sum(bad.name in text for text in report.warnings) == 1 and not any("\n" in text for text in report.warnings)


@pytest.mark.parametrize("name", ["config.yaml", "result.json", "scores.parquet"])
@pytest.mark.parametrize("damage", ["missing", "empty", "no text", "nested", "no end", "half", "a folder"])
def test_a_damaged_file_never_stops_the_others(name: str, damage: str, results: Path) -> None:
    bad = make_unit(results, "bad", seed=1)
    file, whole = bad / name, (bad / name).read_bytes()
    table = iqa_lab.results(results)  # which is kept, as between two reports
    assert set(table["architecture"]) == {"good", "bad"}
    contents = {"empty": b"", "no text": b"\xff\xfe\x00", "nested": b"[" * 5000, "no end": b"PAR1PAR1",
                "half": whole[: len(whole) // 2]}  # fmt: skip
    file.unlink()
    if damage == "a folder":
        file.mkdir()
    elif damage in contents:
        file.write_bytes(contents[damage])
    report = collected(results)
    assert "good" in set(report.table["architecture"])
    assert "bad" not in set(report.table["architecture"]) and any(bad.name in text for text in report.warnings)


def test_benchmarks_of_one_name_are_not_ranked_together(results: Path) -> None:
    make_unit(results, "good", digest="fedcba987654", seed=1)
    make_unit(results, "other", seed=2)
    report = collected(results)
    assert set(report.table["benchmark"]) == {"table.012345", "table.fedcba"}
    assert report.best.groupby("benchmark").size().to_dict() == {"table.012345": 2, "table.fedcba": 1}
    assert any("Units on table were scored on different pairs" in note for note in report.notes)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report of units with the worst names."""
    home = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IQA_LAB_DATA", str(home / "data"))
        everything = " ".join(HOSTILE)
        words = dict.fromkeys(("layer", "readout", "weights", "goal", "input"), everything.replace("\n", " "))
        names = (f"r{{}}{everything}", f"d{{}}{everything}", everything, "=cmd|' /C calc'!A0")
        facts = {"device": everything + "\ud800", "versions": {everything: everything}, "written": everything}
        for number in range(2):
            make_unit(home / "results", f"net{number}", seed=number, words=words, names=names, facts=facts)
        report = collect(home / "results", Study(everything, everything, command=everything))
        write_report(report, home / "report")
    assert len(report.units) == 2 and not [text for text in report.warnings if "left out" in text]
    return home / "report"


def test_names_of_others_are_text_on_the_page(hostile: Path) -> None:
    page = (hostile / "index.html").read_text(encoding="utf-8")
    blocks = scripts(page, "application/json")
    assert len(blocks) >= 6
    for name, block in blocks.items():
        json.loads(block)
        assert not set("<>&\u2028\u2029") & set(block), name
    assert "<!--<script>" in json.dumps(json.loads(blocks["s-1"])) and "could not be drawn" not in page
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "\u202e" not in page and "\u2028" not in page
    assert "<!--" not in markup and "<img src=x" not in markup and "<svg onload" not in markup
    assert page.count("<script") == page.count("</script>") == len(blocks) + 2 + 2  # two units, two scripts of ours


def test_a_page_of_the_worst_names_is_whole_in_a_browser(hostile: Path, tmp_path: Path) -> None:
    unit = re.findall(r'<script type="text/html" id="u-([^"]+)"', (hostile / "index.html").read_text())[0]
    for where in ("?all", f"?all#u={unit}"):
        address = (hostile / "index.html").as_uri() + where
        dom, printed = rendered(address, tmp_path / "profile", 15, "--enable-logging=stderr", "--v=0")
        body = re.search(r"<body[^>]*>", dom)
        assert body is not None and "data-errors" not in body[0], body
        states = re.findall(r'data-drawn="(\w+)"', dom)
        assert states and set(states) == {"done"}
        assert "Content Security Policy" not in printed and "Error" not in re.sub(r":ERROR:.*", "", printed)


def test_the_policy_of_the_page_names_its_own_scripts_and_styles(hostile: Path) -> None:
    page = (hostile / "index.html").read_text(encoding="utf-8")
    scripts_of_ours = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (said,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert said.replace("&#39;", "'") == policy(scripts_of_ours, styles)
    assert "default-src 'none'" in policy([], []) and "unsafe" not in said and "http" not in said
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_downloads_of_the_worst_names_hold_the_same_numbers(hostile: Path) -> None:
    table = pd.read_csv(hostile / "tables" / "correlations.csv")
    assert len(table) == 8 and table["srcc"].between(-1, 1).all() and table["n"].eq(40).all()
    assert (hostile / "tables" / "best.md").read_text().count("\n") == 2 + 2
    assert [path.name for path in hostile.parent.iterdir() if path.name not in ("report", "results")] == []


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1+1", "-", "+a", "-x"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    frame = pd.DataFrame({"layer": [text, "conv"], text: [1.0, -2.0]})
    back = pd.read_csv(io.StringIO(csv_table(frame)))
    shown = "'" + text.replace("\r", " ")
    assert back["layer"].tolist() == [shown, "conv"] and back.columns.tolist() == ["layer", shown]
    assert back.iloc[:, 1].tolist() == [1.0, -2.0]


def test_numbers_are_left_alone() -> None:
    frame = pd.DataFrame({"srcc": [-0.5, 1e-9], "n": [-3, 4], "text": ["-0.5", "+1e-3"], "yes": [True, False]})
    assert csv_table(frame) == frame.to_csv(index=False)


@pytest.mark.parametrize(
    ("text", "latex", "markdown"),
    [
        ("a_b", r"a\_b", r"a\_b"),
        ("50 % & more", r"50 \% \& more", r"50 % \& more"),
        ("\\x^2~", r"\textbackslash{}x\textasciicircum{}2\textasciitilde{}", r"\\x^2\~"),
        ("#{$}", r"\#\{\$\}", r"#{\$}"),
        ("a|*b*<i>", r"a\textbar{}*b*\textless{}i\textgreater{}", r"a\|\*b\*\<i\>"),
        ("[x](y)", "{}[x](y)", r"\[x\](y)"),
        ("two\n\nlines\x00", "two lines", "two lines"),
        ("*", "{}*", r"\*"),
    ],
)
def test_names_in_tables_for_papers(text: str, latex: str, markdown: str) -> None:
    frame = pd.DataFrame({text: [text], "srcc": [0.5]})
    assert latex_table(frame, text, text).count(f"{latex} & ") == 2  # the head and the row
    assert re.search(r"\\label\{[\w:.-]*\}", latex_table(frame, text, text))
    assert markdown_table(frame).splitlines() == [f"| {markdown} | srcc |", "|---|---:|", f"| {markdown} | .500 |"]


def test_an_island_holds_any_value() -> None:
    for value in (*HOSTILE, {"a": [HOSTILE, None, -0.5, "\ud800"]}):
        assert json.loads(str(island(value))) == json.loads(json.dumps(value))
        assert not set("<>&\u2028\u2029") & set(str(island(value)))


def pairs_file(folder: Path, prefix: str = "") -> Path:
    """A table of pairs with its images beside it."""
    folder.mkdir(parents=True)
    names = [f"{name}.png" for name in ("r", "d0", "d1")]
    for number, name in enumerate(names):
        Image.fromarray(picture(number, 16, 16)).save(folder / name)
    rows = [f"{prefix}{names[0]},{prefix}{name},{number}" for number, name in enumerate(names[1:])]
    (folder / "pairs.csv").write_text("\n".join(["reference,distorted,opinion", *rows]) + "\n")
    return folder / "pairs.csv"


def test_a_result_does_not_say_what_is_opened_or_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path / "data"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "hostile_module.py").write_text("open('hacked', 'w')\ndef load(config): open('called', 'w')\n")
    inside, outside = pairs_file(tmp_path / "data" / "mine"), pairs_file(tmp_path / "elsewhere")
    reaching = pairs_file(tmp_path / "data" / "reaching", "../../elsewhere/")
    foreign = Pictures()
    for changes in (
        {"family": "hostile_module.load"},
        {"family": "hostile_module.load", "path": str(inside)},
        {"family": "os.system", "path": "touch hacked"},
        {"path": str(outside)},
        {"path": "elsewhere/pairs.csv"},
        {"path": f"{tmp_path}/data/../elsewhere/pairs.csv"},
        {"path": str(reaching)},
        {"path": "/etc/passwd"},
        {"path": "nul\x00"},
        {"path": ""},
        {"name": "levels", "family": "levels", "folder": "../made"},
        {"name": "levels", "family": "levels", "path": str(tmp_path / "data" / "made")},
        {"name": "tid2013", "family": "tid", "folder": "../elsewhere"},
    ):
        assert foreign.of(table_benchmark(**changes)) == {}, changes
    assert not (tmp_path / "hacked").exists() and not (tmp_path / "called").exists()
    assert "hostile_module" not in sys.modules
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "elsewhere", "hostile_module.py"]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["mine", "reaching"]
    named = foreign.of(table_benchmark(path=str(inside)))
    assert named["d1.png"] == str(inside.parent / "d1.png") and foreign.name(named["d1.png"]) == "p0"
    own = table_benchmark(path=str(outside))
    assert set(Pictures([own]).of(own)) == {"r.png", "d0.png", "d1.png"}  # the user's own configuration says so


def test_of_a_shipped_benchmark_nothing_but_its_name_is_taken() -> None:
    known = known_benchmark(table_benchmark(name="tid2013", family="os.system", folder="..", opinions="/etc/passwd"))
    assert known is not None and (known.family, known.folder, known.path) == ("tid", "tid2013", None)


def before(folder: Path) -> Path:
    """A folder with an earlier report."""
    (folder / "figures").mkdir(parents=True)
    (folder / "index.html").write_text("the earlier page")
    (folder / "figures" / "mine.png").write_text("somebody's own")
    return folder


def write_files(folder: Path, error: BaseException | None = None) -> None:
    with all_or_none(folder, "index.html") as new:
        for name in ("figures/a.png", "tables/best.csv", "index.html"):
            (new / name).parent.mkdir(exist_ok=True)
            (new / name).write_text("new")
        if error is not None:
            raise error


def listing(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_an_earlier_report_made_goes_and_what_is_anybody_elses_stays(tmp_path: Path) -> None:
    """A figure that is not made any more would be taken for one of the new page."""
    folder = tmp_path / "report"
    outside = tmp_path / "outside.png"

    def write(*names: str) -> None:
        with all_or_none(folder, "index.html", alone=True) as new:
            for name in ("index.html", *names):
                (new / name).parent.mkdir(exist_ok=True)
                (new / name).write_text(name)

    write("figures/a.png", "figures/b.png", "tables/a.csv")
    (folder / "figures" / "mine.png").write_text("mine")
    (folder / "figures" / "b.png").write_text("changed by somebody")
    write("tables/b.csv")
    assert {*listing(folder)} == {"index.html", "tables/b.csv", "figures/b.png", "figures/mine.png", MADE}
    write("tables/c.csv")
    assert "tables/b.csv" not in listing(folder) and "figures/b.png" in listing(folder)
    outside.write_text("x")  # whoever hands on a report can write whatever they like into it
    digest = hashlib.sha256(b"x").hexdigest()
    for made in (json.dumps({"../outside.png": digest, str(outside): digest, "": digest}), "[1]", "{", "[" * 10**5):
        (folder / MADE).write_text(made)
        write("tables/c.csv")
    assert outside.exists()


@pytest.mark.parametrize("what", ["a file", "below a file", "figures is a file", "a folder in its place", "the device"])
def test_a_place_that_cannot_be_written_is_one_line(what: str, tmp_path: Path) -> None:
    folder = before(tmp_path / "report")
    if what == "a file":
        folder = folder / "index.html"
    elif what == "below a file":
        folder = folder / "index.html" / "x"
    elif what == "the device":
        folder = Path("/dev/null/x")
    elif what == "figures is a file":
        shutil.rmtree(folder / "figures")
        (folder / "figures").write_text("a file")
    else:
        (folder / "tables" / "best.csv").mkdir(parents=True)
    earlier = listing(tmp_path)
    with pytest.raises(UserError, match="cannot write to") as refused:
        write_files(folder)
    assert "\n" not in str(refused.value) and listing(tmp_path) == earlier


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt(), UserError("x")]
)
def test_nothing_is_half_written(error: BaseException, tmp_path: Path) -> None:
    """A full disk, Ctrl-C, whatever else: the earlier report is there as it was."""
    folder = before(tmp_path / "report")
    earlier = listing(folder)
    with pytest.raises((UserError, KeyboardInterrupt)):
        write_files(folder, error)
    assert listing(folder) == earlier and not list(folder.glob(".unfinished*"))
    write_files(folder)
    new = dict.fromkeys(("figures/a.png", "tables/best.csv", "index.html"), "new")
    assert listing(folder) == earlier | new


def test_the_page_names_what_is_left_out(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iqa_lab.report.collect.comparing_figures", comparing_figures)
    monkeypatch.setattr("iqa_lab.report.collect.unit_page", unit_page)
    without_drawing(monkeypatch)
    bad = make_unit(results, "bad", config=benchmark_of(description="${oc.env:READERS_SECRET}"))
    damaged, scored = make_unit(results, "damaged"), make_unit(results, "scored")
    (damaged / "result.json").write_text("{")
    read = UnitFolder.read_result
    monkeypatch.setattr(UnitFolder, "read_result", lambda unit: (read(unit) or {}) | {"state": "scored"}
                        if unit.folder == scored else read(unit))  # fmt: skip
    (scored / "correlations.csv").unlink()
    page = write_report(collected(results), Path("out"))
    text = page.read_text(encoding="utf-8")
    for left_out in (damaged, scored):  # of which no row was ever read
        assert re.search(rf'<p class="warning">left out: [^<]*{left_out.name}', text)
    assert SECRET not in text and re.search(rf'<p class="warning">left out: [^<]*{bad.name}', text)
