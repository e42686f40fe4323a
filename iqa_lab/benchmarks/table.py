"""A table of one's own (CSV, Parquet, .xlsx) with a row a pair -> its pairs, and where their images lie."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks import spreadsheet
from iqa_lab.benchmarks.benchmark import (
    CHOICE,
    CHOICES,
    MOS,
    QUADRUPLES,
    Benchmark,
    assemble,
    find_opinions,
    two_rows_a_triplet,
)
from iqa_lab.benchmarks.lists import label, read_list
from iqa_lab.benchmarks.meta_info import check_direction, column_names, is_pyiqas, no_references, parts
from iqa_lab.benchmarks.parquet import ENDING, read_parquet, stored_images
from iqa_lab.benchmarks.roots import Root, read_root, refuse_namesakes
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, choices

REQUIRED = {
    MOS: ("reference", "distorted", "opinion"),
    CHOICE: ("reference", "left", "right", "preference"),
    QUADRUPLES: ("reference", "left_reference", "left", "right_reference", "right", "preference"),
}
IMAGES = ("reference", "distorted", "left_reference", "left", "right_reference", "right")


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a table.

    It has the columns ``reference``, ``distorted``, ``opinion``; with ``benchmark.protocol=2afc`` ``reference``,
    ``left``, ``right``, ``preference`` (the share of people who chose the right image); with ``quadruples``
    ``left_reference`` and ``left``, ``right_reference`` and ``right`` (the images of two pairs), ``reference`` (a name
    of the picture that all four show) and ``preference`` (the share of people to whom the right pair differed less);
    and perhaps ``distortion``, ``level``, ``opinion_std``, ``split``, any of which may be empty in some rows.
    ``benchmark.columns`` says what they are called otherwise. With ``benchmark.votes`` a row is one person's vote.

    ``benchmark.reference_root`` and ``benchmark.distorted_root`` say where the images lie, as ``roots`` has it; without
    them, a row names a path relative to the table. A column of images that a template does without need not be there:
    then an image is called by its path.

    A Parquet file, or a folder of its parts, may hold the images themselves, as ``parquet`` has it.

    Raises:
        UserError: there is no such file, it cannot be read, a column is missing, or images cannot be told apart.
    """
    file, base = _place(config)
    roots = {side: _root(config, side, base) for side in ("reference", "distorted")}
    sides = {side: roots["reference" if side == "reference" else "distorted"] for side in IMAGES}
    required = REQUIRED.get(config.protocol, REQUIRED[MOS])
    table, held = _read(file, [getattr(config.columns, name) for name in required])
    names = column_names(config, table.columns, str(file))
    for name, theirs in names.items():
        root = sides.get(name)
        needed = name in required and (root is None or root.needs_image(table) or config.protocol in CHOICES)
        if theirs not in table and (needed or theirs != name):
            listed = choices(theirs, [str(column) for column in table.columns if column != "line"])
            raise UserError(
                f"{file} has no column {theirs}: it has {listed}; if it is called otherwise, "
                f"say benchmark.columns.{name}=COLUMN{no_references(table.columns)}"
            )
    if table.empty:
        raise UserError(f"{file} has a header, but no row below it")
    rows = pd.DataFrame(
        {name: table[theirs].astype(object) for name, theirs in names.items() if theirs in table}, index=table.index
    )
    if "line" in table:
        rows["line"] = table["line"]
    for name in ("distortion", "level"):
        rows[name] = rows[name].map(label) if name in rows else ""
    if "split" in rows:
        rows["split"] = parts(rows["split"]) if is_pyiqas(table.columns) else rows["split"].map(label)
    shown = [name for name in IMAGES if name in required and (name, config.protocol) != ("reference", QUADRUPLES)]
    for name in shown:
        if names[name] in held:
            rows = _with_held_images(rows, name, sides[name], names[name], file)
        else:
            rows = _with_images(rows, name, sides[name], table, file)
    if config.protocol not in CHOICES:
        check_direction(config, names["opinion"], rows["distorted"].tolist(), str(file))
    _refuse_namesakes(rows, names)
    if config.protocol == QUADRUPLES:
        pairs = {side: rows[f"{side}_reference"] + " and " + rows[side] for side in ("left", "right")}
        rows = rows.assign(reference=_named(rows["reference"], file), **pairs)
    return assemble(config, two_rows_a_triplet(rows) if config.protocol in CHOICES else rows, base)


