"""Families of trainings that differ in one factor -> how far each factor takes agreement, beside the noise floor.

A family is what one publisher trained alike but for one factor, or for several that are crossed. What a factor does in
it is the spread between its levels with the other factors held: the standard deviation of Fisher's z, pooled over the
combinations of the others. Two levels that do nothing differ as two trainings of one cell do, so it is compared with
the noise floor by an F test of the two variances.
"""

from collections.abc import Iterator
from math import nan, sqrt

import numpy as np
import pandas as pd
import scipy

from iqa_lab.statistics.comparisons.multiple import holm
from iqa_lab.statistics.factors.replicates import Floor, Floors, noise_floors, spread_interval, z_of
from iqa_lab.statistics.factors.units import FACTORS, UNTRAINED, history

_BEGAN = "_began"  # what a training began with, as matched pairs have to share it
BEYOND, INSIDE, UNKNOWN = "beyond the noise floor", "inside the noise floor", "no noise floor"
COLUMNS = (
    "family", "factor", "held", "levels", "networks", "pairs", "benchmarks", "effect", "effect_low", "effect_high",
    "df", "floor", "floor_low", "floor_high", "floor_df", "p", "p_holm", "verdict", "lowest", "highest",
)  # fmt: skip


def controlled_comparisons(units: pd.DataFrame, value: str = "value", *, confidence: float = 0.95) -> pd.DataFrame:
    """What each factor does in each family, beside what recipes and seeds do.

    Args:
        units: one row a unit with ``family``, ``benchmark``, the factors, ``weights`` and the value, a correlation;
            those without a family count for the noise floor only. ``replicate`` and ``initialised_from`` as
            ``noise_floors`` and ``matched_pairs`` take them.
        value: the column of the correlation.
        confidence: of the intervals and, corrected over all rows (Holm), of the verdicts.

    Returns:
        A row for each factor that moves in a family: ``held`` (the other factors, in words), ``levels``, ``networks``,
        ``pairs`` (of cells that differ in it only), ``benchmarks``, ``effect`` (standard deviation of Fisher's z
        between levels) with its interval by chi-square and ``df``, ``floor`` (the same of trainings of one cell) with
        its own, ``p`` (one-sided: of a spread as large as this if levels did nothing), ``p_holm``, ``verdict``, and the
        levels with the ``lowest`` and ``highest`` mean. No rows: nothing moves.
    """
    floors = noise_floors(units, value)
    known = units[units["family"].notna() & units[value].notna()]
    rows = [
        row
        for family, members in known.groupby("family", sort=True)
        for factor in FACTORS
        for row in _moved(str(family), factor, members, floors, value, confidence)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    if len(table):
        table["p_holm"] = holm(table["p"].to_numpy(dtype=float))
        decided = table["p_holm"] < 1 - confidence
        table["verdict"] = np.where(table["p"].isna(), UNKNOWN, np.where(decided, BEYOND, INSIDE))
    return table.sort_values(["factor", "effect"], ascending=[True, False], ignore_index=True)


def _moved(
    family: str, factor: str, members: pd.DataFrame, floors: Floors, value: str, confidence: float
) -> Iterator[dict[str, object]]:
    """The row of a factor in a family; none if no two of its cells differ in this factor only."""
    if members[factor].nunique() < 2:
        return
    others = [name for name in FACTORS if name != factor]
    cells = _cells(members, factor, value)
    blocks = [block for _, block in cells.groupby([*others, _BEGAN], sort=True) if block[factor].nunique() > 1]
    if not blocks:
        return
    free = sum(len(block) - 1 for block in blocks)
    squares = sum(float(np.sum((block["z"] - block["z"].mean()) ** 2)) for block in blocks)
    effect = sqrt(squares / free)
    moved = pd.concat(blocks)
    floor = _floor_of(floors, moved)
    low, high = spread_interval(effect, free, confidence)
    beside = floor.interval(confidence)
    p = nan
    if floor.sd > 0:
        p = float(scipy.stats.f.sf((effect / floor.sd) ** 2, free, floor.df))
    means = pd.concat([block.assign(z=block["z"] - block["z"].mean()) for block in blocks]).groupby(factor)["z"].mean()
    yield {
        "family": family, "factor": factor, "held": _held(moved, others), "levels": moved[factor].nunique(),
        "networks": int(moved["networks"].sum()),
        "pairs": sum(len(block) * (len(block) - 1) // 2 for block in blocks),
        "benchmarks": int(moved["benchmarks"].max()), "effect": effect, "effect_low": low, "effect_high": high,
        "df": free, "floor": floor.sd, "floor_low": beside[0], "floor_high": beside[1], "floor_df": floor.df, "p": p,
        "lowest": str(means.idxmin()), "highest": str(means.idxmax()),
    }  # fmt: skip


def _cells(members: pd.DataFrame, factor: str, value: str) -> pd.DataFrame:
    """A row a cell: ``z``, the mean over its trainings and the benchmarks that all cells of the family have."""
    members = members.assign(**{_BEGAN: history(members, factor)})
    networks = members.groupby([*FACTORS, "weights"]).ngroups
    shared = [
        benchmark
        for benchmark, rows in members.groupby("benchmark")
        if rows.groupby([*FACTORS, "weights"]).ngroups == networks
    ]
    # where no benchmark has all networks, those that are on the benchmark with the most of them
    kept = shared or members["benchmark"].value_counts().index[:1].tolist()
    rows = members[members["benchmark"].isin(kept)]
    rows = rows.assign(z=z_of(rows[value].to_numpy(dtype=float)))
    cells = rows.groupby([*FACTORS, _BEGAN], sort=True).agg(z=("z", "mean"), networks=("weights", "nunique"))
    return cells.reset_index().assign(benchmarks=len(kept))


def _floor_of(floors: Floors, moved: pd.DataFrame) -> Floor:
    """The noise floor of the networks that are compared."""
    untrained = moved["goal"] == UNTRAINED
    return floors.between(bool(untrained.all()), bool(untrained.any()))


def _held(moved: pd.DataFrame, others: list[str]) -> str:
    """The factors that do not move, in words.

    >>> cells = pd.DataFrame({"goal": ["a", "b"], "dataset": "c", "architecture": ["x", "y"]})
    >>> _held(cells, ["dataset", "architecture"])
    'dataset c, each of 2 architectures'
    """
    said = []
    for name in others:
        levels = moved[name].unique()
        said.append(f"{name} {levels[0]}" if len(levels) == 1 else f"each of {len(levels)} {name}s")
    return ", ".join(said)
