"""What the columns of a unit say of stimuli, beside what people say of the same stimuli -> statistics of every column.

Of detection both are log10 of a sensitivity: how faint a stimulus may be. A distance has no unit, so a column may be
scaled as one likes; what counts is whether one criterion for all stimuli explains people's thresholds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from iqa_lab.config import StatisticsConfig
from iqa_lab.statistics.correlation.coefficients import plcc, srcc, srcc_within
from iqa_lab.statistics.intervals.bootstrap import cluster_bootstrap, percentile_interval
from iqa_lab.statistics.intervals.few import FEWEST

Floats = NDArray[np.float64]

DECIBELS = 20.0  # of a factor 10 in contrast
FEWEST_OF_A_GROUP = 3  # stimuli within which a correlation is made


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Values of columns and of people for the same stimuli or conditions."""

    values: Floats  # [m, columns], larger = as people's larger; a column with a NaN has no statistics
    human: Floats  # [m], what people said on average, or a formula of it
    stimulus: NDArray[np.object_]  # [m], which rows are of one stimulus: intervals resample these
    group: NDArray[np.object_]  # [m]
    observers: Floats | None = None  # [observers, m]: the human values of each; None: not known one by one
    logarithmic: bool = False  # both are log10 of a sensitivity, a threshold or a contrast
    absolute: bool = False  # of logarithmic values: in one unit, a factor between them counts (log_rmse)
    source: str = "measured"  # what the human values are: measured, or formula
    extra: Mapping[str, Floats] = field(default_factory=dict)  # numbers of the experiment's own, [columns] each

    def only(self, columns: Sequence[int]) -> "Reading":
        """The same of some columns."""
        places = list(columns)
        extra = {name: values[places] for name, values in self.extra.items()}
        return Reading(
            values=self.values[:, places], human=self.human, stimulus=self.stimulus, group=self.group,
            observers=self.observers, logarithmic=self.logarithmic, absolute=self.absolute, source=self.source,
            extra=extra,
        )  # fmt: skip


def rms_db(values: Floats, human: Floats) -> Floats:
    """How far each column's log10 sensitivities are from people's, in dB; one factor for all stimuli is free.

    The standard deviation over stimuli of 20 (log10 of the column's less log10 of people's): 0 is human.

    >>> rms_db(np.array([[1.0, 1.0], [2.0, 3.0]]), np.array([0.0, 1.0])).tolist()
    [0.0, 10.0]
    """
    found: Floats = (DECIBELS * (values - human[:, None])).std(axis=0)
    return found


