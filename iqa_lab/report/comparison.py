"""Rows of many units -> the figures that compare them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from iqa_lab.report import theme
from iqa_lab.report.figures.benchmark_against_benchmark import benchmark_against_benchmark
from iqa_lab.report.figures.common import AGREEMENT, NOT_HUMAN, SRCC, Chart
from iqa_lab.report.figures.depth_profile import depth_profile
from iqa_lab.report.figures.factor_grid import factor_grid
from iqa_lab.report.figures.own_task import own_task
from iqa_lab.report.figures.ranking import ranking
from iqa_lab.report.figures.readouts import readouts
from iqa_lab.report.finished import FinishedUnit
from iqa_lab.report.inference import factor_figures
from iqa_lab.report.names import file_name, told_apart
from iqa_lab.report.study import Study
from iqa_lab.statistics.factors.units import Columns, Judged

Units = Mapping[str, FinishedUnit]


@dataclass(frozen=True)
class Figure:
    """One figure and the name of its files, which no other figure of the report has."""

    name: str
    chart: Chart


def comparing_figures(
    units: Units,
    table: pd.DataFrame,
    compared: pd.DataFrame,
    best: pd.DataFrame,
    published: pd.DataFrame,
    chosen: pd.DataFrame,
    judged: Mapping[Columns, Judged],
    study: Study,
    notes: list[str],
    tables: dict[str, pd.DataFrame],
) -> list[Figure]:
    """The figures of a report, in the order of the page; what cannot be drawn is added to the notes.

    Args:
        units: those of the table, by their names.
        table: all rows.
        compared: the rows by which networks can be compared.
        best: of them one row a unit.
        published: performance of networks at their own tasks.
        chosen: one row a unit with the columns among which other references choose.
        judged: how well units do at these.
        study: what is asked.
        notes: what a reader is told beside the figures.
        tables: what figures are drawn from and a reader may want as numbers is added.
    """
    found: list[tuple[str, Chart]] = []

    def add(name: str, chart: Chart | None) -> None:
        if chart is not None:
            found.append((file_name(name), chart))

    for benchmark in table["benchmark"].unique():
        every, rows = (part[part["benchmark"] == benchmark] for part in (table, compared))
        measure = SRCC if units[str(every["unit"].iloc[0])].config.benchmark.human else NOT_HUMAN
        if every["srcc"].isna().all() and "agreement" in every:
            every, rows, measure = as_drawn(every), as_drawn(rows), AGREEMENT
        own = every[(every["goal"] != "baseline") & (every["layer"] != "pixels")]
        add(f"{benchmark}_ranking", ranking(rows, measure=measure))
        if len(own):
            ceilings = ceilings_of(units, every)
            counts = own["readout"].value_counts()
            for readout in sorted(counts.index, key=lambda name: (-counts[name], theme.order(name)))[:3]:
                add(f"{benchmark}_depth_{readout}", depth_profile(every, readout, ceilings, measure=measure))
            add(f"{benchmark}_grid", factor_grid(rows, study.cells, measure=measure))
            add(f"{benchmark}_readouts", readouts(every, measure=measure))
            add(f"{benchmark}_own_task", own_task(rows, published, measure=measure))
    for name, chart in factor_figures(chosen, judged, notes, tables).items():
        add(name, chart)
    benchmarks = best["benchmark"].unique().tolist()
    for number, first in enumerate(benchmarks):
        for second in benchmarks[number + 1 :]:
            add(f"{first}_{second}", benchmark_against_benchmark(compared, first, second))
    names = told_apart(name for name, _ in found)
    return [Figure(name, chart) for name, (_, chart) in zip(names, found, strict=True)]


def as_drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of choices between images, with their agreement where figures look for a correlation."""
    ends = ("", "_low", "_high")
    return rows.assign(**{f"srcc{end}": rows[f"agreement{end}"] for end in ends})


def ceilings_of(units: Units, rows: pd.DataFrame) -> dict[str, float]:
    """How well another group of people would correlate, where standard errors tell (Pearson; of ranks nearly so)."""
    headline = units[str(rows["unit"].iloc[0])].result.get("headline") or {}
    ceiling = headline.get("ceiling_group")
    return {} if ceiling is None else {"another group of people": float(ceiling)}
