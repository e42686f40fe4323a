"""The one pass: every image through the network once a batch, every layer x readout column from it.

A batch is one reference and some of its distorted versions. Readouts run inside the hook of their layer, while its
output is untouched by whatever comes next (an in-place ReLU, say), and the output is then dropped: memory holds one
layer's responses, whatever the number of layers, readouts and pairs. The forward stops after the last layer needed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from iqa_lab.batches import Batch, decoded, plan_batches, stack_distinct
from iqa_lab.benchmarks.images import decode
from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.networks.network import PIXELS, Layer, Network
from iqa_lab.readouts import Response

Readout = Callable[[Response], Tensor]


@dataclass(frozen=True)
class Column:
    """One layer read in one way: a column of scores."""

    layer: Layer
    readout: str

    @property
    def name(self) -> str:
        """``<readout>@<layer>``."""
        return f"{self.readout}@{self.layer.name}"


@dataclass(frozen=True)
class Settings:
    """How the pass is made. Only precision and resize may move a score.

    Raises:
        UserError: a value that no pass can be made with.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int = 8
    workers: int = 2
    precision: str = "fp32"  # fp32 | tf32 | bf16
    resize: int | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise UserError(
                f"runtime.batch_size={self.batch_size}: a batch holds a reference and a distorted image, so at least 2"
            )
        if self.workers < 1:
            raise UserError(f"runtime.workers={self.workers}: at least one thread has to decode the images")
        if self.precision not in ("fp32", "tf32", "bf16"):
            raise UserError(f"precision={self.precision}: choose fp32, tf32 or bf16")
        if self.resize is not None and self.resize < 1:
            raise UserError(f"preprocess.resize={self.resize}: give the short side in pixels, or null")


@dataclass(frozen=True)
class Scores:
    """The distances of all pairs, ``[pairs, columns]`` float32, and how they came about."""

    values: NDArray[np.float32]
    columns: tuple[Column, ...]
    conversions: dict[str, int]  # how images were made RGB, and how many of them
    forwards: int
    seconds: float


def score(
    network: Network,
    pairs: pd.DataFrame,
    columns: Sequence[Column],
    readouts: dict[str, Readout],
    settings: Settings,
    follow: Callable[[list[Batch]], Iterable[Batch]] = iter,
) -> Scores:
    """The distances of all pairs in all columns, from one pass over the images.

    Args:
        network: moved to the device and precision of the settings.
        pairs: with ``reference_path`` and ``distorted_path``.
        columns: what to compute; layers of the network, or the pixels.
        readouts: the readout functions by name.
        settings: device, batch size, decoding threads, precision, resize.
        follow: wraps the iteration over the batches, for a progress bar.

    Raises:
        UserError: an image is damaged, of another size than its reference, or too small for the network.
        UnitFailed: scores are not finite.
    """
    batches = plan_batches(pairs, settings.batch_size)
    plan = _by_layer(columns)
    place = {column.name: number for number, column in enumerate(columns)}
    values = torch.full((len(columns), len(pairs)), torch.nan, device=settings.device)
    converted: dict[str, str] = {}
    start = perf_counter()

    with numerics(settings.precision), torch.inference_mode():
        module = to_device(network.module, settings)
        for batch, images in zip(follow(batches), decoded(batches, settings.workers, settings.resize), strict=True):
            for path, image in zip((batch.reference, *batch.distorted), images, strict=True):
                if image.conversion is not None:
                    converted[path] = image.conversion
            stack, of_pair = stack_distinct(batch, images)
            rows = torch.tensor(batch.rows, device=settings.device)

            def read(layer: str, output: Tensor, of_pair: list[int] = of_pair, rows: Tensor = rows) -> None:
                response = Response(output.float(), [0] * len(of_pair), of_pair)
                for readout in plan[layer]:
                    values[place[f"{readout}@{layer}"], rows] = readouts[readout](response).float()

            _forward(network, module, stack.to(settings.device, non_blocking=True), plan, read, settings.precision)

    result = values.T.cpu().numpy()
    _refuse_not_finite(result, columns, pairs)
    return Scores(
        values=result,
        columns=tuple(columns),
        conversions=dict(Counter(converted.values())),
        forwards=len(pairs) + len(batches),
        seconds=perf_counter() - start,
    )


