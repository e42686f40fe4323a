"""Scores of many columns -> their agreement when each reference counts so often; and of the column chosen elsewhere.

The engine of everything that is said of a *chosen* column: a layer that other references chose, in every resample anew.
"""

import numpy as np
from numpy.typing import NDArray

from iqa_lab.statistics.correlation.choices import average_precision
from iqa_lab.statistics.correlation.coefficients import large_enough
from iqa_lab.statistics.direction import goodness
from iqa_lab.statistics.intervals.bootstrap import Draw, correlations_of_draws
from iqa_lab.statistics.reading import log_rmse, rms_db_weighed

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
STATISTICS = ("srcc", "plcc", "agreement", "average_precision", "srcc_within_distortion", "rms_db", "log_rmse")
FOLDS, REPEATS = 5, 5  # how references are divided


class Weighed:
    """Columns of one unit, and what they are judged by."""

    def __init__(
        self,
        quality: Floats,
        opinion: Floats,
        reference: NDArray[np.str_],
        statistic: str,
        group: NDArray[np.str_] | None = None,
    ) -> None:
        """Hold the columns.

        Args:
            quality: ``[n, columns]``, larger = better; for ``agreement`` the agreement of each triplet, for ``rms_db``
                log10 of a sensitivity.
            opinion: ``[n]``, larger = better, for ``rms_db`` people's log10; not used for ``agreement``.
            reference: ``[n]``.
            statistic: one of ``STATISTICS``.
            group: ``[n]``, the distortion of each row, for ``srcc_within_distortion``.

        Raises:
            ValueError: another statistic.
        """
        if statistic not in STATISTICS or (statistic == "srcc_within_distortion" and group is None):
            raise ValueError(f"statistic={statistic}: choose one of {', '.join(STATISTICS)}; within needs groups")
        self.group = np.zeros(len(opinion), dtype=str) if group is None else group
        self.quality, self.opinion, self.statistic = quality, opinion, statistic
        self.names, self.cluster = np.unique(reference, return_inverse=True)

    def values(self, columns: list[int] | Indices, draws: Floats) -> Floats:
        """The statistic of these columns when each reference counts as often as drawn, ``[draws, columns]``."""
        return self._values(self.quality[:, columns], draws)

    def _values(self, table: Floats, draws: Floats) -> Floats:
        if self.statistic in ("srcc", "plcc"):
            return correlations_of_draws(
                table, self.opinion, self.cluster, _one_by_one(draws), len(draws), self.statistic
            )
        if self.statistic == "agreement":
            sums = np.zeros((len(self.names), table.shape[1]))
            np.add.at(sums, self.cluster, table)
            means: Floats = draws @ sums / (draws @ np.bincount(self.cluster))[:, None]
            return means
        if self.statistic == "srcc_within_distortion":
            return self._within(table, draws)
        if self.statistic == "rms_db":
            return rms_db_weighed(table, self.opinion, draws[:, self.cluster])
        if self.statistic == "log_rmse":
            return log_rmse(table, self.opinion, draws[:, self.cluster])
        found = np.empty((len(draws), table.shape[1]))
        for number, draw in enumerate(draws):
            rows = np.repeat(np.arange(len(table)), draw[self.cluster].astype(int))
            found[number] = average_precision(-table[rows], self.opinion[rows])
        return found

    def _within(self, table: Floats, draws: Floats) -> Floats:
        """The mean over distortions of the SRCC within each; where a resample has none of one, over the others."""
        total, number = np.zeros((len(draws), table.shape[1])), np.zeros((len(draws), table.shape[1]))
        for name in large_enough(self.group):
            rows = np.flatnonzero(self.group == name)
            there, cluster = np.unique(self.cluster[rows], return_inverse=True)
            some = draws[:, there]
            each = correlations_of_draws(table[rows], self.opinion[rows], cluster, _one_by_one(some), len(some), "srcc")
            defined = np.isfinite(each)
            total += np.where(defined, each, 0.0)
            number += defined
        with np.errstate(invalid="ignore"):
            mean: Floats = total / number
        return mean

    def chosen(self, columns: list[int] | Indices, draws: Floats, seed: int = 0) -> tuple[float, Floats]:
        """What columns get that other references choose, and the same in every resample.

        References are divided into folds. In a resample each reference counts as often as it was drawn, both where
        columns are chosen (the other folds) and where they are judged, and never in both.

        Args:
            columns: the candidates.
            draws: ``[resamples, references]``.
            seed: of the divisions.

        Returns:
            The mean over several divisions; of the resamples that of the first division. NaN with one reference.
        """
        if len(self.names) < 2:
            return float("nan"), np.full(len(draws), np.nan)
        divisions = divide(len(self.names), seed)
        once = np.ones((1, len(self.names)))
        value = float(np.mean([self.judged(columns, division, once)[0] for division in divisions]))
        return value, self.judged(columns, divisions[0], draws)[0]

    def judged(self, columns: list[int] | Indices, division: Indices, draws: Floats) -> tuple[Floats, Indices]:
        """The same for one division, ``[draws]``, and which column was chosen for each fold, ``[draws, folds]``.

        Args:
            columns: the candidates.
            division: the fold of each reference.
            draws: ``[resamples, references]``.
        """
        table = self.quality[:, columns]
        folds = int(division.max()) + 1
        kept = division[None, :] != np.arange(folds)[:, None]  # [folds, references]
        elsewhere = self._values(table, (draws[:, None, :] * kept).reshape(-1, len(self.names)))
        good = goodness(elsewhere, self.statistic)
        choice = np.where(np.isfinite(good), good, -np.inf).argmax(axis=1).reshape(len(draws), folds)
        fold = division[self.cluster]
        position = self._positions(table, fold, folds)
        result = np.empty(len(draws))
        different, which = np.unique(choice, axis=0, return_inverse=True)
        for number, combination in enumerate(different):
            rows = np.flatnonzero(which.ravel() == number)
            column = position[np.arange(len(table)), combination[fold]][:, None]
            result[rows] = self._values(column, draws[rows])[:, 0]
        return result, choice

    def _positions(self, table: Floats, fold: Indices, folds: int) -> Floats:
        """Columns on one scale: of each row the mid-rank among the rows of the other folds, 0..1; of ``rms_db`` dB.

        So folds that are judged by different columns can be put together.
        """
        if self.statistic in ("agreement", "log_rmse"):  # no scale is free
            return table
        position = np.empty(table.shape)
        if self.statistic == "rms_db":  # the one factor that is free is that of the other folds
            for number in range(folds):
                inside = fold == number
                apart = (table[~inside] - self.opinion[~inside, None]).mean(axis=0)
                position[inside] = table[inside] - apart
            return position
        for number in range(folds):
            inside = fold == number
            for column in range(table.shape[1]):
                others = np.sort(table[~inside, column])
                values = table[inside, column]
                below = np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
                position[inside, column] = below / (2 * max(1, len(others)))
        return position


def _one_by_one(draws: Floats) -> Draw:
    """What gives the next draws."""
    left = iter(draws)
    return lambda number: np.stack([next(left) for _ in range(number)])


def divide(references: int, seed: int = 0, folds: int = FOLDS, repeats: int = REPEATS) -> Indices:
    """The fold of each reference, several times: ``[repeats, references]``."""
    generator = np.random.default_rng(seed)
    number = min(folds, references)
    return np.stack([generator.permutation(np.arange(references) % number) for _ in range(repeats)])
