"""A report as one HTML page that needs no network, with its figures and tables as files beside it."""

import base64
import gzip
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from iqa_lab.config import cache_folder
from iqa_lab.explain.policy import policy
from iqa_lab.folders import in_one_step
from iqa_lab.progress import track
from iqa_lab.report.collect import Report
from iqa_lab.report.figures.common import printable, save, specification
from iqa_lab.report.names import told_apart
from iqa_lab.report.tables import csv_table, latex_table, markdown_table, paper_table
from iqa_lab.report.units import UnitPage
from iqa_lab.statistics.direction import by_goodness, is_low_good
from iqa_lab.store.digits import three_digits
from iqa_lab.store.made import all_or_none

# of the table of networks on the page, and of best.csv: what is held out first, then the best column
_HEADLINE = [f"{name}_{part}" for name in ("rms_db", "srcc", "agreement")
             for part in ("heldout", "heldout_low", "heldout_high", "best")]  # fmt: skip
COLUMNS = [
    "benchmark", "goal", "dataset", "architecture", "weights", "initialised_from", *_HEADLINE, "columns", "readout",
    "layer", "depth", "n", "plcc_logistic", "krcc", "rmse", "outlier_ratio", "srcc_within_distortion",
]  # fmt: skip
# of the table over benchmarks
ACROSS = ["goal", "dataset", "architecture", "weights", "readout", "srcc_mean", "srcc_mean_low", "srcc_mean_high",
          "columns"]  # fmt: skip
LARGE = 2**20  # bytes of a download from which on it is compressed
UNIT_COLUMNS = [
    "readout", "layer", "depth", "rms_db", "rms_db_low", "rms_db_high", "srcc", "srcc_low", "srcc_high",
    "plcc_logistic", "krcc", "agreement", "agreement_low", "agreement_high", "plcc", "srcc_within_group", "slope",
    "slopes_outside", "censored",
]  # fmt: skip


def write_report(report: Report, folder: Path) -> Path:
    """``index.html`` in the folder, with ``figures/`` (PNG, SVG, PDF) and ``tables/`` (CSV, Markdown, LaTeX) beside it.

    The page is self-contained: data, scripts, images and downloads are all in it. Figures and tables of an earlier
    report that this one does not have go.

    Raises:
        UserError: the folder cannot be written; then it is as it was.
    """
    with all_or_none(folder, last="index.html", alone=True) as unfinished:
        downloads = _write_tables(report, unfinished / "tables")
        figures, undrawn = _write_figures(report, unfinished / "figures")
        page = _page(report, figures, undrawn, downloads)
        (unfinished / "index.html").write_bytes(as_bytes(page))
    return folder / "index.html"


