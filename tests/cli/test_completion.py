"""Tab: what may stand where, that nothing heavy is imported for it, and that shells show it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from iqa_lab.cli.app import flags_of
from iqa_lab.cli.commands import app
from iqa_lab.cli.completion import _flags_by_command, _schema, candidates, parsed
from iqa_lab.cli.groups import GROUPS, KINDS
from iqa_lab.cli.shells import install, named, script
from iqa_lab.config import Config
from iqa_lab.config.messages import _all_keys
from iqa_lab.errors import UserError
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("words", "last", "among"),
    [
        ([], "", ["run", "sweep", "list", "completion"]),
        ([], "re", ["report", "results"]),
        ([], "--v", ["--version"]),
        (["run"], "", [f"{group}=" for group in GROUPS]),
        (["run"], "archi", ["architecture="]),
        (["run"], "benchmark", ["benchmark=", "benchmark."]),
        (["run"], "benchmark.", ["benchmark.path=", "benchmark.split."]),
        (["run"], "benchmark.split.p", ["benchmark.split.part="]),
        (["run"], "benchmark.opinion=", ["benchmark.opinion=mos", "benchmark.opinion=dmos"]),
        (["run"], "benchmark.allow_missing=t", ["benchmark.allow_missing=true"]),
        (["run"], "benchmark.headline=a", ["benchmark.headline=agreement", "benchmark.headline=average_precision"]),
        (["run"], "readout=[plain,lp", ["readout=[plain,lpips"]),
        (["run"], "+precision=b", ["+precision=bf16"]),
        (["run"], "readouts.plain.sym", ["readouts.plain.symmetric="]),
        (["run"], "readouts.plain.symmetric=", ["readouts.plain.symmetric=true", "readouts.plain.symmetric=false"]),
        (["run", "goal=dino"], "weights=d", ["weights=dino/"]),
        (["run", "architecture=resnet50"], "weights=resnet50.v2", ["weights=resnet50.v2"]),
        (["sweep"], "architecture=alexnet,vgg19", ["architecture=alexnet,vgg19", "architecture=alexnet,vgg19_bn"]),
        (["sweep"], "--re", ["--retry"]),
        (["sweep", "--retry"], "", ["failed", "all"]),
        (["status"], "--w", ["--watch"]),
        (["report"], "experiment=qu", ["experiment=quick"]),
        (["list"], "", list(KINDS)),
        (["list", "benchmarks"], "tid", ["tid2008", "tid2013"]),
        (["list", "weights"], "goal=jig", ["goal=jigsaw"]),
        (["fetch"], "benchmark=csi", ["benchmark=csiq"]),
        (["results", "--where"], "b", ["benchmark="]),
        (["completion"], "", ["bash", "zsh", "fish"]),
    ],
)
def test_what_may_stand_there(words: list[str], last: str, among: list[str]) -> None:
    found = candidates(words, last)
    assert set(among) <= set(found) and all(one.startswith(last) for one in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("words", "last"),
    [(["explain"], "lake"), (["run", "--config-dir"], "mi"), (["run"], "benchmark.path=pa"), (["rum"], ""),
     (["run"], "goal=nothing"), (["results"], "res")],
)  # fmt: skip
def test_where_a_file_may_stand_the_shell_is_left_to_it(words: list[str], last: str) -> None:
    assert candidates(words, last) == []


def test_a_folder_of_ones_own_is_among_them(tmp_path: Path) -> None:
    (tmp_path / "goal").mkdir()
    (tmp_path / "goal" / "sharpness.yaml").write_text("name: sharpness\n")
    for flag in (["--config-dir", str(tmp_path)], [f"--config-dir={tmp_path}"]):
        assert candidates(["run", *flag], "goal=sharp") == ["goal=sharpness"]
    assert candidates(["run"], "goal=sharp") == []


def test_the_keys_are_those_of_the_schema_and_the_flags_those_of_the_commands() -> None:
    leaves = {key for key in _schema().keys if "*" not in key}
    every = _all_keys(Config)
    inner = {key for key in every if any(other.startswith(f"{key}.") for other in every)} | {"readouts"}
    assert leaves == every - inner
    assert _schema().words["precision"] == ("fp32", "tf32", "bf16")
    group = typer.main.get_command(app)
    context = group.make_context("iqa-lab", ["--version"], resilient_parsing=True)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        known = {flag: value for flag, value in flags_of(command, context).items() if flag.startswith("--")}
        assert _flags_by_command()[name] == known, name
    assert list(_flags_by_command()) == list(group.commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "words", "last", "quoted"),
    [
        ("iqa-lab run 'readout=[plain,", ["run"], "readout=[plain,", True),
        ("A=1 .venv/bin/iqa-lab run x ", ["run", "x"], "", False),
        ("ls; iqa-lab list we", ["list"], "we", False),
        ('iqa-lab run benchmark.path="my file', ["run"], "benchmark.path=my file", True),
        ("iqa-lab run my\\ f", ["run"], "my f", False),
        ("", [], "", False),
    ],
)
def test_a_line_is_read_as_a_shell_reads_it(line: str, words: list[str], last: str, quoted: bool) -> None:
    assert parsed(line) == (words, last, quoted)


def asked(shell: str, line: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "_IQA_LAB_COMPLETE": shell, "_IQA_LAB_LINE": line}
    return subprocess.check_output([sys.executable, "-m", "iqa_lab"], text=True, env=environment).splitlines()


def test_a_shell_is_answered_without_anything_heavy() -> None:
    assert asked("zsh", "iqa-lab run goal=clip") == ["goal=clip"] and asked("bash", "iqa-lab run goal=clip") == ["clip"]
    assert asked("bash", "iqa-lab explain lake") == []
    code = (
        "import sys; from iqa_lab.cli.completion import candidates; candidates(['run'], ''); candidates([], '');"
        "candidates(['sweep'], '--'); candidates(['run'], 'weights=');"
        "print([name for name in ('torch', 'hydra', 'omegaconf', 'pandas', 'typer', 'rich') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip() == "[]"


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("iqa-lab sw", ["sweep"]),
        ("iqa-lab run goal=clus", ["clusterfit"]),
        ("iqa-lab run 'readout=[plain,lp", ["readout=[plain,lpips"]),
        ("iqa-lab status --wa", ["--watch"]),
    ],
)
def test_a_real_bash_completes(tmp_path: Path, line: str, replies: list[str]) -> None:
    program = tmp_path / "iqa-lab"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m iqa_lab "$@"\n')
    program.chmod(0o755)
    asks = f'{script("bash")}\nCOMP_LINE="$1"; COMP_POINT=${{#COMP_LINE}}; compopt() {{ :; }}\n_iqa_lab "$2"\n'
    done = subprocess.run(
        ["bash", "-c", asks + 'printf "%s\\n" "${COMPREPLY[@]}"', "bash", line, str(program)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == replies


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_ones_that_their_shells_can_read(shell: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(script(shell))
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    assert subprocess.run([shell, "-n", file], capture_output=True, text=True).stderr == ""


def test_installing_twice_adds_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / ".bashrc").write_text("alias ll='ls -l'")  # without a line end
    for shell in ("bash", "zsh", "fish", "bash"):
        assert "new shells complete iqa-lab" in install(shell)
    first, second = (tmp_path / ".bashrc").read_text().splitlines()
    assert first == "alias ll='ls -l'" and "completion.bash" in second
    assert (tmp_path / ".config" / "fish" / "completions" / "iqa-lab.fish").is_file()
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert named(None) == "zsh" and named("bash") == "bash"
    with pytest.raises(UserError, match="no completion for tcsh"):
        named("tcsh")
