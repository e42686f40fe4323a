"""One unit from configuration to result: the straight line of the whole laboratory."""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from iqa_lab.benchmarks import Benchmark, examine, load_benchmark
from iqa_lab.benchmarks.benchmark import COLUMNS as PAIR_COLUMNS
from iqa_lab.benchmarks.checks import say_layout, say_left_out, warn_if_misread
from iqa_lab.config import Config
from iqa_lab.errors import UnitFailed, counted
from iqa_lab.networks import Network
from iqa_lab.networks.cells import cell_name, said_of_own
from iqa_lab.progress import say, status
from iqa_lab.scoring.columns import Plan, plan_columns
from iqa_lab.scoring.cost import foreseen_cost, settings_of
from iqa_lab.scoring.definitions import Definition
from iqa_lab.scoring.memory import peak_memory_mib
from iqa_lab.scoring.resize import image_size_of
from iqa_lab.scoring.run import check_readouts, run_pass, weigh_channels, with_fitting_benchmarks
from iqa_lab.scoring.stimuli import check_stimuli
from iqa_lab.store.files import UnitFolder
from iqa_lab.store.finished import why_again
from iqa_lab.store.headline import pixel_control
from iqa_lab.store.identity import identity, images_seen
from iqa_lab.store.known import built_network
from iqa_lab.store.outcome import Outcome
from iqa_lab.store.partial import discard, resumed
from iqa_lab.store.provenance import circumstances
from iqa_lab.store.reading import Unusable
from iqa_lab.store.result import Definitions
from iqa_lab.store.signature import signature
from iqa_lab.store.tabulate import settings_of_statistics, summarise, tabulate, try_statistics
from iqa_lab.store.writing import check_writable


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A unit before its pass: what it is made of, what of it is there, and what is missing."""

    config: Config  # with what the benchmark's votes say of people
    network: Network
    benchmark: Benchmark
    plan: Plan
    definitions: dict[str, Definition]  # of all columns
    hashed: dict[str, Any]  # what the signature is made of
    unit: UnitFolder
    there: Definitions  # columns that can be kept
    missing: set[str]  # columns to compute

    def cost(self) -> str:
        """What the pass over the missing columns will take, in words.

        Raises:
            UserError: the pass cannot be made.
        """
        todo = self.plan.only(self.missing)
        settings = settings_of(self.config, self.network, self.benchmark, todo)
        return foreseen_cost(todo, self.network, self.benchmark, settings)


def prepared(config: Config, network: Network, *, look_only: bool = False) -> Prepared:
    """A unit with its images examined, its columns planned and its folder found.

    Args:
        config: as it was asked for.
        network: of this configuration.
        look_only: nothing on the disk is completed.

    Raises:
        UserError: the benchmark is not as it must be, or no columns can be made of this network.
    """
    # images that are resized to one size may differ before
    benchmark = examine(load_benchmark(config.benchmark), any_size=isinstance(image_size_of(config), tuple))
    config = replace(config, benchmark=benchmark.config)  # with what its votes say of people
    say_left_out(benchmark)
    plan = plan_columns(config, network)
    definitions = with_fitting_benchmarks(plan, config)
    say_layout(benchmark)
    hashed = identity(config, network, benchmark)
    unit = UnitFolder(Path(config.results) / benchmark.config.name / cell_name(config) / signature(hashed))
    if not look_only:
        unit.complete()
    there = {} if config.runtime.force else _standing(unit, benchmark)
    missing = {name for name, definition in definitions.items() if there.get(name) != definition}
    return Prepared(
        config=config, network=network, benchmark=benchmark, plan=plan, definitions=definitions, hashed=hashed,
        unit=unit, there=there, missing=missing,
    )  # fmt: skip


def evaluate(config: Config) -> Outcome:
    """The result of one unit, from disk where it is there, computed and written where it is not.

    Raises:
        UserError: the configuration, the weights, the benchmark or the disk are not as they must be.
        UnitFailed: the scores are no numbers, or their statistics could not be made.
    """
    started = perf_counter()
    with status(f"{cell_name(config)}: building the network"):
        network = built_network(config)
    own = said_of_own(config)
    if own is not None:
        say(own)
    ready = prepared(config, network)
    config, benchmark, plan = ready.config, ready.benchmark, ready.plan
    definitions, unit, there, missing = ready.definitions, ready.unit, ready.there, ready.missing
    cell, key, hashed = cell_name(config), unit.folder.name, ready.hashed
    if not missing:
        discard(unit.folder)  # of a pass that was stopped after its last column was written
        return _restated(unit, config, network, benchmark)

    check_readouts(plan, config.readouts if network.terms is None else {}, benchmark)
    check_stimuli(config, network, benchmark)
    try_statistics(benchmark.pairs, config)
    check_writable(Path(config.results))
    todo = plan.only(missing)
    settings, partial = resumed(
        unit.folder, key, config, network, benchmark, todo, definitions, anew=config.runtime.force
    )
    facts = {
        "signature": key,
        "hashed": hashed,
        "n_expected": benchmark.n_expected,
        "n_identical": benchmark.n_identical,
        "allow_missing": benchmark.config.allow_missing,
        "layout": benchmark.layout,
        "weights_digest": network.digest,
        "layers": [layer.name for layer in network.layers],
        "input": images_seen(config, network),
        **circumstances(settings.device, settings.batch_size),
    }
    try:
        scores = run_pass(todo, network, benchmark, settings, f"{cell} on {benchmark.config.name}", partial)
        channel_scores, weights = weigh_channels(todo, scores, network, benchmark, settings)
    except UnitFailed as error:
        discard(unit.folder)
        unit.write_failure(facts, str(error))
        raise
    for conversion, count in scores.conversions.items():
        say(f"converted {counted(count, 'image')} of {benchmark.config.name}: {conversion}", "yellow")

    named = pd.DataFrame(scores.values, columns=[column.name for column in scores.columns])
    new = pd.concat([named, channel_scores], axis=1)
    kept = unit.read_columns([name for name in there if name not in missing], benchmark.pairs)
    everything = pd.concat([new, kept], axis=1)
    together = {part.name: part.distances(everything) for part in todo.concatenations}
    new = pd.concat([new, pd.DataFrame(together)], axis=1)[list(todo.definitions)]
    known = ["opinion_std"] if benchmark.pairs["opinion_std"].notna().any() else []
    frame = pd.concat([benchmark.pairs[[*PAIR_COLUMNS, *known]], new], axis=1)
    result = {
        **facts,
        "n_scored": len(frame),
        "batch_size": scores.batch_size,
        "conversions": scores.conversions,
        "forwards": scores.forwards,
        "seconds": {
            "pass": round(scores.seconds, 3),
            "images_per_second": round(scores.forwards / scores.seconds, 2),
            "until_written": round(perf_counter() - started, 3),
        },
        "peak_memory_mib": peak_memory_mib(settings.device),
        "statistics": settings_of_statistics(config),
    }
    with status(f"{cell} on {benchmark.config.name}: statistics of {counted(len(definitions), 'column')}"):
        table = unit.write(
            frame,
            {name: definitions[name] for name in todo.definitions},
            result,
            config=_text(config),
            tabulate=lambda scores, columns: tabulate(scores, columns, config, network.weights, result["input"]),
            weights=weights,
            summarise=lambda scores, whole: summarise(scores, whole, config),
        )
    discard(unit.folder)
    pixels = pixel_control(table)
    if len(pixels) and config.preprocess.resize is None and "srcc" in pixels:
        warn_if_misread(benchmark, float(pixels["srcc"].iloc[0]))
    return Outcome(unit, table, benchmark, len(missing))


def _standing(unit: UnitFolder, benchmark: Benchmark) -> Definitions:
    """The columns that are there and can be believed; what cannot is said, and computed anew."""
    try:
        there = unit.standing()
        unit.read_columns(list(there), benchmark.pairs)
    except Unusable as trouble:
        say(f"{trouble}: it is computed anew", "yellow")
        return {}
    return there


def _restated(unit: UnitFolder, config: Config, network: Network, benchmark: Benchmark) -> Outcome:
    """The result that is there; its statistics made anew where they were made with other settings, or are damaged."""
    result = unit.result()
    wanted = settings_of_statistics(config)
    reason = why_again(unit, result, wanted)
    if reason is None:
        return Outcome(unit, unit.table(), benchmark, 0)
    try_statistics(benchmark.pairs, config)
    say(f"{reason}: the statistics are made anew from the scores", "yellow")
    seen = images_seen(config, network)
    table = unit.tabulate_again(
        lambda scores, columns: tabulate(scores, columns, config, network.weights, seen),
        lambda scores, whole: summarise(scores, whole, config),
        wanted,
        _text(config),
    )
    return Outcome(unit, table, benchmark, 0, restated=True)


def _text(config: Config) -> str:
    return OmegaConf.to_yaml(OmegaConf.structured(config))
