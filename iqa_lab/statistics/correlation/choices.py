"""Two-alternative forced choice: which of two distorted images is closer to the reference, people against distances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def agreement(left: ArrayLike, right: ArrayLike, preference: ArrayLike) -> Floats:
    """How far the people of each triplet agree with the distances, ``[n]`` or ``[n, columns]`` in 0..1.

    The share of people who chose the image with the smaller distance; one half where the distances are equal, NaN where
    one is NaN. Its mean
    is the score of BAPPS (Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, 2018).

    Args:
        left: distances of the left images, ``[n]`` or ``[n, columns]``.
        right: distances of the right images, likewise.
        preference: share of people who chose the right image, ``[n]`` in 0..1.

    Raises:
        ValueError: a preference is no share; NaN gives NaN.

    >>> agreement([0.1, 0.5, 0.3], [0.4, 0.2, 0.3], [0.0, 0.6, 1.0]).tolist()
    [1.0, 0.6, 0.5]
    """
    chose_right = _shares(preference)
    nearer_left = np.asarray(left, dtype=float) - np.asarray(right, dtype=float)
    if nearer_left.ndim == 2:
        chose_right = chose_right[:, None]
    result: Floats = np.where(nearer_left == 0, 0.5, np.where(nearer_left < 0, 1 - chose_right, chose_right))
    return np.where(np.isnan(nearer_left), np.nan, result)


def _shares(values: ArrayLike) -> Floats:
    """Shares of people.

    Raises:
        ValueError: one is outside of 0..1: percentages, or counts of people.
    """
    shares = np.asarray(values, dtype=float)
    if ((shares < 0) | (shares > 1)).any():
        raise ValueError(f"{shares[(shares < 0) | (shares > 1)][0]:g} is no share of people: preferences are in 0..1")
    return shares


def two_afc(left: ArrayLike, right: ArrayLike, preference: ArrayLike) -> Floats:
    """The 2AFC score: mean agreement of people with the distances, ``[]`` or ``[columns]`` in 0..1; NaN for none.

    Arguments as of ``agreement``, of which it is the mean.

    >>> float(two_afc([0.1, 0.5, 0.3], [0.4, 0.2, 0.3], [0.0, 0.6, 1.0]).round(2))
    0.7
    """
    values = agreement(left, right, preference)
    return np.asarray(values.mean(axis=0)) if len(values) else np.full(values.shape[1:], np.nan)


def average_precision(distances: ArrayLike, same: ArrayLike) -> Floats:
    """How well small distances find the pairs that looked the same, ``[]`` or ``[columns]`` in 0..1.

    The area under precision over recall, the precision being the best at this or any higher recall, as for the just
    noticeable differences of BAPPS (Zhang et al., 2018; the way of counting is that of PASCAL VOC 2010). Pairs of equal
    distance are found together.

    Args:
        distances: ``[n]`` or ``[n, columns]``.
        same: share of people to whom the two images were the same, ``[n]`` in 0..1.

    Returns:
        NaN where nobody saw two images as the same, or there is no pair, or a distance is NaN.

    >>> float(average_precision([0.1, 0.2, 0.3], [1.0, 0.0, 1.0]))
    0.8333333333333333
    """
    columns = np.asarray(distances, dtype=float)
    share = _shares(same)
    each = columns[:, None] if columns.ndim == 1 else columns
    found = [_average_precision(column, share) for column in each.T]
    return np.array(found, dtype=float).reshape(columns.shape[1:])


def _average_precision(distances: Floats, same: Floats) -> float:
    if not same.sum() > 0 or not np.isfinite(distances).all():
        return float("nan")
    order = np.argsort(distances, kind="stable")
    last_of_ties = np.append(np.diff(distances[order]) > 0, True)
    found = np.cumsum(same[order])[last_of_ties]
    precision = found / (np.flatnonzero(last_of_ties) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(found / same.sum(), prepend=0) * best_from_here))


def cluster_bootstrap_mean(values: ArrayLike, clusters: ArrayLike, *, resamples: int = 2000, seed: int = 0) -> Floats:
    """The mean of every column in every resample of whole clusters, ``[resamples, columns]``.

    As many clusters as there are are drawn with replacement. Where every triplet has a reference of its own this is
    the bootstrap over triplets.

    Args:
        values: ``[n]`` or ``[n, columns]``.
        clusters: ``[n]``, the reference of each row.
        resamples: number of resamples.
        seed: of the drawing, which is the same for all columns.

    Returns:
        NaN with one cluster: there is nothing to draw.
    """
    columns = np.asarray(values, dtype=float)
    columns = columns.reshape(len(columns), -1)
    names, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return np.full((resamples, columns.shape[1]), np.nan)
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, cluster, columns)
    sizes = np.bincount(cluster).astype(float)
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, columns.shape[1]))
    for number in range(resamples):  # one draw at a time: 187,000 triplets times 2000 resamples fill no memory
        drawn = np.bincount(generator.integers(len(names), size=len(names)), minlength=len(names))
        means[number] = drawn @ sums / (drawn @ sizes)
    return means


@dataclass(frozen=True)
class Ceilings:
    """What is possible on a set of choices, each a share in 0..1."""

    majority: float  # a judge who always says what most people say: no distance can agree more
    person: float  # a person with another one
    person_paired_with_themselves: float  # as published for BAPPS, which counts a person's agreement with themselves


def ceilings(preference: ArrayLike, people: int) -> Ceilings:
    """The upper bounds of the agreement with people.

    Args:
        preference: share of people who chose the right image, ``[n]``; rounded to whole people.
        people: how many judged each triplet, at least 2.

    Raises:
        ValueError: fewer than two people, who cannot disagree.

    >>> ceilings([0.0, 0.2, 1.0, 0.6], people=5).majority
    0.85
    """
    if people < 2:
        raise ValueError(f"people={people}: at least two have to judge a triplet")
    right = np.round(_shares(preference) * people)
    share, left = right / people, people - right
    pairs = people * (people - 1)
    return Ceilings(
        majority=float(np.mean(np.maximum(share, 1 - share))),
        person=float(np.mean((right * (right - 1) + left * (left - 1)) / pairs)),
        person_paired_with_themselves=float(np.mean(share**2 + (1 - share) ** 2)),
    )
