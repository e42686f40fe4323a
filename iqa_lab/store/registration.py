"""A study's claims -> a sealed file beside its results that says since when they stand, and what has changed since.

Claims that are written before the first result are a test; those that are written after it are a description. The file
``.sweep/claims/<experiment>.json`` holds every version of the claims that a sweep was started with, with its date and
the number of units that had a result by then. The seal shows damage; it is no notary: publish the hash to prove a date.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from iqa_lab.config import checked_name
from iqa_lab.errors import counted
from iqa_lab.store.reading import DAMAGED, MISSING, Unusable, read_sealed
from iqa_lab.store.signature import SCHEMA, digest_of, seal
from iqa_lab.store.writing import readable_write_errors, replace_all

# Claims stay registered when results have to be made anew: version 3 changed scores, not this file.
_VERSIONS = (2, SCHEMA)


@dataclass(frozen=True)
class Version:
    """The claims of a study at the time of a sweep."""

    claims: tuple[str, ...]
    hash: str  # sha256 of the claims as a JSON list
    date: str  # UTC, ISO 8601
    finished: int  # units of the study that had a result by then
    units: tuple[str, ...]  # keys of all units of the grid by then


def claims_file(results: Path, experiment: str) -> Path:
    """Where the claims of a study are registered.

    Raises:
        UserError: the study's name may not be part of a path.
    """
    parts = [checked_name(part, "experiment") for part in experiment.split("/")]
    return results.joinpath(".sweep", "claims", *parts[:-1], f"{parts[-1]}.json")


def normal(claims: Sequence[str]) -> tuple[str, ...]:
    """Claims without what makes no difference: white space."""
    return tuple(" ".join(text.split()) for text in claims)


def read_versions(results: Path, experiment: str) -> list[Version]:
    """All versions of a study's claims, the first one first; empty where none was registered.

    Raises:
        Unusable: the file is damaged; the message names it.
    """
    file = claims_file(results, experiment)
    try:
        content = read_sealed(file, versions=_VERSIONS)
    except Unusable as trouble:
        if trouble.kind == MISSING:
            return []
        raise
    try:
        versions = [_version(one) for one in content["versions"]]
        whole = bool(versions) and content["experiment"] == experiment
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(DAMAGED, file, "no registered claims") from error
    if not whole or any(one.hash != digest_of(list(one.claims)) for one in versions):
        raise Unusable(DAMAGED, file, f"not the claims of {experiment}")
    return versions


def _version(one: Mapping[str, Any]) -> Version:
    datetime.fromisoformat(one["date"])
    texts = [*one["claims"], *one["units"]]
    if not all(isinstance(text, str) for text in texts) or int(one["finished"]) < 0:
        raise ValueError("no version of claims")
    return Version(tuple(one["claims"]), str(one["hash"]), str(one["date"]), int(one["finished"]), tuple(one["units"]))


def register(
    results: Path, experiment: str, claims: Sequence[str], units: Sequence[str], with_result: Sequence[str]
) -> Version | None:
    """Write down the claims of a study, if they are others than those of its last sweep; returns what was written.

    Args:
        results: the results folder.
        experiment: the study's name.
        claims: its claims now.
        units: keys of all units of its grid.
        with_result: keys of all units of the results folder that have, or had, a result, or are being computed.

    Raises:
        Unusable: there is a file of claims, and it is damaged; it stays as it is.
        UserError: the results cannot be written.
    """
    file = claims_file(results, experiment)
    texts = normal(claims)
    with readable_write_errors(results):
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            versions = read_versions(results, experiment)
            if (not texts and not versions) or (versions and versions[-1].claims == texts):
                return None
            # what earlier versions were about counts, whatever the grid is now
            asked = set(units).union(*(one.units for one in versions))
            date = datetime.now(UTC).isoformat(timespec="seconds")
            new = Version(texts, digest_of(list(texts)), date, len(asked & set(with_result)), tuple(sorted(set(units))))
            content = {"experiment": experiment, "versions": [asdict(one) for one in (*versions, new)]}
            replace_all(file.parent, {file.name: json.dumps(seal(content), indent=1).encode()})
    return new


def status_of(results: Path, experiment: str, claims: Sequence[str]) -> str:
    """One sentence for readers: since when these claims stand, and which of them are younger than the first result.

    Args:
        results: the results folder.
        experiment: the study's name.
        claims: as they are judged now.
    """
    now = normal(claims)
    try:
        versions = read_versions(results, experiment)
    except Unusable as trouble:
        return f"Claims: whether they were registered is not known: {trouble}."
    if not versions:
        return "Claims: not registered before the results: no sweep of this study was started with them."
    before = [one for one in versions if not one.finished]
    if not before:
        first = versions[0]
        had = f"{counted(first.finished, 'unit')} had one already"
        return f"Claims: not registered before the results: on {_day(first)} {had}" + (
            _changes(first.claims, now, "changed after that") or "."
        )
    last = before[-1]
    changes = _changes(last.claims, now, "changed after that")
    return f"Claims: registered on {_day(last)} before the first unit (sha256 {last.hash[:12]})" + (changes or ".")


def _day(version: Version) -> str:
    return f"{datetime.fromisoformat(version.date).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _changes(then: Sequence[str], now: Sequence[str], what: str) -> str:
    """What is new and what is gone, or nothing."""
    added = [text for text in now if text not in then]
    gone = [text for text in then if text not in now]
    said = [f"{word} {'; '.join(f'“{text}”' for text in texts)}" for word, texts in (("new", added), ("gone", gone))
            if texts]  # fmt: skip
    return f"; {what}: {', '.join(said)}." if said else ""