def log_rmse(values: Floats, human: Floats, weights: Floats | None = None) -> Floats:
    """How far log10 contrasts are from people's where no factor is free: root of the mean square, 0 is human.

    Args:
        values: ``[m, columns]``.
        human: ``[m]``.
        weights: ``[draws, m]``, how often each row counts; None: once.

    Returns:
        ``[draws, columns]``, without weights ``[columns]``.

    >>> log_rmse(np.array([[1.0, 1.0], [2.0, 3.0]]), np.array([0.0, 1.0])).round(3).tolist()
    [1.0, 1.581]
    """
    squares = (values - human[:, None]) ** 2
    if weights is None:
        return np.asarray(np.sqrt(squares.mean(axis=0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(weights @ squares / weights.sum(axis=1, keepdims=True)))


def reading_table(reading: Reading, settings: StatisticsConfig) -> pd.DataFrame:
    """The statistics of every column, a row each.

    Returns:
        ``n`` (stimuli or conditions that count); of absolute ones ``log_rmse`` with its interval over stimuli;
        of logarithmic values ``rms_db`` with ``rms_db_low`` and ``rms_db_high`` over stimuli, and
        ``rms_db_observers_low``, ``rms_db_observers_high`` over observers; ``srcc`` with its interval over stimuli and
        ``srcc_observers_low``, ``srcc_observers_high``; ``plcc``;
        ``plcc_within_group`` and ``srcc_within_group``, means over groups; and what the experiment adds.
        NaN where one is undefined.
    """
    values, human = reading.values, reading.human
    good = np.isfinite(values).all(axis=0)
    safe = np.where(good, values, 0.0)
    table: dict[str, object] = {"n": len(human)}

    def of_good(found: Floats) -> Floats:
        return np.where(good, found, np.nan)

    def interval(resampled: Floats, number: int) -> tuple[Floats, Floats]:
        low, high = percentile_interval(resampled, settings.confidence)
        enough = good & (number >= FEWEST)
        return np.where(enough, low, np.nan), np.where(enough, high, np.nan)

    people = _resampled_people(reading, settings)
    clusters = len(np.unique(reading.stimulus.astype(str)))
    if reading.logarithmic:
        over_stimuli = _rms_db_of_draws(safe, human, reading.stimulus, settings)
        table["rms_db"] = of_good(rms_db(safe, human))
        table["rms_db_low"], table["rms_db_high"] = interval(over_stimuli, clusters)
        if people is not None and reading.observers is not None:
            ends = interval(_rms_db_of_people(safe, people), len(reading.observers))
            table["rms_db_observers_low"], table["rms_db_observers_high"] = ends
    if reading.absolute:
        weights = _draws(reading.stimulus, settings)
        table["log_rmse"] = of_good(log_rmse(safe, human))
        table["log_rmse_low"], table["log_rmse_high"] = interval(log_rmse(safe, human, weights), clusters)
    drawn = cluster_bootstrap(safe, human, reading.stimulus, resamples=settings.resamples, seed=settings.seed)
    table["srcc"] = of_good(np.atleast_1d(srcc(safe, human)))
    table["srcc_low"], table["srcc_high"] = interval(drawn, clusters)
    if people is not None and reading.observers is not None:
        ends = interval(_srcc_of_people(safe, people), len(reading.observers))
        table["srcc_observers_low"], table["srcc_observers_high"] = ends
    table["plcc"] = of_good(np.atleast_1d(plcc(safe, human)))
    table["srcc_within_group"] = of_good(srcc_within(safe, human, reading.group, fewest=FEWEST_OF_A_GROUP))
    table["plcc_within_group"] = of_good(plcc_within(safe, human, reading.group))
    return pd.DataFrame({**table, **reading.extra, "human": reading.source})


def plcc_within(values: Floats, human: Floats, group: NDArray[np.object_]) -> Floats:
    """Mean over groups of Pearson's correlation within a group, ``[columns]``; groups of fewer than three left out."""
    found = [
        plcc(values[group == name], human[group == name])
        for name in sorted(set(group.tolist()))
        if (group == name).sum() >= FEWEST_OF_A_GROUP
    ]
    each = np.array(found).reshape(-1, values.shape[1])
    defined = np.isfinite(each).sum(axis=0)
    return np.where(defined > 0, np.nansum(each, axis=0) / np.maximum(defined, 1), np.nan)


@dataclass(frozen=True)
class ObserverCeiling:
    """How well single observers agree with the mean of the others: the lowest, the middle and the highest of them."""

    plcc: tuple[float, float, float]
    srcc: tuple[float, float, float]
    rms_db: tuple[float, float, float] | None  # the best, the middle, the worst; None: values are no logarithms


def observer_ceiling(reading: Reading) -> ObserverCeiling | None:
    """Each observer against the mean of the others; None where observers are not known one by one, or are too few."""
    people = reading.observers
    if people is None or len(people) < 3:
        return None
    others = [np.delete(people, number, axis=0).mean(axis=0) for number in range(len(people))]
    pearson = [float(plcc(one, rest)) for one, rest in zip(people, others, strict=True)]
    spearman = [float(srcc(one, rest)) for one, rest in zip(people, others, strict=True)]
    apart = [float(rms_db(one[:, None], rest)[0]) for one, rest in zip(people, others, strict=True)]

    def three(found: list[float]) -> tuple[float, float, float]:
        return min(found), float(np.median(found)), max(found)

    return ObserverCeiling(three(pearson), three(spearman), three(apart) if reading.logarithmic else None)


def _resampled_people(reading: Reading, settings: StatisticsConfig) -> Floats | None:
    """The human values of resampled observers, ``[resamples, m]``; None where they are not known one by one.

    They are moved to where the mean of all observers is the reading's own human value, so that a benchmark whose human
    value is not that very mean (of other people, or a formula) keeps it.
    """
    people = reading.observers
    if people is None or len(people) < 2:
        return None
    number = len(people)
    draws = np.random.default_rng(settings.seed).multinomial(number, np.full(number, 1 / number), settings.resamples)
    drawn: Floats = draws @ people / number - people.mean(axis=0) + reading.human
    return drawn


def _rms_db_of_people(values: Floats, people: Floats) -> Floats:
    """``rms_db`` beside each of many human values ``[resamples, m]``: ``[resamples, columns]``."""
    ours, theirs = values - values.mean(axis=0), people - people.mean(axis=1, keepdims=True)
    squares = (ours**2).mean(axis=0) + (theirs**2).mean(axis=1, keepdims=True) - 2 * theirs @ ours / len(values)
    found: Floats = DECIBELS * np.sqrt(np.maximum(squares, 0))
    return found


def _srcc_of_people(values: Floats, people: Floats) -> Floats:
    """``srcc`` beside each of many human values ``[resamples, m]``: ``[resamples, columns]``."""
    ours, theirs = scipy.stats.rankdata(values, axis=0), scipy.stats.rankdata(people, axis=1)
    ours, theirs = ours - ours.mean(axis=0), theirs - theirs.mean(axis=1, keepdims=True)
    size = np.sqrt((ours**2).sum(axis=0) * (theirs**2).sum(axis=1, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = theirs @ ours / size
    return found


def _rms_db_of_draws(
    values: Floats, human: Floats, stimulus: NDArray[np.object_], settings: StatisticsConfig
) -> Floats:
    """``rms_db`` when each stimulus counts as often as it is drawn, ``[resamples, columns]``."""
    return rms_db_weighed(values, human, _draws(stimulus, settings))


def _draws(stimulus: NDArray[np.object_], settings: StatisticsConfig) -> Floats:
    """How often each row counts when stimuli are drawn anew, ``[resamples, m]``."""
    names, cluster = np.unique(stimulus.astype(str), return_inverse=True)
    number = len(names)
    draws = np.random.default_rng(settings.seed).multinomial(number, np.full(number, 1 / number), settings.resamples)
    return np.asarray(draws[:, cluster], dtype=float)


def rms_db_weighed(values: Floats, human: Floats, weights: Floats) -> Floats:
    """``rms_db`` when each row counts as often as its weight says, ``[draws, columns]``; NaN where all weights are 0.

    Args:
        values: ``[m, columns]``.
        human: ``[m]``.
        weights: ``[draws, m]``, 0 or more.
    """
    apart = DECIBELS * (values - human[:, None])
    apart = apart - apart.mean(axis=0)  # so that squares lose no digits
    total = weights.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = weights @ apart / total
        variance = weights @ apart**2 / total - mean**2
    found: Floats = np.sqrt(np.maximum(variance, 0))
    return found
