"""Models of early human vision as distances of two images on a known display: the standard spatial observer, castleCSF.

Both compare contrast images: luminance over the reference's mean luminance. The difference is filtered by a contrast
sensitivity function and pooled over the picture; 1 is the threshold of detection. They are right by construction on
thresholds of single patterns, and know nothing of masking: a difference is as visible on a photograph as on grey.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from iqa_lab.networks.network import PIXELS
from iqa_lab.psychophysics.csf import sensitivity
from iqa_lab.readouts import Distance, Response

Floats = NDArray[np.float64]

POOLING = 2.6  # Minkowski's exponent
APERTURE = 0.6273  # degrees: sensitivity falls with the distance from the point that is looked at, the centre
CSF_AREA = np.pi  # square degrees, for which castleCSF is taken as a filter: a Gaussian window of 1 degree
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of linear red, green and blue of sRGB


class _Observer(nn.Module):
    """What the two have in common."""

    reads = "rgb 0..255, as luminance on an sRGB display"

    def __init__(self, pixels_per_degree: float = 60, peak_luminance: float = 100) -> None:
        super().__init__()
        if min(pixels_per_degree, peak_luminance) <= 0:
            raise ValueError("pixels_per_degree (of visual angle) and peak_luminance (cd/m2 of white) are above 0")
        self.pixels_per_degree, self.peak_luminance = float(pixels_per_degree), float(peak_luminance)

    def shown_on(self, pixels_per_degree: float | None, peak_luminance: float | None) -> None:
        """Take the display that a benchmark of stimuli is made for; of photographs the arguments' stays."""
        self.pixels_per_degree = pixels_per_degree or self.pixels_per_degree
        self.peak_luminance = peak_luminance or self.peak_luminance

    def terms(self) -> dict[str, Distance]:
        """The visible difference of the pixels."""
        return {PIXELS.name: self._distance}

    def forward(self, images: Tensor) -> Tensor:
        """The images."""
        return images

    def _distance(self, response: Response) -> Tensor:
        return response.over_pairs(self._visible)

    def gain(self, height: int, width: int, luminance: float) -> Floats:
        """Sensitivity by frequency, in the order of ``fft2``."""
        raise NotImplementedError

    def window(self, height: int, width: int) -> Floats:
        """Sensitivity by position."""
        return np.ones((height, width))

    def _visible(self, reference: Tensor, distorted: Tensor) -> Tensor:
        """The pooled difference of each image of ``[p, 3, H, W]`` to one of ``[1, 3, H, W]``, ``[p]`` float64."""
        first, other = luminance_of(reference), luminance_of(distorted)
        mean = first.mean().clamp_min(1e-12)
        height, width = first.shape[-2:]
        light = float(mean) * self.peak_luminance
        gain, window = (
            torch.from_numpy(array).to(first.device)
            for array in (self.gain(height, width, light), self.window(height, width))
        )
        filtered = torch.fft.ifft2(torch.fft.fft2((other - first) / mean) * gain).real * window
        pooled = filtered.abs().pow(POOLING).sum((-2, -1)) / self.pixels_per_degree**2
        found: Tensor = pooled.pow(1 / POOLING)
        return found


class StandardObserver(_Observer):
    """The standard spatial observer.

    Watson & Ahumada, A standard model for foveal detection of spatial contrast (Journal of Vision, 2005).

    Difference of sech functions of frequency, oblique effect, Gaussian aperture, Minkowski pooling; parameters of their
    fit to ModelFest.
    """

    def gain(self, height: int, width: int, luminance: float) -> Floats:
        """Sensitivity by frequency, in the order of ``fft2``; the same at all luminances."""
        del luminance
        return standard_gain(height, width, self.pixels_per_degree)

    def window(self, height: int, width: int) -> Floats:
        """The aperture, around the pixel at the middle."""
        y, x = (((np.arange(side) - side // 2) / self.pixels_per_degree) ** 2 for side in (height, width))
        return np.asarray(np.exp(-(y[:, None] + x[None]) / (2 * APERTURE**2)))


class CastleObserver(_Observer):
    """castleCSF of luminance as a filter, at the reference's mean luminance; the same pooling, no aperture."""

    def gain(self, height: int, width: int, luminance: float) -> Floats:
        """Sensitivity by frequency, in the order of ``fft2``; none for a change of the mean."""
        frequency, _ = frequencies(height, width, self.pixels_per_degree)
        found = sensitivity(np.maximum(frequency, 0.05), CSF_AREA, max(luminance, 1e-3))
        return np.where(frequency > 0, found, 0.0)


def luminance_of(images: Tensor) -> Tensor:
    """Linear luminance in 0..1 of sRGB images ``[b, 3, H, W]`` in 0..255, ``[b, H, W]`` float64."""
    level = images.double() / 255
    linear = torch.where(level < 0.04045, level / 12.92, ((level.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4)
    weights = torch.tensor(_LUMINANCE, dtype=torch.float64, device=images.device)
    return torch.einsum("bchw,c->bhw", linear, weights)


def frequencies(height: int, width: int, pixels_per_degree: float) -> tuple[Floats, Floats]:
    """Frequency in cycles per degree, and its direction in radians, in the order of ``fft2``."""
    y, x = (np.fft.fftfreq(side, 1 / pixels_per_degree) for side in (height, width))
    return np.hypot(y[:, None], x[None]), np.arctan2(y[:, None], x[None])


@cache
def standard_gain(height: int, width: int, pixels_per_degree: float) -> Floats:
    """The standard observer's sensitivity by frequency and direction, in the order of ``fft2``."""
    f, direction = frequencies(height, width, pixels_per_degree)
    with np.errstate(over="ignore"):
        straight = 373.08 * (1 / np.cosh((f / 4.3469) ** 0.7929) - 0.8514 / np.cosh(f / 1.4476))
    oblique = 1 - (1 - np.exp(-np.maximum(f - 3.48, 0) / 13.57)) * np.sin(2 * direction) ** 2
    return np.asarray(straight * oblique)
