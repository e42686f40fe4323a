"""What one layer gives for a batch of images, and what several readouts of it have in common."""

from functools import cached_property

import torch
from torch import Tensor


class Response:
    """The response of one layer to a batch, with the pairs to compare in it.

    It lives only while the layer's output is in memory: readouts take from it what they need and keep nothing of it.

    Args:
        values: responses ``[B, C, H, W]``, float32.
        reference: index in the batch of each pair's reference, ``[P]``.
        distorted: index in the batch of each pair's distorted image, ``[P]``.
    """

    def __init__(self, values: Tensor, reference: list[int], distorted: list[int]) -> None:
        self.values = values
        self.reference = reference
        self.distorted = distorted

    def difference(self, of_images: Tensor) -> Tensor:
        """Distorted minus reference, ``[P, ...]``, of something computed for each image ``[B, ...]``."""
        if self.reference == [0] * len(self.reference) and self.distorted == list(range(1, len(of_images))):
            return of_images[1:] - of_images[:1]  # the usual batch: no copies
        return of_images[self.distorted] - of_images[self.reference]

    def squared_distance(self, of_images: Tensor) -> Tensor:
        """Sum of squared differences, ``[P]``, of something computed for each image ``[B, ...]``."""
        return sum_over_all(self.difference(of_images).square_())

    @cached_property
    def norm(self) -> Tensor:
        """Euclidean norm of each image's whole response, ``[B]``."""
        return sum_over_all(self.values.square()).sqrt()

    @cached_property
    def channel_norm(self) -> Tensor:
        """Euclidean norm over channels at each position, ``[B, 1, H, W]``."""
        return self.values.square().sum(1, keepdim=True).sqrt()

    @cached_property
    def channel_mean(self) -> Tensor:
        """Mean over positions of each channel, ``[B, C]``, float64.

        The means of a reference and a slightly distorted image agree in most of their digits, so their difference needs
        more digits than one float32 sum over all positions has: columns are added in float32, their sums in float64.
        """
        if self.values.is_contiguous(memory_format=torch.channels_last):  # in the order in which the values lie
            total = self.values.permute(0, 2, 3, 1).sum(1).double().sum(1)
        else:
            total = self.values.sum(2).double().sum(2)
        return total / (self.values.shape[2] * self.values.shape[3])


def sum_over_all(values: Tensor) -> Tensor:
    """The sum of each image's or pair's values, ``[B]`` of ``[B, ...]``.

    ``sum`` adds in a tree. ``torch.linalg.vector_norm``, which looks like the shorter way to a distance, adds
    millions of float32 squares one after the other on a CPU, and was off by 3e-4 on real responses.
    """
    return values.sum(dim=tuple(range(1, values.ndim)))