def first_image(
    network: Network, path: str, columns: Sequence[Column], settings: Settings
) -> dict[str, tuple[int, ...]]:
    """The shape ``[1, C, H, W]`` of every layer asked for, from one real forward of one image.

    Raises:
        UserError: the image is too small for the network, or a layer has no spatial extent.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    plan = _by_layer(columns)
    image = torch.from_numpy(decode(path, settings.resize).pixels.copy()).permute(2, 0, 1)[None].to(settings.device)

    def look(layer: str, output: Tensor) -> None:
        shapes[layer] = tuple(output.shape)

    with numerics(settings.precision), torch.inference_mode():
        _forward(network, to_device(network.module, settings), image, plan, look, settings.precision)
    return shapes


def to_device(module: nn.Module, settings: Settings) -> nn.Module:
    """The module on its device, in its precision, in the memory order that convolutions like best."""
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
    return module.to(settings.device, dtype).to(memory_format=torch.channels_last)


@contextmanager
def numerics(precision: str) -> Iterator[None]:
    """Multiplications in exactly the precision asked for, restored afterwards."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    # torch lets convolutions use tf32 by default, which is not what fp32 says
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def _by_layer(columns: Sequence[Column]) -> dict[str, list[str]]:
    """The readouts wanted of each layer."""
    plan: dict[str, list[str]] = {}
    for column in columns:
        plan.setdefault(column.layer.name, []).append(column.readout)
    return plan


# what torch says of pools and convolutions whose output would be empty
_TOO_SMALL = ("Output size is too small", "Kernel size can't be greater")


class _AllRead(Exception):
    """Every layer asked for has been read: the rest of the forward is not needed."""


def _forward(
    network: Network,
    module: nn.Module,
    images: Tensor,
    plan: dict[str, list[str]],
    read: Callable[[str, Tensor], None],
    precision: str,
) -> None:
    """One forward of ``[B, 3, H, W]`` uint8 images; ``read`` gets each planned layer's output as ``[B, C, H, W]``."""
    if PIXELS.name in plan:
        read(PIXELS.name, images)
    waiting = set(plan) - {PIXELS.name}
    if not waiting:
        return
    height, width = images.shape[2:]

    def hook(layer: str) -> Callable[[nn.Module, object, object], None]:
        def at_layer(_module: nn.Module, _inputs: object, output: object) -> None:
            read(layer, network.as_map(output, layer, height, width))
            waiting.remove(layer)
            if not waiting:
                raise _AllRead

        return at_layer

    handles = [module.get_submodule(layer).register_forward_hook(hook(layer)) for layer in waiting]
    inputs = network.prepare(images).to(memory_format=torch.channels_last)
    try:
        module(inputs.bfloat16() if precision == "bf16" else inputs)
    except _AllRead:
        pass
    except RuntimeError as error:
        if any(sign in str(error) for sign in _TOO_SMALL):
            raise UserError(f"images of {width} x {height} pixels are too small for this network: {error}") from error
        raise
    finally:
        for handle in handles:
            handle.remove()


def _refuse_not_finite(values: NDArray[np.float32], columns: Sequence[Column], pairs: pd.DataFrame) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        names = first_names(columns[int(number)].name for number in np.flatnonzero(bad.any(axis=0)))
        images = first_names(pairs["distorted"].iloc[number] for number in np.flatnonzero(bad.any(axis=1)))
        raise UnitFailed(f"{int(bad.sum())} scores are no finite numbers, in the columns {names}, for {images}")
