"""Channels weighed so that a layer agrees with people as well as it can: how much of the agreement is in the weights?

Maximising Pearson's r over non-negative weights of squared differences is a non-negative least-squares problem; ridge
keeps the many channels of a layer from fitting the noise of a few hundred opinions.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from iqa_lab.errors import UserError, counted
from iqa_lab.readouts.channels import Context, Differences, Weighed

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Ridge penalties that are tried, in units of the channels' mean variance.
PENALTIES = tuple(10.0**power for power in range(2, -5, -1))


def rows(readout: str, fit_on: str | None = None, **_settings: object) -> tuple[str, ...]:
    """``<readout>_insample`` and ``<readout>_heldout``, and ``<readout>_from_<benchmark>`` with ``fit_on``."""
    transfer = (f"{readout}_from_{fit_on}",) if fit_on else ()
    return (f"{readout}_insample", f"{readout}_heldout", *transfer)


def check(benchmark: str, references: int, *, choices: bool, folds: int = 5, fit_on: str | None = None) -> None:
    """Nothing, if weights can be fitted to a benchmark: known before the pass.

    Args:
        benchmark: its name.
        references: how many photographs it has.
        choices: whether people chose between two images, instead of giving each an opinion.
        folds: number of folds, of references.
        fit_on: another benchmark, which is checked by itself.

    Raises:
        UserError: there are too few references for the folds, or no opinions of images.
    """
    del fit_on
    if choices:
        raise UserError(f"readout=tuned fits opinions of images, but {benchmark} has choices")
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 3:
        raise UserError(f"readouts.tuned.arguments.folds={folds}: at least 3, of which one is held out at a time")
    if references < folds:
        raise UserError(
            f"{benchmark} has {counted(references, 'reference')}, fewer than the {folds} folds of readout=tuned: "
            "set readouts.tuned.arguments.folds, or choose another benchmark"
        )


def weigh(context: Context, readout: str, folds: int = 5, fit_on: str | None = None) -> list[Weighed]:
    """``sqrt(sum_c w_c m_c)`` with ``w >= 0`` fitted to opinion, ``m_c`` a channel's mean squared difference.

    With equal weights that is the readout ``plain``, but for a factor. What is fitted is its square.

    Args:
        context: the differences and opinions.
        readout: name before the rows' endings. ``_insample``: fitted to all pairs and applied to them (optimistic).
            ``_heldout``: each fold of references scored with weights fitted to the others. ``_from_NAME``: fitted to
            another benchmark.
        folds: number of folds, of references; within the pairs to fit, as many choose the penalty.
        fit_on: another benchmark.

    Raises:
        UserError: there are fewer references than folds, here or there.
    """
    _check_folds(context.here, folds, "this benchmark")
    there = context.elsewhere(fit_on) if fit_on else None
    if there is not None:
        _check_folds(there, folds, str(fit_on))

    def one_layer(layer: str) -> list[Weighed]:
        differences = context.here.of_layer[layer].astype(float)
        weights = fit(differences, context.here.quality, context.here.references, folds)
        out_of_fold, mean_weights = hold_out(differences, context.here.quality, context.here.references, folds)
        result = [
            Weighed(f"{readout}_insample", layer, np.sqrt(differences @ weights), weights),
            Weighed(f"{readout}_heldout", layer, np.sqrt(out_of_fold), mean_weights),
        ]
        if there is not None:
            transferred = fit(there.of_layer[layer].astype(float), there.quality, there.references, folds)
            result.append(Weighed(f"{readout}_from_{fit_on}", layer, np.sqrt(differences @ transferred), transferred))
        return result

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # scikit-learn's solver leaves the interpreter
        return [entry for layer in pool.map(one_layer, context.here.of_layer) for entry in layer]


def hold_out(
    differences: Matrix, quality: Vector, references: NDArray[np.object_], folds: int
) -> tuple[Vector, Vector]:
    """Every pair's squared distance by weights that never saw its reference ``[P]``, and the mean weights ``[C]``."""
    distances = np.empty(len(differences))
    total = np.zeros(differences.shape[1])
    for seen, held_out in GroupKFold(folds).split(differences, groups=references):
        weights = fit(differences[seen], quality[seen], references[seen], folds - 1)
        distances[held_out] = differences[held_out] @ weights
        total += weights / folds
    return distances, total


