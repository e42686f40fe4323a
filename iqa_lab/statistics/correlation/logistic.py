"""The best logistic curve of many columns at once: the search behind ``iqa_lab.statistics.mapping``.

Only two parameters are searched for, place and steepness: the others are linear, and follow from them by regression
(Golub & Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate,
1973). The search starts from the best points of a grid and from the best step function. Scores are ``[k, n]``, a row
for each column of a table, with mean 0 and standard deviation 1; opinions are ``[n]`` with mean 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class _State:
    """Curves for given place and steepness, one for each row of scores, with the best linear parameters."""

    g: Floats  # logistic function of every score, centred, [k, n]
    slope: Floats  # its derivative by its argument, [k, n]
    b1: Floats  # how much of g, [k]
    b4: Floats  # how much of the scores themselves, [k]
    explained: Floats  # share of the opinions' variance, [k]


# Beyond so many units of steepness outside of the scores a logistic curve is an exponential one, up to 1e-5 of it
_OUTSIDE = 12.0
_LOG_STEEPNESS = (np.log(1e-3), np.log(1e6))
_STEPS = 200


def best_logistic(x: Floats, y: Floats, *, linear: bool, monotone: bool) -> tuple[Floats, Booleans]:
    """The predictions of the best curve of each row, ``[k, n]``, and which searches came to rest.

    Args:
        x: scores, ``[k, n]``, standardised.
        y: opinions, ``[n]``, with mean 0.
        linear: a multiple of the scores is added to the curve (5 parameters).
        monotone: neither the curve nor the line may fall.
    """

    def solve(rows: Floats, target: Floats, steepness: Floats, place: Floats) -> _State:
        return _linear_parameters(rows, target, steepness, place, linear=linear, monotone=monotone)

    ordered = np.sort(x, axis=1)
    # a monotone curve has few local optima, a line with a step on it many
    steepnesses = _EVERY_STEEPNESS if linear and not monotone else _STEEPNESSES
    starts = [_best_step(x, y, linear=linear), *_grid_starts(x, y, ordered, solve, steepnesses)]
    best = np.full(len(x), -1.0)
    fitted, converged = np.zeros_like(x), np.zeros(len(x), dtype=bool)
    for number, (log_steepness, place) in enumerate(starts):
        refined = number > 0  # a step has no slope to follow
        state, done = _descend(x, y, ordered, log_steepness, place, solve, _STEPS if refined else 0)
        better = state.explained > best + 1e-12
        best = np.where(better, state.explained, best)
        curve = state.b1[:, None] * state.g + state.b4[:, None] * x
        fitted[better], converged[better] = curve[better], done[better]
    return fitted, converged


Solve = Callable[[Floats, Floats, Floats, Floats], _State]
Starts = tuple[Floats, Floats]  # log steepness and place, each [k]


def _linear_parameters(
    x: Floats, y: Floats, steepness: Floats, place: Floats, *, linear: bool, monotone: bool
) -> _State:
    """The regression of opinions on g(steepness x - place), and on x where ``linear``."""
    raw = scipy.special.expit(steepness[:, None] * x - place[:, None])
    slope = raw * (1 - raw)
    g = raw - raw.mean(axis=1, keepdims=True)
    # a curve far outside of the scores is tiny: bring it to size one
    size = np.abs(g).max(axis=1, keepdims=True)
    size[size == 0] = 1
    g, slope = g / size, slope / size
    gg, gy, yy = np.einsum("kn,kn->k", g, g), g @ y, y @ y
    alone = np.divide(gy, gg, out=np.zeros_like(gy), where=gg > 0)
    if not linear:
        return _State(g, slope, alone, np.zeros_like(gy), alone * gy / yy)
    xx, xy, gx = float(x.shape[1]), x @ y, np.einsum("kn,kn->k", g, x)
    rest = g - (gx / xx)[:, None] * x
    square = np.einsum("kn,kn->k", rest, rest)
    apart = square > 1e-14 * gg  # else the curve is a straight line, and x explains it all
    b1 = np.divide(rest @ y, square, out=np.zeros_like(gy), where=apart)
    b4 = (xy - b1 * gx) / xx
    explained = (b1 * gy + b4 * xy) / yy
    if monotone:
        outside = (b1 < 0) | (b4 < 0)
        by_curve, by_line = np.maximum(alone, 0) * gy / yy, np.maximum(xy, 0) * xy / xx / yy
        curve = by_curve >= by_line
        b1 = np.where(outside, np.where(curve, np.maximum(alone, 0), 0), b1)
        b4 = np.where(outside, np.where(curve, 0, np.maximum(xy, 0) / xx), b4)
        explained = np.where(outside, np.maximum(by_curve, by_line), explained)
    return _State(g, slope, b1, b4, explained)


# of a flat, a middling and a steep curve, in units of the scores' spread
_STEEPNESSES = [(0.1, 0.3), (1.0, 3.0), (10.0, 30.0)]
_EVERY_STEEPNESS = [(0.1,), (0.3,), (1.0,), (3.0,), (10.0,), (30.0,), (100.0,)]


def _grid_starts(
    x: Floats, y: Floats, ordered: Floats, solve: Solve, groups: Sequence[tuple[float, ...]]
) -> list[Starts]:
    """The best of a grid of places, for each group of steepnesses."""
    k, n = x.shape
    rows = np.linspace(0, n - 1, min(n, 1000)).astype(int)
    by_opinion = np.argsort(y, kind="stable")[rows]  # starts need not see all pairs
    some, target = x[:, by_opinion], y[by_opinion] - y[by_opinion].mean()
    spread = (ordered[:, int(0.84 * (n - 1))] - ordered[:, int(0.16 * (n - 1))]) / 2
    spread = np.where(spread > 0, spread, 1.0)
    quantiles = ordered[:, (np.array([0, 0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1]) * (n - 1)).astype(int)]
    starts = []
    for steepnesses in groups:
        best = np.full(k, -1.0)
        chosen = (np.zeros(k), np.zeros(k))
        for factor in steepnesses:
            steepness = factor / spread
            places = [steepness * quantiles[:, number] for number in range(quantiles.shape[1])]
            places += [places[0] - 2, places[0] - 6, places[-1] + 2, places[-1] + 6]
            for place in places:
                explained = solve(some, target, steepness, place).explained
                better = explained > best
                best = np.where(better, explained, best)
                chosen = (np.where(better, np.log(steepness), chosen[0]), np.where(better, place, chosen[1]))
        starts.append(chosen)
    return starts


def _best_step(x: Floats, y: Floats, *, linear: bool) -> Starts:
    """The place of the step that explains most, beside a line where ``linear``, by sums over the scores below it."""
    k, n = x.shape
    rows = np.arange(k)
    order = np.argsort(x, axis=1, kind="stable")
    ordered = np.take_along_axis(x, order, axis=1)
    target = np.broadcast_to(y, x.shape) - ((x @ y) / n)[:, None] * x if linear else np.broadcast_to(y, x.shape)
    below = np.cumsum(np.take_along_axis(target, order, axis=1), axis=1)[:, :-1]
    count = np.arange(1, n)
    square = np.broadcast_to(count * (n - count) / n, below.shape)
    if linear:
        square = square - np.cumsum(ordered, axis=1)[:, :-1] ** 2 / n
    possible = (np.diff(ordered, axis=1) > 0) & (square > 1e-9)  # no step between equal scores, none that is a line
    gain = np.where(possible, below**2 / np.where(possible, square, 1), -1)
    place = gain.argmax(axis=1)
    low, high = ordered[rows, place], ordered[rows, place + 1]
    log_steepness = np.log(80 / np.maximum(high - low, 1e-12))  # expit(40) is 1 in double precision
    return log_steepness, np.exp(log_steepness) * (low + high) / 2


def _descend(
    x: Floats, y: Floats, ordered: Floats, log_steepness: Floats, place: Floats, solve: Solve, steps: int
) -> tuple[_State, Booleans]:
    """Levenberg-Marquardt on steepness and place, all rows at once; and which rows came to rest."""
    a, h = log_steepness.copy(), place.copy()
    state = solve(x, y, np.exp(a), h)
    damping = np.full(len(x), 1e-2)
    done = np.full(len(x), steps == 0)
    for _ in range(steps):
        rows = np.flatnonzero(~done)
        if not len(rows):
            break
        here = _State(state.g[rows], state.slope[rows], state.b1[rows], state.b4[rows], state.explained[rows])
        ends = ordered[rows][:, [0, -1]].T
        outside = np.array([[-_OUTSIDE], [_OUTSIDE]])
        low, high = np.exp(a[rows]) * ends + outside
        at_edge = (h[rows] <= low + 1e-6) | (h[rows] >= high - 1e-6)
        step_a, step_h = _step(x[rows], y, np.exp(a[rows]), h[rows], here, damping[rows], at_edge)
        new_a = np.clip(a[rows] + np.clip(step_a, -2, 2), *_LOG_STEEPNESS)
        edge = np.exp(new_a) * ends + outside
        # the place moves with the steepness, so that the middle of the curve stays where it is
        new_h = np.clip(h[rows] * np.exp(new_a - a[rows]) + np.clip(step_h, -4, 4), *edge)
        new_h = np.where(at_edge, np.where(h[rows] <= low + 1e-6, edge[0], edge[1]), new_h)
        tried = solve(x[rows], y, np.exp(new_a), new_h)
        gain = tried.explained - here.explained
        better = gain > 0
        good = rows[better]
        a[good], h[good] = new_a[better], new_h[better]
        for name in ("g", "slope", "b1", "b4", "explained"):
            getattr(state, name)[good] = getattr(tried, name)[better]
        done[rows] = (better & (gain < 1e-10)) | (~better & (damping[rows] > 1e6))
        damping[rows] = np.where(better, damping[rows] / 5, damping[rows] * 10)
    return state, done


def _step(
    x: Floats, y: Floats, steepness: Floats, place: Floats, state: _State, damping: Floats, at_edge: Booleans
) -> tuple[Floats, Floats]:
    """One step in log steepness and place, with the linear parameters projected out (Kaufman, 1975).

    Rows at the edge, where the curve is as good as exponential, move in steepness alone.
    """
    residual = y - state.b1[:, None] * state.g - state.b4[:, None] * x
    basis = [state.g, x * (state.b4 != 0)[:, None]]
    # steeper around the middle of the curve, where the argument is 0
    by_steepness = _without(state.slope * (steepness[:, None] * x - place[:, None]), basis)
    by_place = _without(-state.slope, basis)
    aa, ah, hh = (
        state.b1**2 * np.einsum("kn,kn->k", one, other)
        for one, other in ((by_steepness, by_steepness), (by_steepness, by_place), (by_place, by_place))
    )
    ga, gh = (state.b1 * np.einsum("kn,kn->k", derivative, residual) for derivative in (by_steepness, by_place))
    aa, hh = aa * (1 + damping), hh * (1 + damping)
    determinant = aa * hh - ah**2
    usable = (determinant > 1e-300) & ~at_edge
    safe = np.where(usable, determinant, 1)
    alone = np.divide(ga, aa, out=np.zeros_like(aa), where=aa > 0)
    return np.where(usable, (hh * ga - ah * gh) / safe, alone), np.where(usable, (aa * gh - ah * ga) / safe, 0)


def _without(values: Floats, basis: list[Floats]) -> Floats:
    """Each row's part that is orthogonal to a constant and to the rows of the basis; zero rows take nothing away."""
    rest: Floats = values - values.mean(axis=1, keepdims=True)
    used: list[Floats] = []
    for vectors in basis:
        orthogonal = _project(vectors, used)
        used.append(orthogonal)
        rest = _project(rest, [orthogonal])
    return rest


def _project(values: Floats, basis: list[Floats]) -> Floats:
    for vectors in basis:
        square = np.einsum("kn,kn->k", vectors, vectors)
        along = np.einsum("kn,kn->k", values, vectors)
        values = values - np.divide(along, square, out=np.zeros_like(along), where=square > 0)[:, None] * vectors
    return values
