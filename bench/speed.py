"""How fast the pass is, each line beside its rival in one process: `make bench`, or `python bench/speed.py --help`.

Rounds are interleaved (ours, rival, ours, rival, ...) and the medians are compared, since machines are noisy; read the
ratios, not the times. Networks are untrained: speed does not depend on weights. Images are those of the benchmark
`levels`; our side decodes them from disk, a bare forward gets them decoded. A bare forward stops after the last layer
that the pass reads, as the pass does.
"""

import argparse
import csv
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from iqa_lab.baselines.lpips import LPIPS
from iqa_lab.benchmarks import load_benchmark
from iqa_lab.benchmarks.images import decode
from iqa_lab.benchmarks.index import examine
from iqa_lab.config import Config, configuration_folder, register_schema
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.network import OUTPUT
from iqa_lab.progress import track
from iqa_lab.readouts import loops
from iqa_lab.scoring.columns import Column, Plan, plan_columns
from iqa_lab.scoring.forward import read_layers, to_device
from iqa_lab.scoring.memory import keep_freed_memory
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings

NETWORKS = ("mobilenetv2_tf", "squeezenet1_1", "alexnet", "resnet18", "vgg16")
SORTING = ("wasserstein", "jsd")
OF_MOMENTS = ("plain", "manhattan", "cosine", "lpips", "mean", "std", "mean_std", "correlation", "dists")
MEASURED = Path(__file__).parent / "measured"


@dataclass(frozen=True)
class Line:
    """One comparison: milliseconds an image of ours and of its rival (or MiB); the ratio is rival over ours."""

    what: str
    network: str
    ours: float
    rival: float
    against: str
    target: float | None = None
    unit: str = "ms/image"

    @property
    def ratio(self) -> float:
        """How many times faster, or smaller, ours is."""
        return self.rival / self.ours


@dataclass(frozen=True)
class Bench:
    """What all lines share."""

    settings: Settings
    pairs: pd.DataFrame
    rounds: int
    clock: str = "wall"  # or processor: the time of this process, which others on the machine move less

    @property
    def images(self) -> int:
        """Number of distinct images."""
        return len(self.pairs) + self.pairs["reference_path"].nunique()

    def decoded(self) -> torch.Tensor:
        """All distinct images, ``[B, 3, H, W]`` uint8."""
        paths = dict.fromkeys([*self.pairs["reference_path"], *self.pairs["distorted_path"]])
        return torch.from_numpy(np.stack([decode(path).pixels for path in paths])).permute(0, 3, 1, 2)

    def race(self, *runners: Callable[[], object]) -> list[float]:
        """The median milliseconds an image of each runner, taken in turns."""
        times: list[list[float]] = [[] for _ in runners]
        now = perf_counter if self.clock == "wall" else process_time
        for number in range(self.rounds + 1):
            for place, run in enumerate(runners):
                start = now()
                run()
                self.synchronise()
                if number:  # the first round warms up
                    times[place].append(1e3 * (now() - start) / self.images)
        return [median(entries) for entries in times]

    def synchronise(self) -> None:
        """Wait for a GPU."""
        if self.settings.device.type == "cuda":
            torch.cuda.synchronize()

    def passes(self, network: Network, plan: Plan, **how: Any) -> Callable[[], object]:
        """The pass with all that a plan reads."""
        settings = replace(self.settings, **how)
        return lambda: score(network, self.pairs, plan.passed, settings, plan.channel_layers)

    def bare(self, network: Network, last: str, **how: Any) -> Callable[[], object]:
        """Forwards of the same images in the same batches, up to the layer ``last``."""
        settings, images = replace(self.settings, **how), self.decoded()

        def forward() -> None:
            for batch in images.split(settings.batch_size):
                read_layers(network, batch, [last], settings, lambda _layer, _output: None)

        return forward


def configured(*overrides: str) -> Config:
    """The configuration of these overrides."""
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", overrides=list(overrides)))
    assert isinstance(config, Config)
    return config


def untrained(architecture: str, *overrides: str) -> tuple[Network, Plan]:
    """A seeded random network, and what a run of it reads."""
    config = configured("goal=untrained", "dataset=none", f"architecture={architecture}", *overrides)
    network = build_network(config)
    return network, plan_columns(config, network)


def last_layer(network: Network) -> str:
    """The layer that runs last."""
    return network.layers[-1].name


