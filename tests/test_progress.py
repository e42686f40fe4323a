"""Text from outside is printed as it is: nothing in it is markup, nothing moves the cursor."""

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console, Group
from rich.table import Table

from iqa_lab import progress
from iqa_lab.cli.printing import print_rows
from iqa_lab.progress import bytes_bar, plain_console, printable, progress_bar, say, status, track
from iqa_lab.sweep.show import print_view
from tests.conftest import ROOT

HOSTILE = ["[/red]", "[bold]x", "[/]", ":smile:", "[link=http://x]y", "a[b]c[/b]d", "[[x]", "\\[red]", "[@click=x]y[/]"]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_names_is_text(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    table = Table(text, title=text)
    table.add_row(text)
    plain_console().print(text)
    plain_console(soft_wrap=False).print(table)
    print_view(Group(text, table))
    print_rows([{text: text}])
    with status(text):
        say(text, "yellow")
    assert list(track([1, 2], text)) == [1, 2] and list(bytes_bar([b"x"], text, 0, 1)) == [b"x"]
    captured = capfd.readouterr()
    assert captured.out.count(text) == 10 and text in captured.err


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\x07", "a\x9b31m", "a\u202eb", "a\x7f"])
def test_what_would_change_the_terminal_is_shown_as_its_code(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    say(text)
    print_rows([{"name": text}])
    captured = capfd.readouterr()
    for printed in (captured.err, captured.out):
        assert all(one.isprintable() or one == "\n" for one in printed)
    assert printable("two\nlines\té") == "two\nlines\té"


@pytest.mark.parametrize(
    "show",
    [
        lambda: status("building the network").__enter__(),
        lambda: list(track([1, 2], "making")),
        lambda: list(bytes_bar([b"x"], "fetching", 0, 1)),
        lambda: progress_bar("images", rate=True).__enter__().add_task("scoring", total=3),
    ],
    ids=["status", "track", "bytes_bar", "progress_bar"],
)
@pytest.mark.parametrize("widgets", ["missing", "there"])
def test_a_notebook_is_not_told_that_a_package_is_missing(
    show: Callable[[], object], widgets: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "console", Console(stderr=True, force_jupyter=True))
    monkeypatch.setitem(sys.modules, "ipywidgets", None if widgets == "missing" else ModuleType("ipywidgets"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        show()
    assert capfd.readouterr() == ("", "")


SOURCES = sorted((ROOT / "iqa_lab").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "iqa_lab")))
def test_only_progress_makes_consoles_and_nobody_writes_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\[/?(?:bold )?(?:red|yellow|green|bold|dim)\]", text), "say(text, style) colours a line"
    if path.name != "progress.py":
        assert not re.search(r"\bConsole\(|console\.status\(|TextColumn\(", text), "say, status and plain_console do it"
