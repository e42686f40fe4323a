"""A unit's result -> what the terminal shows: its headline, then the table of its best columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iqa_lab.benchmarks import Benchmark
from iqa_lab.benchmarks.benchmark import CHOICE, CHOICES, QUADRUPLES, THRESHOLDS, questions
from iqa_lab.config import Config
from iqa_lab.errors import counted
from iqa_lab.networks.layer import PIXELS
from iqa_lab.progress import output_console, printable
from iqa_lab.psychophysics.thresholds import LINEAR
from iqa_lab.statistics.correlation.choices import ceilings
from iqa_lab.statistics.correlation.groups import TID_GLOBAL, left_out_of_within, range_restriction
from iqa_lab.statistics.direction import is_low_good
from iqa_lab.statistics.factors.units import candidate_rows
from iqa_lab.statistics.intervals.few import few_references
from iqa_lab.statistics.table import kinds_of
from iqa_lab.store.digits import three_digits, with_interval
from iqa_lab.store.headline import best_first, pixel_control
from iqa_lab.store.held_out import chosen_on_others
from iqa_lab.store.outcome import Outcome
from iqa_lab.tables import table_lines, width_of_output

# of distortions, that a terminal shows beside each other: PieAPP has dozens
_MOST_KINDS = 8
_HEADER = ("layer", "depth", "readout")
# Of each protocol of choices: what people did whose answer a distance predicts.
_AGREES = {
    CHOICE: "who chose the image with the smaller distance",
    QUADRUPLES: "to whom the pair with the larger distance differed more",
}


def show(outcome: Outcome, config: Config) -> float:
    """Print a unit's headline and table on standard output; returns its highest value."""
    benchmark = outcome.benchmark
    by = "agreement" if benchmark.config.protocol in CHOICES else benchmark.config.headline
    n, table = len(benchmark.pairs), outcome.table
    facts = (outcome.unit.read_result() or {}).get("headline", {})
    title = (
        f"{config.goal.name} - {config.dataset.name} - {config.architecture.name} "
        f"({table['weights'].iloc[0]}) on {benchmark.config.name}"
    )
    number = benchmark.pairs["reference"].nunique()
    if benchmark.config.protocol == THRESHOLDS:
        return _show_stimuli(outcome, config, title, facts)
    references = f"{counted(number, 'reference')}; intervals by resampling references"
    notes = [
        f"{n} of {counted(benchmark.n_expected, 'pair')}, {references}; within: mean SRCC within a distortion."
        if benchmark.config.protocol not in CHOICES
        else f"{n // 2} of {benchmark.n_expected // 2} {questions(benchmark.config.protocol)}, {references}; "
        f"agreement: share of people {_AGREES[benchmark.config.protocol]}. {_limits(benchmark)}",
        _order(table, by),
        *ceilings_said(facts),
    ]
    if benchmark.config.protocol not in CHOICES:
        notes += notes_on_distortions(benchmark.pairs["distortion"], benchmark.config.family)
        notes += upside_down(table, benchmark.config.opinion)
    few = few_references(number)
    notes += [few] if few else []
    if not benchmark.config.human:
        notes.append(f"No human judgement: {benchmark.config.description}.")
    verb = "Result" if outcome.computed or outcome.restated else "Nothing to do, the result is"
    notes.append(f"{verb} in {outcome.unit.folder}")
    first = chosen_on_others(facts, config.statistics.confidence, number)
    print_table(table, by=by, title=title, first=first, notes=notes, console=output_console())
    return float(best_first(table, by)[by].iloc[0]) if len(table) else float("nan")


def _show_stimuli(outcome: Outcome, config: Config, title: str, facts: Mapping[str, Any]) -> float:
    """As ``show``, of a benchmark of stimuli."""
    benchmark, table, by = outcome.benchmark, outcome.table, outcome.benchmark.config.headline
    stimuli = benchmark.pairs["reference"].nunique()
    few = few_references(stimuli)
    verb = "Result" if outcome.computed or outcome.restated else "Nothing to do, the result is"
    notes = [
        f"{stimuli} stimuli, {len(benchmark.pairs)} trials; intervals by resampling stimuli.",
        *(benchmark.experiment.explained if benchmark.experiment is not None else ()),
        *([] if benchmark.experiment is not None and benchmark.experiment.explained else stimuli_explained(table)),
        _order(table, by),
        *observers_said(facts),
        *([few.replace("references", "stimuli")] if few else []),
        *([] if benchmark.experiment is None else [f"Shown on: {benchmark.experiment.display}."]),
        f"{verb} in {outcome.unit.folder}",
    ]
    first = chosen_on_others(facts, config.statistics.confidence, stimuli, what="stimuli")
    print_table(table, by=by, title=title, first=first, notes=notes, console=output_console())
    return float(best_first(table, by)[by].iloc[0]) if len(table) else float("nan")


