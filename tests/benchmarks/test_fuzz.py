"""Random tables and damaged image files: read as an independent reading does, or refused in one line; no traceback."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from iqa_lab.benchmarks.images import decode
from iqa_lab.benchmarks.lists import numbers, read_columns
from iqa_lab.errors import UserError
from tests.conftest import noisy, picture

NAMES = ["reference", "distorted", "opinion"]
words = st.text(st.sampled_from('abA1230.,;|"\t -+eé\ufeff\x00\u0661'), max_size=6)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "x"


@given(st.lists(st.lists(words, min_size=2, max_size=4), max_size=4), st.sampled_from(",;|\t"), st.booleans())
def test_random_tables(place: Path, rows: list[list[str]], separator: str, mark: bool) -> None:
    """What a table's own writer put into a cell comes back, whatever the separator."""
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([NAMES, *rows])
    place.write_bytes(file.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    stripped = [[word.strip(" \t\r\n\ufeff") for word in row] for row in rows]
    refusal = ""
    try:
        found = read_columns(place, NAMES)[NAMES].to_numpy().tolist()
    except UserError as error:
        refusal = str(error)
    if refusal:
        assert "\n" not in refusal and any(len(row) != 3 or '"' in "".join(row) for row in stripped)
    else:
        assert found == [row[:3] for row in stripped if any(row)]


@given(st.binary(max_size=200))
def test_random_bytes_are_no_table(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_columns(place, NAMES)
    assert "\n" not in str(error.value)


@given(st.lists(words, max_size=4))
def test_random_numbers(found: list[str]) -> None:
    """A word is a number exactly if Python and we agree on it, but for commas that all of a column share."""
    values, wrong = numbers(pd.Series(found, dtype=object))
    for row, word in enumerate(found):
        if row in wrong or np.isnan(values[row]):
            continue
        assert values[row] == float(word.strip("\ufeff \t").replace(",", "."))


IMAGES = {
    kind: Image.fromarray(noisy(picture(3, 24, 32), 3, 9)) for kind in ("PNG", "JPEG", "BMP", "PPM", "TIFF", "GIF")
}


@given(st.sampled_from(sorted(IMAGES)), st.floats(0, 1), st.integers(0, 255), st.sampled_from(["flip", "cut", "lose"]))
def test_damaged_images_are_read_or_refused_never_a_traceback(
    place: Path, kind: str, where: float, value: int, how: str
) -> None:
    file = io.BytesIO()
    IMAGES[kind].save(file, kind)
    whole = file.getvalue()
    at = int(where * (len(whole) - 1))
    tail = {"flip": bytes([value]) + whole[at + 1 :], "cut": b"", "lose": whole[at + 3 :]}[how]
    place.write_bytes(whole[:at] + tail)
    refusal, pixels = "", np.zeros(0)
    try:
        pixels = decode(str(place)).pixels
    except UserError as error:
        refusal = str(error)
    assert "\n" not in refusal and (refusal or (pixels.dtype == np.uint8 and pixels.ndim == 3))
    if kind == "PNG" and not refusal:  # all of its bytes are protected by checksums
        np.testing.assert_array_equal(pixels, np.asarray(IMAGES[kind]))
