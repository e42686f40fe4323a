"""How fast the pass is, each line beside its rival in one process: `make bench`, or `python bench/speed.py --help`.

Rounds are interleaved (ours, rival, ours, rival, ...) and the medians are compared, since machines are noisy; read the
ratios, not the times. Networks are untrained: speed does not depend on weights. Images are those of the benchmark
`levels`; our side decodes them from disk, a bare forward gets them decoded. A bare forward stops after the last layer
that the pass reads, as the pass does.
"""

import argparse
import csv
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from bench.columns import columns_of_the_pass, one_pass_a_column
from bench.floors import floors
from bench.moments import moments
from bench.peaks import memory, report_peak
from bench.races import MEASURED, Bench, Line, configured, last_layer, machine, untrained
from bench.rivals import lpips_packages
from bench.ways import batch_sizes, decoding, memory_order, precisions
from iqa_lab.benchmarks import load_benchmark
from iqa_lab.benchmarks.index import examine
from iqa_lab.progress import track
from iqa_lab.scoring.memory import keep_freed_memory
from iqa_lab.scoring.settings import Settings

__all__ = ["MEASURED", "Bench", "configured", "last_layer", "machine", "untrained"]  # bench/gpu.py has them from here

NETWORKS = ("mobilenetv2_tf", "squeezenet1_1", "alexnet", "resnet18", "vgg16")

Job = Callable[[Bench], list[Line]]


def write(lines: list[Line], bench: Bench) -> Path:
    """A dated CSV of all lines, with hardware and versions; returns its place."""
    versions = {
        f"{name}_version": version(name) for name in ("torch", "torchvision", "timm", "numpy", "numba", "lpips")
    }
    facts = {
        "date": date.today().isoformat(),
        "machine": machine(bench.settings.device),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "device": bench.settings.device.type,
        "threads": torch.get_num_threads(),
        "batch_size": bench.settings.batch_size,
        "images": bench.images,
        "size": "384x256",
        "rounds": bench.rounds,
        "clock": bench.clock,
        **versions,
    }
    name = "-".join(facts["machine"].lower().replace("(r)", "").split())
    path = MEASURED / f"{facts['date']}-{name}.csv"
    MEASURED.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["what", "network", "ours", "against", "rival", "unit", "ratio", "target", *facts])
        for line in lines:
            numbers = [round(line.ours, 3), line.against, round(line.rival, 3), line.unit, round(line.ratio, 3)]
            writer.writerow([line.what, line.network, *numbers, line.target or "", *facts.values()])
    return path


def show(lines: list[Line], bench: Bench) -> None:
    """Print the table."""
    view = Table(title=f"{machine(bench.settings.device)}, medians of {bench.rounds} rounds, {bench.images} images")
    for name in ("what", "network", "ours", "rival", "against", "times faster or smaller", "at least"):
        view.add_column(name, justify="right" if name in ("ours", "rival", "at least") else "left")
    for line in lines:
        missed = line.target is not None and line.ratio < line.target
        ratio = f"[yellow]{line.ratio:.2f}[/]" if missed else f"{line.ratio:.2f}"
        unit = line.unit.partition("/")[0]
        target = "" if line.target is None else f"{line.target:.2f}"
        numbers = (f"{line.ours:.1f} {unit}", f"{line.rival:.1f} {unit}")
        view.add_row(line.what, line.network, *numbers, line.against, ratio, target)
    Console(width=None if sys.stdout.isatty() else 170).print(view)


def jobs(networks: Sequence[str], *, quick: bool) -> list[tuple[str, Job]]:
    """What is measured, by the word that ``--only`` takes; each comparison once.

    Args:
        networks: of columns and moments.
        quick: AlexNet in place of all networks, and few images.
    """
    networks, small = (("alexnet",), "alexnet") if quick else (networks, "mobilenetv2_tf")
    of_networks: list[tuple[str, Callable[[Bench, str], list[Line]], Sequence[str]]] = [
        ("columns", columns_of_the_pass, networks),
        ("floors", floors, networks),
        ("moments", moments, networks),
        ("passes", one_pass_a_column, (small,)),
        ("precisions", precisions, ("alexnet",)),
        ("order", memory_order, ("resnet18", small)),
        ("batches", batch_sizes, ("alexnet", small)),
        ("decoding", decoding, (small,)),
    ]
    trunks = [("lpips", trunk) for trunk in (("alex",) if quick else ("alex", "squeeze", "vgg"))]
    rivals = [*trunks, ("piq", "vgg"), ("pyiqa", "squeeze")]
    return [
        *((kind, partial(measure, architecture=name)) for kind, measure, names in of_networks
          for name in dict.fromkeys(names)),
        *(("lpips", partial(lpips_packages, package=package, trunk=trunk)) for package, trunk in rivals),
        ("memory", partial(memory, images=2, layers=4) if quick else partial(memory, images=1000)),
    ]  # fmt: skip


def main() -> None:
    """Measure all lines, print and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--pairs", type=int, default=126, help="of the 350 of the benchmark levels; with two references two batches"
    )
    parser.add_argument("--batch-size", type=int, default=64, help="what `auto` takes of such images")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall",
        help="processor: for a machine that others use, too; with OMP_NUM_THREADS=1, since waiting threads count",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", help="columns, floors, moments, passes, lpips, precisions, order, batches ..."
    )
    parser.add_argument("--quick", action="store_true", help="one network, one round: does it run?")
    parser.add_argument("--peak", nargs=3, metavar=("LAYERS", "PAIRS", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.pairs = min(options.pairs, 1) if options.quick else options.pairs
    warnings.filterwarnings("ignore", module="torchvision", category=UserWarning)  # how other packages call it
    keep_freed_memory()
    # examined, as a run does: then decoding need not verify what it reads
    pairs = examine(load_benchmark(configured().benchmark)).pairs.iloc[: options.pairs].reset_index(drop=True)
    settings = Settings(device=torch.device(options.device), batch_size=options.batch_size)
    rounds = 1 if options.quick else options.rounds
    bench = Bench(settings, pairs, rounds, warm=not options.quick, clock=options.clock)
    if options.peak:
        layers, number, out = options.peak
        report_peak(bench, int(layers), int(number), Path(out))
        return
    kinds = jobs(options.networks, quick=options.quick)
    chosen = [job for kind, job in kinds if kind in (options.only or [kind])]
    lines = []
    for job in track(chosen, "measuring"):
        for line in job(bench):  # said at once: a run that is stopped has not been for nothing
            print(f"{line.what}, {line.network}: {line.ratio:.2f} of {line.against}", flush=True)
            lines.append(line)
        if not options.quick:  # a look whether it runs is no measurement
            kept = write(lines, bench)
    show(lines, bench)
    if not options.quick:
        print(f"kept in {kept}")


if __name__ == "__main__":
    main()
