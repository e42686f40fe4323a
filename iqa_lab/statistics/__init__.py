"""Scores x judgements -> agreement: pure functions on arrays, usable without the rest."""

from iqa_lab.statistics.bootstrap import cluster_bootstrap, percentile_interval
from iqa_lab.statistics.correlation import krcc, plcc, srcc, srcc_within

__all__ = ["cluster_bootstrap", "krcc", "percentile_interval", "plcc", "srcc", "srcc_within"]
