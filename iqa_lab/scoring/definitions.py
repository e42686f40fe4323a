"""Readouts and the layers of a network -> what each column of scores is: its layer, its row, how it is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iqa_lab.config import ArchitectureConfig, ReadoutConfig
from iqa_lab.config.options import shipped_option
from iqa_lab.errors import UserError, first_names
from iqa_lab.imports import is_own
from iqa_lab.networks.choice import select_layers
from iqa_lab.networks.layer import CLASS_TOKEN, OUTPUT, PIXELS, Layer

# The RMSE of the pixels: its published rank correlation tells whether a benchmark was read rightly.
CONTROL = ReadoutConfig(function="plain", formula="", combine="euclidean", concat=[])

Definition = dict[str, Any]


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


def define_columns(
    readouts: Mapping[str, ReadoutConfig], all_layers: Sequence[Layer]
) -> tuple[dict[str, Definition], list[Concatenation]]:
    """The definition of every column that these readouts make of a network, by its name; and the layers put together.

    Args:
        readouts: by their names.
        all_layers: of the network, from early to late.

    Raises:
        UserError: a layer does not exist, a readout needs positions where there are none, or has another one's name.
    """
    control = {f"plain@{PIXELS.name}": _definition(PIXELS, "plain", CONTROL)}
    definitions: dict[str, Definition] = {}
    concatenations = []
    for name, readout in readouts.items():
        check_name(name, readout)
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
    return {**control, **definitions, **control}, concatenations


def check_name(name: str, readout: ReadoutConfig) -> None:
    """Nothing, if a readout is not called as another one is: its rows would be taken for the other's.

    Code of one's own may be called as one likes.

    Raises:
        UserError: it is.
    """
    ours = None if is_own(readout.function) else shipped_option("readout", name)
    if ours is not None and ours.get("function", readout.function) != readout.function:
        raise UserError(
            f"readouts.{name}.function={readout.function}: rows called {name} are of {ours['function']}; put yours "
            "into a file of its own, readout/NAME.yaml, in a folder that --config-dir names"
        )


def rows_of_readout(name: str, readout: ReadoutConfig) -> tuple[str, ...]:
    """What a readout is called in tables; one of channels may make several rows.

    Raises:
        UserError: it reads neither responses nor channels.
    """
    if readout.reads == "responses":
        return (name,)
    if readout.reads == "channels":
        from iqa_lab.readouts import load_channel_readout  # which imports torch

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


def _definition(layer: Layer, row: str, readout: ReadoutConfig) -> Definition:
    return {
        "layer": layer.name,
        "depth": layer.depth,
        "readout": row,
        "function": readout.function,
        "arguments": dict(readout.arguments),
    }


def define_baseline(architecture: ArchitectureConfig) -> dict[str, Definition]:
    """The definitions of a baseline's one column, named as itself, and of the pixels beside it."""
    name = architecture.name
    facts = {"function": architecture.constructor, "arguments": architecture.arguments}
    return {
        f"plain@{PIXELS.name}": _definition(PIXELS, "plain", CONTROL),
        f"{name}@{OUTPUT.name}": {"layer": OUTPUT.name, "depth": OUTPUT.depth, "readout": name, **facts},
    }
