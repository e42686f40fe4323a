"""Several trainings of one cell -> how far apart recipes and seeds alone take agreement: the noise floor of factors.

A difference between two levels of a factor is a difference between two trainings, too. How much of it comes by itself
is seen where a cell (goal x dataset x architecture) has several: other recipes of it, or seeds of an untrained network.
"""

from dataclasses import dataclass
from math import isfinite, nan, sqrt

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from iqa_lab.statistics.correlation.coefficients import fisher_z
from iqa_lab.statistics.factors.units import FACTORS, SENSITIVITY, UNTRAINED, history

Floats = NDArray[np.float64]

# statistics of which Fisher's z is taken: correlations
CORRELATIONS = ("srcc", "plcc", "srcc_within_distortion", SENSITIVITY)
_BEGAN = "_began"  # what a training began with: trainings that began otherwise are no replicates


@dataclass(frozen=True)
class Floor:
    """The spread of Fisher's z over trainings of one cell, pooled over cells."""

    sd: float  # NaN: no cell has several trainings
    df: float  # networks less cells
    networks: int
    cells: int

    @property
    def reach(self) -> float:
        """How far apart two trainings of one cell are in 95 % of cases, in Fisher's z: t times sd times root 2."""
        if not self.df > 0:
            return nan
        return float(scipy.stats.t.ppf(0.975, self.df)) * self.sd * sqrt(2)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Of the standard deviation, by chi-square: trainings are taken to be normal around their cell."""
        return spread_interval(self.sd, self.df, confidence)

    def contains(self, difference: float) -> bool:
        """Whether a difference of Fisher's z is no more than two trainings of one cell may show."""
        return isfinite(self.reach) and abs(difference) <= self.reach

    def said_of(self, difference: float) -> str:
        """What a reader is told where a difference of Fisher's z is no more than recipes or seeds make, or nothing."""
        if not self.contains(difference):
            return ""
        return (
            f"inside the noise floor: {abs(difference):.3f} in Fisher's z, and two trainings of one cell differ by up "
            f"to {self.reach:.3f} ({self})"
        )

    def __str__(self) -> str:
        if not self.df > 0:
            return "no cell has several trainings"
        return (
            f"sd {self.sd:.3f} of Fisher's z over {self.networks} trainings of {self.cells} "
            f"cell{'' if self.cells == 1 else 's'}"
        )


NO_FLOOR = Floor(nan, 0, 0, 0)


@dataclass(frozen=True)
class Floors:
    """The noise floors of trained and of untrained networks, whose replicates are recipes and seeds."""

    trained: Floor = NO_FLOOR
    untrained: Floor = NO_FLOOR

    def between(self, first_untrained: bool, second_untrained: bool) -> Floor:
        """Of a difference between networks of these two kinds: of one kind its own, else the mean of both variances."""
        one, other = (self.untrained if kind else self.trained for kind in (first_untrained, second_untrained))
        if first_untrained == second_untrained:
            return one
        if not (one.df > 0 and other.df > 0):
            return NO_FLOOR
        parts = [one.sd**2, other.sd**2]
        # Satterthwaite's degrees of freedom of a sum of two variances
        free = sum(part**2 / floor.df for part, floor in zip(parts, (one, other), strict=True))
        df = sum(parts) ** 2 / free if free > 0 else min(one.df, other.df)
        return Floor(sqrt(sum(parts) / 2), df, one.networks + other.networks, one.cells + other.cells)


def noise_floors(units: pd.DataFrame, value: str = "value") -> Floors:
    """The noise floors of networks, from the cells that have several trainings.

    Args:
        units: one row a unit with ``benchmark``, the factors, ``weights`` and the value; with ``replicate``, those
            where it is False are left out: recipes that differ by intention, as the strength of an attack does.
        value: the column that holds a correlation.
    """
    cells = replicated_cells(units, value)
    untrained = cells["goal"] == UNTRAINED
    return Floors(*(_pooled(rows) for rows in (cells[~untrained], cells[untrained])))


def replicated_cells(units: pd.DataFrame, value: str = "value") -> pd.DataFrame:
    """The cells that have several trainings: a row each with the factors, ``networks`` and ``sd`` of Fisher's z.

    A network's z is the mean over the benchmarks of its cell; those that are not on all of these are left out.

    Args:
        units: as ``noise_floors`` takes them.
        value: the column that holds a correlation.
    """
    rows = replicates_of(units[units[value].notna()])
    found = []
    for (*cell, _), group in rows.groupby([*FACTORS, _BEGAN], sort=True):
        z = _of_networks(group, value)
        if len(z) > 1:
            found.append((*cell, len(z), float(np.std(z, ddof=1))))
    return pd.DataFrame(found, columns=[*FACTORS, "networks", "sd"])


def replicates_of(units: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks whose cell has several trainings that began alike; no baselines."""
    kept = units[units["goal"] != "baseline"]
    if "replicate" in kept:
        kept = kept[kept["replicate"].astype(bool)]
    kept = kept.assign(**{_BEGAN: history(kept, "goal")})
    several = kept.groupby([*FACTORS, _BEGAN])["weights"].transform("nunique") > 1
    return kept[several.astype(bool)]


def _of_networks(group: pd.DataFrame, value: str) -> Floats:
    """Fisher's z of each network of a cell, the mean over its benchmarks."""
    table = group.pivot_table(index="weights", columns="benchmark", values=value, aggfunc="mean").dropna()
    return np.asarray(z_of(table.to_numpy(dtype=float)).mean(axis=1))


def z_of(correlation: Floats) -> Floats:
    """Fisher's z of correlations; of those of exactly 1 a large number."""
    return np.asarray(fisher_z(np.clip(correlation, -0.999999, 0.999999)), dtype=np.float64)


def _pooled(cells: pd.DataFrame) -> Floor:
    free = cells["networks"] - 1
    if not len(cells):
        return NO_FLOOR
    variance = float(np.sum(free * cells["sd"] ** 2) / free.sum())
    return Floor(sqrt(variance), float(free.sum()), int(cells["networks"].sum()), len(cells))


def spread_interval(sd: float, df: float, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a standard deviation by chi-square; NaN without degrees of freedom.

    >>> [round(end, 3) for end in spread_interval(1.0, 11)]
    [0.708, 1.698]
    """
    if not df > 0:
        return nan, nan
    tail = (1 - confidence) / 2
    return tuple(sd * sqrt(df / float(scipy.stats.chi2.ppf(p, df))) for p in (1 - tail, tail))  # type: ignore[return-value]


def difference_beside_floor(difference: float, floor: Floor) -> dict[str, float | bool]:
    """A difference of Fisher's z and its noise floor, as columns of a table.

    Returns:
        ``difference_z``, ``floor_sd``, ``floor_df``, ``floor_reach`` (how far apart two trainings of one cell are in
        95 % of cases) and ``inside_floor``, whether the difference is no more than that.
    """
    return {
        "difference_z": difference, "floor_sd": floor.sd, "floor_df": floor.df, "floor_reach": floor.reach,
        "inside_floor": floor.contains(difference),
    }  # fmt: skip
