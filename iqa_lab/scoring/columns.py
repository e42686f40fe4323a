"""What a run asks for: columns from the pass, columns from the channels after it, and layers put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UserError, first_names
from iqa_lab.networks.layers import select_layers
from iqa_lab.networks.network import CLASS_TOKEN, OUTPUT, PIXELS, Layer, Network
from iqa_lab.readouts import Distance, load_channel_readout, load_distance
from iqa_lab.readouts.channels import Context, Weighed

# The RMSE of the pixels: its published rank correlation tells whether a benchmark was read rightly.
CONTROL = ReadoutConfig(function="plain", formula="", combine="euclidean", concat=[])

Definition = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of scores: the sum of distances in one or several layers."""

    layer: Layer
    readout: str
    terms: Mapping[str, Distance] = field(compare=False)  # by the name of the layer that is read

    @property
    def name(self) -> str:
        """``<readout>@<layer>``."""
        return f"{self.readout}@{self.layer.name}"


@dataclass(frozen=True)
class ChannelReadout:
    """A readout of channels in some layers; it makes one or several rows."""

    name: str
    config: ReadoutConfig
    layers: tuple[Layer, ...]
    rows: tuple[str, ...]

    def columns(self) -> list[str]:
        """The names of its columns."""
        return [f"{row}@{layer.name}" for row in self.rows for layer in self.layers]

    def weigh(self, context: Context) -> list[Weighed]:
        """Its distances and weights, from the channels' differences."""
        return list(load_channel_readout(self.config).weigh(context, self.name, **self.config.arguments))


@dataclass(frozen=True)
class Concatenation:
    """The first layers of a readout together: one distance from several columns."""

    layer: Layer  # its name in tables, and the depth of its last layer
    row: str
    parts: tuple[str, ...]  # columns
    combine: str
    scaled: bool

    @property
    def name(self) -> str:
        """``<readout>@<layer>``."""
        return f"{self.row}@{self.layer.name}"

    def distances(self, scores: pd.DataFrame) -> NDArray[np.float32]:
        """Root of the sum of squares, or sum, of the parts; scaled: each divided by its mean over all pairs first."""
        values = scores[list(self.parts)].to_numpy(dtype=float)
        if self.scaled:
            mean = values.mean(0)
            values = np.divide(values, mean, out=np.zeros_like(values), where=mean > 0)
        together = np.sqrt(np.square(values).sum(1)) if self.combine == "euclidean" else values.sum(1)
        return np.asarray(together, dtype=np.float32)


@dataclass(frozen=True)
class Plan:
    """All columns of a run, by how they are made; and the definition of each, by its name."""

    passed: tuple[Column, ...]
    channels: tuple[ChannelReadout, ...]
    concatenations: tuple[Concatenation, ...]
    definitions: Mapping[str, Definition]

    def only(self, missing: set[str]) -> "Plan":
        """What has to be done where only some columns are missing."""
        return Plan(
            tuple(column for column in self.passed if column.name in missing),
            tuple(readout for readout in self.channels if missing.intersection(readout.columns())),
            tuple(together for together in self.concatenations if together.name in missing),
            {name: definition for name, definition in self.definitions.items() if name in missing},
        )

    @property
    def channel_layers(self) -> list[str]:
        """The layers whose channels' differences are kept."""
        return list(dict.fromkeys(layer.name for readout in self.channels for layer in readout.layers))


def plan_columns(config: Config, network: Network) -> Plan:
    """Everything that a run asks for; ``plain@pixels`` is always among it, and a baseline has its one column beside it.

    Raises:
        UserError: no readout is chosen, a layer does not exist, or a readout needs positions where there are none.
    """
    if network.terms is not None:
        name = config.architecture.name
        column = Column(layer=OUTPUT, readout=name, terms=network.terms)
        facts = {"function": config.architecture.constructor, "arguments": config.architecture.arguments}
        control = _passed(PIXELS, "plain", CONTROL)
        definitions = {
            control.name: _definition(PIXELS, "plain", CONTROL),
            column.name: {"layer": OUTPUT.name, "depth": OUTPUT.depth, "readout": name, **facts},
        }
        return Plan((control, column), (), (), definitions)

    if not config.readouts:
        raise UserError("no readout is chosen: readout=plain, or several, readout=[plain,lpips]; or readout=all")
    definitions, concatenations = define_columns(config.readouts, network.layers)
    control = _passed(PIXELS, "plain", CONTROL)
    passed, channels = [control], []
    for name, readout in config.readouts.items():
        layers = (PIXELS, *chosen_layers(readout, network.layers, name))
        if readout.reads == "responses":
            columns = [_passed(layer, name, readout) for layer in layers]
            passed += [column for column in columns if column.name != control.name]
        else:
            channels.append(ChannelReadout(name, readout, layers, rows_of_readout(name, readout)))
    order = {layer.name: number for number, layer in enumerate((PIXELS, *network.layers))}
    passed.sort(key=lambda column: order[column.layer.name])
    return Plan(tuple(passed), tuple(channels), tuple(concatenations), definitions)


