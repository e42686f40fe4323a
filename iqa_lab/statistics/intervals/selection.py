"""The best of many columns, without the optimism of choosing and judging on the same opinions."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.direction import goodness
from iqa_lab.statistics.intervals.few import FEWEST
from iqa_lab.statistics.intervals.weighed import Weighed, divide
from iqa_lab.statistics.reading import Reading

Floats = NDArray[np.float64]
RESAMPLES = 200  # of the interval, in each of which a column is chosen anew
# of statistics that are no correlations
_LIMITS = {"agreement": (0.0, 1.0), "rms_db": (0.0, float("inf")), "log_rmse": (0.0, float("inf"))}


@dataclass(frozen=True)
class Selection:
    """What choosing a column gives."""

    best: int  # the column with the best value on all pairs; -1 where none has one
    in_sample: float  # its value on the same pairs: optimistic
    heldout: float  # what columns get that were chosen on other references
    frequency: Floats  # how often each column was chosen, ``[columns]``, sums to 1
    # its interval, in which the choice is part of the chance; never beyond what the statistic can be
    heldout_low: float = float("nan")
    heldout_high: float = float("nan")


def select_column(
    scores: ArrayLike,
    opinion: ArrayLike,
    references: ArrayLike,
    *,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    groups: ArrayLike | None = None,
) -> Selection:
    """The SRCC of the best column as published, and as it would be on references that had no part in choosing it.

    References are divided into folds. The pairs of a fold are scored by the column with the highest SRCC on the other
    folds, as their mid-rank among the other folds' pairs, so that folds with different columns can be put together;
    SRCC over all pairs, mean over several divisions. Nested selection as of Cawley & Talbot, On over-fitting in model
    selection and subsequent selection bias in performance evaluation (2010). The interval resamples references, chooses
    anew in each resample, and is by Student's t with references - 1 degrees of freedom: in simulations it holds the
    truth at least as often as it says, and more often where many columns are equally good.

    Args:
        scores: ``[n, columns]``, larger = better.
        opinion: ``[n]``, larger = better.
        references: ``[n]``; as many folds as references at most.
        folds: at least 2.
        repeats: number of divisions.
        seed: of the divisions and of the resamples.
        resamples: of the interval; 0: none.
        confidence: of the interval.
        groups: ``[n]``, the distortion of each pair, say: what counts is the mean SRCC within a group.

    Returns:
        NaN for ``heldout`` with one reference: there is no other one to choose on; no interval with few of them. Of one
        column nothing is chosen: ``heldout`` is its value.
    """
    columns, target = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    statistic = "srcc" if groups is None else "srcc_within_distortion"
    group = None if groups is None else np.asarray(groups).astype(str)
    weighed = Weighed(columns, target, np.asarray(references), statistic, group)
    return _selected(weighed, folds, repeats, seed, resamples, confidence)


def select_column_of_means(
    values: ArrayLike,
    references: ArrayLike,
    *,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Selection:
    """As ``select_column``, where what counts is the mean of a column: the agreement with choices, ``[n, columns]``."""
    columns = np.asarray(values, dtype=float)
    weighed = Weighed(columns, np.zeros(len(columns)), np.asarray(references), "agreement")
    return _selected(weighed, folds, repeats, seed, resamples, confidence)


def select_column_of_reading(
    reading: Reading,
    *,
    statistic: str,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Selection:
    """As ``select_column``, of values beside people's, where other *stimuli* choose.

    By ``rms_db``, ``log_rmse``, ``srcc`` or ``plcc``.

    Where folds are judged by different columns, their ``rms_db`` is around the mean that each has on the other stimuli.
    """
    names = reading.stimulus.astype(str)
    return _selected(
        Weighed(reading.values, reading.human, names, statistic), folds, repeats, seed, resamples, confidence
    )


def _selected(weighed: Weighed, folds: int, repeats: int, seed: int, resamples: int, confidence: float) -> Selection:
    number, references = weighed.quality.shape[1], len(weighed.names)
    frequency = np.zeros(number)
    nan = float("nan")
    if not len(weighed.quality):
        return Selection(-1, nan, nan, frequency)
    overall = weighed.values(np.arange(number), np.ones((1, references)))[0]
    if not np.isfinite(overall).any():
        return Selection(-1, nan, nan, frequency)
    best = int(np.nanargmax(goodness(overall, weighed.statistic)))
    every = np.arange(number)
    if number == 1:  # nothing is chosen
        frequency[best], heldout = 1, float(overall[best])

        def judge(draws: Floats) -> Floats:
            return weighed.values(every, draws)[:, 0]

    elif references < 2:
        frequency[best] = 1
        return Selection(best, float(overall[best]), nan, frequency)
    else:
        divisions = divide(references, seed, folds, repeats)
        once = np.ones((1, references))
        judged = [weighed.judged(every, division, once) for division in divisions]
        choices = np.concatenate([choice.ravel() for _, choice in judged])
        frequency += np.bincount(choices, minlength=number) / len(choices)
        heldout = float(np.mean([value[0] for value, _ in judged]))

        def judge(draws: Floats) -> Floats:
            return weighed.judged(every, divisions[0], draws)[0]

    low = high = nan
    if resamples and references >= FEWEST:
        share = np.full(references, 1 / references)
        draws = np.random.default_rng(seed).multinomial(references, share, size=resamples).astype(float)
        drawn = judge(draws)
        error = float(np.nanstd(drawn, ddof=1)) * np.sqrt(references / (references - 1))
        reach = float(scipy.stats.t.ppf((1 + confidence) / 2, references - 1)) * error
        least, most = _LIMITS.get(weighed.statistic, (-1.0, 1.0))
        low, high = max(heldout - reach, least), min(heldout + reach, most)
    return Selection(best, float(overall[best]), heldout, frequency, low, high)
