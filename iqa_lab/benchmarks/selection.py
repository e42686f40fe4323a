"""Which pairs of a benchmark are scored: some distortions, levels and references, or a part of the references."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from iqa_lab.benchmarks.names import folded
from iqa_lab.config import BenchmarkConfig, SplitConfig
from iqa_lab.errors import UserError, choices, first_names

PARTS = ("train", "validation", "test")


def selected(config: BenchmarkConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that the settings ask for.

    Args:
        config: ``split``, ``distortions``, ``levels`` and ``references`` are read.
        rows: ``reference, distortion, level``; perhaps ``split`` (the part of a user's own table).

    Raises:
        UserError: something that is asked for does not exist, or nothing is left.
    """
    if config.split.part is not None:
        rows = rows[_part(config, rows)]
    for key, column in (("distortions", "distortion"), ("levels", "level"), ("references", "reference")):
        asked = getattr(config, key)
        if not asked:
            continue
        names = rows[column].astype(str)
        rows = rows[names.isin([_meant(config, key, str(value), sorted(names.unique())) for value in asked])]
    if rows.empty:
        raise UserError(
            f"benchmark {config.name}: no pair passes all of benchmark.split, distortions, levels and references"
        )
    return rows.drop(columns=["reference_copy", "split"], errors="ignore").reset_index(drop=True)


def filters_of(config: BenchmarkConfig) -> list[str]:
    """The filters that are set, by the names of their settings."""
    lists = [key for key in ("distortions", "levels", "references") if getattr(config, key)]
    return [*lists, *(["split.part"] if config.split.part is not None else [])]


def _meant(config: BenchmarkConfig, key: str, value: str, names: Sequence[str]) -> str:
    """The name that a filter means: that very name, else the only one that differs in upper and lower case.

    Raises:
        UserError: there is none, or there are several.
    """
    alike = [value] if value in names else [name for name in names if folded(name) == folded(value)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise UserError(f"benchmark.{key}: {config.name} has {first_names(alike)}; which is meant by {value}?")
    if not any(names):
        raise UserError(f"benchmark.{key}={value}: {config.name} says of no pair which of the {key} it is")
    raise UserError(f"benchmark.{key}: {config.name} has no {value}; choose from {choices(value, names)}")


def split_references(references: Sequence[str], split: SplitConfig) -> Mapping[str, str]:
    """The part of every reference: ``train``, ``validation`` or ``test``.

    The references are put into an order that only the seed and their names, in lower case, decide (by sha256, which no
    library changes), and cut where the shares say. Databases with the same photographs under the same names, as TID2008
    and TID2013, are split alike.

    Raises:
        UserError: the shares are no shares.

    >>> split_references(["i01", "i02", "i03", "i04", "i05"], SplitConfig(seed=0))["i04"]
    'validation'
    """
    shares = np.array([asdict(split)[part] for part in PARTS], dtype=float)
    if (shares < 0).any() or not np.isclose(shares.sum(), 1):
        named = ", ".join(f"{part} {share:g}" for part, share in zip(PARTS, shares, strict=True))
        raise UserError(f"benchmark.split: shares are not negative and sum to 1, not {named}")
    names = {reference.lower() for reference in references}
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{split.seed}/{name}".encode()).digest())
    ends = np.round(np.cumsum(shares) * len(names)).astype(int)
    part = dict(zip(shuffled, np.searchsorted(ends, np.arange(len(names)), side="right"), strict=True))
    return {reference: PARTS[part[reference.lower()]] for reference in references}


def _part(config: BenchmarkConfig, rows: pd.DataFrame) -> pd.Series:
    """Whether a row belongs to the part of the benchmark that is asked for."""
    if "split" in rows:
        drawn = [key for key in ("seed", *PARTS) if getattr(config.split, key) != getattr(SplitConfig(), key)]
        if drawn:
            raise UserError(
                f"benchmark {config.name}: its column split says the part of every pair, so benchmark.split.{drawn[0]} "
                "would change nothing: leave it out, or rename the column"
            )
        parts = rows["split"]  # empty where a row is in no part
        crossing = parts[parts != ""].groupby(rows["reference"]).nunique()
        if (crossing > 1).any():
            raise UserError(
                f"benchmark {config.name}: a part holds whole references, but the pairs of "
                f"{first_names(crossing.index[crossing > 1])} are in several"
            )
    else:
        parts = rows["reference"].map(split_references(rows["reference"].unique().tolist(), config.split))
    known = sorted(set(parts) - {""}) if "split" in rows else list(PARTS)
    if config.split.part not in known:
        listed = choices(str(config.split.part), known)
        raise UserError(f"benchmark.split.part: {config.name} has no part {config.split.part}; choose from {listed}")
    return parts == config.split.part
