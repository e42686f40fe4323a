"""``iqa-lab score``: image files -> their distances by any metric, and the opinions that these predict."""

from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.benchmarks.spreadsheet import OTHERS
from iqa_lab.benchmarks.table import read_rows
from iqa_lab.cli.printing import print_rows
from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.metric.about import description
from iqa_lab.metric.files import FileScorer
from iqa_lab.metric.growing import LAST, PAIR, GrowingTable
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.module import Metric
from iqa_lab.metric.opinion import opinions_of
from iqa_lab.progress import progress_bar, say

_FILE = ".safetensors"
_TABLES = (".csv", ".tsv", ".txt", ".xlsx", *OTHERS)
# files of a folder that are images
_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".jp2", ".webp", ".avif", ".gif")


def score_command(
    images: list[str],
    words: list[str],
    *,
    metric: str | None,
    reference_folder: Path | None,
    distorted_folder: Path | None,
    out: Path | None,
    opinion_of: Path | None,
    each_layer: bool,
    as_csv: bool,
    batch_size: int,
    workers: int,
    config_dir: Path | None,
    trust: bool,
) -> None:
    """Score what was asked for, and print or write it.

    Raises:
        UserError: it was asked for wrongly.
        UnitFailed: some pairs could not be scored; the others are there.
    """
    if out is not None and out.suffix.lower() != ".csv":
        raise UserError(f"--out {out}: scores are written as CSV; give a file that ends with .csv")
    pairs = _pairs(images, reference_folder, distorted_folder)
    loaded = _metric(metric, words, each_layer=each_layer, config_dir=config_dir, trust=trust)
    opinions = None if opinion_of is None else opinions_of(opinion_of, loaded)
    scorer = FileScorer(loaded, opinions, batch_size, workers)
    say(description(loaded.names, loaded.about))
    if opinions is not None:
        say(opinions.said)
    table = _scored(scorer, pairs, out)
    if as_csv:
        print(table.to_csv(index=False), end="")
    elif out is None:
        print_rows([_shown(row) for row in table.drop(columns=LAST).to_dict("records")])
    failed = table[table["error"] != ""]
    for row in failed.itertuples():
        say(f"{row.distorted}: {row.error}", "red")
    if out is not None:
        say(f"{len(table) - len(failed)} of {len(table)} pairs in {out}")
    if len(failed):
        raise UnitFailed(f"{len(failed)} of {len(table)} pairs were not scored, as listed above")


def _scored(scorer: FileScorer, pairs: pd.DataFrame, out: Path | None) -> pd.DataFrame:
    growing = None if out is None else GrowingTable(out, scorer.columns, scorer.numbers, scorer.fingerprint)
    kept = None if growing is None else growing.begun(pairs)
    number = len(pairs.drop_duplicates(PAIR))
    if kept is not None and len(kept):
        say(f"{len(kept)} of {number} pairs are in {out} already")
    with progress_bar() as bar:
        task = bar.add_task("score", total=number, completed=0 if kept is None else len(kept))

        def done(rows: pd.DataFrame) -> None:
            if growing is not None:
                growing.add(rows)
            bar.advance(task, len(rows))

        table = scorer.score(pairs, kept, done)
    if growing is not None:
        growing.replace(table)
    return table


def _metric(metric: str | None, words: list[str], *, each_layer: bool, config_dir: Path | None, trust: bool) -> Metric:
    if metric is None:
        return load_metric(overrides=words, concat=None if each_layer else "raw", config_dir=config_dir)
    if words or each_layer:
        raise UserError(f"--metric {metric} says what the metric is: leave out {' '.join(words) or '--each-layer'}")
    if metric.endswith(_FILE):
        return load_metric(metric, trust=trust)
    file, _, column = metric.rpartition(_FILE + ":")
    if file and Path(file + _FILE).is_file():
        raise UserError(f"--metric {file}{_FILE} is one metric: leave out :{column}")
    folder, _, column = metric.rpartition(":")
    while folder and not Path(folder).is_dir():  # colons may stand in both
        folder, _, more = folder.rpartition(":")
        column = f"{more}:{column}"
    if not folder:
        return load_metric(metric, trust=trust)
    return load_metric(folder, column=column, trust=trust)


def _pairs(images: list[str], references: Path | None, distorted: Path | None) -> pd.DataFrame:
    """The pairs of files that were asked for."""
    if references is not None or distorted is not None:
        if references is None or distorted is None or images:
            raise UserError("give --reference-folder and --distorted-folder together, and no other images")
        return _of_folders(references, distorted)
    if len(images) == 1 and images[0].lower().endswith(_TABLES):
        return _of_table(Path(images[0]))
    if len(images) < 2:
        raise UserError("give a reference and distorted images, a table pairs.csv, or two folders")
    tables = [image for image in images if image.lower().endswith(_TABLES)]
    if tables:
        raise UserError(f"{tables[0]} is a table of pairs: give it alone")
    first, *others = images
    return pd.DataFrame({"reference": first, "distorted": others})


def _of_table(file: Path) -> pd.DataFrame:
    """The pairs of a table with columns ``reference`` and ``distorted``; paths are relative to the file."""
    if file.is_dir():
        raise UserError(f"{file} is a folder: give --reference-folder and --distorted-folder")
    if not file.is_file():
        raise UserError(f"{file}: there is no such file")
    table = read_rows(file, PAIR)
    lacking = [name for name in PAIR if name not in table]
    if lacking:
        names = [str(name) for name in table if name != "line"]
        raise UserError(f"{file} has no column {lacking[0]}: its columns are {first_names(names, 6) or 'none'}")
    if not len(table):
        raise UserError(f"{file} has no rows")
    empty = table["line"][(table[PAIR] == "").any(axis=1)]
    if len(empty):
        raise UserError(f"{file}: line {empty.iloc[0]} names no image")
    return table[PAIR].map(lambda path: str(file.parent / path))


def _of_folders(references: Path, distorted: Path) -> pd.DataFrame:
    """The pairs of two folders: files of one name below both; the ending may differ.

    Raises:
        UserError: there is no image, or one has no reference, or several.
    """
    for folder in (references, distorted):
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder")
    known: dict[str, list[Path]] = {}
    for path in _images_below(references):
        known.setdefault(_stem(path, references), []).append(path)
    images = _images_below(distorted)
    if not images:
        raise UserError(f"{distorted} holds no image")
    rows: list[tuple[str, str]] = []
    alone: list[str] = []
    several: list[str] = []
    for path in images:
        found = known.get(_stem(path, distorted), [])
        same = [one for one in found if one.suffix == path.suffix] if len(found) > 1 else found
        if len(same) == 1:
            rows.append((str(same[0]), str(path)))
        else:
            (several if found else alone).append(str(path.relative_to(distorted)))
    if alone:
        raise UserError(f"no image in {references} is named like {first_names(alone)} in {distorted}")
    if several:
        raise UserError(f"several images in {references} are named like {first_names(several)} in {distorted}")
    left = {_stem(path, distorted) for path in images}
    unused = [str(path.relative_to(references)) for stem, paths in known.items() if stem not in left for path in paths]
    if unused:
        say(
            f"no image in {distorted} is named like these references, which are left out: {first_names(unused)}",
            "yellow",
        )
    return pd.DataFrame(rows, columns=PAIR)


def _stem(path: Path, folder: Path) -> str:
    """The path below a folder, without its ending."""
    return str(path.relative_to(folder).with_suffix(""))


def _images_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())


def _shown(row: dict[Any, Any]) -> dict[str, Any]:
    """A row with few digits."""
    return {str(key): f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
