"""The tidy table of a unit: one row a column, all statistics beside each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from iqa_lab.config import StatisticsConfig
from iqa_lab.statistics.bootstrap import cluster_bootstrap, percentile_interval
from iqa_lab.statistics.correlation import krcc, plcc, srcc, srcc_within

COLUMNS = [
    "benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout", "n",
    "srcc", "srcc_low", "srcc_high", "plcc", "plcc_logistic", "logistic_converged", "krcc", "rmse", "outlier_ratio",
    "srcc_within_distortion", "input",
]  # fmt: skip


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
