"""The distance of the channels' means and standard deviations together."""

import torch
from torch import Tensor

from iqa_lab.readouts import mean, std
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Euclidean distance of the vectors of all means and all standard deviations of each pair, ``[P]``."""
    return torch.hypot(mean.distance(response), std.distance(response))
