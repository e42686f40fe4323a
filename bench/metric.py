"""How fast a metric is, one pair a call, beside the lpips package on the same random trunk: `python -m bench.metric`.

Forward and backward with batches of 1 and 8, and `iqa-lab score` beside the pass on the same files. Rounds are
interleaved and medians compared: read the ratios. The numbers and the gradients must agree first. The table is kept in
`measured/`.
"""

import argparse
import copy
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import torch
from PIL import Image

from bench.speed import MEASURED, machine
from iqa_lab.baselines.lpips import LPIPS
from iqa_lab.metric.files import FileScorer
from iqa_lab.metric.load import load_metric
from iqa_lab.metric.made import made
from iqa_lab.metric.module import Metric
from iqa_lab.metric.recipe import distances_of, recipe_of_words
from iqa_lab.metric.words import composed
from iqa_lab.networks.network import OUTPUT, Layer, Network
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings

Run = Callable[[], object]
Images = torch.Tensor
Function = Callable[[Images, Images], torch.Tensor]

# Gradients are compared in float64. In float32 a ReLU whose input is within rounding of 0, or two nearly equal values
# in a max pool, may fall to the other side in one of the programs: a whole receptive field has another slope then, by
# up to 3 % of the largest, and neither is wrong. Where nothing falls so, both are within 5e-6 of float64.
FLOAT64 = 1e-10  # measured: 2e-14 of the largest slope
FLOAT32 = 1e-5  # of the median slope's error, which those few do not reach


@dataclass(frozen=True)
class Timed:
    """Two programs that do the same, and what the ratio should be."""

    what: str
    network: str
    batch: int
    size: str
    ours: float
    rival: float
    unit: str
    against: str
    wanted: str

    @property
    def ratio(self) -> float:
        """Our time over theirs."""
        return self.ours / self.rival


def race(rounds: int, clock: Callable[[], float], *runners: Run) -> list[float]:
    """The median milliseconds of each runner, taken in turns."""
    times: list[list[float]] = [[] for _ in runners]
    for number in range(rounds + 1):
        for place, run in enumerate(runners):
            start = clock()
            run()
            if number:  # the first round warms up
                times[place].append(1e3 * (clock() - start))
    return [median(entries) for entries in times]


