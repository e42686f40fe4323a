"""The page of the smallest study: whole, self-contained, and right in a real browser."""

import base64
import gzip
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import iqa_lab as package
from iqa_lab.config import ReadoutConfig
from iqa_lab.report.collect import collect
from iqa_lab.report.finished import read_units
from iqa_lab.report.page import download
from iqa_lab.report.study import EVERYTHING, Study
from iqa_lab.report.tables import latex_table, markdown_table, paper_table
from tests.browser import rendered
from tests.conftest import Finished, noisy, picture
from tests.report.conftest import FEWER

FRAME = """<!DOCTYPE html><iframe src="{address}" width="{width}" height="{height}"></iframe><script>
setTimeout(() => {{
  const page = document.querySelector("iframe").contentDocument.documentElement.outerHTML;
  document.documentElement.innerHTML = page;
}}, 9000);
</script>"""


# A window whose width changes at some times, in ms. A headless browser makes few frames, and says so with the next one
# only, so the page is told at once.
RESIZED = """<!DOCTYPE html><iframe src="{address}" width="{width}" height="900"></iframe><script>
const frame = document.querySelector("iframe");
for (const [time, width] of {steps}) setTimeout(() => {{
  frame.width = width;
  frame.contentWindow.dispatchEvent(new Event("resize"));
}}, time);
setTimeout(() => {{
  const charts = frame.contentDocument.querySelectorAll(".chart");
  document.body.dataset.found = JSON.stringify([...charts].map(place => ({{
    drawn: place.dataset.drawn, room: Number(place.dataset.room), now: place.clientWidth - 52,
    svg: Number(place.querySelector("svg").getAttribute("width")), pictures: place.querySelectorAll("svg.marks").length,
    errors: frame.contentDocument.body.dataset.errors || "",
  }})));
}}, 15000);
</script>"""


@pytest.fixture(scope="module")
def page(quick: Path) -> str:
    return (quick / "reports" / "quick" / "index.html").read_text(encoding="utf-8")


def scripts(page: str, kind: str) -> dict[str, str]:
    """The JSON blocks of the page by their ids."""
    return dict(re.findall(rf'<script type="{kind}" id="([^"]+)">(.*?)</script>', page, re.DOTALL))


def test_the_page_answers_the_question_of_the_study(page: str) -> None:
    assert "<h1>Does all of it work, from a sweep to its report?" in page
    for claim in ("squeezenet1_1 &gt; alexnet", "untrained &gt; baseline/psnr", "trend(depth) &gt; 0"):
        assert claim in page
    assert len(re.findall(r'class="verdict (supported|contradicted|undecided)"', page)) == 3
    assert "Claims: registered on " in page and "before the first unit" in page
    assert "no human judgement" in page and "3 units: 2 networks, 1 benchmark," in page
    assert "iqa-lab sweep experiment=quick" in page and "torch 2" in page


def test_the_page_needs_no_network(page: str) -> None:
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', without_scripts)
    assert not re.search(r"<link|@import|url\(", without_scripts)


