"""One unit from configuration to result: the straight line of the whole laboratory."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf
from rich.console import Console

from iqa_lab import scoring, store
from iqa_lab.batches import number_of_images
from iqa_lab.benchmarks import Benchmark, examine, load_benchmark, load_benchmark_named
from iqa_lab.benchmarks.benchmark import CHOICE
from iqa_lab.benchmarks.benchmark import COLUMNS as PAIR_COLUMNS
from iqa_lab.benchmarks.images import Resize
from iqa_lab.columns import ChannelReadout, Definition, Plan, plan_columns
from iqa_lab.config import Config
from iqa_lab.cost import announce, choose_batch_size
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.cells import cell_name
from iqa_lab.networks.network import PIXELS
from iqa_lab.progress import console, progress_bar
from iqa_lab.provenance import circumstances, peak_memory_mib
from iqa_lab.readouts.channels import Context, Differences, weights_table
from iqa_lab.scoring import Scores, Settings
from iqa_lab.statistics.choices import ceilings
from iqa_lab.summary import best_first, chosen_on_others, print_table
from iqa_lab.tabulate import summarise, tabulate


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
    network = build_network(config)
    # images that are resized to one size may differ before
    benchmark = examine(load_benchmark(config.benchmark), any_size=isinstance(_resize(config), tuple))
    _say_identical(benchmark)
    plan = plan_columns(config, network)
    definitions = _with_fitting_benchmarks(plan, config)

    hashed = identity(config, network, benchmark)
    key = store.signature(hashed)
    cell = cell_name(config)
    unit = store.Unit(Path(config.results) / benchmark.config.name / cell / key)
    there = {} if config.runtime.force else unit.finished()
    missing = {name for name, definition in definitions.items() if there.get(name) != definition}
    if not missing:
        return Outcome(unit, pd.read_csv(unit.correlations_file), benchmark, 0)

    store.check_writable(Path(config.results))
    todo = plan.only(missing)
    settings = _settings(config, network, benchmark, todo)
    facts = {
        "signature": key,
        "hashed": hashed,
        "n_expected": benchmark.n_expected,
        "n_identical": benchmark.n_identical,
        "allow_missing": benchmark.config.allow_missing,
        "weights_digest": network.digest,
        "layers": [layer.name for layer in network.layers],
        **circumstances(settings.device, settings.batch_size),
    }
    try:
        scores = run_pass(todo, network, benchmark, settings, f"{cell} on {benchmark.config.name}")
        channel_scores, weights = _after_the_pass(todo, scores, network, benchmark, settings)
    except UnitFailed as error:
        unit.write_failure(facts, str(error))
        raise
    for conversion, count in scores.conversions.items():
        console.print(f"[yellow]converted {count} images of {benchmark.config.name}: {conversion}[/]")

    named = pd.DataFrame(scores.values, columns=[column.name for column in scores.columns])
    new = pd.concat([named, channel_scores], axis=1)
    everything = pd.concat([new, unit.read_columns([name for name in there if name not in missing])], axis=1)
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
    }
    seen = _images_seen(config, network)
    with console.status(f"{cell} on {benchmark.config.name}: statistics of {len(definitions)} columns"):
        table = unit.write(
            frame,
            {name: definitions[name] for name in todo.definitions},
            result,
            config=OmegaConf.to_yaml(OmegaConf.structured(config)),
            tabulate=lambda scores, columns: tabulate(scores, columns, config, network.weights, seen),
            weights=weights,
            summarise=lambda scores, whole: summarise(scores, whole, config),
        )
    _warn_if_misread(benchmark, table, config)
    return Outcome(unit, table, benchmark, len(missing))


def _say_identical(benchmark: Benchmark) -> None:
    """Say how many distorted images are no different from their references: their distances tie at zero."""
    if benchmark.n_identical:
        excluded = benchmark.config.exclude_identical
        advice = "left out" if excluded else "benchmark.exclude_identical=true leaves them out"
        console.print(
            f"{benchmark.config.name}: {benchmark.n_identical} distorted images have exactly the pixels of their "
            f"references; {advice}"
        )


# What two ways of computing PSNR may differ by: rounding, and how the luminance is weighed.
PSNR_TOLERANCE = 0.002


def _warn_if_misread(benchmark: Benchmark, table: pd.DataFrame, config: Config) -> None:
    """Say loudly if the pixels do not agree with people as PSNR is published to do on this benchmark.

    Then the images, the opinions or their order are not what they should be, and no other number can be trusted.
    """
    published = benchmark.config.psnr_srcc
    if published is None or not benchmark.is_whole or config.preprocess.resize is not None:
        return
    pixels = table.loc[(table["layer"] == PIXELS.name) & (table["readout"] == "plain"), "srcc"]
    if len(pixels) and not abs(float(pixels.iloc[0]) - published) <= PSNR_TOLERANCE:
        console.print(
            f"[bold red]{benchmark.config.name} was not read rightly: its pixels agree with people by "
            f"{float(pixels.iloc[0]):.4f}, but PSNR is published to agree by {published:.4f}; trust no number of it[/]"
        )


def run_pass(plan: Plan, network: Network, benchmark: Benchmark, settings: Settings, title: str) -> Scores:
    """What the pass gives of a benchmark; announced, with a progress bar. Without columns to read there is no pass.

    Raises:
        UserError: an image cannot be scored.
        UnitFailed: the scores are no numbers.
    """
    if not plan.passed and not plan.channels:
        return Scores(np.empty((len(benchmark.pairs), 0), np.float32), (), {}, {}, 0, settings.batch_size, 1e-9)
    announce(title, plan, network, benchmark, settings)
    with progress_bar() as bar:
        task = bar.add_task(title, total=number_of_images(benchmark.pairs))
        return scoring.score(
            network,
            benchmark.pairs,
            plan.passed,
            settings,
            plan.channel_layers,
            progress=lambda images: bar.advance(task, images),
        )


def _after_the_pass(
    plan: Plan, scores: Scores, network: Network, benchmark: Benchmark, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The columns of the readouts of channels, and the table of their weights."""
    if not plan.channels:
        return pd.DataFrame(index=range(len(benchmark.pairs))), None
    columns: dict[str, NDArray[np.float32]] = {}
    tables = []
    for readout in plan.channels:
        if benchmark.config.protocol == CHOICE and readout.config.function == "tuned":
            raise UserError(f"readout {readout.name} fits opinions of images, but {benchmark.config.name} has choices")
        layers = [layer.name for layer in readout.layers]

        def elsewhere(name: str, readout: ChannelReadout = readout, layers: list[str] = layers) -> Differences:
            other = load_benchmark_named(name, allow_missing=benchmark.config.allow_missing)
            only = replace(plan, passed=(), channels=(readout,), concatenations=())
            there = run_pass(only, network, other, settings, f"{readout.name}: fit on {name}")
            return _differences(other, there, layers)

        here = _differences(benchmark, scores, layers)
        with console.status(f"{readout.name}: weighing the channels of {len(layers)} layers"):
            weighed = readout.weigh(Context(here, network, settings, elsewhere))
        columns |= {f"{entry.row}@{entry.layer}": entry.distances.astype(np.float32) for entry in weighed}
        tables.append(weights_table(weighed, here))
    return pd.DataFrame(columns), pd.concat(tables, ignore_index=True)


