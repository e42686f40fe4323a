"""A metric <-> one ``.safetensors`` file: tensors, and a sealed JSON text that says all that they are for.

Of the network the file holds what the metric's layers need (``trimmed.py``); its text names what is left out.
Nothing in the file is run. Its network is built by this package's own constructors (``trusted.py``), and every tensor
has to be the one that was saved: names, shapes and digests are checked before the first image.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from iqa_lab.benchmarks.images import Resize
from iqa_lab.config import (
    ArchitectureConfig,
    Config,
    DatasetConfig,
    GoalConfig,
    PreprocessConfig,
    WeightsConfig,
)
from iqa_lab.config.check import make
from iqa_lab.errors import UserError, first_names
from iqa_lab.metric.card import card
from iqa_lab.metric.recipe import Recipe, layers_read
from iqa_lab.metric.sealed import read_description, read_tensors, sealed
from iqa_lab.metric.sources import SOURCES, check_sources, sources_of
from iqa_lab.metric.trimmed import left_out, take_out
from iqa_lab.metric.trusted import check_trust
from iqa_lab.networks.build import network_from
from iqa_lab.networks.network import Network
from iqa_lab.networks.sources import find_weights_file
from iqa_lab.networks.weights import tensors_digest, weights_digest
from iqa_lab.scoring.resize import image_size_of
from iqa_lab.scoring.settings import Settings
from iqa_lab.store.writing import readable_write_errors, replace_all

INSIDE, BY_NAME = "inside", "by name"
_SUFFIX = ".safetensors"
_NETWORK, _CHANNELS = "network.", "channels."
# facts of a network that is not whole: the names of what is left out, and the digest of what is there
_LEFT_OUT, _KEPT = "left_out", "kept_digest"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All that a metric is made of: what a file holds."""

    network: Network
    recipe: Recipe
    weights: Mapping[int, Tensor]  # of channels, by the place of their column
    about: Mapping[str, Any]
    value_range: tuple[float, float] | None
    resize: Resize
    precision: str


def save(metric: Parts, path: "str | os.PathLike[str]", weights: str = INSIDE) -> Path:
    """Write a metric's file, and its card beside it; gives the file's path.

    Args:
        metric: to be saved.
        path: of the file, ``*.safetensors``.
        weights: ``inside`` or ``by name``.

    Raises:
        UserError: the path or the word is none, the weights have no name that somebody else could find them by, or
            the file cannot be written.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"{path!r} is no path of a file")
    file = Path(path).expanduser()
    if file.suffix != _SUFFIX:
        raise UserError(f"{file}: the file of a metric ends with {_SUFFIX}")
    if weights not in (INSIDE, BY_NAME):
        raise UserError(f"weights={weights}: choose {INSIDE!r} or {BY_NAME!r}")
    about, module = dict(metric.about), metric.network.module
    if weights == BY_NAME and (about.get("weights") == "custom" or not _has_name(about)):
        raise UserError("these weights are a file of your own, which has no public name: save them inside")
    if metric.precision == "bf16":
        raise UserError("precision=bf16 has rounded the weights: load the metric with precision=fp32 and save that")
    if weights_digest(module) != about.get(_KEPT, about["weights_digest"]):
        raise UserError("the weights are not those that were loaded any more (trained, or of another type)")
    tensors, about = _of_network(metric) if weights == INSIDE else ({}, _of_whole(about))
    tensors |= {f"{_CHANNELS}{place}": _plain(values) for place, values in metric.weights.items()}
    content = {
        "weights": weights,
        "recipe": metric.recipe.as_values(),
        "about": about,
        "value_range": metric.value_range,
    }
    with readable_write_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        own_card = card(metric.recipe, about, file.name, _words(weights, about, tensors)).encode()
        replace_all(file.parent, {file.with_suffix(".md").name: own_card, file.name: sealed(content, tensors)})
    return file


def _of_network(metric: Parts) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of the network that the metric needs, and the facts with what is left out."""
    state = metric.network.module.state_dict()
    unused = left_out(metric.network, layers_read(metric.recipe.terms, metric.network), metric.precision)
    kept = {key: _plain(value) for key, value in state.items() if key not in set(unused)}
    tensors = {f"{_NETWORK}{key}": value for key, value in kept.items()}
    without = [*metric.about.get(_LEFT_OUT, ()), *unused]
    if not without:
        return tensors, dict(metric.about)
    return tensors, {**metric.about, _LEFT_OUT: without, _KEPT: tensors_digest(kept)}


