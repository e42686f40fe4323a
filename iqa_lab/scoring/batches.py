"""From pairs to batches of decoded images: every image once, a reference just before its distorted versions."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.benchmarks.images import Decode, Decoded, Pixels, Resize, decode
from iqa_lab.benchmarks.index import forget
from iqa_lab.errors import UserError

PATHS = ["reference_path", "distorted_path"]

# A pass that was cut off goes on at a border: where a batch begins with a reference whatever came before it. There is
# one at the first reference after so many batches. Fewer: smaller batches; more: more is lost.
BORDER = 4


@dataclass(frozen=True)
class Picture:
    """One decoded image: a reference, or the distorted image of one pair."""

    path: str
    pixels: Pixels  # [H, W, 3]
    conversion: str | None
    reference: str  # path of its reference; its own where it is one
    row: int | None  # the pair's place in the benchmark; None: a reference
    forwarded: bool  # False: a distorted image with the very pixels of its reference


@dataclass(frozen=True)
class Run:
    """The pairs of one reference in a batch."""

    reference: int | None  # its place in the batch; None: it is the last reference of the batches before
    distorted: range  # places in the batch
    rows: tuple[int, ...]  # the pairs: those of ``distorted``, then those whose images are identical
    identical: int  # how many are


@dataclass(frozen=True)
class Batch:
    """Images of one size, to be forwarded at once."""

    pictures: tuple[Picture, ...]
    at_border: bool = False  # it is cut as it would be if nothing came before it

    @cached_property
    def images(self) -> Tensor | None:
        """The images ``[B, 3, H, W]`` in 0..255, without those identical to their reference; None if all are.

        So their distance is exactly zero: a convolution may round the same image differently at another place.
        """
        forwarded = [picture.pixels for picture in self.pictures if picture.forwarded]
        # [B, H, W, 3] seen as [B, 3, H, W]: the channels_last order that networks want
        return torch.from_numpy(np.stack(forwarded)).permute(0, 3, 1, 2) if forwarded else None

    def pinned(self) -> "Batch":
        """The same, with its images in memory that a GPU fetches them from."""
        images = self.images
        if images is not None:
            with suppress(RuntimeError):  # there is no such memory left: then the GPU is sent a copy
                vars(self)["images"] = images.pin_memory()
        return self

    def runs(self) -> list[Run]:
        """The pairs by reference; a reference whose pairs come in later batches has a run without pairs."""
        runs, place = [], 0
        for _, group in groupby(self.pictures, key=lambda picture: picture.reference):
            of_reference = list(group)
            reference = place if of_reference[0].row is None else None
            pairs = [picture for picture in of_reference if picture.row is not None]
            forwarded = [picture for picture in pairs if picture.forwarded]
            identical = [picture for picture in pairs if not picture.forwarded]
            start = place + (reference is not None)
            place = start + len(forwarded)
            rows = tuple(picture.row for picture in (*forwarded, *identical) if picture.row is not None)
            runs.append(Run(reference, range(start, place), rows, len(identical)))
        return runs

    @property
    def rows(self) -> list[int]:
        """The pairs scored with this batch, run by run."""
        return [row for run in self.runs() for row in run.rows]

    def halves(self) -> tuple["Batch", "Batch"]:
        """The same images in two batches, one after the other."""
        middle = len(self.pictures) // 2
        return Batch(self.pictures[:middle]), Batch(self.pictures[middle:])


def batches(pictures: Iterable[Picture], batch_size: int) -> Iterator[Batch]:
    """The images in batches of at most ``batch_size``.

    Images of another size, or kind of numbers, begin a new one, and so does a border.
    """
    waiting: list[Picture] = []
    at_border, since = False, 0  # whether the waiting ones began at a border; batches since then
    for picture in pictures:
        border = picture.row is None and since + 1 >= BORDER
        alike = not waiting or _kind(picture) == _kind(waiting[0])
        if waiting and (border or len(waiting) == batch_size or not alike):
            yield Batch(tuple(waiting), at_border)
            waiting, at_border, since = [], border, 0 if border else since + 1
        waiting.append(picture)
    if waiting:
        yield Batch(tuple(waiting), at_border)


def one_ahead(coming: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, the next of which is put together, for a GPU, while the one before is computed."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, coming, None)
        while (batch := following.result()) is not None:
            following = pool.submit(next, coming, None)
            yield batch


def _kind(picture: Picture) -> tuple[object, ...]:
    return picture.pixels.shape, picture.pixels.dtype


def pictures(
    pairs: pd.DataFrame, workers: int, resize: Resize, ahead: int = 24, decode: Decode = decode
) -> Iterator[Picture]:
    """Every reference, followed by its distorted images, decoded ahead by a few threads, each once.

    Args:
        pairs: with ``reference_path`` and ``distorted_path``; of an examined benchmark also with digests and checksums
            of their pixels, which what is decoded here has to have.
        workers: number of threads.
        resize: short side in pixels, height and width, or None.
        ahead: how many decoded images may wait.
        decode: of the benchmark: reads a file, or makes a stimulus.

    Raises:
        UserError: an image cannot be read, has another size than its reference, or is not what was examined.
    """
    digests, checksums = _known(pairs, "pixels"), _known(pairs, "checksum")
    planned: list[tuple[str, str, int | None]] = []
    for reference, group in pairs.groupby("reference_path", sort=False):
        planned.append((str(reference), str(reference), None))
        planned += [
            (str(path), str(reference), int(row))
            for row, path in zip(group.index, group["distorted_path"], strict=True)
        ]
    reference_pixels: Pixels = np.empty((0, 0, 3), np.uint8)
    for (path, reference, row), image in zip(
        planned, _decoded([path for path, _, _ in planned], workers, resize, ahead, not checksums, decode), strict=True
    ):
        if checksums and image.checksum != checksums[path]:
            forget(list(checksums))
            raise UserError(
                f"{path} is not the image any more that it was when the benchmark was examined: no score is kept; "
                "give the same command again"
            )
        if row is None:
            reference_pixels = image.pixels
        elif image.pixels.shape != reference_pixels.shape:
            (height, width, _), (its_height, its_width, _) = image.pixels.shape, reference_pixels.shape
            sizes = f"{width} x {height} and {its_width} x {its_height}"
            raise UserError(f"{path} and its reference {reference} differ in size: {sizes} pixels")
        if digests and resize is None:
            identical = digests[path] == digests[reference]
        else:  # images that differ may be equal in a smaller size
            identical = np.array_equal(image.pixels, reference_pixels)
        yield Picture(path, image.pixels, image.conversion, reference, row, row is None or not identical)


def distinct(pairs: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Every pair of images once, those of a reference together, and for each row of ``pairs`` the place of its own.

    The same two images may be asked about in many questions. References, and the pairs of each, stay in their order.
    """
    once = pairs.drop_duplicates(PATHS)
    order = np.argsort(once.groupby("reference_path", sort=False).ngroup().to_numpy(), kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    numbered = pairs.groupby(PATHS, sort=False).ngroup().to_numpy()
    return once.iloc[order].reset_index(drop=True), place[numbered]


def number_of_images(pairs: pd.DataFrame) -> int:
    """How many images ``pictures`` gives of distinct pairs: every reference once, every distorted image once."""
    return len(pairs.drop_duplicates(PATHS)) + pairs["reference_path"].nunique()


def _known(pairs: pd.DataFrame, fact: str) -> dict[str, Any]:
    """What is known of every image by its path; empty where the benchmark was not examined."""
    if f"reference_{fact}" not in pairs:
        return {}
    sides = [zip(pairs[f"{side}_path"], pairs[f"{side}_{fact}"], strict=True) for side in ("reference", "distorted")]
    return {path: value for side in sides for path, value in side}


def _decoded(
    paths: Sequence[str], workers: int, resize: Resize, ahead: int, thorough: bool, decode: Decode
) -> Iterator[Decoded]:
    def one(path: str) -> Decoded:
        image = decode(path, resize, thorough=thorough)
        if not thorough:
            _ = image.checksum  # computed here, beside the forward, and kept
        return image

    with ThreadPoolExecutor(workers) as pool:
        futures: deque[Future[Decoded]] = deque()
        try:
            for path in paths:
                futures.append(pool.submit(one, path))
                if len(futures) > ahead:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            for future in futures:
                future.cancel()
