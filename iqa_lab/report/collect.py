"""Everything that a report shows, gathered from the results on disk; nothing is drawn or written here."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab import __version__
from iqa_lab.catalogue import list_options
from iqa_lab.config import configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.progress import track
from iqa_lab.recompute import read_config
from iqa_lab.report import figures
from iqa_lab.report.anchors import beside, load_anchors
from iqa_lab.report.figures import FACTORS, Chart
from iqa_lab.report.study import Study
from iqa_lab.report.units import Pictures, UnitPage, unit_page
from iqa_lab.statistics.claims import judge_claims, parse_claim
from iqa_lab.statistics.factors import (
    Distributions,
    TooFewUnits,
    best_of_units,
    decompose_variance,
    matched_contrasts,
    resample_units,
)
from iqa_lab.store import Unit
from iqa_lab.sweep.table import results as read_results
from iqa_lab.tabulate import opinion_sign

MANY_UNITS = 20  # from here on figures of single units draw fewer pairs, so that the page stays small


@dataclass(frozen=True)
class Figure:
    """One figure and the name of its files."""

    name: str
    chart: Chart


@dataclass(frozen=True)
class Report:
    """What a person will look at."""

    study: Study
    table: pd.DataFrame  # all rows
    best: pd.DataFrame  # one row a unit
    claims: pd.DataFrame
    anchors: pd.DataFrame  # ours beside published
    figures: tuple[Figure, ...]
    units: tuple[UnitPage, ...]
    pictures: Mapping[str, str]
    made: Mapping[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


def collect(results: Path, study: Study) -> Report:
    """The report of a study, or of everything in a results folder.

    Args:
        results: the results folder.
        study: what it is about.

    Raises:
        UserError: there are no results.
    """
    table = read_results(results)
    if study.units is not None:
        table = table[table["unit"].isin(study.units)].reset_index(drop=True)
    if not len(table):
        raise UserError(f"there are no finished units of {study.name} in {results}: {study.command or 'run some'}")
    if "srcc" not in table:
        table["srcc"] = np.nan
    best = best_of_units(table)
    notes: list[str] = []
    distributions = resample_units(_scores_of(results, table, best, study)) if len(best) > 1 else {}
    claims = judge_claims(study.claims, table, distributions) if study.claims else pd.DataFrame()
    pictures = Pictures()
    names = table.assign(title=_titles(table)).drop_duplicates("unit").set_index("unit")["title"]
    points = 600 if len(names) > MANY_UNITS else 3000
    pages = tuple(
        unit_page(results, str(unit), rows.drop(columns="unit"), str(names[unit]), pictures, points)
        for unit, rows in track(list(table.groupby("unit", sort=False)), "reading units")
    )
    return Report(
        study=study,
        table=table,
        best=best,
        claims=claims,
        anchors=_published(results, table),
        figures=tuple(_figures(results, table, best, distributions, study, notes)),
        units=pages,
        pictures=pictures.encoded,
        made=_made(results, table, study),
        warnings=tuple(_warnings(results, table)),
        notes=tuple(notes),
    )


def _scores_of(results: Path, table: pd.DataFrame, best: pd.DataFrame, study: Study) -> dict[Hashable, pd.DataFrame]:
    """Quality and opinion of the columns that comparisons rest on: the best of each unit; for trends, all layers."""
    trends = [claim for claim in map(parse_claim, study.claims) if claim.left.startswith("trend")]
    wanted = table.loc[best.index]
    for claim in trends:
        rows = table[table["layer"] != "pixels"]
        for factor, levels in claim.only.items():
            rows = rows[rows[factor].astype(str).isin(levels)]
        wanted = pd.concat([wanted, rows[~rows.index.isin(wanted.index)]])
    found: dict[Hashable, pd.DataFrame] = {}
    for unit, rows in wanted.groupby("unit", sort=False):
        folder = results / str(unit)
        sign = opinion_sign(read_config(folder / "config.yaml"))
        columns = (rows["readout"] + "@" + rows["layer"]).tolist()
        scores = pd.read_parquet(Unit(folder).scores_file, columns=["reference", "opinion", *columns])
        for index, column in zip(rows.index, columns, strict=True):
            found[index] = pd.DataFrame(
                {"reference": scores["reference"], "opinion": sign * scores["opinion"], "quality": -scores[column]}
            )
    return found


def _figures(
    results: Path, table: pd.DataFrame, best: pd.DataFrame, distributions: Distributions, study: Study, notes: list[str]
) -> list[Figure]:
    found: list[Figure] = []

    def add(name: str, chart: Chart | None) -> None:
        if chart is not None:
            found.append(Figure(name, chart))

    benchmarks = best["benchmark"].unique().tolist()
    for benchmark in benchmarks:
        rows = table[table["benchmark"] == benchmark]
        own = rows[(rows["goal"] != "baseline") & (rows["layer"] != "pixels")]
        add(f"{benchmark}_ranking", figures.ranking(rows))
        ceilings = _ceilings(results, rows)
        if len(own):
            for readout in own["readout"].value_counts().index[:3]:
                add(f"{benchmark}_depth_{readout}", figures.depth_profile(rows, readout, ceilings))
            add(f"{benchmark}_grid", figures.factor_grid(rows, study.cells))
            add(f"{benchmark}_readouts", figures.readouts(rows))
            add(f"{benchmark}_own_task", figures.own_task(rows, _performance()))
    contrasts = []
    for factor in FACTORS:
        try:
            contrasts.append(matched_contrasts(_networks(best), factor, distributions))
        except TooFewUnits as error:
            notes.append(f"No matched contrasts of {factor}: {error}.")
    if contrasts:
        add("contrasts", figures.forest(pd.concat(contrasts, ignore_index=True)))
    try:
        add("variance", figures.variance_shares(decompose_variance(_networks(best))))
    except TooFewUnits as error:
        notes.append(f"No shares of variance: {error}.")
    for number, first in enumerate(benchmarks):
        for second in benchmarks[number + 1 :]:
            add(f"{first}_{second}", figures.benchmark_against_benchmark(table, first, second))
    return found


def _ceilings(results: Path, rows: pd.DataFrame) -> dict[str, float]:
    """How well another group of people would correlate, where standard errors tell (Pearson; of ranks nearly so)."""
    headline = (Unit(results / str(rows["unit"].iloc[0])).read_result() or {}).get("headline", {})
    ceiling = headline.get("ceiling_group")
    return {} if ceiling is None else {"another group of people": float(ceiling)}


def _published(results: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Our numbers that somebody published, too, beside the published ones."""
    expected = {
        unit: (Unit(results / str(unit)).read_result() or {}).get("n_expected") for unit in table["unit"].unique()
    }
    rows = beside(table.assign(n_expected=table["unit"].map(expected)), load_anchors())
    return rows[["benchmark", "architecture", "layer", "readout", "statistic", "ours", "published", "difference",
                 "n", "complete", "differs", "source"]]  # fmt: skip


