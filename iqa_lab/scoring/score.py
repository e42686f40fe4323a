"""The one pass: every image through the network once, every layer x readout column from it.

A batch holds references and their distorted versions; a reference whose distorted versions do not fit waits, one image
of every layer, for the batches that follow. Readouts run inside the hook of their layer, while its output is untouched
by whatever comes next (an in-place ReLU, say), and the output is then dropped: memory holds one layer's responses to
one batch and every layer's to one reference, whatever the number of readouts and pairs. The forward stops after the
last layer needed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.benchmarks.decoding import ENOUGH, in_processes
from iqa_lab.benchmarks.images import Decode
from iqa_lab.benchmarks.images import decode as of_files
from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.networks.network import Network, sent
from iqa_lab.progress import say
from iqa_lab.readouts import Distance, Response
from iqa_lab.readouts.response import Maps
from iqa_lab.scoring.batches import Batch, Picture, batches, number_of_images, one_ahead, pictures
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.forward import forward, numerics, to_device
from iqa_lab.scoring.memory import is_out_of_memory
from iqa_lab.scoring.settings import Settings


@dataclass(frozen=True)
class Scores:
    """What the pass leaves of all pairs, and how it came about."""

    values: NDArray[np.float32]  # distances [pairs, columns]
    columns: tuple[Column, ...]
    channels: dict[str, NDArray[np.float32]]  # mean squared difference of every channel [pairs, C], by layer
    converted: dict[str, str]  # how images were made RGB, by their paths; nothing of those that were RGB
    forwards: int
    batch_size: int  # at the end: smaller than asked for where memory did not suffice
    seconds: float
    # by layer: pixels of an image, and positions of the response to it
    positions: dict[str, set[tuple[int, int]]] = field(default_factory=dict)

    @property
    def conversions(self) -> dict[str, int]:
        """How images were made RGB, and how many of them."""
        return dict(Counter(self.converted.values()))

    @property
    def fixed(self) -> tuple[str, ...]:
        """Layers with the same positions for images of several sizes: class tokens, say."""
        numbers = {layer: {number for _, number in seen} for layer, seen in self.positions.items()}
        return tuple(layer for layer, seen in self.positions.items() if len(numbers[layer]) == 1 < len(seen))

    def from_pair(self, first: int) -> "Scores":
        """The same of the pairs from this one on."""
        channels = {layer: differences[first:] for layer, differences in self.channels.items()}
        return replace(self, values=self.values[first:], channels=channels)


SoFar = Callable[[int], Scores]  # what a pass has of its pairs from this one on


def joined(first: Scores, second: Scores) -> Scores:
    """The scores of some pairs, and of those that come after them in the same pass."""
    positions = {
        layer: first.positions.get(layer, set()) | second.positions.get(layer, set())
        for layer in {**first.positions, **second.positions}
    }
    return Scores(
        values=np.concatenate([first.values, second.values]),
        columns=second.columns,
        channels={
            layer: np.concatenate([differences, second.channels[layer]])
            for layer, differences in first.channels.items()
        },
        converted=first.converted | second.converted,
        forwards=first.forwards + second.forwards,
        batch_size=min(first.batch_size, second.batch_size),
        seconds=first.seconds + second.seconds,
        positions=positions,
    )


def score(
    network: Network,
    pairs: pd.DataFrame,
    columns: Sequence[Column],
    settings: Settings,
    channels: Collection[str] = (),
    progress: Callable[[int], object] = int,
    decode: Decode = of_files,
    keep: Callable[[int, SoFar], object] | None = None,
) -> Scores:
    """The distances of all pairs in all columns, from one pass over the images.

    Args:
        network: moved to the device and precision of the settings.
        pairs: with ``reference_path`` and ``distorted_path``.
        columns: what to compute; layers of the network, or the pixels.
        settings: device, batch size, decoding threads, precision, resize.
        channels: layers whose mean squared differences of every channel are kept: 4 bytes a channel and pair.
        progress: told the number of images after every batch.
        decode: of the benchmark: reads a file, or makes a stimulus.
        keep: told at every border how many pairs are scored, and how to get what there is of them. These are the
            first ones, where the pairs of a reference stand together.

    Raises:
        UserError: an image is damaged, of another size than its reference, or too small for the network; or one image
            alone does not fit into memory.
        UnitFailed: scores are not finite, or below zero.
    """
    readings = _readings(columns, channels, settings.device)
    values = torch.full((len(columns), len(pairs)), torch.nan, dtype=torch.float64, device=settings.device)
    kept_channels: dict[str, Tensor] = {}
    converted: dict[str, str] = {}
    references: dict[str, Maps] = {}  # the last reference of the batches before: its responses by layer
    positions: dict[str, set[tuple[int, int]]] = {}  # by layer: pixels of an image, positions of its response
    batch_size, forwards, done = settings.batch_size, 0, 0
    start = perf_counter()

    def so_far(first: int, last: int | None = None) -> Scores:
        last = done if last is None else last
        return Scores(
            values=values[:, first:last].T.float().cpu().numpy(),
            columns=tuple(columns),
            channels={layer: differences[first:last].cpu().numpy() for layer, differences in kept_channels.items()},
            converted=dict(converted),
            forwards=forwards,
            batch_size=batch_size,
            seconds=perf_counter() - start,
            positions=positions,
        )

    with numerics(settings.precision), torch.inference_mode():
        module = to_device(network.module, settings)
        on_gpu = settings.device.type == "cuda"
        if on_gpu and decode is of_files and number_of_images(pairs) >= ENOUGH:
            decode = in_processes(settings.workers)  # threads would take Python's lock from this one
        decoded = pictures(pairs, settings.workers, settings.resize, 3 * batch_size, decode)
        decoded = _noting_conversions(decoded, converted)
        coming = batches(decoded, batch_size)
        for whole in one_ahead(batch.pinned() for batch in coming) if on_gpu else coming:
            if whole.at_border and keep is not None:
                keep(done, so_far)
            waiting = [whole]
            while waiting:
                batch = waiting.pop(0)
                if len(batch.pictures) > batch_size:
                    waiting[:0] = batch.halves()
                    continue
                read = _BatchReading(batch, readings, references)
                try:
                    images = batch.images
                    stack = None if images is None else sent(images, settings.device)
                    forward(network, module, stack, readings, read, settings.precision)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error):
                        raise
                    failed = True
                else:
                    failed = False
                if failed:  # outside of except, which would keep everything alive
                    del read
                    batch_size = _smaller(batch, settings.device)
                    waiting.insert(0, batch)
                    continue
                rows = sent(torch.tensor(batch.rows, dtype=torch.long), settings.device)
                values[:, rows] = read.distances(torch.zeros_like(values[:, : len(rows)]))
                for layer, differences in read.channels.items():
                    if layer not in kept_channels:
                        shape = (len(pairs), differences.shape[1])
                        kept_channels[layer] = torch.full(shape, torch.nan, device=settings.device)
                    kept_channels[layer][rows] = differences
                for layer, number in read.positions.items():
                    positions.setdefault(layer, set()).add((read.pixels, number))
                references = read.last_reference
                forwards += 0 if stack is None else len(stack)
                done += len(batch.rows)
                progress(len(batch.pictures))

    result = so_far(0, len(pairs))
    _refuse_not_finite(result.values, columns, pairs)
    _refuse_negative(result.values, columns)
    for layer, kept in result.channels.items():
        if not np.isfinite(kept).all():
            raise UnitFailed(f"the differences of the channels of layer {layer} are no finite numbers")
    return result


@dataclass(frozen=True)
class _Reading:
    """What is read at one layer: distances, for the columns with these numbers; and whether channels are kept."""

    columns: Tensor
    distances: tuple[Distance, ...]
    keep_channels: bool


def _readings(columns: Sequence[Column], channels: Collection[str], device: torch.device) -> dict[str, _Reading]:
    plan: dict[str, list[tuple[int, Distance]]] = {layer: [] for layer in channels}
    for number, column in enumerate(columns):
        for layer, distance in column.terms.items():
            plan.setdefault(layer, []).append((number, distance))
    return {
        layer: _Reading(
            sent(torch.tensor([number for number, _ in entries], dtype=torch.long), device),
            tuple(distance for _, distance in entries),
            layer in channels,
        )
        for layer, entries in plan.items()
    }


class _BatchReading:
    """Reads the layers of one batch as they come by; nothing outside changes until the batch is through."""

    def __init__(self, batch: Batch, readings: Mapping[str, _Reading], references: Mapping[str, Maps]) -> None:
        self._runs = batch.runs()
        height, width, _ = batch.pictures[0].pixels.shape
        self.pixels = height * width
        self._readings = readings
        self._earlier = references
        self.last_reference: dict[str, Maps] = {}
        self.channels: dict[str, Tensor] = {}
        self.positions: dict[str, int] = {}
        self._found: list[tuple[Tensor, Tensor]] = []  # numbers of columns, and their distances, [columns, P]

    def __call__(self, layer: str, output: Tensor | None) -> None:
        """Read one layer's responses ``[B, C, H, W]``; None where no image of the batch had to be forwarded."""
        reading = self._readings[layer]
        known = self._earlier.get(layer)
        reference = None if known is None else known.given[0]
        references, distorted = [], []
        for run in self._runs:
            if run.reference is not None and output is not None:
                reference = output[run.reference : run.reference + 1]
            assert reference is not None
            if output is not None and len(run.distorted):
                references.append(reference)
                distorted.append(output[run.distorted.start : run.distorted.stop])
            references += [reference] * run.identical
            distorted += [reference] * run.identical
        assert reference is not None
        kept = Maps([reference])
        if distorted:
            several = len(reading.distances) + reading.keep_channels > 1
            response = Response(references, distorted, self.pixels, several=several, known=known)
            self._read(layer, reading, response)
            kept = response.reference if references[-1] is reference else kept
        if known is not None and reference is known.given[0]:
            self.last_reference[layer] = known
        else:  # a copy: whatever comes next in the network may change the response in place
            self.last_reference[layer] = kept.last()

    def distances(self, zeros: Tensor) -> Tensor:
        """The distances ``[columns, pairs]``, added to zeros; float64.

        They are added up when all layers are read: in a hook, small operations take many times as long, since what they
        need was pushed out of the caches by the network.
        """
        for columns, found in self._found:
            zeros.index_add_(0, columns, found)
        return zeros

    def _read(self, layer: str, reading: _Reading, response: Response) -> None:
        self.positions[layer] = response.positions
        if reading.distances:
            # a copy: a readout of one's own may give a part of the response itself, which may be changed in place
            found = torch.stack([distance(response).double() for distance in reading.distances])
            self._found.append((reading.columns, found))
        if reading.keep_channels:
            self.channels[layer] = response.channel_squared_difference.float()


