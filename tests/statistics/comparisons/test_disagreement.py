"""Where two metrics disagree: against a loop over all pairs of images, on real scores and on made ones."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iqa_lab.statistics.comparisons import disagreement
from iqa_lab.statistics.comparisons.disagreement import disagreements
from tests.conftest import needs_shared


def by_a_loop(equal: np.ndarray, different: np.ndarray, within: float, most: int) -> list[list[int]]:
    """The definition, one pair of images after the other."""
    near = within * np.std(equal)
    pairs = [
        (-abs(different[i] - different[j]), i, j)
        for i, j in combinations(range(len(equal)), 2)
        if abs(equal[i] - equal[j]) <= near and different[i] != different[j]
    ]
    found: list[list[int]] = []
    used: set[int] = set()
    for _, i, j in sorted(pairs):
        if len(found) < most and not used & {i, j}:
            used |= {i, j}
            found.append([i, j] if different[i] <= different[j] else [j, i])
    return found


@pytest.fixture(scope="module")
def tid2013() -> pd.DataFrame:
    """Published scores of the 599 pairs of TID2013 whose images can be had."""
    scores = pd.read_csv(needs_shared("oracles") / "tid2013_scores.csv")
    labels = pd.read_csv(needs_shared("data", "tid2013") / "labels.csv")
    here = scores[scores["dist"].str.lower().isin(labels["dist"].str.lower())].reset_index(drop=True)
    assert len(here) == 599
    return here


@pytest.mark.parametrize(
    ("one", "other"), [("lpips", "dists"), ("dists", "lpips"), ("msssim", "fsim"), ("psnr", "lpips")]
)
def test_the_same_as_a_loop_on_real_scores(tid2013: pd.DataFrame, one: str, other: str) -> None:
    equal, different = tid2013[one].to_numpy(), tid2013[other].to_numpy()
    assert disagreements(equal, different, most=12).tolist() == by_a_loop(equal, different, 0.1, 12)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(-4, 4)), min_size=1, max_size=14),
    st.sampled_from([0, 0.1, 0.5, 3]),
    st.integers(1, 6),
)
def test_the_same_as_a_loop_with_many_ties(scores: list[tuple[int, int]], within: float, most: int) -> None:
    equal, different = np.array(scores, dtype=float).reshape(-1, 2).T
    assert disagreements(equal, different, within=within, most=most).tolist() == by_a_loop(
        equal, different, within, most
    )


def test_pieces_of_the_table_of_pairs_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    equal, different = np.random.default_rng(3).normal(size=(2, 60))
    whole = disagreements(equal, different).tolist()
    monkeypatch.setattr(disagreement, "_ROWS", 7)
    assert disagreements(equal, different).tolist() == whole == by_a_loop(equal, different, 0.1, 10)


@pytest.mark.parametrize(
    ("equal", "different", "within"),
    [
        ([1, 2], [1, 2, 3], 0.1),
        ([1, np.nan], [1, 2], 0.1),
        ([1, 2], [1, np.inf], 0.1),
        ([1, 2], [1, 2], -1),
        ([[1]], [[2]], 1),
    ],
)
def test_what_is_no_pair_of_scores_is_refused(equal: list[float], different: list[float], within: float) -> None:
    with pytest.raises(ValueError, match="score"):
        disagreements(equal, different, within=within)
