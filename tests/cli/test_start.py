"""What each command imports: torch and its like take seconds, so that no command brings them that need not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Finished

# seconds each; by the commands that have no use for them
TORCH = ("torch", "torchvision", "timm", "numba", "sklearn", "skimage.util", "lpips", "wandb", "statsmodels")
SCIPY = (*TORCH, "scipy.stats", "scipy.optimize")
DRAWING = (*SCIPY, "altair", "vl_convert")
HYDRA = (*DRAWING, "hydra", "requests")
TABLES = (*HYDRA, "pandas", "pyarrow", "numpy")

# In this order in one process, the lightest first: what one brings the next ones have, too.
COMMANDS: list[tuple[str, tuple[str, ...]]] = [
    ("--help", TABLES),
    ("--version", TABLES),
    ("run --help", TABLES),
    ("sweep -h", TABLES),
    ("status -h", TABLES),
    ("results -h", TABLES),
    ("score -h", TABLES),
    ("list -h", TABLES),
    ("completion bash", TABLES),
    ("run --frce", TABLES),
    ("list goals", TABLES),
    ("list datasets", TABLES),
    ("list architectures", TABLES),
    ("list readouts", TABLES),
    ("list experiments", TABLES),
    ("list weights goal=jigsaw", TABLES),
    ("results", HYDRA),
    ("results --csv", HYDRA),
    ("list benchmarks", HYDRA),
    ("run {unit} --cfg job", DRAWING),
    ("run architectur=alexnet", DRAWING),
    ("status {unit}", DRAWING),
    ("sweep {unit} architecture=alexnet,vgg11 --dry-run", DRAWING),
    ("run {unit}", DRAWING),
    ("run {unit} --dry-run", DRAWING),
    ("list layers architecture=squeezenet1_1", DRAWING),
    ("compare {folder}:plain@features.4 {folder}:mean@features.4", TORCH),
    ("report", TORCH),
]
UNIT = (
    "goal=untrained dataset=none architecture=squeezenet1_1 readout=[plain,mean] layers=[features.4] tracker=none "
    "benchmark.references=[chelsea.png] benchmark.distortions=[gaussian_blur] statistics.resamples=20"
)
PROGRAM = """
import sys
from iqa_lab.cli.main import main

for line in sys.stdin.read().splitlines():
    command, _, forbidden = line.partition("|")
    try:
        main(command.split())
        code = 0
    except SystemExit as leave:
        code = leave.code
    print("IMPORTED", code, command, *[name for name in forbidden.split() if name in sys.modules], sep="|", flush=True)
"""


@pytest.fixture
def asked(
    iqa_lab: Callable[..., Finished], levels_home: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[str, list[str]]]:
    """Of each command its exit code, and what of the forbidden it has imported, after one unit was run."""
    monkeypatch.setenv("IQA_LAB_DATA", str(levels_home))
    for command in (["run", *UNIT.split()], ["list", "layers", "architecture=squeezenet1_1"]):
        made = iqa_lab(*command)
        assert made.code == 0, made.err
    (result,) = Path("results").glob("*/*/*/result.json")
    names = {"unit": UNIT, "folder": str(result.parent)}
    lines = "\n".join(f"{command.format(**names)}|{' '.join(forbidden)}" for command, forbidden in COMMANDS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=lines, capture_output=True, text=True, env=environment, check=True
    )
    found = [line.split("|")[1:] for line in done.stdout.splitlines() if line.startswith("IMPORTED|")]
    assert "Nothing to do, the result is in" in done.stdout
    return {command: (code, imported) for code, command, *imported in found}


def test_no_command_imports_what_it_has_no_use_for(asked: dict[str, tuple[str, list[str]]]) -> None:
    assert len(asked) == len(COMMANDS)
    assert {command: imported for command, (_, imported) in asked.items() if imported} == {}
    wrong = {command.split()[1] for command, (code, _) in asked.items() if code != "0"}
    assert wrong == {"--frce", "architectur=alexnet"}
