"""Several metrics' scores of the same pairs of images -> every two of them compared: the difference of their SRCC."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from iqa_lab.statistics.comparisons.dependent import meng, steiger, williams, zou
from iqa_lab.statistics.comparisons.multiple import holm
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.intervals.bootstrap import cluster_bootstrap
from iqa_lab.statistics.intervals.few import FEWEST


def paired_differences(
    quality: ArrayLike,
    opinion: ArrayLike,
    references: ArrayLike,
    names: Sequence[str],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """A row for every two metrics: the difference of their SRCC with opinion, its interval, and what tests say.

    The interval and ``p`` come first: Student's t with (references - 1) degrees of freedom on the standard error from
    resampling references, the same draws for both metrics. The other tests take every pair of images as independent,
    which images of one reference are not: their p is too small, and they are there since other papers print them.

    Args:
        quality: predictions, larger = better, ``[n, metrics]``.
        opinion: larger = better, ``[n]``.
        references: the name of each pair's reference, ``[n]``.
        names: of the metrics.
        resamples: of the references.
        confidence: of the intervals.
        seed: of the draws.

    Returns:
        ``first``, ``second``, ``srcc_first``, ``srcc_second``, ``difference``, ``low``, ``high``, ``p``, ``p_holm``
        (corrected for the number of rows), ``srcc_between`` (of the two metrics), ``williams_p``, ``steiger_p``,
        ``meng_p``, ``zou_low``, ``zou_high``. Over fewer than six references there is no interval and no ``p``.

    Raises:
        ValueError: there are not as many names as metrics, or fewer than two.
    """
    columns = np.asarray(quality, dtype=float)
    if columns.ndim != 2 or columns.shape[1] != len(names) or len(names) < 2:
        raise ValueError(f"{len(names)} names for scores of shape {columns.shape}: two or more metrics, a column each")
    target = np.asarray(opinion, dtype=float)
    clusters = len(np.unique(np.asarray(references)))
    overall = srcc(columns, target)
    drawn = cluster_bootstrap(columns, target, references, resamples=resamples, seed=seed)
    between = np.array([srcc(columns, columns[:, place]) for place in range(len(names))])
    pairs = list(combinations(range(len(names)), 2))
    a, b = np.array(pairs).T
    difference = overall[a] - overall[b]
    error = np.nanstd(drawn[:, a] - drawn[:, b], axis=0, ddof=1)
    if clusters < FEWEST:
        error = np.full(len(pairs), np.nan)
    half = scipy.stats.t.ppf((1 + confidence) / 2, max(clusters - 1, 1)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(error > 0, 2 * scipy.stats.t.sf(np.abs(difference) / error, max(clusters - 1, 1)), np.nan)
    correlations = (overall[a], overall[b], between[a, b], len(target))
    ends = zou(*correlations, confidence)
    return pd.DataFrame(
        {
            "first": [names[one] for one, _ in pairs],
            "second": [names[other] for _, other in pairs],
            "srcc_first": overall[a],
            "srcc_second": overall[b],
            "difference": difference,
            "low": difference - half,
            "high": difference + half,
            "p": p,
            "p_holm": holm(p),
            "srcc_between": between[a, b],
            "williams_p": williams(*correlations).p,
            "steiger_p": steiger(*correlations).p,
            "meng_p": meng(*correlations).p,
            "zou_low": ends.low,
            "zou_high": ends.high,
        }
    )
