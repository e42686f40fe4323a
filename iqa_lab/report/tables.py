"""Tables -> text for papers and spreadsheets: Markdown and LaTeX, bold where an interval says so, and CSV.

Names come from results, which may come from anywhere: whatever a format would read as more than text is escaped.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.report.figures.common import printable
from iqa_lab.statistics.direction import is_low_good
from iqa_lab.store.digits import three_digits, with_interval

# of what a number is printed in bold: in words, for captions
BOLD = "Bold: its interval lies {} those of all other rows"
_FACTORS = ("goal", "dataset", "architecture", "weights")
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


def paper_table(rows: pd.DataFrame, value: str, *, among: str | None = None, also: Sequence[str] = ()) -> pd.DataFrame:
    """The few columns that a paper prints: what tells networks apart, and a value with its interval.

    Args:
        rows: with the factors, ``value`` and its ends ``value_low`` and ``value_high``.
        value: the name of the column.
        among: a factor, within each level of which rows are compared, as ``benchmark``; None: all with all.
        also: columns that are shown besides.

    Returns:
        Text, and the column ``bold``: whether the interval of a row lies above those of all others. Rows without an
        interval are never bold, and nothing is where another row has none.
    """
    shown = [name for name in _FACTORS if name in rows and rows[name].nunique() > 1] or ["architecture"]
    lead = [among] if among is not None and rows[among].nunique() > 1 else []
    statistic, _, how = value.rpartition("_")
    levels = sorted(rows["confidence"].dropna().unique()) if "confidence" in rows else []
    level = f"{' or '.join(f'{100 * one:g}' for one in levels) or '95'} %"
    ends = rows[[value, f"{value}_low", f"{value}_high"]].astype(float).to_numpy()
    named = f"{_SAID.get(statistic, statistic)} {_HOW.get(how, how)} [{level}]"
    table = rows[[*lead, *shown, *also]].astype(str)
    table[named] = [with_interval(*map(float, row)) for row in ends]
    groups = rows[among] if among is not None else pd.Series("", index=rows.index)
    low, high = rows[f"{value}_low"], rows[f"{value}_high"]
    best = _above_all(-high, -low, groups) if is_low_good(value) else _above_all(low, high, groups)
    return table.assign(bold=best)


_SAID = {"srcc": "SRCC", "rms_db": "RMS error in dB"}
_HOW = {"heldout": "held out", "best": "of the best column, in-sample"}


def _above_all(low: pd.Series, high: pd.Series, groups: pd.Series) -> pd.Series:
    """Which interval lies above all others of its group; none where one has no ends, or is alone.

    >>> low, high = pd.Series([0.6, 0.3, 0.5]), pd.Series([0.7, 0.5, 0.65])
    >>> _above_all(low, high, pd.Series(list("aab"))).tolist(), _above_all(low, high, pd.Series(list("aaa"))).tolist()
    ([True, False, False], [False, False, False])
    """
    found = np.zeros(len(low), dtype=bool)
    ends = low.to_numpy(dtype=float), high.to_numpy(dtype=float)
    for places in groups.reset_index(drop=True).groupby(groups.to_numpy()).indices.values():
        lows, highs = ends[0][places], ends[1][places]
        if len(places) < 2 or np.isnan(lows).any() or np.isnan(highs).any():
            continue
        first = int(lows.argmax())
        found[places[first]] = lows[first] > np.delete(highs, first).max()
    return pd.Series(found, index=low.index)


def markdown_table(frame: pd.DataFrame) -> str:
    """A GitHub Markdown table; the last column in bold where a column ``bold`` says so.

    >>> print(markdown_table(pd.DataFrame({"network": ["a", "b"], "srcc": [0.5, 0.75], "bold": [False, True]})))
    | network | srcc |
    |---|---:|
    | a | .500 |
    | b | **.750** |
    <BLANKLINE>
    """
    cells = _cells(frame, "**{}**", _markdown)
    frame = frame.drop(columns="bold", errors="ignore")
    ruler = ["---:" if pd.api.types.is_numeric_dtype(frame[name]) else "---" for name in frame]
    lines = [
        " | ".join(_markdown(str(name)) for name in frame.columns),
        "|".join(ruler),
        *(" | ".join(row) for row in cells),
    ]
    return "\n".join(f"|{line}|" if number == 1 else f"| {line} |" for number, line in enumerate(lines)) + "\n"


def latex_table(frame: pd.DataFrame, caption: str, label: str, *, low_is_good: bool = False) -> str:
    """A LaTeX table for the package booktabs; the last column in bold where a column ``bold`` says so.

    Args:
        frame: what is printed.
        caption: of the table; what bold means is added.
        label: of the table.
        low_is_good: of the value that may be bold.
    """
    cells = _cells(frame, r"\textbf{{{}}}", _latex)
    if "bold" in frame:
        where = BOLD.format("below" if low_is_good else "above")
        caption = f"{caption.rstrip('.')}{'' if caption.endswith('?') else '.'} {where}."
    frame = frame.drop(columns="bold", errors="ignore")
    alignment = "".join("r" if pd.api.types.is_numeric_dtype(frame[name]) else "l" for name in frame)
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{_latex(caption)}}}", rf"\label{{{_LABEL.sub('-', label)}}}",
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule",
        " & ".join(_latex(str(name)) for name in frame.columns) + r" \\", r"\midrule",
        *(" & ".join(row) + r" \\" for row in cells),
        r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _cells(frame: pd.DataFrame, bold: str, escape: Callable[[str], str]) -> list[list[str]]:
    emphasised = frame["bold"].tolist() if "bold" in frame else [False] * len(frame)
    cells = []
    for row, strong in zip(frame.drop(columns="bold", errors="ignore").to_numpy(dtype=object), emphasised, strict=True):
        texts = [escape(value) if isinstance(value, str) else _text(value) for value in row]
        cells.append([*texts[:-1], bold.format(texts[-1])] if strong else texts)
    return cells


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
