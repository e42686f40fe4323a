"""What a sweep costs besides its units: `make bench-sweep`, or `python bench/sweep.py --cells 10000`.

A simulated grid: networks are files of weights in a configuration folder that is made for it, benchmarks are copies of
a small table, and units cost nothing: their results are written by a function instead of a pass. Everything else is
what a user's sweep runs: planner, ledger, claims, store, index.
"""

import argparse
import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

import iqa_lab
from iqa_lab.cli import main as cli
from iqa_lab.config import configuration_folder
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.signature import signature
from iqa_lab.sweep import work
from iqa_lab.sweep.compose import Unit
from iqa_lab.sweep.ledger import Record, code_now, facts_of_result, statistics_of

LAYERS, READOUTS = 15, ("plain", "lpips", "mean")


def make_grid(folder: Path, networks: int, benchmarks: int) -> None:
    """A configuration folder with that many trainings of one architecture, and benchmarks that are a table each."""
    weights = configuration_folder() / "weights" / "classification" / "imagenet1k" / "squeezenet1_1.yaml"
    content = yaml.safe_load(weights.read_text(encoding="utf-8"))
    home = folder / "conf" / "weights" / "classification" / "imagenet1k"
    home.mkdir(parents=True)
    for number in range(networks):
        recipe = {**content, "recipe": f"run{number:05}", "source": f"folder:run{number:05}.pth"}
        (home / f"squeezenet1_1.run{number:05}.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    small = folder / "data"
    small.mkdir()
    for name in ("r.png", "d.png"):
        Image.fromarray(np.full((32, 32, 3), ord(name[0]), np.uint8)).save(small / name)
    table = yaml.safe_load((configuration_folder() / "benchmark" / "table.yaml").read_text(encoding="utf-8"))
    (folder / "conf" / "benchmark").mkdir()
    for number in range(benchmarks):
        (small / f"{number}.csv").write_text(f"reference,distorted,opinion\nr.png,d.png,{number}\n", encoding="utf-8")
        option = {**table, "name": f"table{number}", "path": str(small / f"{number}.csv")}
        (folder / "conf" / "benchmark" / f"table{number}.yaml").write_text(yaml.safe_dump(option), encoding="utf-8")


def simulated(unit: Unit, group: str, number: int, again: bool) -> Record:
    """In place of a pass: a result of usual size, written by the store, and what the ledger keeps of it."""
    del group, number, again
    config = unit.config()
    name = unit.cell.weights or ""
    folder = Path(config.results) / unit.benchmark / unit.cell.name / signature({"of": [name, unit.benchmark]})
    rows = [
        {"benchmark": unit.benchmark, "goal": unit.cell.goal, "dataset": unit.cell.dataset, "weights": name,
         "architecture": unit.cell.architecture, "layer": f"layer{layer}", "depth": layer / LAYERS,
         "readout": readout, "n": 3000, "srcc": 0.7, "srcc_low": 0.65, "srcc_high": 0.75, "plcc": 0.7, "krcc": 0.5}
        for readout in READOUTS
        for layer in range(LAYERS)
    ]  # fmt: skip
    columns = {
        f"{row['readout']}@{row['layer']}": {key: row[key] for key in ("layer", "depth", "readout")} for row in rows
    }
    scores = pd.DataFrame(
        {"reference": ["r.png"], "distorted": ["d.png"], **{name: [np.float32(1)] for name in columns}}
    )
    hashed = {"index_digest": DIGESTS[unit.benchmark], "code": code_now(unit)}
    facts = {"signature": folder.name, "hashed": hashed, "statistics": statistics_of(unit)}
    UnitFolder(folder).write(scores, columns, facts, "", lambda *_: pd.DataFrame(rows))
    return {
        "folder": str(folder.relative_to(config.results)), "signature": folder.name,
        **facts_of_result(folder), "made_of": {"weights_file": None, **hashed},
        "forwards": 1, "seconds": 0.001, "peak_memory_mib": 900,
        "headline": {"best_layer": "layer0", "best_readout": "plain", "srcc_best": 0.7},
    }  # fmt: skip


DIGESTS: dict[str, str] = {}


def run(*arguments: str) -> str:
    """What a command prints, in this process."""
    said, error = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(error):
            cli.main(list(arguments))
    except SystemExit as leave:
        if leave.code:
            sys.exit(error.getvalue()[-2000:])
    return said.getvalue()


@dataclass(frozen=True)
class Line:
    """One measurement; a machine that others use too makes the seconds long, not those of the processor."""

    what: str
    units: int
    seconds: float
    processor: float
    mib: int | None
    target: float | None

    def __str__(self) -> str:
        target = f" (target {self.target:g} s)" if self.target else ""
        memory = f", {self.mib} MiB" if self.mib else ""
        return f"{self.what}: {self.seconds:.3f} s{target}, {self.processor:.3f} s of processor{memory}"


@contextmanager
def timed(lines: list[Line], what: str, units: int, target: float | None) -> Iterator[None]:
    """One line, of what is done in this process."""
    before = time.perf_counter(), time.process_time()
    yield
    seconds, processor = time.perf_counter() - before[0], time.process_time() - before[1]
    add(lines, Line(what, units, seconds, processor, None, target))


def add(lines: list[Line], line: Line) -> None:
    """Keep a line and show it."""
    lines.append(line)
    print(line, flush=True)


def in_a_process(folder: Path, *arguments: str) -> tuple[float, float, int | None]:
    """Seconds, seconds of processor and peak memory (MiB) of a command, started as a person starts it.

    A child's peak begins with its parent's, so that only a larger one is known.
    """
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    command = [sys.executable, "-m", "iqa_lab", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, arguments
    peak = usage.ru_maxrss // 1024 if usage.ru_maxrss > own + 2**14 else None
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, peak


def measure(folder: Path, networks: int, benchmarks: int) -> list[Line]:
    """All lines, one after the other."""
    lines: list[Line] = []
    cells = networks * benchmarks
    make_grid(folder, networks, benchmarks)
    grid = [
        "--config-dir", str(folder / "conf"), "weights=glob(classification/imagenet1k/squeezenet1_1.run*)",
        "benchmark=" + ",".join(f"table{number}" for number in range(benchmarks)), "tracker=none", "readout=plain",
    ]  # fmt: skip
    add(lines, Line("plan", cells, *in_a_process(folder, "sweep", *grid, "--dry-run"), 10))
    original: Callable[..., Record] = work.compute
    work.compute = simulated
    try:
        with chdir(folder):
            for number in range(benchmarks):
                DIGESTS[f"table{number}"] = _digest(folder, number)
            with timed(lines, "sweep, all units", cells, None):
                run("sweep", *grid)
    finally:
        work.compute = original
    whole, plan = lines[-1], lines[0]  # of the sweep's time the plan's is no unit's
    seconds, processor = ((getattr(whole, key) - getattr(plan, key)) / cells for key in ("seconds", "processor"))
    add(lines, Line("sweep, a unit", 1, seconds, processor, None, 0.1))
    add(lines, Line("the finished sweep again", cells, *in_a_process(folder, "sweep", *grid), 20))
    add(lines, Line("status", cells, *in_a_process(folder, "status"), None))
    add(lines, Line("results, the first time", cells, *in_a_process(folder, "results"), 5))
    add(lines, Line("results, again", cells, *in_a_process(folder, "results"), 5))
    with timed(lines, "iqa_lab.results() in Python", cells, 5):
        rows = len(iqa_lab.results(folder / "results"))
    assert rows == cells * LAYERS * len(READOUTS), rows
    return lines


def _digest(folder: Path, number: int) -> str:
    """The index digest of a benchmark as the planner finds it."""
    from iqa_lab.sweep.benchmarks import benchmark_facts

    option = yaml.safe_load((folder / "conf" / "benchmark" / f"table{number}.yaml").read_text(encoding="utf-8"))
    return benchmark_facts(option, folder / "results").index_digest


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--benchmarks", type=int, default=10)
    parser.add_argument("--keep", action="store_true", help="write the numbers to bench/measured")
    parser.add_argument("--quick", action="store_true", help="three networks on two benchmarks: does it run?")
    options = parser.parse_args()
    if options.quick:
        options.networks, options.benchmarks = 3, 2
    with tempfile.TemporaryDirectory(prefix="iqa-bench-") as folder:
        lines = measure(Path(folder), options.networks, options.benchmarks)
    if options.keep:
        file = Path(__file__).parent / "measured" / f"{date.today()}-sweep.csv"
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        rounded = [{**asdict(line), "seconds": round(line.seconds, 4), "processor": round(line.processor, 4)}
                   for line in lines]  # fmt: skip
        pd.DataFrame(rounded).assign(**machine).to_csv(file, index=False)
        print(f"written to {file}")


if __name__ == "__main__":
    main()
