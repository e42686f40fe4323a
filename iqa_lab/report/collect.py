"""Everything that a report shows, gathered from the results on disk; nothing is drawn or written here."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab import __version__
from iqa_lab.benchmarks.benchmark import MOS
from iqa_lab.errors import UserError, counted, first_names
from iqa_lab.progress import track
from iqa_lab.report.across import averaged, common_cells, explained
from iqa_lab.report.anchors import beside, load_anchors, resize_of
from iqa_lab.report.comparison import Figure, Units, comparing_figures
from iqa_lab.report.controlled import Controlled, controlled_of
from iqa_lab.report.disagreeing import Disagreement, where_the_best_disagree
from iqa_lab.report.figures.common import FACTORS, HELD_OUT, network_names
from iqa_lab.report.finished import DAMAGE, FinishedUnit, read_units, said
from iqa_lab.report.held_out import COLUMNS as OF_A_UNIT
from iqa_lab.report.held_out import RANKED_BY, held_out_of
from iqa_lab.report.inference import chosen_networks, headlines_of, judged_of
from iqa_lab.report.pictures import Pictures
from iqa_lab.report.properties import Trainings, trainings, with_properties
from iqa_lab.report.study import Study
from iqa_lab.report.units import MOST, UnitPage, unit_page
from iqa_lab.statistics.factors.units import best_of_units, comparable, joined, scored_once, with_values
from iqa_lab.statistics.factors.verdicts import columns_of_claims, judge_claims
from iqa_lab.statistics.intervals.few import few_references
from iqa_lab.statistics.table import COLUMNS
from iqa_lab.store.show import notes_on_distortions
from iqa_lab.store.table import read_results

MANY_UNITS = 20  # from here on figures of single units draw fewer pairs, so that the page stays small


@dataclass(frozen=True)
class Report:
    """What a person will look at."""

    study: Study
    table: pd.DataFrame  # all rows
    best: pd.DataFrame  # one row per unit
    claims: pd.DataFrame
    anchors: pd.DataFrame  # ours beside published
    figures: tuple[Figure, ...]
    units: tuple[UnitPage, ...]
    pictures: Mapping[str, str]
    made: Mapping[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())
    contrasts: pd.DataFrame = field(default_factory=pd.DataFrame)  # of levels of factors, as they are drawn
    disagreements: tuple[Disagreement, ...] = field(default=())  # of the best networks and baselines
    across: pd.DataFrame = field(default_factory=pd.DataFrame)  # one row per network and readout, over benchmarks
    on_across: tuple[str, ...] = field(default=())  # what these numbers are, a sentence each
    controlled: Controlled = field(default_factory=Controlled)  # what one factor does in its family


def collect(results: Path, study: Study) -> Report:
    """The report of a study, or of everything in a results folder.

    Args:
        results: the results folder.
        study: what it is about.

    Raises:
        UserError: there are no results, or all of them are damaged.
    """
    units, unreadable = _units(results, study)
    known = trainings()
    published = _performance(known)
    while True:  # what has scores that cannot be read is left out, and the others are compared anew
        if not units:
            raise UserError(f"no unit in {results} can be read: {unreadable[0]}")
        table = _rows(units)
        notes = _apart(units, table)
        once = scored_once(table)
        compared = _comparable(once, notes)
        alone = table[~table["unit"].isin(compared["unit"])]  # what cannot be compared is judged by itself
        held_out, unread_scores = held_out_of(units, pd.concat([compared, alone]))
        compared = compared.join(held_out, on="unit")
        best = best_of_units(compared)
        valued = with_values(with_properties(table, known), headlines_of(units, table))
        networks = chosen_networks(valued.loc[compared.index])
        own = valued.loc[once.index]
        wanted = [*networks["columns"], *columns_of_claims(study.claims, own)] if len(networks) > 1 else []
        cells = common_cells(units, valued)
        judged, damaged = judged_of(units, valued, [*wanted, *cells.wanted])
        damaged |= unread_scores
        if not damaged:
            break
        units = {name: unit for name, unit in units.items() if name not in damaged}
        unreadable += [f"left out: {reason}" for reason in damaged.values()]
    if best["readout"].astype(str).str.endswith("_heldout").any():
        notes.append(
            "A readout that was fitted to opinions (tuned_heldout: to those of other references) is the best of some "
            "networks: these are no longer networks that never saw an opinion."
        )
    claims = judge_claims(study.claims, own, judged) if study.claims else pd.DataFrame()
    pictures = Pictures(study.benchmarks)
    disagreements, undrawn = where_the_best_disagree(units, compared, pictures)
    pages, unread = _pages(units, table, pictures)
    tables: dict[str, pd.DataFrame] = {}
    return Report(
        study=study,
        table=table,
        best=_with_decibels(_listed(compared, alone.join(held_out, on="unit")), units),
        claims=claims,
        anchors=_published(units, table),
        figures=tuple(
            comparing_figures(units, once, compared, best, published, networks, judged, study, claims, notes, tables)
        ),
        units=pages,
        pictures=pictures.encoded,
        made=_made(units, table, study),
        warnings=(*_repeated(table), *_warnings(units, table), *unreadable, *undrawn, *unread),
        notes=tuple(notes),
        contrasts=tables.get("contrasts", pd.DataFrame()),
        disagreements=disagreements,
        across=averaged(cells, judged),
        on_across=tuple(explained(cells)) if table["benchmark"].nunique() > 1 else (),
        controlled=controlled_of(networks, judged),
    )


def _units(results: Path, study: Study) -> tuple[dict[str, FinishedUnit], list[str]]:
    """The units of a study with the rows that it asks for, and which cannot be read.

    Raises:
        UserError: there are none.
    """
    there = read_results(results)
    if study.units is not None:
        there = there.only(study.units)
    there.say_troubles()
    if not len(there.table):
        raise UserError(f"there are no finished units of {study.name} in {results}: {study.command or 'run some'}")
    units, damaged = read_units(results, there.table)
    unreadable = [*there.left_out(), *damaged]
    if study.units is None:
        return units, unreadable
    found = {}
    for name, unit in units.items():
        try:
            found[name] = unit.asked(study.units[name])
        except DAMAGE as error:
            unreadable.append(f"left out: {unit.files.folder}: {said(error)}")
    return found, unreadable


def _rows(units: Units) -> pd.DataFrame:
    """The rows of all units as one table; columns that figures need are there even if no unit fills them."""
    table = pd.concat([unit.table.assign(unit=name) for name, unit in units.items()])
    table.insert(0, "unit", table.pop("unit"))
    strange = [name for name in table if name not in COLUMNS and table[name].isna().all()]
    table = table.drop(columns=[*strange, *(name for name in OF_A_UNIT if name in table)])  # of units left out; ours
    needed = [f"{statistic}{end}" for statistic in ("srcc", "agreement") for end in ("", "_low", "_high")]
    for name in ("depth", *(name for name in needed if name.startswith("srcc") or "agreement" in table)):
        if name not in table:  # where people only chose between images there is no correlation
            table[name] = np.nan
    if "confidence" not in table:
        table["confidence"] = table["unit"].map({name: u.config.statistics.confidence for name, u in units.items()})
    seen = table["input"] if "input" in table else pd.Series("", index=table.index)
    return table.assign(n=table["n"].astype(int), input=seen.fillna("").astype(str))


def _apart(units: Units, table: pd.DataFrame) -> list[str]:
    """Notes on benchmarks of one name that differ in pairs or opinions: in the table they have two names.

    Args:
        units: of the table, by their names.
        table: rows with ``unit`` and ``benchmark``, as ``store.table.read_results`` names them apart.
    """
    names = table["unit"].map({name: unit.config.benchmark.name for name, unit in units.items()})
    return [
        f"Units on {name} were scored on different pairs or opinions: each of these is a benchmark of its own here, "
        "named by the first digits of its digest."
        for name in sorted(names[names != table["benchmark"]].unique())
    ]


def _pages(units: Units, table: pd.DataFrame, pictures: Pictures) -> tuple[tuple[UnitPage, ...], list[str]]:
    """The pages of single units, and which units have none, with the reason."""
    names = table.assign(title=_titles(table)).drop_duplicates("unit").set_index("unit")["title"]
    points = 600 if len(units) > MANY_UNITS else 3000
    pages, unread = [], []
    for name, unit in track(list(units.items()), "drawing units"):
        try:
            pages.append(unit_page(unit, str(names[name]), pictures, points))
        except DAMAGE as error:
            unread.append(f"without figures: {unit.files.folder}: {said(error)}")
    return tuple(pages), unread


def _repeated(table: pd.DataFrame) -> list[str]:
    """Which networks are not compared, since they have several units on a benchmark, in a sentence."""
    rest = table[~table["unit"].isin(scored_once(table)["unit"])].drop_duplicates("unit")
    if not len(rest):
        return []
    named = sorted(set(joined(rest, [*FACTORS, "weights"]) + " on " + rest["benchmark"].astype(str)))
    return [
        f"Not compared, for which of several results to take would be a choice: {first_names(named)}. They were scored "
        "more than once on a benchmark, with another resize or precision, or with other code or weights; each result "
        "is in the tables. A report of one sweep (iqa-lab report with its overrides) compares what belongs together."
    ]


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


def _listed(compared: pd.DataFrame, alone: pd.DataFrame) -> pd.DataFrame:
    """One row per unit: what is held out with its interval, then its best column; choices by their agreement.

    Args:
        compared: rows by which networks are compared, with the held-out values of their units.
        alone: of units that cannot be compared.

    Returns:
        ``srcc_heldout`` and its ends, ``srcc_best`` without an interval, for choices ``agreement_`` instead, and
        ``columns``, among how many was chosen; the rest as of the best column.
    """
    there = [name for name in RANKED_BY if name in compared or name in alone]
    rows: list[pd.DataFrame] = []
    for part in (compared, alone):
        for statistic in there:
            if statistic in part:
                seen = set().union(*(one["unit"] for one in rows))
                best = best_of_units(part[~part["unit"].isin(seen)], statistic)
                ends = {f"{statistic}_{name}": best[name] for name in HELD_OUT}
                rows.append(best.assign(**ends, **{f"{statistic}_best": best[statistic]}))
    intervals = [f"{name}{end}" for name in there for end in ("", "_low", "_high")]
    listed = pd.concat(rows).drop(columns=[*HELD_OUT, *intervals], errors="ignore")
    return listed.astype({"columns": int})


def _with_decibels(listed: pd.DataFrame, units: Units) -> pd.DataFrame:
    """The rows with what the headlines of benchmarks of stimuli say in dB: held out, its interval, and the best."""
    names = ["rms_db_heldout", "rms_db_heldout_low", "rms_db_heldout_high", "rms_db_best"]
    facts = [units[str(unit)].result.get("headline") or {} for unit in listed["unit"]]
    if not any("rms_db_heldout" in one for one in facts):
        return listed
    found = {name: pd.to_numeric([one.get(name) for one in facts], errors="coerce") for name in names}
    return listed.assign(**found)


def _published(units: Units, table: pd.DataFrame) -> pd.DataFrame:
    """Our numbers that somebody published, too, beside the published ones."""
    expected = table["unit"].map({name: unit.result.get("n_expected") for name, unit in units.items()})
    named = table["unit"].map({name: unit.config.benchmark.name for name, unit in units.items()})
    rows = beside(table.assign(n_expected=expected, benchmark=named), load_anchors())
    return rows[["benchmark", "architecture", "layer", "readout", "statistic", "ours", "published", "difference",
                 "n", "complete", "differs", "source"]]  # fmt: skip


def _performance(known: Trainings) -> pd.DataFrame:
    """How good public trainings are on ImageNet, where it is published: accuracy on the first guess.

    Of a network that was trained for something else it is that of a linear readout, and not its own task.
    """
    rows = [(*key, cell.top1) for key, cell in known.items() if cell.top1 is not None]
    named = pd.DataFrame(rows, columns=[*FACTORS, "weights", "performance"])
    return named.assign(measure="accuracy, first guess")


def _titles(table: pd.DataFrame) -> pd.Series:
    return network_names(table) + " on " + table["benchmark"].astype(str)


def _made(units: Units, table: pd.DataFrame, study: Study) -> dict[str, str]:
    """How the results were made, in pairs of words."""
    all_results = [unit.result for unit in units.values()]
    devices = sorted({str(result.get("device", "?"))[:MOST] for result in all_results})
    each = [result.get("versions") or {} for result in all_results]
    versions = sorted({f"{name} {number}"[:MOST] for one in each for name, number in one.items()})
    forwards = sum(result.get("forwards") or 0 for result in all_results)
    seconds = sum((result.get("seconds") or {}).get("pass") or 0 for result in all_results)
    written = sorted(str(result.get("written", ""))[:MOST] for result in all_results)
    networks = table[table["goal"] != "baseline"][[*FACTORS, "weights"]].drop_duplicates()
    benchmarks = table["benchmark"].nunique()
    counts = f"{counted(len(units), 'unit')}: {counted(len(networks), 'network')}, {_many(benchmarks, 'benchmark')}, "
    counts += counted(len(table), "row")
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


def _on_pairs(units: Units, rows: pd.DataFrame) -> list[str]:
    """What a benchmark's references and distortions mean for its numbers, from the first unit that can be read."""
    for name in rows["unit"].unique():
        with suppress(*DAMAGE):  # said where its page is made
            pairs, benchmark = units[str(name)].scores([]), units[str(name)].config.benchmark
            few = few_references(pairs["reference"].nunique())
            of_types = notes_on_distortions(pairs["distortion"], benchmark.family) if benchmark.protocol == MOS else []
            return [*([few] if few else []), *of_types]
    return []


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
        said += [f"{benchmark}: {note}" for note in _on_pairs(units, rows)]
    inputs = table.loc[table["goal"] != "baseline", "input"] if "input" in table else pd.Series(dtype=str)
    sizes = sorted(set(inputs.astype(str).map(resize_of)))
    if len(sizes) > 1:
        said.append(f"Networks were given images of different sizes ({', '.join(sizes)}), which moves correlations.")
    return said
