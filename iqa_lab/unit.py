"""One unit from configuration to result: the straight line of the whole laboratory."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
import torch
from omegaconf import OmegaConf
from rich.console import Console

from iqa_lab import scoring, store
from iqa_lab.batches import plan_batches
from iqa_lab.benchmarks import Benchmark, load_benchmark
from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.cells import cell_name
from iqa_lab.networks.layers import select_layers
from iqa_lab.networks.network import PIXELS
from iqa_lab.progress import console, progress_bar
from iqa_lab.provenance import circumstances, peak_memory_mib
from iqa_lab.readouts import load_readout
from iqa_lab.scoring import Column, Settings
from iqa_lab.statistics.table import COLUMNS, correlation_table
from iqa_lab.summary import best_first, print_table

# The RMSE of the pixels: its published rank correlation tells whether a benchmark was read rightly.
CONTROL = ReadoutConfig(function="plain", formula="")


@dataclass(frozen=True)
class Outcome:
    """What one run leaves in the hands of its caller."""

    unit: store.Unit
    table: pd.DataFrame  # correlations.csv
    benchmark: Benchmark
    computed: int  # columns that were not there before


def evaluate(config: Config) -> Outcome:
    """The result of one unit, from disk where it is there, computed and written where it is not.

    Raises:
        UserError: the configuration, the weights, the benchmark or the disk are not as they must be.
        UnitFailed: the scores are no numbers.
    """
    started = perf_counter()
    settings = _settings(config)
    network = build_network(config)
    benchmark = load_benchmark(config.benchmark)
    columns = plan_columns(config, network)
    configured = {"plain": CONTROL, **config.readouts}
    definitions = {column.name: _definition(column, configured[column.readout]) for column in columns}
    readouts = {name: load_readout(readout) for name, readout in configured.items()}

    hashed = identity(config, network, benchmark)
    key = store.signature(hashed)
    cell = cell_name(config)
    unit = store.Unit(Path(config.results) / benchmark.config.name / cell / key)
    there = {} if config.runtime.force else unit.finished()
    missing = [column for column in columns if there.get(column.name) != definitions[column.name]]
    if not missing:
        return Outcome(unit, pd.read_csv(unit.correlations_file), benchmark, 0)

    store.check_writable(Path(config.results))
    facts = {
        "signature": key,
        "hashed": hashed,
        "n_expected": benchmark.n_expected,
        "allow_missing": benchmark.config.allow_missing,
        "weights_digest": network.digest,
        **circumstances(settings.device, settings.batch_size),
    }
    try:
        _announce(cell, network, benchmark, missing, readouts, settings)
        with progress_bar() as bar:
            scores = scoring.score(
                network,
                benchmark.pairs,
                missing,
                readouts,
                settings,
                follow=lambda batches: bar.track(batches, description=f"{cell} on {benchmark.config.name}"),
            )
    except UnitFailed as error:
        unit.write_failure(facts, str(error))
        raise
    for conversion, count in scores.conversions.items():
        console.print(f"[yellow]converted {count} images of {benchmark.config.name}: {conversion}[/]")

    named = pd.DataFrame(scores.values, columns=[column.name for column in scores.columns])
    frame = pd.concat([benchmark.pairs.drop(columns=["reference_path", "distorted_path"]), named], axis=1)
    result = {
        **facts,
        "n_scored": len(frame),
        "conversions": scores.conversions,
        "forwards": scores.forwards,
        "seconds": {
            "pass": round(scores.seconds, 3),
            "images_per_second": round(scores.forwards / scores.seconds, 2),
            "until_written": round(perf_counter() - started, 3),
        },
        "peak_memory_mib": peak_memory_mib(settings.device),
    }
    table = unit.write(
        frame,
        {column.name: definitions[column.name] for column in missing},
        result,
        config=OmegaConf.to_yaml(OmegaConf.structured(config)),
        tabulate=_tabulator(config, network, benchmark),
    )
    return Outcome(unit, table, benchmark, len(missing))


def show(outcome: Outcome, config: Config) -> float:
    """Print a unit's table on standard output; returns its headline number."""
    benchmark = outcome.benchmark
    by = benchmark.config.headline
    n, table = len(benchmark.pairs), outcome.table
    title = (
        f"{config.goal.name} - {config.dataset.name} - {config.architecture.name} "
        f"({table['weights'].iloc[0]}) on {benchmark.config.name}"
    )
    notes = [
        f"{n} of {benchmark.n_expected} pairs, {benchmark.pairs['reference'].nunique()} references; "
        f"intervals by resampling references; within: mean SRCC within a distortion.",
        f"Ordered by {by}; the best of many layers is optimistic. Positive = agrees.",
    ]
    if not benchmark.config.human:
        notes.append(f"No human judgement: {benchmark.config.description}.")
    verb = "Result" if outcome.computed else "Nothing to do, the result is"
    notes.append(f"{verb} in {outcome.unit.folder}")
    print_table(table, by=by, title=title, notes=notes, console=Console(highlight=False, soft_wrap=True))
    return float(best_first(table, by)[by].iloc[0]) if len(table) else float("nan")


