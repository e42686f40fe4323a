"""From configuration to Network."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from iqa_lab.config import ArchitectureConfig, Config, WeightsConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.imports import import_object
from iqa_lab.networks.cells import BASELINE, UNTRAINED, check_cell
from iqa_lab.networks.layers import Call, check_layers, every_block, trace, trusted_layers
from iqa_lab.networks.network import CLASS_TOKEN, OUTPUT, Layer, Network, TokenLayout
from iqa_lab.networks.sources import find_weights_file
from iqa_lab.networks.weights import load_weights, weights_digest
from iqa_lab.readouts import Distance

# Large enough for every architecture's strides and pools, small enough to cost nothing.
TRACE_SIZE = 96


def build_network(config: Config) -> Network:
    """The network of one run, in evaluation mode on the CPU, its weights loaded and its layers checked.

    Raises:
        UserError: the cell is empty or contradicts itself, or its weights or layers are not as declared.
    """
    weights = config.weights
    check_cell(config)
    tokens = token_layout(config.architecture)
    module = build_module(config.architecture, weights)
    random_keys: list[str] = []
    if weights.path or weights.url or weights.source:
        random_keys = load_weights(module, find_weights_file(weights), weights)
    terms: Callable[[], Mapping[str, Distance]] | None = getattr(module, "terms", None)
    if (config.goal.name == BASELINE) != (terms is not None):
        what = "a network" if terms is None else "a baseline"
        raise UserError(f"architecture={config.architecture.name} is {what}: goal={BASELINE} goes with baselines only")
    return Network(
        module=module,
        layers=(OUTPUT,) if terms else named_layers(config.architecture, module, random_keys),
        input=weights.input,
        tokens=tokens,
        channels_at_the_end=config.architecture.layout == "map_last",
        image_size=config.architecture.image_size,
        weights=weights_name(config),
        digest=weights_digest(module),
        terms=terms() if terms else None,
    )


def weights_name(config: Config) -> str:
    """The name of a training in tables: ``architecture``, ``architecture.recipe``, ``seed0`` or ``custom``."""
    weights = config.weights
    if config.goal.name == UNTRAINED:
        return f"seed{weights.seed}"
    if weights.path or weights.url:
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
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"{architecture.constructor} with {arguments} failed: {error}") from error
    if not isinstance(module, nn.Module):
        raise UserError(f"{architecture.constructor} gives {type(module).__name__}, not a torch module")
    return module.eval().requires_grad_(False)


def named_layers(architecture: ArchitectureConfig, module: nn.Module, random_keys: list[str]) -> tuple[Layer, ...]:
    """The layers of a module from early to late; those behind weights that stayed at random are left out.

    The depth of a layer counts in the architecture's full list, so that it means the same in every training.
    """
    calls = trace(module, trace_image(architecture, module))
    declared = declared_layers(architecture)
    if declared is None:
        found = every_block(module, calls, dimensions=3 if architecture.layout == "tokens" else 4)
        declared = dict.fromkeys(found)
    names = list(declared)
    check_layers(names, calls)
    for name, channels in declared.items():
        found_channels = channels_of(calls[name], architecture.layout)
        if channels is not None and channels != found_channels:
            raise UserError(f"layer {name} has {found_channels} channels, but architecture.layers says {channels}")
    kept = trusted_layers(names, calls, random_keys)
    if not kept:
        raise UserError(f"no layer runs before the weights that stay at random ({first_names(random_keys)})")
    last = max(len(names) - 1, 1)
    layers = []
    for name in kept:
        depth = names.index(name) / last
        layers.append(Layer(name, depth, calls[name].spatial))
        if architecture.layout == "tokens" and architecture.prefix_tokens > 0:
            layers.append(Layer(name + CLASS_TOKEN, depth, spatial=False))
    return tuple(layers)


def token_layout(architecture: ArchitectureConfig) -> TokenLayout | None:
    """How an architecture's outputs become maps; None where they are maps already.

    Raises:
        UserError: the layout is none that is known, or the side of a patch is missing.
    """
    if architecture.layout == "tokens":
        if architecture.patch < 1:
            raise UserError("architecture.layout=tokens needs architecture.patch, the side of a patch in pixels")
        return TokenLayout(architecture.patch, architecture.prefix_tokens)
    if architecture.layout not in ("map", "map_last"):
        raise UserError(f"architecture.layout={architecture.layout}: choose map, map_last or tokens")
    return None


def declared_layers(architecture: ArchitectureConfig) -> dict[str, int | None] | None:
    """The layers that an architecture lists, each with its channels where they are declared; None for ``auto``.

    Raises:
        UserError: the setting is neither ``auto`` nor a list of names, alone or as ``name: channels``.
    """
    listed = architecture.layers
    if listed == "auto":
        return None
    layers: dict[str, int | None] = {}
    for entry in listed if isinstance(listed, list) else []:
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


def trace_image(architecture: ArchitectureConfig, module: nn.Module) -> Tensor:
    """A small black image of a kind that the module takes."""
    side = architecture.image_size or TRACE_SIZE
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    return torch.zeros(1, first.in_channels if first else 3, side, side)


def channels_of(call: Call, layout: str) -> int | None:
    """How many channels an output has; None where it is no tensor."""
    if call.shape is None:
        return None
    return call.shape[-1] if layout != "map" and len(call.shape) > 2 else call.shape[1]
