"""Structural similarity, single-scale and multi-scale, as distances: one minus the index.

Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity (2004): Gaussian window of 11 x 11
with a standard deviation of 1.5, only where it fits into the image, K1 = .01, K2 = .03, pixels 0..255. Wang, Simoncelli
and Bovik, Multi-scale Structural Similarity for Image Quality Assessment (2003).

All in float64: variances are small differences of large squares.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iqa_lab.errors import UserError
from iqa_lab.networks.network import PIXELS
from iqa_lab.readouts import Distance
from iqa_lab.readouts.gradients import passed_through

WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
# Exponents of the five scales, from fine to coarse (the paper's experiment).
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class SSIM(nn.Module):
    """Single-scale structural similarity.

    Args:
        colour: ``grey`` (ITU-R BT.601 luma, rounded to 8 bits as MATLAB does), or ``rgb``: the mean over the three.
        downsample: bring the short side near 256 pixels first, by block averages, as the authors' later code does.
    """

    def __init__(self, colour: str = "grey", downsample: bool = False) -> None:
        super().__init__()
        if colour not in ("grey", "rgb"):
            raise ValueError(f"colour={colour}: choose grey or rgb")
        self.colour = colour
        self.downsample = downsample
        self.reads = f"{colour} 0..255" + (", short side averaged to about 256" if downsample else "")

    def terms(self) -> dict[str, Distance]:
        """One minus the index, on the pixels."""
        return {PIXELS.name: lambda response: response.compared(self._look, _one_minus_ssim)}

    def forward(self, images: Tensor) -> Tensor:
        """The images."""
        return images

    def _look(self, pixels: Tensor) -> "Moments":
        images = pixels.double() if self.colour == "rgb" else grey(pixels)
        if self.downsample:
            images = average_blocks(images, max(1, int(min(images.shape[2:]) / 256 + 0.5)))
        return Moments.of(images)


class MultiScaleSSIM(nn.Module):
    """Structural similarity over five scales, of grey images."""

    reads = "grey 0..255"

    def terms(self) -> dict[str, Distance]:
        """One minus the index, on the pixels."""
        return {PIXELS.name: lambda response: response.compared(_pyramid, _one_minus_ms_ssim)}

    def forward(self, images: Tensor) -> Tensor:
        """The images."""
        return images


class Moments(NamedTuple):
    """Images, their local means and their local variances."""

    images: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, images: Tensor) -> "Moments":
        """The local moments of images ``[B, C, H, W]``.

        Raises:
            UserError: the window does not fit into them.
        """
        height, width = images.shape[2:]
        if min(height, width) < WINDOW:
            raise UserError(f"an image of {width} x {height} pixels is smaller than the window of {WINDOW} x {WINDOW}")
        mean = blur(images)
        return cls(images, mean, blur(images.square()) - mean.square())


def grey(pixels: Tensor) -> Tensor:
    """BT.601 luma of ``[B, 3, H, W]`` RGB 0..255, rounded, ``[B, 1, H, W]`` float64.

    The gradient is that of the luma before it is rounded.
    """
    weights = torch.tensor([0.298936021293775, 0.587043074451121, 0.114020904255103], dtype=torch.float64)
    luma = torch.einsum("bchw,c->bhw", pixels.double(), weights.to(pixels.device))
    return passed_through((luma + 0.5).floor(), luma)[:, None]


def blur(images: Tensor) -> Tensor:
    """Images ``[B, C, H, W]`` under the Gaussian window, where it fits: ``[B, C, H - 10, W - 10]``.

    Lines on both sides of the middle share their weight: several times faster in float64 than a convolution.
    """
    radius = WINDOW // 2
    weights = [math.exp(-((offset / SIGMA) ** 2) / 2) for offset in range(radius + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    for axis in (3, 2):
        length = images.shape[axis] - 2 * radius
        blurred = images.narrow(axis, radius, length) * (weights[0] / total)
        for offset in range(1, radius + 1):
            sides = images.narrow(axis, radius - offset, length) + images.narrow(axis, radius + offset, length)
            blurred.add_(sides, alpha=weights[offset] / total)
        images = blurred
    return images


def average_blocks(images: Tensor, size: int) -> Tensor:
    """Every ``size``-th pixel of images averaged over ``size x size``, as the reference code does it in MATLAB.

    The blocks are those of ``imfilter`` with symmetric borders, sampled from the first pixel on.
    """
    if size == 1:
        return images
    before = (size + 1) // 2 - 1
    for axis in (2, 3):
        index = np.pad(np.arange(images.shape[axis]), (before, size - 1 - before), mode="symmetric")
        images = images.index_select(axis, torch.from_numpy(index).to(images.device))
    return F.avg_pool2d(images, size)


def similarity(f: Moments, g: Moments) -> tuple[Tensor, Tensor]:
    """The index and its contrast-structure part at every position, ``[p, C, H, W]`` each."""
    covariance = blur(f.images * g.images) - f.mean * g.mean
    structure = (2 * covariance + C2) / (f.variance + g.variance + C2)
    luminance = (2 * f.mean * g.mean + C1) / (f.mean.square() + g.mean.square() + C1)
    return luminance * structure, structure


def _one_minus_ssim(f: Moments, g: Moments) -> Tensor:
    return (1 - similarity(f, g)[0].mean((1, 2, 3))).clamp_min(0)


def _pyramid(pixels: Tensor) -> list[Moments]:
    height, width = pixels.shape[2:]
    smallest = (WINDOW - 1) * 2 ** (len(SCALES) - 1) + 1
    if min(height, width) < smallest:
        raise UserError(f"an image of {width} x {height} pixels is too small for ms_ssim: {smallest} on the short side")
    levels = [grey(pixels)]
    for _ in SCALES[1:]:
        levels.append(average_blocks(levels[-1], 2))
    return [Moments.of(level) for level in levels]


def _one_minus_ms_ssim(f: list[Moments], g: list[Moments]) -> Tensor:
    """One minus the product over scales of structure, and at the coarsest the whole index, to their exponents.

    A negative mean, possible for inverted images, counts as no similarity.
    """
    product = torch.ones(len(g[0].images), dtype=torch.float64, device=g[0].images.device)
    for scale, (exponent, ours, theirs) in enumerate(zip(SCALES, f, g, strict=True)):
        index, structure = similarity(ours, theirs)
        part = index if scale == len(SCALES) - 1 else structure
        product = product * part.mean((1, 2, 3)).clamp_min(0) ** exponent
    return (1 - product).clamp_min(0)
