"""What a report is about: a study with its question and claims, or everything in a results folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import yaml

from iqa_lab.config import ReadoutConfig, option_files
from iqa_lab.errors import UserError, choices

EVERYTHING = "What do the results in this folder say?"


@dataclass(frozen=True)
class Study:
    """A question, and what of its grid there is."""

    name: str
    question: str
    claims: tuple[str, ...] = ()
    command: str = ""
    # folders below the results, each with the readouts that are asked for; None: all that are there
    units: Mapping[str, Mapping[str, ReadoutConfig]] | None = None
    cells: pd.DataFrame | None = None  # goal, dataset, architecture of all cells that it asks for
    missing: tuple[str, ...] = ()  # what was asked for and is not there, in words


@dataclass(frozen=True)
class Described:
    """What the YAML of a study says of itself."""

    question: str
    claims: tuple[str, ...] = field(default=())


def describe(name: str, folders: Sequence[Path]) -> Described:
    """The question (its second line) and the claims of a study.

    Raises:
        UserError: there is no such study.
    """
    known = option_files("experiment", folders)
    if name not in known:
        raise UserError(f"there is no study {name}; choose from {choices(name, known)}")
    text = known[name].read_text(encoding="utf-8")
    content = yaml.safe_load(text) or {}
    return Described(text.splitlines()[1].lstrip("# "), tuple(content.get("claims") or ()))
