"""Databases of which icbcbicc/IQA-Dataset has a list: their publishers' own files, or that list -> a Benchmark.

A list (https://github.com/icbcbicc/IQA-Dataset, MIT) is a CSV file with the columns ``dis_img_path, dis_type,
ref_img_path, score``; the first folder of its paths stands for the database's own folder, in which the list has to lie.
``layouts.py`` says what is known of the shipped databases besides their lists; a list of one's own is read as it is.
"""

import filecmp
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, roots
from iqa_lab.benchmarks.images import decode
from iqa_lab.benchmarks.layouts import LAYOUTS, Layout
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.names import finder
from iqa_lab.benchmarks.official import Labels
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, first_names

_COLUMNS = ["dis_img_path", "dis_type", "ref_img_path", "score"]
_REFERENCE = "Reference"  # the type of references that were judged among the distorted images


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of a database, its publisher's own opinions before those of a list.

    An image is named by its path in the list, since some databases have several images of one name; it is looked for
    there and at every other place of the layout.

    Raises:
        UserError: files are missing or damaged, or of another database; or two different images answer to one name.
    """
    if config.opinions is None:
        raise UserError(f"benchmark {config.name}: benchmark.opinions has to name the list")
    layout = LAYOUTS.get(PurePosixPath(config.opinions).name, Layout(own_list=True))
    found = _found(config, layout)
    rows = layout.read(found.labels) if layout.read and found.labels.files else _of_list(config, found.file, layout)
    levels = layout.levels(found.labels) if layout.levels else {}
    rows = _described(rows, layout, levels, found.file)
    return assemble(config, _located(config, rows, found, layout), found.root)


@dataclass(frozen=True)
class _Found:
    """What is there of a database."""

    root: Path  # its folder
    file: Path  # of its opinions, or the last of them
    labels: Labels  # the publisher's files of opinions; none of them where the list is read
    find: Callable[[str], str]  # a path below the folder -> where that file is; "" where it is not


def _found(config: BenchmarkConfig, layout: Layout) -> _Found:
    """The folder of the database, and what of its opinions is to be read there.

    Raises:
        UserError: there are none; or a part of the publisher's own is missing.
    """
    assert config.opinions is not None
    homes = roots(config)
    lost: list[Path] = []
    for root in homes:
        find = finder(root)
        placed = _placed(find, config, layout)
        files = {label: Path(placed(label)) for label in layout.labels if placed(label)}
        if files and len(files) == len(layout.labels):
            return _Found(root, [*files.values()][-1], Labels(files, placed, config.expected.pairs), find)
        file = _first(find, [config.opinions, *_wrapped(config, [config.opinions])])
        if file:
            return _Found(root, Path(file), Labels({}, placed, config.expected.pairs), find)
        lost += [root / label for label in layout.labels if files and label not in files]
    if lost:
        raise UserError(f"benchmark {config.name}: {lost[0]} is not there, beside others of its publisher's files")
    publishers = [first_names([str(homes[0] / label) for label in layout.labels], 1)] if layout.labels else []
    looked_for = " or ".join([*publishers, str(homes[0] / config.opinions)])
    where = f"; get it from {config.url}" if config.url else ""
    note = f" ({layout.note})" if layout.note else ""
    raise UserError(
        f"benchmark {config.name} is not there: looked for {looked_for}{where}{note}; "
        "then set IQA_LAB_DATA to the folder above it, or benchmark.path to itself"
    )


def _of_list(config: BenchmarkConfig, file: Path, layout: Layout) -> pd.DataFrame:
    """The rows of a list.

    Raises:
        UserError: it is damaged, has another number of rows, or is another database's or layout's.
    """
    table = read_columns(file, _COLUMNS)
    inside = {column: table[column].str.partition("/")[2] for column in ("dis_img_path", "ref_img_path")}
    copies = table["dis_type"] == _REFERENCE
    if not layout.own_list:
        for path, line in zip(table["dis_img_path"], table["line"], strict=True):
            if path.partition("/")[0].lower() != file.stem.lower():
                raise UserError(
                    f"{file}:{line}: expected a path like {file.stem}/{layout.example}, found {path!r}: it is the "
                    "list of another database"
                )
    if config.expected.pairs not in (None, int((~copies).sum())):
        raise UserError(f"{file}: {int((~copies).sum())} pairs ({config.expected.pairs} expected)")
    return pd.DataFrame(
        {
            "reference": inside["ref_img_path"].str.rpartition("/")[2],
            "distorted": inside["dis_img_path"],
            "distortion": table["dis_type"],
            "opinion": table["score"],
            "line": table["line"],
            "reference_file": inside["ref_img_path"],
            "reference_copy": copies,
        }
    )


def _described(rows: pd.DataFrame, layout: Layout, levels: Mapping[str, str], file: Path) -> pd.DataFrame:
    """The rows with what the images' names say of distortion and level.

    Args:
        rows: with ``distorted`` and ``distortion``.
        layout: says how names are read.
        levels: of some images, told by other files.
        file: that the rows are of, for errors.

    Raises:
        UserError: a name has another form.
    """
    level: list[int | str] = []
    distortion: list[str] = []
    for row, name, kind in zip(rows.index, rows["distorted"], rows["distortion"], strict=True):
        match = layout.name.fullmatch(name)
        if match is None and not layout.own_list:
            place = f":{rows.loc[row, 'line']}" if "line" in rows else ""
            raise UserError(f"{file}{place}: expected a path like {layout.example}, found {name!r}")
        level.append(0 if match is None else levels.get(name) or layout.level(match))
        distortion.append(kind if match is None or layout.distortion is None else layout.distortion(match))
    numbers = all(isinstance(value, int) for value in level)
    return rows.assign(
        level=pd.Series(level, index=rows.index, dtype=int if numbers else object), distortion=distortion
    )


def _wrapped(config: BenchmarkConfig, places: Sequence[str]) -> list[str]:
    """The places in the folder of the list's name, which archives of the University of Waterloo make."""
    return [f"{PurePosixPath(str(config.opinions)).stem}/{place}" for place in places]