def _page(report: Report, figures: Sequence[Any], undrawn: Sequence[str], downloads: Sequence[Any]) -> str:
    environment = Environment(
        loader=PackageLoader("iqa_lab.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )  # fmt: skip
    environment.filters["island"] = island
    style, script = ((files("iqa_lab.report") / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    vega = _vega()
    ranked = _ranked(report.best)
    ids = told_apart(printable(page.unit.replace("/", "--")) for page in report.units)
    return environment.get_template("page.html").render(
        policy=policy([vega, script], [style]),
        style=style,
        vega=vega,
        script=script,
        title=report.study.name,
        question=report.study.question,
        claims=report.claims.to_dict("records"),
        registered=report.study.registered if len(report.claims) else "",
        figures=figures,
        pooled=_over_benchmarks(report.contrasts),
        across=_records(report.across, _filled(report.across, [*ACROSS])),
        on_across=report.on_across,
        disagreements=report.disagreements,
        beside_floor=_beside_floor(report.contrasts),
        controlled=report.controlled.table.to_dict("records"),
        floors=report.controlled.sentences(),
        best=_records(ranked, [*_filled(ranked, COLUMNS), "unit"]),
        anchors=_records(report.anchors, report.anchors.columns.tolist()),
        ids={page.unit: name for page, name in zip(report.units, ids, strict=True)},
        units=[_unit(page, name) for page, name in zip(report.units, ids, strict=True)],
        pictures=report.pictures,
        made=report.made,
        warnings=[*report.warnings, *undrawn],
        notes=report.notes,
        downloads=downloads,
        number=_number,
    )


def _over_benchmarks(contrasts: pd.DataFrame) -> list[dict[str, Any]]:
    """Contrasts that were found on several benchmarks, with their meta-analysis."""
    if contrasts.empty:
        return []
    several = contrasts[contrasts["meta_benchmarks"] > 1]
    return [{str(key): value for key, value in row.items()} for row in several.to_dict("records")]


def _beside_floor(contrasts: pd.DataFrame) -> list[dict[str, Any]]:
    """Contrasts whose noise floor is known."""
    if contrasts.empty or "floor_sd" not in contrasts:
        return []
    return [
        {str(key): value for key, value in row.items()}
        for row in contrasts[contrasts["floor_sd"].notna()].to_dict("records")
    ]


def island(value: Any) -> Markup:
    r"""A value as JSON that cannot end the script element that it stands in, nor begin another.

    >>> print(island({"name": "<!--<script>&"}))
    {"name":"\u003c!--\u003cscript\u003e\u0026"}
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII: no U+2028, which ends a line of script
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def as_bytes(text: str) -> bytes:
    """Text as UTF-8; halves of characters, which damaged files may hold, as question marks."""
    return text.encode("utf-8", errors="replace")


def _write_figures(report: Report, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The figures as files; returns what the page shows of them, and which could not be drawn."""
    shown, undrawn = [], []
    for figure in track(report.figures, "drawing figures"):
        try:
            _, _, pdf = save(figure.chart, folder, figure.name)
        except ValueError as error:
            undrawn.append(f"the figure {figure.name} could not be drawn: {' '.join(str(error).split())[:120]}")
            continue
        drawn = specification(figure.chart)
        address = "data:application/pdf;base64," + base64.b64encode(pdf.read_bytes()).decode("ascii")
        shown.append({"name": figure.name, "spec": drawn, "pdf": address,
                      "title": drawn["title"]["text"]})  # fmt: skip
    return shown, undrawn


def _write_tables(report: Report, folder: Path) -> list[dict[str, str]]:
    """The tables as files; returns what the page offers for download."""
    folder.mkdir(parents=True)
    best = _ranked(report.best)[_filled(report.best, COLUMNS)]
    texts = {
        "correlations.csv": csv_table(report.table),
        "best.csv": csv_table(best),
    }
    for number, (statistic, paper) in enumerate(_paper_tables(_ranked(report.best)).items()):
        end, low = f"_{statistic}" if number else "", is_low_good(statistic)
        texts[f"best{end}.md"] = markdown_table(paper)
        texts[f"best{end}.tex"] = latex_table(
            paper, report.study.question, f"tab:{report.study.name}{end}", low_is_good=low
        )
    if len(report.across):
        mean = paper_table(report.across, "srcc_mean", also=["readout"])
        texts["over_benchmarks.csv"] = csv_table(report.across)
        texts["over_benchmarks.md"] = markdown_table(mean)
        texts["over_benchmarks.tex"] = latex_table(mean, " ".join(report.on_across[:1]), "tab:over-benchmarks")
    if len(report.claims):
        texts["claims.csv"] = csv_table(report.claims)
    if len(report.contrasts):
        texts["contrasts.csv"] = csv_table(report.contrasts)
    if len(report.controlled.table):
        texts["controlled.csv"] = csv_table(report.controlled.table)
    if len(report.controlled.cells):
        texts["replicates.csv"] = csv_table(report.controlled.cells)
    if len(report.anchors):
        texts["published.csv"] = csv_table(report.anchors)
    contents = {name: as_bytes(text) for name, text in texts.items()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [download(name, content) for name, content in contents.items()]


def _paper_tables(best: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What a paper prints of the networks, by the statistic: of thresholds, of opinions, of choices."""
    found = {}
    for statistic in ("rms_db", "srcc", "agreement"):
        rows = best[best[f"{statistic}_best"].notna()] if f"{statistic}_best" in best else best.head(0)
        if rows.empty:
            continue
        how = "heldout" if rows[f"{statistic}_heldout"].notna().any() else "best"
        ends = {f"{statistic}_best{end}": float("nan") for end in ("_low", "_high")}
        found[statistic] = paper_table(rows.assign(**ends), f"{statistic}_{how}", among="benchmark")
    return found


def download(name: str, content: bytes) -> dict[str, str]:
    """A file inside the page; a large one compressed, which pandas opens as well."""
    kinds = {"csv": "text/csv", "md": "text/markdown", "tex": "application/x-tex", "gz": "application/gzip"}
    if len(content) > LARGE:
        name, content = f"{name}.gz", gzip.compress(content, mtime=0)
    address = f"data:{kinds[name.rpartition('.')[2]]};base64,{base64.b64encode(content).decode('ascii')}"
    return {"name": name, "address": address}


def _ranked(best: pd.DataFrame) -> pd.DataFrame:
    by = [name for name in _HEADLINE if name in best and not name.endswith(("_low", "_high"))]
    return best.sort_values(["benchmark", *by], ascending=[True, *(is_low_good(name) for name in by)])


def _filled(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns that are not empty."""
    return [name for name in names if name in table and (table[name].notna() & table[name].ne("")).any()]


def _unit(page: UnitPage, name: str) -> dict[str, Any]:
    columns = _filled(page.table, UNIT_COLUMNS)
    by = next((name for name in ("rms_db", "srcc", "agreement") if name in columns), columns[0])
    return {
        "id": name,
        "unit": page.unit,
        "title": page.title,
        "facts": page.facts,
        "columns": columns,
        "rows": _records(by_goodness(page.table, by), columns),
        "charts": {printable(name): specification(chart) for name, chart in page.charts.items()},
        "missed": [vars(entry) for entry in page.missed],
        "missed_of": page.missed_of,
    }


def _records(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.filter(list(columns)).to_dict("records")]


def _number(value: Any) -> str:
    """A value as a reader wants it: three digits between -1 and 1, no more elsewhere.

    >>> _number(0.71234), _number(-0.5), _number(3000), _number(float("nan")), _number("lpips"), _number(True)
    ('.712', '-.500', '3,000', '', 'lpips', 'yes')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 2):
        return f"{int(value):,}"
    return three_digits(value)


# vl_convert's own snippet, which its type annotations do not know to be the default
_GLOBALS = "window.vegaEmbed = vegaEmbed;"


def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; it takes seconds to bundle, so it is kept."""
    kept = cache_folder() / f"vega-{version('vl-convert-python')}.js"
    try:
        bundle = kept.read_text(encoding="utf-8")
    except (OSError, ValueError):
        bundle = str(vl_convert.javascript_bundle(snippet=_GLOBALS)).replace("</script", "<\\/script")
        with suppress(OSError), in_one_step(kept) as unfinished:  # else it is bundled anew next time
            unfinished.write_text(bundle, encoding="utf-8")
    return f"(() => {{ {bundle} }})();"
