"""Publishers' own files of opinions -> rows of a benchmark, their images named as in the lists of IQA-Dataset.

Each form is shown by public programs that read it; where the order of the images is only agreed upon, the number of
opinions is what can be checked, and is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.benchmarks.lists import number, read_columns, read_text
from iqa_lab.benchmarks.mat_files import MatFile
from iqa_lab.errors import UserError

MULTIPLE = "Multiply Dist."  # the lists' word for several distortions at once

_LIVE_MD_PARTS = ((1, "blurjpeg"), (2, "blurnoise"))
_CIDIQ_FOLDERS = {
    "1_JPEG2000_Compression": "JP2K",
    "2_JPEG_Compression": "JPEG",
    "3_Poisson_Noise": "Poisson_Noise",
    "4_Gaussian_Blur": "GBLUR",
    "5_SGCK_Gamut_Mapping": "SGCK_Gamut_Mapping",
    "6_DeltaE_Gamut_Mapping": "DeltaE_Gamut_Mapping",
}
_CIDIQ_LEVELS = 5
_MDID_IMAGES, _MDID_COLUMNS = 80, 6  # of a reference; of its file of levels
_MDID2013_IMAGES = 27  # of a reference
_IVC_COLUMNS = ["ref_img", "dist_img", "dst_type", "dst_lev", "mos"]


@dataclass(frozen=True)
class Labels:
    """Files of opinions in the folder of one database."""

    files: Mapping[str, Path]  # by the paths of ``Layout.labels``
    find: Callable[[str], str]  # where another file of the publisher's is; "" where it is not
    pairs: int | None  # opinions that are expected; None: not known


def live_md(labels: Labels) -> pd.DataFrame:
    """LIVE-MD: in each part's folder ``Imagelists.mat`` and ``Scores.mat``.

    ``opinion_std`` is the standard error of the mean over the observers of ``dist_diffscores``, where that mean is the
    opinion in ``DMOSscores``; else it is not known.

    Raises:
        UserError: the files are damaged, lack a variable, or do not fit each other.
    """
    parts = [_live_md_part(labels, part, folder) for part, folder in _LIVE_MD_PARTS]
    rows = pd.concat(parts, ignore_index=True)
    scores = " and ".join(str(labels.files[f"To_Release/Part {part}/Scores.mat"]) for part, _ in _LIVE_MD_PARTS)
    _check_count(scores, len(rows), labels.pairs)
    return rows


def _live_md_part(labels: Labels, part: int, folder: str) -> pd.DataFrame:
    files, home = f"To_Release/Part {part}", f"To_Release/Part_{part}"  # the publisher's name, and the list's
    lists, scores = MatFile(labels.files[f"{files}/Imagelists.mat"]), MatFile(labels.files[f"{files}/Scores.mat"])
    names, photographs = lists.texts("distimgs"), lists.texts("refimgs")
    which = lists.vector("ref4dist", len(names))
    if not (np.isin(which, np.arange(len(photographs)) + 1)).all():
        raise UserError(f"{lists.path}: ref4dist holds other numbers than those of the {len(photographs)} refimgs")
    references = [photographs[int(place) - 1] for place in which]
    for name, reference in zip(names, references, strict=True):
        if not name.lower().startswith(f"{reference.rpartition('.')[0].lower()}_"):
            raise UserError(f"{lists.path}: {name} is listed with the reference {reference}")
    opinions = scores.vector("DMOSscores", len(names))
    return pd.DataFrame(
        {
            "reference": references,
            "distorted": [f"{home}/{folder}/{name}" for name in names],
            "distortion": folder,
            "opinion": opinions,
            "opinion_std": _errors_of_means(scores, "dist_diffscores", opinions),
            "reference_file": [f"To_Release/Ref_Images/{reference}" for reference in references],
        }
    )


def _errors_of_means(scores: MatFile, name: str, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard errors of means over observers, ``[n]``; NaN where a variable does not have these means.

    Args:
        scores: the file.
        name: of the variable, observers x images or images x observers.
        means: over observers, ``[n]``.
    """
    unknown = np.full(len(means), np.nan)
    if name not in scores:
        return unknown
    ratings = scores.array(name)
    if ratings.ndim != 2 or ratings.dtype.kind not in "biuf":
        return unknown
    for table in (ratings.astype(float), ratings.astype(float).T):
        fits = table.shape[1] == len(means) and len(table) > 1 and np.isfinite(table).all()
        # what is stored is exact; .01 tells these means from those of other numbers
        if fits and np.allclose(table.mean(axis=0), means, rtol=0, atol=0.01):
            return np.asarray(table.std(axis=0, ddof=1) / np.sqrt(len(table)), dtype=float)
    return unknown


def mdid2013(labels: Labels) -> pd.DataFrame:
    """MDID 2013: ``MDID_dmos.mat``, an opinion of each ``img001.png`` ..., 27 for each of ``org001.png`` ....

    Raises:
        UserError: the file is damaged, or has no such variable, or another number of opinions.
    """
    file = MatFile(labels.files["MDID_dmos.mat"])
    opinions = file.vector("MDID_dmos")
    _check_count(f"{file.path}: MDID_dmos", len(opinions), labels.pairs, _MDID2013_IMAGES)
    references = [f"org{place // _MDID2013_IMAGES + 1:03}.png" for place in range(len(opinions))]
    return pd.DataFrame(
        {
            "reference": references,
            "distorted": [f"MDID2013/img{place + 1:03}.png" for place in range(len(opinions))],
            "distortion": MULTIPLE,
            "opinion": opinions,
            "reference_file": [f"Ref/{reference}" for reference in references],
        }
    )


