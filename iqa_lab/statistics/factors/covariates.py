"""Networks' size, depth or accuracy, and how well they agree with people -> a trend over networks, within goals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS
from iqa_lab.statistics.factors.units import TooFewUnits

Floats = NDArray[np.float64]
PERMUTATIONS = 20_000


@dataclass(frozen=True)
class Within:
    """A rank correlation within groups."""

    rho: float
    low: float
    high: float
    p: float  # two-sided, by permutations within groups
    networks: int
    groups: int


def trend_within(units: pd.DataFrame, covariate: str, *, confidence: float = 0.95, seed: int = 0) -> Within:
    """Spearman's correlation of a covariate and agreement over networks of the same goal; the mean over benchmarks.

    Pooled over goals a trend could be the opposite of that in each of them: ranks are made within each goal. Trainings
    of one architecture for one goal have one size: they are one network. P by permutations within goals (exact whatever
    the distributions), the interval by Fisher's z with Bonett & Wright's variance (2000).

    Args:
        units: one row a unit with ``benchmark``, ``goal``, ``architecture``, ``value`` and the covariate.
        covariate: the name of its column.
        confidence: of the interval.
        seed: of the permutations.

    Raises:
        TooFewUnits: no goal has three networks of which it is known, or there are fewer than five beyond one a goal.
    """
    averaged = usable_networks(units, covariate)
    networks = sorted(set(zip(averaged["goal"], averaged["architecture"], strict=True)))
    usable = sorted(averaged["benchmark"].unique())
    number = {name: place for place, name in enumerate(networks)}
    goals = np.array([goal for goal, _ in networks])
    generator = np.random.default_rng(seed)
    order = np.tile(np.arange(len(networks)), (PERMUTATIONS + 1, 1))
    for goal in np.unique(goals):
        inside = np.flatnonzero(goals == goal)
        order[1:, inside] = generator.permuted(np.tile(inside, (PERMUTATIONS, 1)), axis=1)
    rhos = np.zeros(PERMUTATIONS + 1)
    variances = []
    for _, rows in averaged.groupby("benchmark"):
        place = np.array([number[name] for name in zip(rows["goal"], rows["architecture"], strict=True)])
        x, y = np.empty(len(networks)), np.empty(len(networks))
        x[place], y[place] = _ranks(rows, covariate), _ranks(rows, "value")
        length = np.sqrt((x @ x) * (y @ y))
        rhos += (y[order] @ x / length if length > 0 else np.nan) / len(usable)
        left = len(rows) - rows["goal"].nunique() - 2
        variances.append((1 + rhos[0] ** 2 / 2) / max(left, 1))
    rho = float(rhos[0])
    p = float(np.mean(np.abs(rhos) >= abs(rho) - 1e-12)) if np.isfinite(rho) else float("nan")
    # the same networks on several benchmarks are no more networks
    reach = scipy.stats.norm.ppf((1 + confidence) / 2) * np.sqrt(min(variances))
    z = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    return Within(rho, float(np.tanh(z - reach)), float(np.tanh(z + reach)), p, len(networks), len(np.unique(goals)))


def usable_networks(units: pd.DataFrame, covariate: str) -> pd.DataFrame:
    """What such a trend rests on: a row for each benchmark, goal and architecture with ``value`` and the covariate.

    Raises:
        TooFewUnits: no goal has three networks of which it is known, or there are fewer than five beyond one a goal.
    """
    units = units if covariate in units else units.assign(**{covariate: np.nan})
    known = units[units[covariate].notna() & units["value"].notna()]
    # permuted as wholes: only networks that are on all of the benchmarks
    known = known[
        known.groupby(["goal", "architecture"])["benchmark"].transform("nunique") == known["benchmark"].nunique()
    ]
    averaged = known.groupby(["benchmark", "goal", "architecture"])[["value", covariate]].mean().reset_index()
    sizes = averaged.groupby(["benchmark", "goal"])["architecture"].transform("nunique")
    averaged = averaged[sizes >= 3]
    if len(averaged[["goal", "architecture"]].drop_duplicates()) - averaged["goal"].nunique() < ENOUGH_NETWORKS - 1:
        raise TooFewUnits(
            f"it takes {ENOUGH_NETWORKS} architectures of one goal (three of each of several), on the same benchmarks, "
            f"whose {covariate} is known"
        )
    return averaged


def _ranks(rows: pd.DataFrame, name: str) -> Floats:
    """Ranks within each goal, centred."""
    ranks = np.zeros(len(rows))
    for goal in rows["goal"].unique():
        inside = (rows["goal"] == goal).to_numpy()
        ranks[inside] = scipy.stats.rankdata(rows.loc[inside, name]) - (inside.sum() + 1) / 2
    return ranks
