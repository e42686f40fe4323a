"""Tables fit their width, and nothing in them is ever squeezed to nothing."""

import pytest
from rich.cells import cell_len

from iqa_lab.tables import shortened_to, table_lines

ROWS = [
    {"name": "efficientnet_lite0", "number": ".867 [.742, .991]", "n": "350", "what": "words and words " * 6},
    {"name": "vit_base_patch16_clip_quickgelu_224", "number": "-", "n": "3000", "what": "-"},
    {"name": "日本", "number": ".5", "n": "1", "what": "wide characters take two columns"},
]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, None])
@pytest.mark.parametrize("free", [(), ("what",)])
def test_every_value_is_whole_and_every_line_fits(width: int | None, free: tuple[str, ...]) -> None:
    lines = table_lines(ROWS, width, free=free, right=("n",))
    assert len(lines) % (len(ROWS) + 1) == 0
    text = " ".join(" ".join(lines).split())
    for row in ROWS:
        for name, value in row.items():
            assert name in free or " ".join(value.split()) in text
    widest = max(cell_len(row[name].strip()) for row in ROWS for name in row if name not in free) + 4
    assert width is None or max(map(cell_len, lines)) <= max(width, widest, 100 if not free else 0)


def test_what_says_little_is_left_out_before_a_row_takes_two_lines() -> None:
    (heading, *rows) = table_lines(ROWS, 70, free=["what"], spare=["number"])
    assert "number" not in heading and len(rows) == len(ROWS) and ".867" not in "".join(rows)
    (heading, *_) = table_lines(ROWS, 120, free=["what"], spare=["number"])
    assert "number" in heading


def test_free_text_ends_in_an_ellipsis() -> None:
    lines = table_lines(ROWS, 100, free=["what"])
    assert lines[1].endswith("…") and max(map(cell_len, lines)) <= 100
    assert shortened_to("abcdef", 4) == "abc…" and table_lines([]) == []