def mdid(labels: Labels) -> pd.DataFrame:
    """MDID: ``mos.txt``, an opinion a line, of ``img01_01.bmp`` ... ``img20_80.bmp``.

    Raises:
        UserError: a line is no number, or there is another number of lines.
    """
    file = labels.files["mos.txt"]
    opinions = [numbers[0] for numbers in _number_lines(file, 1)]
    _check_count(str(file), len(opinions), labels.pairs, _MDID_IMAGES)
    places = [divmod(place, _MDID_IMAGES) for place in range(len(opinions))]
    return pd.DataFrame(
        {
            "reference": [f"img{reference + 1:02}.bmp" for reference, _ in places],
            "distorted": [f"distortion_images/{_mdid_name(*place)}" for place in places],
            "distortion": MULTIPLE,
            "opinion": opinions,
            "reference_file": [f"reference_images/img{reference + 1:02}.bmp" for reference, _ in places],
        }
    )


def mdid_levels(labels: Labels) -> dict[str, str]:
    """The level of each image of MDID by its path in the list; none where the publisher's files of levels are not.

    ``01.txt`` ... ``20.txt`` have a line an image and six numbers a line, which nobody names publicly: they are kept
    together, as in ``0-3-0-0-2-1``.

    Raises:
        UserError: some of the files are there, some are not; or one has another form.
    """
    names = [f"{reference + 1:02}.txt" for reference in range((labels.pairs or 1600) // _MDID_IMAGES)]
    files = {name: labels.find(name) for name in names}
    if not any(files.values()):
        return {}
    lost = [name for name, file in files.items() if not file]
    if lost:
        there = next(file for file in files.values() if file)
        raise UserError(f"{there} is there, but {lost[0]} is not: the levels of all references are needed, or of none")
    levels = {}
    for reference, file in enumerate(files.values()):
        lines = _number_lines(Path(file), _MDID_COLUMNS)
        _check_count(file, len(lines), _MDID_IMAGES, what="lines")
        for image, numbers in enumerate(lines):
            levels[f"distortion_images/{_mdid_name(reference, image)}"] = "-".join(f"{value:g}" for value in numbers)
    return levels


def _mdid_name(reference: int, image: int) -> str:
    return f"img{reference + 1:02}_{image + 1:02}.bmp"


def cidiq(distance: int) -> Callable[[Labels], pd.DataFrame]:
    """The reader of CID:IQ's ``MOS50.mat`` or ``MOS100.mat``: opinions by distortion, image and level.

    Args:
        distance: at which the images were seen, in centimetres.
    """

    def read(labels: Labels) -> pd.DataFrame:
        file, name = MatFile(labels.files[f"MOS{distance}.mat"]), f"MOS{distance}"
        opinions = file.vector(name)
        each = len(_CIDIQ_FOLDERS) * _CIDIQ_LEVELS
        _check_count(f"{file.path}: {name}", len(opinions), labels.pairs, each)
        images = [
            (folder, f"final{image + 1:02}", kind + 1, level + 1)
            for kind, folder in enumerate(_CIDIQ_FOLDERS)
            for image in range(len(opinions) // each)
            for level in range(_CIDIQ_LEVELS)
        ]
        return pd.DataFrame(
            {
                "reference": [f"{image}.bmp" for _, image, _, _ in images],
                "distorted": [
                    f"Images/Reproduction/{folder}/{image}_d{kind}_l{level}.bmp"
                    for folder, image, kind, level in images
                ],
                "distortion": [_CIDIQ_FOLDERS[folder] for folder, _, _, _ in images],
                "opinion": opinions,
                "reference_file": [f"Images/Original/{image}.bmp" for _, image, _, _ in images],
            }
        )

    return read


def ivc(labels: Labels) -> pd.DataFrame:
    """IVC: ``IVC.MOS.csv``, which SmilingWolf/VQMTCrossVal made of the publisher's spreadsheet.

    Raises:
        UserError: a column is missing, or there is another number of rows.
    """
    file = labels.files["IVC.MOS.csv"]
    table = read_columns(file, _IVC_COLUMNS)
    _check_count(str(file), len(table), labels.pairs)
    return pd.DataFrame(
        {
            "reference": table["ref_img"] + ".bmp",
            "distorted": "IVC_SubQualityDB/color/" + table["dist_img"] + ".bmp",
            "distortion": table["dst_type"],
            "opinion": table["mos"],
            "line": table["line"],
            "reference_file": "IVC_SubQualityDB/color/" + table["ref_img"] + ".bmp",
        }
    )


def _number_lines(file: Path, columns: int) -> list[list[float]]:
    """The lines of a text file of so many numbers a line, separated by blanks, tabs or commas; empty lines left out.

    Raises:
        UserError: a line holds something else.
    """
    lines = []
    for place, line in enumerate(read_text(file).splitlines(), 1):
        words: Sequence[str] = re.split(r"[,\s]+", line.strip().strip(","))
        if words == [""]:
            continue
        try:
            numbers = [number(word) for word in words]
        except ValueError:
            numbers = []
        if len(numbers) != columns:
            wanted = "one number" if columns == 1 else f"{columns} numbers"
            raise UserError(f"{file}:{place}: expected {wanted}, found {line.strip()[:80]!r}")
        lines.append(numbers)
    return lines


def _check_count(file: str, found: int, expected: int | None, each: int = 1, what: str = "opinions") -> None:
    """Nothing, if a file has as many opinions as are expected, and so many for each reference.

    Raises:
        UserError: it has not.
    """
    if expected is not None and found != expected:
        raise UserError(f"{file} has {found} {what}, {expected} are expected")
    if not found or found % each:
        raise UserError(f"{file} has {found} {what}, which is not {each} for each reference")
