"""The value that every loader makes, and the checks that all of them share."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.selection import selected
from iqa_lab.config import BenchmarkConfig, data_folder
from iqa_lab.errors import UserError, first_names

# What a loader knows of a pair; names are the database's own.
COLUMNS = ["reference", "distorted", "distortion", "level", "opinion"]


# The two protocols: an opinion of every distorted image, or a choice between two of them.
MOS, CHOICE = "mos", "2afc"


@dataclass(frozen=True)
class Benchmark:
    """Pairs with opinions, ordered by reference.

    Where people chose between two images (``2afc``) every triplet has two rows, the left image's before the right
    one's, and the opinion is the share of people who chose the image.

    ``pairs`` has the columns ``COLUMNS`` plus ``opinion_std`` (NaN where unknown), ``reference_path`` and
    ``distorted_path``; after ``index.examine`` also ``reference_pixels`` and ``distorted_pixels``, digests of images.
    """

    config: BenchmarkConfig
    pairs: pd.DataFrame
    n_expected: int  # pairs of a complete copy
    n_identical: int | None = None  # distorted images with their reference's pixels; None: not looked at yet

    @property
    def opinion_sign(self) -> int:
        """+1 where a higher opinion is better (mos), -1 where it is worse (dmos)."""
        return 1 if self.config.opinion == "mos" else -1

    @property
    def is_whole(self) -> bool:
        """Whether all pairs of the published database are here, none missing and none filtered out."""
        return len(self.pairs) == self.config.expected.pairs

    def index_digest(self) -> str:
        """sha256 over all names, opinions and pixels of an examined benchmark: what is scored."""
        opinions = [float(opinion).hex() for opinion in self.pairs["opinion"]]
        columns = ["reference", "distorted", "distortion", "level", "reference_pixels", "distorted_pixels"]
        lines = zip(*(self.pairs[name].astype(str) for name in columns), opinions, strict=True)
        return hashlib.sha256("".join("\t".join(line) + "\n" for line in lines).encode()).hexdigest()


def find_root(config: BenchmarkConfig, marker: str) -> Path:
    """The folder of a benchmark, recognised by the file or folder ``marker`` (any case) in it.

    ``benchmark.path`` where it is given; else ``folder`` below the data folder, in any case; else the data
    folder itself.

    Raises:
        UserError: it is not there; the message says what was looked for and where to get it.
    """
    if config.path is not None:
        candidates = [Path(config.path).expanduser()]
    else:
        data = data_folder()
        named = find_entry(data, config.folder)
        candidates = [named or data / config.folder, data]
    for candidate in candidates:
        if find_entry(candidate, marker) is not None:
            return candidate
    where = f"; get it from {config.url}" if config.url else ""
    raise UserError(
        f"benchmark {config.name} is not there: looked for {candidates[0] / marker}{where}; "
        "then set IQA_LAB_DATA to the folder above it, or benchmark.path to itself"
    )


def find_opinions(config: BenchmarkConfig, name: str) -> tuple[Path, Path]:
    """The folder of a benchmark, and its file or folder of opinions, which it is recognised by.

    Raises:
        UserError: as ``find_root``.
    """
    root = find_root(config, name)
    opinions = find_entry(root, name)
    assert opinions is not None  # else it would not have been recognised
    return root, opinions


def find_entry(folder: Path, name: str) -> Path | None:
    """The file or folder of that name, whatever its case, or None."""
    exact = folder / name
    if exact.exists():
        return exact
    return list_folder(folder).get(name.lower())


def list_folder(folder: Path) -> dict[str, Path]:
    """The entries of a folder by lower-case name; empty where there is no folder."""
    return {entry.name.lower(): entry for entry in folder.iterdir()} if folder.is_dir() else {}


def two_rows_a_triplet(triplets: pd.DataFrame) -> pd.DataFrame:
    """What ``assemble`` takes, from one row a triplet.

    Args:
        triplets: ``reference, left, right`` (names), ``preference`` (share of people who chose the right image),
            ``distortion``, and ``reference_file, left_file, right_file``; perhaps ``split``.
    """
    ordered = triplets.sort_values("reference_file", kind="stable").reset_index(drop=True)
    shared = ordered.filter(["reference", "distortion", "reference_file", "split"]).assign(level=0)
    left = {"distorted": ordered["left"], "distorted_file": ordered["left_file"], "opinion": 1 - ordered["preference"]}
    right = {"distorted": ordered["right"], "distorted_file": ordered["right_file"], "opinion": ordered["preference"]}
    both = pd.concat([shared.assign(**left), shared.assign(**right)])
    return both.sort_index(kind="stable").reset_index(drop=True)


def read_columns(file: Path, columns: list[str]) -> pd.DataFrame:
    """Columns of a CSV file, as text.

    Raises:
        UserError: the file cannot be read, or lacks one of them.
    """
    try:
        table = pd.read_csv(file, dtype=str, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' own errors derive from ValueError
        raise UserError(f"{file} is no CSV file: {' '.join(str(error).split())[:120]}") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise UserError(f"{file} has no column {missing[0]}: it has {', '.join(map(str, table.columns))}")
    return table[columns]


def assemble(config: BenchmarkConfig, rows: pd.DataFrame, root: Path) -> Benchmark:
    """The benchmark made of rows with ``COLUMNS``, and where their images are.

    Args:
        config: the benchmark's settings.
        rows: ``COLUMNS``; ``reference_file`` and ``distorted_file``, the paths below ``root`` in whatever case; perhaps
            ``opinion_std``, and what ``selection.selected`` reads.
        root: the folder of the benchmark.

    Raises:
        UserError: opinions are missing, repeated or no numbers; images are missing and ``allow_missing`` is not set;
            the filters leave nothing.
    """
    check_opinions(config, rows)
    rows = selected(config, rows)

    @cache  # every folder is read once
    def listed(folder: str) -> dict[str, str]:
        path: Path | None = root
        for part in PurePosixPath(folder).parts:
            path = find_entry(path, part) if path else None
        return {name: str(entry) for name, entry in list_folder(path).items()} if path else {}

    def find(file: str) -> str:
        folder, _, name = file.rpartition("/")
        path = listed(folder).get(name.lower())
        if path is None:  # a user's table may say .. or name an absolute path
            path = str(root / file) if (root / file).is_file() else ""
        return path

    pairs = rows.assign(
        reference_path=[find(file) for file in rows["reference_file"]],
        distorted_path=[find(file) for file in rows["distorted_file"]],
    ).drop(columns=["reference_file", "distorted_file"])
    if "opinion_std" not in pairs:
        pairs["opinion_std"] = np.nan
    there = (pairs["reference_path"] != "") & (pairs["distorted_path"] != "")
    if config.protocol == CHOICE:  # a triplet is there with both of its images
        both = there.to_numpy().reshape(-1, 2).all(axis=1)
        there[:] = np.repeat(both, 2)
    if not there.all():
        lost_references = pairs.loc[pairs["reference_path"] == "", "reference"].unique()
        lost = [*lost_references, *pairs.loc[pairs["distorted_path"] == "", "distorted"]]
        counts = f"{int(there.sum())} of {len(pairs)} pairs are there, missing are {first_names(lost)}"
        if not there.any() or not config.allow_missing:
            advice = "" if not there.any() else f"; benchmark.allow_missing=true scores the {int(there.sum())}"
            raise UserError(f"benchmark {config.name} in {root} is incomplete: {counts}{advice}")
    pairs = pairs[there]
    if config.protocol == MOS:
        pairs = pairs.sort_values(["reference", "distorted"], key=lambda names: names.str.lower())
    return Benchmark(config, pairs.reset_index(drop=True), n_expected=len(rows))


def check_opinions(config: BenchmarkConfig, rows: pd.DataFrame) -> None:
    """Nothing, if there is one finite opinion a pair and as many as a complete copy has.

    Raises:
        UserError: naming the first rows that are wrong.
    """
    if config.opinion not in ("mos", "dmos"):
        raise UserError(f"benchmark.opinion={config.opinion}: choose mos (higher is better) or dmos (lower is better)")
    if "reference_copy" in rows:
        rows = rows[~rows["reference_copy"]]  # beyond what is counted, and beyond the range
    bad = rows.loc[~np.isfinite(rows["opinion"].to_numpy(dtype=float)), "distorted"]
    if len(bad):
        raise UserError(f"benchmark {config.name}: {len(bad)} opinions are no numbers: {first_names(bad)}")
    repeated = rows.loc[rows["distorted"].str.lower().duplicated(), "distorted"]
    if len(repeated) and config.protocol == MOS:
        raise UserError(f"benchmark {config.name}: {len(repeated)} opinions are there twice: {first_names(repeated)}")
    if config.range is not None:
        low, high = config.range
        outside = rows.loc[~rows["opinion"].between(low, high), "distorted"]
        if len(outside):
            raise UserError(f"benchmark {config.name}: opinions outside of {low:g} to {high:g}: {first_names(outside)}")
    found = {
        "pairs": len(rows) // (2 if config.protocol == CHOICE else 1),
        "references": rows["reference"].str.lower().nunique(),
        "distortions": rows["distortion"].nunique(),
    }
    expected = {key: getattr(config.expected, key) for key in found}
    expected = {key: found[key] if number is None else number for key, number in expected.items()}
    if found != expected:
        wrong = ", ".join(
            f"{found[key]} {key} ({expected[key]} expected)" for key in found if found[key] != expected[key]
        )
        raise UserError(f"benchmark {config.name}: the list of opinions has {wrong}")
