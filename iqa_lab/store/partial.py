"""A pass that may be cut off -> what it has scored so far, on the disk; and back, for the pass that goes on from there.

The files lie in the folder ``.partial`` of a unit until the unit is complete. Each holds the scores from one border to
another (see ``scoring.batches``), what they were made with, and a digest of itself. A pass goes on only with the same
columns, images, batches, versions, device and number of threads, among which torch divides its sums: so its scores are
those of an undisturbed pass to the last bit.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch

from iqa_lab.benchmarks import Benchmark
from iqa_lab.config import Config
from iqa_lab.loops import sums_on
from iqa_lab.networks import Network
from iqa_lab.progress import say
from iqa_lab.scoring.batches import BORDER, distinct
from iqa_lab.scoring.columns import Column, Plan
from iqa_lab.scoring.cost import settings_of
from iqa_lab.scoring.score import Scores, SoFar, joined
from iqa_lab.scoring.settings import Settings
from iqa_lab.store.provenance import kind_of, package_versions
from iqa_lab.store.result import PARTIAL as FOLDER
from iqa_lab.store.result import Definitions
from iqa_lab.store.signature import digest_of
from iqa_lab.store.writing import write_quickly

EVERY = 2.0  # seconds from one file to the next
SHARE = 0.02  # of the time may go into writing them

Facts = Mapping[str, Any]


def resumed(
    folder: Path,
    key: str,
    config: Config,
    network: Network,
    benchmark: Benchmark,
    plan: Plan,
    definitions: Definitions,
    *,
    anew: bool,
) -> tuple[Settings, "PartialPass"]:
    """How a unit's pass is made, and what it has scored already; if possible with the batches of the pass cut off.

    Args:
        folder: of the unit.
        key: its signature.
        config: of the run.
        network: of the unit.
        benchmark: examined.
        plan: what is to be done.
        definitions: of its columns, with the sources of one's own readouts.
        anew: whether nothing that is there counts.
    """
    if anew:
        discard(folder)
    earlier = _batch_size(folder / FOLDER)
    if config.runtime.batch_size == "auto" and earlier is not None:
        config = replace(config, runtime=replace(config.runtime, batch_size=earlier))
    settings = settings_of(config, network, benchmark, plan)
    pairs, _ = distinct(benchmark.pairs)
    made_of = [{name: definitions[name] for name in plan.definitions}, *([column.name for column in plan.passed],)]
    facts = {
        "signature": key,
        "columns": digest_of([*made_of, plan.channel_layers]),
        "images": digest_of(pairs[["reference_pixels", "distorted_pixels"]].to_numpy().tolist()),
        "batch size": settings.batch_size,
        "border": BORDER,
        "device": f"{settings.device.type} {kind_of(settings.device)}",
        "threads": torch.get_num_threads(),
        "compiled loops": sums_on(settings.device.type) is not None,
        "versions": package_versions(),
    }
    return settings, PartialPass(folder, facts, plan.passed)


def discard(folder: Path) -> None:
    """Remove what is kept of a unit's pass: the unit is complete, or it failed."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


