"""The distance of the Gram matrices: which channels respond together, wherever that is.

Gatys et al., Texture Synthesis Using Convolutional Neural Networks (2015).
"""

import torch
from torch import Tensor

from iqa_lab.readouts.gradients import root
from iqa_lab.readouts.moments import FEW_CHANNELS, products, serves, squares_apart, squares_from_positions
from iqa_lab.readouts.response import Response

# Positions of one product of matrices. Of a hundred thousand a GPU adds so many products one after the other in float32
# that 3e-5 of the sum was lost (three channels of pixels, H200).
AT_ONCE = 4096
# What products in float32 give is kept where the squared distance is at least this part of ``(4 |F|^2 + |D|^2) |D|^2``
# over the positions; noise has .5 and more. It was 2e-6 off at most (25 kinds of responses, 1 to 192 positions).
# Squares of smaller changes leave the range of float32.
_KEPT, _SMALLEST = 0.25, 1e-30


def distance(response: Response) -> Tensor:
    """Frobenius distance of ``F F^T / (H W)`` of each pair, ``[P]``; ``F`` is one image's ``[C, H W]``.

    With ``S = F + G`` and ``D = G - F`` the difference of the two matrices is ``(S D^T + D S^T) / 2``: one product
    instead of two, and no digits are lost for nearly equal images.
    """
    parts = response.reference.parts, response.distorted.parts
    product = products(*parts)
    if product is not None:
        return _half_norm(product) / response.positions
    # on a GPU the processor would have to wait, to see whether digits were lost
    single = all(serves(values) for values in (*parts[0], *parts[1]))
    few = response.channels <= 2 * response.positions
    squares = squares_apart(*parts) if few else _from_positions_by_loops(response)
    if squares is not None:
        return root(squares) / response.positions
    if response.channels > (3 if single else 6) * response.positions:  # float64 takes twice as long
        return root(_from_positions(response, torch.float32 if single else torch.float64)) / response.positions
    return response.over_pairs(lambda f, g: _distance(_columns(f), _columns(g))) / response.positions


def _columns(values: Tensor) -> Tensor:
    return values.flatten(2).transpose(1, 2)  # [b, N, C]


def _distance(f: Tensor, g: Tensor) -> Tensor:
    if g.shape[2] < FEW_CHANNELS:  # pixels, say: far from zero, while what differs may nearly cancel
        f, g = f.double(), g.double()
    return _half_norm(_product(f + g, g - f))


def _from_positions_by_loops(response: Response) -> Tensor | None:
    """The squares before they are divided, ``[P]``, from smaller matrices ``[N, N]``; None where loops do not serve."""
    found = squares_from_positions(response.reference.parts, response.distorted.parts)
    if found is None:
        return None
    squares, change, length = found.unbind(1)
    kept = _kept(squares, change, length, response.positions)
    return squares if kept.all() else torch.where(kept, squares, _from_positions(response, torch.float64))


def _from_positions(response: Response, dtype: torch.dtype) -> Tensor:
    """The same: two products a pair, one a reference.

    Where products in float32 lose digits they are made again in float64.
    """
    seen, first, ff, found = None, torch.empty(0), torch.empty(0), []
    for f, g in response.pieces():
        if f is not seen:
            seen, first = f, _columns(f).to(dtype)
            ff = _inner(first, first)
        squares, dd = _squares(first, _columns(g).to(dtype), ff)
        if dtype == torch.float32 and not _kept(squares, _trace(dd), _trace(ff), response.positions).all():
            exact = _columns(f).double()
            squares, _ = _squares(exact, _columns(g).double(), _inner(exact, exact))
        found.append(squares)
    return torch.cat(found)


def _squares(first: Tensor, second: Tensor, ff: Tensor) -> tuple[Tensor, Tensor]:
    """The squared distances ``[p]`` of ``[1, N, C]`` and ``[p, N, C]``, and ``D^T D``, ``[p, N, N]``.

    With ``S = 2 F + D``: ``|S D^T + D S^T|^2 / 4 = <2 (F^T F + 2 D^T F) + D^T D, D^T D> + 2 <D^T F, (D^T F)^T>``, of
    which terms cancel where the positions of ``F`` and ``G`` are nearly the same in another order.
    """
    change = second - first
    df, dd = _inner(change, first), _inner(change, change)
    return ((2 * ff + 4 * df + dd) * dd + 2 * df * df.transpose(1, 2)).sum((1, 2)).clamp_min(0), dd


def _kept(squares: Tensor, change: Tensor, length: Tensor, positions: int) -> Tensor:
    """Which squared distances have their digits in float32, from ``|D|^2`` and ``|F|^2``."""
    kept = squares * positions >= _KEPT * (4 * length + change) * change
    return kept & squares.isfinite() & (change > _SMALLEST)


def _inner(left: Tensor, right: Tensor) -> Tensor:
    return (left @ right.transpose(1, 2)).double()


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)


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
