"""CSIQ: ``src_imgs/``, a folder a distortion in ``dst_imgs/``, and the spreadsheet ``csiq.DMOS.xlsx``.

The spreadsheet's words for distortions are neither the folders' nor those in the file names.
"""

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_opinions
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError

_OPINIONS = "csiq.DMOS.xlsx"
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


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of CSIQ.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = find_opinions(config, _OPINIONS)
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
    level = as_numbers(table["dst_lev"], table.rename(columns={"image": "distorted"}), "levels").astype(int)
    names = [f"{name}.{_TYPES[kind][1]}.{step}.png" for name, kind, step in zip(image, types, level, strict=True)]
    folders = [f"dst_imgs/{_TYPES[kind][0]}" for kind in types]
    rows = pd.DataFrame(
        {
            "reference": image + ".png",
            "distorted": names,
            "distortion": types,
            "level": level,
            "opinion": table["dmos"],
            "opinion_std": table["dmos_std"],
            "line": table["line"],
            "reference_file": "src_imgs/" + image + ".png",
            "distorted_file": [f"{folder}/{name}" for folder, name in zip(folders, names, strict=True)],
        }
    )
    return assemble(config, rows, root)
