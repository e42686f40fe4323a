"""Rows of ``correlations.csv`` of many units -> one row a unit, the rows that can be compared, resampled SRCC."""

import zlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.direction import goodness, is_low_good
from iqa_lab.statistics.intervals.weighed import STATISTICS, Weighed

Floats = NDArray[np.float64]


FACTORS = ("goal", "dataset", "architecture")


UNIT = ["benchmark", *FACTORS, "weights"]


UNTRAINED = "untrained"


# goal/dataset of the training whose weights a network's training began with; empty: it began at random
ORIGIN = "initialised_from"


# what benchmarks of stimuli are judged by where results are compared: their SRCC, of log sensitivities with people's or
# of what else they ask. It is no agreement on image quality, and is never averaged with it
SENSITIVITY = "sensitivity"


IN_SAMPLE = "_insample"  # ends the names of readouts that were fitted to the opinions they are compared with


class TooFewUnits(ValueError):
    """The units at hand cannot answer the question; the message says what is missing."""


def candidate_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows among which a best one is looked for: neither the pixels nor what was fitted to the same opinions."""
    return table[(table["layer"] != "pixels") & ~table["readout"].astype(str).str.endswith(IN_SAMPLE)]


def best_of_units(table: pd.DataFrame, value: str = "srcc") -> pd.DataFrame:
    """One row a unit: its best layer and readout, the pixels and what was fitted in-sample left out.

    Args:
        table: rows of ``correlations.csv`` of any number of units, perhaps with ``unit``. Its index names the rows.
        value: the column that decides.
    """
    own = candidate_rows(table)
    own = own[own[value].notna()]
    which = [*UNIT, *(["unit"] if "unit" in own else [])]  # a network may have been scored in several ways
    return own.loc[goodness(own[value], value).groupby([own[name] for name in which], sort=True).idxmax()]


def scored_once(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks that have one unit on a benchmark: which of several to compare would be a choice.

    A network has several where it was scored with another resize or precision, or where its code, its weights or the
    packages that build it were others.

    Args:
        table: rows of ``correlations.csv`` of any number of units, with ``unit``.
    """
    return table[table.groupby(UNIT)["unit"].transform("nunique") == 1] if len(table) else table


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by which networks can be compared: of the readouts that all networks on a benchmark have; baselines.

    A unit's result grows by readouts. The best of many is better than the best of few, and what was fitted to opinions
    is no rival of what was not.

    Args:
        table: rows of ``correlations.csv`` of any number of units. Its index names the rows.
    """
    networks = table[(table["goal"] != "baseline") & (table["layer"] != "pixels")]
    units = networks.drop_duplicates([*UNIT, "readout"])
    having = units.groupby(["benchmark", "readout"]).size()
    number = networks.drop_duplicates(UNIT).groupby("benchmark").size()
    shared = having.index[having == number.reindex(having.index.get_level_values(0)).to_numpy()]
    own = pd.MultiIndex.from_frame(table[["benchmark", "readout"]])
    return table[(table["goal"] == "baseline") | own.isin(shared)]


def with_values(table: pd.DataFrame, headlines: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The rows with ``value`` and ``statistic``: what each benchmark is judged by, and its name.

    Args:
        table: rows of ``correlations.csv`` of any number of units.
        headlines: the statistic of each benchmark; one that is not in it, or whose statistic cannot be resampled or is
            better when it is low, is judged by ``srcc`` where there is any, else by ``agreement``.
    """
    if "value" in table and "statistic" in table:
        return table
    known = headlines or {}
    result = table.assign(value=np.nan, statistic="srcc")
    for benchmark, rows in table.groupby("benchmark"):
        there = [name for name in ("srcc", "agreement") if name in rows and rows[name].notna().any()]
        asked = known.get(str(benchmark), "")
        # claims compare and average values in which high is good, and correlations as such (Fisher's z)
        fits = (asked in STATISTICS and asked in rows and not is_low_good(asked)) or asked == SENSITIVITY
        statistic = asked if fits else there[0] if there else "srcc"
        column = "srcc" if statistic == SENSITIVITY else statistic
        if column in rows:
            result.loc[rows.index, "value"] = rows[column].astype(float)
        result.loc[rows.index, "statistic"] = statistic
    return result


