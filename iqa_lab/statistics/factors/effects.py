"""Rows of networks or of matched pairs -> their mean effect, with what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iqa_lab.statistics.factors.estimate import OTHERS, Estimate, Floats, Sample, estimate
from iqa_lab.statistics.factors.units import Distributions, TooFewUnits


@dataclass(frozen=True)
class Effect:
    """A mean difference, with what it rests on."""

    difference: float
    low: float
    high: float
    p: float  # two-sided, uncorrected
    se: float
    df: float
    pairs: int  # of networks that are independent of each other
    networks: int  # different trainings; no baselines
    units: int
    references: int  # of all benchmarks together; 0: no resamples
    benchmarks: int
    about: str  # what else it holds for: other networks, references, benchmarks; or nothing

    @property
    def these_networks(self) -> bool:
        """Whether it says nothing about other networks."""
        return OTHER_NETWORKS not in self.about


OTHER_NETWORKS = "other networks"
_NAN = float("nan")
NOTHING = Effect(_NAN, _NAN, _NAN, _NAN, _NAN, _NAN, 0, 0, 0, 0, 0, "nothing")


@dataclass(frozen=True)
class Side:
    """Rows that one sample is made of."""

    rows: pd.DataFrame  # benchmark, cluster, pair, difference, first, second (a name of a row, or None)
    sign: int = 1
    fixed: bool = False


def compared(
    sides: Sequence[Side], distributions: Distributions | None, confidence: float = 0.95
) -> tuple[Effect, Estimate]:
    """The signed sum of the means of sides, as a row for people and as what p values of any null come from.

    Args:
        sides: one of matched pairs, or two of networks that have no partner.
        distributions: of the rows; None, or where one is missing: references are no sample.
        confidence: of the interval.

    Raises:
        TooFewUnits: there is nothing to compare.
    """
    rows = pd.concat([side.rows for side in sides])
    if rows.empty:
        raise TooFewUnits("there is no pair of units to compare")
    benchmarks = sorted(set.intersection(*(set(side.rows["benchmark"]) for side in sides)))
    if not benchmarks:
        raise TooFewUnits("no two units of these groups are on the same benchmark")
    names = set(rows["first"]) | {name for name in rows["second"] if name is not None}
    known = distributions is not None and all(
        name in distributions and distributions[name].drawn is not None for name in names
    )
    samples = [_sample(side, benchmarks, distributions if known else None) for side in sides]
    references = _references(rows, benchmarks, distributions) if known and distributions is not None else None
    found = estimate(samples, references)
    counts = [len(sample.values) for sample in samples if not sample.fixed] or [0]
    low, high = found.interval(confidence)
    networks = {
        name for column in ("first_network", "second_network") if column in rows for name in rows[column].dropna()
    }
    effect = Effect(
        found.difference, low, high, found.p(), found.se, found.df, min(counts), len(networks), len(names),
        sum(references or []), len(benchmarks), _about(found),
    )  # fmt: skip
    return effect, found


def _sample(side: Side, benchmarks: Sequence[str], distributions: Distributions | None) -> Sample:
    """Rows as a table of independent networks by benchmarks: means of pairs, which are means of their trainings."""
    rows = side.rows[side.rows["benchmark"].isin(benchmarks)]
    clusters, cluster = np.unique(rows["cluster"].astype(str), return_inverse=True)
    place = np.array([benchmarks.index(name) for name in rows["benchmark"]])
    cell = cluster * len(benchmarks) + place
    pair = np.unique(rows["pair"].astype(str), return_inverse=True)[1]
    # each pair counts the same in its cell, and each training the same in its pair
    _, in_pair, trainings = np.unique(np.stack([cell, pair]), axis=1, return_inverse=True, return_counts=True)
    weight = 1 / trainings[in_pair.ravel()]
    size = len(clusters) * len(benchmarks)
    weight = weight / np.bincount(cell, weights=weight, minlength=size)[cell]
    averaging = np.zeros((len(rows), size))
    averaging[np.arange(len(rows)), cell] = weight
    there = np.bincount(cell, minlength=size) > 0
    shape = (len(clusters), len(benchmarks))
    values = np.where(there, rows["difference"].to_numpy(dtype=float) @ averaging, np.nan).reshape(shape)
    drawn: Floats | None = None
    if distributions is not None:
        each = [_drawn(distributions, a, b) for a, b in zip(rows["first"], rows["second"], strict=True)]
        drawn = (np.stack(each, axis=1) @ averaging).reshape(-1, *shape)
    return Sample(values, drawn, side.sign, side.fixed)


def _drawn(distributions: Distributions, first: object, second: object) -> Floats:
    one = distributions[first].drawn
    assert one is not None
    if second is None:
        return one
    other = distributions[second].drawn
    assert other is not None
    difference: Floats = one - other
    return difference


def _references(rows: pd.DataFrame, benchmarks: Sequence[str], distributions: Distributions) -> list[int]:
    """The fewest references of any unit on each benchmark."""
    counts = {name: [1_000_000] for name in benchmarks}
    for benchmark, first, second in zip(rows["benchmark"], rows["first"], rows["second"], strict=True):
        if benchmark in counts:
            counts[benchmark] += [distributions[name].references for name in (first, second) if name is not None]
    return [min(counts[name]) for name in benchmarks]


def _about(found: Estimate) -> str:
    if not found.se > 0:
        return "nothing"
    parts = ["networks"] if found.networks == OTHERS else []
    parts += ["references"] if found.references else []
    parts += ["benchmarks"] if found.benchmarks == OTHERS else []
    return "other " + (" and ".join(parts) if len(parts) < 3 else "networks, references and benchmarks")
