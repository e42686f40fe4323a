"""A training -> whether its file here is the one that is meant, fits, gives responses, and knows a cat.

Nothing here raises for one training what would keep the next from being looked at: every trouble is a state.
"""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image
from torch import Tensor

from iqa_lab.config import (
    ArchitectureConfig,
    Config,
    DatasetConfig,
    GoalConfig,
    WeightsConfig,
    option_files,
)
from iqa_lab.config.check import make
from iqa_lab.config.options import read_option
from iqa_lab.downloads.checksum import parse_checksum
from iqa_lab.errors import FOREIGN, UserError, pass_on_interrupt
from iqa_lab.networks.build import network_from
from iqa_lab.networks.cells import BASELINE, by_hand, check_cell, is_by_hand
from iqa_lab.networks.network import CLASS_TOKEN, Network, call_of, module_of
from iqa_lab.networks.sources import find_weights_file, local_file
from iqa_lab.networks.weights import is_counter

OK = "ok"
NOT_HERE, BY_HAND = "not here", "by hand"  # nothing to find fault with
MISPLACED = "under another name"
NOT_LOADED, OTHER_FILE, NO_NUMBERS, UNKNOWN = (
    "does not load",
    "digest differs",
    "gives no numbers",
    "does not recognise",
)
NOT_FETCHED = "not fetched"

# the state of what is not there is no fault of it
FAULTLESS = (OK, NOT_HERE, BY_HAND)

# What the picture, a cat, may be called; by the images that a classifier learned from last.
_CATS = {"imagenet1k": (281, 282, 283, 284, 285, 287), "cifar10": (3,)}
_BEST = 5  # a weak classifier has it among its first


@dataclass
class Verified:
    """What was found of one training; all that a person needs to send back."""

    training: str  # goal/dataset/name
    state: str
    detail: str = ""
    source: str | None = None
    file: str | None = None  # its name, without the folders of this machine
    bytes: int | None = None
    sha256: str | None = None  # of the file that is here
    expected_sha256: str | None = None  # or how it begins
    tensors: int = 0  # of the architecture
    random: Sequence[str] = ()  # tensors that the file has not, and the training declares
    digest: str | None = None  # of the loaded tensors
    input: str = ""
    layers: Sequence[Mapping[str, Any]] = field(default_factory=list)  # name, shape, mean and deviation of each
    prediction: Sequence[Mapping[str, float]] = field(default_factory=list)  # best classes of the picture
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is nothing to find fault with."""
        return self.state in FAULTLESS


def verify(name: str, cell: WeightsConfig, folders: Sequence[Path], fetch: bool = False) -> Verified:
    """What there is to say of one training.

    Args:
        name: of the training, ``architecture`` or ``architecture.recipe``.
        cell: its settings; with ``path`` that file is looked at.
        folders: configuration folders, the first one wins.
        fetch: download the file if it is not here.
    """
    began = time.perf_counter()
    found = Verified(f"{cell.goal}/{cell.dataset}/{name}", OK, source=cell.source, expected_sha256=cell.sha256)
    try:
        file = _file_of(cell, found, fetch)
        if found.state == OK:
            _look_at(found, _config(cell, folders), file)
    except UserError as error:
        pass_on_interrupt(error)
        found.state, found.detail = NOT_LOADED, _after(found.detail, str(error))
    except FOREIGN as error:  # of torch, of somebody else's code: the next training is looked at all the same
        pass_on_interrupt(error)
        found.state, found.detail = NOT_LOADED, f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    found.seconds = round(time.perf_counter() - began, 2)
    return found


def _file_of(cell: WeightsConfig, found: Verified, fetch: bool) -> Path | None:
    """The file, its digest noted; the state says so where there is none, or it is another one."""
    if cell.source is None and cell.path is None and not is_by_hand(cell):
        return None  # a formula
    file = local_file(cell)
    if file is None and cell.path is not None:
        raise UserError(f"weights.path={cell.path}: there is no such file")
    if file is None and fetch and not is_by_hand(cell):
        try:
            file = find_weights_file(cell)
        except UserError as error:
            pass_on_interrupt(error)
            found.state, found.detail = NOT_FETCHED, str(error)
            return None
    if file is None:
        found.state, found.detail = (BY_HAND, by_hand(cell)) if is_by_hand(cell) else _not_here(cell)
        return None
    with file.open("rb") as content:
        found.sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    found.file, found.bytes = file.name, file.stat().st_size
    expected = parse_checksum(cell.sha256, "weights.sha256", kinds=("sha256",))
    if expected and not found.sha256.startswith(expected.digits):
        found.detail = f"its sha256 begins with {found.sha256[:16]}, expected {expected.digits[:16]}"
    return file


def _not_here(cell: WeightsConfig) -> tuple[str, str]:
    """A state and its detail: the folder of the user's weights may hold the file under another name."""
    kind, _, place = str(cell.source).partition(":")
    folder = Path(os.environ.get("IQA_LAB_WEIGHTS") or "")
    if kind != "folder" or not os.environ.get("IQA_LAB_WEIGHTS") or not folder.is_dir():
        return NOT_HERE, ""
    expected = parse_checksum(cell.sha256, "weights.sha256", kinds=("sha256",))
    for other in sorted(folder.iterdir()) if expected else []:
        if other.is_file() and other.suffix == Path(place).suffix and expected and not expected.difference(other):
            return MISPLACED, f"{other.name} in IQA_LAB_WEIGHTS is {place}: give it this name"
    return NOT_HERE, f"there is no {place} in IQA_LAB_WEIGHTS"


