"""Tables for papers: Markdown and LaTeX, the best of every column in bold."""

import math
from typing import Any

import pandas as pd

from iqa_lab.store.show import three_digits

# which columns are better when they are higher
HIGHER = ("srcc", "plcc", "plcc_logistic", "krcc", "srcc_within_distortion", "agreement")
_SPECIAL = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}


def markdown_table(frame: pd.DataFrame) -> str:
    """A GitHub Markdown table.

    >>> print(markdown_table(pd.DataFrame({"network": ["a", "b"], "srcc": [0.5, 0.75]})))
    | network | srcc |
    |---|---:|
    | a | .500 |
    | b | **.750** |
    <BLANKLINE>
    """
    cells = _cells(frame, "**{}**")
    ruler = ["---:" if pd.api.types.is_numeric_dtype(frame[name]) else "---" for name in frame]
    lines = [" | ".join(map(str, frame.columns)), "|".join(ruler), *(" | ".join(row) for row in cells)]
    return "\n".join(f"|{line}|" if number == 1 else f"| {line} |" for number, line in enumerate(lines)) + "\n"


def latex_table(frame: pd.DataFrame, caption: str, label: str) -> str:
    """A LaTeX table for the package booktabs."""
    alignment = "".join("r" if pd.api.types.is_numeric_dtype(frame[name]) else "l" for name in frame)
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{_latex(caption)}}}", rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(_latex(str(name)) for name in frame.columns) + r" \\", r"\midrule",
        *(" & ".join(row) + r" \\" for row in _cells(frame, r"\textbf{{{}}}", escape=True)),
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cells(frame: pd.DataFrame, bold: str, escape: bool = False) -> list[list[str]]:
    best = {name: frame[name].max() for name in frame if name in HIGHER and len(frame) > 1}

    def cell(name: str, value: Any) -> str:
        text = _text(value)
        text = _latex(text) if escape else text.replace("|", "\\|")
        return bold.format(text) if name in best and value == best[name] else text

    return [[cell(str(name), value) for name, value in row.items()] for row in frame.to_dict("records")]


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "--"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return str(value)
    return three_digits(value)


def _latex(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text.replace("\\", ""))
