"""Metrics of one benchmark -> how well each agrees, how they differ, and where they disagree: as plain tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from iqa_lab.statistics.comparisons.disagreement import disagreements
from iqa_lab.statistics.comparisons.paired import paired_differences
from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.intervals.ceilings import attenuation_corrected, opinion_ceilings
from iqa_lab.statistics.table import people_an_image, standard_errors
from iqa_lab.store.metric import Metric, signed_opinion


def agreement_of(metrics: Sequence[Metric]) -> pd.DataFrame:
    """A row per metric: ``metric``, ``srcc``, and ``srcc_corrected``, what it would be if the opinions had no error.

    The correction needs the opinions' standard errors; it is empty where the benchmark has none.
    """
    reliability = float("nan")
    errors = standard_errors(metrics[0].scores, metrics[0].benchmark)
    if errors is not None:
        reliability = opinion_ceilings(
            metrics[0].scores["opinion"], errors, people_an_image(metrics[0].benchmark)
        ).group
    rows = []
    for metric in metrics:
        value = float(srcc(-metric.scores["score"].to_numpy(dtype=float), signed_opinion(metric).to_numpy()))
        rows.append({"metric": metric.name, "srcc": value, "srcc_corrected": attenuation_corrected(value, reliability)})
    return pd.DataFrame(rows)


def differences_of(metrics: Sequence[Metric], confidence: float, resamples: int, seed: int) -> pd.DataFrame:
    """A row for every two metrics, as ``paired_differences`` gives."""
    quality = -np.column_stack([metric.scores["score"].to_numpy(dtype=float) for metric in metrics])
    first = metrics[0]
    return paired_differences(
        quality, signed_opinion(first), first.scores["reference"], [metric.name for metric in metrics],
        resamples=resamples, confidence=confidence, seed=seed,
    )  # fmt: skip


def where_two_disagree(one: Metric, other: Metric, within: float = 0.1, most: int = 5) -> pd.DataFrame:
    """Pairs of images that one metric calls equally good and the other does not, and what people say of them.

    Args:
        one: a metric.
        other: another, with its scores in the same order.
        within: what counts as equal, in standard deviations of a metric's scores.
        most: pairs of each kind.

    Returns:
        A row per pair of images: ``equal`` (the metric that sees no difference), ``different`` (the one that does),
        ``closer_reference``, ``closer``, ``farther_reference``, ``farther`` (the images; ``different`` calls the first
        the better one), ``apart`` (in standard deviations of its scores), ``opinion_closer``, ``opinion_farther``, and
        ``people``: the name of the metric that they agree with, or ``neither``, where they prefer the other image.
    """
    opinion = signed_opinion(one).to_numpy()
    errors = standard_errors(one.scores, one.benchmark)
    rows: list[dict[str, Any]] = []
    for equal, different in ((one, other), (other, one)):
        steady, moving = (metric.scores["score"].to_numpy(dtype=float) for metric in (equal, different))
        for closer, farther in disagreements(steady, moving, within=within, most=most):
            apart = opinion[closer] - opinion[farther]
            noise = 0.0 if errors is None else 1.96 * float(np.hypot(errors[closer], errors[farther]))
            people = equal.name if abs(apart) <= noise else different.name if apart > 0 else "neither"
            rows.append(
                {
                    "equal": equal.name,
                    "different": different.name,
                    **{
                        f"{place}{part}": one.scores[column].iloc[row]
                        for place, row in (("closer", closer), ("farther", farther))
                        for part, column in (("_reference", "reference"), ("", "distorted"))
                    },
                    "apart": float((moving[farther] - moving[closer]) / moving.std()),
                    "opinion_closer": float(one.scores["opinion"].iloc[closer]),
                    "opinion_farther": float(one.scores["opinion"].iloc[farther]),
                    "people": people,
                }
            )
    return pd.DataFrame(rows)
