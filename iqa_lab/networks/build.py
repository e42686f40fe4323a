"""From configuration to Network."""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from iqa_lab.config import ArchitectureConfig, Config, WeightsConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.imports import import_object
from iqa_lab.networks.cells import BASELINE, check_cell
from iqa_lab.networks.layers import check_layers, every_block, trace, trusted_layers
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
        tokens=token_layout(config.architecture),
        weights=weights_name(config),
        digest=weights_digest(module),
        terms=terms() if terms else None,
    )


def weights_name(config: Config) -> str:
    """The name of a training in tables: ``architecture``, ``architecture.recipe``, ``seed0`` or ``custom``."""
    weights = config.weights
    if config.goal.name == "untrained":
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
    calls = trace(module, torch.zeros(1, 3, TRACE_SIZE, TRACE_SIZE))
    names = architecture.layers
    if names == "auto":
        names = every_block(module, calls, dimensions=3 if architecture.layout == "tokens" else 4)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise UserError(f"architecture.layers={names}: give auto or a list of module paths")
    check_layers(names, calls)
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
    if architecture.layout != "map":
        raise UserError(f"architecture.layout={architecture.layout}: choose map or tokens")
    return None
