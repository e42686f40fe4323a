"""Rows of many units -> the figures that compare them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from iqa_lab.benchmarks.benchmark import THRESHOLDS
from iqa_lab.psychophysics.experiment import experiment_of, read_scores
from iqa_lab.report import theme
from iqa_lab.report.figures.benchmark_against_benchmark import benchmark_against_benchmark
from iqa_lab.report.figures.common import AGREEMENT, NOT_HUMAN, SRCC, Chart, network_names
from iqa_lab.report.figures.depth_profile import depth_profile
from iqa_lab.report.figures.factor_grid import factor_grid
from iqa_lab.report.figures.layers_against_layers import layers_against_layers
from iqa_lab.report.figures.own_task import own_task
from iqa_lab.report.figures.ranking import ranking
from iqa_lab.report.figures.readouts import readouts
from iqa_lab.report.figures.sensitivity_curves import PIXELS, sensitivity_curves
from iqa_lab.report.finished import DAMAGE, FinishedUnit, said
from iqa_lab.report.inference import factor_figures
from iqa_lab.report.names import file_name, told_apart
from iqa_lab.report.study import Study
from iqa_lab.statistics.direction import by_goodness
from iqa_lab.statistics.factors.columns import PAPERS_READOUT
from iqa_lab.statistics.factors.units import UNTRAINED, Columns, Judged, best_of_units
from iqa_lab.statistics.reading import Reading

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
    claims: pd.DataFrame,
    notes: list[str],
    tables: dict[str, pd.DataFrame],
) -> list[Figure]:
    """The figures of a report, in the order of the page; what cannot be drawn is added to the notes.

    Args:
        units: those of the table, by their names.
        table: all rows.
        compared: the rows by which networks can be compared.
        best: of them one row per unit.
        published: performance of networks at their own tasks.
        chosen: one row per unit with the columns among which other references choose.
        judged: how well units do at these.
        study: what is asked.
        claims: of the study, as they were judged.
        notes: what a reader is told beside the figures.
        tables: what figures are drawn from and a reader may want as numbers is added.
    """
    found: list[tuple[str, Chart]] = []

    def add(name: str, chart: Chart | None) -> None:
        if chart is not None:
            found.append((file_name(name), chart))

    for benchmark in table["benchmark"].unique():
        every, rows = (part[part["benchmark"] == benchmark] for part in (table, compared))
        measure, of_stimuli = _measure(units, every), _of_stimuli(units, every)
        if every["srcc"].isna().all() and "agreement" in every:
            every, rows, measure = as_drawn(every), as_drawn(rows), AGREEMENT
        own = every[(every["goal"] != "baseline") & (every["layer"] != "pixels")]
        if of_stimuli:
            add(f"{benchmark}_curves", curves_of(units, every, notes))
        add(f"{benchmark}_ranking", ranking(rows, measure=measure, of_stimuli=of_stimuli))
        if len(own):
            ceilings = ceilings_of(units, every)
            counts = own["readout"].value_counts()
            for readout in sorted(counts.index, key=lambda name: (-counts[name], theme.order(name)))[:3]:
                add(f"{benchmark}_depth_{readout}", depth_profile(every, readout, ceilings, measure=measure))
            add(f"{benchmark}_grid", factor_grid(rows, study.cells, measure=measure))
            add(f"{benchmark}_readouts", readouts(every, measure=measure))
            add(f"{benchmark}_own_task", own_task(rows, published, measure=measure))
    claimed = bool(len(claims) and (claims["pairs"] > 0).any())
    for name, chart in factor_figures(chosen, judged, notes, tables, claimed=claimed).items():
        add(name, chart)
    benchmarks = best["benchmark"].unique().tolist()
    rows_of = {name: table[table["benchmark"] == name] for name in benchmarks}
    measures = {name: _measure(units, rows) for name, rows in rows_of.items()}
    with_stimuli = {name for name, rows in rows_of.items() if _of_stimuli(units, rows)}
    for number, first in enumerate(benchmarks):
        for second in benchmarks[number + 1 :]:
            # what is explained stands on the vertical axis
            of_which = {first, second} & with_stimuli
            x, y = (second, first) if of_which == {first} else (first, second)
            both = measures[x], measures[y]
            short = both if of_which else ("SRCC", "SRCC")
            add(f"{first}_{second}", benchmark_against_benchmark(compared, x, y, measures=short))
            if len(of_which) == 1:
                counts = table.loc[table["layer"] != "pixels", "readout"].value_counts()
                readout = PAPERS_READOUT if PAPERS_READOUT in counts else str(counts.index[0])
                add(f"{first}_{second}_layers", layers_against_layers(table, x, y, readout, measures=both))
    names = told_apart(name for name, _ in found)
    return [Figure(name, chart) for name, (_, chart) in zip(names, found, strict=True)]


def _measure(units: Units, rows: pd.DataFrame) -> str:
    """What the SRCC of a benchmark's rows is called."""
    asked = units[str(rows["unit"].iloc[0])].config.benchmark
    if asked.protocol != THRESHOLDS:
        return SRCC if asked.human else NOT_HUMAN
    try:
        return f"SRCC of {experiment_of(asked).correlated}"
    except DAMAGE:  # of somebody else's code, which is not called, or that is not here
        return "SRCC with people's values"


