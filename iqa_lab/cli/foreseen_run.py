"""``iqa-lab run --dry-run``: a unit's configuration -> what the run would do, in words; nothing is written.

Torch takes seconds to import, and is not needed to see that everything is there.
"""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from iqa_lab.benchmarks import Benchmark
from iqa_lab.config import Config
from iqa_lab.errors import counted
from iqa_lab.networks.cells import cell_name, check_cell
from iqa_lab.networks.sources import address_of, is_available
from iqa_lab.progress import status, tell
from iqa_lab.store.finished import finished

if TYPE_CHECKING:
    from iqa_lab.networks import Network
    from iqa_lab.store.known import KnownNetwork
    from iqa_lab.unit import Prepared


def show_foreseen(config: Config) -> None:
    """Print what a run would do: images, columns, what is there, memory and time.

    Raises:
        UserError: the run would end with this error, too.
    """
    weights = config.weights
    check_cell(config)
    here = is_available(weights) or not (weights.source or weights.path or weights.url)
    with status(f"{cell_name(config)}: looking at what it would do"):
        found = finished(config) if here else None
        if found is None:
            lines = _of_a_pass(config, here)
        else:
            outcome = found.outcome
            lines = [
                *_of_what(config, found.network, outcome.benchmark, found.definitions),
                *_all_there(outcome.unit.folder),
            ]
    for line in lines:
        tell(line)


def _of_a_pass(config: Config, here: bool) -> list[str]:
    from iqa_lab.networks.build import build_network, network_from
    from iqa_lab.unit import prepared

    return _said(prepared(config, build_network(config) if here else network_from(config, None), look_only=True), here)


def _of_what(
    config: Config, network: "Network | KnownNetwork", benchmark: Benchmark, columns: Collection[str]
) -> list[str]:
    return [
        f"{config.goal.name} - {config.dataset.name} - {config.architecture.name} ({network.weights}) on "
        f"{benchmark.config.name}",
        _row("images", _images(benchmark)),
        _row("network", f"{counted(len(network.layers), 'layer')}, reads {network.reads}"),
        _row("columns", f"{len(columns)}: each layer asked for, and the pixels, in each readout"),
    ]


def _all_there(folder: Path) -> list[str]:
    return [_row("result", f"there already: {folder}"), "Nothing would be computed."]


def _said(ready: "Prepared", here: bool) -> list[str]:
    config = ready.config
    source = config.weights.source and address_of(config.weights)
    lines = _of_what(config, ready.network, ready.benchmark, ready.definitions)
    if not here:
        return [
            *lines,
            _row("weights", f"not here: the run downloads them{f' from {source}' if source else ''} first"),
            _row("result", "its folder is known when the weights are here"),
            "Nothing was run: leave out --dry-run.",
        ]
    if not ready.missing:
        return [*lines, *_all_there(ready.unit.folder)]
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
