"""Distances of patches -> values of conditions, beside a human formula of the same: log10 of both."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.correlation.coefficients import krcc
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]
KEYS = ["channel", "frequency", "contrast", "mask_frequency", "mask_contrast", "mask_orientation"]


def mean_distances(trials: pd.DataFrame, distances: Floats) -> tuple[pd.DataFrame, Floats]:
    """One row for all seeds of a patch on a mask: its trial, and the mean of its distances.

    Args:
        trials: with ``KEYS``.
        distances: ``[trials, columns]``; rows of NaN were filtered out.
    """
    kept = np.isfinite(distances).all(axis=1)
    rows = trials[kept].reset_index(drop=True)
    number, _ = pd.factorize(pd.MultiIndex.from_frame(rows[KEYS]))
    first = ~pd.Series(number).duplicated()
    mean = pd.DataFrame(distances[kept]).groupby(number).mean().to_numpy(float)
    return rows[first.to_numpy()].reset_index(drop=True), mean


def read_logarithms(
    conditions: pd.DataFrame, values: Floats, human: Floats, *, curve: Callable[[pd.DataFrame], pd.Series], along: list[str]
) -> Reading:
    """Values of conditions beside people's, both as log10: what is free is one factor for all.

    Args:
        conditions: a row each, with ``KEYS``, ``reference`` and ``distortion``.
        values: ``[conditions, columns]``, above 0; others leave a column without statistics.
        human: ``[conditions]``, above 0.
        curve: names the curve that each condition lies on, of those compared at one place along them.
        along: the columns that say the place.

    Returns:
        ``extra``: ``order``, Kendall's tau between the columns' and people's order of the curves, mean over places of
        each channel with two curves or more: 1 = they lie one above the other as people's do.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log10(values)
    log = np.where(np.isfinite(log), log, np.nan)
    taus = []
    named = curve(conditions)
    for _, rows in conditions.groupby(along, sort=False).indices.items():
        if named.iloc[rows].nunique() > 1:
            taus.append(np.atleast_1d(krcc(np.nan_to_num(log[rows]), human[rows])))
    order = np.nanmean(taus, axis=0) if taus else np.full(values.shape[1], np.nan)
    return Reading(
        values=log, human=np.log10(human), stimulus=conditions["reference"].to_numpy(dtype=object),
        group=conditions["distortion"].to_numpy(dtype=object), logarithmic=True, source="formula",
        extra={"order": np.where(np.isfinite(log).all(axis=0), order, np.nan)},
    )  # fmt: skip
