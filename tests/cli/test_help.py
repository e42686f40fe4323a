"""Every command explains itself on one screen, and refuses a flag that it does not know."""

import re
import shlex
from collections.abc import Callable

import pytest
import typer

from iqa_lab.cli.app import GridCommand
from iqa_lab.cli.commands import app
from iqa_lab.cli.groups import GROUPS, number_of_options
from tests.conftest import Finished, composed

Command = Callable[..., Finished]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def examples(text: str) -> list[list[str]]:
    lines = text.partition("Examples:\n")[2].splitlines()
    return [shlex.split(line.partition("   ")[0].strip() if "   " in line.strip() else line)[1:] for line in lines]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_a_command_explains_itself(iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = [name] if name else []
    short, long = iqa_lab(*words, "-h"), iqa_lab(*words, "--help")
    assert short.code == 0 and short.out == long.out
    lines = short.out.splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= 80
    assert "Usage: iqa-lab" in short.out and "Options:" in short.out and "powered by" not in short.out
    found = examples(short.out)
    assert len(found) == 3
    for example in found:
        assert example[0] == name or (not name and example[0] in COMMANDS)
        if example[0] in ("run", "sweep", "explain", "submit"):
            overrides = [word for word in example[1:] if re.match(r"[a-z.]+=", word) and "glob(" not in word]
            composed(*(re.sub(r"^([^\[{]*?),.*", r"\1", one) for one in overrides if not one.startswith("hydra")))
        given = {word.partition("=")[0] for word in example if word.startswith("--")}
        assert given <= {opt for param in COMMANDS[example[0]].params for opt in param.opts}
    if name and isinstance(COMMANDS[name], GridCommand):
        for group in GROUPS:
            assert re.search(rf"{group}= +{number_of_options(group)} ", short.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--watch"], "iqa-lab run has no --watch: it is a flag of iqa-lab status"),
        (["run", "--frce"], "iqa-lab run has no --frce: the nearest is --force"),
        (["run", "goal=untrained", "--dryrun"], "the nearest is --dry-run"),
        (["sweep", "--retri", "failed"], "the nearest is --retry"),
        (["status", "--dry-run"], "it is a flag of iqa-lab"),
        (["submit", "--watch"], "it is a flag of iqa-lab status"),
        (["report", "--recompte"], "the nearest is --recompute"),
        (["explain", "a.png", "b.png", "--ot", "x"], "the nearest is --out"),
        (["results", "--cvs"], "the nearest is --csv"),
        (["list", "goals", "--jsn"], "the nearest is --json"),
        (["fetch", "--force"], "it is a flag of iqa-lab"),
        (["run", "-x"], "iqa-lab run has no -x"),
        (["run", "--frce=1"], "the nearest is --force"),
        (["rum"], "there is no command rum; the nearest are run"),
        (["--versoin"], "--versoin"),
    ],
)
def test_what_a_command_does_not_know_is_refused_by_name(iqa_lab: Command, arguments: list[str], said: str) -> None:
    done = iqa_lab(*arguments)
    assert done.code == 2 and said in done.error_line and done.out == ""


def test_hydras_own_flags_still_work(iqa_lab: Command) -> None:
    for name in ("run", "sweep"):
        assert "--config-name" in iqa_lab(name, "--hydra-help").out
    shown = iqa_lab("run", "goal=clip", "--cfg", "job", "--package", "goal")
    assert shown.code == 0 and "name: clip" in shown.out and "architecture" not in shown.out