def plan_columns(config: Config, network: Network) -> list[Column]:
    """Every layer x readout column that a run asks for, layer by layer; ``plain@pixels`` is always among them.

    Raises:
        UserError: no readout is chosen, or a layer does not exist.
    """
    if not config.readouts:
        raise UserError("no readout is chosen: readout=plain, or several, readout=[plain,lpips]")
    layers = {layer.name: layer for layer in (PIXELS, *network.layers)}
    names = [layer.name for layer in network.layers]
    chosen = {
        name: {PIXELS.name} | set(select_layers(readout.layers, names)) for name, readout in config.readouts.items()
    }
    asked = [Column(layer, name) for layer in layers.values() for name in config.readouts if layer.name in chosen[name]]
    control = Column(PIXELS, "plain")
    return asked if control in asked else [control, *asked]


def identity(config: Config, network: Network, benchmark: Benchmark) -> dict[str, Any]:
    """Everything that may move a score of this unit, whatever the readout: what the signature hashes.

    Device, workers, batch size, paths, seeds of intervals and the tracker are left out.
    """
    return {
        "schema": store.SCHEMA,
        "goal": config.goal.name,
        "dataset": config.dataset.name,
        "architecture": config.architecture.name,
        "weights": network.weights,
        "weights_digest": network.digest,
        "constructor": config.architecture.constructor,
        "arguments": {**config.architecture.arguments, **config.weights.arguments},
        "tokens": asdict(network.tokens) if network.tokens else None,
        "input": {key: value for key, value in asdict(network.input).items() if key != "size"},
        "benchmark": benchmark.config.name,
        "opinion": benchmark.config.opinion,
        "index_digest": benchmark.index_digest(),
        "preprocess": asdict(config.preprocess),
        "precision": config.precision,
    }


def _definition(column: Column, readout: ReadoutConfig) -> dict[str, Any]:
    return {
        "layer": column.layer.name,
        "depth": column.layer.depth,
        "readout": column.readout,
        "function": readout.function,
        "arguments": readout.arguments,
    }


def _settings(config: Config) -> Settings:
    runtime = config.runtime
    return Settings(
        _device(runtime.device), runtime.batch_size, runtime.workers, config.precision, config.preprocess.resize
    )


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"runtime.device={name} is not to be had here: {str(error).splitlines()[0]}") from error
    return device


def _announce(
    cell: str,
    network: Network,
    benchmark: Benchmark,
    columns: list[Column],
    readouts: dict[str, scoring.Readout],
    settings: Settings,
) -> None:
    """Say what will be done, how much memory it takes and about how long, from the first batch, really scored."""
    batches = plan_batches(benchmark.pairs, settings.batch_size)
    forwards = len(benchmark.pairs) + len(batches)
    shapes = scoring.first_image(network, batches[0].reference, columns, settings)
    first = benchmark.pairs.loc[list(batches[0].rows)].reset_index(drop=True)
    # the second of two: in the first the processor and the memory are cold
    trial = [scoring.score(network, first, columns, readouts, settings) for _ in range(2)][-1]
    # a layer's responses, and beside them a normalised copy and its differences
    largest = max(torch.Size(shape).numel() for shape in shapes.values())
    gib = 3 * 4 * largest * settings.batch_size / 2**30
    console.print(
        f"{cell}: {len(benchmark.pairs)} of {benchmark.n_expected} pairs of {benchmark.config.name}, "
        f"{forwards} forwards, {len(columns)} columns, about {gib:.1f} GiB "
        f"and {_duration(trial.seconds / trial.forwards * forwards)} on {settings.device}"
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _tabulator(
    config: Config, network: Network, benchmark: Benchmark
) -> Callable[[pd.DataFrame, store.Definitions], pd.DataFrame]:
    """The function that makes ``correlations.csv`` from scores: factors, layer and readout, statistics."""

    def tabulate(scores: pd.DataFrame, definitions: store.Definitions) -> pd.DataFrame:
        names = sorted(definitions, key=lambda name: (definitions[name]["readout"], definitions[name]["depth"]))
        statistics = correlation_table(scores, names, benchmark.opinion_sign, config.statistics)
        return statistics.assign(
            benchmark=benchmark.config.name,
            goal=config.goal.name,
            dataset=config.dataset.name,
            architecture=config.architecture.name,
            weights=network.weights,
            layer=[definitions[name]["layer"] for name in names],
            depth=[definitions[name]["depth"] for name in names],
            readout=[definitions[name]["readout"] for name in names],
        )[COLUMNS]

    return tabulate
