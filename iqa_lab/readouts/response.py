"""What one layer gives for a batch of image pairs, and what several readouts of it have in common.

Everything large is computed piece by piece: a few images at a time, as many as fit the processor's cache, so that
differences and squares never travel to the main memory. What comes out is small (a number a channel or a position)
and kept for the other readouts of the same layer.

Responses are float32, and two sums of float32 that nearly agree have a difference without digits. So nothing here is
such a difference: what varies is summed around its mean, what changes is summed as the change of every position, and
what compares directions brings both responses to one length first.

Where a response requires a gradient, everything here has one, and the same numbers.

All of this is the slower of two ways, and the one that the other is tested against: where no gradient is asked for,
compiled loops read the responses once and give the same statistics, see ``moments.py``.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar, cast

import torch
from torch import Tensor

from iqa_lab.readouts.gradients import quotient, root
from iqa_lab.readouts.moments import CONSTANT, Moments, differences, moments
from iqa_lab.readouts.order import InOrder, compare_in_order, sort_positions
from iqa_lab.readouts.pieces import (
    centre,
    exact_mean,
    images_at_once,
    mean_square,
    sum_over_channels,
    sum_over_positions,
    widened,
)

T = TypeVar("T")

# Of histograms, which are compared with the values in order where several readouts ask: the default of jsd.
BINS = 32


class Maps:
    """The responses of one layer to some images of one size, and the statistics of each image.

    Args:
        given: responses ``[b, C, H, W]`` of any type and memory order; their images follow each other, ``B`` in all.
        known: one of these, if something is known of it from earlier batches.
    """

    def __init__(self, given: Sequence[Tensor], known: "Maps | None" = None) -> None:
        self.given = given
        self._known = known
        _, self.channels, height, width = given[0].shape
        self.positions = height * width

    @cached_property
    def parts(self) -> Sequence[Tensor]:
        """The responses as they were given; bytes as float32, since those wrap around where they are subtracted."""
        return [widened(part) if part.dtype == torch.uint8 else part for part in self.given]

    def pieces(self) -> Iterator[Tensor]:
        """The responses again, ``[b, C, H, W]`` float32, a few images at a time."""
        for part in self.parts:
            for piece in part.split(images_at_once(part)):
                yield widened(piece)

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        parts = [(mean, mean_square(around)) for around, mean in map(centre, self.pieces())]
        mean, variance = (torch.cat(several) for several in zip(*parts, strict=True))
        return mean, variance.masked_fill(variance <= CONSTANT**2 * (variance + mean.square()), 0)

    @property
    def channel_mean(self) -> Tensor:
        """Mean over positions of each channel, ``[B, C]``, float64."""
        return self._moments[0]

    @property
    def channel_variance(self) -> Tensor:
        """Variance over positions of each channel, ``[B, C]``, float64; exactly 0 where the channel is constant."""
        return self._moments[1]

    @cached_property
    def ordered(self) -> Tensor:
        """The values of each channel in ascending order, ``[B, C, N]``."""
        known = self._known
        ordered = [
            known.ordered if known is not None and given is known.given[0] else sort_positions(part)
            for given, part in zip(self.given, self.parts, strict=True)
        ]
        return torch.cat(ordered) if len(ordered) > 1 else ordered[0]  # cat copies even one

    def last(self) -> "Maps":
        """The last image alone, copied, with what is known of it: whoever wrote these responses may change them."""
        result = Maps([self.given[-1][-1:].clone()])
        if "ordered" in vars(self):
            result.ordered = self.ordered[-1:].clone()
        return result


class Response:
    """The responses of one layer to pairs of a reference and a distorted image.

    It lives only while the layer's output is in memory: readouts take from it what they need and keep nothing of it.
    Statistics come as tensors that begin with ``P``, the number of pairs.

    Args:
        reference: for each run of pairs one response ``[1, C, H, W]``, if they have the same reference; or one for
            each pair, ``[p, C, H, W]``.
        distorted: the responses ``[p, C, H, W]`` of each run.
        pixels: height x width of the images as the network was given them, before it pads them; at least 1.
        several: whether several readouts will ask, so that it is best to read everything at once.
        known: one of the references, if something is known of it from earlier batches.
    """

    def __init__(
        self,
        reference: Sequence[Tensor],
        distorted: Sequence[Tensor],
        pixels: int,
        *,
        several: bool = False,
        known: Maps | None = None,
    ) -> None:
        self.reference = Maps(reference, known)
        self.distorted = Maps(distorted)
        self.pixels = pixels
        self._several = several
        self._in_order: dict[int, InOrder | None] = {}  # by the bins of histograms

    @cached_property
    def moments(self) -> Moments | None:
        """What compiled loops give; None: the definitions in torch serve."""
        return moments(self.reference.parts, self.distorted.parts)

    @cached_property
    def _differences(self) -> tuple[Tensor, Tensor] | None:
        """The sums of ``(g - f)^2`` and of ``|g - f|``, ``[P]`` each; None as for ``moments``."""
        if not self._several:
            return differences(self.reference.given, self.distorted.given)
        if self.moments is None:
            return None
        return self.moments.all_squared * self.positions, self.moments.all_absolute * self.positions

    def in_order(self, bins: int | None = None) -> InOrder | None:
        """How far channels are apart wherever their values are; None: the definitions in torch serve.

        Args:
            bins: of the histograms; None: they are not asked for.
        """
        known = self._in_order
        if bins is None and known:
            return next(iter(known.values()))
        chosen = (BINS if self._several else 0) if bins is None else bins
        if chosen not in known:
            parts = zip(self.reference.parts, self.distorted.parts, strict=True)
            of_each = [pairs for part, of_part in parts for pairs in of_part.split(len(of_part) // len(part))]
            known[chosen] = compare_in_order(list(zip(self.reference.ordered, of_each, strict=True)), chosen)
        return known[chosen]

    @property
    def channels(self) -> int:
        """Number of channels, ``C``."""
        return self.reference.channels

    @property
    def positions(self) -> int:
        """Number of positions, ``N = H W``."""
        return self.reference.positions

    def pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Pairs a few at a time, in their order: their reference ``[1, C, H, W]`` or references, ``[p, C, H, W]``."""
        for reference, distorted in zip(self.reference.parts, self.distorted.parts, strict=True):
            step = images_at_once(distorted)
            if len(reference) == 1:
                first = widened(reference)
                yield from ((first, widened(piece)) for piece in distorted.split(step))
            else:
                both = zip(reference.split(step), distorted.split(step), strict=True)
                yield from ((widened(f), widened(g)) for f, g in both)

    def places(self) -> Iterator[tuple[int, slice]]:
        """The place of each reference image, and those of its distorted images."""
        references = distorted = 0
        for part, of_part in zip(self.reference.parts, self.distorted.parts, strict=True):
            number = len(of_part) // len(part)
            for place in range(references, references + len(part)):
                yield place, slice(distorted, distorted + number)
                distorted += number
            references += len(part)

    def over_pairs(self, function: Callable[..., Tensor], *of_pairs: Tensor) -> Tensor:
        """What a function of the pieces, ``(f, g, ...) -> [p, ...]``, gives for all pairs, ``[P, ...]``.

        Args:
            function: of a piece's reference and distorted responses, and of what belongs to these pairs.
            of_pairs: begin with ``P``; the function gets their rows for the piece.
        """
        start, results = 0, []
        for f, g in self.pieces():
            results.append(function(f, g, *(values[start : start + len(g)] for values in of_pairs)))
            start += len(g)
        return torch.cat(results)

    def compared(self, look: Callable[[Tensor], T], compare: Callable[[T, T], Tensor]) -> Tensor:
        """``compare(look(f), look(g))`` of all pairs, ``[P, ...]``; at each reference ``look`` looks once."""
        reference, seen, results = None, None, []
        for f, g in self.pieces():
            if f is not reference:
                reference, seen = f, look(f)
            results.append(compare(cast(T, seen), look(g)))
        return torch.cat(results)

    def of_both(self, statistic: Callable[[Maps], Tensor]) -> tuple[Tensor, Tensor]:
        """A statistic of each pair's reference and distorted image, ``[P, ...]`` each."""
        of_reference, of_distorted = statistic(self.reference), statistic(self.distorted)
        numbers = [pairs.stop - pairs.start for _, pairs in self.places()]
        # row by row: the numbers as a tensor would make a processor wait for its GPU
        rows = zip(of_reference.split(1), numbers, strict=True)
        return torch.cat([row.expand(number, *row.shape[1:]) for row, number in rows]), of_distorted

    @cached_property
    def channel_squared_difference(self) -> Tensor:
        """Mean over positions of ``(f - g)^2`` in each channel, ``[P, C]``."""
        if self.moments is not None:
            return self.moments.squared
        return self.over_pairs(lambda f, g: sum_over_positions((g - f).square_())) / self.positions

    @cached_property
    def channel_mean_difference(self) -> Tensor:
        """Mean over positions of ``g - f`` in each channel, ``[P, C]``."""
        if self.moments is not None:
            return self.moments.mean_change
        return self.over_pairs(lambda f, g: exact_mean(g.double() - f))

    @property
    def squared_difference(self) -> Tensor:
        """Sum over channels and positions of ``(f - g)^2``, ``[P]``."""
        if self._differences is not None:
            return self._differences[0]
        return self.channel_squared_difference.sum(1) * self.positions

    @cached_property
    def absolute_difference(self) -> Tensor:
        """Sum over channels and positions of ``|f - g|``, ``[P]``."""
        if self._differences is not None:
            return self._differences[1]
        return self.over_pairs(lambda f, g: sum_over_positions((g - f).abs_())).sum(1)

    @cached_property
    def channel_means(self) -> tuple[Tensor, Tensor]:
        """Mean over positions of each channel of ``f`` and of ``g``, ``[P, C]`` each."""
        return self.moments.means if self.moments else self.of_both(lambda maps: maps.channel_mean)

    @cached_property
    def channel_variances(self) -> tuple[Tensor, Tensor]:
        """Variance over positions of each channel of ``f`` and of ``g``, ``[P, C]`` each; exactly 0 if constant."""
        return self.moments.variances if self.moments else self.of_both(lambda maps: maps.channel_variance)

    @cached_property
    def channel_deviations(self) -> tuple[Tensor, Tensor]:
        """Standard deviation over positions of each channel of ``f`` and of ``g``, ``[P, C]`` each."""
        f, g = self.channel_variances
        return root(f), root(g)

    @cached_property
    def _change(self) -> tuple[Tensor, Tensor]:
        """The variance of ``g - f``, and its covariance with ``f``."""
        if self.moments is not None:
            return self.moments.change_variance, self.moments.covariance
        mean = self.channel_mean_difference
        # one number for all positions, whose choice changes only the digits that are kept: a constant for gradients
        step = mean.detach().to(widened(self.reference.parts[0]).dtype)
        reference, f_around = None, torch.empty(0)
        start, parts = 0, []
        for f, g in self.pieces():
            if f is not reference:
                reference, f_around = f, centre(f)[0]
            change = (g - f).sub_(step[start : start + len(g), :, None, None])
            covariance = sum_over_positions(change * f_around) / self.positions
            parts.append((mean_square(change), covariance))
            start += len(g)
        square, covariance = (torch.cat(several) for several in zip(*parts, strict=True))
        return (square - (mean - step).square()).clamp_min(0), covariance

    @cached_property
    def channel_difference_variance(self) -> Tensor:
        """Variance over positions of ``g - f`` in each channel, ``[P, C]``.

        In the bounds that the deviations of ``f`` and ``g`` set, whatever is rounded: 0 where both are constant.
        """
        f, g = self.channel_deviations
        return torch.minimum(self._change[0], (f + g).square())

    @cached_property
    def channel_deviation_difference(self) -> Tensor:
        """Standard deviation over positions of ``g`` less that of ``f`` in each channel, ``[P, C]``.

        From ``var g - var f = var(g - f) + 2 cov(g - f, f)``: deviations of images that differ in one pixel agree in
        all digits of float32 but one or two.
        """
        f, g = self.channel_deviations
        variance, covariance = self._change
        return quotient(variance + 2 * covariance, f + g)

    @cached_property
    def position_squared_difference(self) -> Tensor:
        """Sum over channels of ``(f - g)^2`` at each position, ``[P, N]``, float32."""
        return self.over_pairs(lambda f, g: sum_over_channels((g - f).square_()))
