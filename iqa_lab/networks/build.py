"""From configuration to Network."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from iqa_lab.config import ArchitectureConfig, Config, WeightsConfig
from iqa_lab.errors import FOREIGN, UserError, first_names
from iqa_lab.imports import import_object
from iqa_lab.networks.cells import BASELINE, UNTRAINED, check_cell, check_name, is_by_hand
from iqa_lab.networks.convention import check_input
from iqa_lab.networks.fine import FINE, is_fine_group
from iqa_lab.networks.forms import AXES, CLASS, LAYOUTS, TOKENS, VECTOR, Form, NoForm, form_of, grid_of, stride_of
from iqa_lab.networks.layers import check_layers, every_block, trusted_layers
from iqa_lab.networks.network import CLASS_TOKEN, OUTPUT, Layer, Network, OnDisplay
from iqa_lab.networks.order import TokenOrder
from iqa_lab.networks.sources import find_weights_file
from iqa_lab.networks.trace import trace
from iqa_lab.networks.weights import load_weights, weights_digest
from iqa_lab.progress import say
from iqa_lab.readouts import Distance


def build_network(config: Config) -> Network:
    """The network of one run, in evaluation mode on the CPU, its weights loaded and its layers checked.

    Raises:
        UserError: the cell is empty or contradicts itself, or its weights or layers are not as declared.
    """
    weights = config.weights
    check_cell(config)
    return network_from(config, find_weights_file(weights) if weights.path or weights.url or weights.source else None)


def network_from(config: Config, file: Path | None) -> Network:
    """As ``build_network``, with the weights in a file that somebody has found and verified; None: as drawn.

    Raises:
        UserError: the weights or layers are not as declared, or the architecture has another one's name.
    """
    weights = config.weights
    check_layout(config.architecture)
    check_input(weights.input)
    module = build_module(config.architecture, weights)
    check_name(config.architecture)
    if isinstance(module, OnDisplay):
        module.shown_on(config.benchmark.pixels_per_degree, config.benchmark.peak_luminance)
    random_keys = load_weights(module, file, weights) if file is not None else []
    terms: Callable[[], Mapping[str, Distance]] | None = getattr(module, "terms", None)
    if (config.goal.name == BASELINE) != (terms is not None):
        what = "a network" if terms is None else "a baseline"
        raise UserError(f"architecture={config.architecture.name} is {what}: goal={BASELINE} goes with baselines only")
    return Network(
        module=module,
        layers=(OUTPUT,) if terms else named_layers(config.architecture, module, random_keys),
        input=weights.input,
        image_size=config.architecture.image_size,
        weights=weights_name(config),
        digest=weights_digest(module),
        random=tuple(random_keys),
        terms=terms() if terms else None,
    )


def weights_name(config: Config) -> str:
    """The name of a training in tables: ``architecture``, ``architecture.recipe``, ``seed0`` or ``custom``.

    A file that the user has to get by hand is the training that it was got for.
    """
    weights = config.weights
    if config.goal.name == UNTRAINED:
        return f"seed{weights.seed}"
    if (weights.path and not is_by_hand(weights)) or weights.url:
        return "custom"
    return f"{weights.architecture}.{weights.recipe}" if weights.recipe else str(weights.architecture)


def build_module(architecture: ArchitectureConfig, weights: WeightsConfig) -> nn.Module:
    """The architecture with its seeded random initialisation, in evaluation mode.

    Raises:
        UserError: the constructor cannot be imported or refuses its arguments.
    """
    constructor = import_object(architecture.constructor, "architecture.constructor")
    arguments = {**architecture.arguments, **weights.arguments}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(weights.seed)
        try:
            module = constructor(**arguments)
        except FOREIGN as error:  # somebody else's code
            raise UserError(f"{architecture.constructor} with {arguments} failed: {_reason(error)}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{architecture.constructor} gives {type(module).__name__}, not a torch module")
    lazy = [name for name, values in module.state_dict(keep_vars=True).items() if is_lazy(values)]
    if lazy:
        raise UserError(
            f"{architecture.constructor}: {first_names(lazy)} have no size before the first image (lazy modules), "
            "so that no weights can be drawn or loaded: give their sizes in the constructor"
        )
    return module.eval().requires_grad_(False)


def _reason(error: BaseException) -> str:
    """What somebody else's code raised, in one line; with its kind where that says more."""
    text = " ".join(str(error).split())
    return (
        text if isinstance(error, (TypeError, ValueError, RuntimeError)) and text else f"{type(error).__name__} {text}"
    )


def named_layers(architecture: ArchitectureConfig, module: nn.Module, random_keys: list[str]) -> tuple[Layer, ...]:
    """The layers of a module from early to late; those behind weights that stayed at random are left out.

    The depth of a layer counts in the architecture's full list, so that it means the same in every training; fine ones
    stand evenly between those that are not.

    Raises:
        UserError: the module does not run, or a layer is none, or is not laid out as declared.
    """
    traced = trace(module, input_channels(module), architecture.image_size)
    layout, patch, prefix = architecture.layout, architecture.patch, architecture.prefix_tokens

    order = TokenOrder(module, input_channels(module), traced, declared=layout == TOKENS)

    def form_at(address: str) -> Form | NoForm:
        form = form_of(traced.outputs[address], traced, layout, patch, prefix)
        return form if patch else order.checked(address, form)

    declared = declared_layers(architecture)
    if declared is None:
        found, others = every_block(module, traced, form_at, layout)
        _say_left_out(found, others, layout)
        declared = dict.fromkeys(found)
    names = list(declared)
    fine = fine_layers(architecture)
    depths = _depths(names, fine)
    check_layers(names, traced)
    forms = {name: _agreed(name, form_at(name), layout) for name in names}
    layers: list[Layer] = []
    for name, channels in declared.items():
        form = forms[name]
        if channels is not None and channels != form.channels:
            raise UserError(f"layer {name} has {form.channels} channels, but architecture.layers says {channels}")
        output, depth, is_fine = traced.outputs[name], depths[name], name in fine
        grid = grid_of(output, traced, form)
        spatial = form.kind != VECTOR and not ("Pool" in output.kind and grid == (1, 1))
        stride = stride_of(output, traced, form)
        layers.append(Layer(name, depth, spatial, form, stride if spatial else None, is_fine))
        # of several tokens that were only found, nobody knows which is the class token
        if form.kind == TOKENS and (form.prefix == 1 or 0 < form.prefix == prefix):
            layers.append(Layer(name + CLASS_TOKEN, depth, False, replace(form, kind=CLASS), None, is_fine))
    kept = trusted_layers(names, traced, random_keys)
    if not kept:
        raise UserError(f"no layer runs before the weights that stay at random ({first_names(random_keys)})")
    return tuple(layer for layer in layers if layer.name.removesuffix(CLASS_TOKEN) in kept)