def _noting_conversions(images: Iterator[Picture], converted: dict[str, str]) -> Iterator[Picture]:
    for image in images:
        if image.conversion is not None:
            converted[image.path] = image.conversion
        yield image


def _smaller(batch: Batch, device: torch.device) -> int:
    """Half a batch, said aloud, after one that did not fit into memory."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if len(batch.pictures) == 1:
        height, width, _ = batch.pictures[0].pixels.shape
        raise UserError(
            f"out of memory with one image of {width} x {height} pixels: "
            "choose fewer layers, a smaller network or preprocess.resize"
        )
    smaller = max(1, len(batch.pictures) // 2)
    say(f"out of memory with {len(batch.pictures)} images at once: going on with {smaller}", "yellow")
    return smaller


def _refuse_not_finite(values: NDArray[np.float32], columns: Sequence[Column], pairs: pd.DataFrame) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        names = first_names(columns[int(number)].name for number in np.flatnonzero(bad.any(axis=0)))
        images = first_names(pairs["distorted"].iloc[number] for number in np.flatnonzero(bad.any(axis=1)))
        raise UnitFailed(f"{int(bad.sum())} scores are no finite numbers, in the columns {names}, for {images}")


def _refuse_negative(values: NDArray[np.float32], columns: Sequence[Column]) -> None:
    negative = (values < 0).any(axis=0)
    if negative.any():
        names = first_names(columns[int(number)].name for number in np.flatnonzero(negative))
        raise UnitFailed(
            f"scores are below zero, in the columns {names}: a readout gives distances, 0 for equal responses and "
            "larger the more they differ"
        )
