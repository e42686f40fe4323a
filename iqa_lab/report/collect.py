"""Everything that a report shows, gathered from the results on disk; nothing is drawn or written here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab import __version__
from iqa_lab.config import configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import cells
from iqa_lab.progress import track
from iqa_lab.report import theme
from iqa_lab.report.anchors import beside, load_anchors, resize_of
from iqa_lab.report.figures.benchmark_against_benchmark import benchmark_against_benchmark
from iqa_lab.report.figures.common import AGREEMENT, FACTORS, NOT_HUMAN, SRCC, Chart, network_names
from iqa_lab.report.figures.depth_profile import depth_profile
from iqa_lab.report.figures.factor_grid import factor_grid
from iqa_lab.report.figures.own_task import own_task
from iqa_lab.report.figures.ranking import ranking
from iqa_lab.report.figures.readouts import readouts
from iqa_lab.report.finished import FinishedUnit, read_units
from iqa_lab.report.inference import chosen_networks, factor_figures, judged_of, with_properties
from iqa_lab.report.study import Study
from iqa_lab.report.units import Pictures, UnitPage, unit_page
from iqa_lab.statistics.factors.units import Columns, Judged, best_of_units, comparable, with_values
from iqa_lab.statistics.factors.verdicts import columns_of_claims, judge_claims
from iqa_lab.store.table import results as read_results

Units = Mapping[str, FinishedUnit]

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
        table = table[table["unit"].isin(study.units.keys())].reset_index(drop=True)
    if not len(table):
        raise UserError(f"there are no finished units of {study.name} in {results}: {study.command or 'run some'}")
    for column in ("srcc", "srcc_low", "srcc_high"):  # not there where people only chose between images
        if column not in table:
            table[column] = np.nan
    units, unreadable = read_units(results, table)
    if not units:
        raise UserError(f"no unit in {results} can be read: {unreadable[0]}")
    if study.units is not None:
        units = {name: unit.asked(study.units[name]) for name, unit in units.items()}
    table = table.loc[np.concatenate([unit.table.index for unit in units.values()])]
    notes: list[str] = []
    compared = _comparable(table, notes)
    best = best_of_units(compared)
    published = _performance()
    if best["readout"].astype(str).str.endswith("_heldout").any():
        notes.append(
            "A readout that was fitted to opinions (tuned_heldout: to those of other references) is the best of some "
            "networks: these are no longer networks that never saw an opinion."
        )
    headlines = {str(rows["benchmark"].iloc[0]): units[str(name)].config.benchmark.headline
                 for name, rows in table.groupby("unit")}  # fmt: skip
    valued = with_values(with_properties(table), headlines)
    networks = chosen_networks(valued.loc[compared.index])
    wanted = [*networks["columns"], *columns_of_claims(study.claims, valued)] if len(networks) > 1 else []
    judged = judged_of(units, valued, wanted)
    claims = judge_claims(study.claims, valued, judged) if study.claims else pd.DataFrame()
    pictures = Pictures()
    names = table.assign(title=_titles(table)).drop_duplicates("unit").set_index("unit")["title"]
    points = 600 if len(units) > MANY_UNITS else 3000
    pages = tuple(
        unit_page(unit, str(names[name]), pictures, points)
        for name, unit in track(list(units.items()), "drawing units")
    )
    return Report(
        study=study,
        table=table,
        best=_listed(table, best),
        claims=claims,
        anchors=_published(units, table),
        figures=tuple(_figures(units, table, compared, best, published, networks, judged, study, notes)),
        units=pages,
        pictures=pictures.encoded,
        made=_made(units, table, study),
        warnings=(*_warnings(units, table), *unreadable),
        notes=tuple(notes),
    )


def _comparable(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The rows by which networks are compared; notes what is left out."""
    kept = comparable(table)
    for benchmark, rows in table.groupby("benchmark"):
        there, shared = (
            set(part.loc[(part["goal"] != "baseline") & (part["benchmark"] == benchmark), "readout"].astype(str))
            for part in (rows, kept)
        )
        if left_out := sorted(there - shared):
            by = f"the readouts that all have ({', '.join(sorted(shared))})" if shared else "none, for they share none"
            notes.append(
                f"Networks on {benchmark} are compared by {by}; what only some have ({', '.join(left_out)}) is in the "
                "tables and on the pages of single units."
            )
    return kept