def _of_whole(about: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a metric whose network is whole."""
    return {key: value for key, value in about.items() if key not in (_LEFT_OUT, _KEPT)}


def load(path: Path, *, trust: bool = False) -> Parts:
    """What the metric in a file is made of.

    Args:
        path: of the file.
        trust: import code that it names and this package does not know.

    Raises:
        UserError: it is missing, damaged, no metric, or of another version; or it needs code, or weights, that are
            not here.
    """
    content = read_description(path)
    try:
        recipe = Recipe.of_values(content["recipe"])
        about = dict(content["about"])
        config = _config(about)
        inside, value_range = content["weights"] == INSIDE, content["value_range"]
        named = dict(content["tensors"])
        sources = dict(about.get(SOURCES) or {})
        if not all(isinstance(one, str) for one in about.get(_LEFT_OUT, ())):
            raise ValueError(_LEFT_OUT)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is damaged: it holds no metric of this version ({error!r:.80})") from error
    check_trust(config, content["recipe"]["terms"], path, trust=trust, fetches=not inside)
    tensors = read_tensors(path, named)
    if inside:
        network = _filled(path, config, tensors, about)
    else:
        found = config.weights
        file = find_weights_file(found) if found.source else None
        network = network_from(config, file)
        if network.digest != about.get("weights_digest"):
            raise UserError(
                f"{path} was made with other weights of this name: their digest is {network.digest[:12]} here, "
                f"{str(about.get('weights_digest'))[:12]} there"
            )
    network = replace(network, weights=str(about["weights"]))
    now = sources_of(config.architecture.constructor, (term.function for term in recipe.terms))
    check_sources(now, sources, path)
    _check_fits(path, recipe, network, tensors)
    weights = {place: tensors[f"{_CHANNELS}{place}"] for place, term in enumerate(recipe.terms) if term.weighed}
    return Parts(
        network=network,
        recipe=recipe,
        weights=weights,
        about=about,
        value_range=None if value_range is None else (float(value_range[0]), float(value_range[1])),
        resize=image_size_of(config),
        precision=config.precision,
    )


def _filled(path: Path, config: Config, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Network:
    """The network with the weights that the file holds."""
    state = {name.removeprefix(_NETWORK): value for name, value in tensors.items() if name.startswith(_NETWORK)}
    without = about.get(_LEFT_OUT, [])
    network = network_from(config, None)
    wanted = network.module.state_dict()
    # each tensor of the network is either there or said to be left out
    wrong = [key for key in {*wanted, *state, *without} if key not in wanted or (key in state) == (key in without)]
    wrong += [key for key in state if key in wanted and state[key].shape != wanted[key].shape]
    if wrong:
        raise UserError(f"{path} does not fit the network that it names: {first_names(sorted(wrong))}")
    network.module.load_state_dict(state, strict=False)
    take_out(network.module, without)
    if weights_digest(network.module) != about.get(_KEPT, about.get("weights_digest")):
        raise UserError(f"{path} is damaged: the network's weights are not those that it names")
    # a baseline has read its own weights from its module
    terms = getattr(network.module, "terms", None)
    return replace(network, digest=str(about.get("weights_digest")), terms=terms() if terms else None)


def _check_fits(path: Path, recipe: Recipe, network: Network, tensors: Mapping[str, Tensor]) -> None:
    """Nothing, if the network has every layer, and every layer as many channels as there are weights.

    Raises:
        UserError: it has not.
    """
    known: dict[str, int | None] = {"pixels": 3} | {layer.name: None for layer in network.layers}
    known |= {name: form.channels for name, form in network.forms.items()}
    unknown = [term.layer for term in recipe.terms if term.layer not in known]
    if unknown:
        raise UserError(f"{path} names layers that its network does not have: {first_names(unknown)}")
    for place, term in enumerate(recipe.terms):
        values, channels = tensors.get(f"{_CHANNELS}{place}"), known[term.layer]
        if not term.weighed:
            continue
        if values is None or values.ndim != 1 or len(values) != (len(values) if channels is None else channels):
            raise UserError(f"{path} lacks the weights of channels of {term.name}")
        if not values.isfinite().all() or (values < 0).any():
            raise UserError(f"{path}: the weights of channels of {term.name} are not finite numbers from 0 on")


def _config(about: Mapping[str, Any]) -> Config:
    """The configuration that the network is built from, checked like every other that comes from outside."""
    build = about["build"]
    config = Config(
        goal=make(GoalConfig, build["goal"], prefix="goal."),
        dataset=make(DatasetConfig, build["dataset"], prefix="dataset."),
        architecture=make(ArchitectureConfig, build["architecture"], prefix="architecture."),
        weights=make(WeightsConfig, build["weights"], prefix="weights."),
        preprocess=make(PreprocessConfig, {"resize": about["resize"]}, prefix="preprocess."),
        precision=str(about["precision"]),
    )
    Settings(precision=config.precision, resize=image_size_of(config))  # refuses what no pass can be made with
    return config


def _words(weights: str, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """What of the network's weights is in the file."""
    number = len(about.get(_LEFT_OUT, ()))
    if not number:
        return weights
    whole = number + sum(name.startswith(_NETWORK) for name in tensors)
    return f"{weights}, without {number} of {whole} tensors that no layer of this metric needs"


def _has_name(about: Mapping[str, Any]) -> bool:
    """Whether somebody else can find or draw these weights by their name."""
    build = about["build"]
    return bool(build["weights"]["source"]) or build["goal"]["name"] == "untrained" or about["goal"] == "baseline"


def _plain(value: Tensor) -> Tensor:
    """A copy of its own, in the usual order: the format takes no shared memory."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)