def both(trunk: str) -> tuple[Metric, torch.nn.Module]:
    """Our LPIPS and the package's, with one random trunk."""
    config = composed(words={"goal": "baseline", "dataset": "none", "architecture": f"lpips_{trunk}"})
    module = LPIPS(trunk).eval().requires_grad_(False)
    network = Network(
        module=module, layers=(OUTPUT,), input=config.weights.input, image_size=None, weights=trunk, digest="",
        terms=module.terms(),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it says pretrained= to torchvision
        theirs = import_module("lpips").LPIPS(net=trunk, pnet_rand=True, verbose=False)
    for parameter, value in zip(theirs.net.parameters(), module.features.parameters(), strict=True):
        parameter.data.copy_(value.detach())
    metric = made(config, network, recipe_of_words(config, network, "raw", False, {}), {})
    return metric, theirs.requires_grad_(False)


def slope(function: Function, x: Images, y: Images) -> torch.Tensor:
    """The gradient for the distorted images."""
    y = y.clone().requires_grad_()
    function(x, y).sum().backward()
    assert y.grad is not None
    return y.grad


def of_package(package: torch.nn.Module) -> Function:
    """The package's LPIPS of images in 0..1."""
    return lambda x, y: package(x, y, normalize=True).flatten()


def error(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Of each slope, as a part of the largest."""
    return (found.double() - expected.double()).abs() / expected.double().abs().max()


def check_gradients(metric: Metric, package: torch.nn.Module, x: Images, y: Images) -> None:
    """Nothing, if both programs have the same gradient in float64; tells how far each is from it in float32."""
    exact, theirs = copy.deepcopy(metric).double(), copy.deepcopy(package).double()
    for name, values in (("shift", (-0.030, -0.088, -0.188)), ("scale", (0.458, 0.448, 0.450))):
        # the package keeps these in float32, which alone makes 1e-7
        setattr(theirs.scaling_layer, name, torch.tensor(values, dtype=torch.float64)[None, :, None, None])
    x, y = x[:2, :, :64, :64], y[:2, :, :64, :64]
    expected = slope(exact, x.double(), y.double())
    apart = float(error(slope(of_package(theirs), x.double(), y.double()), expected).max())
    assert apart < FLOAT64, apart
    for name, function in (("ours", metric), ("the package", of_package(package))):
        errors = error(slope(function, x, y), expected)
        print(f"  gradient in float32, {name}: {float(errors.max()):.0e} of the largest slope from float64 at most, "
              f"{float(errors.median()):.0e} in the median")  # fmt: skip
        assert float(errors.median()) < FLOAT32


def calls(trunk: str, batch: int, side: int, rounds: int, clock: Callable[[], float]) -> Iterator[Timed]:
    """One call with a batch, forward and with its gradient for the distorted images."""
    metric, package = both(trunk)
    theirs = of_package(package)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(batch, 3, side, side, generator=generator) for _ in range(2))
    with torch.no_grad():
        torch.testing.assert_close(metric(x, y), theirs(x, y), rtol=1e-5, atol=0)
    check_gradients(metric, package, x, y)
    with torch.no_grad():
        forward = race(rounds, clock, lambda: metric(x, y), lambda: theirs(x, y))
    backward = race(rounds, clock, lambda: slope(metric, x, y), lambda: slope(theirs, x, y))
    network, size = f"lpips_{trunk}", f"{side}x{side}"
    rival = "the lpips package"
    yield Timed("forward", network, batch, size, *forward, "ms/call", rival, "at most 1")
    yield Timed("forward and backward", network, batch, size, *backward, "ms/call", rival, "")
    yield Timed("forward and backward", network, batch, size, backward[0], forward[1], "ms/call",
                f"the forward of {rival}", "at most 2.2")  # fmt: skip


def files(pairs: int, side: int, rounds: int, clock: Callable[[], float]) -> Timed:
    """`iqa-lab score` of a table of files, beside the pass over the same."""
    metric = load_metric(
        goal="untrained", dataset="none", architecture="squeezenet1_1", layers=["features.4"], readout="lpips"
    )
    with tempfile.TemporaryDirectory() as folder:
        rng, rows = np.random.default_rng(0), []
        for number in range(pairs):
            reference = Path(folder) / f"r{number // 24}.png"
            if not reference.exists():
                Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(reference)
            distorted = Path(folder) / f"d{number}.png"
            Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(distorted)
            rows.append((str(reference), str(distorted)))
        table = pd.DataFrame(rows, columns=["reference", "distorted"])
        frame = table.assign(reference_path=table["reference"], distorted_path=table["distorted"])
        (term,) = metric.recipe.terms
        terms = distances_of(term, metric.network, lambda: torch.empty(0))
        column = Column(layer=Layer(term.layer, term.depth), readout=term.readout, terms=terms)
        mine, rival = race(
            rounds,
            clock,
            lambda: FileScorer(metric).score(table),
            lambda: score(metric.network, frame, [column], Settings()),
        )
    return Timed(f"score, {pairs} pairs", "squeezenet1_1", 8, f"{side}x{side}", mine / pairs, rival / pairs, "ms/pair",
                 "the pass", "at most 1.1")  # fmt: skip


def keep(lines: list[Timed], **facts: object) -> Path:
    """A dated CSV of all lines, with hardware and versions; returns its place."""
    name = machine(torch.device("cpu"))
    table = pd.DataFrame([{**asdict(line), "ratio": line.ratio} for line in lines]).round(4)
    versions = {f"{package}_version": version(package) for package in ("torch", "torchvision", "numpy", "lpips")}
    capability = torch.backends.cpu.get_cpu_capability()
    path = MEASURED / f"{date.today()}-metric-{'-'.join(name.lower().replace('(r)', '').split())}.csv"
    table.assign(**facts, date=str(date.today()), machine=name, capability=capability, **versions).to_csv(
        path, index=False
    )
    return path


def main() -> None:
    """Print every line, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds and pairs, to see whether it runs")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall",
        help="processor: for a machine that others use, too; with OMP_NUM_THREADS=1, since waiting threads count",
    )  # fmt: skip
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rounds, side = (2, 64) if options.quick else (9, 256)
    pairs, repeats = (100, 1) if options.quick else (options.pairs, 2)
    clock = perf_counter if options.clock == "wall" else process_time

    def measured() -> Iterator[Timed]:
        for trunk in ("squeeze",) if options.quick else ("alex", "squeeze", "vgg"):
            for batch in (1, 8):
                yield from calls(trunk, batch, side, rounds, clock)
        yield files(pairs, 96, repeats, clock)

    lines = []
    for line in measured():  # said at once: a run that is stopped has not been for nothing
        print(f"{line.network}, {line.what}, batch {line.batch}, {line.size}: {line.ours:.2f} {line.unit}, "
              f"{line.ratio:.3f} of {line.against}; {line.wanted}", flush=True)  # fmt: skip
        lines.append(line)
    if not options.quick:  # a look whether it runs is no measurement
        print(f"kept in {keep(lines, threads=options.threads, rounds=rounds, clock=options.clock)}")


if __name__ == "__main__":
    main()
