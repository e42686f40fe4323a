"""How far the distribution of each channel's responses has moved, wherever in the image they are."""

import torch
from torch import Tensor

from iqa_lab.readouts.moments import differences
from iqa_lab.readouts.pieces import images_at_once as channels_at_once
from iqa_lab.readouts.response import Response


def distance(response: Response) -> Tensor:
    """Mean over channels of the 1-D Wasserstein distance of the responses of each pair, ``[P]``.

    Both images have the same number of positions, so it is the mean distance of the values in their order.
    """
    if (compared := response.in_order()) is not None:
        return compared.moved
    reference, distorted = response.reference.ordered, response.distorted.ordered
    runs = [(reference[place][None], distorted[pairs]) for place, pairs in response.places()]
    found = differences(*([values[..., None] for values in side] for side in zip(*runs, strict=True)))
    if found is not None:
        return found[1] / (response.channels * response.positions)
    parts = []
    for place, of_reference in response.places():
        for image in distorted[of_reference]:
            # channel by channel, so that the differences stay in the cache
            step = channels_at_once(image)
            few = zip(image.split(step), reference[place].split(step), strict=True)
            parts.append(torch.stack([(g - f).abs_().sum(1).sum(dtype=torch.float64) for g, f in few]).sum())
    return torch.stack(parts) / (response.channels * response.positions)
