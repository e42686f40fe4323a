"""The best of many columns, without the optimism of choosing and judging on the same opinions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.correlation.coefficients import srcc
from iqa_lab.statistics.intervals.bootstrap import correlations_of_draws

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Selection:
    """What choosing a column gives."""

    best: int  # the column with the highest value on all pairs; -1 where none has one
    in_sample: float  # its value on the same pairs: optimistic
    heldout: float  # what columns get that were chosen on other references
    frequency: Floats  # how often each column was chosen, ``[columns]``, sums to 1


def select_column(
    scores: ArrayLike, opinion: ArrayLike, references: ArrayLike, *, folds: int = 5, repeats: int = 5, seed: int = 0
) -> Selection:
    """The SRCC of the best column as published, and as it would be on references that had no part in choosing it.

    References are divided into folds. The pairs of a fold are scored by the column with the highest SRCC on the other
    folds, as their mid-rank among the other folds' pairs, so that folds with different columns can be put together;
    SRCC over all pairs, mean over several divisions. Nested selection as of Cawley & Talbot, On over-fitting in model
    selection and subsequent selection bias in performance evaluation (2010).

    Args:
        scores: ``[n, columns]``, larger = better.
        opinion: ``[n]``, larger = better.
        references: ``[n]``; as many folds as references at most.
        folds: at least 2.
        repeats: number of divisions.
        seed: of the divisions.

    Returns:
        NaN for ``heldout`` with one reference: there is no other one to choose on.
    """
    columns, target = np.asarray(scores, dtype=float), np.asarray(opinion, dtype=float)
    overall = srcc(columns, target)
    chosen_how_often = np.zeros(columns.shape[1])
    if not np.isfinite(overall).any():
        return Selection(-1, float("nan"), float("nan"), chosen_how_often)
    best = int(np.nanargmax(overall))
    divisions = _divisions(references, folds, repeats, seed)
    if divisions is None:
        chosen_how_often[best] = 1
        return Selection(best, float(overall[best]), float("nan"), chosen_how_often)
    fold_of, kept, reference = divisions
    parts = iter(np.split(kept, len(kept)))
    elsewhere = correlations_of_draws(
        columns, target, reference, lambda some: np.concatenate([next(parts) for _ in range(some)]), len(kept)
    )
    choice = np.where(np.isfinite(elsewhere), elsewhere, -np.inf).argmax(axis=1).reshape(repeats, -1)
    chosen_how_often += np.bincount(choice.ravel(), minlength=columns.shape[1]) / choice.size
    heldout = []
    for division, columns_of in zip(fold_of, choice, strict=True):
        position = np.empty(len(target))
        for fold, column in enumerate(columns_of):
            inside = division[reference] == fold
            others = np.sort(columns[~inside, column])
            values = columns[inside, column]
            below = np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
            position[inside] = below / (2 * len(others))
        heldout.append(float(srcc(position, target)))
    return Selection(best, float(overall[best]), float(np.mean(heldout)), chosen_how_often)


def select_column_of_means(
    values: ArrayLike, references: ArrayLike, *, folds: int = 5, repeats: int = 5, seed: int = 0
) -> Selection:
    """As ``select_column``, where what counts is the mean of a column: the agreement with choices, ``[n, columns]``."""
    columns = np.asarray(values, dtype=float)
    frequency = np.zeros(columns.shape[1])
    overall = columns.mean(axis=0) if len(columns) else np.full(columns.shape[1], np.nan)
    if not np.isfinite(overall).any():
        return Selection(-1, float("nan"), float("nan"), frequency)
    best = int(np.nanargmax(overall))
    divisions = _divisions(references, folds, repeats, seed)
    if divisions is None:
        frequency[best] = 1
        return Selection(best, float(overall[best]), float("nan"), frequency)
    fold_of, kept, reference = divisions
    sums = np.zeros((fold_of.shape[1], columns.shape[1]))
    np.add.at(sums, reference, np.where(np.isfinite(overall), columns, 0))
    sizes = np.bincount(reference).astype(float)
    elsewhere = np.where(np.isfinite(overall), kept @ sums / (kept @ sizes)[:, None], -np.inf)
    choice = elsewhere.argmax(axis=1)
    frequency += np.bincount(choice, minlength=columns.shape[1]) / len(choice)
    heldout = ((1 - kept) @ sums)[np.arange(len(kept)), choice].sum() / (repeats * len(columns))
    return Selection(best, float(overall[best]), float(heldout), frequency)


def _divisions(
    references: ArrayLike, folds: int, repeats: int, seed: int
) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]] | None:
    """The references in folds, several times; None with one reference.

    Returns:
        The fold of each reference, ``[repeats, references]``; which references are in the other folds, as 0 and 1,
        ``[repeats x folds, references]``; and the reference of each row.
    """
    names, reference = np.unique(np.asarray(references), return_inverse=True)
    if len(names) < 2:
        return None
    generator = np.random.default_rng(seed)
    number = min(folds, len(names))
    fold_of = np.stack([generator.permutation(np.arange(len(names)) % number) for _ in range(repeats)])
    kept = (fold_of[:, None, :] != np.arange(number)[:, None]).reshape(-1, len(names)).astype(float)
    return fold_of, kept, reference


@dataclass(frozen=True)
class BestOfMany:
    """Intervals that hold for all columns together, and so also for the best of them, whichever it is."""

    low: Floats  # ``[columns]``
    high: Floats  # ``[columns]``
    best: int  # the column with the highest estimate
    as_good: NDArray[np.bool_]  # columns that cannot be told from the best one


def best_of_many(distribution: Floats, estimate: ArrayLike, confidence: float = 0.95) -> BestOfMany:
    """Simultaneous intervals of many columns by the largest deviation of each resample (max-T), in standard errors.

    Romano & Wolf, Exact and approximate stepdown methods for multiple hypothesis testing (2005); White, A reality check
    for data snooping (2000). The interval of the best column needs no further correction for having been chosen.

    Args:
        distribution: of the resamples, ``[resamples, columns]``, from ``cluster_bootstrap``.
        estimate: from all pairs, ``[columns]``.
        confidence: of all intervals together.

    Raises:
        ValueError: no column has an estimate and resamples that vary.
    """
    estimates = np.asarray(estimate, dtype=float)
    usable = np.isfinite(estimates) & np.isfinite(distribution).all(axis=0)
    error = np.where(usable, distribution.std(axis=0, ddof=1), np.nan)
    if not (error > 0).any():
        raise ValueError("no column has an estimate and resamples that vary")
    half = _largest_deviation(distribution, estimates, error, confidence, two_sided=True) * error
    best = int(np.nanargmax(np.where(error > 0, estimates, np.nan)))
    behind = estimates[best] - estimates
    resampled = distribution[:, [best]] - distribution
    error_behind = np.where(usable, resampled.std(axis=0, ddof=1), np.nan)
    reach = _largest_deviation(resampled, behind, error_behind, confidence, two_sided=False) * error_behind
    as_good = usable & ((behind <= np.nan_to_num(reach)) | (error_behind == 0) & (behind == 0))
    return BestOfMany(estimates - half, estimates + half, best, as_good)


def _largest_deviation(
    distribution: Floats, estimate: Floats, error: Floats, confidence: float, *, two_sided: bool
) -> float:
    """The quantile of the largest standardised deviation of a resample from the estimate, over the columns."""
    varying = error > 0
    if not varying.any():
        return 0.0
    deviation = (distribution[:, varying] - estimate[varying]) / error[varying]
    largest = np.abs(deviation).max(axis=1) if two_sided else deviation.max(axis=1)
    return float(np.quantile(largest, confidence))
