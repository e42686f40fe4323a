"""A report as one HTML page that needs no network, with its figures and tables as files beside it."""

import base64
import gzip
import json
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined

from iqa_lab.config import cache_folder
from iqa_lab.progress import track
from iqa_lab.report.collect import Report
from iqa_lab.report.figures.common import Chart, save
from iqa_lab.report.tables import latex_table, markdown_table
from iqa_lab.store.show import three_digits

# of the table of best columns on the page, and in papers
COLUMNS = [
    "benchmark", "goal", "dataset", "architecture", "weights", "readout", "layer", "depth", "n", "srcc", "srcc_low",
    "srcc_high", "plcc_logistic", "krcc", "rmse", "outlier_ratio", "srcc_within_distortion",
    "agreement", "agreement_low", "agreement_high",
]  # fmt: skip
LARGE = 2**20  # bytes of a download from which on it is compressed
UNIT_COLUMNS = [
    "readout", "layer", "depth", "srcc", "srcc_low", "srcc_high", "plcc_logistic", "krcc",
    "agreement", "agreement_low", "agreement_high",
]  # fmt: skip


def write_report(report: Report, folder: Path) -> Path:
    """``index.html`` in the folder, with ``figures/`` (PNG, SVG, PDF) and ``tables/`` (CSV, Markdown, LaTeX) beside it.

    The page is self-contained: data, scripts, images and downloads are all in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    downloads = _write_tables(report, folder / "tables")
    shown = []
    for figure in track(report.figures, "drawing figures"):
        _, _, pdf = save(figure.chart, folder / "figures", figure.name)
        specification = _specification(figure.chart)
        address = "data:application/pdf;base64," + base64.b64encode(pdf.read_bytes()).decode("ascii")
        shown.append({"name": figure.name, "spec": specification, "pdf": address,
                      "title": json.loads(specification)["title"]["text"]})  # fmt: skip
    ranked = _ranked(report.best)
    environment = Environment(
        loader=PackageLoader("iqa_lab.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("page.html").render(
        title=report.study.name,
        question=report.study.question,
        claims=report.claims.to_dict("records"),
        figures=shown,
        best=_records(ranked, [*_filled(ranked, COLUMNS), "unit"]),
        anchors=_records(report.anchors, report.anchors.columns.tolist()),
        units=[_unit(page) for page in report.units],
        pictures=report.pictures,
        made=report.made,
        warnings=report.warnings,
        notes=report.notes,
        downloads=downloads,
        vega=_vega(),
        number=_number,
    )
    path = folder / "index.html"
    unfinished = folder / ".unfinished-index.html"
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    return path


def _write_tables(report: Report, folder: Path) -> list[dict[str, str]]:
    """The tables as files; returns what the page offers for download."""
    folder.mkdir(parents=True, exist_ok=True)
    best = _ranked(report.best)[_filled(report.best, COLUMNS)]
    files = {
        "correlations.csv": report.table.to_csv(index=False),
        "best.csv": best.to_csv(index=False),
        "best.md": markdown_table(best),
        "best.tex": latex_table(best, caption=report.study.question, label=f"tab:{report.study.name}"),
    }
    if len(report.claims):
        files["claims.csv"] = report.claims.to_csv(index=False)
    if len(report.anchors):
        files["published.csv"] = report.anchors.to_csv(index=False)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [download(name, text.encode()) for name, text in files.items()]


def download(name: str, content: bytes) -> dict[str, str]:
    """A file inside the page; a large one compressed, which pandas opens as well."""
    kinds = {"csv": "text/csv", "md": "text/markdown", "tex": "application/x-tex", "gz": "application/gzip"}
    if len(content) > LARGE:
        name, content = f"{name}.gz", gzip.compress(content, mtime=0)
    address = f"data:{kinds[name.rpartition('.')[2]]};base64,{base64.b64encode(content).decode('ascii')}"
    return {"name": name, "address": address}


def _ranked(best: pd.DataFrame) -> pd.DataFrame:
    by = [name for name in ("srcc", "agreement") if name in best]
    return best.sort_values(["benchmark", *by], ascending=[True, *(False for _ in by)])


def _filled(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the columns that say something."""
    return [name for name in names if name in table and table[name].notna().any()]


def _unit(page: Any) -> dict[str, Any]:
    columns = _filled(page.table, UNIT_COLUMNS)
    by = next((name for name in ("srcc", "agreement") if name in columns), columns[0])
    return {
        "id": page.unit.replace("/", "--"),
        "unit": page.unit,
        "title": page.title,
        "facts": page.facts,
        "columns": columns,
        "rows": _records(page.table.sort_values(by, ascending=False), columns),
        "charts": {name: _specification(chart) for name, chart in page.charts.items()},
        "missed": [vars(entry) for entry in page.missed],
        "missed_of": page.missed_of,
    }


def _specification(chart: Chart) -> str:
    """The chart as JSON, to stand in a script element."""
    with alt.data_transformers.disable_max_rows():  # a warning for those who work in notebooks
        text = json.dumps(chart.to_dict(), separators=(",", ":"), allow_nan=False)
    return text.replace("</", "<\\/")


def _records(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.filter(list(columns)).to_dict("records")]


def _number(value: Any) -> str:
    """A value as a reader wants it: three digits of what is between -1 and 1, no more of anything.

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
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    bundle = str(vl_convert.javascript_bundle(snippet=_GLOBALS)).replace("</script", "<\\/script")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(".unfinished")
        unfinished.write_text(bundle, encoding="utf-8")
        unfinished.replace(kept)
    except OSError:
        pass  # it is bundled anew next time
    return bundle
