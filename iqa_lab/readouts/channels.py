"""What the readouts that weigh channels work on: every channel's mean squared difference, for every pair.

They run after the pass. A module of this kind has two functions: ``rows(readout, **arguments)``, the names of its rows
in the tables, and ``weigh(context, readout, **arguments)``, their distances and weights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.response import Response
from iqa_lab.statistics.correlation.coefficients import srcc


@dataclass(frozen=True)
class Differences:
    """The mean squared differences of a benchmark's pairs, and what people said of them."""

    of_layer: Mapping[str, NDArray[np.float32]]  # [pairs, C]
    references: NDArray[np.object_]  # the name of each pair's reference
    quality: NDArray[np.float64]  # opinions, the higher the better; NaN of stimuli, of which nobody has one


Read = Callable[[str, Tensor | None], None]  # gets a layer's name and its responses [B, C, H, W]


@dataclass(frozen=True)
class Context:
    """What weights may be made of: this benchmark, the network itself, another benchmark."""

    here: Differences
    image_size: int | None  # side of the only images that the network takes; None: any
    respond: Callable[[Tensor, Sequence[str], Read], None]  # images [B, 3, H, W] in 0..255 and layers: each is read
    elsewhere: Callable[[str], Differences]  # the same layers on the benchmark of that name
    whole_levels: bool = False  # whether the network reads 8-bit images only


@dataclass(frozen=True)
class Weighed:
    """One row's distances in one layer, and the weights that they came from."""

    row: str
    layer: str
    distances: NDArray[np.float64]  # [pairs]
    weights: NDArray[np.float64]  # [C]


def weighed_distance(response: Response, weights: Tensor) -> Tensor:
    """``sqrt(sum_c w_c m_c)`` of each pair, ``[P]``: what all readouts of channels make of their weights.

    Args:
        response: of the layer; ``m_c`` is a channel's mean squared difference.
        weights: ``[C]``, none below 0.
    """
    return root(response.channel_squared_difference @ weights.double())


def weights_table(weighed: list[Weighed], here: Differences) -> pd.DataFrame:
    """One row a channel: its weight in a readout, and how well it alone agrees with opinion (SRCC, positive = agrees).

    The SRCC of a channel that does not respond to any difference is empty.
    """
    alone = {
        layer: srcc(-here.of_layer[layer].astype(float), here.quality) for layer in {entry.layer for entry in weighed}
    }
    tables = [
        pd.DataFrame(
            {
                "readout": entry.row,
                "layer": entry.layer,
                "channel": np.arange(len(entry.weights)),
                "weight": entry.weights,
                "srcc": alone[entry.layer],
            }
        )
        for entry in weighed
    ]
    return pd.concat(tables, ignore_index=True)
