"""A metric as ``torchmetrics`` knows them: it takes batches, adds up over all processes, and gives the mean distance.

An extra, ``pip install iqa-lab[torchmetrics]``; ``metric.as_torchmetrics()`` makes it.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torchmetrics
from torch import Tensor, nn


class MeanDistance(torchmetrics.Metric):
    """The mean distance of all pairs that it was given: the lower, the nearer the images are to their references.

    Args:
        metric: any of ours; where it gives several numbers a pair, so does the mean.
        names: of these numbers.
        keywords: of ``torchmetrics.Metric``.
    """

    is_differentiable = True
    higher_is_better = False
    full_state_update = False
    total: Tensor
    number: Tensor

    def __init__(self, metric: nn.Module, names: Sequence[str], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.metric = metric
        several = len(names)
        start = torch.zeros(several, dtype=torch.float64) if several > 1 else torch.zeros((), dtype=torch.float64)
        self.add_state("total", default=start, dist_reduce_fx="sum")
        self.add_state("number", default=torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Take a batch, in the order and under the names of ``torchmetrics``.

        Args:
            preds: the distorted images, as ``metric`` takes them.
            target: their references.
        """
        distances = self.metric(reference=target, distorted=preds)
        self.total = self.total + distances.double().sum(0)
        self.number = self.number + len(distances)

    def compute(self) -> Tensor:
        """The mean; NaN before the first batch."""
        return self.total / self.number
