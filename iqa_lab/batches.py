"""From pairs to batches of decoded images: one reference and some of its distorted versions at a time."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from iqa_lab.benchmarks.images import Decoded, decode
from iqa_lab.errors import UserError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """A reference and some of its distorted versions, to be forwarded at once."""

    reference: str
    distorted: tuple[str, ...]
    rows: tuple[int, ...]  # the pairs' places in the benchmark


def plan_batches(pairs: pd.DataFrame, batch_size: int) -> list[Batch]:
    """Batches of 2 to ``batch_size`` images, the reference included; batches of one reference follow each other."""
    batches = []
    for reference, group in pairs.groupby("reference_path", sort=False):
        rows, paths = group.index.to_list(), group["distorted_path"].to_list()
        for start in range(0, len(rows), batch_size - 1):
            chunk = slice(start, start + batch_size - 1)
            batches.append(Batch(str(reference), tuple(paths[chunk]), tuple(rows[chunk])))
    return batches


def stack_distinct(batch: Batch, images: Sequence[Decoded]) -> tuple[Tensor, list[int]]:
    """The batch as ``[B, 3, H, W]`` uint8, and the index in it of each distorted image.

    An image identical to its reference stands in the batch once, so that its distance is exactly zero: a convolution
    may round the same image differently at another place of the batch.

    Raises:
        UserError: an image has another size than its reference.
    """
    reference = images[0].pixels
    distinct, of_pair = [reference], []
    for path, image in zip(batch.distorted, images[1:], strict=True):
        if image.pixels.shape != reference.shape:
            sizes = " and ".join(f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (image.pixels, reference))
            raise UserError(f"{path} and its reference {batch.reference} differ in size: {sizes} pixels")
        if np.array_equal(image.pixels, reference):
            of_pair.append(0)
        else:
            of_pair.append(len(distinct))
            distinct.append(image.pixels)
    # [B, H, W, 3] seen as [B, 3, H, W]: the channels_last order that the network wants
    return torch.from_numpy(np.stack(distinct)).permute(0, 3, 1, 2), of_pair


def decoded(batches: Sequence[Batch], workers: int, resize: int | None) -> Iterator[list[Decoded]]:
    """The decoded images of each batch, reference first, made ahead by a few threads; a reference is decoded once."""
    with ThreadPoolExecutor(workers) as pool:

        def load(path: str) -> Future[Decoded]:
            return pool.submit(decode, path, resize)

        def start_all() -> Iterator[list[Future[Decoded]]]:
            path, reference = "", None
            for batch in batches:
                if reference is None or path != batch.reference:
                    path, reference = batch.reference, load(batch.reference)
                yield [reference, *map(load, batch.distorted)]

        for futures in _ahead(start_all(), 2):
            yield [future.result() for future in futures]


def _ahead(items: Iterator[Item], count: int) -> Iterator[Item]:
    """The same items, ``count`` of them drawn before they are asked for."""
    drawn: deque[Item] = deque()
    for item in items:
        drawn.append(item)
        if len(drawn) > count:
            yield drawn.popleft()
    yield from drawn