def columns_of_the_pass(bench: Bench, architecture: str) -> list[Line]:
    """The pass with 1, 10, all plain, and all columns, over the bare forward."""
    network, plain = untrained(architecture)
    whole = untrained(architecture, "readout=all")[1]
    unsorted = replace(
        whole, passed=tuple(column for column in whole.passed if column.readout not in SORTING), channels=whole.channels
    )
    plans = {
        "1 column (plain, last layer)": (replace(plain, passed=plain.passed[-1:]), None),
        "10 columns": (replace(whole, passed=whole.passed[-10:], channels=()), None),
        "plain, every layer": (plain, 0.90),
        "every readout": (whole, 0.60),
        "every readout but wasserstein and jsd": (unsorted, None),
    }
    bare = bench.bare(network, last_layer(network))
    rival, *ours = bench.race(bare, *(bench.passes(network, plan) for plan, _ in plans.values()))
    lines = []
    for (what, (plan, target)), time in zip(plans.items(), ours, strict=True):
        count = (
            len(plan.definitions) if plan is whole else len(plan.passed) + sum(len(r.columns()) for r in plan.channels)
        )
        lines.append(Line(f"{what} [{count}]", architecture, time, rival, "bare forward", target))
    return lines


def moments(bench: Bench, architecture: str) -> list[Line]:
    """What compiled loops save: readouts that need no order and no product of channels, the sorting ones, and all.

    The rival is the same pass with the definitions in torch, as everything was computed before.
    """
    network, whole = untrained(architecture, "readout=all")

    def only(readouts: Collection[str]) -> Plan:
        passed = tuple(column for column in whole.passed if column.readout in readouts)
        return replace(whole, passed=passed, channels=())

    def in_torch(run: Callable[[], object]) -> Callable[[], object]:
        def switched_off() -> None:
            loops.enabled = False
            try:
                run()
            finally:
                loops.enabled = True

        return switched_off

    plans = {"from one read": only(OF_MOMENTS), "sorting": only(SORTING), "every readout": whole}
    runs = [bench.passes(network, plan) for plan in plans.values()]
    times = bench.race(*(way for run in runs for way in (run, in_torch(run))))
    return [
        Line(f"moments: {what}", architecture, ours, rival, "definitions in torch")
        for what, ours, rival in zip(plans, times[::2], times[1::2], strict=True)
    ]


def one_pass_a_column(bench: Bench, architecture: str) -> list[Line]:
    """All columns of the pass at once, against a pass for each (a sample of eight, times their number)."""
    network, whole = untrained(architecture, "readout=all")
    whole = replace(whole, channels=())
    sample = [whole.passed[int(place)] for place in np.linspace(0, len(whole.passed) - 1, 8)]
    ours, *each = bench.race(
        bench.passes(network, whole), *(bench.passes(network, replace(whole, passed=(column,))) for column in sample)
    )
    number = len(whole.passed)
    return [Line(f"{number} columns at once", architecture, ours, number * sum(each) / 8, "a pass a column", 50)]


def lpips_packages(bench: Bench, package: str, trunk: str) -> list[Line]:
    """LPIPS through the pass, against a package pair by pair, on one random trunk; the numbers must agree."""
    if not find_spec(package):
        print(f"{package} is not installed: not compared")
        return []
    module = LPIPS(trunk).eval().requires_grad_(False)
    metric = METRICS[package](module, trunk)
    convention = configured("goal=baseline", "dataset=none", f"architecture=lpips_{trunk}").weights.input
    network = Network(
        module=module,
        layers=(OUTPUT,),
        input=convention,
        image_size=None,
        weights=trunk,
        digest="",
        terms=module.terms(),
    )
    column = Column(layer=OUTPUT, readout=f"lpips_{trunk}", terms=module.terms())

    def look(path: str) -> torch.Tensor:
        pixels = torch.from_numpy(decode(path).pixels.copy()).permute(2, 0, 1)[None]
        return pixels.to(bench.settings.device) / 255

    @torch.inference_mode()
    def loop() -> list[float]:
        return [float(metric(look(row.reference_path), look(row.distorted_path))) for row in bench.pairs.itertuples()]

    def grouped() -> np.ndarray:
        return score(network, bench.pairs, [column], bench.settings).values[:, 0]

    # piq's ImageNet mean and standard deviation have two digits fewer than those of LPIPS
    np.testing.assert_allclose(grouped(), loop(), rtol=1e-2 if package == "piq" else 1e-5)
    ours, rival = bench.race(grouped, loop)
    return [Line("LPIPS, one column", f"lpips_{trunk}", ours, rival, f"{package}, pair by pair", 2)]


