"""Text from outside is printed as it is: nothing in it is markup, nothing moves the cursor."""

import re
from pathlib import Path

import pytest
from rich.console import Group
from rich.table import Table

from iqa_lab.cli.printing import print_rows
from iqa_lab.progress import bytes_bar, plain_console, printable, say, status, track
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


SOURCES = sorted((ROOT / "iqa_lab").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "iqa_lab")))
def test_only_progress_makes_consoles_and_nobody_writes_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\[/?(?:bold )?(?:red|yellow|green|bold|dim)\]", text), "say(text, style) colours a line"
    if path.name != "progress.py":
        assert not re.search(r"\bConsole\(|console\.status\(|TextColumn\(", text), "say, status and plain_console do it"
