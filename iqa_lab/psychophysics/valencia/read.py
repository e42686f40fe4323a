"""Distances of patches -> values of conditions, beside a human formula of the same: log10 of both."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.statistics.correlation.coefficients import krcc
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]
DIGITS = 9  # of logarithms: masks equally far above and below a frequency are ties, which the last bits would break
KEYS = ["channel", "frequency", "contrast", "mask_frequency", "mask_contrast", "mask_orientation"]


def mean_distances(trials: pd.DataFrame, distances: Floats) -> tuple[pd.DataFrame, Floats]:
    """One row for all seeds of a patch on a mask: its trial, and the mean of its distances.

    Args:
        trials: with ``KEYS``.
        distances: ``[trials, columns]``; rows of NaN were filtered out.
    """
    kept = np.flatnonzero(np.isfinite(distances).all(axis=1))
    rows = trials.iloc[kept].reset_index(drop=True)
    number, _ = pd.factorize(pd.MultiIndex.from_arrays([rows[key] for key in KEYS]))
    first = np.flatnonzero(~pd.Series(number).duplicated().to_numpy())
    mean = pd.DataFrame(distances[kept]).groupby(number).mean().to_numpy(float)
    return rows.iloc[first].reset_index(drop=True), mean


def read_logarithms(conditions: pd.DataFrame, values: Floats, *, curve: str, along: list[str]) -> Reading:
    """Values of conditions beside people's, both as log10: what is free is one factor for all.

    Args:
        conditions: a row each, with ``KEYS``, ``reference``, ``distortion`` and ``opinion``, the human value above 0.
        values: ``[conditions, columns]``; one that is not above 0 leaves its column without statistics.
        curve: the column that tells curves apart.
        along: the columns that say a place along them.

    Returns:
        ``extra``: ``order``, Kendall's tau between the columns' and people's order of the curves at one place, mean
        over the places at which these differ for people: 1 = they lie one above the other as people's do.
    """
    human = np.log10(conditions["opinion"].to_numpy(float)).round(DIGITS)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log10(values).round(DIGITS)
    log = np.where(np.isfinite(log), log, np.nan)
    taus = [
        np.atleast_1d(krcc(np.nan_to_num(log[rows]), human[rows]))
        for _, rows in conditions.groupby(along, sort=False).indices.items()
        if conditions[curve].iloc[rows].nunique() > 1 and np.ptp(human[rows]) > 0
    ]
    order = np.mean(taus, axis=0) if taus else np.full(values.shape[1], np.nan)
    return Reading(
        values=log, human=human, stimulus=conditions["reference"].to_numpy(dtype=object),
        group=conditions["distortion"].to_numpy(dtype=object), logarithmic=True, source="formula",
        extra={"order": np.where(np.isfinite(log).all(axis=0), order, np.nan)},
    )  # fmt: skip
