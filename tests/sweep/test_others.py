"""Results of other settings than those that a grid asks for now are not passed over in silence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Finished

GRID = ["goal=untrained", "dataset=none", "architecture=alexnet,vgg11", "benchmark=levels"]
ALEXNET, VGG = "levels/untrained-none-alexnet", "levels/untrained-none-vgg11"


def there(*folders: str) -> None:
    for folder in folders:
        place = Path("results") / folder
        place.mkdir(parents=True)
        for name in ("result.json", "correlations.csv"):
            (place / name).touch()


@pytest.mark.parametrize(
    ("folders", "units", "results"),
    [
        ((), 0, 0),
        ((f"{ALEXNET}/0123456789ab",), 1, 1),
        ((f"{ALEXNET}/0123456789ab", f"{ALEXNET}/ba9876543210"), 1, 2),
        ((f"{ALEXNET}/0123456789ab", f"{VGG}/0123456789ab", f"{VGG}/ba9876543210"), 2, 3),
        (("tid2013/untrained-none-alexnet/0123456789ab",), 0, 0),  # another benchmark
        (("levels/untrained-none-vgg16/0123456789ab",), 0, 0),  # another network
        (("levels/classification-imagenet1k-alexnet/0123456789ab",), 0, 0),  # another training
    ],
)
def test_how_many_results_there_are_of_other_settings(
    iqa_lab: Callable[..., Finished], levels_home: Path, monkeypatch: pytest.MonkeyPatch, folders: tuple[str, ...],
    units: int, results: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("IQA_LAB_DATA", str(levels_home))
    there(*folders)
    status, report = iqa_lab("status", *GRID), iqa_lab("report", *GRID)
    assert status.code == 0 and "2 missing" in status.out
    assert report.code == 2 and "no unit of sweep is done" in report.error_line
    assert " ".join(["iqa-lab sweep", *GRID]) in report.error_line
    if not results:
        assert "all the same" not in status.out and "is done yet: iqa-lab sweep" in report.error_line
        return
    verb = "is" if results == 1 else "are"
    counted = f"{results} result{'s' if results > 1 else ''}"
    of = f"of {units} missing unit{'s' if units > 1 else ''} there {verb} {counted} all the same: of other settings"
    assert of in " ".join(status.out.split())
    assert f"{counted} of its networks {verb} in results, of other settings" in report.error_line
    assert "iqa-lab report results shows what is there" in report.error_line