def _config(cell: WeightsConfig, folders: Sequence[Path]) -> Config:
    """A run's configuration as far as it describes the network."""
    architecture = str(cell.architecture)
    values = read_option(option_files("architecture", folders)[architecture], "architecture")
    config = Config(
        goal=GoalConfig(name=str(cell.goal)),
        dataset=DatasetConfig(name=str(cell.dataset)),
        architecture=make(ArchitectureConfig, values, prefix="architecture."),
        weights=cell,
    )
    check_cell(config)
    return config


def _look_at(found: Verified, config: Config, file: Path | None) -> None:
    """Load it and run the picture; what is found is noted, the worst as the state."""
    different = found.detail
    network = network_from(config, file)
    tensors = [key for key in network.module.state_dict() if not is_counter(key)]
    found.tensors, found.digest, found.random = len(tensors), network.digest, network.random
    found.input = network.reads
    if different:
        found.state, found.detail = OTHER_FILE, f"{different}; it loads all the same"
    if config.goal.name == BASELINE:
        found.layers = [{"layer": layer.name} for layer in network.layers]
        return
    with torch.inference_mode():
        found.layers, output = _responses(network, picture(_side(config)))
    odd = [str(layer["layer"]) for layer in found.layers if not layer["finite"]]
    dead = [str(layer["layer"]) for layer in found.layers if layer["deviation"] == 0]
    if odd or dead:
        found.state = NO_NUMBERS
        found.detail = _after(different, f"layer {(odd or dead)[0]} {'is not finite' if odd else 'is constant'}")
    if output is None or found.random or not _has_head(network, config):
        return
    found.prediction = _best(output)
    shift = 1 if len(output) == 1001 else 0  # TensorFlow's class 0 is the background
    cats = _CATS.get(str(config.dataset.name).rpartition("_")[2], ()) if len(output) in (10, 1000, 1001) else ()
    if cats and found.state == OK and not {int(one["class"]) - shift for one in found.prediction} & set(cats):
        classes = ", ".join(str(int(one["class"])) for one in found.prediction)
        found.state, found.detail = UNKNOWN, f"the picture of a cat is taken for {classes}"


def _has_head(network: Network, config: Config) -> bool:
    """Whether the outputs are scores of classes, as far as the constructor tells; without a head they are features."""
    return 0 not in (getattr(network.module, "num_classes", None), config.weights.arguments.get("num_classes"))


def _side(config: Config) -> int:
    """The side of the picture: of the images that the network was trained on, where that is known."""
    return config.architecture.image_size or config.weights.input.size or 224


def picture(side: int) -> Tensor:
    """The known image: the middle of scikit-image's photograph of a cat, ``[1, 3, side, side]``, 8 bits."""
    image = skimage.data.chelsea()
    height, width, _ = image.shape
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = Image.fromarray(image[top : top + edge, left : left + edge])
    pixels = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]


def _responses(network: Network, image: Tensor) -> tuple[list[dict[str, Any]], Tensor | None]:
    """Mean and standard deviation of every layer's response, and the class scores where the network has some."""
    side = image.shape[-1]
    seen: dict[str, dict[str, Any]] = {}
    calls: dict[str, int] = {}

    def hook(path: str, output: object) -> None:
        calls[path] = calls.get(path, 0) + 1
        for layer in network.layers:
            if module_of(layer.name) == path and call_of(layer.name) == calls[path]:
                response = network.as_map(output, layer.name, side, side).double()
                facts = {"mean": float(response.mean()), "deviation": float(response.std(correction=0))}
                finite = bool(response.isfinite().all())
                seen[layer.name] = {
                    "layer": layer.name, "shape": list(response.shape[1:]), "finite": finite,
                    **(facts if finite else dict.fromkeys(facts)),
                }  # fmt: skip

    paths = dict.fromkeys(module_of(layer.name) for layer in network.layers)
    handles = [
        network.module.get_submodule(path).register_forward_hook(lambda _m, _i, output, path=path: hook(path, output))
        for path in paths
    ]
    try:
        output = network.module(network.prepare(image))
    finally:
        for handle in handles:
            handle.remove()
    scores = output[0] if isinstance(output, Tensor) and output.ndim == 2 else None
    kept = [seen[layer.name] for layer in network.layers if not layer.name.endswith(CLASS_TOKEN)]
    return kept, scores


def _best(scores: Tensor) -> list[dict[str, float]]:
    """The best classes and their probabilities, if the outputs were class scores."""
    found = scores.float().softmax(0).topk(min(_BEST, len(scores)))
    return [
        {"class": int(number), "probability": round(float(share), 4)}
        for share, number in zip(found.values, found.indices, strict=True)
    ]


def _after(said: str, more: str) -> str:
    return "; ".join(part for part in (more, said) if part)
