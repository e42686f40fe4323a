"""Everything that is to be known of a GPU in one command: `make bench-gpu`, ten minutes at most on one H100 or H200.

Images a second of the pass beside the bare forward, in fp32, tf32 and bf16, with one readout and with all; the most
memory; how often the processor waits for the GPU; how far the precision moves correlations; scores of each readout on
the GPU against those on the CPU; and work of the size of TID2013. Networks are untrained, and images made: nothing is
downloaded. `python -m bench.gpu --device cpu --quick` only tells whether it runs.
"""

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import takewhile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.speed import MEASURED, Bench, configured, last_layer, machine, untrained
from iqa_lab.benchmarks import load_benchmark
from iqa_lab.scoring.memory import keep_freed_memory, peak_memory_mib
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.statistics import srcc

NETWORKS = ("vgg16", "resnet50", "mobilenetv2_tf", "vit_small_patch16_224")
PRECISIONS = ("fp32", "tf32", "bf16")
# Relative to the largest score of a column. The order of sums differs between the two: 1e-5 where differences are
# summed, more where statistics that hardly differ are compared, and where a response may fall into the next bin.
TOLERANCE = {"jsd": 1e-3, "std": 1e-4, "mean_std": 1e-4, "gram": 1e-4, "wasserstein": 1e-4}
GOAL_SECONDS = 10  # VGG-16 with everything on all of TID2013


@dataclass(frozen=True)
class Fact:
    """One number, and what it should be."""

    what: str
    network: str
    value: float
    unit: str
    wanted: str = ""
    met: bool | None = None  # None: nothing is wanted


def speeds(bench: Bench, architecture: str) -> Iterator[Fact]:
    """Images a second by precision, as they are and as a part of the bare forward's; and the most memory."""
    for precision in PRECISIONS:
        network, everything = untrained(architecture, "readout=all")  # anew: bf16 rounds the weights
        plain = tuple(column for column in everything.passed if column.readout == "plain")
        plans = {"plain": replace(everything, passed=plain, channels=()), "all": everything}
        if bench.settings.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        bare, *passes = bench.race(
            bench.bare(network, last_layer(network), precision=precision),
            *(bench.passes(network, plan, precision=precision) for plan in plans.values()),
        )
        yield Fact(f"{precision}: bare forward", architecture, 1e3 / bare, "images/s")
        for (readout, ours), goal in zip(zip(plans, passes, strict=True), (0.9, 0.6), strict=True):
            name, part = f"{precision}, {readout}", bare / ours
            yield Fact(f"{name}: pass", architecture, 1e3 / ours, "images/s")
            yield Fact(f"{name}: part of the bare forward", architecture, part, "", f">= {goal}", part >= goal)
        yield Fact(f"{precision}: most memory", architecture, peak_memory_mib(bench.settings.device), "MiB")


def waits(bench: Bench, architecture: str) -> Iterator[Fact]:
    """How often the processor waits for the GPU in a batch, beyond once for the scores at the end."""
    if bench.settings.device.type != "cuda":
        return
    network, plan = untrained(architecture, "readout=all")

    def counted(pairs: pd.DataFrame) -> int:
        run = replace(bench, pairs=pairs).passes(network, plan)
        run()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                run()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return sum("called a synchronizing" in str(warning.message) for warning in seen)

    bench = replace(bench, settings=replace(bench.settings, batch_size=32))
    few, many = bench.pairs.iloc[:31], bench.pairs.iloc[:95]
    more = (counted(many.reset_index(drop=True)) - counted(few.reset_index(drop=True))) / 2
    yield Fact("waits of the processor a batch", architecture, more, "", "0", more <= 0)


def moved(bench: Bench, architecture: str) -> Iterator[Fact]:
    """How far tf32 and bf16 move the rank correlations of all columns of ``plain``."""
    opinion = bench.pairs["opinion"].to_numpy(dtype=float)
    found = {}
    for precision in PRECISIONS:
        network, plan = untrained(architecture)
        settings = replace(bench.settings, precision=precision)
        found[precision] = srcc(-score(network, bench.pairs, plan.passed, settings).values.astype(float), opinion)
    for precision in PRECISIONS[1:]:
        apart = float(np.abs(found[precision] - found["fp32"]).max())
        yield Fact(f"{precision}: SRCC moved by at most", architecture, apart, "")


def against_cpu(bench: Bench, architecture: str) -> Iterator[Fact]:
    """The largest difference of a readout's scores from those on the CPU, relative to its column's largest score."""
    pairs = bench.pairs.iloc[:15].reset_index(drop=True)
    network, plan = untrained(architecture, "readout=all")
    here = score(network, pairs, plan.passed, bench.settings).values.astype(float)
    there = score(network, pairs, plan.passed, replace(bench.settings, device=torch.device("cpu"))).values.astype(float)
    apart = np.abs(here - there).max(axis=0) / np.abs(there).max(axis=0)
    by_readout = pd.Series(apart, index=[column.readout for column in plan.passed]).groupby(level=0).max()
    for readout, most in by_readout.items():
        allowed = TOLERANCE.get(str(readout), 1e-5)
        yield Fact(f"{readout}: off the CPU's", architecture, float(most), "", f"<= {allowed:g}", most <= allowed)


