"""What the planner knows about a benchmark: the digest of its index and how many images a pass forwards.

Found out by the benchmark's own loader, and kept under ``results/.sweep/benchmarks`` for as long as no file of the
benchmark's folder has another name, size or time.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from iqa_lab import __version__
from iqa_lab.benchmarks import examine, load_benchmark
from iqa_lab.benchmarks.elsewhere import other_places
from iqa_lab.benchmarks.names import find_entry
from iqa_lab.config import BenchmarkConfig, data_folder
from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.store.reading import Unusable, read_sealed
from iqa_lab.store.signature import seal
from iqa_lab.store.writing import write_quickly
from iqa_lab.sweep.compose import Values, build_dataclass, typed
from iqa_lab.sweep.ledger import sha


@dataclass(frozen=True)
class Facts:
    """Of one benchmark with its filters; ``error`` says why it cannot be scored, and then the rest is empty."""

    index_digest: str = ""
    pairs: int = 0
    images: int = 0  # that one pass forwards
    people: Any = None  # what its opinions say of these, as votes do: its statistics depend on it
    opinion_std: str = "none"
    error: str | None = None


def benchmark_facts(values: Values, results: Path) -> Facts:
    """What a pass over a benchmark will meet; from memory where nothing has changed since.

    Args:
        values: the benchmark's configuration.
        results: the results folder, where the memory is.
    """
    seen = fingerprint(values)
    memory = results / ".sweep" / "benchmarks" / f"{sha([__version__, values])}.json"
    if seen is not None:
        with suppress(Unusable, KeyError, TypeError):  # nothing is known yet
            kept = read_sealed(memory)
            if kept["fingerprint"] == seen:
                return Facts(**kept["facts"])
    facts = _load(values)
    seen = fingerprint(values)  # the loader may have made the images
    if facts.error is None and seen is not None:
        with suppress(OSError):  # then it is found out again
            write_quickly(memory, json.dumps(seal({"fingerprint": seen, "facts": asdict(facts)})).encode())
    return facts


def fingerprint(values: Values) -> str | None:
    """sha256 of names, sizes and times of all files of a benchmark's folders; None where it cannot be told beforehand.

    That is so for a table, whose images may lie anywhere, and for a loader of one's own.
    """
    if "." in str(values.get("family")) or values.get("family") == "table":
        return None
    path = values.get("path")
    root = Path(path).expanduser() if path else find_entry(data_folder(), str(values["folder"]))
    if root is None or not root.is_dir():
        return None
    # where other programs keep it, which its loader looks at, too
    others = other_places(str(values.get("family")), root, root if path else data_folder())
    digest = hashlib.sha256(str(root.resolve()).encode(errors="surrogateescape"))
    try:
        for folder in (root, *filter(Path.is_dir, others)):
            for line in sorted(_files(folder)):
                digest.update(line.encode(errors="surrogateescape"))
    except OSError:
        return None  # loading it will say so
    return digest.hexdigest()


def _files(folder: Path | str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            else:
                facts = entry.stat()
                yield f"{entry.path}\t{facts.st_size}\t{facts.st_mtime_ns}\t{facts.st_ctime_ns}\n"


def _load(values: Values) -> Facts:
    try:
        loaded = load_benchmark(build_dataclass(BenchmarkConfig, typed("benchmark", values)))
        benchmark = examine(loaded, any_size=True)  # whether sizes matter depends on the unit
        pairs = benchmark.pairs  # the images as in batches.number_of_images, which brings torch with it
        images = len(pairs.drop_duplicates(["reference_path", "distorted_path"])) + pairs["reference_path"].nunique()
        found = benchmark.config
        return Facts(benchmark.index_digest(), len(pairs), images, found.people, found.opinion_std)
    except Exception as error:  # a loader of one's own may fail in any way
        pass_on_interrupt(error)
        if isinstance(error, UserError):
            return Facts(error=str(error))
        return Facts(error=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
