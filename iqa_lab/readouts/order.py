"""Responses -> the values of each channel in ascending order, and how far those of pairs are apart."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from iqa_lab.loops import loops
from iqa_lab.readouts.moments import lines_of, serves
from iqa_lab.readouts.pieces import widened
from iqa_lab.readouts.threads import share_out

# Of channels that one thread copies and sorts at once, and of positions that it copies.
SORT_BYTES, _STRIPE = 2**21, 1024
# Of what torch sorts at once, which takes five times as much besides.
SORT_BYTES_GPU = 2**29
# Values that are worth another thread.
_WORTH_A_THREAD = 2**14


def sort_positions(values: Tensor) -> Tensor:
    """The values of each channel in ascending order, ``[b, C, N]`` of ``[b, C, H, W]``.

    By compiled loops or by NumPy. Both leave the interpreter meanwhile, and torch is slower than either on a CPU.
    """
    if not serves(values):
        return _by_torch(values.flatten(2))
    lines = values.detach().float().flatten(2)
    ordered = torch.empty(lines.shape)
    compiled = loops("order")
    if compiled is None:
        _by_comparison(lines.numpy(), ordered.numpy())
        return ordered
    given, result = lines.transpose(1, 2).numpy(), ordered.numpy()
    images, channels, positions = lines.shape

    def sort(start: int, stop: int) -> None:
        for image in range(start // channels, -(-stop // channels)):
            first, last = max(0, start - image * channels), min(channels, stop - image * channels)
            compiled.sort_channels(given[image], result[image], first, last)

    share_out(sort, images * channels, max(1, _WORTH_A_THREAD // positions))
    return ordered


@dataclass(frozen=True)
class InOrder:
    """How far the channels of ``P`` pairs are apart, wherever in the image their values are; float64."""

    moved: Tensor  # mean over channels and positions of the distance of values in their order, [P]
    histograms: Tensor | None  # mean over channels of the Jensen-Shannon distance of their histograms, [P]


def compare_in_order(runs: Sequence[tuple[Tensor, Tensor]], bins: int) -> InOrder | None:
    """How far these pairs are apart; None where compiled loops do not serve.

    What is put into order is compared at once, channel by channel, and not kept.

    Args:
        runs: for each reference its channels in order, ``[C, N]`` float32, and the responses ``[p, C, H, W]`` of its
            distorted images.
        bins: of the histograms, see ``jsd``; 0: without histograms.
    """
    compiled = loops("order")
    if compiled is None or not all(serves(values) for run in runs for values in run):
        return None
    arrays = [(f.numpy(), lines_of(g).transpose(0, 2, 1)) for f, g in runs]
    channels, positions = arrays[0][0].shape
    fractions = np.arange(1, bins) / max(bins, 1)

    def work(start: int, stop: int) -> np.ndarray:
        found = [np.zeros((2, len(g))) for _, g in arrays]
        for (f, g), sums in zip(arrays, found, strict=True):
            compiled.compare_channels(f, g, start, stop, fractions, bins > 0, *sums)
        return np.concatenate(found, axis=1)

    values = sum(len(g) for _, g in arrays) * positions
    both = torch.from_numpy(np.sum(share_out(work, channels, max(1, _WORTH_A_THREAD // values)), axis=0) / channels)
    return InOrder(both[0] / positions, both[1] if bins else None)


def _by_torch(lines: Tensor) -> Tensor:
    """A few images at a time: besides its values torch sorts their places, of eight bytes each.

    Values of two bytes are widened afterwards, since they are sorted in half the time.
    """
    # searchsorted warns of any other order in memory
    if not lines.is_cuda or (lines.requires_grad and torch.is_grad_enabled()):
        return widened(lines.contiguous().sort(2).values)
    few = max(1, SORT_BYTES_GPU // (4 * lines[0].numel()))
    ordered = torch.empty(lines.shape, dtype=lines.dtype, device=lines.device)
    places = torch.empty(lines[:few].shape, dtype=torch.long, device=lines.device)
    for given, found in zip(lines.split(few), ordered.split(few), strict=True):
        torch.sort(given.contiguous(), 2, out=(found, places[: len(found)]))
    return widened(ordered)


def _by_comparison(given: np.ndarray, ordered: np.ndarray) -> None:
    """Some channels of one image at a time, copied to their place and sorted while they are in the cache."""
    number, channels, positions = ordered.shape

    def sort(image: int, few: slice) -> None:
        block = ordered[image, few]
        for start in range(0, positions, _STRIPE):
            stripe = slice(start, start + _STRIPE)
            block[:, stripe] = given[image, few, stripe]
        block.sort(axis=1)

    step = max(1, SORT_BYTES // (4 * positions))
    blocks = [(image, slice(start, start + step)) for image in range(number) for start in range(0, channels, step)]
    if len(blocks) == 1:
        sort(*blocks[0])
    else:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(lambda block: sort(*block), blocks))
