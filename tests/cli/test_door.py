"""The command line at its edges: flags anywhere, folders that are none, outputs that cannot be written, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.cli.arguments import own_folder, split
from iqa_lab.errors import UnitFailed, UserError
from tests.conftest import ROOT, Finished

Command = Callable[..., Finished]
COMMAND = [sys.executable, "-m", "iqa_lab"]


@pytest.mark.parametrize(
    ("arguments", "plain", "flags"),
    [
        (["--config-dir", "x", "a=1", "b=2"], ["a=1", "b=2"], ["--config-dir", "x"]),
        (["a=1", "--config-dir", "x", "b=2"], ["a=1", "b=2"], ["--config-dir", "x"]),
        (["a=1", "-cd", "x", "-m", "b=2"], ["a=1", "b=2"], ["-cd", "x", "-m"]),
        (["--config-dir=x", "a=1"], ["a=1"], ["--config-dir=x"]),
        (["--info", "a=1"], ["a=1"], ["--info"]),
        (["--info", "defaults", "a=1"], ["a=1"], ["--info", "defaults"]),
        (["--cfg", "job", "a=-1"], ["a=-1"], ["--cfg", "job"]),
        (["~a", "+b=1"], ["~a", "+b=1"], []),
        ([], [], []),
    ],
)
def test_flags_may_stand_anywhere(arguments: list[str], plain: list[str], flags: list[str]) -> None:
    assert split(arguments) == (plain, flags)
    assert (own_folder(flags) == Path("x")) == any("x" in flag for flag in flags)


@pytest.mark.parametrize("flag", ["--config-dir", "-cd", "--cfg", "-c", "--config-name"])
def test_a_flag_without_its_value(flag: str) -> None:
    with pytest.raises(UserError, match=f"{flag} needs a value"):
        split(["a=1", flag])


@pytest.mark.parametrize(("command", "flag"), [("report", "--out"), ("sweep", "--retry"), ("results", "--where")])
def test_a_flag_of_ours_without_its_value(iqa_lab: Command, command: str, flag: str) -> None:
    done = iqa_lab(command, flag)
    assert done.code == 2 and flag in done.error_line and "requires an argument" in done.error_line


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine" / "goal"
    folder.mkdir(parents=True)
    (folder / "sharpness.yaml").write_text("name: sharpness\ndescription: x\nfamily: none\nsupervision: none\n")
    return folder.parent


def test_a_folder_of_ones_own_before_between_and_after(iqa_lab: Command, mine: Path) -> None:
    own = ["--config-dir", str(mine)]
    for arguments in ([*own, "goal=sharpness"], ["goal=sharpness", *own], ["dataset=none", *own, "goal=sharpness"]):
        done = iqa_lab("run", *arguments, "--cfg", "job")
        assert done.code == 0 and "name: sharpness" in done.out, done.err
    assert "sharpness" in [row["name"] for row in json.loads(iqa_lab("list", "goals", *own, "--json").out)]
    planned = iqa_lab("sweep", *own, "goal=sharpness,clip", "dataset=imagenet1k", "--dry-run")
    assert planned.code == 2 and "every cell of this grid is empty" in planned.error_line
    said = iqa_lab("report", *own, "nowhere", "benchmark=table")  # the folder of the flag is not taken for the results
    assert said.code == 2 and "results=nowhere" in said.error_line, said.err


@pytest.mark.parametrize(
    "command",
    [["run"], ["sweep"], ["status"], ["list", "goals"], ["list", "weights"], ["fetch", "benchmark=csiq"],
     ["explain", "a.png", "b.png"]],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("content", [None, "name: no\n", "name: [broken", "name: ../x\n", "a: &a [*a]\n"])
def test_a_folder_that_cannot_be_used_is_one_line_in_every_command(
    iqa_lab: Command, mine: Path, command: list[str], content: str | None
) -> None:
    if content is not None:
        (mine / "goal" / "bad.yaml").write_text(content)
    folder = mine if content is not None else mine / "nowhere"
    done = iqa_lab(*command, "--config-dir", str(folder))
    assert done.code == 2 and str(folder) in done.error_line


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["architecture.argument={a: 1}"], "no key architecture.argument; the nearest are architecture.arguments"),
        (["benchmark.split={prt: train}"], "no key benchmark.split.prt; the nearest are benchmark.split.part"),
        (["readouts.plain.argments.a=1"], "the nearest are readouts.plain.arguments"),
        (["readouts=lpips"], "readouts are chosen with readout=lpips; several: readout=[plain,mean]"),
        (["readouts=[plain,mean]"], "readouts are chosen with readout="),
        (["readouts.gram.arguments={a: 1}"], "this run has no readout gram: choose it with readout="),
        (["weights.renames={'^a': b}"], "keys of a dictionary are written without quotes"),
        (["weights.input.order=gbr"], "weights.input.order=gbr: choose rgb, bgr or lightness"),
        (["benchmark.name=../../x"], "a name does not begin with a dot"),
        (["statistics.confidence=nan", "-m"], "statistics.confidence=nan"),
        (["benchmark.split.train=.9"], "the shares add up to 1.3"),
        (["benchmark.split.train=.9", "-m"], "the shares add up to 1.3"),
        (["weights.input.mean=[.5]", "-m", "architecture=alexnet,vgg16"], "order=rgb takes three numbers"),
    ],
)
def test_wrong_overrides_never_suggest_what_was_typed(iqa_lab: Command, overrides: list[str], said: str) -> None:
    done = iqa_lab("run", *overrides)
    assert done.code == 2 and said in done.error_line, done.err
    key = overrides[0].partition("=")[0]
    assert f"nearest are {key}," not in done.error_line and not done.error_line.endswith(f" {key}")


def test_dictionaries_need_no_plus_in_a_sweep(iqa_lab: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("iqa_lab.cli.sweep.plan_view", lambda plan, *_: seen.extend(plan.units) or "planned")
    done = iqa_lab("sweep", "goal=untrained", "dataset=none", "architecture=alexnet,vgg11", "--dry-run",
                   "architecture.arguments={dropout: 0.25},{dropout: 0.5}", "benchmark=table")  # fmt: skip
    assert done.code == 0, done.err
    found = sorted((one.unit.cell.architecture, one.unit.config().architecture.arguments["dropout"]) for one in seen)
    assert found == [("alexnet", 0.25), ("alexnet", 0.5), ("vgg11", 0.25), ("vgg11", 0.5)]


@pytest.mark.parametrize("command", [["list", "weights"], ["--help"], ["list", "goals", "--json"]], ids=" ".join)
def test_an_output_that_cannot_be_written_is_one_line(command: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *command], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 2 and done.stderr == "iqa-lab: standard output: No space left on device\n"


@pytest.mark.parametrize("command", ["list weights --json", "list goals"])
def test_a_reader_that_has_enough_ends_it_quietly(command: str) -> None:
    process = subprocess.Popen(
        [*COMMAND, *command.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and err == ""


@pytest.mark.parametrize("seconds", [0, 0.2, 0.5])
def test_ctrl_c_in_the_first_second_is_one_line(seconds: float, tmp_path: Path) -> None:
    """From the first import of the command on: how long Python itself takes until then is the machine's affair."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "iqa_lab", "run", "goal=untrained", "dataset=none",
         "architecture=vgg19"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stderr is not None
    said = iter(process.stderr.readline, "")
    assert any("| iqa_lab.cli.main" in line for line in said) and "import time" in next(said)  # it has begun
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and err.splitlines()[-1].startswith("iqa-lab: interrupted"), err[-3000:]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ("iqa_lab.cli.listing.print_long", ["list", "goals"]),
        ("iqa_lab.cli.hydra.checked_unit", ["run", "goal=untrained", "dataset=none"]),
        ("iqa_lab.networks.fetch.fetch_weights", ["fetch", "goal=classification"]),
    ],
)
def test_ctrl_c_in_code_that_is_made_on_the_way_has_the_same_exit_code(
    where: str, arguments: list[str], tmp_path: Path
) -> None:
    """Python remembers a KeyboardInterrupt that left an exec(), and would end by the signal."""
    (tmp_path / "command.py").write_text(
        f"import importlib\nfrom unittest import mock\nfrom iqa_lab.cli.main import main\n"
        f"module, _, name = {where!r}.rpartition('.')\n"
        "with mock.patch.object(importlib.import_module(module), name, lambda *_: exec('raise KeyboardInterrupt')):\n"
        f"    main({arguments})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    command = [sys.executable, "-m", "command"]  # as the command is started: Python asks for it at the end of a module
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("iqa-lab: interrupted: "), done.stderr


def masked(*covers: BaseException, cleared: bool = False) -> BaseException:
    """Ctrl-C, under the errors that code raised on its way out; omegaconf clears the causes of its own."""
    error: BaseException = KeyboardInterrupt()
    for cover in covers:
        cover.__context__ = error
        if cleared:
            cover.__cause__ = None
        error = cover
    return error


MASKED = {
    "as it is": masked(),
    "an attribute": masked(AttributeError("flags")),
    "deep": masked(AttributeError("flags"), ValueError("x"), RuntimeError("y")),
    "cleared": masked(AttributeError("flags"), OmegaConfBaseException("flags"), cleared=True),
    "the system": masked(OSError(28, "No space left on device", "results/x")),
    "a pipe": masked(BrokenPipeError()),
    "a user's": masked(OSError(5, "I/O error"), UserError("x.png is damaged")),
    "a unit's": masked(UnitFailed("no finite numbers")),
    "foreseen": masked(MemoryError()),
    "of usage": masked(typer.BadParameter("x")),
    "typer's": masked(typer.Abort()),
}


@pytest.mark.parametrize("error", MASKED.values(), ids=MASKED)
@pytest.mark.parametrize("where", ["iqa_lab.cli.listing.print_long", "iqa_lab.cli.commands.call"])
def test_ctrl_c_under_another_error_is_one_line(
    iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, where: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(where, fail)
    done = iqa_lab("list", "goals")
    assert done.code == 2 and done.error_line.startswith("iqa-lab: interrupted: ")


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ("iqa_lab.networks.verify._file_of", ("verify", "goal=classification", "architecture=alexnet")),
        ("iqa_lab.cli.verify.load_benchmark", ("verify", "benchmark=levels")),
        ("iqa_lab.networks.fetch.find_weights_file", ("fetch", "goal=classification", "architecture=alexnet")),
        ("iqa_lab.benchmarks.fetch.load_benchmark", ("fetch", "benchmark=levels")),
    ],
)
def test_ctrl_c_under_an_error_of_use_does_not_go_on_with_the_next(
    iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, where: str, arguments: tuple[str, ...]
) -> None:
    def fail(*_: object) -> None:
        raise masked(OSError(5, "I/O error"), UserError("it is damaged"))

    monkeypatch.setattr(where, fail)
    monkeypatch.setattr("iqa_lab.cli.verify.is_present", lambda _: True)
    done = iqa_lab(*arguments)
    assert done.code == 2 and done.error_line.startswith("iqa-lab: interrupted: ")


def test_a_fault_of_ours_is_no_interrupt(iqa_lab: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        try:
            raise ValueError("x")
        except ValueError as error:
            raise AttributeError("flags") from error

    monkeypatch.setattr("iqa_lab.cli.listing.print_long", fail)
    with pytest.raises(AttributeError):
        iqa_lab("list", "goals")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "results/x"), OSError(5, "I/O error")])
def test_whatever_the_disk_says_is_one_line(iqa_lab: Command, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("iqa_lab.cli.listing.print_long", fail)
    done = iqa_lab("list", "goals")
    assert done.code == 2 and str(error.strerror) in done.error_line


def test_the_entry_point_imports_nothing_heavy() -> None:
    heavy = ("torch", "hydra", "pandas", "typer", "rich")
    code = f"import sys, iqa_lab.cli.main; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip() == "[]"
