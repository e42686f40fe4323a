"""The distance of the Gram matrices: which channels respond together, wherever that is.

Gatys et al., Texture Synthesis Using Convolutional Neural Networks (2015).
"""

import torch
from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.moments import FEW_CHANNELS, products
from iqa_lab.readouts.response import Response

# Positions of one product of matrices. Of a hundred thousand a GPU adds so many products one after the other in float32
# that 3e-5 of the sum was lost (three channels of pixels, H200).
AT_ONCE = 4096


def distance(response: Response) -> Tensor:
    """Frobenius distance of ``F F^T / (H W)`` of each pair, ``[P]``; ``F`` is one image's ``[C, H W]``.

    With ``S = F + G`` and ``D = G - F`` the difference of the two matrices is ``(S D^T + D S^T) / 2``: one product
    instead of two, and no digits are lost for nearly equal images.
    """
    product = products(response.reference.parts, response.distorted.parts)
    if product is not None:
        return _half_norm(product) / response.positions
    if 6 * response.positions < response.channels:
        return _from_positions(response) / response.positions
    return response.over_pairs(lambda f, g: _distance(_columns(f), _columns(g))) / response.positions


def _columns(values: Tensor) -> Tensor:
    return values.flatten(2).transpose(1, 2)  # [b, N, C]


def _distance(f: Tensor, g: Tensor) -> Tensor:
    if g.shape[2] < FEW_CHANNELS:  # pixels, say: far from zero, while what differs may nearly cancel
        f, g = f.double(), g.double()
    return _half_norm(_product(f + g, g - f))


def _from_positions(response: Response) -> Tensor:
    """The same before it is divided, from smaller matrices ``[N, N]``: two products a pair, one a reference.

    ``|S D^T + D S^T|^2 = 2 <S^T S, D^T D> + 2 <D^T S, (D^T S)^T>`` and ``S = 2 F + D``. In float64, at half the speed:
    both terms cancel where the positions of ``F`` and ``G`` are nearly the same in another order.
    """
    seen, first, ff, found = None, torch.empty(0), torch.empty(0), []
    for f, g in response.pieces():
        if f is not seen:
            seen, first = f, _columns(f).double()
            ff = first @ first.transpose(1, 2)
        change = _columns(g).double() - first
        df, dd = (change @ other.transpose(1, 2) for other in (first, change))
        ds = 2 * df + dd
        ss = 4 * ff + 2 * (df + df.transpose(1, 2)) + dd
        found.append(root((ss * dd + ds * ds.transpose(1, 2)).sum((1, 2)).clamp_min(0) / 2))
    return torch.cat(found)


def _half_norm(product: Tensor) -> Tensor:
    """``|P + P^T| / 2`` of each pair's ``[C, C]``: rows are added as they are, and their sums in float64."""
    return root((product + product.transpose(1, 2)).square_().sum(2).sum(1, dtype=torch.float64)) / 2


def _product(left: Tensor, right: Tensor) -> Tensor:
    """``left^T right`` of ``[b, N, C]`` each, ``[b, C, C]``: products of some positions, added up in float64."""
    _, positions, channels = left.shape
    if positions <= AT_ONCE:
        return torch.bmm(left.transpose(1, 2), right)
    whole = positions // AT_ONCE * AT_ONCE
    several = (values[:, :whole].reshape(-1, AT_ONCE, channels) for values in (left, right))
    product: Tensor = _product(*several).view(len(left), -1, channels, channels).sum(1, dtype=torch.float64)
    return product if whole == positions else product + _product(left[:, whole:], right[:, whole:])
