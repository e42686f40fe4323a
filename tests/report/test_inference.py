"""What a report says of factors that it cannot draw never contradicts a claim that it has just judged."""

from pathlib import Path

import pytest

from iqa_lab.report.collect import collect
from iqa_lab.report.study import Study
from tests.report.made import make_unit, without_pages_of_units

CLASSIFIED = ("classification", "imagenet1k", "alexnet")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pages_of_units(monkeypatch)


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


@pytest.mark.parametrize("twice", [("jigsaw",), ("jigsaw", "classification")])
def test_of_several_results_of_one_network_none_is_chosen(tmp_path: Path, twice: tuple[str, ...]) -> None:
    """With another resize or other code, say: the better of two would be compared, and which one nobody would know."""
    for seed, goal in enumerate(("classification", "jigsaw", "rotation", *twice)):
        words = {"goal": goal, "dataset": "imagenet1k", "architecture": "alexnet", "weights": "alexnet"}
        make_unit(tmp_path, goal, words=words, seed=seed)
    claims = ("classification > jigsaw", "classification > rotation")
    report = collect(tmp_path, Study("three", "Which?", claims=claims))
    assert len(report.best) == report.table["unit"].nunique() == 3 + len(twice)  # each by itself
    (warning,) = [line for line in report.warnings if line.startswith("Not compared")]
    assert all(
        (f"{goal}-imagenet1k-alexnet-alexnet on table" in warning) == (goal in twice)
        for goal in ("classification", "jigsaw", "rotation")
    )
    judged = dict(zip(report.claims["claim"], report.claims["networks"] > 0, strict=True))
    assert judged == {"classification > jigsaw": False, "classification > rotation": "classification" not in twice}
    levels = {*report.contrasts.get("first_level", ()), *report.contrasts.get("second_level", ())}
    assert levels == (set() if len(twice) == 2 else {"classification", "rotation"})