def package_lpips(module: LPIPS, trunk: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The metric of the package `lpips` for images of 0 to 1, its trunk that of ``module``."""
    theirs = import_module("lpips").LPIPS(net=trunk, pnet_rand=True, verbose=False)
    for parameter, value in zip(theirs.net.parameters(), module.features.parameters(), strict=True):
        parameter.copy_(value.detach())
    return lambda reference, distorted: theirs.to(reference.device)(reference, distorted, normalize=True)


def piq_lpips(module: LPIPS, _trunk: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """LPIPS of piq, which is its content loss, with the trunk and weights of ``module`` (it downloads its own)."""
    weights = [weight.view(1, -1, 1, 1) for name, weight in module.named_buffers() if name.startswith("linear")]
    content_loss = import_module("piq").ContentLoss
    theirs = content_loss(module.features, [str(n) for n in module.layers], weights, normalize_features=True)
    return lambda reference, distorted: theirs(distorted, reference)


@torch.no_grad()
def pyiqa_lpips(module: LPIPS, trunk: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """LPIPS of pyiqa with the trunk and linear weights of ``module``; all but SqueezeNet it would download."""
    theirs = import_module("pyiqa.archs.lpips_arch").LPIPS(net=trunk, pretrained=False, pnet_rand=True)
    for parameter, value in zip(theirs.net.parameters(), module.features.parameters(), strict=True):
        parameter.copy_(value.detach())
    linear = [weight.view(1, -1, 1, 1) for name, weight in module.named_buffers() if name.startswith("linear")]
    for layer, weight in zip(theirs.lins, linear, strict=True):
        layer.model[-1].weight.copy_(weight)
    return lambda reference, distorted: theirs.to(reference.device)(distorted, reference)


METRICS = {"lpips": package_lpips, "piq": piq_lpips, "pyiqa": pyiqa_lpips}


def precisions(bench: Bench, architecture: str) -> list[Line]:
    """The plain pass in bf16, and on a GPU in tf32, against fp32."""
    lines = []
    kinds = ("bf16", "tf32") if bench.settings.device.type == "cuda" else ("bf16",)
    for precision in kinds:
        # bf16 converts a network in place, so each side has its own
        (exact, plan), (fast, _) = untrained(architecture), untrained(architecture)
        ours, rival = bench.race(bench.passes(fast, plan, precision=precision), bench.passes(exact, plan))
        target = 2 if precision == "bf16" and has_bf16(bench.settings.device) else None
        lines.append(Line(f"{precision}, plain", architecture, ours, rival, "fp32", target))
    return lines


def has_bf16(device: torch.device) -> bool:
    """Whether the processor multiplies bf16 by itself, without which it is slower than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.is_file() else ""
    return "amx_bf16" in flags or "avx512_bf16" in flags


def memory_order(bench: Bench, architecture: str) -> list[Line]:
    """A forward with channels innermost, as the pass does it, against torch's usual order."""
    network, _ = untrained(architecture)
    usual, _ = untrained(architecture)
    images = bench.decoded()

    @torch.inference_mode()
    def contiguous() -> None:
        module = usual.module.to(bench.settings.device)
        for batch in images.split(bench.settings.batch_size):
            module(usual.prepare(batch.to(bench.settings.device)).contiguous())

    @torch.inference_mode()
    def channels_last() -> None:
        module = to_device(network.module, bench.settings)
        for batch in images.split(bench.settings.batch_size):
            module(network.prepare(batch.to(bench.settings.device)))

    ours, rival = bench.race(channels_last, contiguous)
    return [Line("channels_last", architecture, ours, rival, "contiguous")]


def batch_sizes(bench: Bench, architecture: str) -> list[Line]:
    """The plain pass with several batch sizes, against 8."""
    network, plan = untrained(architecture)
    sizes = (1, 2, 4, 16, 32) if bench.settings.device.type == "cpu" else (1, 16, 32, 64, 128)
    rival, *ours = bench.race(*(bench.passes(network, plan, batch_size=size) for size in (8, *sizes)))
    return [
        Line(f"batches of {size}, plain", architecture, t, rival, "batches of 8")
        for size, t in zip(sizes, ours, strict=True)
    ]


def decoding(bench: Bench, architecture: str) -> list[Line]:
    """The plain pass with one decoding thread and with four, against two."""
    network, plan = untrained(architecture)
    rival, *ours = bench.race(*(bench.passes(network, plan, workers=workers) for workers in (2, 1, 4)))
    return [
        Line(f"{w} decoding threads", architecture, t, rival, "2 threads") for w, t in zip((1, 4), ours, strict=True)
    ]


def memory(bench: Bench, images: int) -> list[Line]:
    """Peak memory of a fresh process: with ten times the layers, and with ten times the pairs."""

    def peak(layers: int, pairs: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "peak"
            command = [sys.executable, __file__, "--peak", str(layers), str(pairs), str(out),
                       "--device", bench.settings.device.type]  # fmt: skip
            subprocess.run(command, check=True)
            return float(out.read_text())

    some = min(100, images)
    few, many = peak(4, some), peak(40, some)
    more = peak(4, images)
    return [
        Line(f"40 layers, {some} pairs, plain", "resnet50", many, few, "4 layers", unit="MiB"),
        Line(f"4 layers, {images} pairs, plain", "resnet50", more, few, f"{some} pairs", unit="MiB"),
    ]


def report_peak(bench: Bench, layers: int, pairs: int, out: Path) -> None:
    """Run one pass and write the most memory that the process has held, in MiB."""
    from iqa_lab.scoring.memory import peak_memory_mib

    module = untrained("resnet50")[0].module
    names = [name for name, part in module.named_modules() if name.endswith(("conv1", "conv2", "bn3")) and part]
    chosen = names[:: max(1, len(names) // layers)][:layers]
    network, plan = untrained("resnet50", f"architecture.layers=[{','.join(chosen)}]")
    repeated = pd.concat([bench.pairs] * (1 + pairs // len(bench.pairs)), ignore_index=True).iloc[:pairs]
    repeated = repeated.sort_values("reference_path", kind="stable").reset_index(drop=True)
    score(network, repeated, plan.passed, bench.settings)
    out.write_text(str(peak_memory_mib(bench.settings.device)))


def machine(device: torch.device) -> str:
    """The name of the processor that computes."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


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


def main() -> None:
    """Measure all lines, print and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=20, help="of the 350 of the benchmark levels")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall",
        help="processor: for a machine that others use, too; with OMP_NUM_THREADS=1, since waiting threads count",
    )  # fmt: skip
    parser.add_argument("--only", nargs="+", help="columns, moments, passes, lpips, precisions, order, batches ...")
    parser.add_argument("--quick", action="store_true", help="one network, one round: does it run?")
    parser.add_argument("--peak", nargs=3, metavar=("LAYERS", "PAIRS", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.pairs = min(options.pairs, 4) if options.quick else options.pairs
    warnings.filterwarnings("ignore", module="torchvision", category=UserWarning)  # how other packages call it
    keep_freed_memory()
    # examined, as a run does: then decoding need not verify what it reads
    pairs = examine(load_benchmark(configured().benchmark)).pairs.iloc[: options.pairs].reset_index(drop=True)
    settings = Settings(device=torch.device(options.device), batch_size=options.batch_size)
    bench = Bench(settings, pairs, 1 if options.quick else options.rounds, options.clock)
    if options.peak:
        layers, number, out = options.peak
        report_peak(bench, int(layers), int(number), Path(out))
        return
    networks = ("alexnet",) if options.quick else tuple(options.networks)
    small = "alexnet" if options.quick else "mobilenetv2_tf"
    jobs: list[tuple[str, Callable[[], list[Line]]]] = [
        *((kind, lambda name=name, measure=measure: measure(bench, name))  # type: ignore[misc]
          for name in networks for kind, measure in (("columns", columns_of_the_pass), ("moments", moments))),
        ("passes", lambda: one_pass_a_column(bench, small)),
        *(("lpips", lambda trunk=trunk: lpips_packages(bench, "lpips", trunk))  # type: ignore[misc]
          for trunk in (("alex",) if options.quick else ("alex", "squeeze", "vgg"))),
        ("lpips", lambda: lpips_packages(bench, "piq", "vgg")),
        ("lpips", lambda: lpips_packages(bench, "pyiqa", "squeeze")),
        ("precisions", lambda: precisions(bench, "alexnet")),
        ("order", lambda: memory_order(bench, "resnet18")),
        ("order", lambda: memory_order(bench, small)),
        ("batches", lambda: batch_sizes(bench, "alexnet")),
        ("batches", lambda: batch_sizes(bench, small)),
        ("decoding", lambda: decoding(bench, small)),
        ("memory", lambda: memory(bench, 2 if options.quick else 1000)),
    ]  # fmt: skip
    lines = []
    for _, job in track([job for job in jobs if job[0] in (options.only or [kind for kind, _ in jobs])], "measuring"):
        for line in job():  # said at once: a run that is stopped has not been for nothing
            print(f"{line.what}, {line.network}: {line.ratio:.2f} of {line.against}", flush=True)
            lines.append(line)
        if not options.quick:  # a look whether it runs is no measurement
            kept = write(lines, bench)
    show(lines, bench)
    if not options.quick:
        print(f"kept in {kept}")


if __name__ == "__main__":
    main()
