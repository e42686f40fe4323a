"""LIVE release 2: ``refimgs/``, a folder a distortion, ``dmos_realigned.mat`` and ``refnames_all.mat``.

``dmos.mat``, which came with the images, holds the opinions as they were before sessions were realigned, without
spreads; it is read only where ``dmos_realigned.mat`` is not there. The arrays of both hold 982 entries in the order of
the folders; 203 of them are copies of references, which are left out unless ``benchmark.reference_copies`` asks for
them.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import Benchmark, assemble, find_root
from iqa_lab.benchmarks.mat_files import MatFile
from iqa_lab.benchmarks.names import find_entry
from iqa_lab.config import BenchmarkConfig
from iqa_lab.errors import UserError, pass_on_interrupt

_REALIGNED, _FIRST, _REFERENCES = "dmos_realigned.mat", "dmos.mat", "refnames_all.mat"
_COLUMNS = {_REALIGNED: ("dmos_new", "dmos_std", "orgs"), _FIRST: ("dmos", "orgs")}
_FOLDERS = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}


def load(config: BenchmarkConfig) -> Benchmark:
    """The pairs of LIVE, release 2.

    Raises:
        UserError: files are missing or damaged.
    """
    root, file = _find(config)
    opinions, names = _read(root, file), _read(root, _REFERENCES)
    number = sum(_FOLDERS.values())
    absent = [key for key in _COLUMNS[file] if key not in opinions] + ["refnames_all"] * ("refnames_all" not in names)
    if absent:
        raise UserError(f"{root}: {file} or {_REFERENCES} does not hold {absent[0]!r}")
    try:
        columns = {key: np.ravel(opinions.array(key)).astype(float) for key in _COLUMNS[file]}
        references = [str(np.ravel(entry)[0]) for entry in np.ravel(names.array("refnames_all"))]
    except (IndexError, TypeError, ValueError) as error:
        raise UserError(f"{root}: {file} or {_REFERENCES} does not hold {error}") from error
    lengths: dict[str, int] = {**{key: len(column) for key, column in columns.items()}, "refnames_all": len(references)}
    wrong = [f"{key} has {length}" for key, length in lengths.items() if length != number]
    if wrong:
        raise UserError(f"{root}: {number} entries are expected, but {', '.join(wrong)}")
    files = [f"{folder}/img{image}.bmp" for folder, images in _FOLDERS.items() for image in range(1, images + 1)]
    rows = pd.DataFrame(
        {
            "reference": references,
            "distorted": files,
            "distortion": [file.partition("/")[0] for file in files],
            "level": 0,  # the strengths are continuous
            "opinion": columns[_COLUMNS[file][0]],
            "reference_file": ["refimgs/" + name for name in references],
            "distorted_file": files,
            "reference_copy": columns["orgs"] != 0,
        }
    )
    if file == _FIRST:  # PSNR's published correlation is with the realigned opinions
        config = replace(config, opinion_std="none", psnr_srcc=None)
    else:
        rows["opinion_std"] = columns["dmos_std"]
    return assemble(config, rows, root, layout=f"{root.name}/{file}")


def _find(config: BenchmarkConfig) -> tuple[Path, str]:
    """The folder of the database, and the name of its file of opinions.

    Raises:
        UserError: neither file is there.
    """
    try:
        return find_root(config, _REALIGNED), _REALIGNED
    except UserError as error:
        pass_on_interrupt(error)
        try:
            return find_root(config, _FIRST), _FIRST
        except UserError:
            raise error from None


def _read(root: Path, name: str) -> MatFile:
    file = find_entry(root, name)
    if file is None:
        raise UserError(f"{root / name} is not there")
    return MatFile(file)
