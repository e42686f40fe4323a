"""A plan, a network and a benchmark -> scores: checks, the pass with its progress bar, the readouts of channels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.benchmarks import Benchmark, load_benchmark_named
from iqa_lab.benchmarks.benchmark import CHOICES
from iqa_lab.benchmarks.images import Decode
from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.imports import is_own, source_imported
from iqa_lab.networks import Network
from iqa_lab.progress import progress_bar, say, status
from iqa_lab.readouts import function_of, load_channel_readout
from iqa_lab.readouts.channels import Context, Differences, Read, weights_table
from iqa_lab.scoring.batches import distinct, number_of_images
from iqa_lab.scoring.columns import ChannelReadout, Plan
from iqa_lab.scoring.cost import announce
from iqa_lab.scoring.definitions import Definition
from iqa_lab.scoring.forward import read_layers
from iqa_lab.scoring.score import Scores, SoFar, joined, score
from iqa_lab.scoring.settings import Settings


class Keeper(Protocol):
    """Who keeps what a pass has scored so far, and has it of a pass that was cut off."""

    begun: Scores | None  # of the first pairs

    def keep(self, done: int, so_far: SoFar) -> None:
        """Keep what there is of the pairs that come after them: so many."""


def run_pass(
    plan: Plan, network: Network, benchmark: Benchmark, settings: Settings, title: str, keeper: Keeper | None = None
) -> Scores:
    """What the pass gives of a benchmark; announced, with a progress bar. Without columns to read there is no pass.

    Args:
        plan: what is read.
        network: that reads it.
        benchmark: whose images.
        settings: of the pass.
        title: what it is called on the screen.
        keeper: where it goes on, if a pass like it was cut off, and what keeps its own scores; None: nobody.

    Raises:
        UserError: an image cannot be scored.
        UnitFailed: the scores are no numbers.
    """
    if not plan.passed and not plan.channels:
        return Scores(np.empty((len(benchmark.pairs), 0), np.float32), (), {}, {}, 0, settings.batch_size, 1e-9)
    pairs, places = distinct(benchmark.pairs)
    begun = keeper.begun if keeper is not None else None
    done = 0 if begun is None else len(begun.values)
    if done < len(pairs):
        with status(f"{title}: trying a few images"):
            announce(title, plan, network, benchmark, settings)
    if done:
        say(f"{title}: goes on after {done} of {len(pairs)} pairs, which a pass that was stopped had scored")
    scores = begun
    if done < len(pairs):
        new = _pass(plan, network, pairs, done, settings, title, keeper, benchmark.decode)
        scores = new if begun is None else joined(begun, new)
    assert scores is not None
    _say_fixed(plan, scores, benchmark)
    if np.array_equal(places, np.arange(len(pairs))):
        return scores
    channels = {layer: differences[places] for layer, differences in scores.channels.items()}
    return replace(scores, values=scores.values[places], channels=channels)


def _pass(
    plan: Plan,
    network: Network,
    pairs: pd.DataFrame,
    done: int,
    settings: Settings,
    title: str,
    keeper: Keeper | None,
    decode: Decode,
) -> Scores:
    """The scores of the pairs after the first so many, with a bar on which those are done."""
    left = pairs.iloc[done:].reset_index(drop=True)
    total = number_of_images(pairs)
    with progress_bar("images", rate=True) as bar:
        task = bar.add_task(title, total=total, completed=total - number_of_images(left))
        scores = score(
            network,
            left,
            plan.passed,
            settings,
            plan.channel_layers,
            progress=lambda images: bar.advance(task, images),
            decode=decode,
            keep=None if keeper is None else keeper.keep,
        )
    if keeper is not None:  # what comes now, as weighing channels, may take long, too
        keeper.keep(len(left), lambda first: scores.from_pair(first))
    return scores


# readouts of ours that are sums over positions, per pixel of the image
_PER_PIXEL = ("plain", "manhattan")


def _say_fixed(plan: Plan, scores: Scores, benchmark: Benchmark) -> None:
    """Say which columns compare images of several sizes wrongly: per pixel, of layers that do not grow with the image.

    No formula mends it: whatever made such a layer independent of size would change its weight in concatenations.
    """
    asked = [facts for facts in plan.definitions.values() if facts.get("function") in _PER_PIXEL]
    wrong = [f"{facts['readout']}@{facts['layer']}" for facts in asked if facts["layer"] in scores.fixed]
    if wrong:
        say(
            f"{benchmark.config.name} has images of several sizes, and what {first_names(wrong)} reads does not grow "
            "with the image (a class token, a pooled vector), but is divided by its pixels: large images seem nearer. "
            "These columns do not compare images of different sizes; readout=mean or cosine does",
            "yellow",
        )


def weigh_channels(
    plan: Plan, scores: Scores, network: Network, benchmark: Benchmark, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The columns of the readouts of channels, and the table of their weights."""
    if not plan.channels:
        return pd.DataFrame(index=range(len(benchmark.pairs))), None

    def respond(images: Tensor, layers: Sequence[str], read: Read) -> None:
        read_layers(network, images, layers, settings, read)

    columns: dict[str, NDArray[np.float32]] = {}
    tables = []
    whole_levels = network.input.order == "lightness"
    for readout in plan.channels:
        layers = [layer.name for layer in readout.layers]

        def elsewhere(name: str, readout: ChannelReadout = readout, layers: list[str] = layers) -> Differences:
            other = load_benchmark_named(name, allow_missing=benchmark.config.allow_missing)
            only = replace(plan, passed=(), channels=(readout,), concatenations=())
            there = run_pass(only, network, other, settings, f"{readout.name}: fit on {name}")
            return _differences(other, there, layers)

        here = _differences(benchmark, scores, layers)
        with status(f"{readout.name}: weighing the channels of {len(layers)} layers"):
            weighed = readout.weigh(Context(here, network.image_size, respond, elsewhere, whole_levels))
        columns |= {f"{entry.row}@{entry.layer}": entry.distances.astype(np.float32) for entry in weighed}
        tables.append(weights_table(weighed, here))
    return pd.DataFrame(columns), pd.concat(tables, ignore_index=True)