def _differences(benchmark: Benchmark, scores: Scores, layers: list[str]) -> Differences:
    pairs = benchmark.pairs
    return Differences(
        {layer: scores.channels[layer] for layer in layers},
        pairs["reference"].to_numpy(dtype=object),
        benchmark.opinion_sign * pairs["opinion"].to_numpy(dtype=float),
    )


def _with_fitting_benchmarks(plan: Plan, config: Config) -> dict[str, Definition]:
    """The definitions, with the index digest of the benchmark that weights are fitted to, where it is another one."""
    definitions = dict(plan.definitions)
    for readout in plan.channels:
        name = readout.config.arguments.get("fit_on")
        if name is None:
            continue
        if name == config.benchmark.name:
            raise UserError(f"readouts.{readout.name}.arguments.fit_on={name} is the benchmark that is scored")
        if name in config.benchmark.shares_references:
            console.print(
                f"[yellow]{name} and {config.benchmark.name} show the same photographs: "
                "weights fitted to one and tested on the other say nothing about new content[/]"
            )
        other = load_benchmark_named(name, allow_missing=config.benchmark.allow_missing)
        for column in readout.columns():
            definitions[column] = {**definitions[column], "fit_on_digest": other.index_digest()}
    return definitions


def show(outcome: Outcome, config: Config) -> float:
    """Print a unit's table on standard output; returns its headline number."""
    benchmark = outcome.benchmark
    by = "agreement" if benchmark.config.protocol == CHOICE else benchmark.config.headline
    n, table = len(benchmark.pairs), outcome.table
    title = (
        f"{config.goal.name} - {config.dataset.name} - {config.architecture.name} "
        f"({table['weights'].iloc[0]}) on {benchmark.config.name}"
    )
    references = f"{benchmark.pairs['reference'].nunique()} references; intervals by resampling references"
    notes = [
        f"{n} of {benchmark.n_expected} pairs, {references}; within: mean SRCC within a distortion."
        if benchmark.config.protocol != CHOICE
        else f"{n // 2} of {benchmark.n_expected // 2} triplets, {references}; "
        f"agreement: share of people who chose the image with the smaller distance. {_limits(benchmark)}",
        f"Ordered by {by}; the best of many layers is optimistic. Positive = agrees.",
        *chosen_on_others((outcome.unit.read_result() or {}).get("headline", {})),
    ]
    if not benchmark.config.human:
        notes.append(f"No human judgement: {benchmark.config.description}.")
    verb = "Result" if outcome.computed else "Nothing to do, the result is"
    notes.append(f"{verb} in {outcome.unit.folder}")
    print_table(table, by=by, title=title, notes=notes, console=Console(highlight=False, soft_wrap=True))
    return float(best_first(table, by)[by].iloc[0]) if len(table) else float("nan")


