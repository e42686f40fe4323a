"""What the checks of the launchers share: a small real sweep, and what has to be true at its end."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import iqa_lab

# a minute of work: thirty-two units of one to five seconds
SWEEP = [
    "goal=baseline,untrained", "dataset=none", "architecture=psnr,ssim_gray,squeezenet1_1,shufflenet_v2_x0_5",
    "preprocess.resize=64,80,96,112,128,144,160,176", "readout=plain,mean", "layers=[0,1]", "statistics.resamples=50",
    "tracker=none", "benchmark=levels", "runtime.device=cpu",
]  # fmt: skip
UNITS = 32


def command(name: str, *arguments: str) -> list[str]:
    """``iqa-lab NAME`` of this environment."""
    return [sys.executable, "-m", "iqa_lab", name, *SWEEP, *arguments]


def finished(results: Path) -> int:
    """How many units are done."""
    return len(list(results.glob("levels/*/*/result.json")))


def wait_for(condition: Callable[[], object], what: str, seconds: float = 180) -> None:
    """Come back when something has become true.

    Raises:
        TimeoutError: it has not.
    """
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def call(arguments: Sequence[str], **options: object) -> str:
    """What a command prints; its errors are shown."""
    done = subprocess.run(arguments, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return str(done.stdout)


def check_complete(results: Path) -> None:
    """Nothing, if every unit is done, once, and the table holds all of them."""
    assert finished(results) == UNITS, f"{finished(results)} of {UNITS} units are done"
    table = iqa_lab.results(results)
    assert table["unit"].nunique() == UNITS
    assert not table[["srcc", "n"]].isna().any().any()
    assert not list(results.rglob(".unfinished-*"))
