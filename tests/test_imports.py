"""One's own code: its digest follows every edit, and what is imported is what was hashed."""

import warnings
from pathlib import Path

import pytest

from iqa_lab import imports
from iqa_lab.errors import UserError
from iqa_lab.imports import import_module_of, import_object, is_own, source_files, source_imported, source_now

NET = "def net():\n    return {}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def write(home: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


def test_an_edit_within_a_second_and_of_the_same_size_is_hashed_and_imported(home: Path) -> None:
    for number in (1, 2, 3):  # Python's compiled files would tell them apart by whole seconds and sizes only
        write(home, {"own_a.py": NET.format(number)})
        digest = source_now("own_a.net")
        assert import_object("own_a.net", "x")() == number and source_imported("own_a.net") == digest
    write(home, {"own_a.py": NET.format(4)})
    assert source_imported("own_a.net") == digest != source_now("own_a.net")  # of what runs, and of what is there


@pytest.mark.parametrize(
    ("files", "edited"),
    [
        ({"own_b.py": "from own_b_part import net\n", "own_b_part.py": NET.format(1)}, "own_b_part.py"),
        ({"own_c/__init__.py": "", "own_c/m.py": "from . import part\nnet = part.net\n",
          "own_c/part.py": NET.format(1)}, "own_c/part.py"),
        ({"own_d/__init__.py": "SIZE = 1\n", "own_d/m.py": "from own_d import SIZE\ndef net(): return SIZE\n"},
         "own_d/__init__.py"),
        ({"own_e/m.py": "from .deep.part import net\n", "own_e/deep/part.py": NET.format(1)}, "own_e/deep/part.py"),
        ({"own_f.py": "def net():\n    import own_f_late\n    return own_f_late.net()\n",
          "own_f_late.py": NET.format(1)}, "own_f_late.py"),
        ({"own_g.py": "import own_h\nnet = own_h.net\n", "own_h.py": "import own_g\n" + NET.format(1)}, "own_h.py"),
    ],
)  # fmt: skip
def test_what_one_s_own_code_imports_counts(home: Path, files: dict[str, str], edited: str) -> None:
    write(home, files)
    last = [name for name in files if name.endswith("/m.py")] or list(files)[:1]
    module = last[0].removesuffix(".py").replace("/", ".")
    before = source_now(f"{module}.net")
    assert import_object(f"{module}.net", "x") is not None
    (home / edited).write_text(files[edited].replace("1", "2") + "# edited\n")
    assert source_now(f"{module}.net") not in (None, before)
    import_object(f"{module}.net", "x")
    assert source_imported(f"{module}.net") == source_now(f"{module}.net")


def test_what_is_installed_does_not_count_and_nothing_is_run(home: Path) -> None:
    write(home, {"own_i.py": "import json, torch, iqa_lab.unit\nraise SystemExit\n"})
    assert set(source_files("own_i")) == {"own_i"} and source_now("own_i.net") is not None
    assert source_now("no_such_module.net") is None and source_now("own_i_none.a.b.net") is None
    assert is_own("own_i.net") and not is_own("timm.create_model") and not is_own("plain")


@pytest.mark.parametrize("text", ["def net(:\n", "raise RuntimeError('no')\n", "1 / 0\n", "\0", "import no_such\n"])
def test_a_module_that_cannot_be_imported_is_one_line(home: Path, text: str) -> None:
    write(home, {"own_bad.py": text})
    with pytest.raises(UserError, match="x=own_bad.net cannot be imported: "):
        import_object("own_bad.net", "x")
    with pytest.raises(UserError, match="x=own_bad cannot be imported: "):
        import_module_of("own_bad", "x")
    source_now("own_bad.net")  # says nothing


def test_another_module_of_the_same_name_is_another_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        home = tmp_path / str(number)
        write(home, {"own_twin.py": NET.format(number)})
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(home))
            assert import_object("own_twin.net", "x")() == number
            assert source_imported("own_twin.net") == source_now("own_twin.net")


@pytest.mark.parametrize("known", [True, False], ids=["a package of the table", "one's own"])
@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("IProgress not found. Please update jupyter and ipywidgets. See https://ipywidgets.readthedocs.io", False),
        ("this constructor is deprecated", True),
    ],
)
def test_a_notebook_is_not_told_of_widgets_when_a_package_is_imported(
    home: Path, monkeypatch: pytest.MonkeyPatch, known: bool, said: str, heard: bool
) -> None:
    name = f"loud_{'known' if known else 'own'}_{'heard' if heard else 'quiet'}"
    write(home, {f"{name}.py": f"import warnings\nwarnings.warn({said!r})\n{NET.format(1)}"})
    if known:
        monkeypatch.setattr(imports, "KNOWN", (*imports.KNOWN, name))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert import_object(f"{name}.net", "x")() == 1
    assert [str(one.message) for one in caught] == ([said] if heard else [])
