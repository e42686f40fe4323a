"""Channels weighed by how much their sensitivity to gratings resembles a person's, without any opinion of quality.

The idea that channels which are sensitive to the spatial frequencies that people are sensitive to predict quality
better is that of Tariq, Tursun, Kim and Didyk, Why Are Deep Representations Good Perceptual Quality Features? (ECCV
2020). The weights here are our own form of it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.readouts.channels import Context, Weighed
from iqa_lab.readouts.response import Response

# Side of the gratings in pixels: three periods of the lowest frequency, and more than every network's stride.
SIZE = 192
CONTRAST = 0.5  # Michelson
ORIENTATIONS = 4

# A channel whose sensitivity varies by less, relative to its largest, prefers no frequency: the gratings themselves,
# cut off at the border of the image, differ by 4e-4.
FLAT = 1e-3


def rows(readout: str, **_settings: object) -> tuple[str, ...]:
    """The readout's own name."""
    return (readout,)


def weigh(
    context: Context,
    readout: str,
    pixels_per_degree: float = 32,
    cycles_per_degree: Sequence[float] = (0.5, 1, 2, 4, 8, 12),
) -> list[Weighed]:
    """``sqrt(sum_c w_c m_c)``, ``m_c`` a channel's mean squared difference, ``w_c`` in 0..1.

    ``w_c = (1 + r_c) / 2``, with ``r_c`` Pearson's correlation over frequencies between the channel's sensitivity (the
    root mean square of what a grating adds to its response to grey, over positions and orientations) and the human
    contrast sensitivity. A channel that no grating drives has weight 0.

    Args:
        context: the differences, and the network's responses to images.
        readout: name of the row.
        pixels_per_degree: of visual angle; what a frequency in pixels means for the eye.
        cycles_per_degree: the frequencies of the gratings, below half the pixels per degree.
    """
    layers = list(context.here.of_layer)
    images = gratings(pixels_per_degree, cycles_per_degree, context.image_size or SIZE, context.whole_levels)
    squared: dict[str, Tensor] = {}

    def read(layer: str, output: Tensor | None) -> None:
        assert output is not None
        responses = output.float()
        both = Response([responses[:1]], [responses[1:]], images[0, 0].numel())
        squared[layer] = both.channel_squared_difference.cpu()

    context.respond(images, layers, read)
    human = contrast_sensitivity(np.asarray(cycles_per_degree))
    result = []
    for layer, values in context.here.of_layer.items():
        energy = squared[layer].numpy().reshape(len(human), ORIENTATIONS, -1).mean(1)
        weights = resemblance(np.sqrt(energy), human)
        result.append(Weighed(readout, layer, np.sqrt(values.astype(float) @ weights), weights))
    return result


def gratings(
    pixels_per_degree: float, cycles_per_degree: Sequence[float], size: int = SIZE, whole_levels: bool = False
) -> Tensor:
    """Uniform grey, then a grating of each frequency in each orientation: ``[1 + F * O, 3, size, size]`` in 0..255.

    Args:
        pixels_per_degree: of visual angle.
        cycles_per_degree: the frequencies.
        size: side in pixels.
        whole_levels: rounded to 8 bits, for networks that read nothing else; else float32, as they are.
    """
    y, x = np.mgrid[:size, :size] / pixels_per_degree
    images = [np.full((size, size), 127.5)]
    for frequency in cycles_per_degree:
        for angle in np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS:
            phase = 2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle))
            images.append(127.5 * (1 + CONTRAST * np.sin(phase)))
    exact = np.stack(images)
    grey = torch.from_numpy(exact.round().astype(np.uint8) if whole_levels else exact.astype(np.float32))
    return grey[..., None].expand(-1, -1, -1, 3).permute(0, 3, 1, 2)


def contrast_sensitivity(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Human contrast sensitivity at frequencies in cycles per degree, about 1 at its maximum near 8.

    Mannos and Sakrison, The Effects of a Visual Fidelity Criterion on the Encoding of Images (1974).
    """
    return np.asarray(2.6 * (0.0192 + 0.114 * frequency) * np.exp(-((0.114 * frequency) ** 1.1)))


def resemblance(sensitivity: NDArray[np.float64], human: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(1 + r) / 2`` for each channel of ``[F, C]``; 0 for one that is driven by no grating, 1/2 for a flat one."""
    ours = sensitivity - sensitivity.mean(0)
    theirs = human - human.mean()
    size = np.sqrt((ours**2).sum(0) * (theirs**2).sum())
    flat = size <= FLAT * sensitivity.max(0) * np.sqrt((theirs**2).sum())
    r = np.divide(theirs @ ours, size, out=np.zeros_like(size), where=~flat)
    return np.where(sensitivity.max(0) > 0, (1 + r) / 2, 0)