class PartialPass:
    """What is kept of the pass of one unit."""

    def __init__(self, folder: Path, facts: Facts, columns: Sequence[Column], every: float | None = None) -> None:
        """Read what is there; what cannot be continued is removed, and reported.

        Args:
            folder: of the unit.
            facts: everything that may move a bit of a score, by its name.
            columns: those that the pass reads.
            every: seconds from one file to the next; None: ``EVERY``.
        """
        self._folder = folder / FOLDER
        self._facts: dict[str, Any] = json.loads(json.dumps(facts))
        self._columns = tuple(columns)
        self._every = EVERY if every is None else every
        self._off = False
        self.begun = self._read()  # what there was when this process came
        self._before = 0 if self.begun is None else len(self.begun.values)
        self._pairs = self._before  # that are in files
        self._written: Scores | None = None  # of this process, when a file was written last
        self._due = monotonic() + self._every

    def keep(self, done: int, so_far: SoFar) -> None:
        """Write what was scored since the last time, if that is some seconds ago. A full disk does not stop the pass.

        Args:
            done: pairs that this process has scored.
            so_far: what there is of its pairs, from a given one on.
        """
        start = monotonic()
        if self._off or start < self._due or self._before + done == self._pairs:
            return
        scores = so_far(self._pairs - self._before)
        if not _is_sound(scores):  # the whole pass will be refused, by those who know why
            self._off = True
            return
        try:
            write_quickly(self._folder / _name(self._pairs), _packed(self._facts, self._since(scores)))
        except OSError as error:
            self._off = True
            why = error.strerror or error
            say(
                f"cannot keep what is scored so far ({why}): the pass goes on; if it is stopped, it begins anew",
                "yellow",
            )
            return
        self._pairs = self._before + done
        self._written = scores
        end = monotonic()
        self._due = end + max(self._every, (end - start) / SHARE)

    def _since(self, scores: Scores) -> Scores:
        """The scores with what came about since the last file only, so that files add up."""
        last = self._written
        if last is None:
            return scores
        return replace(
            scores,
            converted={path: how for path, how in scores.converted.items() if path not in last.converted},
            forwards=scores.forwards - last.forwards,
            seconds=scores.seconds - last.seconds,
        )

    def _read(self) -> Scores | None:
        """The files one after the other, as far as they are whole and were made with the same facts."""
        begun: Scores | None = None
        while True:
            file = self._folder / _name(0 if begun is None else len(begun.values))
            try:
                facts, scores = _unpacked(file.read_bytes(), self._columns)
            except FileNotFoundError:
                break
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                say(f"{file} is damaged: it is left out, and the pass made again from there", "yellow")
                break
            if facts != self._facts:
                if begun is None:
                    other = [name for name in {**self._facts, **facts} if facts.get(name) != self._facts.get(name)]
                    say(
                        f"{self._folder} is of a pass with other {' and '.join(other)}: it is left out, and the pass "
                        "begins anew",
                        "yellow",
                    )
                break
            begun = scores if begun is None else joined(begun, scores)
        self._remove_all_but(0 if begun is None else len(begun.values))
        return begun

    def _remove_all_but(self, pairs: int) -> None:
        """Remove what does not belong to these first pairs, as files of a pass that was cut off in another place."""
        if pairs == 0:
            discard(self._folder.parent)
        for file in self._folder.glob("*") if pairs else ():
            if file.name >= _name(pairs) or file.name.startswith("."):
                try:
                    file.unlink(missing_ok=True)
                except OSError:  # a folder, say; what stays is in nobody's way, or said when it is
                    shutil.rmtree(file, ignore_errors=True)


def _name(first: int) -> str:
    """The file whose first pair has this place."""
    return f"{first:012d}"


def _batch_size(folder: Path) -> int | None:
    """The batches of the pass that was cut off; None: there is none, or nobody can tell."""
    try:
        size = _header((folder / _name(0)).read_bytes())[0]["facts"]["batch size"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return size if type(size) is int and size > 0 else None


def _packed(facts: Facts, scores: Scores) -> bytes:
    """A digest, a line of JSON, then the numbers of columns and of channels, as they lie in memory."""
    header = {
        "facts": facts,
        "pairs": len(scores.values),
        "columns": scores.values.shape[1],
        "channels": {layer: differences.shape[1] for layer, differences in scores.channels.items()},
        "converted": scores.converted,
        "forwards": scores.forwards,
        "batch_size": scores.batch_size,
        "seconds": scores.seconds,
        "positions": {layer: sorted(seen) for layer, seen in scores.positions.items()},
    }
    arrays = [scores.values, *scores.channels.values()]
    content = b"\n".join(
        [json.dumps(header).encode(), b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)]
    )
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def _header(packed: bytes) -> tuple[dict[str, Any], bytes]:
    """The line of JSON, and what follows it.

    Raises:
        ValueError: it is not what was written.
    """
    digest, _, content = packed.partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise ValueError("not the file that was written")
    line, _, numbers = content.partition(b"\n")
    return json.loads(line), numbers


def _unpacked(packed: bytes, columns: Sequence[Column]) -> tuple[Facts, Scores]:
    """What ``_packed`` was given.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not what was written.
    """
    header, content = _header(packed)
    numbers = np.frombuffer(content, "<f4").astype(np.float32)
    pairs = int(header["pairs"])
    widths = [int(header["columns"]), *map(int, header["channels"].values())]
    ends = np.cumsum([pairs * width for width in widths])
    if pairs < 1 or len(numbers) != ends[-1] or not np.isfinite(numbers).all():
        raise ValueError("other numbers than it says")
    values, *channels = (part.reshape(pairs, -1) for part in np.split(numbers, ends[:-1]))
    return header["facts"], Scores(
        values=values,
        columns=tuple(columns),
        channels=dict(zip(header["channels"], channels, strict=True)),
        converted=dict(header["converted"]),
        forwards=int(header["forwards"]),
        batch_size=int(header["batch_size"]),
        seconds=float(header["seconds"]),
        positions={layer: {(int(a), int(b)) for a, b in seen} for layer, seen in header["positions"].items()},
    )


def _is_sound(scores: Scores) -> bool:
    """Whether a pass could go on from these scores: finite, and no distance below zero."""
    finite = all(np.isfinite(numbers).all() for numbers in (scores.values, *scores.channels.values()))
    return bool(finite and (scores.values >= 0).all())
