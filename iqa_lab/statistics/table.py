"""The tidy table of a unit: one row a column, all statistics beside each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from iqa_lab.config import StatisticsConfig
from iqa_lab.statistics.bootstrap import cluster_bootstrap, percentile_interval
from iqa_lab.statistics.choices import agreement, cluster_bootstrap_mean
from iqa_lab.statistics.correlation import krcc, plcc, srcc, srcc_within

FACTORS = ["benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout"]
CORRELATIONS = [
    "n", "srcc", "srcc_low", "srcc_high", "plcc", "plcc_logistic", "logistic_converged", "krcc", "rmse",
    "outlier_ratio", "srcc_within_distortion",
]  # fmt: skip
COLUMNS = [*FACTORS, *CORRELATIONS, "input"]


def correlation_table(
    scores: pd.DataFrame, columns: Sequence[str], opinion_sign: int, settings: StatisticsConfig
) -> pd.DataFrame:
    """The statistics of every column of a unit; positive = agrees with people.

    Args:
        scores: one row a pair with ``reference``, ``distortion``, ``opinion`` and the columns of distances.
        columns: the names of the columns.
        opinion_sign: +1 where a higher opinion is better, -1 where it is worse.
        settings: of the bootstrap over references.

    Returns:
        Rows in the order of ``columns``, with the statistics among ``COLUMNS``. ``plcc_logistic`` and what
        belongs to it are empty: nothing is fitted here.
    """
    quality = -scores[list(columns)].to_numpy(dtype=float)
    opinion = opinion_sign * scores["opinion"].to_numpy(dtype=float)
    resampled = cluster_bootstrap(
        quality, opinion, scores["reference"], resamples=settings.resamples, seed=settings.seed
    )
    low, high = percentile_interval(resampled, settings.confidence)
    return pd.DataFrame(
        {
            "n": len(scores),
            "srcc": srcc(quality, opinion),
            "srcc_low": low,
            "srcc_high": high,
            "plcc": plcc(quality, opinion),
            "plcc_logistic": np.nan,
            "logistic_converged": None,
            "krcc": krcc(quality, opinion),
            "rmse": np.nan,
            "outlier_ratio": np.nan,
            "srcc_within_distortion": srcc_within(quality, opinion, scores["distortion"]),
        }
    )


def agreement_table(scores: pd.DataFrame, columns: Sequence[str], settings: StatisticsConfig) -> pd.DataFrame:
    """How far every column of a unit agrees with people's choices between two images.

    Args:
        scores: two rows a triplet, left and right, with ``reference``, ``distortion``, ``opinion`` (the share of people
            who chose the image) and the columns of distances.
        columns: the names of the columns.
        settings: of the bootstrap over references.

    Returns:
        Rows in the order of ``columns``: ``n`` triplets, ``agreement`` with its interval, and ``agreement_KIND`` for
        every kind of distortion where there are several.
    """
    left, right = scores.iloc[0::2], scores.iloc[1::2]
    names = list(columns)
    values = agreement(left[names].to_numpy(dtype=float), right[names].to_numpy(dtype=float), right["opinion"])
    resampled = cluster_bootstrap_mean(values, right["reference"], resamples=settings.resamples, seed=settings.seed)
    low, high = percentile_interval(resampled, settings.confidence)
    kinds = right["distortion"].astype(str).to_numpy()
    several = sorted(set(kinds)) if len(set(kinds)) > 1 else []
    return pd.DataFrame(
        {
            "n": len(right),
            "agreement": values.mean(axis=0),
            "agreement_low": low,
            "agreement_high": high,
            **{f"agreement_{kind}": values[kinds == kind].mean(axis=0) for kind in several},
        }
    )
