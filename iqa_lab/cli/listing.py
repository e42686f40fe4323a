"""``iqa-lab list``: a kind and filters -> one line per option, all about one option, or JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from iqa_lab.cli.catalogue import Row, coverage, coverage_counts, list_options
from iqa_lab.cli.printing import lines_of, print_long, record_lines
from iqa_lab.config import option_files
from iqa_lab.config.options import read_option
from iqa_lab.errors import UserError, choices
from iqa_lab.networks.cells import UNTRAINED

# columns that a table shows, where it does not show all: one line per option
_SHOWN = {
    "benchmarks": ("name", "protocol", "pairs", "references", "human", "present", "description"),
    "weights": ("goal", "dataset", "architecture", "weights", "publisher", "top1", "family", "tried", "available"),
    "architectures": ("name", "layers", "layout", "constructor"),
}
_FREE = ("description", "publisher", "formula", "question", "constructor", "licence", "family")
_SPARE = ("family", "architecture", "tried", "top1", "supervision")  # left out where the terminal is narrow
_IN_PIPE = 100  # columns, where nobody looks

_WILD = set("*?[")


def show_options(kind: str, words: Sequence[str], folders: Sequence[Path], as_json: bool) -> None:
    """Print the options there are.

    Args:
        kind: one of ``groups.KINDS``.
        words: ``COLUMN=VALUE``, or names, in both ``*`` for any text.
        folders: configuration folders, the first one wins.
        as_json: all columns of all that match, as a list of objects.

    Raises:
        UserError: no such kind, column or name.
    """
    filters = dict(word.split("=", 1) for word in words if "=" in word)
    names = [word for word in words if "=" not in word]
    rows = list_options(kind, filters, folders)
    if names:
        rows = _named(kind, rows, names)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if len(names) == 1 and len(rows) == 1 and not _WILD & set(names[0]):
        print_long(record_lines(_everything(kind, rows[0], folders)))
        return
    counts: list[str] = []
    if kind == "weights" and rows:
        counts = [*lines_of(coverage(rows), in_pipe=_IN_PIPE, free=("on",)), "", coverage_counts(rows), ""]
    shown = [{key: row[key] for key in _SHOWN.get(kind, row) if key in row} for row in rows]
    more = [] if kind == "layers" or not rows else ["", f"All about one: iqa-lab list {kind} NAME"]
    print_long(
        [
            *counts,
            *lines_of(shown, free=_FREE, spare=_SPARE, in_pipe=_IN_PIPE),
            *more,
        ]
    )


def _named(kind: str, rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows whose name is one of those asked for.

    Raises:
        UserError: there is none of a name that is written out.
    """
    column = {"weights": "weights", "metrics": "file"}.get(kind, "name")
    known = [str(row[column]) for row in rows]
    for name in names:
        if rows and name in rows[0] and name not in known:
            raise UserError(f"{name!r} is no filter: write COLUMN=VALUE, as in {name}=...")
        if name not in known and not _WILD & set(name):
            raise UserError(f"there are no {kind} {name}; choose from {choices(name, dict.fromkeys(known))}")
    return [row for row in rows if any(str(row[column]) == one or fnmatchcase(str(row[column]), one) for one in names)]


def _everything(kind: str, row: Row, folders: Sequence[Path]) -> dict[str, Any]:
    """All that is known of one option: the row, then what its file says besides, without what is empty."""
    if kind in ("layers", "metrics"):  # which are no options
        return row
    group = kind if kind == "weights" else kind.removesuffix("s")
    option = "/".join(str(row[key]) for key in ("goal", "dataset", "weights")) if kind == "weights" else row["name"]
    file = option_files(group, folders)[option]
    content = {key: value for key, value in read_option(file, group).items() if key not in ("defaults", "hydra")}
    facts = {key: value for key, value in row.items() if value is not None}
    known = {**facts, **{key: value for key, value in _flat(content) if key not in facts}, "file": str(file)}
    return {**known, "use": _how(kind, row)}


def _how(kind: str, row: Row) -> str:
    """The command that uses one option."""
    if kind == "weights":
        cell = " ".join(f"{key}={row[key]}" for key in ("goal", "dataset", "architecture"))
        several = "" if row["weights"] == row["architecture"] else f" weights={row['weights']}"
        return f"iqa-lab run {cell}{several}"
    if kind == "architectures":
        return f"iqa-lab run architecture={row['name']} goal={UNTRAINED} dataset=none"
    command = "sweep" if kind == "experiments" else "run"
    return f"iqa-lab {command} {kind.removesuffix('s')}={row['name']}"


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a file that say something, with dotted keys."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
            yield f"{prefix}{key}", [entry.get("url") or " ".join(map(str, entry)) for entry in value]
        elif value not in (None, "", []):
            yield f"{prefix}{key}", value