def stimuli_explained(table: pd.DataFrame) -> list[str]:
    """What the numbers of a table of stimuli are, and which of its columns they do not hold for: a sentence each."""
    said = []
    if "rms_db" in table:
        said.append(
            "rms_db: standard deviation over stimuli of the column's log sensitivity less people's, in dB: 0 is human."
        )
    said.append("SRCC, PLCC: of the column's log sensitivities with people's; within: mean within a group of stimuli.")
    if "slopes_outside" in table:
        own = candidate_rows(table)
        bent = int((own["slopes_outside"] > own["n"] / 2).sum())
        said.append(
            f"slope: of log distance against log contrast below the threshold; in {bent} of {len(own)} columns it is "
            f"outside of {LINEAR[0]:g}..{LINEAR[1]:g} for most stimuli (marked !): their numbers hold for thresholds "
            "only with benchmark.thresholds=bisect."
        )
    silent = int(candidate_rows(table).get("censored", pd.Series(dtype=float)).gt(0).sum())
    if silent:
        said.append(
            f"{counted(silent, 'column has', 'columns have')} stimuli that never differ from grey: "
            "their column censored counts these."
        )
    return said


def observers_said(facts: Mapping[str, Any]) -> list[str]:
    """How well one observer agrees with the mean of the others, in words; nothing where that is not known.

    Args:
        facts: the ``headline`` of a unit's ``result.json``.
    """
    if facts.get("observer_plcc") is None:
        return []
    low, middle, high = (three_digits(facts[f"observer_plcc{end}"]) for end in ("_low", "", "_high"))
    said = f"One observer against the mean of the others: PLCC {low} to {high} (median {middle})"
    if facts.get("observer_rms_db") is not None:
        low, middle, high = (three_digits(facts[f"observer_rms_db{end}"]) for end in ("_low", "", "_high"))
        said += f", rms_db {low} to {high} (median {middle})"
    return [f"{said}."]


def _limits(benchmark: Benchmark) -> str:
    """What agreement is possible on choices, in words."""
    people, shares = benchmark.config.people, benchmark.pairs["opinion"].iloc[1::2]
    if isinstance(people, list):  # shares of unknown numbers of people say how they disagree only where nobody does
        people = people[0] if shares.isin([0, 1]).all() else None
    if people is None or people < 2:  # one person cannot disagree
        return ""
    limits = ceilings(shares, people)
    return f"A metric can reach {limits.majority:.3f} (always with the majority); two people agree {limits.person:.3f}."


def upside_down(table: pd.DataFrame, opinion: str) -> list[str]:
    """What to say where no column agrees with people, not even the pixels: opinions may have been read upside down.

    >>> upside_down(pd.DataFrame({"srcc": [-0.5, -0.7]}), "mos")
    ["Every correlation is negative, the pixels' too: did you mean benchmark.opinion=dmos (lower is better)?"]
    """
    values = table["srcc"].dropna() if "srcc" in table else pd.Series(dtype=float)
    if not len(values) or (values >= 0).any():
        return []
    other = "dmos (lower is better)" if opinion == "mos" else "mos (higher is better)"
    return [f"Every correlation is negative, the pixels' too: did you mean benchmark.opinion={other}?"]


def notes_on_distortions(distortions: pd.Series, family: str) -> list[str]:
    """What the types of distortion of a benchmark's pairs mean for its correlations: a sentence each, or none."""
    alike = TID_GLOBAL if family == "tid" else None
    return [f"{said}." for said in (left_out_of_within(distortions), range_restriction(distortions, alike)) if said]


def _mark(row: Mapping[Any, Any], name: str) -> str:
    """An exclamation mark behind a slope that is not 1 for most stimuli."""
    return "!" if name == "slope" and row["slopes_outside"] > row["n"] / 2 else ""


