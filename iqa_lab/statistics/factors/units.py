"""Rows of ``correlations.csv`` of many units -> one row a unit, the rows that can be compared, resampled SRCC."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.intervals.bootstrap import cluster_bootstrap

Floats = NDArray[np.float64]


Distributions = Mapping[Hashable, Floats]


FACTORS = ("goal", "dataset", "architecture")


UNIT = ["benchmark", *FACTORS, "weights"]


UNTRAINED = "untrained"


class TooFewUnits(ValueError):
    """The units at hand cannot answer the question; the message says what is missing."""


def best_of_units(table: pd.DataFrame, value: str = "srcc") -> pd.DataFrame:
    """One row a unit: its best layer and readout, the pixels and what was fitted in-sample left out.

    Args:
        table: rows of ``correlations.csv`` of any number of units. Its index names the rows.
        value: the column that decides.
    """
    own = table[(table["layer"] != "pixels") & ~table["readout"].astype(str).str.endswith("_insample")]
    own = own[own[value].notna()]
    return own.loc[own.groupby(UNIT, sort=True)[value].idxmax()]


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


def resample_units(scores: Mapping[Hashable, pd.DataFrame], *, resamples: int = 2000, seed: int = 0) -> Distributions:
    """The SRCC of each unit in every resample of references, ``[resamples]`` each, by the name of its row.

    The draws are the same for all units on the same references, so that their differences are paired.

    Args:
        scores: of each unit ``reference``, ``opinion`` and ``quality`` (both larger = better), one row a pair.
        resamples: number of resamples.
        seed: of the draws.
    """
    return {
        name: cluster_bootstrap(
            frame["quality"], frame["opinion"], frame["reference"], resamples=resamples, seed=seed
        )[:, 0]
        for name, frame in scores.items()
    }  # fmt: skip


def joined(units: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """The levels of several columns as one name a row."""
    names = ["-".join(row) for row in units[list(columns)].astype(str).itertuples(index=False)]
    return pd.Series(names, index=units.index, dtype=object)
