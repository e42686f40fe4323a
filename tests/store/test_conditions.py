"""Conditions on rows: those of pandas that are used, and nothing that could do anything else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iqa_lab.errors import UserError
from iqa_lab.store.table import chosen_rows

ROWS = pd.DataFrame(
    {
        "layer": ["pixels", "conv1", "conv2", None],
        "readout": ["plain", "plain", "mean", "mean"],
        "srcc": [0.7, 0.65, -0.2, np.nan],
        "krcc": [0.5, 0.5, 0.25, 0.1],
        "n": [3000, 3000, 599, 599],
        "trusted": [True, False, True, False],
        "converged": [True, False, None, None],
        "my column": [1, 2, 3, 4],
    }
)


@pytest.mark.parametrize(
    "condition",
    [
        'srcc > .66 and layer == "pixels"', "srcc > .66 & layer == 'pixels'", "not srcc > .66",
        "~(srcc > .66) | n == 599", "--" * 40 + "1 > srcc",
        "0 < srcc <= .65", "-1 <= srcc < 0 or n >= 3000", "layer in ['conv1', 'conv2']", "layer not in ('conv1', 'x')",
        "n in [599]", "srcc - krcc > .15", "srcc * 2 // 1 == 1", "n % 2 == 1", "krcc ** 2 >= .25", "-srcc > .1",
        "srcc != srcc", "srcc == krcc + .2", "trusted", "not trusted and n == 599", "trusted == True", "(srcc) > (.5)",
        "readout == 'plain' and (n == 599 or krcc > .3)", "srcc > 1e-3", "layer != 'pixels'", "readout < 'n'",
    ],
)  # fmt: skip
def test_a_condition_means_what_it_means_in_pandas(condition: str) -> None:
    pd.testing.assert_frame_equal(chosen_rows(ROWS, [condition]), ROWS.query(condition, engine="python"))


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("layer=conv1", [1]), ("layer = conv1, pixels", [0, 1]), ("n=3000", [0, 1]), ("n=599.0", [2, 3]),
        ("srcc=.7,0.65", [0, 1]), ("trusted=True", [0, 2]), ("trusted=false", [1, 3]), ("my column=2,3", [1, 2]),
        ("layer=none", []), ("converged", [0]), ("not converged", [1]), ("converged == False", [1]),
        ("converged=true", [0]),
    ],
)  # fmt: skip
def test_values_of_a_column_however_they_are_written(condition: str, rows: list[int]) -> None:
    assert chosen_rows(ROWS, [condition]).index.tolist() == rows


@pytest.mark.parametrize(
    "condition",
    [
        "@pd.io.common.os.system('touch hacked')", "@pd", "@ROWS", "srcc > @np.pi",
        "__import__('os').system('touch hacked')", "srcc.__class__", "layer.str.contains('conv')", "ROWS", "pd",
        "(lambda: 1)()", "[row for row in layer]", "srcc[0] > 1", "f'{srcc}' == 'x'", "srcc if trusted else krcc",
        "(srcc := 1)", "print(1)", "{'a': 1}", "srcc > 1; import os", "import os", "srcc @ srcc", "n << 9", "n ^ 1",
        "*layer", "await srcc", "yield", "`layer` == 'conv1'", "layer is None", "layer == None", "layer == b'x'",
        "srcc > 1j", "srcc > ...", "", " ", "=", "==", "srcc >", "srcc", "srcc + 1", "1 < 2", "True", "'pixels'",
        "[1]", "srcc > 'a'", "layer > 3", "layer + readout == 'a'", "'a' * 999999999 == layer", "-layer == 1",
        "layer == ['conv1']", "srcc in layer", "1 in [1]", "srcc in [[1]]", "srcc in ['a']", "trusted > 0",
        "srcc and trusted", "not srcc", "srcc == .7 or 1", "9**9**9**9 > srcc", "1 / 0 > srcc", "(-8) ** .5 > srcc",
        "1" * 5000, "srcc > " + "9" * 900, "(" * 400 + "srcc" + ")" * 400 + " > 1",
        "srcc > 1 \x00", "srcc > '\\ud800'", "nosuch=1", "nosuch > 1", "srcc=high", "n=", "srcc\n> .7\nn",
        "srcc > .7 and nosuch == 1", "\u202esrcc", "[/red] > 1",
    ],
)  # fmt: skip
def test_nothing_else_is_done_and_the_error_is_one_line(
    condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^--where ") as refused:
        chosen_rows(ROWS, [condition])
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500
    assert not list(tmp_path.iterdir())
