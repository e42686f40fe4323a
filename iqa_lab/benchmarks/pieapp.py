"""PieAPP: ``labels/<part>/ref_X_pairwise_labels.csv`` and, of the test part, ``ref_X_per_image_score.csv``.

Choices have the protocol ``2afc``, the scores of single images ``mos``. Column names begin with blanks. A reference
stands among the images that are compared with it: these rows ask nothing of a metric, and are left out unless
``benchmark.reference_copies``. A distorted image is called ``distort_<reference>_<type>_<inter|intra>_<number>.png``.
"""

import re
from pathlib import Path

import pandas as pd

from iqa_lab.benchmarks.benchmark import (
    CHOICE,
    Benchmark,
    assemble,
    find_root,
    two_rows_a_triplet,
)
from iqa_lab.benchmarks.lists import read_columns
from iqa_lab.benchmarks.names import Names, find_entry
from iqa_lab.benchmarks.opinions import as_numbers
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.progress import track

_LABELS = "labels"
_CHOICES, _SCORES = "_pairwise_labels.csv", "_per_image_score.csv"
_REFERENCE, _A, _B = "ref. image", "distorted image A", "distorted image B"
_PREFERENCES = ("processed preference for A", "preference for A")  # of the training part, and of the others
_NAME = re.compile(r"distort_\d+_(.+?)_(?:inter|intra)_.+\.png", re.IGNORECASE)
_SEVERAL = "several types"  # of a choice between two distortions
_IMAGE, _SCORE = "distorted image", "score for distorted image"


def load(config: BenchmarkConfig) -> Benchmark:
    """The triplets, or the images with their scores, of one part (``benchmark.opinions``: train, val or test).

    Raises:
        UserError: files are missing or damaged.
    """
    root = find_root(config, _LABELS)
    part = str(config.opinions)
    ending = _CHOICES if config.protocol == CHOICE else _SCORES
    labels = find_entry(find_entry(root, _LABELS) or root, part) or root / _LABELS / part
    files = [file for file in Names(labels).paths() if file.name.lower().endswith(ending)]
    if not files:
        raise UserError(f"benchmark {config.name}: there are no files *{ending} in {labels}")
    tables = [_table(file, ending) for file in track(files, f"reading the opinions of {config.name}")]
    table = pd.concat(tables, ignore_index=True)
    reference = table["reference"].str.strip()
    stem = reference.str.rsplit(".", n=1).str[0]

    def place(image: pd.Series) -> pd.Series:
        """The path of an image; one of the references has no folder of distorted images."""
        distorted = f"distorted_images/{part}/" + stem + "/" + image
        return distorted.mask(itself(image), f"reference_images/{part}/" + reference)

    def itself(image: pd.Series) -> pd.Series:
        """Whether an image is the reference."""
        return image.str.lower() == reference.str.lower()

    def kind(image: pd.Series) -> pd.Series:
        """The type of distortion that an image's name says; empty where it says none."""
        return image.map(_NAME.fullmatch).map(lambda parts: parts[1] if parts else "").astype(object)

    shared = {
        "line": table["line"],
        "reference": reference,
        "reference_file": f"reference_images/{part}/" + reference,
    }
    if config.protocol != CHOICE:
        image = table["image"].str.strip()
        rows = {"distorted": stem + "/" + image, "distortion": kind(image), "level": 0, "opinion": table["score"]}
        files_of = {"distorted_file": place(image), "reference_copy": itself(image)}
        return assemble(
            config, pd.DataFrame({**shared, **rows, **files_of}), root, lists_of_references=True, layout=root.name
        )
    left, right = table["left"].str.strip(), table["right"].str.strip()
    preference = 1 - as_numbers(table["preference_for_left"], table, "preferences")
    kinds = kind(left), kind(right)
    distortion = kinds[0].where(kinds[0] == kinds[1], _SEVERAL)
    distortion = distortion.mask(itself(left), kinds[1]).mask(itself(right), kinds[0])
    choices = {"left": left, "right": right, "preference": preference, "distortion": distortion}
    files_of = {"left_file": place(left), "right_file": place(right)}
    triplets = two_rows_a_triplet(pd.DataFrame({**shared, **choices, **files_of}))
    return assemble(config, triplets, root, lists_of_references=True, layout=root.name)


def _table(file: Path, ending: str) -> pd.DataFrame:
    """The columns of one reference's file, under our names."""
    if ending == _SCORES:
        return read_columns(file, [_REFERENCE, _IMAGE, _SCORE]).set_axis(
            ["reference", "image", "score", "line"], axis=1
        )
    for preference in _PREFERENCES:
        try:
            columns = read_columns(file, [_REFERENCE, _A, _B, preference])
        except UserError as error:
            pass_on_interrupt(error)
            if preference == _PREFERENCES[-1]:
                raise
        else:
            return columns.set_axis(["reference", "left", "right", "preference_for_left", "line"], axis=1)
    raise AssertionError("the last preference is found or raises")
