"""YAML from outside: what would swamp the memory, or is read in two ways, is refused in no time."""

from pathlib import Path

import pytest

from iqa_lab.config import read_mapping, read_yaml
from iqa_lab.config.options import checked_own_folder
from iqa_lab.config.yaml_files import DEEPEST, LARGEST_FILE
from iqa_lab.errors import UserError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MAPPINGS = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{{', '.join(f'k{place}: *{before}' for place in range(9))}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD = {
    "alias bomb": (BOMB, "its aliases stand for more than"),
    "alias bomb of mappings": (MAPPINGS, "its aliases stand for more than"),
    "itself": ("a: &a [*a]\n", "stands inside itself"),
    "deep list": ("a: " + "[" * 100_000, "nested in more than|is no YAML"),
    "deep closed list": ("a: " + "[" * 900 + "]" * 900, "nested in more than"),
    "deep mapping": ("\n".join("  " * depth + "a:" for depth in range(DEEPEST + 5)), "nested in more than"),
    "large": ("a: " + "x" * LARGEST_FILE, "larger than 1 MiB"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "the key a is there twice"),
    "an inner key twice": ("a: {b: 1, b: 2}\n", "the key b is there twice"),
    "an unknown tag": ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
    "a list": ("- a\n", "holds no lines KEY: VALUE"),
    "text": ("hello\n", "holds no lines KEY: VALUE"),
    "two documents": ("a: 1\n---\nb: 2\n", "is no YAML"),
    "a tab": ("a:\n\t- b\n", "is no YAML"),
    "a list as key": ("? [a, b]\n: 1\n", "is no YAML"),
    "an alias of nothing": ("a: *b\n", "undefined alias"),
    "no end": ("a: [1, 2\n", "is no YAML"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_yaml_is_one_line(kind: str, tmp_path: Path) -> None:
    text, said = BAD[kind]
    file = tmp_path / "goal" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(text)
    for read in (read_mapping, lambda _: checked_own_folder(tmp_path)):
        with pytest.raises(UserError, match=said) as error:
            read(file)
        assert "\n" not in str(error.value) and str(file) in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"a: \xe9\n", b"a: \x00\n", b"\x89PNG\r\n"])
def test_what_is_no_text_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(UserError, match="is no YAML"):
        read_mapping(tmp_path / "a.yaml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.yaml", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_mapping(path)


@pytest.mark.parametrize("folder", ["nowhere", "file"])
def test_a_configuration_folder_that_is_none(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="there is no such folder"):
        checked_own_folder(tmp_path / folder)


def test_aliases_in_reason_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: &x {b: 1e-3}\nc: *x\nd: {<<: *x, e: 2020-01-01}\n")
    assert read_yaml(tmp_path / "a.yaml") == {
        "a": {"b": 0.001},
        "c": {"b": 0.001},
        "d": {"b": 0.001, "e": "2020-01-01"},
    }
    (tmp_path / "empty.yaml").touch()
    assert read_mapping(tmp_path / "empty.yaml") == {}
