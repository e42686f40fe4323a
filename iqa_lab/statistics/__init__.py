"""Scores and judgements -> agreement: pure functions on arrays, usable without the rest of the package."""

from iqa_lab.statistics.comparisons.dependent import bonett_wright, fisher_interval, meng, steiger, williams, zou
from iqa_lab.statistics.comparisons.krasula import compare_krasula, delong, krasula
from iqa_lab.statistics.comparisons.multiple import benjamini_hochberg, holm
from iqa_lab.statistics.correlation.choices import agreement, average_precision, two_afc
from iqa_lab.statistics.correlation.coefficients import fisher_z, krcc, plcc, srcc, srcc_by_group, srcc_within
from iqa_lab.statistics.correlation.mapping import cubic, logistic4, logistic5
from iqa_lab.statistics.correlation.prediction import outlier_ratio, rmse, rmse_star
from iqa_lab.statistics.factors.trend import depth_trend
from iqa_lab.statistics.intervals.bootstrap import (
    bca_interval,
    bootstrap_p,
    cluster_bootstrap,
    jackknife,
    percentile_interval,
)
from iqa_lab.statistics.intervals.ceilings import attenuation_corrected, opinion_ceilings
from iqa_lab.statistics.intervals.selection import select_column

__all__ = [
    "agreement", "attenuation_corrected", "average_precision", "bca_interval", "benjamini_hochberg",
    "bonett_wright", "bootstrap_p", "cluster_bootstrap", "compare_krasula", "cubic", "delong", "depth_trend",
    "fisher_interval", "fisher_z", "holm", "jackknife", "krasula", "krcc", "logistic4", "logistic5", "meng",
    "opinion_ceilings", "outlier_ratio", "percentile_interval", "plcc", "rmse", "rmse_star", "select_column", "srcc",
    "srcc_by_group", "srcc_within", "steiger", "two_afc", "williams", "zou",
]  # fmt: skip
