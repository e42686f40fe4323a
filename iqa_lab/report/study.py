"""What a report is about: a study with its question and claims, or everything in a results folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import yaml

from iqa_lab.config import BenchmarkConfig, ReadoutConfig, option_files
from iqa_lab.errors import UserError, choices

EVERYTHING = "What do the results in this folder say?"


@dataclass(frozen=True)
class Study:
    """A question, and the results of its grid so far."""

    name: str
    question: str
    claims: tuple[str, ...] = ()
    command: str = ""
    # folders below the results, each with the readouts that are asked for; None: all that are there
    units: Mapping[str, Mapping[str, ReadoutConfig]] | None = None
    cells: pd.DataFrame | None = None  # goal, dataset, architecture of all cells that it asks for
    missing: tuple[str, ...] = ()  # what was asked for and is not there, in words
    benchmarks: tuple[BenchmarkConfig, ...] = ()  # of the user's own configuration: where their images lie
    registered: str = ""  # since when the claims stand, a sentence; empty: it is no study


@dataclass(frozen=True)
class Described:
    """What the YAML of a study says of itself."""

    question: str
    claims: tuple[str, ...] = field(default=())


def describe(name: str, folders: Sequence[Path]) -> Described:
    """The question (its second line) and the claims of a study.

    Raises:
        UserError: there is no such study, or its file cannot be read.
    """
    known = option_files("experiment", folders)
    if name not in known:
        raise UserError(f"there is no study {name}; choose from {choices(name, known)}")
    try:
        text = known[name].read_text(encoding="utf-8")
        content = yaml.safe_load(text) or {}
        claims = content.get("claims") or ()
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise UserError(f"{known[name]} is no study: {' '.join(str(error).split())[:120]}") from error
    if not isinstance(claims, (list, tuple)) or not all(isinstance(claim, str) for claim in claims):
        raise UserError(f"{known[name]}: claims is a list of texts, as claims: [classification > jigsaw]")
    lines = text.splitlines()
    return Described(lines[1].lstrip("# ") if len(lines) > 1 else f"What does {name} say?", tuple(claims))
