"""Distances of new images -> the opinions that a benchmark's logistic predicts, with intervals for one new image.

**The curve** is the 4-parameter logistic that a result's ``plcc_logistic`` is after, fitted to its pairs; between them
it is read off, and beyond the smallest and the largest distance that people judged it is held at its end.

**The interval** is cross-conformal over references (Vovk, Cross-conformal predictors, 2015; Barber et al., Predictive
inference with the jackknife+, 2021, for groups): the references are divided into folds, each fold's opinions are
predicted by the curve fitted to the others, and the interval's half width is that quantile of the absolute errors which
the confidence says. It is for one opinion of a new image, of a new photograph of the benchmark's kind, by people like
the benchmark's; on average over qualities, not for each.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iqa_lab.statistics.correlation.mapping import logistic4

Floats = NDArray[np.float64]

FOLDS = 10
FEWEST_REFERENCES = 6  # below it there is no interval, as for correlations


@dataclass(frozen=True)
class OpinionCurve:
    """What a distance says of opinion, on the scale of a benchmark."""

    distances: Floats  # ascending, each once
    opinions: Floats  # that the curve gives them
    errors: Floats  # absolute, of opinions that the curve of other references predicts; none: too few references
    confidence: float  # share of new opinions inside the interval

    @cached_property
    def half_width(self) -> float:
        """Of the interval; NaN: there are too few references or pairs for one."""
        return _conformal(self.errors, self.confidence)

    def predict(self, distances: ArrayLike) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """The opinion of each distance, its interval's ends, and whether the distance is beyond what was judged."""
        x = np.asarray(distances, dtype=float)
        found = np.interp(x, self.distances, self.opinions)
        beyond = (x < self.distances[0]) | (x > self.distances[-1])
        return found, found - self.half_width, found + self.half_width, beyond


def opinion_curve(
    distances: ArrayLike, opinions: ArrayLike, references: ArrayLike, confidence: float = 0.95, seed: int = 0
) -> OpinionCurve | None:
    """The curve of a benchmark's pairs, and how far opinions lie from it; None where no curve can be fitted.

    Args:
        distances: of the pairs, ``[n]``.
        opinions: on the benchmark's own scale, ``[n]``.
        references: the name of each pair's reference.
        confidence: share of new opinions inside the interval.
        seed: of the division into folds.
    """
    x, y = np.asarray(distances, dtype=float), np.asarray(opinions, dtype=float)
    names, which = np.unique(np.asarray(references, dtype=object).astype(str), return_inverse=True)
    whole = _curve(x, y)
    if whole is None:
        return None
    errors = np.full(len(x), np.nan)
    if len(names) >= FEWEST_REFERENCES:
        folds = min(FOLDS, len(names))
        fold_of = np.random.default_rng(seed).permutation(len(names)) % folds
        for fold in range(folds):
            out = fold_of[which] == fold
            curve = _curve(x[~out], y[~out])
            if curve is not None:
                errors[out] = np.abs(y[out] - np.interp(x[out], *curve))
    return OpinionCurve(*whole, errors=errors[np.isfinite(errors)], confidence=confidence)


def fewest_pairs(confidence: float) -> int:
    """How many pairs an interval needs at least: below, no error is large enough.

    >>> fewest_pairs(0.95), fewest_pairs(0.8)
    (19, 4)
    """
    return math.ceil(round(confidence / (1 - confidence), 9))


def _curve(x: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Distances in ascending order and the curve's opinions of them."""
    mapping = logistic4(-x, y)
    if not mapping.converged:
        return None
    places, first = np.unique(x, return_index=True)
    return places, mapping.fitted[first]


def _conformal(errors: Floats, confidence: float) -> float:
    """The ``ceil((n + 1) confidence)``-th of the errors; NaN where there are too few for that.

    >>> _conformal(np.arange(1.0, 20), 0.95), _conformal(np.arange(1.0, 10), 0.95)
    (19.0, nan)
    """
    place = int(np.ceil((len(errors) + 1) * confidence))
    return float(np.sort(errors)[place - 1]) if place <= len(errors) else float("nan")