def fit(differences: Matrix, quality: Vector, references: NDArray[np.object_], folds: int) -> Vector:
    """Non-negative weights ``[C]`` whose weighted sum of differences ``[P, C]`` falls as quality rises.

    The penalty is the one with the highest Pearson's r in the folds' held-out references.
    """
    held_out = np.zeros((len(PENALTIES), len(differences)))
    for fit_to, rest in GroupKFold(folds).split(differences, groups=references):
        held_out[:, rest] = (differences[rest] @ non_negative_ridge(differences[fit_to], quality[fit_to], PENALTIES)).T
    best = int(np.argmax([_pearson(distances, -quality) for distances in held_out]))
    return np.asarray(non_negative_ridge(differences, quality, PENALTIES[: best + 1])[:, -1])


def non_negative_ridge(differences: Matrix, quality: Vector, penalties: Sequence[float]) -> Matrix:
    """``argmin |q0 - q - D w|^2 / n + penalty |w|^2`` over ``w >= 0`` and ``q0``, ``[C, penalties]``.

    Each channel is brought to mean 1 first, so that the penalty treats all alike.

    Args:
        differences: ``[P, C]``, >= 0.
        quality: ``[P]``.
        penalties: in units of the mean variance of the scaled channels; from large to small is fastest.
    """
    scale = differences.mean(0)
    scaled = np.divide(differences, scale, out=np.zeros_like(differences), where=scale > 0)
    scaled -= scaled.mean(0)
    covariance, towards = scaled.T @ scaled, scaled.T @ (quality.mean() - quality)
    unit = np.trace(covariance) / len(scale)
    weights = np.zeros((len(scale), len(penalties)))
    if unit > 0:  # otherwise no channel responds to any difference
        positive = np.zeros(len(scale), dtype=bool)
        for number, penalty in enumerate(penalties):
            matrix = covariance.copy()
            np.fill_diagonal(matrix, matrix.diagonal() + penalty * unit)
            weights[:, number] = non_negative_solution(matrix, towards, positive)
            positive = weights[:, number] > 0
    silent = scale == 0
    return np.asarray(np.where(silent[:, None], 0, weights / np.where(silent, 1, scale)[:, None]))


def non_negative_solution(matrix: Matrix, vector: Vector, positive: NDArray[np.bool_]) -> Vector:
    """``argmin x'Ax / 2 - b'x`` over ``x >= 0``, of a positive definite ``A``, exactly.

    Block principal pivoting: solve with the coordinates thought positive, exchange all that turn out to be wrong.
    Kim and Park, Fast Nonnegative Matrix Factorization: An Active-Set-Like Method and Comparisons (2011).

    Args:
        matrix: ``A``, ``[C, C]``.
        vector: ``b``, ``[C]``.
        positive: a first guess of the positive coordinates.
    """
    smallest = 1e-12 * np.abs(vector).max()
    fewest, patience = len(vector) + 1, 3
    solution = np.zeros_like(vector)
    while True:
        solution[:] = 0
        if positive.any():
            factor = scipy.linalg.cho_factor(matrix[np.ix_(positive, positive)], check_finite=False)
            solution[positive] = scipy.linalg.cho_solve(factor, vector[positive], check_finite=False)
        gradient = matrix @ solution - vector
        wrong = np.where(positive, solution < 0, gradient < -smallest)
        number = int(wrong.sum())
        if number == 0:
            return np.asarray(solution)
        if number < fewest:
            fewest, patience = number, 3
        else:
            patience -= 1
        if patience < 0:  # one at a time, which always comes to an end
            wrong[: np.flatnonzero(wrong)[-1]] = False
        positive = positive ^ wrong


def _pearson(x: Vector, y: Vector) -> float:
    """Pearson's r; -1 where x does not vary."""
    return float(np.corrcoef(x, y)[0, 1]) if np.ptp(x) > 0 else -1.0


def _check_folds(differences: Differences, folds: int, name: str) -> None:
    check(name, len(np.unique(differences.references)), choices=False, folds=folds)
