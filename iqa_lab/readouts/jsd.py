"""How much the histograms of each channel's responses differ."""

import torch
from torch import Tensor

from iqa_lab.errors import UserError
from iqa_lab.readouts.response import BINS, Response


def distance(response: Response, bins: int = BINS) -> Tensor:
    """Mean over channels of the Jensen-Shannon distance of the responses' histograms, of each pair, ``[P]``, 0..0.833.

    The square root of the divergence in nats, as in SciPy. A channel's bins are of equal width, from the smallest to
    the largest value in either image of the pair; a channel that is constant and equal in both has distance 0.
    There is no gradient: values that move inside of their bins change nothing.

    Args:
        response: of the layer.
        bins: number of bins, at least 2.

    Raises:
        UserError: bins are no such number.
    """
    if isinstance(bins, bool) or not isinstance(bins, int) or bins < 2:
        raise UserError(f"the readout's bins={bins}: a whole number, 2 or more; in one bin all channels are alike")
    compared = response.in_order(bins)
    if compared is not None and compared.histograms is not None:
        return compared.histograms
    f, g = (maps.ordered.detach().float() for maps in (response.reference, response.distorted))
    return torch.cat([_run_distance(f[place], g[pairs], bins) for place, pairs in response.places()])


def _run_distance(f: Tensor, g: Tensor, bins: int) -> Tensor:
    """The distances ``[p]`` between ``f [C, N]`` and each of ``g [p, C, N]``, all with their values in order."""
    fractions = torch.arange(1, bins, dtype=torch.float64, device=f.device) / bins
    low = torch.minimum(f[:, 0], g[..., 0]).double()[..., None]
    high = torch.maximum(f[:, -1], g[..., -1]).double()[..., None]
    edges = _next_float(low + (high - low) * fractions)  # [p, C, bins - 1]
    # all pairs look into the one reference: their edges stand beside each other
    below_f = torch.searchsorted(f, edges.transpose(0, 1).flatten(1).contiguous())
    below_f = below_f.unflatten(1, (len(g), -1)).transpose(0, 1)
    p, q = (_shares(below, f.shape[1]) for below in (below_f, torch.searchsorted(g, edges)))
    divergence = (_divergence(p, q) + _divergence(q, p)).clamp_min(0)
    divergence += 0 * (high - low)[..., 0]  # no number where a response is none
    return (divergence / 2).sqrt().mean(1)


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    """Kullback-Leibler divergence of ``p`` from the mean of both, over the last axis; an empty bin of ``p`` is 0."""
    ratio = 2 * p / (p + q)  # no number where both are empty
    return (p * ratio.log_()).nan_to_num_(0).sum(-1)


def _shares(below: Tensor, number: int) -> Tensor:
    """The share of ``number`` values in each bin, ``[p, C, bins]``, from how many lie below each inner edge."""
    below = below.double()
    first, last = torch.zeros_like(below[..., :1]), torch.full_like(below[..., :1], number)
    return torch.cat([first, below, last], dim=2).diff(dim=2) / number


def _next_float(edges: Tensor) -> Tensor:
    """The smallest float32 that is not below: a float32 value is below the one exactly if it is below the other."""
    rounded = edges.float()
    above = torch.nextafter(rounded, torch.full_like(rounded, torch.inf))
    return torch.where(rounded.double() < edges, above, rounded)
