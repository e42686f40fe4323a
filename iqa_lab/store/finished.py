"""A configuration -> the result of its unit, where all of it is on the disk; without the network, which takes seconds.

Images, opinions, settings and the files of the result are compared as a run compares them; of the network it takes what
``known.py`` remembers. Whatever is in doubt is left to the run itself, which says what it is.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.benchmarks.checks import say_layout, say_left_out
from iqa_lab.config import Config
from iqa_lab.imports import is_own
from iqa_lab.networks.cells import BASELINE, cell_name, said_of_own
from iqa_lab.progress import say
from iqa_lab.scoring.definitions import Definition, define_baseline, define_columns
from iqa_lab.scoring.resize import image_size_of
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.identity import identity
from iqa_lab.store.known import KnownNetwork, known_network
from iqa_lab.store.outcome import Outcome
from iqa_lab.store.reading import Unusable
from iqa_lab.store.result import CONFIG, DONE, PARTIAL, RESULT, headline_stands
from iqa_lab.store.settings import differences
from iqa_lab.store.signature import signature
from iqa_lab.store.tabulate import settings_of_statistics
from iqa_lab.store.writing import UNFINISHED


@dataclass(frozen=True, kw_only=True)
class Found:
    """A result that is there, and what it is of."""

    outcome: Outcome
    network: KnownNetwork
    definitions: dict[str, Definition]  # of the columns that are asked for


def finished(config: Config) -> Found | None:
    """The result that a run of this configuration would find and show; None if something is to be done, or unknown.

    Raises:
        UserError: the benchmark is not there, incomplete or damaged, or its images are.
    """
    cell = Path(config.results) / config.benchmark.name / cell_name(config)
    if config.runtime.force or _is_computed(config) or not any(cell.glob(f"*/{RESULT}")):
        return None  # before the benchmark is read
    network = known_network(config)
    if network is None:
        return None
    # images that are resized to one size may differ before
    benchmark = examine(load_benchmark(config.benchmark), any_size=isinstance(image_size_of(config), tuple))
    config = replace(config, benchmark=benchmark.config)  # with what its votes say of people
    wanted = _definitions(config, network)
    key = signature(identity(config, network, benchmark))
    unit = UnitFolder(cell / key)
    table = _table(unit, benchmark, wanted, settings_of_statistics(config))
    if table is None:
        return None
    for line, style in network.said:
        say(line, style)
    own = said_of_own(config)
    if own is not None:
        say(own)
    say_left_out(benchmark)
    say_layout(benchmark)
    return Found(outcome=Outcome(unit, table, benchmark, 0), network=network, definitions=wanted)


def _table(
    unit: UnitFolder, benchmark: Benchmark, wanted: Mapping[str, Definition], statistics: Mapping[str, Any]
) -> pd.DataFrame | None:
    """The table of a unit, if its files are whole, and are of these pairs, columns and settings."""
    if any(unit.folder.glob(f"{UNFINISHED}*")) or (unit.folder / PARTIAL).exists():
        return None
    with suppress(Unusable):
        there = unit.standing()
        unit.read_columns(list(there), benchmark.pairs)
        same = all(there.get(name) == definition for name, definition in wanted.items())
        if same and why_again(unit, unit.result(), statistics) is None:
            return unit.table()
    return None


def why_again(unit: UnitFolder, result: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    """Why the statistics of a result have to be made anew; None if they are what they would be again.

    Args:
        unit: the place of the result.
        result: what its ``result.json`` says.
        wanted: the settings of statistics that are asked for.
    """
    if result["state"] != DONE:
        return f"{unit.folder} has scores without statistics"
    if result.get("statistics") != wanted:
        return differences(wanted, result.get("statistics") or {})
    try:
        unit.read(CONFIG)
        unit.table()
        unit.weights()
    except Unusable as trouble:
        return str(trouble)
    return None if headline_stands(result) else f"the headline in {unit.folder} is damaged"


def _is_computed(config: Config) -> bool:
    """Whether the definition of a readout is known only when its code is imported, or another benchmark is read."""
    return any(is_own(one.function) or one.arguments.get("fit_on") for one in config.readouts.values())


def _definitions(config: Config, network: KnownNetwork) -> dict[str, Definition]:
    if config.goal.name == BASELINE:
        return define_baseline(config.architecture)
    return define_columns(config.readouts, network.layers)[0]