def _networks(best: pd.DataFrame) -> pd.DataFrame:
    return best[best["goal"] != "baseline"]


def _performance() -> pd.DataFrame:
    """How good public trainings are at their own tasks, where it is published: accuracy on the first guess."""
    rows = pd.DataFrame(list_options("weights", {}, [configuration_folder()]))
    known = rows[rows["top1"].notna()].rename(columns={"top1": "performance"})
    return known[[*FACTORS, "weights", "performance"]].assign(measure="accuracy, first guess")


def _titles(table: pd.DataFrame) -> pd.Series:
    return figures.network_names(table) + " on " + table["benchmark"].astype(str)


def _made(results: Path, table: pd.DataFrame, study: Study) -> dict[str, str]:
    """How the results were made, in pairs of words."""
    first = [Unit(results / str(unit)).read_result() or {} for unit in table["unit"].unique()]
    devices = sorted({str(result.get("device", "?")) for result in first})
    versions = sorted({f"{name} {number}" for result in first for name, number in result.get("versions", {}).items()})
    forwards = sum(int(result.get("forwards", 0)) for result in first)
    seconds = sum(float(result.get("seconds", {}).get("pass", 0)) for result in first)
    written = sorted(str(result.get("written", "")) for result in first)
    networks = table[table["goal"] != "baseline"][[*FACTORS, "weights"]].drop_duplicates()
    benchmarks = table["benchmark"].nunique()
    counts = f"{len(first)} units: {len(networks)} networks, {benchmarks} benchmarks, {len(table)} rows"
    return {
        "command": study.command,
        "counts": counts,
        "computed": f"{forwards:,} forwards in {seconds / 60:.0f} minutes of passes, {written[0]} to {written[-1]}",
        "devices": ", ".join(devices),
        "versions": ", ".join(versions),
        "report": f"iqa_lab {__version__}, altair {version('altair')}",
        "not there": "; ".join(study.missing) or "nothing that was asked for",
    }


def _warnings(results: Path, table: pd.DataFrame) -> list[str]:
    """What a reader has to know before believing a number."""
    said = []
    for (benchmark, _), rows in table.groupby(["benchmark", "n"]):
        config = read_config(results / str(rows["unit"].iloc[0]) / "config.yaml").benchmark
        if not config.human:
            said.append(f"{benchmark} has no human judgement in it: {config.description}.")
        expected = config.expected.pairs
        count = int(rows["n"].iloc[0])
        if expected is not None and count != expected:
            said.append(f"{benchmark}: {count:,} of its {expected:,} pairs were scored; published numbers are of all.")
    inputs = table["input"].astype(str).nunique() if "input" in table else 1
    if inputs > 1:
        said.append("Units were given different inputs (column input): sizes and ranges move correlations.")
    return said