def define_columns(
    readouts: Mapping[str, ReadoutConfig], all_layers: Sequence[Layer]
) -> tuple[dict[str, Definition], list[Concatenation]]:
    """The definition of every column that these readouts make of a network, by its name; and the layers put together.

    Args:
        readouts: by their names.
        all_layers: of the network, from early to late.

    Raises:
        UserError: a layer does not exist, or a readout needs positions where there are none.
    """
    definitions = {f"plain@{PIXELS.name}": _definition(PIXELS, "plain", CONTROL)}
    concatenations = []
    for name, readout in readouts.items():
        layers = chosen_layers(readout, all_layers, name)
        for row in rows_of_readout(name, readout):
            definitions |= {f"{row}@{layer.name}": _definition(layer, row, readout) for layer in (PIXELS, *layers)}
            for together in concatenate(row, readout, layers, all_layers, name):
                concatenations.append(together)
                definitions[together.name] = {
                    **_definition(together.layer, row, readout),
                    "combine": together.combine,
                    "scaled": together.scaled,
                    "parts": list(together.parts),
                }
    return definitions, concatenations


def rows_of_readout(name: str, readout: ReadoutConfig) -> tuple[str, ...]:
    """What a readout is called in tables; one of channels may make several rows.

    Raises:
        UserError: it reads neither responses nor channels.
    """
    if readout.reads == "responses":
        return (name,)
    if readout.reads == "channels":
        return tuple(load_channel_readout(readout).rows(name, **readout.arguments))
    raise UserError(f"readouts.{name}.reads={readout.reads}: choose responses or channels")


def chosen_layers(readout: ReadoutConfig, all_layers: Sequence[Layer], name: str) -> list[Layer]:
    """The layers of a network that a readout is asked for, from early to late.

    Raises:
        UserError: no such layer; or the readout needs positions, and a layer has none.
    """
    kinds = {"patch": (False,), "class": (True,), "both": (False, True)}
    if readout.tokens not in kinds:
        raise UserError(f"tokens={readout.tokens}: choose patch, class or both")
    offered = [layer.name for layer in all_layers if layer.name.endswith(CLASS_TOKEN) in kinds[readout.tokens]]
    if not offered:
        raise UserError(f"tokens={readout.tokens}: this architecture has no class token")
    chosen = set(select_layers(readout.layers, offered, {layer.name for layer in all_layers if layer.fine}))
    layers = [layer for layer in all_layers if layer.name in chosen]
    flat = [layer.name for layer in layers if not layer.spatial]
    if readout.spatial and flat:
        raise UserError(
            f"readout {name} compares positions, and {first_names(flat)} has none (a class token or a pooled vector): "
            f"leave it out with readouts.{name}.layers or readouts.{name}.tokens=patch"
        )
    return layers


def concatenate(
    row: str, readout: ReadoutConfig, layers: Sequence[Layer], all_layers: Sequence[Layer], name: str
) -> list[Concatenation]:
    """The chosen layers together, cumulatively: the first, the first two, ... all; raw, scaled or both.

    Raises:
        UserError: the setting means neither.
    """
    wanted = [readout.concat] if isinstance(readout.concat, str) else list(readout.concat)
    unknown = [kind for kind in wanted if kind not in ("raw", "scaled")]
    if unknown:
        raise UserError(f"readouts.{name}.concat={readout.concat}: a list of raw and scaled, or an empty one")
    if readout.combine not in ("sum", "euclidean"):
        raise UserError(f"readouts.{name}.combine={readout.combine}: choose sum or euclidean")
    of_class = {layer.name.endswith(CLASS_TOKEN) for layer in layers}
    names = [layer.name for layer in all_layers if layer.name.endswith(CLASS_TOKEN) in of_class]
    result = []
    for kind in wanted:
        for number in range(1, len(layers) + 1):
            together = [layer.name for layer in layers[:number]]
            start = names.index(together[0])
            run = names[start : start + number] == together
            label = f"{together[0]}..{together[-1]}" if run and number > 1 else "+".join(together)
            parts = tuple(f"{row}@{layer}" for layer in together)
            layer = Layer(f"concat_{kind}({label})", layers[number - 1].depth)
            result.append(Concatenation(layer, row, parts, readout.combine, kind == "scaled"))
    return result


def _passed(layer: Layer, name: str, readout: ReadoutConfig) -> Column:
    return Column(layer=layer, readout=name, terms={layer.name: load_distance(readout)})


def _definition(layer: Layer, row: str, readout: ReadoutConfig) -> Definition:
    return {
        "layer": layer.name,
        "depth": layer.depth,
        "readout": row,
        "function": readout.function,
        "arguments": dict(readout.arguments),
    }
