"""What types of distortion mean for correlations: who is left out, and who dominates."""

from pathlib import Path

import numpy as np
import pytest

from iqa_lab.benchmarks import load_benchmark
from iqa_lab.statistics.correlation.coefficients import srcc, srcc_within
from iqa_lab.statistics.correlation.groups import dominating, left_out_of_within, range_restriction
from iqa_lab.store.show import notes_on_distortions
from tests.conftest import composed


def types(*counts: int) -> list[str]:
    return [f"t{number}" for number, count in enumerate(counts) for _ in range(count)]


@pytest.mark.parametrize(
    ("counts", "few"),
    [
        ((), []), ((7,), []), ((5, 5), []), ((6, 5), []), ((20,) * 24, []), ((30, 29, 30, 25, 28), []),
        ((9, 1), ["t0"]), ((7, 1, 1, 1), ["t0", "t1", "t2"]), ((100, 100, *[1] * 10), ["t0", "t1"]),
        ((125, 125, 125, 125, 92, 5, 1, 1), ["t0", "t1", "t2", "t3", "t4"]),
    ],
)  # fmt: skip
def test_a_few_dominate_where_the_others_hardly_count(counts: tuple[int, ...], few: list[str]) -> None:
    assert [name for name, _ in dominating(types(*counts))] == few
    assert bool(range_restriction(types(*counts))) == bool(few)


def test_the_number_left_out_is_the_number_that_does_not_count() -> None:
    rng = np.random.default_rng(0)
    groups = np.array(types(12, 9, 15, 1))
    scores, opinion = rng.normal(size=(2, len(groups)))
    each = [float(srcc(scores[groups == name], opinion[groups == name])) for name in ("t0", "t2")]
    assert float(srcc_within(scores, opinion, groups)) == pytest.approx(np.mean(each))
    assert "2 of 4 types left out (10 of 37 pairs), for they have fewer than 10" in left_out_of_within(groups)
    # where none is large enough all count
    assert (
        left_out_of_within(types(3, 4)) == ""
        and left_out_of_within([]) == ""
        and left_out_of_within(types(10, 11)) == ""
    )


def test_the_part_of_tid2013_is_mostly_about_three_types(tid2013_kit: Path) -> None:
    """342 of its 599 pairs are mean shifts, contrast and saturation."""
    config = composed("benchmark=tid2013", "benchmark.allow_missing=true", f"benchmark.path={tid2013_kit / 'tid2013'}")
    kinds = load_benchmark(config.benchmark).pairs["distortion"]
    (said,) = [note for note in notes_on_distortions(kinds, config.benchmark.family) if "mostly about" in note]
    assert said.startswith("592 of 599 pairs have 5 of 8 types of distortion (")
    assert "342 pairs (57 %) are mean shift, contrast, saturation" in said
    assert "3 of 8 types left out (7 of 599 pairs)" in notes_on_distortions(kinds, config.benchmark.family)[0]
