"""What was tried, and how it ended: one small file a unit under ``results/.sweep/units``.

A unit's key is the hash of its resolved configuration, which is known without building a network. The file under that
key says which signature the unit has and what the scores were made of: the weights file, the benchmark's index and the
versions of the packages that build networks. The planner skips a unit only if all of this is still so, and never takes
a number from here. A lock beside the file tells who is computing the unit; the kernel frees it when the process dies.
"""

import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from iqa_lab import __version__
from iqa_lab.config import WeightsConfig
from iqa_lab.networks.cells import BASELINE
from iqa_lab.store.signature import SCHEMA, canonical
from iqa_lab.sweep.compose import Unit, Values

Record = dict[str, Any]

DONE, RUNNING, FAILED, LOST, MISSING = "done", "running", "failed", "lost", "missing"

# facts about an option that move no number
FACTS = {
    "goal": ("description", "family", "supervision"),
    "dataset": ("description", "images"),
    "weights": ("publisher", "licence", "citation", "top1", "score", "parameters"),
    "benchmark": ("description", "licence", "url", "archives", "steps", "bibtex", "headline"),
}

# settings of the pass that are the same for all columns, as in the signature
_OF_THE_PASS = ("preprocess", "precision")

# whose constructors build the same network while the version is the same
_KNOWN_BUILDERS = ("torch", "torchvision", "timm", "iqa_lab")


class Ledger:
    """The records of one results folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.folder = results / ".sweep" / "units"

    def read_all(self) -> dict[str, Record]:
        """All records by key."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            keys = [entry.name[:-5] for entry in entries if entry.name.endswith(".json")]
        found = {key: self.read(key) for key in keys}
        return {key: record for key, record in found.items() if record}

    def read(self, key: str) -> Record:
        """One record; empty where there is none."""
        try:
            record = json.loads((self.folder / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def write(self, key: str, record: Mapping[str, Any]) -> None:
        """Replace a record in one step; only who holds the claim writes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f".{key}.{socket.gethostname()}-{os.getpid()}"
        try:
            unfinished.write_text(json.dumps(record), encoding="utf-8")
            os.replace(unfinished, self.folder / f"{key}.json")
        finally:
            unfinished.unlink(missing_ok=True)

    def log_file(self, key: str) -> Path:
        """What the last try of a unit printed."""
        return self.folder / f"{key}.log"

    @contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Whether the unit is this process's to compute until the block ends; False while another one computes it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f"{key}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def is_claimed(self, key: str) -> bool:
        """Whether a living process computes the unit."""
        if not (self.folder / f"{key}.lock").exists():
            return False
        with self.claim(key) as mine:
            return not mine


def key_of(unit: Unit, known: dict[int, str] | None = None) -> str:
    """The hash of everything in a unit's configuration that its scores may depend on, but for the readouts.

    Args:
        unit: whose key is wanted.
        known: hashes of values by their identity, for units that share them and outlive it; is filled.
    """
    known = {} if known is None else known
    for factor, values in unit.factors.items():
        if id(values) not in known:
            known[id(values)] = _hash_of(factor, values)
    rest = [unit.shared.get(name) for name in _OF_THE_PASS]
    return sha([SCHEMA, *(known[id(values)] for values in unit.factors.values()), *rest])


def readouts_of(unit: Unit, index_digests: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """For each readout asked for, hashes of how it is defined and of the layers that it is asked for.

    Args:
        unit: what is asked for.
        index_digests: of the benchmarks that readouts are fitted to.
    """
    if unit.cell.goal == BASELINE:
        return {"output": ("output", "output")}  # a baseline has its one column, whatever the readouts
    asked = {}
    for name, readout in unit.shared["readouts"].items():
        layers = {key: readout[key] for key in ("layers", "tokens", "concat")}
        definition = {key: value for key, value in readout.items() if key not in (*layers, "formula")}
        fitted = index_digests.get(str(readout["arguments"].get("fit_on")))
        asked[name] = (sha([definition, fitted]), sha(layers))
    return asked


def has_readouts(record: Record, asked: Mapping[str, tuple[str, str]]) -> bool:
    """Whether all readouts asked for were computed, as they are defined now and in these layers."""
    there = record.get("readouts", {})
    return all(
        name in there and there[name]["definition"] == definition and layers in there[name]["layers"]
        for name, (definition, layers) in asked.items()
    )


def with_readouts(record: Record, asked: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """What has been computed, after these readouts were; one that is defined otherwise now replaces the earlier."""
    there = dict(record.get("readouts", {}))
    for name, (definition, layers) in asked.items():
        same = there.get(name, {}).get("definition") == definition
        earlier = there[name]["layers"] if same else []
        there[name] = {"definition": definition, "layers": sorted({*earlier, layers})}
    return there


def builders(unit: Unit) -> dict[str, str] | None:
    """The versions of what builds a unit's network; None if its constructor is somebody else's, who may change it."""
    constructor = str(unit.factors["architecture"].get("constructor"))
    return _versions() if constructor.partition(".")[0] in _KNOWN_BUILDERS else None


def weights_file(weights: Values, known: str | None = None) -> Path | None:
    """The local file of a unit's weights where it can be told without torch, else ``known``, which an earlier run used.

    None: there is no such file here.
    """
    config = WeightsConfig(path=weights.get("path"), url=weights.get("url"), source=weights.get("source"))
    path: Path | None = Path(known) if known else None
    if config.path is not None:
        path = Path(config.path).expanduser()
    elif config.url is None and config.source is not None:
        kind, _, place = config.source.partition(":")
        if kind == "folder":
            folder = os.environ.get("IQA_LAB_WEIGHTS")
            path = Path(folder) / place if folder else None
        elif kind == "package":
            name, _, inside = place.partition("/")
            package = find_spec(name)
            path = Path(package.origin).parent / inside if package and package.origin else None
    return path if path is not None and path.is_file() else None


def file_facts(path: Path | None) -> dict[str, Any] | None:
    """Size and time of a file, which change whenever it is written; None where there is none."""
    if path is None:
        return None
    with suppress(OSError):
        facts = path.stat()
        return {"path": str(path.resolve()), "size": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    return None


def same_file(now: Mapping[str, Any] | None, then: Mapping[str, Any] | None) -> bool:
    """Whether a file is as it was; one that is not here now cannot contradict a result."""
    return now is None or (then is not None and all(now[key] == then[key] for key in ("size", "mtime_ns")))


def result_digests(folder: Path) -> dict[str, str]:
    """What a unit's ``result.json`` says its scores are, hashed: what they are of, and the columns of each readout.

    A result that has grown by another readout keeps those of the readouts before. Empty where there is no result.
    """
    try:
        content = json.loads((folder / "result.json").read_bytes())
        by_readout: dict[str, dict[str, Any]] = {}
        for name, definition in content["columns"].items():
            by_readout.setdefault(definition["readout"], {})[name] = definition
        parts = {"": [content["state"], content["signature"], content.get("hashed")], **by_readout}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}
    return {name: sha(part) for name, part in parts.items()}


def has_digests(folder: Path, earlier: Mapping[str, str] | None) -> bool:
    """Whether everything is there that was, unchanged."""
    return earlier is not None and len(earlier) > 0 and earlier.items() <= result_digests(folder).items()


@cache
def _versions() -> dict[str, str]:
    found = {"iqa_lab": __version__}
    for name in _KNOWN_BUILDERS[:-1]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _hash_of(factor: str, values: Values) -> str:
    return sha({key: value for key, value in values.items() if key not in FACTS.get(factor, ())})


def sha(value: Any) -> str:
    """The first 16 digits of the sha256 of a value's JSON text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
