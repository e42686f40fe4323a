"""What agreement is possible at all, given how well people agree with each other.

Three different ceilings that must not be mixed: another group of people, one person, and a metric that knows what
people think on average. Those of choices between two images are in ``iqa_lab.statistics.choices``. All are Pearson
correlations, from the variance of opinions and their standard errors (Lord & Novick, Statistical theories of mental
test scores, 1968, chapter 3); of the ranks they hold approximately.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class OpinionCeilings:
    """Correlations with the mean opinions of one group of people."""

    group: float  # of another group of the same size: the reliability of the mean opinions
    perfect: float  # of what people think on average: no metric can correlate more, in the long run
    observer: float  # of one other person; NaN where the number of people is not known


def opinion_ceilings(opinion: ArrayLike, standard_error: ArrayLike, people: float | None = None) -> OpinionCeilings:
    """The ceilings of mean opinion scores.

    Args:
        opinion: mean opinions, ``[n]``.
        standard_error: of each, ``[n]``.
        people: how many judged each image, where known; the middle, where that varies.

    Returns:
        NaN with fewer than two opinions, with opinions or errors that are no numbers, and where the errors explain all
        of the opinions' variance.

    >>> ceiling = opinion_ceilings([1.0, 2.0, 3.0, 4.0], [0.5, 0.5, 0.5, 0.5], people=20)
    >>> [round(value, 3) for value in (ceiling.group, ceiling.perfect, ceiling.observer)]
    [0.85, 0.922, 0.433]
    """
    y, s = np.asarray(opinion, dtype=float), np.asarray(standard_error, dtype=float)
    undefined = OpinionCeilings(float("nan"), float("nan"), float("nan"))
    if len(y) < 2 or not (np.isfinite(y).all() and np.isfinite(s).all()):
        return undefined
    variance, error = float(y.var(ddof=1)), float(np.mean(s**2))
    true = variance - error
    if true <= 0:
        return undefined
    observer = true / np.sqrt((true + people * error) * variance) if people is not None else float("nan")
    return OpinionCeilings(true / variance, float(np.sqrt(true / variance)), float(observer))


def attenuation_corrected(r: float, reliability: float) -> float:
    """What a correlation would be if the opinions had no error: r / sqrt(reliability), at most 1.

    Spearman, The proof and measurement of association between two things (1904). The metric's own error, of which it
    has none, is not corrected for. NaN where the reliability is not in 0..1.

    >>> round(attenuation_corrected(0.85, 0.98), 3)
    0.859
    """
    if not 0 < reliability <= 1:
        return float("nan")
    return float(np.clip(r / np.sqrt(reliability), -1, 1))