def test_all_data_on_the_page_are_json(page: str) -> None:
    blocks = scripts(page, "application/json")
    specifications = [name for name in blocks if name.startswith("s-")]
    assert len(specifications) >= 8
    for name in specifications:
        assert json.loads(blocks[name])["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    pictures = json.loads(blocks["pictures"])
    assert pictures and all(base64.b64decode(picture)[:3] == b"\xff\xd8\xff" for picture in pictures.values())


def test_pairs_that_are_predicted_worst_are_shown_as_images(page: str) -> None:
    shown = list(scripts(page, "text/html").items())
    assert len(shown) == 3
    for _, section in shown:
        pictures = json.loads(scripts(page, "application/json")["pictures"])
        used = re.findall(r'data-picture="([^"]+)"', section)
        assert len(used) == 12 and set(used) <= set(pictures)
        assert section.count("people find it better") == 1 and section.count("people find it worse") == 1


def test_pairs_on_which_the_best_disagree_are_shown_as_images(page: str) -> None:
    section = page.partition('<section id="disagree">')[2].partition("</section>")[0]
    pictures = json.loads(scripts(page, "application/json")["pictures"])
    used = re.findall(r'data-picture="([^"]+)"', section)
    assert used and set(used) <= set(pictures) and len(used) == 4 * section.count('class="pair"')
    assert "A: " in section and "B: psnr" in section and "sees no difference" in section


def test_downloads_are_the_tables(page: str, quick: Path) -> None:
    found = dict(re.findall(r'<a download="([^"]+\.(?:csv|md|tex))" href="data:[^,]*;base64,([^"]+)"', page))
    names = {"correlations.csv", "best.csv", "best.md", "best.tex", "claims.csv", "contrasts.csv"}
    assert set(found) == names
    for name, content in found.items():
        assert base64.b64decode(content) == (quick / "reports" / "quick" / "tables" / name).read_bytes()
    units = pd.read_csv(quick / "reports" / "quick" / "tables" / "correlations.csv")
    parts = [pd.read_csv(file) for file in (quick / "results").glob("levels/*/*/correlations.csv")]
    assert len(units) == sum(map(len, parts)) and units["unit"].nunique() == 3


def test_a_large_download_is_compressed() -> None:
    content = b"a,b\n" * 2**19
    large = download("correlations.csv", content)
    assert large["name"] == "correlations.csv.gz" and len(large["address"]) < 10_000
    assert gzip.decompress(base64.b64decode(large["address"].partition("base64,")[2])) == content
    assert download("best.csv", b"a,b\n")["name"] == "best.csv"


def test_figures_lie_beside_the_page(quick: Path) -> None:
    folder = quick / "reports" / "quick" / "figures"
    names = {file.stem for file in folder.iterdir()}
    assert {"levels_ranking", "levels_depth_plain", "levels_grid", "levels_readouts"} <= names
    assert all((folder / f"{name}.{kind}").stat().st_size > 500 for name in names for kind in ("png", "svg", "pdf"))


@pytest.mark.parametrize(("width", "height"), [(1100, 900), (390, 800)], ids=["desktop", "phone"])
def test_in_a_browser(quick: Path, tmp_path: Path, width: int, height: int) -> None:
    """No error, every figure drawn, nothing wider than the window; also on the page of a unit."""
    file = (quick / "reports" / "quick" / "index.html").as_uri()
    unit = next((quick / "results").glob("levels/untrained-*/*")).relative_to(quick / "results")
    for number, address in enumerate((f"{file}?all", f"{file}?all#u={str(unit).replace('/', '--')}")):
        # a window cannot be as narrow as a phone, a frame in it can
        frame = tmp_path / f"frame{number}.html"
        frame.write_text(FRAME.format(address=address, width=width, height=height))
        flags = ("--allow-file-access-from-files", "--window-size=1200,1000")
        dom, _ = rendered(frame.as_uri(), tmp_path / "profile", 25, *flags)
        body = re.search(r"<body[^>]*>", dom)
        assert body is not None and "data-errors" not in body[0], unescape(body[0] if body else dom[:500])
        measured = re.search(r'data-wide="(\d+)" data-window="(\d+)"', body[0])
        assert measured is not None and int(measured[1]) <= int(measured[2])
        states = re.findall(r'data-drawn="(\w+)"', dom)
        assert states and set(states) == {"done"}


@pytest.mark.parametrize(
    ("first", "steps"),
    [
        (1100, [(7000, 390)]),
        (390, [(7000, 1100)]),
        (1100, [(7000, 390), (7160, 1100), (7330, 700)]),  # again while it is drawn
    ],
    ids=["narrower", "wider", "several-times"],
)
def test_figures_are_drawn_anew_for_another_width(
    quick: Path, tmp_path: Path, first: int, steps: list[tuple[int, int]]
) -> None:
    address = (quick / "reports" / "quick" / "index.html").as_uri()
    frame = tmp_path / "frame.html"
    frame.write_text(RESIZED.format(address=f"{address}?all", width=first, steps=json.dumps(steps)))
    flags = ("--allow-file-access-from-files", "--window-size=1200,1000")
    dom, _ = rendered(frame.as_uri(), tmp_path / "profile", 25, *flags)
    found = re.search(r'data-found="([^"]+)"', dom)
    assert found is not None, dom[:500]
    charts = json.loads(unescape(found[1]))
    last = steps[-1][1]
    assert charts and all(chart["drawn"] == "done" and not chart["errors"] for chart in charts), charts
    # for the room that there is now, which is the window's but for borders; once each, the earlier one is gone
    assert all(chart["room"] == chart["now"] and last - 120 < chart["now"] < last for chart in charts), charts
    assert all(chart["pictures"] == 1 for chart in charts), charts
    assert any(chart["svg"] == chart["room"] for chart in charts), charts


def test_networks_are_compared_by_what_was_asked_of_all_of_them(quick: Path, iqa_lab: Callable[..., Finished]) -> None:
    """A unit has grown by a readout that the study did not ask for, and that the other network does not have."""
    shutil.copytree(quick / "results", "results")
    (config,) = Path("results").glob("levels/untrained-none-squeezenet1_1/*/config.yaml")
    references = "[coffee.png,rocket.png,chelsea.png]"
    grown = iqa_lab("run", "goal=untrained", "dataset=none", "architecture=squeezenet1_1", "readout=[plain,manhattan]",
                    "layers=[0,1]", f"benchmark.references={references}", FEWER, "tracker=none")  # fmt: skip
    assert grown.code == 0 and len(list(config.parent.parent.iterdir())) == 1, grown.err
    table = package.results("results")
    readouts = {name: ReadoutConfig(name, "", layers="all", tokens="patch", concat=[]) for name in ("plain", "mean")}
    study = collect(Path("results"), Study("quick", "?", units=dict.fromkeys(table["unit"].unique(), readouts)))
    assert set(study.table["readout"]) == {"plain", "mean", "psnr"} and not any("some have" in n for n in study.notes)
    everything = collect(Path("results"), Study("results", EVERYTHING))
    assert "manhattan" in set(everything.table["readout"])
    assert "manhattan" not in set(everything.best["readout"]) and len(everything.best) == 3
    assert any("what only some have (manhattan) is in the" in note for note in everything.notes)


def test_the_layers_that_a_study_asks_for_are_those_that_it_shows(quick: Path) -> None:
    table = package.results(quick / "results")
    units, unreadable = read_units(quick / "results", table)
    assert not unreadable
    unit = next(unit for name, unit in units.items() if "alexnet" in name)
    plain = ReadoutConfig(
        function="plain", formula="", combine="euclidean", layers={"last": 2}, concat=[], tokens="patch"
    )
    last = unit.asked({"plain": plain}).table
    assert last["layer"].tolist() == ["pixels", *unit.result["layers"][-2:]] and set(last["readout"]) == {"plain"}
    earlier = replace(unit, result={key: value for key, value in unit.result.items() if key != "layers"})
    assert len(earlier.asked({"plain": plain}).table) == 1 + len(unit.result["layers"])  # their layers are not known


def test_a_report_of_choices_between_images(iqa_lab: Callable[..., Finished]) -> None:
    """Where people chose there is no correlation: agreement is ranked, drawn and listed in its place."""
    lines = ["reference,left,right,preference"]
    for number in range(6):
        clean = picture(number, 48, 64)
        Image.fromarray(clean).save(f"r{number}.png")
        for side, sigma in (("a", 5), ("b", 30)):
            Image.fromarray(noisy(clean, number, sigma)).save(f"r{number}{side}.png")
        lines.append(f"r{number}.png,r{number}a.png,r{number}b.png,{0.2 if number < 5 else 0.7}")
    Path("choices.csv").write_text("\n".join(lines) + "\n")
    swept = iqa_lab("sweep", "goal=baseline,untrained", "dataset=none", "architecture=psnr,squeezenet1_1",
                    "benchmark=table", "benchmark.protocol=2afc", "benchmark.path=choices.csv", "readout=plain,mean",
                    "statistics.resamples=50", "tracker=none")  # fmt: skip
    assert swept.code == 0, swept.err
    done = iqa_lab("report", "results")
    assert done.code == 0, done.err
    folder = Path("reports/results")
    best = pd.read_csv(folder / "tables" / "best.csv")
    assert (
        len(best) == 2 and best["agreement_best"].between(0, 1).all() and not {"srcc_best", "agreement_low"} & set(best)
    )
    assert best["agreement_heldout"].between(0, 1).all() and best["agreement_heldout"].is_monotonic_decreasing
    assert (best["agreement_heldout_low"] <= best["agreement_heldout_high"]).all()
    assert "agreement with people's choices" in (folder / "figures" / "table_ranking.svg").read_text()
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count('type="text/html"') == 2 and '<th class="n" tabindex="0">agreement_heldout</th>' in page


def test_a_report_of_nothing(iqa_lab: Callable[..., Finished], tmp_path: Path) -> None:
    nothing = iqa_lab("report", str(tmp_path / "nowhere"))
    assert nothing.code == 2 and "there are no results in" in nothing.error_line
    (tmp_path / "empty").mkdir()
    empty = iqa_lab("report", str(tmp_path / "empty"))
    assert empty.code == 2 and "there are no finished units" in empty.error_line
    broken = tmp_path / "empty" / "levels" / "cell" / "unit"
    broken.mkdir(parents=True)
    (broken / "correlations.csv").write_text("benchmark,goal,dataset,architecture,weights,layer,readout,n,srcc\n"
                                             "levels,g,d,a,w,l,plain,9,0.5\n")  # fmt: skip
    (broken / "result.json").write_text('{ "state": "done", "columns": {}}')
    (broken / "config.yaml").write_text("colour: red\n")
    old = iqa_lab("report", str(tmp_path / "empty"))
    assert old.code == 2 and "there are no finished units" in old.error_line and "of another version" in old.err
    unknown = iqa_lab("report", "experiment=quik")
    assert unknown.code == 2 and "quick" in unknown.error_line


def test_tables_for_papers() -> None:
    frame = pd.DataFrame({"architecture": ["a_b", "c"], "srcc": [0.7123, float("nan")], "bold": [True, False]})
    assert markdown_table(frame).splitlines()[2:] == ["| a\\_b | **.712** |", "| c | -- |"]
    latex = latex_table(frame, "50 % & more", "tab:x")
    assert r"a\_b & \textbf{.712} \\" in latex
    assert r"\caption{50 \% \& more. Bold: its interval lies above those of all other rows.}" in latex
    assert latex.count("&") == 3 + 1


def networks(*intervals: tuple[float, float, float], value: str = "srcc_heldout") -> pd.DataFrame:
    """One row a network with a value and its interval."""
    names = [value, f"{value}_low", f"{value}_high"]
    rows = pd.DataFrame(intervals, columns=names)
    return rows.assign(benchmark="b", goal="g", dataset="d", architecture=[f"a{n}" for n in range(len(rows))],
                       weights="w", confidence=0.95)  # fmt: skip


NAN = float("nan")


@pytest.mark.parametrize(
    ("rows", "bold"),
    [
        (networks((0.9, 0.85, 0.95), (0.8, 0.75, 0.84)), [True, False]),
        (networks((0.9, 0.85, 0.95), (0.8, 0.75, 0.86)), [False, False]),  # they overlap
        (networks((0.8, 0.75, 0.84), (0.9, 0.85, 0.95), (0.1, 0.0, 0.2)), [False, True, False]),
        (networks((0.9, NAN, NAN), (0.8, 0.75, 0.84)), [False, False]),  # the highest has no interval
        (networks((0.9, 0.85, 0.95), (0.8, NAN, NAN)), [False, False]),
        (networks((0.9, 0.85, 0.95)), [False]),  # higher than nothing
        (networks((0.9, 0.9, 0.9), (0.9, 0.9, 0.9)), [False, False]),
        (networks((2.0, 1.5, 2.4), (3.0, 2.5, 3.5), value="rms_db_heldout"), [True, False]),  # low is good
        (networks((2.0, 1.5, 2.6), (3.0, 2.5, 3.5), value="rms_db_heldout"), [False, False]),
    ],
)
def test_bold_is_what_an_interval_says(rows: pd.DataFrame, bold: list[bool]) -> None:
    value = next(name for name in rows if name.endswith("_heldout"))
    table = paper_table(rows, value, among="benchmark")
    assert table["bold"].tolist() == bold
    assert table.columns[-2].endswith("held out [95 %]") and len(table.columns) <= 4


def test_networks_of_another_benchmark_take_no_bold_away() -> None:
    rows = pd.concat(
        [networks((0.9, 0.85, 0.95), (0.8, 0.75, 0.84)), networks((0.99, 0.98, 1.0)).assign(benchmark="c")]
    )
    assert paper_table(rows.reset_index(drop=True), "srcc_heldout", among="benchmark")["bold"].tolist() == [
        True, False, False,
    ]  # fmt: skip
