"""Responses -> the values of each channel in ascending order."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from iqa_lab.readouts.loops import loops, share_out
from iqa_lab.readouts.moments import serves
from iqa_lab.readouts.pieces import widened

# Of channels that one thread copies and sorts at once, and of positions that it copies.
SORT_BYTES, _STRIPE = 2**21, 1024
# Of what torch sorts at once, which takes five times as much besides.
SORT_BYTES_GPU = 2**29


def sort_positions(values: Tensor) -> Tensor:
    """The values of each channel in ascending order, ``[b, C, N]`` of ``[b, C, H, W]``.

    By compiled loops or by NumPy. Both leave the interpreter meanwhile, and torch is slower than either on a CPU.
    """
    if not serves(values):
        return _by_torch(values.flatten(2))
    lines = values.detach().flatten(2)
    if lines.dtype != torch.uint8:
        lines = lines.float()
    ordered = torch.empty(lines.shape)
    compiled = loops("order")
    if compiled is None:
        _by_comparison(lines.numpy(), ordered.numpy())
        return ordered
    given, result = lines.transpose(1, 2).numpy(), ordered.numpy()
    images, channels, positions = lines.shape
    sort_some = compiled.sort_levels if lines.dtype == torch.uint8 else compiled.sort_channels

    def sort(start: int, stop: int) -> None:
        for image in range(start // channels, -(-stop // channels)):
            first, last = max(0, start - image * channels), min(channels, stop - image * channels)
            sort_some(given[image], result[image], first, last)

    share_out(sort, images * channels, max(1, 2**14 // positions))
    return ordered


def _by_torch(lines: Tensor) -> Tensor:
    """A few images at a time: besides its values torch sorts their places, of eight bytes each.

    Values of two bytes are widened afterwards, since they are sorted in half the time.
    """
    few = max(1, SORT_BYTES_GPU // (4 * lines[0].numel()))
    # searchsorted warns of any other order in memory
    ordered = [widened(piece.contiguous().sort(2).values) for piece in lines.split(few)]
    return torch.cat(ordered) if len(ordered) > 1 else ordered[0]


def histogram_distances(f: Tensor, g: Tensor, bins: int) -> Tensor | None:
    """Mean over channels of the Jensen-Shannon distance, ``[p]``, of ``f [C, N]`` and ``g [p, C, N]``, all in order.

    None where compiled loops do not serve.
    """
    compiled = loops("order") if serves(f) and serves(g) else None
    if compiled is None:
        return None
    first, second = f.numpy(), g.numpy()
    fractions = np.arange(1, bins) / bins

    def work(start: int, stop: int) -> np.ndarray:
        sums = np.zeros(len(second))
        compiled.histogram_distances(first, second, start, stop, fractions, sums)
        return sums

    return torch.from_numpy(np.sum(share_out(work, len(f), 16), axis=0) / len(f))


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
