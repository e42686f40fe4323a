"""CSIQ: ``src_imgs/``, a folder a distortion in ``dst_imgs/``, and the spreadsheet ``csiq.DMOS.xlsx``.

The spreadsheet's words for distortions are neither the folders' nor those in the file names. A copy of the form that
hyperIQA and TReS use is read, too: all distorted images in one folder ``dst_imgs_all`` (``dst_imgs`` in pyiqa's), and
``csiq_label.txt`` with lines ``1600.AWGN.1.png 0.062``, which are difference scores, where higher is worse.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.lists import number, read_text
from iqa_lab.benchmarks.names import Names, find_entry
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, pass_on_interrupt

_OPINIONS, _LIST = "csiq.DMOS.xlsx", "csiq_label.txt"
_LARGEST = 2**24  # bytes; the official one has less than 1 MiB
_SHEET, _HEADER_ROW = "all_by_image", 3
_COLUMNS = ["image", "dst_type", "dst_lev", "dmos_std", "dmos"]

# what the spreadsheet says: the folder, and the word in the file name
_TYPES = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}


_NAME = re.compile(r"(.+)\.([A-Za-z0-9]+)\.(\d)(?:\.png)?", re.IGNORECASE)
_FLAT = ("dst_imgs", "dst_imgs_all")


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of CSIQ.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = _find(config)
    table = _spreadsheet(file) if file.suffix.lower() == ".xlsx" else _list(file)
    words = [_TYPES[kind][1] for kind in table["kind"]]
    names = [f"{image}.{word}.{n}.png" for image, word, n in zip(table["image"], words, table["level"], strict=True)]
    folders = _folders(root, names, [_TYPES[kind][0] for kind in table["kind"]])
    rows = pd.DataFrame(
        {
            "reference": table["image"] + ".png",
            "distorted": names,
            "distortion": table["kind"],
            "level": table["level"],
            "opinion": table["opinion"],
            "opinion_std": table["opinion_std"],
            "line": table["line"],
            "reference_file": "src_imgs/" + table["image"] + ".png",
            "distorted_file": [f"{folder}/{name}" for folder, name in zip(folders, names, strict=True)],
        }
    )
    flat = [folder for folder in _FLAT if folder in set(folders)]
    layout = f"{file.name}, {' and '.join(flat) or 'a folder a distortion'}"
    return assemble(config, rows, root, layout=layout)


def _find(config: BenchmarkConfig) -> tuple[Path, Path]:
    """The folder of the database, and its spreadsheet, else its list.

    Raises:
        UserError: neither is there.
    """
    try:
        return find_opinions(config, _OPINIONS)
    except UserError as error:
        pass_on_interrupt(error)
        try:
            return find_opinions(config, _LIST)
        except UserError:
            raise error from None


def _folders(root: Path, names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """The folder of every distorted image: its distortion's, else one that holds all; its distortion's if missing."""
    entries = {folder: Names(find_entry(root, folder) or root / folder) for folder in _FLAT}
    own = {kind: Names(find_entry(root, f"dst_imgs/{kind}") or root / "dst_imgs" / kind) for kind in set(kinds)}
    found = []
    for name, kind in zip(names, kinds, strict=True):
        flat = (folder for folder in _FLAT if entries[folder].find(name))
        found.append(f"dst_imgs/{kind}" if own[kind].find(name) else next(flat, f"dst_imgs/{kind}"))
    return found


def _list(file: Path) -> pd.DataFrame:
    """``image, kind, level, opinion, opinion_std, line`` of the list.

    Raises:
        UserError: a line is of another form, or the scores fall where distortions grow: then they are no difference
            scores.
    """
    words = {word.lower(): kind for kind, (_, word) in _TYPES.items()}
    rows = []
    for line, text in enumerate(read_text(file).splitlines(), 1):
        name, _, opinion = text.strip().replace("\t", " ").replace(",", " ").partition(" ")
        if not name:
            continue
        parts = _NAME.fullmatch(name)
        try:
            if parts is None or parts[2].lower() not in words or not opinion.strip():
                raise ValueError
            rows.append((parts[1], words[parts[2].lower()], int(parts[3]), number(opinion), line))
        except ValueError:
            raise UserError(
                f"{file}:{line}: expected a line like 1600.AWGN.1.png 0.062, found {text.strip()!r}"
            ) from None
    if not rows:
        raise UserError(f"{file} is empty: expected lines like 1600.AWGN.1.png 0.062")
    table = pd.DataFrame(rows, columns=["image", "kind", "level", "opinion", "line"])
    groups = table.groupby(["image", "kind"])
    rise = ((table["level"] - groups["level"].transform("mean")) * table["opinion"]).sum()
    if groups.ngroups < len(table) and not rise > 0:
        raise UserError(f"{file}: its scores fall where distortions grow, but difference scores (DMOS) have to rise")
    return table.assign(opinion_std=float("nan"))


def _spreadsheet(file: Path) -> pd.DataFrame:
    """``image, kind, level, opinion, opinion_std, line`` of the spreadsheet.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST >> 20} MiB")
        # as text: a photograph is called 1600, which a spreadsheet takes for a number
        table = pd.read_excel(file, sheet_name=_SHEET, header=_HEADER_ROW, dtype=str)
    except Exception as error:  # of a damaged file openpyxl may raise anything
        raise UserError(f"{file} is damaged or another spreadsheet: {' '.join(str(error).split())[:120]}") from error
    missing = [name for name in _COLUMNS if name not in table]
    if missing:
        raise UserError(f"{file}: sheet {_SHEET} has no column {missing[0]} in row {_HEADER_ROW + 1}")
    table = table[_COLUMNS].dropna(how="all")
    table["line"] = table.index + _HEADER_ROW + 2
    empty = table.index[table[["image", "dst_type", "dst_lev"]].isna().any(axis=1)]
    if len(empty):
        raise UserError(f"{file}: row {table.loc[empty[0], 'line']} names no image, distortion or level")
    types = table["dst_type"].str.strip()
    unknown = types[~types.isin(list(_TYPES))]
    if len(unknown):
        raise UserError(f"{file}: unknown distortion {unknown.iloc[0]!r}, expected {', '.join(_TYPES)}")
    image = table["image"].str.strip().str.removesuffix(".0")
    level = as_numbers(table["dst_lev"], table.rename(columns={"image": "distorted"}), "levels")
    wrong = level.index[~level.isin(range(1, 10))]
    if len(wrong):
        row = table.loc[wrong[0]]
        raise UserError(f"{file}: row {row['line']}: the level is {row['dst_lev']!r}, expected a number from 1 to 9")
    return pd.DataFrame(
        {
            "image": image,
            "kind": types,
            "level": level.astype(int),
            "opinion": table["dmos"],
            "opinion_std": table["dmos_std"],
            "line": table["line"],
        }
    )