def _place(config: BenchmarkConfig) -> tuple[Path, Path]:
    """The table, and the folder that relative paths start from: its own, or that of a benchmark with a fixed table."""
    if config.opinions is not None and (config.path is None or Path(config.path).expanduser().is_dir()):
        root, file = find_opinions(config, config.opinions)
        return file, root
    if config.path is None:
        required = ", ".join(REQUIRED.get(config.protocol, REQUIRED[MOS]))
        raise UserError(f"benchmark=table needs benchmark.path=FILE, a CSV, .xlsx or Parquet file with {required}")
    file = Path(config.path).expanduser()
    return file, file if file.is_dir() else file.parent


def _root(config: BenchmarkConfig, side: str, base: Path) -> Root | None:
    setting = f"{side}_root"
    text = getattr(config, setting)
    return None if text is None else read_root(f"benchmark.{setting}", text, base)


def _with_images(rows: pd.DataFrame, name: str, root: Root | None, table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The rows with the images that a column names, by name and by path.

    Raises:
        UserError: a row names no image, or its path leads out of the root.
    """
    images = _named(rows[name], file) if name in rows else None
    if root is None:
        assert images is not None  # else its column is missing
        return rows.assign(**{name: images, f"{name}_file": images})
    files = root.files(table, images, str(file))
    places = [f"{root.folder}/{path}" for path in files]
    return rows.assign(**{name: files if images is None else images, f"{name}_file": places})


def _named(images: pd.Series, file: Path) -> pd.Series:
    """The names in a column.

    Raises:
        UserError: a row has none.
    """
    names = images.map(label)
    empty = names.index[names.str.strip() == ""]
    if len(empty):
        raise UserError(f"{file}: row {int(empty[0]) + 1} names no image")
    return names


def _with_held_images(rows: pd.DataFrame, name: str, root: Root | None, column: str, file: Path) -> pd.DataFrame:
    """The rows with the images that a column of the table itself holds."""
    if root is not None:
        raise UserError(f"{root.setting}: the column {column} of {file} holds the images themselves: leave it out")
    images = stored_images(file, column, apart=name == "distorted")
    return rows.assign(**{name: images.names, f"{name}_file": images.files})


def _refuse_namesakes(rows: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Nothing, if every reference, and every distorted image of one reference, has a name of its own."""
    setting = f"benchmark.columns.reference={columns['reference']}"
    if "reference_file" in rows:
        refuse_namesakes(rows["reference"], rows["reference_file"], "references", setting)
    sides = [name for name in IMAGES[1:] if f"{name}_file" in rows]
    names = pd.concat([rows["reference"].map(label) + ": " + rows[name] for name in sides])
    files = pd.concat([rows[f"{name}_file"] for name in sides])
    settings = " and ".join(f"benchmark.columns.{name}={columns[name]}" for name in sides)
    refuse_namesakes(names, files, "images of one reference", settings)


def _read(file: Path, required: Sequence[str]) -> tuple[pd.DataFrame, set[str]]:
    """All columns of the table, and the names of those that hold images.

    Those of a CSV file or a spreadsheet are text, with the number of every row's line in ``line``.
    """
    if file.is_dir() or (file.is_file() and file.suffix.lower() == ENDING):
        return read_parquet(file)
    if not file.is_file():
        raise UserError(f"benchmark.path={file}: there is no such file")
    return read_rows(file, required), set()


def read_rows(file: Path, required: Sequence[str]) -> pd.DataFrame:
    """All columns of a CSV file or a spreadsheet as text, and ``line``, the number of every row's line.

    Args:
        file: the ending says which of the two.
        required: columns by which the separator or the sheet is recognised.

    Raises:
        UserError: it cannot be read, or is another kind of spreadsheet.
    """
    ending = file.suffix.lower()
    if ending == spreadsheet.ENDING:
        return spreadsheet.read_spreadsheet(file, required)
    if ending in spreadsheet.OTHERS:
        raise UserError(f"{file}: of spreadsheets {spreadsheet.ENDING} is read: save it as that, or as CSV")
    return read_list(file, required)
