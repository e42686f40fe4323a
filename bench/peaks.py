"""Peak memory of a fresh process: with ten times the layers, and with ten times the pairs."""

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd

from bench.races import Bench, Line, untrained
from iqa_lab.scoring.memory import peak_memory_mib
from iqa_lab.scoring.score import score

PROGRAM = Path(__file__).with_name("speed.py")


def memory(bench: Bench, images: int, layers: int = 40) -> list[Line]:
    """Peak memory of a fresh process with that many layers and with 4, and with that many pairs and with 100."""

    @cache
    def peak(layers: int, pairs: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "peak"
            command = [sys.executable, str(PROGRAM), "--peak", str(layers), str(pairs), str(out),
                       "--device", bench.settings.device.type]  # fmt: skip
            subprocess.run(command, check=True)
            return float(out.read_text())

    some = min(100, images)
    few, many, more = peak(4, some), peak(layers, some), peak(4, images)
    return [
        Line(f"{layers} layers, {some} pairs, plain", "resnet50", many, few, "4 layers", unit="MiB"),
        Line(f"4 layers, {images} pairs, plain", "resnet50", more, few, f"{some} pairs", unit="MiB"),
    ]


def report_peak(bench: Bench, layers: int, pairs: int, out: Path) -> None:
    """Run one pass and write the most memory that the process has held, in MiB."""
    module = untrained("resnet50")[0].module
    names = [name for name, part in module.named_modules() if name.endswith(("conv1", "conv2", "bn3")) and part]
    chosen = names[:: max(1, len(names) // layers)][:layers]
    network, plan = untrained("resnet50", f"architecture.layers=[{','.join(chosen)}]")
    repeated = pd.concat([bench.pairs] * (1 + pairs // len(bench.pairs)), ignore_index=True).iloc[:pairs]
    repeated = repeated.sort_values("reference_path", kind="stable").reset_index(drop=True)
    score(network, repeated, plan.passed, bench.settings)
    out.write_text(str(peak_memory_mib(bench.settings.device)))