def _order(table: pd.DataFrame, by: str) -> str:
    """What the table of a unit is ordered by, and why its rows have no intervals."""
    meant = f"Low {by} is good." if is_low_good(by) else "Positive = agrees."
    if len(candidate_rows(table)) < 2:
        return meant
    return (
        f"Ordered by {by}, hence without intervals: those of columns that were fixed beforehand are in "
        f"correlations.csv. {meant}"
    )


def ceilings_said(facts: Mapping[str, Any]) -> list[str]:
    """What agreement is possible given how opinions scatter, in words; nothing where that is not known.

    Args:
        facts: the ``headline`` of a unit's ``result.json``.
    """
    if facts.get("ceiling_perfect") is None:
        return []
    return [
        "Predicted from the opinions' standard errors: at most "
        f"{three_digits(facts['ceiling_perfect'])} is possible (knowing what people think on average); another "
        f"group of people would correlate {three_digits(facts['ceiling_group'])}. Two laboratories agree less: "
        "what differs between them beyond chance (displays, viewing, instructions) is not in standard errors."
    ]


def print_table(
    table: pd.DataFrame, *, by: str, title: str, first: list[str], notes: list[str], console: Console, rows: int = 12
) -> None:
    """A unit's headline, its best rows, the pixel control, and what a reader has to know.

    Rows that are shown because they are the highest have no intervals; the pixels, which were not chosen, do.
    """
    ranked = best_first(table, by)
    control = pixel_control(table)
    shown = pd.concat([ranked.head(rows), control])
    console.print(title, style="bold")
    for line in first:
        console.print(line)
    choices = "agreement" in table
    statistic = "agreement" if choices else by if is_low_good(by) else "srcc"
    if choices:
        of_kinds = {name: name if kind in _HEADER else printable(kind) for name, kind in kinds_of(table).items()}
        others = of_kinds if len(of_kinds) <= _MOST_KINDS else {}  # correlations.csv has them
    elif "srcc_within_group" in table:
        named = {"srcc": "SRCC", "srcc_within_group": "within", "plcc": "PLCC", "slope": "slope"}
        others = {name: word for name, word in named.items() if name in table and name != statistic}
    else:
        others = {"srcc_within_distortion": "within", "plcc": "PLCC", "krcc": "KRCC"}
    interval = f" [{100 * float(table['confidence'].iloc[0]):g} %]" if "confidence" in table and len(table) else ""
    named_as = "SRCC" if statistic == "srcc" else statistic
    lines = [
        {
            "layer": printable(str(row["layer"])),
            "depth": f"{row['depth']:.2f}",
            "readout": printable(str(row["readout"])),
            f"{named_as}{interval}": three_digits(row[statistic])
            if row["layer"] != PIXELS.name
            else with_interval(*(row[f"{statistic}{end}"] for end in ("", "_low", "_high"))),
            **{word: f"{three_digits(row[name])}{_mark(row, name)}" for name, word in others.items()},
        }
        for row in shown.to_dict("records")
    ]
    _print_lines(lines, len(shown) - len(control), console)
    if len(ranked) > rows:
        console.print(f"{counted(len(ranked) - rows, 'more row is', 'more rows are')} in correlations.csv.")
    for note in notes:
        console.print(note)


def _print_lines(lines: Sequence[Mapping[str, str]], control: int, console: Console) -> None:
    """A table in a frame; where it is wider than the terminal without one, each row in several lines.

    Args:
        lines: one a row; from row ``control`` on those of the control, below a rule.
        control: its place.
        console: to print on.
    """
    if not lines:
        return
    view = Table()
    for name in lines[0]:
        view.add_column(Text(name), justify="left" if name in ("layer", "readout") else "right", no_wrap=True)
    for place, line in enumerate(lines):
        if place == control:
            view.add_section()
        view.add_row(*map(Text, line.values()))
    natural = console.measure(view, options=console.options.update(max_width=10_000)).maximum
    width = width_of_output()
    if width is None or natural <= width:
        console.width = natural
        console.print(view)
        console.width = width or natural
        return
    for text in table_lines(lines, width, right=[name for name in lines[0] if name not in ("layer", "readout")]):
        console.print(Text(text))