def _of_stimuli(units: Units, rows: pd.DataFrame) -> bool:
    """Whether a benchmark's rows are of stimuli, not of photographs and opinions."""
    return units[str(rows["unit"].iloc[0])].config.benchmark.protocol == THRESHOLDS


TRAINED, OTHERS = 4, 1  # curves of trained networks, and of untrained ones
OF_PIXELS = ("rmse", "psnr")  # baselines that are the pixels once more


def curves_of(units: Units, rows: pd.DataFrame, notes: list[str]) -> Chart | None:
    """Curves of sensitivity of the nearest column of the nearest networks, untrained ones, baselines and the pixels.

    Args:
        units: those of the rows, by their names.
        rows: of one benchmark of stimuli.
        notes: what cannot be drawn is added.
    """
    by = "rms_db" if "rms_db" in rows and rows["rms_db"].notna().any() else "srcc"
    best = by_goodness(best_of_units(rows, by), by)
    best = best.assign(network=network_names(best))
    trained = best[~best["goal"].isin(["baseline", UNTRAINED])].head(TRAINED)
    untrained = best[best["goal"] == UNTRAINED].head(OTHERS)
    models = best[(best["goal"] == "baseline") & ~best["architecture"].isin(OF_PIXELS)].head(TRAINED)
    shown = pd.concat([models, trained, untrained])
    control = rows[(rows["layer"] == "pixels") & (rows["readout"] == "plain")].head(1).assign(network=PIXELS)
    readings: dict[str, Reading] = {}
    config = units[str(rows["unit"].iloc[0])].config.benchmark
    try:
        curve = experiment_of(config).curve
        for row in pd.concat([shown, control]).to_dict("records"):
            column = f"{row['readout']}@{row['layer']}"
            unit = units[str(row["unit"])]
            own = row["goal"] == "baseline" or row["layer"] == "pixels"
            name = str(row["network"]) if own else f"{row['network']}: {column}"
            readings[name] = read_scores(unit.config.benchmark, unit.scores([column]), [column])
    except DAMAGE as error:
        notes.append(f"No curves of sensitivity on {config.name}: {said(error)}.")
        return None
    if curve is None:
        return None
    return sensitivity_curves(readings, curve, f"Sensitivity of people and of columns on {config.name}")


def as_drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of choices between images, with their agreement where figures look for a correlation."""
    ends = ("", "_low", "_high")
    return rows.assign(**{f"srcc{end}": rows[f"agreement{end}"] for end in ends})


def ceilings_of(units: Units, rows: pd.DataFrame) -> dict[str, float]:
    """How well another group of people would correlate, where standard errors tell (Pearson; of ranks nearly so)."""
    headline = units[str(rows["unit"].iloc[0])].result.get("headline") or {}
    if headline.get("observer_srcc") is not None:
        return {"one observer (median)": float(headline["observer_srcc"])}
    ceiling = headline.get("ceiling_group")
    return {} if ceiling is None else {"another group of people": float(ceiling)}
