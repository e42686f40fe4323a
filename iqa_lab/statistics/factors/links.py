"""Two benchmarks, the same networks: does who agrees better with people on one do so on the other? Networks, or layers.

Over networks each is read at the layer that other references (or stimuli) of that benchmark choose. Over layers every
network is a sample of one trend: Spearman's correlation, over its layers, of the agreement on the two benchmarks.
"""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.factors.columns import NETWORK
from iqa_lab.statistics.factors.contrasts import independent_trends
from iqa_lab.statistics.factors.covariates import trend_within
from iqa_lab.statistics.factors.effects import NOTHING, OTHER_NETWORKS, Effect, Side, compared
from iqa_lab.statistics.factors.enough import ENOUGH_NETWORKS
from iqa_lab.statistics.factors.serial import trend_p, walking_pairs
from iqa_lab.statistics.factors.units import Distributions, Judged, TooFewUnits, joined
from iqa_lab.statistics.intervals.few import FEWEST

Floats = NDArray[np.float64]

_THERE = "agreement on the other benchmark"


def link_over_networks(here: pd.DataFrame, there: pd.DataFrame, confidence: float) -> Effect:
    """Spearman's correlation over networks of one goal of their values on two benchmarks; every training is one.

    Args:
        here: one row a unit of the benchmark that a claim is about, with ``value``.
        there: of the other one.
        confidence: of the interval.

    Raises:
        TooFewUnits: fewer than five trainings of one goal are on both.
    """
    other = there[[*NETWORK, "value"]].rename(columns={"value": _THERE})
    both = here.merge(other, on=NETWORK)
    found = trend_within(both.assign(architecture=joined(both, NETWORK)), _THERE, confidence=confidence)
    return replace(
        NOTHING, difference=found.rho, low=found.low, high=found.high, p=found.p, pairs=found.networks,
        networks=found.networks, units=2 * len(both), benchmarks=2, about=OTHER_NETWORKS,
    )  # fmt: skip


def link_over_layers(
    here: pd.DataFrame, there: pd.DataFrame, judged_here: Distributions, judged_there: Distributions, confidence: float
) -> Effect:
    """The mean over networks of Spearman's correlation, over layers, of the values on two benchmarks.

    Resamples of the two benchmarks are independent of each other. The trend has to exceed what other networks, or other
    references and stimuli, would leave, and what two random walks along the layers would show.

    Args:
        here: a row a layer of the benchmark that a claim is about, with ``value``; its index names the rows.
        there: of the other one.
        judged_here: how the values vary, by these names.
        judged_there: of the other one.
        confidence: of the interval.

    Raises:
        TooFewUnits: no network has three layers on both.
    """
    keys = [*NETWORK, "readout", "layer"]
    one, other = (side.assign(name=side.index)[[*keys, "benchmark", "value", "name"]] for side in (here, there))
    both = one.merge(other, on=keys, suffixes=("", "_there"))
    rows, lengths = [], {}
    trends: dict[Hashable, Judged] = {}
    for network, group in both.groupby([*NETWORK, "readout"], sort=True):
        rho = float(srcc(group["value"], group["value_there"])) if len(group) >= 3 else float("nan")
        if np.isnan(rho):
            continue
        name = "/".join(map(str, network))
        trends[name] = Judged(rho, _drawn(group, judged_here, judged_there), _references(group, judged_here))
        first = group.iloc[0]
        rows.append({**{factor: first[factor] for factor in NETWORK}, "benchmark": first["benchmark"], "first": name,
                     "second": None, "difference": rho})  # fmt: skip
        lengths[name] = len(group)
    if not rows:
        raise TooFewUnits("no network was read at three layers or more on both benchmarks")
    frame = independent_trends(rows, lengths)
    effect, _ = compared([Side(frame)], trends, confidence)
    layers = frame.groupby("cluster")["layers"].min().tolist()
    chance = trend_p(effect.difference, layers, walking=walking_pairs)
    many = effect.pairs >= ENOUGH_NETWORKS
    if not np.isnan(effect.p):
        return replace(effect, p=max(effect.p, chance))
    if many or effect.references >= FEWEST:  # the same trend in all networks, or in all resamples
        return replace(effect, p=chance, about=OTHER_NETWORKS if many else "other references")
    return effect


def _drawn(group: pd.DataFrame, here: Distributions, there: Distributions) -> Floats | None:
    """The trend of a network in every resample of both benchmarks; None where one was not resampled."""
    sides = [
        [judged[name].drawn for name in group[column]] for judged, column in ((here, "name"), (there, "name_there"))
    ]
    known = [[one for one in side if one is not None] for side in sides]
    if any(len(one) < len(group) for one in known):
        return None
    one, other = (np.stack(side, axis=1) for side in known)  # [resamples, layers]
    # both benchmarks may have been drawn from alike: the draws of one are put into another order
    other = other[np.random.default_rng(0).permutation(len(other))[: len(one)]]
    ranks = [scipy.stats.rankdata(side, axis=1) - (side.shape[1] + 1) / 2 for side in (one[: len(other)], other)]
    size = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (ranks[0] * ranks[1]).sum(axis=1) / size
    return found


def _references(group: pd.DataFrame, judged: Distributions) -> int:
    return min(judged[name].references for name in group["name"])
