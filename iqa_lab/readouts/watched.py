"""A readout of one's own -> the same, watched: what it gives for a pair is that pair's alone, each time the same.

A distance that is divided by the largest of all, say, would depend on how pairs were put into batches; and responses
that are changed in place would be wrong for whoever reads them next. Both would look like any other score.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from iqa_lab.errors import FOREIGN, UserError
from iqa_lab.readouts.response import Response

# How far apart the distances of one pair may be, alone and among others, as a part of their size: sums of float32 may
# be added up in another order.
TOLERANCE = 1e-4


@dataclass
class Watched:
    """A function of a response; the first batch of several pairs is looked at closely.

    Args:
        function: gives the distances ``[P]`` of a response's pairs.
        name: of the function, for errors.
    """

    function: Callable[[Response], Tensor]
    name: str
    seen: bool = field(default=False, init=False)

    def __call__(self, response: Response) -> Tensor:
        """The distances of a response's pairs.

        Raises:
            UserError: the function fails, changes the responses, or its distances depend on chance or on other pairs.
        """
        references, distorted = response.reference.parts, response.distorted.parts
        if self.seen:
            return self._given(response)
        before = [part.clone() for part in (*references, *distorted)]
        first = self._given(response)
        if not all(map(_same, before, (*references, *distorted))):
            raise self._refused("changes the responses in place, which others read, too: let it copy them first")
        if not isinstance(first, Tensor) or first.shape != (sum(map(len, distorted)),) or first.is_complex():
            return first  # it is refused for that
        if not _same(first, self._given(response)):
            raise self._refused("gives other distances for the same pairs again: its scores would be chance")
        for place in (0, -1):
            one, other = (parts[place][place:][:1] for parts in (references, distorted))
            alone = self._given(Response([one], [other], response.pixels))
            if not torch.allclose(first[[place]].double(), alone.double(), rtol=TOLERANCE, atol=0, equal_nan=True):
                raise self._refused(
                    "gives another distance for a pair alone than among others: its scores would depend on the batches"
                )
        self.seen = len(first) > 1
        return first

    def _given(self, response: Response) -> Tensor:
        # statistics of its own, so that what it does to them stays there
        own = Response(response.reference.parts, response.distorted.parts, response.pixels)
        try:
            return self.function(own)
        except (UserError, MemoryError, torch.OutOfMemoryError):
            raise
        except FOREIGN as error:
            raise self._refused(" ".join(f"fails: {type(error).__name__}: {error}".split())) from error

    def _refused(self, what: str) -> UserError:
        return UserError(f"the readout's function={self.name} {what}")


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
