"""``iqa-lab run --dry-run``: a unit's configuration -> what the run would do, in words; nothing is written."""

from iqa_lab.benchmarks import Benchmark
from iqa_lab.config import Config
from iqa_lab.errors import counted
from iqa_lab.networks.build import build_network, network_from
from iqa_lab.networks.cells import cell_name, check_cell
from iqa_lab.networks.sources import address_of, is_available
from iqa_lab.progress import status, tell
from iqa_lab.unit import Prepared, prepared


def show_foreseen(config: Config) -> None:
    """Print what a run would do: images, columns, what is there, memory and time.

    Raises:
        UserError: the run would end with this error, too.
    """
    weights = config.weights
    check_cell(config)
    here = is_available(weights) or not (weights.source or weights.path or weights.url)
    with status(f"{cell_name(config)}: looking at what it would do"):
        ready = prepared(config, build_network(config) if here else network_from(config, None), look_only=True)
        lines = list(_said(ready, here))
    for line in lines:
        tell(line)


def _said(ready: Prepared, here: bool) -> list[str]:
    config, benchmark = ready.config, ready.benchmark
    source = config.weights.source and address_of(config.weights)
    lines = [
        f"{config.goal.name} - {config.dataset.name} - {config.architecture.name} ({ready.network.weights}) on "
        f"{benchmark.config.name}",
        _row("images", _images(benchmark)),
        _row("network", f"{counted(len(ready.network.layers), 'layer')}, reads {ready.network.reads}"),
        _row("columns", f"{len(ready.definitions)}: each layer asked for, and the pixels, in each readout"),
    ]
    if not here:
        return [
            *lines,
            _row("weights", f"not here: the run downloads them{f' from {source}' if source else ''} first"),
            _row("result", "its folder is known when the weights are here"),
            "Nothing was run: leave out --dry-run.",
        ]
    if not ready.missing:
        return [*lines, _row("result", f"there already: {ready.unit.folder}"), "Nothing would be computed."]
    there = len(ready.definitions) - len(ready.missing)
    return [
        *lines,
        _row("there", f"{there} of {counted(len(ready.definitions), 'column')}" if there else "nothing yet"),
        _row("to do", ready.cost()),
        _row("result", str(ready.unit.folder)),
        "Nothing was run: leave out --dry-run.",
    ]


def _images(benchmark: Benchmark) -> str:
    references = counted(benchmark.pairs["reference"].nunique(), "reference")
    return f"{len(benchmark.pairs)} of {counted(benchmark.n_expected, 'pair')}, {references}"


def _row(name: str, text: str) -> str:
    return f"  {name:<8} {text}"
