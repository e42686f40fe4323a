"""Roots and quotients of statistics, whose gradient is 0 where they are 0: no readout gives NaN for identical images.

Numbers are those of ``sqrt`` and ``/``; only what autograd makes of a zero differs. NaN stays NaN.
"""

from typing import overload

from torch import Tensor


def root(values: Tensor) -> Tensor:
    """Square roots; the gradient of the root of 0 is 0, where the slope is infinite.

    >>> import torch
    >>> x = torch.tensor([0.0, 4.0], requires_grad=True)
    >>> root(x).sum().backward()
    >>> x.grad.tolist()
    [0.0, 0.25]
    """
    if not values.requires_grad:
        return values.sqrt()
    zero = values == 0
    return values.masked_fill(zero, 1).sqrt().masked_fill(zero, 0)


@overload
def quotient(dividend: Tensor, divisor: Tensor) -> Tensor: ...
@overload
def quotient(dividend: float, divisor: Tensor) -> Tensor: ...
def quotient(dividend: "Tensor | float", divisor: Tensor) -> Tensor:
    """``dividend / divisor``; 0 where the divisor is 0, and so is the gradient there.

    >>> import torch
    >>> quotient(1, torch.tensor([0.0, 4.0])).tolist()
    [0.0, 0.25]
    """
    zero = divisor == 0
    return (dividend / divisor.masked_fill(zero, 1)).masked_fill(zero, 0)


def passed_through(rounded: Tensor, smooth: Tensor) -> Tensor:
    """The numbers of ``rounded`` with the gradient of ``smooth``, which they are rounded from.

    Rounding has the gradient 0 everywhere, which would stop whoever descends.

    >>> import torch
    >>> x = torch.tensor([0.7], requires_grad=True)
    >>> y = passed_through(x.round(), 2 * x)
    >>> y.backward()
    >>> y.tolist(), x.grad.tolist()
    ([1.0], [2.0])
    """
    return rounded.detach() + (smooth - smooth.detach()) if smooth.requires_grad else rounded
