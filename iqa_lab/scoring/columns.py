"""What a run asks for: columns from the pass, columns from the channels after it, and layers put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UserError
from iqa_lab.networks.layer import OUTPUT, PIXELS, Layer
from iqa_lab.networks.network import Network
from iqa_lab.readouts import Distance, load_channel_readout, load_distance
from iqa_lab.readouts.channels import Context, Weighed
from iqa_lab.scoring.definitions import (
    CONTROL,
    Concatenation,
    Definition,
    chosen_layers,
    define_baseline,
    define_columns,
    rows_of_readout,
)


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
        column = Column(layer=OUTPUT, readout=config.architecture.name, terms=network.terms)
        control = _passed(PIXELS, "plain", CONTROL)
        return Plan((control, column), (), (), define_baseline(config.architecture))

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


def _passed(layer: Layer, name: str, readout: ReadoutConfig) -> Column:
    return Column(layer=layer, readout=name, terms={layer.name: load_distance(readout)})