def _differences(benchmark: Benchmark, scores: Scores, layers: list[str]) -> Differences:
    pairs = benchmark.pairs
    opinion = benchmark.opinion_sign * pairs["opinion"].to_numpy(dtype=float)
    return Differences(
        {layer: scores.channels[layer] for layer in layers},
        pairs["reference"].to_numpy(dtype=object),
        opinion if benchmark.experiment is None else np.full(len(pairs), np.nan),
    )


def check_readouts(plan: Plan, readouts: Mapping[str, ReadoutConfig], benchmark: Benchmark) -> None:
    """Nothing, if every readout takes its arguments, and those of channels this benchmark: known before the pass.

    Raises:
        UserError: naming the first that does not.
    """
    for name, readout in readouts.items():
        if readout.reads == "responses":
            _check_arguments(function_of(readout), (None,), readout, name)
    for channels in plan.channels:
        module, config = load_channel_readout(channels.config), channels.config
        _check_arguments(module.weigh, (None, channels.name), config, channels.name)
        if hasattr(module, "check"):
            if benchmark.experiment is not None:
                raise UserError(
                    f"readout {channels.name} is fitted to opinions of images, and {benchmark.config.name} has "
                    "thresholds of stimuli: leave it out, or fit it elsewhere and read it there"
                )
            references = benchmark.pairs["reference"].nunique()
            choices = benchmark.config.protocol in CHOICES
            module.check(benchmark.config.name, references, choices=choices, **config.arguments)


def _check_arguments(function: object, given: tuple[object, ...], readout: ReadoutConfig, name: str) -> None:
    try:
        signature(function).bind(*given, **readout.arguments)  # type: ignore[arg-type]
    except TypeError as error:
        raise UserError(f"readouts.{name}.arguments={readout.arguments}: {error}") from error
    except ValueError:
        return  # written in C: nobody can tell


def with_sources(definitions: Mapping[str, Definition], config: Config) -> dict[str, Definition]:
    """The definitions; those of readouts of one's own with the digest of their source."""
    sources = {
        readout.function: source_imported(readout.function, readout.reads == "channels")
        for readout in config.readouts.values()
        if is_own(readout.function)
    }
    return {
        name: {**facts, "source": sources[facts["function"]]} if facts.get("function") in sources else dict(facts)
        for name, facts in definitions.items()
    }


def with_fitting_benchmarks(plan: Plan, config: Config) -> dict[str, Definition]:
    """The definitions, with the index digest of the benchmark that weights are fitted to, where it is another one.

    Raises:
        UserError: that benchmark is not there, or the readout cannot be fitted to it.
    """
    definitions = with_sources(plan.definitions, config)
    for readout in plan.channels:
        name = readout.config.arguments.get("fit_on")
        if name is None:
            continue
        if name == config.benchmark.name:
            raise UserError(f"readouts.{readout.name}.arguments.fit_on={name} is the benchmark that is scored")
        other = load_benchmark_named(name, allow_missing=config.benchmark.allow_missing)
        if name in config.benchmark.shares_references or config.benchmark.name in other.config.shares_references:
            say(
                f"{name} and {config.benchmark.name} show the same photographs, or some of the same: "
                "weights fitted to one and tested on the other say little about new content",
                "yellow",
            )
        module = load_channel_readout(readout.config)
        if hasattr(module, "check"):
            references, choices = other.pairs["reference"].nunique(), other.config.protocol in CHOICES
            module.check(name, references, choices=choices, **readout.config.arguments)
        for column in readout.columns():
            definitions[column] = {**definitions[column], "fit_on_digest": other.index_digest()}
    return definitions
