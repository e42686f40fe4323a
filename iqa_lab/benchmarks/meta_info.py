"""The columns of a table of one's own -> which of them is what: our names, the user's settings, or those of pyiqa.

pyiqa (https://github.com/chaofengc/IQA-PyTorch) describes databases by tables ``meta_info_*.csv`` with the columns
``ref_name`` (``hq_name`` in PIPAL's), ``dist_name``, one of ``mos``, ``dmos`` and ``elo_score``, and perhaps ``std``
and splits. Two of them call their opinions what they are not: KADID-10k's ``dmos`` is a mean opinion score, and LIVE's
``mos`` a difference score.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import pandas as pd

from iqa_lab.benchmarks.lists import label
from iqa_lab.benchmarks.selection import PARTS
from iqa_lab.config import BenchmarkConfig, ColumnsConfig
from iqa_lab.errors import UserError, first_names

# what others call our columns; a table that has ours is not looked at further
_THEIRS = {
    "reference": ("ref_name", "hq_name"),
    "distorted": ("dist_name",),
    "opinion": ("mos", "dmos", "elo_score"),
    "opinion_std": ("std",),
}
_OURS = asdict(ColumnsConfig())
_PARTS = {"val": "validation", **{str(number): part for number, part in enumerate(PARTS)}}
_DIFFERENCE = re.compile(r"dmos|(?:^|[^a-z])d[-_ ]mos", re.IGNORECASE)
_KADID = re.compile(r"(?:.*/)?i\d\d_\d\d_\d\d\.png", re.IGNORECASE)
_LIVE = re.compile(r"(?:.*/)?(?:jp2k|jpeg|wn|gblur|fastfading)/img\d+(?:\.bmp)?", re.IGNORECASE)


def column_names(config: BenchmarkConfig, columns: Iterable[str], file: str) -> dict[str, str]:
    """What the table calls our columns, by our names; where it does not have one, what it should be called.

    A setting other than its default counts; then our own name; then pyiqa's.

    Args:
        config: ``columns`` and ``split`` are read.
        columns: of the table.
        file: for errors.

    Raises:
        UserError: several columns could be meant.
    """
    there = [str(column) for column in columns]
    names = asdict(config.columns)
    for ours, theirs in names.items():
        if theirs != _OURS[ours] or theirs in there:
            continue
        found = [name for name in _THEIRS.get(ours, ()) if name in there]
        if ours == "split" and is_pyiqas(there):
            found = [name for name in there if "split" in name.lower()]
            if config.split.part is None and len(found) > 1:  # none of them is asked for
                found = []
        if len(found) > 1:
            raise UserError(f"{file} has the columns {', '.join(found)}: say benchmark.columns.{ours}=COLUMN")
        names[ours] = found[0] if found else theirs
    return names


def is_pyiqas(columns: Iterable[str]) -> bool:
    """Whether a table has pyiqa's form."""
    return "dist_name" in columns


def parts(values: pd.Series) -> pd.Series:
    """A column of splits with our names of the usual parts: ``val`` is validation, 0, 1 and 2 are the three."""
    words = values.map(label)
    return words.map(lambda word: _PARTS.get(word, word))


def check_direction(config: BenchmarkConfig, column: str, images: Sequence[str], file: str) -> None:
    """Nothing, if ``benchmark.opinion`` does not contradict what the column of opinions is known to hold.

    A column that is called ``dmos`` holds difference scores, one that was recognised as ``mos`` or ``elo_score`` does
    not, whatever the user forgot to say; KADID-10k's and LIVE's are known by the names of their images.

    Args:
        config: ``opinion`` and ``columns`` are read.
        column: of opinions, as the table calls it.
        images: the names of the distorted images.
        file: for errors.

    Raises:
        UserError: it does.
    """
    recognised = config.columns.opinion == _OURS["opinion"] and column in _THEIRS["opinion"]
    lower = _DIFFERENCE.search(column) is not None
    if lower and all(map(_KADID.fullmatch, images)):
        wrong, why = config.opinion == "dmos", "of KADID-10k holds mean opinion scores, where higher is better"
    elif column == "mos" and all(map(_LIVE.fullmatch, images)):
        wrong, why = config.opinion == "mos", "of LIVE holds difference scores, where higher is worse"
    elif lower:
        wrong, why = config.opinion == "mos", "holds difference scores by its name, where higher is worse"
    else:
        wrong, why = recognised and config.opinion == "dmos", "holds scores by its name, where higher is better"
    if wrong:
        other = "mos" if config.opinion == "dmos" else "dmos"
        raise UserError(
            f"{file}: the column {column} {why}: say benchmark.opinion={other}; if it holds other opinions, rename it"
        )


def no_references(columns: Iterable[str]) -> str:
    """What to add to an error where a table names images, but no references; empty if it is not of that kind."""
    there = [str(column) for column in columns]
    alone = [name for name in ("img_name", "image_name") if name in there]
    return f"; a list of images without references ({first_names(alone)}) has no pairs" if alone else ""
