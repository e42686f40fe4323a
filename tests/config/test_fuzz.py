"""Random YAML, values and names: what is accepted is what an independent reading says, all else is one line."""

import math
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iqa_lab.config import SplitConfig, StatisticsConfig, name_fault, read_mapping
from iqa_lab.config.check import make
from iqa_lab.errors import UserError

scalars = st.one_of(
    st.integers(-3, 2**33),
    st.floats(width=32),
    st.booleans(),
    st.none(),
    st.text(max_size=6),
    st.sampled_from(["no", "1e-3", "0x10", ".inf", "test", "", "${oc.env:HOME}", "2026-11-25", "[1]"]),
)
values = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.text(max_size=3), scalars, max_size=2))
keys = st.sampled_from(["resamples", "confidence", "seed", "train", "validation", "test", "part", "sed", ""])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "x.yaml"


def tried(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives, or the one line with which it refuses."""
    try:
        return function(*arguments)
    except UserError as error:
        return error


def is_one_line(found: Any) -> bool:
    """Whether something was refused, in one line."""
    if isinstance(found, UserError):
        assert str(found) and "\n" not in str(found)
        return True
    return False


def is_number(value: Any, low: float, high: float, whole: bool = True) -> bool:
    kinds = int if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high


@given(st.dictionaries(keys, values, max_size=3))
def test_settings_of_statistics_are_what_the_file_says_or_refused(place: Path, written: dict[str, Any]) -> None:
    place.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    made = tried(lambda: make(StatisticsConfig, read_mapping(place, "statistics")))
    if is_one_line(made):
        return
    assert set(written) <= {"resamples", "confidence", "seed"}
    for key, value in written.items():
        assert getattr(made, key) == value, (key, value, made)
    assert is_number(made.resamples, 10, 100_000) and is_number(made.seed, 0, 2**32 - 1)
    assert is_number(made.confidence, 1e-9, 1 - 1e-9, whole=False)


@given(st.fixed_dictionaries({}, optional={name: st.one_of(st.floats(0, 1), values) for name in ("train", "test")}))
def test_shares_of_a_split_add_up_or_are_refused(place: Path, written: dict[str, Any]) -> None:
    place.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    made = tried(lambda: make(SplitConfig, read_mapping(place, "split")))
    if is_one_line(made):
        return
    shares = [made.train, made.validation, made.test]
    assert all(is_number(share, 0, 1, whole=False) for share in shares) and math.isclose(sum(shares), 1, abs_tol=1e-6)
    assert make(SplitConfig, asdict(made)) == made


@given(st.one_of(st.binary(max_size=120), st.text("a:-[]{}&*!|>#'\"\n\t 1.", max_size=60).map(str.encode)))
def test_random_files_are_read_as_yaml_reads_them_or_refused(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    found = tried(read_mapping, place, "configuration")
    if is_one_line(found):
        return
    expected = yaml.safe_load(content.decode("utf-8")) or {}
    assert {str(key) for key in found} == {str(key) for key in expected}


@given(
    st.one_of(
        st.text(max_size=70), st.text("aZ09._-/\\ ~$\n", max_size=70), st.from_regex(r"[\w.-]{1,70}", fullmatch=True)
    )
)
def test_a_name_that_is_accepted_stays_in_its_folder(name: str) -> None:
    if name_fault(name) is not None:
        return
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) and name[0] not in ".-"
    root = Path("/results").resolve()
    assert (root / name).resolve().parent == root and (root / f"{name}.png").name == f"{name}.png"
