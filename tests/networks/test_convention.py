"""The numbers and words of the input's formula are checked before a network is built."""

import math
from typing import Any

import pytest

from iqa_lab.config import InputConfig, configuration_folder
from iqa_lab.errors import UserError
from iqa_lab.networks.cells import cells
from iqa_lab.networks.convention import check_input

THREE, ONES = [0.5, 0.5, 0.5], [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        *(({"order": order}, "order") for order in ("RGB", "BGR", "gbr", "", "grey", "rgba", "rgb ")),
        *(({"range": value}, "range") for value in (0, -1, -255, math.nan, math.inf, 1e30)),
        *(({"mean": value}, "mean") for value in ([], [0.5], THREE[:2], [*THREE, 0.5], [0.5, 0.5, 1e30],
                                                  [0.5, math.nan, 0.5], [0.5, math.inf, 0.5], [123.7, 116.3, 103.5])),
        *(({"std": value}, "std") for value in ([], [1.0], ONES[:2], [*ONES, 1.0], [1, 1, 0], [1, -1, 1], [1, 1e-30, 1],
                                                [1, math.nan, 1], [1, math.inf, 1], [1, 1e30, 1])),
        ({"range": 255, "std": [0.229, 0.224, 0.225]}, "std"),
        ({"order": "lightness"}, "mean"),
        ({"order": "lightness", "mean": [0.5]}, "std"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=rf"weights\.input\.{named}="):
        check_input(InputConfig(**settings))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"mean": [0, 0, 0], "std": ONES},
        {"mean": [123.68, 116.779, 103.939], "std": ONES, "range": 255, "order": "bgr"},
        {"mean": [127.5] * 3, "std": [127.5] * 3, "range": 255},
        {"mean": [50], "std": [1], "range": 100, "order": "lightness"},
    ],
)
def test_the_usual_conventions_pass(settings: dict[str, Any]) -> None:
    check_input(InputConfig(**settings))


def test_every_cell_passes() -> None:
    found = list(cells([configuration_folder()]))
    assert len(found) > 200
    for name, cell in found:
        check_input(cell.input, name)
