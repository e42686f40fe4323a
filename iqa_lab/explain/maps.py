"""Where in the image a readout's distance comes from, layer by layer, from one forward of two images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.config import Config, ReadoutConfig
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.networks import Network, build_network
from iqa_lab.networks.forms import TOKENS
from iqa_lab.networks.layer import PIXELS, Layer
from iqa_lab.readouts import Response, load_at_positions, load_distance
from iqa_lab.scoring.batches import Batch, pictures
from iqa_lab.scoring.definitions import chosen_layers
from iqa_lab.scoring.forward import read_layers
from iqa_lab.scoring.settings import Settings, pass_settings
from iqa_lab.scoring.steady import check_steady


@dataclass(frozen=True)
class LayerMap:
    """What differs at each position of one layer."""

    layer: Layer
    number: int  # of the layer in the network; 0: the pixels
    values: NDArray[np.float32]  # [H, W] of the layer, >= 0
    score: float  # the readout's distance, as in the pass
    covers: tuple[int, int]  # height and width of what the map lies over, in pixels: patches may reach beyond the image

    @property
    def score_text(self) -> str:
        """The score in four digits."""
        return f"{self.score:.0f}" if self.score >= 1000 else f"{self.score:.4g}"


@dataclass(frozen=True)
class Explanation:
    """Two images as the network saw them, and the map of each layer, from early to late."""

    reference_name: str
    distorted_name: str
    reference: NDArray[np.uint8]  # [H, W, 3]
    distorted: NDArray[np.uint8]
    network: str  # goal, dataset and training, in words
    cell: str  # the same as the name of a folder
    readout: str
    formula: str
    maps: tuple[LayerMap, ...]

    def rows(self) -> list[dict[str, str]]:
        """The scores as a table, for the terminal."""
        return [
            {"layer": entry.layer.name, "depth": f"{entry.layer.depth:.2f}", "score": entry.score_text}
            for entry in self.maps
        ]


def explain(reference: Path, distorted: Path, config: Config) -> Explanation:
    """The maps of a network's layers for one pair of images.

    Args:
        reference: the undistorted image.
        distorted: another of the same size.
        config: a run's; its one readout is shown, its benchmark is not used.

    Raises:
        UserError: an image cannot be read, their sizes differ, the network is a baseline, its responses depend on
            chance or the batch, or the readout or a layer has no positions.
        UnitFailed: responses are not finite.
    """
    if len(config.readouts) != 1:
        raise UserError(f"one readout can be shown at a time, not {len(config.readouts)}: readout=plain or lpips")
    ((name, readout),) = config.readouts.items()
    load_at_positions(readout, name)  # refused before weights are downloaded
    settings = pass_settings(config, batch_size=2)
    pair = _pair(reference, distorted, settings)
    network = build_network(config)
    if network.terms is not None:
        raise UserError(
            f"architecture={config.architecture.name} is a baseline, which has no layers to show: choose a network, "
            "as in goal=classification dataset=imagenet1k architecture=alexnet"
        )
    layers = [layer for layer in chosen_layers(readout, network.layers, name) if layer.spatial]
    if not layers:
        raise UserError("the layers asked for have no positions (class tokens, pooled vectors): choose others")
    check_steady(network, str(reference), [layer.name for layer in layers], settings)
    return Explanation(
        reference_name=reference.name,
        distorted_name=distorted.name,
        reference=pair.pictures[0].pixels.astype(np.uint8),  # of files they are
        distorted=pair.pictures[1].pixels.astype(np.uint8),
        network=f"{config.goal.name} - {config.dataset.name} - {network.weights}"
        if config.goal.name != "untrained"
        else f"untrained - {config.architecture.name} - {network.weights}",
        cell=f"{config.goal.name}-{config.dataset.name}-{config.architecture.name}-{network.weights}",
        readout=name,
        formula=readout.formula,
        maps=difference_maps(network, pair, layers, name, readout, settings),
    )


def difference_maps(
    network: Network, pair: Batch, layers: Sequence[Layer], name: str, readout: ReadoutConfig, settings: Settings
) -> tuple[LayerMap, ...]:
    """The map of the pixels and of each of these layers, from early to late.

    Read inside the hook of each layer, as in the pass: a later in-place operation may change the response.

    Args:
        network: any but a baseline.
        pair: the reference and the distorted image.
        layers: those with positions.
        name: of the readout.
        readout: one whose distance has places in the image.
        settings: device, precision.

    Raises:
        UserError: the images do not suit the network.
        UnitFailed: responses are not finite.
    """
    distance, at_positions = load_distance(readout), load_at_positions(readout, name)
    numbers = {layer.name: number for number, layer in enumerate((PIXELS, *network.layers))}
    places = {layer.name: layer for layer in (PIXELS, *layers)}
    found: list[LayerMap] = []

    def read(layer: str, output: Tensor | None) -> None:
        assert output is not None
        # one and the same where the images are identical
        response = Response([output[:1]], [output[-1:]], height * width)
        rows, columns = output.shape[2:]
        values = at_positions(response)[0].reshape(rows, columns).float().cpu().numpy()
        if not np.isfinite(values).all():
            raise UnitFailed(f"responses of layer {layer} are no finite numbers")
        patch = form.patch if (form := places[layer].form) and form.kind == TOKENS else None
        covers = (rows * patch, columns * patch) if patch else (height, width)
        found.append(LayerMap(places[layer], numbers[layer], values, float(distance(response)[0]), covers))

    images = pair.images
    assert images is not None  # the reference at least
    height, width = images.shape[2:]
    read_layers(network, images, list(places), settings, read)
    return tuple(sorted(found, key=lambda entry: entry.number))


def _pair(reference: Path, distorted: Path, settings: Settings) -> Batch:
    """Both images, decoded as the pass does.

    Raises:
        UserError: one cannot be read, or they differ in size.
    """
    pairs = pd.DataFrame({"reference_path": [str(reference)], "distorted_path": [str(distorted)]})
    return Batch(tuple(pictures(pairs, settings.workers, settings.resize)))
