"""A unit's result -> the table in the terminal."""

import math
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from iqa_lab.benchmarks import Benchmark
from iqa_lab.benchmarks.benchmark import CHOICE, CHOICES, QUADRUPLES, questions
from iqa_lab.config import Config
from iqa_lab.networks.network import PIXELS
from iqa_lab.progress import plain_console
from iqa_lab.statistics.correlation.choices import ceilings
from iqa_lab.statistics.correlation.groups import TID_GLOBAL, left_out_of_within, range_restriction
from iqa_lab.statistics.intervals.few import few_references
from iqa_lab.store.headline import best_first, pixel_control
from iqa_lab.store.outcome import Outcome

# Of each protocol of choices: what people did whose answer a distance predicts.
_AGREES = {
    CHOICE: "who chose the image with the smaller distance",
    QUADRUPLES: "to whom the pair with the larger distance differed more",
}


def show(outcome: Outcome, config: Config) -> float:
    """Print a unit's table on standard output; returns its headline number."""
    benchmark = outcome.benchmark
    by = "agreement" if benchmark.config.protocol in CHOICES else benchmark.config.headline
    n, table = len(benchmark.pairs), outcome.table
    title = (
        f"{config.goal.name} - {config.dataset.name} - {config.architecture.name} "
        f"({table['weights'].iloc[0]}) on {benchmark.config.name}"
    )
    references = f"{benchmark.pairs['reference'].nunique()} references; intervals by resampling references"
    notes = [
        f"{n} of {benchmark.n_expected} pairs, {references}; within: mean SRCC within a distortion."
        if benchmark.config.protocol not in CHOICES
        else f"{n // 2} of {benchmark.n_expected // 2} {questions(benchmark.config.protocol)}, {references}; "
        f"agreement: share of people {_AGREES[benchmark.config.protocol]}. {_limits(benchmark)}",
        f"Ordered by {by}; the best of many layers is optimistic. Positive = agrees.",
        *chosen_on_others((outcome.unit.read_result() or {}).get("headline", {})),
    ]
    if benchmark.config.protocol not in CHOICES:
        notes += notes_on_distortions(benchmark.pairs["distortion"], benchmark.config.family)
    few = few_references(benchmark.pairs["reference"].nunique())
    notes += [few] if few else []
    if not benchmark.config.human:
        notes.append(f"No human judgement: {benchmark.config.description}.")
    verb = "Result" if outcome.computed or outcome.restated else "Nothing to do, the result is"
    notes.append(f"{verb} in {outcome.unit.folder}")
    print_table(table, by=by, title=title, notes=notes, console=plain_console())
    return float(best_first(table, by)[by].iloc[0]) if len(table) else float("nan")


def _limits(benchmark: Benchmark) -> str:
    """What agreement is possible on choices, in words."""
    people = benchmark.config.people
    if people is None or people < 2:  # one person cannot disagree
        return ""
    limits = ceilings(benchmark.pairs["opinion"].iloc[1::2], people)
    return f"Possible are {limits.majority:.3f} (always with the majority); two people agree {limits.person:.3f}."


def notes_on_distortions(distortions: pd.Series, family: str) -> list[str]:
    """What the types of distortion of a benchmark's pairs mean for its correlations: a sentence each, or none."""
    alike = TID_GLOBAL if family == "tid" else None
    return [f"{said}." for said in (left_out_of_within(distortions), range_restriction(distortions, alike)) if said]


def chosen_on_others(facts: dict[str, Any]) -> list[str]:
    """What a unit's headline says of choosing the best column, and of what is possible, in words; nothing if unknown.

    Args:
        facts: the ``headline`` of its ``result.json``.
    """
    notes = []
    statistic = "agreement" if "agreement_best" in facts else "srcc"
    best, heldout = facts.get(f"{statistic}_best"), facts.get(f"{statistic}_heldout")
    if best is not None and heldout is not None and "chosen_how_often" in facts:
        name = "SRCC" if statistic == "srcc" else statistic
        notes.append(
            f"Highest {name} {three_digits(best)}, chosen on the same opinions; {three_digits(heldout)} if it is "
            f"chosen on other references (the same one in {100 * facts['chosen_how_often']:.0f} % of the divisions)."
        )
    if facts.get("ceiling_perfect") is not None:
        notes.append(
            "Predicted from the opinions' standard errors: at most "
            f"{three_digits(facts['ceiling_perfect'])} is possible (knowing what people think on average); another "
            f"group of people would correlate {three_digits(facts['ceiling_group'])}. Two laboratories agree less: "
            "what differs between them beyond chance (displays, viewing, instructions) is not in standard errors."
        )
    return notes


def print_table(
    table: pd.DataFrame, *, by: str, title: str, notes: list[str], console: Console, rows: int = 12
) -> None:
    """The best rows of a unit, the pixel control, and what a reader has to know."""
    ranked = best_first(table, by)
    control = pixel_control(table)
    shown = pd.concat([ranked.head(rows), control])
    view = Table(title=title, title_justify="left", title_style="bold")
    view.add_column("layer", no_wrap=True)
    view.add_column("depth", justify="right")
    view.add_column("readout", no_wrap=True)
    choices = "agreement" in table
    statistic = "agreement" if choices else "srcc"
    if choices:
        kinds = [str(name).removeprefix("agreement_") for name in table if str(name).startswith("agreement_")]
        others = {f"agreement_{kind}": kind for kind in kinds if kind not in ("low", "high")}
    else:
        others = {"srcc_within_distortion": "within", "plcc": "PLCC", "krcc": "KRCC"}
    interval = f" [{100 * float(table['confidence'].iloc[0]):g} %]" if "confidence" in table and len(table) else ""
    view.add_column(f"{statistic if choices else 'SRCC'}{interval}", justify="right", no_wrap=True)
    for name in others.values():
        view.add_column(name, justify="right", no_wrap=name == "within")
    for row in shown.to_dict("records"):
        if row["layer"] == PIXELS.name:
            view.add_section()
        view.add_row(
            row["layer"],
            f"{row['depth']:.2f}",
            row["readout"],
            with_interval(*(row[f"{statistic}{end}"] for end in ("", "_low", "_high"))),
            *(three_digits(row[name]) for name in others),
        )
    console.print(view)
    if len(ranked) > rows:
        console.print(f"{len(ranked) - rows} more rows are in correlations.csv.")
    for note in notes:
        console.print(note)


def with_interval(value: float, low: float, high: float) -> str:
    """A number and its interval; a dash where it has none.

    >>> with_interval(0.7, 0.65, 0.75), with_interval(0.7, math.nan, math.nan)
    ('.700 [.650, .750]', '.700 -')
    """
    ends = "-" if math.isnan(low) or math.isnan(high) else f"[{three_digits(low)}, {three_digits(high)}]"
    return f"{three_digits(value)} {ends}"


def three_digits(value: float) -> str:
    """Three decimals without the leading zero, as journals print correlations; a dash where undefined."""
    if math.isnan(value):
        return "-"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text