def _depths(names: Sequence[str], fine: Collection[str]) -> dict[str, float]:
    """The place of each layer from 0 to 1.

    >>> _depths(["a", "inside", "b", "c"], {"inside"})
    {'a': 0.0, 'inside': 0.25, 'b': 0.5, 'c': 1.0}
    """
    usual = [place for place, name in enumerate(names) if name not in fine]
    last = max(len(usual) - 1, 1)
    # fine ones before the first and behind the last have its depth
    return {name: float(np.interp(place, usual, range(len(usual)))) / last for place, name in enumerate(names)}


def _say_left_out(found: list[str], others: Mapping[str, str], layout: str) -> None:
    """Which blocks ``layers: auto`` cannot read, and why, on the terminal.

    Raises:
        UserError: there is no layer at all.
    """
    reasons = "; ".join(f"{path} {reason}" for path, reason in list(others.items())[:2])
    if not found:
        wanted = "a map or tokens" if layout == "auto" else f"{AXES[layout]}, as architecture.layout={layout} says"
        advice = "" if layout == "auto" else "architecture.layout=auto reads each layer as it is, or "
        raise UserError(
            f"architecture.layers=auto finds no block whose output is {wanted}"
            + (f" ({first_names(others)}: {reasons})" if others else "")
            + f": {advice}name modules with architecture.layers=[...]"
        )
    if others:
        text = f"layers: auto leaves out {first_names(others)}: {reasons}"
        say(text, "yellow")


def _agreed(name: str, form: Form | NoForm, layout: str) -> Form:
    """How a layer is read, if that is what is declared.

    Raises:
        UserError: it can be read in no way, or in another way than declared.
    """
    if isinstance(form, NoForm):
        raise UserError(f"layer {name} {form.reason}; choose another layer")
    if layout not in ("auto", form.kind) and form.kind != VECTOR:
        raise UserError(
            f"layer {name} gives {AXES[form.kind]}, but architecture.layout={layout} says {AXES[layout]}: give "
            f"architecture.layout={form.kind}, or auto, which reads each layer as it is"
        )
    return form


def check_layout(architecture: ArchitectureConfig) -> None:
    """Nothing, if the words and numbers that say how outputs are laid out can be meant.

    Raises:
        UserError: the layout is none that is known, or a number is below what is possible.
    """
    if architecture.layout not in LAYOUTS:
        raise UserError(f"architecture.layout={architecture.layout}: choose {', '.join(LAYOUTS)}")
    if architecture.patch < 0 or architecture.prefix_tokens < 0:
        raise UserError("architecture.patch and architecture.prefix_tokens are numbers of pixels and tokens, 0 or more")
    if architecture.image_size is not None and architecture.image_size < 1:
        raise UserError(f"architecture.image_size={architecture.image_size}: the side of an image in pixels, or null")


def declared_layers(architecture: ArchitectureConfig) -> dict[str, int | None] | None:
    """The layers that an architecture lists, each with its channels where they are declared; None for ``auto``.

    Raises:
        UserError: the setting is neither ``auto`` nor a list of names, alone or as ``name: channels``, those inside of
            blocks as ``fine: [names]``.
    """
    listed = architecture.layers
    if listed == "auto":
        return None
    layers: dict[str, int | None] = {}
    for entry in _flat(listed) if isinstance(listed, list) else []:
        if isinstance(entry, int):
            raise UserError(
                f"architecture.layers={listed}: a number is an index, here there are only names; put them in quotes, "
                f"""'architecture.layers=["{entry}"]'"""
            )
        if isinstance(entry, str):
            layers[entry] = None
        elif isinstance(entry, dict) and len(entry) == 1:
            layers.update(entry)
        else:
            layers.clear()
            break
    if not layers:
        raise UserError(f"architecture.layers={listed}: give auto or a list of module paths")
    return layers


def fine_layers(architecture: ArchitectureConfig) -> set[str]:
    """The layers that an architecture lists as ``fine``: places inside blocks, read where they are asked for."""
    if not isinstance(architecture.layers, list):
        return set()
    groups = (entry[FINE] for entry in architecture.layers if is_fine_group(entry))
    return {name for group in groups for one in group for name in (one if isinstance(one, dict) else [one])}


def _flat(listed: Sequence[Any]) -> Iterator[Any]:
    """The entries, those of groups of fine layers in their place."""
    for entry in listed:
        yield from entry[FINE] if is_fine_group(entry) else [entry]


def input_channels(module: nn.Module) -> int:
    """How many channels a module's input has, by its first convolution."""
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    return first.in_channels if first else 3