def _places(config: BenchmarkConfig, layout: Layout, path: str) -> list[str]:
    """All paths at which a file of the list may lie, the likeliest first."""
    places = layout.candidates(path)
    return list(dict.fromkeys([*places, *_wrapped(config, places)]))


def _first(find: Callable[[str], str], places: Iterable[str]) -> str:
    """Where the first of these is that is there; "" where none is."""
    return next(filter(None, map(find, places)), "")


def _placed(find: Callable[[str], str], config: BenchmarkConfig, layout: Layout) -> Callable[[str], str]:
    """A function from a path in the layout to where that file is, at whichever of its places; "" where it is not."""
    return lambda path: _first(find, _places(config, layout, path))


def _located(config: BenchmarkConfig, rows: pd.DataFrame, found: _Found, layout: Layout) -> pd.DataFrame:
    """The rows with the paths below the database's folder at which their images lie, or would be expected.

    Raises:
        UserError: no distorted image is there; or an image is there twice, and not the same.
    """
    places = {path: _places(config, layout, path) for path in {*rows["reference_file"], *rows["distorted"]}}
    there = {path: [place for place in candidates if found.find(place)] for path, candidates in places.items()}
    if len(rows) and not any(there[path] for path in rows["distorted"]):
        raise UserError(
            f"benchmark {config.name} in {found.root} is incomplete: 0 of {len(rows)} pairs are there; the first image "
            f"was looked for as {first_names(places[rows['distorted'].iloc[0]], 4)}"
        )
    for path, copies in there.items():
        first, *others = [found.find(place) for place in copies] or [""]
        for other in others:
            if not _same_image(first, other):
                raise UserError(
                    f"benchmark {config.name}: {first} and {other} are different images, but both may be {path}: keep "
                    "the one that is meant"
                )
    file = {path: copies[0] if copies else _expected(found.root, places[path]) for path, copies in there.items()}
    return rows.assign(reference_file=rows["reference_file"].map(file), distorted_file=rows["distorted"].map(file))


def _expected(root: Path, places: list[str]) -> str:
    """Where an image that is nowhere should be: the first of its places whose folder is there."""
    return next((place for place in places if (root / place).parent.is_dir()), places[0])


def _same_image(one: str, other: str) -> bool:
    """Whether two files are one, hold the same bytes, or the same pixels."""
    return one == other or filecmp.cmp(one, other, shallow=False) or decode(one).digest == decode(other).digest