def _limits(benchmark: Benchmark) -> str:
    """What agreement is possible on choices, in words."""
    people = benchmark.config.people
    if people is None:
        return ""
    limits = ceilings(benchmark.pairs["opinion"].iloc[1::2], people)
    return f"Possible are {limits.majority:.3f} (always with the majority); two people agree {limits.person:.3f}."


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


def _settings(config: Config, network: Network, benchmark: Benchmark, plan: Plan) -> Settings:
    size = config.runtime.batch_size
    if size != "auto" and (not isinstance(size, int) or isinstance(size, bool)):
        raise UserError(f"runtime.batch_size={size}: give a number of images, or auto")
    if size != "auto":
        return pass_settings(config, size)
    settings = pass_settings(config, 1)
    return replace(settings, batch_size=choose_batch_size(plan, network, benchmark, settings))


def pass_settings(config: Config, batch_size: int) -> Settings:
    """How the images go through the network, ``batch_size`` at once.

    Raises:
        UserError: a value that no pass can be made with, or a device that is not there.
    """
    return Settings(
        device=_device(config.runtime.device),
        batch_size=batch_size,
        workers=config.runtime.workers,
        precision=config.precision,
        resize=_resize(config),
    )


def _resize(config: Config) -> Resize:
    """The size that images are brought to.

    Raises:
        UserError: the setting is none of the three that are possible.
    """
    resize = config.preprocess.resize
    sides = resize if isinstance(resize, list) else [resize]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if resize is None or (whole and not isinstance(resize, list)):
        return resize
    if not whole or len(sides) != 2:
        raise UserError(f"preprocess.resize={resize}: give the short side in pixels, [height,width], or null")
    return sides[0], sides[1]


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"runtime.device={name} is not to be had here: {str(error).splitlines()[0]}") from error
    return device


def _images_seen(config: Config, network: Network) -> str:
    """What images the network was given, in words."""
    resize = _resize(config)
    if isinstance(resize, tuple):
        return f"{network.reads}, {resize[0]} x {resize[1]}"
    return f"{network.reads}, " + ("no resize" if resize is None else f"short side {resize}")
