"""The tidy table of a unit: one row a column, all statistics beside each other."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import BenchmarkConfig, StatisticsConfig
from iqa_lab.statistics.comparisons.krasula import krasula
from iqa_lab.statistics.correlation.choices import agreement, cluster_bootstrap_mean
from iqa_lab.statistics.correlation.coefficients import krcc, plcc, srcc, srcc_within
from iqa_lab.statistics.correlation.mapping import logistic4
from iqa_lab.statistics.correlation.prediction import outlier_ratio, rmse_star
from iqa_lab.statistics.intervals.bootstrap import cluster_bootstrap, percentile_interval
from iqa_lab.statistics.intervals.few import FEWEST

FACTORS = ["benchmark", "goal", "dataset", "architecture", "weights", "layer", "depth", "readout"]
CORRELATIONS = [
    "n", "srcc", "srcc_low", "srcc_high", "plcc", "plcc_logistic", "logistic_converged", "krcc", "rmse",
    "outlier_ratio", "srcc_within_distortion", "srcc_within_reference", "rmse_star", "krasula_auc_ds",
    "krasula_auc_bw", "krasula_c0", "krasula_pairs",
]  # fmt: skip
COLUMNS = [*FACTORS, *CORRELATIONS, "input", "confidence", "initialised_from"]

# columns of choices that are of all kinds of distortion; the first three stand in the table, the others in headlines
_OF_ALL_KINDS = (
    "agreement", "agreement_low", "agreement_high", "agreement_heldout", "agreement_heldout_low",
    "agreement_heldout_high", "agreement_best", "agreement_pixels",
)  # fmt: skip

# pairs of images for Krasula's analysis of each column: its areas are then within .002 of those from all pairs
KRASULA_PAIRS = 200_000

Floats = NDArray[np.float64]


def people_an_image(benchmark: BenchmarkConfig) -> float | None:
    """How many people judged an image: the middle, where a benchmark tells the fewest and the most; None if unknown.

    Half the width of such a range moves a standard error by less: of 5 to 7 people by 10 %, of 20 to 29 by 10 %.
    """
    people = benchmark.people
    return float(np.mean(people)) if people is not None else None


def standard_errors(scores: pd.DataFrame, benchmark: BenchmarkConfig) -> Floats | None:
    """The standard error of every opinion, ``[n]``; None where the benchmark does not tell.

    A standard deviation between people becomes one by the number of people, where it is known.

    Args:
        scores: one row a pair, perhaps with ``opinion_std``.
        benchmark: says what ``opinion_std`` is, and how many people judged.
    """
    if benchmark.opinion_std == "none" or "opinion_std" not in scores:
        return None
    values = scores["opinion_std"].to_numpy(dtype=float)
    if benchmark.opinion_std == "standard_deviation":
        people = people_an_image(benchmark)
        if people is None:
            return None
        values = values / np.sqrt(people)
    return values if np.isfinite(values).all() else None


def correlation_table(
    scores: pd.DataFrame,
    columns: Sequence[str],
    opinion_sign: int,
    settings: StatisticsConfig,
    standard_error: Floats | None = None,
) -> pd.DataFrame:
    """The statistics of every column of a unit; positive = agrees with people.

    Args:
        scores: one row a pair with ``reference``, ``distortion``, ``opinion`` and the columns of distances.
        columns: the names of the columns.
        opinion_sign: +1 where a higher opinion is better, -1 where it is worse.
        settings: of the bootstrap over references.
        standard_error: of every opinion, ``[n]``; None leaves empty what needs it.

    Returns:
        Rows in the order of ``columns``, with ``CORRELATIONS``. Over too few references the interval is NaN.
        ``plcc_logistic``, ``rmse``, ``outlier_ratio`` and ``rmse_star`` are those after the 4-parameter logistic. A
        falling curve makes ``plcc_logistic`` negative: the mapping would hide that a column runs against people.
    """
    quality = -scores[list(columns)].to_numpy(dtype=float)
    opinion = opinion_sign * scores["opinion"].to_numpy(dtype=float)
    resampled = cluster_bootstrap(
        quality, opinion, scores["reference"], resamples=settings.resamples, seed=settings.seed
    )
    low, high = _interval(resampled, scores["reference"], settings)
    fit = logistic4(quality, opinion)
    table = pd.DataFrame(
        {
            "n": len(scores),
            "srcc": srcc(quality, opinion),
            "srcc_low": low,
            "srcc_high": high,
            "plcc": plcc(quality, opinion),
            "plcc_logistic": np.where(fit.direction < 0, -fit.plcc, fit.plcc),
            "logistic_converged": fit.converged,
            "krcc": krcc(quality, opinion),
            "rmse": fit.rmse,
            "outlier_ratio": np.nan,
            "srcc_within_distortion": srcc_within(quality, opinion, scores["distortion"]),
            "srcc_within_reference": srcc_within(quality, opinion, scores["reference"]),
            "rmse_star": np.nan,
            "krasula_auc_ds": np.nan,
            "krasula_auc_bw": np.nan,
            "krasula_c0": np.nan,
            "krasula_pairs": 0,
        }
    )
    if standard_error is None:
        return table
    found = krasula(quality, opinion, standard_error, max_pairs=KRASULA_PAIRS, seed=settings.seed)
    return table.assign(
        outlier_ratio=outlier_ratio(fit.fitted, opinion, standard_error),
        rmse_star=rmse_star(fit.fitted, opinion, standard_error),
        krasula_auc_ds=found.auc_ds,
        krasula_auc_bw=found.auc_bw,
        krasula_c0=found.c0,
        krasula_pairs=found.pairs,
    )


def agreement_table(scores: pd.DataFrame, columns: Sequence[str], settings: StatisticsConfig) -> pd.DataFrame:
    """How far every column of a unit agrees with people's choices between two images.

    Args:
        scores: two rows a triplet, left and right, with ``reference``, ``distortion``, ``opinion`` (the share of people
            who chose the image) and the columns of distances.
        columns: the names of the columns.
        settings: of the bootstrap over references.

    Returns:
        Rows in the order of ``columns``: ``n`` triplets, ``agreement`` with its interval (NaN over too few
        references), and ``agreement_KIND`` for every kind of distortion where there are several, as ``kind_columns``
        names it.
    """
    left, right = scores.iloc[0::2], scores.iloc[1::2]
    names = list(columns)
    values = agreement(left[names].to_numpy(dtype=float), right[names].to_numpy(dtype=float), right["opinion"])
    resampled = cluster_bootstrap_mean(values, right["reference"], resamples=settings.resamples, seed=settings.seed)
    low, high = _interval(resampled, right["reference"], settings)
    kinds = right["distortion"].astype(str).to_numpy()
    several = kind_columns(set(kinds)) if len(set(kinds)) > 1 else {}
    return pd.DataFrame(
        {
            "n": len(right),
            "agreement": values.mean(axis=0),
            "agreement_low": low,
            "agreement_high": high,
            **{name: values[kinds == kind].mean(axis=0) for kind, name in several.items()},
        }
    )


def kind_columns(kinds: Collection[str]) -> dict[str, str]:
    """The column with the agreement within each kind: ``agreement_KIND``; a kind that is called as a column is gets _.

    >>> kind_columns({"blur", "low"})
    {'blur': 'agreement_blur', 'low': 'agreement_low_'}
    """
    taken = {*_OF_ALL_KINDS}
    # those whose name is free have it, whatever the others become
    ordered = sorted(kinds, key=lambda kind: (f"agreement_{kind}" in taken, kind))
    found = {}
    for kind in ordered:
        name = f"agreement_{kind}"
        while name in taken:
            name += "_"
        found[kind] = name
        taken.add(name)
    return {kind: found[kind] for kind in sorted(kinds)}


def kinds_of(table: pd.DataFrame) -> dict[str, str]:
    """The columns of a table of choices that are of one kind of distortion, with the kind as the column names it."""
    names = [str(name) for name in table if str(name).startswith("agreement_")]
    return {name: name.removeprefix("agreement_") for name in names if name not in _OF_ALL_KINDS}


def _interval(resampled: Floats, references: pd.Series, settings: StatisticsConfig) -> tuple[Floats, Floats]:
    """The ends of every column's interval; NaN where there are too few references for one."""
    low, high = percentile_interval(resampled, settings.confidence)
    if references.nunique() < FEWEST:
        return np.full_like(low, np.nan), np.full_like(high, np.nan)
    return low, high