def _listed(table: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    """One row a unit: as they are compared, and those that cannot be by themselves; choices by their agreement."""
    rows = [best]
    for value in ("srcc", "agreement"):
        if value in table:
            seen = set().union(*(part["unit"] for part in rows))
            rows.append(best_of_units(table[~table["unit"].isin(seen)], value))
    return pd.concat(rows)


def _figures(
    units: Units,
    table: pd.DataFrame,
    compared: pd.DataFrame,
    best: pd.DataFrame,
    published: pd.DataFrame,
    chosen: pd.DataFrame,
    judged: Mapping[Columns, Judged],
    study: Study,
    notes: list[str],
) -> list[Figure]:
    found: list[Figure] = []

    def add(name: str, chart: Chart | None) -> None:
        if chart is not None:
            found.append(Figure(name, chart))

    for benchmark in table["benchmark"].unique():
        every, rows = (part[part["benchmark"] == benchmark] for part in (table, compared))
        measure = SRCC if units[str(every["unit"].iloc[0])].config.benchmark.human else NOT_HUMAN
        if every["srcc"].isna().all() and "agreement" in every:
            every, rows, measure = _as_drawn(every), _as_drawn(rows), AGREEMENT
        own = every[(every["goal"] != "baseline") & (every["layer"] != "pixels")]
        add(f"{benchmark}_ranking", ranking(rows, measure=measure))
        if len(own):
            ceilings = _ceilings(units, every)
            counts = own["readout"].value_counts()
            for readout in sorted(counts.index, key=lambda name: (-counts[name], theme.order(name)))[:3]:
                add(f"{benchmark}_depth_{readout}", depth_profile(every, readout, ceilings, measure=measure))
            add(f"{benchmark}_grid", factor_grid(rows, study.cells, measure=measure))
            add(f"{benchmark}_readouts", readouts(every, measure=measure))
            add(f"{benchmark}_own_task", own_task(rows, published, measure=measure))
    for name, chart in factor_figures(chosen, judged, notes).items():
        add(name, chart)
    benchmarks = best["benchmark"].unique().tolist()
    for number, first in enumerate(benchmarks):
        for second in benchmarks[number + 1 :]:
            add(f"{first}_{second}", benchmark_against_benchmark(compared, first, second))
    return found


def _as_drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of choices between images, with their agreement where figures look for a correlation."""
    ends = ("", "_low", "_high")
    return rows.assign(**{f"srcc{end}": rows[f"agreement{end}"] for end in ends})


def _ceilings(units: Units, rows: pd.DataFrame) -> dict[str, float]:
    """How well another group of people would correlate, where standard errors tell (Pearson; of ranks nearly so)."""
    ceiling = units[str(rows["unit"].iloc[0])].result.get("headline", {}).get("ceiling_group")
    return {} if ceiling is None else {"another group of people": float(ceiling)}


def _published(units: Units, table: pd.DataFrame) -> pd.DataFrame:
    """Our numbers that somebody published, too, beside the published ones."""
    expected = {name: unit.result.get("n_expected") for name, unit in units.items()}
    rows = beside(table.assign(n_expected=table["unit"].map(expected)), load_anchors())
    return rows[["benchmark", "architecture", "layer", "readout", "statistic", "ours", "published", "difference",
                 "n", "complete", "differs", "source"]]  # fmt: skip


def _performance() -> pd.DataFrame:
    """How good public trainings are on ImageNet, where it is published: accuracy on the first guess.

    Of a network that was trained for something else it is that of a linear readout, and not its own task.
    """
    rows = [
        (cell.goal, cell.dataset, cell.architecture, name, cell.top1)
        for name, cell in cells([configuration_folder()])
        if cell.top1 is not None
    ]
    named = pd.DataFrame(rows, columns=[*FACTORS, "weights", "performance"])
    return named.assign(measure="accuracy, first guess")


def _titles(table: pd.DataFrame) -> pd.Series:
    return network_names(table) + " on " + table["benchmark"].astype(str)


def _made(units: Units, table: pd.DataFrame, study: Study) -> dict[str, str]:
    """How the results were made, in pairs of words."""
    all_results = [unit.result for unit in units.values()]
    devices = sorted({str(result.get("device", "?")) for result in all_results})
    versions = sorted({f"{name} {number}" for one in all_results for name, number in one.get("versions", {}).items()})
    forwards = sum(int(result.get("forwards", 0)) for result in all_results)
    seconds = sum(float(result.get("seconds", {}).get("pass", 0)) for result in all_results)
    written = sorted(str(result.get("written", "")) for result in all_results)
    networks = table[table["goal"] != "baseline"][[*FACTORS, "weights"]].drop_duplicates()
    benchmarks = table["benchmark"].nunique()
    counts = f"{len(units)} units: {len(networks)} networks, {_many(benchmarks, 'benchmark')}, {len(table):,} rows"
    return {
        "command": study.command,
        "counts": counts,
        "computed": f"{forwards:,} forwards in {seconds / 60:.0f} minutes of passes, {written[0]} to {written[-1]}",
        "devices": ", ".join(devices),
        "versions": ", ".join(versions),
        "report": f"iqa_lab {__version__}, altair {version('altair')}",
        "not there": "; ".join(study.missing) or "nothing that was asked for",
    }


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _warnings(units: Units, table: pd.DataFrame) -> list[str]:
    """What a reader has to know before believing a number."""
    said = []
    for (benchmark, _), rows in table.groupby(["benchmark", "n"]):
        config = units[str(rows["unit"].iloc[0])].config.benchmark
        if not config.human:
            said.append(f"{benchmark} has no human judgement in it: {config.description}.")
        expected = config.expected.pairs
        count = int(rows["n"].iloc[0])
        if expected is not None and count != expected:
            said.append(f"{benchmark}: {count:,} of its {expected:,} pairs were scored; published numbers are of all.")
    inputs = table.loc[table["goal"] != "baseline", "input"] if "input" in table else pd.Series(dtype=str)
    sizes = sorted(set(inputs.astype(str).map(resize_of)))
    if len(sizes) > 1:
        said.append(f"Networks were given images of different sizes ({', '.join(sizes)}), which moves correlations.")
    return said