def whole_database(bench: Bench, architecture: str) -> Iterator[Fact]:
    """VGG-16 with all readouts on made images of the number and size of TID2013's, from disk, in fp32 and tf32."""
    for precision in PRECISIONS[:2]:
        network, plan = untrained(architecture, "readout=all")
        settings = replace(bench.settings, precision=precision)
        few = bench.pairs.iloc[: settings.batch_size - 1]
        score(network, few, plan.passed, settings, plan.channel_layers)  # warms up
        started = perf_counter()
        score(network, bench.pairs, plan.passed, settings, plan.channel_layers)
        seconds, goal = perf_counter() - started, GOAL_SECONDS * len(bench.pairs) / 3000
        what = f"{precision}: {len(bench.pairs)} pairs of 512 x 384, everything"
        yield Fact(what, architecture, seconds, "s", f"<= {goal:g}", seconds <= goal)
    yield Fact("most memory", architecture, peak_memory_mib(settings.device), "MiB")


def made_images(folder: Path, references: int, distorted: int) -> pd.DataFrame:
    """Pairs of smooth images and the same with noise; five files each are one, which decoding does not know."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(references):
        small = Image.fromarray(rng.integers(30, 226, (6, 8, 3), dtype=np.uint8))
        image = np.asarray(small.resize((512, 384), Image.Resampling.BICUBIC))
        first = folder / f"{number}.bmp"  # as TID2013
        Image.fromarray(image).save(first)
        for level in range(-(-distorted // 5)):
            noise = rng.standard_normal(image.shape, dtype=np.float32)
            noisy = np.clip(image + (4 + 4 * level) * noise, 0, 255).astype(np.uint8)
            original = folder / f"{number}.{level}.0.bmp"
            Image.fromarray(noisy).save(original)
            for copy in range(min(5, distorted - 5 * level)):
                path = folder / f"{number}.{level}.{copy}.bmp"
                if copy:
                    os.link(original, path)
                rows.append((str(first), str(path), path.name))
    return pd.DataFrame(rows, columns=["reference_path", "distorted_path", "distorted"])


def show(facts: list[Fact], title: str) -> None:
    """Print the table; what is not as wanted is marked."""
    view = Table(title=title)
    for name in ("what", "network", "value", "wanted", ""):
        view.add_column(name, justify="right" if name == "value" else "left")
    for fact in facts:
        mark = "" if fact.met is None else ("yes" if fact.met else "[yellow]no[/]")
        view.add_row(fact.what, fact.network, f"{fact.value:.4g} {fact.unit}", fact.wanted, mark)
    Console(width=150).print(view)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=9, help="nothing new is begun after so many")
    parser.add_argument(
        "--quick", action="store_true", help="one small network, few images, nothing kept: does it run?"
    )
    options = parser.parse_args(arguments)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no GPU here: --device cpu --quick tells whether the script runs")
    keep_freed_memory()  # as the command line does
    pairs = load_benchmark(configured().benchmark).pairs
    pairs = pairs.iloc[: 2 if options.quick else 175].reset_index(drop=True)
    settings = Settings(device=torch.device(options.device), batch_size=4 if options.quick else 128, workers=8)
    bench = Bench(settings, pairs, 1, warm=not options.quick)
    networks = ("squeezenet1_1",) if options.quick else NETWORKS
    size = (1, 2) if options.quick else (25, 120)
    title = machine(settings.device)
    started = perf_counter()
    facts: list[Fact] = []
    with tempfile.TemporaryDirectory(prefix="iqa-bench-") as folder:
        large = replace(bench, pairs=made_images(Path(folder), *size))
        # enough that the first batch, which waits for its images, hardly counts
        several = replace(bench, pairs=large.pairs.iloc[:600])
        jobs: list[Callable[[], Iterator[Fact]]] = [
            lambda: whole_database(large, networks[0]),
            *(lambda name=name: against_cpu(bench, name) for name in networks),  # type: ignore[misc]
            *(lambda name=name: waits(bench, name) for name in networks),  # type: ignore[misc]
            *(lambda name=name: moved(bench, name) for name in networks),  # type: ignore[misc]
            *(lambda name=name: speeds(several, name) for name in networks),  # type: ignore[misc]
        ]
        for job in takewhile(lambda _: perf_counter() - started < 60 * options.minutes, jobs):
            for fact in job():  # said at once: a run that is stopped has not been for nothing
                print(f"{fact.network}, {fact.what}: {fact.value:.4g} {fact.unit} {fact.wanted}", flush=True)
                facts.append(fact)
    show(facts, f"{title}, {perf_counter() - started:.0f} s")
    if not options.quick:
        file = MEASURED / f"{date.today()}-gpu-{'-'.join(title.lower().split())}.csv"
        facts_of_it = {"machine": title, "torch": torch.__version__, "batch_size": settings.batch_size}
        pd.DataFrame([asdict(fact) for fact in facts]).assign(**facts_of_it).to_csv(file, index=False)
        print(f"kept in {file}")


if __name__ == "__main__":
    main()
