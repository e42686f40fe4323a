"""What was tried, and how it ended: one small file per unit under ``results/.sweep/units``.

A unit's key is the hash of its resolved configuration, which is known without building a network. The file under that
key says which signature the unit has and what its result was made of: the weights file, the benchmark's index, the code
and the settings of statistics. The planner skips a unit only if all of this is still so and its files are those that
were checked. A damaged file counts as missing: the result itself says the rest. A lock beside the file tells
who is computing the unit; the kernel frees it when the process dies.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from iqa_lab.config import WeightsConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.imports import is_own, source_now
from iqa_lab.networks.cells import BASELINE
from iqa_lab.progress import say
from iqa_lab.store.code import code_of
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.reading import MISSING as NOT_THERE
from iqa_lab.store.reading import OTHER_VERSION, Unusable, read_sealed
from iqa_lab.store.result import CONFIG, CORRELATIONS, RESULT, SCORES, WEIGHTS, headline_stands
from iqa_lab.store.settings import made_with
from iqa_lab.store.signature import DIGEST, SCHEMA, canonical, seal
from iqa_lab.store.writing import write_quickly
from iqa_lab.sweep.compose import Unit, Values

Record = dict[str, Any]

DONE, RUNNING, FAILED, LOST, MISSING = "done", "running", "failed", "lost", "missing"

# facts about an option that move no number
FACTS = {
    "goal": ("description", "family", "supervision"),
    "dataset": ("description", "images"),
    "weights": (
        "publisher", "licence", "citation", "top1", "score", "parameters", "initialised_from", "family", "steps",
    ),
    "benchmark": ("description", "licence", "url", "archives", "steps", "bibtex", "headline"),
}  # fmt: skip

# settings of the pass that are the same for all columns, as in the signature
_OF_THE_PASS = ("preprocess", "precision")

# of a result: what a plan looks at, by size and time
_FILES = (RESULT, SCORES, CORRELATIONS, CONFIG, WEIGHTS)


class Ledger:
    """The records of one results folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.folder = results / ".sweep" / "units"

    def read_all(self) -> dict[str, Record]:
        """All records by key; those that cannot be used are named, and left out.

        Raises:
            UserError: the folder of records cannot be read.
        """
        try:
            with os.scandir(self.folder) as entries:
                keys = [entry.name[:-5] for entry in entries if entry.name.endswith(".json")]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise UserError(f"{self.folder} cannot be read: {error.strerror or error}") from error
        found, troubles = {}, []
        for key in keys:
            try:
                found[key] = self.read_checked(key)
            except Unusable as trouble:
                troubles.append(trouble)
        damaged = [str(trouble) for trouble in troubles if trouble.kind not in (OTHER_VERSION, NOT_THERE)]
        if damaged:
            listed = first_names(damaged)
            say(f"records of units that say nothing any more: {listed}", "yellow")
        return found

    def read(self, key: str) -> Record:
        """One record; empty where there is none that can be used."""
        try:
            return self.read_checked(key)
        except Unusable:
            return {}

    def read_checked(self, key: str) -> Record:
        """One record.

        Raises:
            Unusable: it is missing, unreadable, damaged or of another version.
        """
        record = read_sealed(self.folder / f"{key}.json")
        return {name: value for name, value in record.items() if name not in (DIGEST, "schema")}

    def write(self, key: str, record: Mapping[str, Any]) -> None:
        """Replace a record in one step; only who holds the claim writes."""
        write_quickly(self.folder / f"{key}.json", json.dumps(seal(record)).encode())

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
        try:
            with self.claim(key) as mine:
                return not mine
        except OSError:
            return False  # somebody else's folder, in which nobody can tell


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
        function, of_module = str(readout["function"]), readout["reads"] == "channels"
        source = source_now(function, of_module) if is_own(function) else None
        asked[name] = (sha([definition, fitted, source]), sha(layers))
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


def code_now(unit: Unit) -> dict[str, dict[str, str | None]]:
    """The code that would make a unit's scores now, as ``store.code.code_of`` tells a run."""
    return code_of(str(unit.factors["architecture"]["constructor"]), str(unit.factors["benchmark"]["family"]))


def statistics_of(unit: Unit) -> dict[str, Any]:
    """The settings that a unit's table would be made with now."""
    return made_with(unit.shared["statistics"], unit.factors["benchmark"])


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


def stamps(folder: Path) -> dict[str, list[int]]:
    """Size and time of every file of a result."""
    found = {}
    for name in _FILES:
        with suppress(OSError):
            facts = os.stat(folder / name)
            found[name] = [facts.st_size, facts.st_mtime_ns]
    return found


def columns_of(result: Mapping[str, Any]) -> dict[str, str]:
    """What a result says its scores are, hashed: what they are of, and the columns of each readout.

    A result that has grown by another readout keeps those of the readouts before.
    """
    by_readout: dict[str, dict[str, Any]] = {}
    for name, definition in result["columns"].items():
        by_readout.setdefault(definition["readout"], {})[name] = definition
    parts = {"": [result["signature"], result.get("hashed")], **by_readout}
    return {name: sha(part) for name, part in parts.items()}


def facts_of_result(folder: Path) -> Record:
    """What a record keeps of a result: its columns, its settings of statistics, and its files as they were checked.

    Raises:
        Unusable: a file of it cannot be used.
    """
    seen = stamps(folder)
    result = UnitFolder(folder).check()
    return {"columns": columns_of(result), "statistics": result.get("statistics"), "seen": seen}


def why_not(results: Path, record: Record, statistics: Mapping[str, Any] | None) -> str | None:
    """Why a result that a record tells of is not what its unit would give again; None if it is.

    Files whose size and time are those of the last check are not read.

    Args:
        results: the results folder.
        record: of the unit.
        statistics: what its table would be made with now; None: nobody can tell.
    """
    place = str(record.get("folder"))
    if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
        return f"{place} is no folder of a result"
    folder = results / place
    there, then = record.get("columns") or {}, record.get("statistics")
    if stamps(folder) != record.get("seen"):
        try:
            unit = UnitFolder(folder)
            result = unit.check()
        except Unusable as trouble:
            return str(trouble)
        if result["state"] != DONE or CORRELATIONS not in result["files"] or not headline_stands(result):
            return f"{folder} has scores without statistics"
        if not there.items() <= columns_of(result).items():
            return f"{folder} has other columns than its record says"
        then = result.get("statistics")
    return None if statistics is None or statistics == then else "its statistics were made with other settings"


def _hash_of(factor: str, values: Values) -> str:
    return sha({key: value for key, value in values.items() if key not in FACTS.get(factor, ())})


def sha(value: Any) -> str:
    """The first 16 digits of the sha256 of a value's JSON text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
