"""What the images of a benchmark are: decodable, how large, and which pixels. Looked at once, then remembered.

An image is decoded anew where its file's size, its time of change, or the time at which the system saw it change (which
no program can set back) is another one than was remembered. What is remembered lies in a file a folder of images, below
``$IQA_LAB_CACHE`` (else the user's cache folder), and may be deleted any time. The pass compares what it decodes with
it, and forgets it where it does not fit.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.benchmark import CHOICES, Benchmark
from iqa_lab.benchmarks.images import decode
from iqa_lab.config import cache_folder
from iqa_lab.errors import UserError, first_names
from iqa_lab.folders import in_one_step
from iqa_lab.progress import progress_bar, say

_SEEN = ["height", "width", "pixels", "checksum", "problem"]
_NUMBERS = {"height": int, "width": int, "checksum": int}
_FILE = ["path", "bytes", "changed", "replaced"]
_COLUMNS = [*_FILE, *_SEEN]
_AT_ONCE = 5000  # images between two writings: what a killed process loses


def examine(benchmark: Benchmark, *, any_size: bool = False) -> Benchmark:
    """The benchmark with digests and checksums of its images' pixels, which are all known to be decodable.

    Distorted images with their reference's pixels are counted, and with ``benchmark.exclude_identical`` left out: the
    pair, or the whole triplet, of which both images are needed.

    Args:
        benchmark: as it was loaded.
        any_size: whether a distorted image may have another size than its reference (they are resized anyway).

    Raises:
        UserError: images are damaged, or of another size than their references; or nothing is left.
    """
    config = benchmark.config
    pairs = benchmark.pairs
    if benchmark.experiment is not None:
        return _with_stimuli(benchmark)
    index = look_at([*pairs["reference_path"], *pairs["distorted_path"]], config.name).set_index("path")
    damaged = index[index["problem"] != ""]
    if len(damaged):
        more = f" (and {len(damaged) - 1} more like it)" if len(damaged) > 1 else ""
        raise UserError(f"benchmark {config.name}: {damaged['problem'].iloc[0]}{more}")
    reference = index.loc[pairs["reference_path"]].reset_index()
    distorted = index.loc[pairs["distorted_path"]].reset_index()
    other = (reference[["height", "width"]] != distorted[["height", "width"]]).any(axis=1)
    if other.any() and not any_size:
        size, expected = (_size(side[other].iloc[0]) for side in (distorted, reference))
        raise UserError(
            f"benchmark {config.name}: {int(other.sum())} distorted images are not of their reference's size: "
            f"{first_names(pairs.loc[other, 'distorted'])}; the first is {size}, its reference {expected}"
        )
    for side, seen in (("reference", reference), ("distorted", distorted)):
        pairs = pairs.assign(**{f"{side}_{fact}": seen[fact] for fact in ("pixels", "checksum")})
    identical = pairs["reference_pixels"] == pairs["distorted_pixels"]
    if not config.exclude_identical:
        return replace(benchmark, pairs=pairs, n_identical=int(identical.sum()))
    out = identical.to_numpy()
    if config.protocol in CHOICES:
        out = np.repeat(out.reshape(-1, 2).any(axis=1), 2)
    if out.all():
        raise UserError(f"benchmark {config.name}: benchmark.exclude_identical leaves no pair")
    n_expected = benchmark.n_expected - int(out.sum())
    left = pairs[~out].reset_index(drop=True)
    return replace(benchmark, pairs=left, n_expected=n_expected, n_identical=int(identical.sum()))


def _with_stimuli(benchmark: Benchmark) -> Benchmark:
    """The benchmark with digests and checksums of its stimuli; all of them can be made, and are of one size."""
    pairs = benchmark.pairs
    names = list(dict.fromkeys([*pairs["reference_path"], *pairs["distorted_path"]]))

    def look(name: str) -> tuple[str, int]:
        image = benchmark.decode(name)
        return image.digest, image.checksum

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = pd.DataFrame(pool.map(look, names), columns=["pixels", "checksum"], index=names)
    for side in ("reference", "distorted"):
        pairs = pairs.assign(**{f"{side}_{fact}": pairs[f"{side}_path"].map(seen[fact]) for fact in seen})
    identical = int((pairs["reference_pixels"] == pairs["distorted_pixels"]).sum())
    return replace(benchmark, pairs=pairs, n_identical=identical)


def look_at(paths: Sequence[str], name: str) -> pd.DataFrame:
    """``path, bytes, changed, height, width, pixels, checksum, problem`` of every image, one row each.

    Args:
        paths: of the images; the same may stand there several times.
        name: of the benchmark, to be shown.

    ``pixels`` is a digest of the decoded 8-bit RGB, ``checksum`` is quicker to compute; ``problem`` is empty where the
    image can be read.
    """
    wanted = list(dict.fromkeys(paths))
    try:
        facts = [os.stat(path) for path in wanted]
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error
    seen_before = [(path, f.st_size, f.st_mtime_ns, f.st_ctime_ns) for path, f in zip(wanted, facts, strict=True)]
    now = pd.DataFrame(seen_before, columns=_FILE)
    memory = _memory(wanted)
    known = _recall(memory)
    index = now.merge(known, on=_FILE, how="left")
    unknown = index.index[index["pixels"].isna()]
    if not len(unknown):
        return index.astype(_NUMBERS)[_COLUMNS]
    index = index.astype(dict.fromkeys(_SEEN, object))  # of one kind, whatever was known before
    with progress_bar("images", rate=True) as bar, ThreadPoolExecutor(os.cpu_count()) as pool:
        task = bar.add_task(f"looking at the images of {name}, once", total=len(unknown))
        for start in range(0, len(unknown), _AT_ONCE):
            some = unknown[start : start + _AT_ONCE]
            seen = []
            for facts_of_one in pool.map(_look, index.loc[some, "path"]):
                seen.append(facts_of_one)
                bar.advance(task)
            index.loc[some, _SEEN] = pd.DataFrame(seen, columns=_SEEN, index=some, dtype=object)
            _remember(index[index["pixels"].notna()], known, memory)
    return index.astype(_NUMBERS)[_COLUMNS]


def forget(paths: Sequence[str]) -> None:
    """Forget what is remembered of the images of a benchmark, all of which are named: one is not what it was."""
    with suppress(OSError):
        _memory(list(dict.fromkeys(paths))).unlink(missing_ok=True)


def _size(image: pd.Series) -> str:
    return f"{image['width']} x {image['height']}"


def _look(path: str) -> tuple[int, int, str, int, str]:
    try:
        image = decode(path)
    except UserError as error:
        return 0, 0, "", 0, str(error)
    return image.pixels.shape[0], image.pixels.shape[1], image.digest, image.checksum, ""


def _memory(paths: Sequence[str]) -> Path:
    """The file that remembers the images of the folder in which all of these lie."""
    folder = os.path.commonpath([os.path.abspath(os.path.dirname(path)) for path in paths])
    return cache_folder() / "images" / f"{hashlib.sha256(folder.encode()).hexdigest()[:24]}.parquet"


def _recall(memory: Path) -> pd.DataFrame:
    """What is remembered; nothing, if the file is not there or damaged."""
    with suppress(OSError, ValueError, KeyError):  # pyarrow's errors derive from these
        return pd.read_parquet(memory)[_COLUMNS]
    return pd.DataFrame({name: pd.Series(dtype=object) for name in _COLUMNS}).astype(dict.fromkeys(_FILE[1:], int))


def _remember(index: pd.DataFrame, known: pd.DataFrame, memory: Path) -> None:
    """Write what is known now, for the next start; a disk that cannot be written costs only time."""
    together = pd.concat([known[~known["path"].isin(index["path"])], index]) if len(known) else index
    together = together[together["problem"] == ""]  # a damaged image is looked at again
    try:
        with in_one_step(memory) as unfinished:
            together.astype(_NUMBERS).to_parquet(unfinished, index=False)
    except OSError as error:
        say(f"what the images are cannot be remembered in {memory.parent}: {error.strerror}", "yellow")
