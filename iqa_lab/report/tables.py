"""Tables -> text for papers and spreadsheets: Markdown and LaTeX with the best of every column in bold, and CSV.

Names come from results, which may come from anywhere: whatever a format would read as more than text is escaped.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from iqa_lab.report.figures.common import printable
from iqa_lab.store.digits import three_digits

# which columns are better when they are higher, and which when they are lower
HIGHER = (
    "srcc_mean",
    "srcc_heldout",
    "srcc_best",
    "agreement_heldout",
    "agreement_best",
    "srcc",
    "plcc",
    "plcc_logistic",
    "krcc",
    "srcc_within_distortion",
    "agreement",
)
LOWER = ("rms_db_heldout", "rms_db_best", "rms_db")
_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%_#${}"}, "\\": r"\textbackslash{}", "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip
_LABEL = re.compile("[^A-Za-z0-9:._-]+")  # what a label cannot hold
_MARKDOWN = "\\`*_[]<>|&~$"
# what a cell begins with that a spreadsheet runs, in narrow and in wide letters
_FORMULA = re.compile("[ ]*[=+@\t\n\uff1d\uff0b\uff0d\uff20-]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def csv_table(frame: pd.DataFrame) -> str:
    """A CSV table that spreadsheets show and do not run: text that begins like a formula gets an apostrophe before it.

    >>> print(csv_table(pd.DataFrame({"layer": ["=1+1", "-1", "conv"], "srcc": [-0.5, 0.5, 1.0]})), end="")
    layer,srcc
    '=1+1,-0.5
    -1,0.5
    conv,1.0
    """
    safe = frame.copy()
    for name in frame:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            safe[name] = frame[name].map(_inert)
    return safe.rename(columns=_inert).to_csv(index=False)


def _inert(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("\r", " ")  # alone it ends a row
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def markdown_table(frame: pd.DataFrame) -> str:
    """A GitHub Markdown table.

    >>> print(markdown_table(pd.DataFrame({"network": ["a", "b"], "srcc": [0.5, 0.75]})))
    | network | srcc |
    |---|---:|
    | a | .500 |
    | b | **.750** |
    <BLANKLINE>
    """
    cells = _cells(frame, "**{}**", _markdown)
    ruler = ["---:" if pd.api.types.is_numeric_dtype(frame[name]) else "---" for name in frame]
    lines = [
        " | ".join(_markdown(str(name)) for name in frame.columns),
        "|".join(ruler),
        *(" | ".join(row) for row in cells),
    ]
    return "\n".join(f"|{line}|" if number == 1 else f"| {line} |" for number, line in enumerate(lines)) + "\n"


def latex_table(frame: pd.DataFrame, caption: str, label: str) -> str:
    """A LaTeX table for the package booktabs."""
    alignment = "".join("r" if pd.api.types.is_numeric_dtype(frame[name]) else "l" for name in frame)
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{_latex(caption)}}}", rf"\label{{{_LABEL.sub('-', label)}}}",
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(_latex(str(name)) for name in frame.columns) + r" \\", r"\midrule",
        *(" & ".join(row) + r" \\" for row in _cells(frame, r"\textbf{{{}}}", _latex)),
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cells(frame: pd.DataFrame, bold: str, escape: Callable[[str], str]) -> list[list[str]]:
    best = {name: frame[name].max() for name in frame if name in HIGHER and len(frame) > 1}
    best |= {name: frame[name].min() for name in frame if name in LOWER and len(frame) > 1}

    def cell(name: str, value: Any) -> str:
        text = escape(value) if isinstance(value, str) else _text(value)
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
    r"""Text that LaTeX prints as it is, in one line.

    >>> print(_latex("a_b^2 50 %"), _latex("[x"), _latex("a--b"))
    a\_b\textasciicircum{}2 50 \% {}[x a-{}-b
    """
    escaped = re.sub("-(?=-)", "-{}", "".join(_LATEX.get(letter, letter) for letter in _line(text)))
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped  # the end of a row would take them


def _markdown(text: str) -> str:
    r"""Text that Markdown shows as it is, in one line.

    >>> print(_markdown("a_b|<i>"))
    a\_b\|\<i\>
    """
    return "".join(f"\\{letter}" if letter in _MARKDOWN else letter for letter in _line(text))


def _line(text: str) -> str:
    """The text without line breaks and control characters."""
    return " ".join(printable(text).split())
