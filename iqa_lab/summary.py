"""The few numbers of a unit that a person looks at first, and the table in the terminal."""

import math
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from iqa_lab.networks.network import PIXELS

# Rows whose weights were fitted to the very opinions that they are compared with: never the best of anything.
IN_SAMPLE = "_insample"


def best_first(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows of the network's own layers, the highest ``by`` first; those fitted in-sample come last."""
    by = by if by in table else "agreement"  # of choices
    own = table[table["layer"] != PIXELS.name].sort_values(by, ascending=False, kind="stable")
    fitted = own["readout"].str.endswith(IN_SAMPLE)
    return pd.concat([own[~fitted], own[fitted]])


def pixel_control(table: pd.DataFrame) -> pd.DataFrame:
    """The row of the pixels' RMSE."""
    return table[(table["layer"] == PIXELS.name) & (table["readout"] == "plain")]


def headline(table: pd.DataFrame, by: str) -> dict[str, Any]:
    """The best layer and readout by the benchmark's headline statistic (chosen in-sample), and the pixel control."""
    ranked = best_first(table, by)
    control = pixel_control(table)
    best = (ranked if len(ranked) else table).iloc[0]
    if "agreement" in table:
        return {
            "best_layer": best["layer"],
            "best_readout": best["readout"],
            "agreement_best": float(best["agreement"]),
            "agreement_low": float(best["agreement_low"]),
            "agreement_high": float(best["agreement_high"]),
            "n": int(best["n"]),
            **({"agreement_pixels": float(control["agreement"].iloc[0])} if len(control) else {}),
        }
    return {
        "best_layer": best["layer"],
        "best_readout": best["readout"],
        "srcc_best": float(best["srcc"]),
        "srcc_low": float(best["srcc_low"]),
        "srcc_high": float(best["srcc_high"]),
        "plcc": float(best["plcc"]),
        "krcc": float(best["krcc"]),
        "srcc_within_distortion": float(best["srcc_within_distortion"]),
        "n": int(best["n"]),
        **({"srcc_pixels": float(control["srcc"].iloc[0])} if len(control) else {}),
    }


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
            f"Possible are at most {three_digits(facts['ceiling_perfect'])} (knowing what people think on average); "
            f"another group of people would correlate {three_digits(facts['ceiling_group'])}."
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
    view.add_column(f"{statistic if choices else 'SRCC'} [95 %]", justify="right", no_wrap=True)
    for name in others.values():
        view.add_column(name, justify="right", no_wrap=name == "within")
    for row in shown.to_dict("records"):
        if row["layer"] == PIXELS.name:
            view.add_section()
        view.add_row(
            row["layer"],
            f"{row['depth']:.2f}",
            row["readout"],
            "{} [{}, {}]".format(*(three_digits(row[f"{statistic}{end}"]) for end in ("", "_low", "_high"))),
            *(three_digits(row[name]) for name in others),
        )
    console.print(view)
    if len(ranked) > rows:
        console.print(f"{len(ranked) - rows} more rows are in correlations.csv.")
    for note in notes:
        console.print(note)


def three_digits(value: float) -> str:
    """Three decimals without the leading zero, as journals print correlations; a dash where undefined."""
    if math.isnan(value):
        return "-"
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.9995 else text
