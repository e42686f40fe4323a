"""A loader's rows, and the folder of their images -> a Benchmark, checked in the same way for all loaders."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.copies import without_copies
from iqa_lab.benchmarks.elsewhere import other_places
from iqa_lab.benchmarks.images import Decode, Decoded, Resize, decode, made
from iqa_lab.benchmarks.names import find_entry, finder, inside, places
from iqa_lab.benchmarks.opinions import CHOICE as CHOICE
from iqa_lab.benchmarks.opinions import CHOICES as CHOICES
from iqa_lab.benchmarks.opinions import COLUMNS as COLUMNS
from iqa_lab.benchmarks.opinions import MOS as MOS
from iqa_lab.benchmarks.opinions import QUADRUPLES as QUADRUPLES
from iqa_lab.benchmarks.opinions import THRESHOLDS as THRESHOLDS
from iqa_lab.benchmarks.opinions import as_numbers, average_votes, check_opinions, check_settings, check_values, cleaned
from iqa_lab.benchmarks.opinions import questions as questions
from iqa_lab.benchmarks.selection import filters_of, selected
from iqa_lab.config import BenchmarkConfig, data_folder
from iqa_lab.errors import UserError, first_names
from iqa_lab.psychophysics import Experiment


@dataclass(frozen=True)
class Benchmark:
    """Pairs with opinions, ordered by reference.

    Where people chose between two images (``2afc``) every triplet has two rows, the left image's before the right
    one's, and the opinion is the share of people who chose the image. Where they said which of two pairs of images
    differs more (``quadruples``) every question has two rows, the left pair's before the right one's: the images of a
    pair stand in ``reference_path`` and ``distorted_path``, ``reference`` names the picture that both pairs show, and
    the opinion is the share of people to whom the pair differed *less*. So a distance agrees with people alike in both.

    ``pairs`` has the columns ``COLUMNS`` plus ``opinion_std`` (NaN where unknown), ``reference_path`` and
    ``distorted_path``; after ``index.examine`` also ``reference_pixels`` and ``distorted_pixels``, digests of images,
    and ``reference_checksum`` and ``distorted_checksum``.
    """

    config: BenchmarkConfig
    pairs: pd.DataFrame
    n_expected: int  # pairs of a complete copy
    n_identical: int | None = None  # distorted images with their reference's pixels; None: not looked at yet
    layout: str | None = None  # which of several forms of the database was found; None: there is but one
    n_copies: int = 0  # pairs, or triplets, that were left out since they compare a reference with itself
    n_unlisted: int = 0  # pairs, or triplets, of a complete copy whose opinions are not here
    experiment: Experiment | None = None  # of stimuli that are made on the spot; None: images are files

    @property
    def decode(self) -> Decode:
        """What gives one of its images: ``images.decode`` by its path, or where stimuli are made, that by its name."""
        return decode if self.experiment is None else self._make

    def _make(self, path: str, resize: Resize = None, *, thorough: bool = True) -> Decoded:
        assert self.experiment is not None
        del thorough  # there is no file
        return made(self.experiment.picture(path), path, resize)

    @property
    def opinion_sign(self) -> int:
        """+1 where a higher opinion is better (mos), -1 where it is worse (dmos)."""
        return 1 if self.config.opinion == "mos" else -1

    @property
    def is_whole(self) -> bool:
        """Whether all pairs of the published database are here, none missing and none filtered out."""
        expected = self.config.expected.pairs
        return expected is not None and len(self.pairs) == expected * rows_of_one(self.config)

    def index_digest(self) -> str:
        """sha256 over all names, opinions, their spread and pixels of an examined benchmark: what is scored."""
        opinions = [float(opinion).hex() for opinion in self.pairs["opinion"]]
        if self.pairs["opinion_std"].notna().any():
            spread = [float(value).hex() for value in self.pairs["opinion_std"]]
            opinions = [f"{opinion}\t{value}" for opinion, value in zip(opinions, spread, strict=True)]
        columns = ["reference", "distorted", "distortion", "level", "reference_pixels", "distorted_pixels"]
        lines = zip(*(self.pairs[name].astype(str) for name in columns), opinions, strict=True)
        return hashlib.sha256("".join("\t".join(line) + "\n" for line in lines).encode()).hexdigest()


def rows_of_one(config: BenchmarkConfig) -> int:
    """How many rows stand for one pair or triplet: a triplet has one for each of its images."""
    return 2 if config.protocol in CHOICES else 1


def own_folders(config: BenchmarkConfig) -> list[Path]:
    """The folders of a benchmark; they need not be there.

    ``benchmark.path`` where it is given; else ``folder`` below the data folder, in any case; then where other programs
    keep the database (``elsewhere``).
    """
    if config.path is not None:
        own = data = Path(config.path).expanduser()
    else:
        data = data_folder()
        own = find_entry(data, inside(config.folder, "benchmark.folder")) or data / config.folder
    return [own, *other_places(config.family, own, data)]


def roots(config: BenchmarkConfig) -> list[Path]:
    """The folders that a benchmark may be in, the likeliest first: its own, and the data folder itself after the first.

    They need not be there.
    """
    own, *others = own_folders(config)
    return [own, *([data_folder()] if config.path is None else []), *others]


def find_root(config: BenchmarkConfig, marker: str) -> Path:
    """The folder of a benchmark, the first of ``roots`` with the file or folder ``marker`` (any case) in it.

    Raises:
        UserError: it is not there; the message says what was looked for and where to get it.
    """
    candidates = roots(config)
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


def two_rows_a_triplet(triplets: pd.DataFrame) -> pd.DataFrame:
    """What ``assemble`` takes, from one row a triplet, or a question about two pairs of images.

    Args:
        triplets: ``reference, left, right`` (names), ``preference`` (share of people who chose the right image, as
            numbers or text), ``distortion``, and ``reference_file, left_file, right_file``; perhaps ``level``,
            ``split`` and ``line``. Of two pairs ``left`` and ``right`` name pairs, ``preference`` is the share of
            people to whom the right pair differed less, and for ``reference_file`` stand ``left_reference_file`` and
            ``right_reference_file``.

    Raises:
        UserError: a preference is no number.
    """
    preference = as_numbers(triplets["preference"], triplets, "preferences")
    first = "reference_file" if "reference_file" in triplets else "left_reference_file"
    ordered = triplets.assign(preference=preference).sort_values(first, kind="stable").reset_index(drop=True)
    shared = ordered.filter(["reference", "distortion", "level", "reference_file", "split", "line"])
    shared = shared if "level" in shared else shared.assign(level=0)
    both = pd.concat(
        shared.assign(distorted=ordered[side], distorted_file=ordered[f"{side}_file"], opinion=chosen).assign(
            **({} if "reference_file" in shared else {"reference_file": ordered[f"{side}_reference_file"]})
        )
        for side, chosen in (("left", 1 - ordered["preference"]), ("right", ordered["preference"]))
    )
    return both.sort_index(kind="stable").reset_index(drop=True)


def assemble(
    config: BenchmarkConfig,
    rows: pd.DataFrame,
    root: Path,
    *,
    lists_of_references: bool = False,
    layout: str | None = None,
) -> Benchmark:
    """The benchmark made of rows with ``COLUMNS``, and where their images are.

    A triplet in which the reference itself is one of the two choices asks nothing of a metric, whose distance is 0: it
    is left out, and so is a row that its loader calls a ``reference_copy``, unless ``benchmark.reference_copies``.

    Args:
        config: the benchmark's settings.
        rows: ``COLUMNS``, opinions as numbers or text; ``reference_file`` and ``distorted_file``, the paths below
            ``root`` in whatever case; perhaps ``opinion_std``, ``line`` (the row's line in its list, for errors), and
            what ``selection.selected`` reads. With ``benchmark.votes`` a row is the vote of one person.
        root: the folder of the benchmark.
        lists_of_references: whether opinions lie in a file for each reference, some of which may be missing where
            ``allow_missing`` is set.
        layout: which of several forms of the database was found.

    Raises:
        UserError: settings or opinions cannot be meant; opinions are missing or repeated; images are missing and
            ``allow_missing`` is not set; the filters leave nothing.
    """
    check_settings(config)
    find = finder(root)
    rows = cleaned(config, rows)
    rows = rows.assign(
        reference_path=[find(file) for file in rows["reference_file"]],
        distorted_path=[find(file) for file in rows["distorted_file"]],
    )
    check_values(config, rows)
    rows, n_copies = without_copies(config, rows)
    if config.votes:
        config, rows = average_votes(config, rows)
    n_unlisted = check_opinions(config, rows, lists_of_references)
    pairs = selected(config, _one_name_a_reference(rows))
    if "opinion_std" not in pairs:
        pairs["opinion_std"] = np.nan
    there = (pairs["reference_path"] != "") & (pairs["distorted_path"] != "")
    if config.protocol in CHOICES:  # a triplet is there with both of its images
        both = there.to_numpy().reshape(-1, 2).all(axis=1)
        there[:] = np.repeat(both, 2)
    if not there.all():
        # in a quadruple the name of a reference is that of a question's photograph, not of an image
        named = "reference_file" if config.protocol == QUADRUPLES else "reference"
        lost = pd.concat([_lost(pairs, "reference", named).drop_duplicates(), _lost(pairs, "distorted", "distorted")])
        counts = (
            f"{int(there.sum())} of {len(pairs)} pairs are there, missing are {first_names(lost['name'])}; the first "
            f"was looked for as {root / lost['file'].iloc[0]}"
        )
        if not there.any() or not config.allow_missing:
            advice = "" if not there.any() else f"; benchmark.allow_missing=true scores the {int(there.sum())}"
            raise UserError(f"benchmark {config.name} in {root} is incomplete: {counts}{advice}")
    n_expected = len(pairs)
    if not filters_of(config):  # else nobody knows how many of them would pass
        n_expected += n_unlisted * rows_of_one(config)
    pairs = pairs[there].drop(columns=["reference_file", "distorted_file", "line"], errors="ignore")
    if config.protocol == MOS:
        pairs = pairs.sort_values(["reference", "distorted"], key=lambda names: names.str.lower())
    return Benchmark(
        config, pairs.reset_index(drop=True), n_expected, layout=layout, n_copies=n_copies, n_unlisted=n_unlisted
    )


def _lost(pairs: pd.DataFrame, side: str, named: str) -> pd.DataFrame:
    """``name``, out of the column ``named``, and ``file`` of the images of one side that are not there."""
    lost = pairs[pairs[f"{side}_path"] == ""]
    return pd.DataFrame({"name": lost[named], "file": lost[f"{side}_file"]})


def _one_name_a_reference(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with every reference under the first of its names: intervals resample references by name."""
    known = rows[rows["reference_path"] != ""]
    place = pd.Series(places(known["reference_path"]), index=known.index, dtype=object)
    return rows.assign(
        reference=known["reference"]
        .groupby(place, sort=False)
        .transform("first")
        .reindex(rows.index)
        .fillna(rows["reference"])
    )
