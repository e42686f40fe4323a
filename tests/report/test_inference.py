"""What a report says of factors that it cannot draw never contradicts a claim that it has just judged."""

from pathlib import Path

import pytest

from iqa_lab.report.collect import collect
from iqa_lab.report.study import Study
from tests.report.made import make_unit

CLASSIFIED = ("classification", "imagenet1k", "alexnet")


@pytest.mark.parametrize(
    ("other", "claims", "judged", "drawn"),
    [
        (("jigsaw", "imagenet1k", "alexnet"), ("classification > jigsaw",), 1, {"goal"}),
        (("classification", "imagenet1k", "resnet50"), ("alexnet > resnet50",), 1, {"architecture"}),
        (("jigsaw", "places365", "resnet50"), ("classification > jigsaw",), 0, set()),  # they differ in everything
        (("jigsaw", "places365", "resnet50"), (), 0, set()),
        (("jigsaw", "imagenet1k", "alexnet"), (), 0, {"goal"}),
    ],
)
def test_a_note_points_to_the_pairs_of_claims_only_where_there_are_some(
    other: tuple[str, str, str], claims: tuple[str, ...], judged: int, drawn: set[str], tmp_path: Path
) -> None:
    for seed, (goal, dataset, architecture) in enumerate((CLASSIFIED, other)):
        words = {"goal": goal, "dataset": dataset, "architecture": architecture, "weights": architecture}
        make_unit(tmp_path, f"{goal}-{dataset}-{architecture}", words=words, seed=seed)
    report = collect(tmp_path, Study("two", "Which?", claims=claims))
    assert (report.claims["pairs"].sum() if claims else 0) == judged
    notes = [note for note in report.notes if note.startswith("Nothing is drawn of ")]
    factors = {"goal", "dataset", "architecture"}
    assert {note.split()[4] for note in notes} == factors - drawn
    assert not [note for note in report.notes if "no matched" in note.lower()]
    for note in notes:
        assert "over the whole grid: no two of the 2 units differ in" in note
        assert ("the pairs that claims above were judged on are in their own table" in note) == bool(judged)
