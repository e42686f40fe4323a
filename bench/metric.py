"""How fast a metric is, one pair a call, beside the lpips package on the same random trunk: `python bench/metric.py`.

Forward and backward with batches of 1 and 8, and `iqa-lab score` beside the pass on the same files. Rounds are
interleaved and medians compared: read the ratios. The numbers must agree first.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from PIL import Image

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


def race(rounds: int, *runners: Run) -> list[float]:
    """The median milliseconds of each runner, taken in turns."""
    times: list[list[float]] = [[] for _ in runners]
    for number in range(rounds + 1):
        for place, run in enumerate(runners):
            start = perf_counter()
            run()
            if number:  # the first round warms up
                times[place].append(1e3 * (perf_counter() - start))
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


def calls(trunk: str, batch: int, side: int, rounds: int) -> None:
    """One call with a batch, forward and with its gradient for the distorted images."""
    metric, theirs = both(trunk)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(batch, 3, side, side, generator=generator) for _ in range(2))

    def descend(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        z = y.clone().requires_grad_()
        function(x, z).sum().backward()
        assert z.grad is not None
        return z.grad

    def their(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = theirs(a, b, normalize=True).flatten()
        return found

    with torch.no_grad():
        torch.testing.assert_close(metric(x, y), their(x, y), rtol=1e-5, atol=0)
    ours, other = descend(metric), descend(their)
    # of noise in float32, whose slopes are sums of many that cancel; of photographs it is below 1e-5 (tests)
    assert float((ours - other).abs().max() / other.abs().max()) < 1e-3
    with torch.no_grad():
        forward = race(rounds, lambda: metric(x, y), lambda: their(x, y))
    backward = race(rounds, lambda: descend(metric), lambda: descend(their))
    for what, (mine, rival) in (("forward", forward), ("forward and backward", backward)):
        print(f"lpips_{trunk}, batch {batch}, {side} x {side}, {what}: {mine:.1f} ms, package {rival:.1f} ms, "
              f"{rival / mine:.2f} times as fast; {mine / forward[1]:.2f} of the package's forward")  # fmt: skip


def files(pairs: int, side: int, rounds: int) -> None:
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
            lambda: FileScorer(metric).score(table),
            lambda: score(metric.network, frame, [column], Settings()),
        )
    print(f"score, {pairs} pairs of {side} x {side}: {mine / pairs:.2f} ms a pair, the pass {rival / pairs:.2f} ms, "
          f"{mine / rival:.3f} of its time")  # fmt: skip


def main() -> None:
    """Print every line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds and pairs, to see whether it runs")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--pairs", type=int, default=10_000)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rounds = 2 if options.quick else 9
    for trunk in ("squeeze",) if options.quick else ("alex", "squeeze", "vgg"):
        for batch in (1, 8):
            calls(trunk, batch, 64 if options.quick else 256, rounds)
    files(100 if options.quick else options.pairs, 96, 1 if options.quick else 2)


if __name__ == "__main__":
    main()
