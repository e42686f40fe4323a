"""A unit's configuration, network and benchmark -> everything that may move its scores, which the signature hashes."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from iqa_lab.benchmarks import Benchmark
from iqa_lab.benchmarks.made import shown_on
from iqa_lab.config import Config
from iqa_lab.imports import source_imported
from iqa_lab.scoring.resize import image_size_of
from iqa_lab.store.code import code_of
from iqa_lab.store.signature import SCHEMA

if TYPE_CHECKING:
    from iqa_lab.networks import Network
    from iqa_lab.store.known import KnownNetwork


def identity(config: Config, network: "Network | KnownNetwork", benchmark: Benchmark) -> dict[str, Any]:
    """Everything that may move a score of this unit, whatever the readout: what the signature hashes.

    Device, workers, batch size, paths, seeds of intervals and the tracker are left out.
    """
    return {
        "schema": SCHEMA,
        "goal": config.goal.name,
        "dataset": config.dataset.name,
        "architecture": config.architecture.name,
        "weights": network.weights,
        "weights_digest": network.digest,
        "constructor": config.architecture.constructor,
        "code": code_of(config.architecture.constructor, config.benchmark.family, source_imported),
        "arguments": {**config.architecture.arguments, **config.weights.arguments},
        # how outputs become responses: axes, patches, prefix tokens; a layer's name says which module, call and part
        "layers": {name: asdict(form) for name, form in network.forms.items()},
        "image_size": network.image_size,
        "input": {key: value for key, value in asdict(network.input).items() if key != "size"},
        "benchmark": benchmark.config.name,
        "opinion": benchmark.config.opinion,
        "index_digest": benchmark.index_digest(),
        **shown_on(config.benchmark),
        "preprocess": asdict(config.preprocess),
        "precision": config.precision,
    }


def images_seen(config: Config, network: "Network") -> str:
    """What images the network was given, in words."""
    resize = image_size_of(config)
    if isinstance(resize, tuple):
        return f"{network.reads}, {resize[0]} x {resize[1]}"
    return f"{network.reads}, " + ("no resize" if resize is None else f"short side {resize}")