@dataclass(frozen=True)
class Judged:
    """How well a network does: at one column, or at the column that other references choose."""

    value: float
    drawn: Floats | None = None  # in every resample of references, ``[resamples]``
    references: int = 0
    candidates: int = 1  # columns from which it was chosen


# the rows of a table among which other references choose, by their names; one row: nothing is chosen
Columns = tuple[Hashable, ...]
Distributions = Mapping[Hashable, Judged]


@dataclass(frozen=True)
class Scores:
    """What one unit gave its pairs; of choices, its agreement with people in each triplet as ``quality``."""

    names: Sequence[Hashable]  # of the rows of the table, one a column
    quality: Floats  # ``[n, columns]``, larger = better
    opinion: Floats  # ``[n]``, larger = better
    reference: Sequence[object]  # ``[n]``
    statistic: str = "srcc"  # one of STATISTICS
    group: Sequence[object] | None = None  # ``[n]``, the distortion of each pair


RESAMPLES = 400  # a standard error from so many is known within 4 %: less than references leave open


def resample_unit(
    scores: Scores, wanted: Sequence[Columns], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[Columns, Judged]:
    """The value of each set of columns, and in every resample of references; a column is chosen on other references.

    The draws are the same for all units on the same references, so that their differences are paired, and others for
    other references. The choice is made anew in every resample.

    Args:
        scores: of one unit.
        wanted: sets of its columns.
        resamples: number of resamples.
        seed: of the draws.
    """
    reference = np.asarray(scores.reference).astype(str)
    names = np.unique(reference)
    own_seed = [seed, zlib.crc32("/".join(names).encode())]
    draws = np.random.default_rng(own_seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    place = {name: number for number, name in enumerate(scores.names)}
    group = None if scores.group is None else np.asarray(scores.group).astype(str)
    table = Weighed(scores.quality, scores.opinion, reference, scores.statistic, group)
    single = sorted({place[columns[0]] for columns in wanted if len(columns) == 1})
    alone = dict(zip(single, table.values(single, draws.astype(float)).T, strict=True)) if single else {}
    whole = dict(zip(single, table.values(single, np.ones((1, len(names))))[0], strict=True)) if single else {}
    found = {}
    for columns in wanted:
        numbers = [place[name] for name in columns]
        if len(numbers) == 1:
            value, drawn = float(whole[numbers[0]]), alone[numbers[0]]
        else:
            value, drawn = table.chosen(numbers, draws.astype(float), seed)
        found[columns] = Judged(value, drawn, len(names), len(numbers))
    return found


def history(units: pd.DataFrame, factor: str) -> pd.Series:
    """What of their earlier trainings the two networks of a matched pair have to share, as one text a row.

    Networks that differ in their goal or their architecture only began with the same weights, or all at random. Those
    that differ in their environment only went through the same goals: the name of the environment tells of the images
    of both trainings (``imagenet22k_imagenet1k``).

    Args:
        units: perhaps with ``initialised_from``; without, all began at random.
        factor: in which the two differ.
    """
    if ORIGIN not in units:
        return pd.Series("", index=units.index, dtype=object)
    origin = units[ORIGIN].astype(object).where(units[ORIGIN].notna(), "").astype(str)
    if factor != "dataset":
        return origin
    goal = origin.map(lambda text: text.partition("/")[0])  # .str.partition has no columns where there are no rows
    return goal.where(goal != units["goal"].astype(str), "")


def joined(units: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The levels of several columns as one name a row."""
    levels = [units[name].astype(str).to_numpy(dtype=object) for name in columns]
    names = ["-".join(row) for row in zip(*levels, strict=True)]
    return pd.Series(names, index=units.index, dtype=object)
