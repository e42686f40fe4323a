"""DISTS: texture and structure of the pixels and of five VGG-16 layers, weighed channel by channel.

Ding et al., Image Quality Assessment: Unifying Structure and Texture Similarity (2020). The weights alpha and beta are
those in the ``DISTS-pytorch`` package, the trunk is torchvision's VGG-16 with L2 pooling.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from iqa_lab.networks.network import PIXELS
from iqa_lab.networks.sources import package_file
from iqa_lab.networks.weights import read_state_dict
from iqa_lab.readouts import Distance, Response
from iqa_lab.readouts.dists import EPSILON, dissimilarity

# the last ReLU of each stage, and the pools between the stages
_LAYERS, _POOLS = (3, 8, 15, 22, 29), (4, 9, 16, 23)
_CHANNELS = (3, 64, 128, 256, 512, 512)


class DISTS(nn.Module):
    """DISTS with its trunk at random, until weights are loaded into it, and its alpha and beta as published."""

    def __init__(self) -> None:
        import torchvision  # every metric needs the readout below, few need the trunk

        super().__init__()
        self.features = torchvision.models.vgg16().features[: _LAYERS[-1] + 1]
        for place, channels in zip(_POOLS, _CHANNELS[1:], strict=False):
            self.features[place] = L2Pool(channels)
        published = read_state_dict(package_file("DISTS_pytorch/weights.pt"), None, "")
        self.register_buffer("alpha", published["alpha"].flatten())
        self.register_buffer("beta", published["beta"].flatten())

    def terms(self) -> dict[str, Distance]:
        """Each layer's part of ``1 - sum_c (alpha_c l_c + beta_c s_c)``; alpha and beta sum to 1 together."""
        alpha, beta = self.get_buffer("alpha").double(), self.get_buffer("beta").double()
        total = alpha.sum() + beta.sum()
        names = [PIXELS.name, *(f"features.{layer}" for layer in _LAYERS)]
        parts = zip(names, (alpha / total).split(_CHANNELS), (beta / total).split(_CHANNELS), strict=True)
        # DISTS sees pixels in 0..1; ours are 0..255
        return {name: weighed_dists(a, b, 255.0 if name == PIXELS.name else 1.0) for name, a, b in parts}

    def forward(self, images: Tensor) -> Tensor:
        """The trunk's last responses."""
        return self.features(images)  # type: ignore[no-any-return]


class L2Pool(nn.Module):
    """Halves a map by the root of the squares under a small Hann window, instead of by their maximum."""

    window: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.from_numpy(np.hanning(5)[1:-1]).float()
        window = torch.outer(line, line)
        self.register_buffer("window", (window / window.sum()).repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """``[B, C, H, W]`` to half the height and width, rounded up."""
        squares = F.conv2d(values.square(), self.window, stride=2, padding=1, groups=values.shape[1])
        return (squares + 1e-12).sqrt()


def weighed_dists(alpha: Tensor, beta: Tensor, white: float) -> Distance:
    """One layer's part of DISTS.

    Args:
        alpha: weights of the luminance terms, ``[C]``.
        beta: weights of the structure terms, ``[C]``.
        white: what stands for 1 in the responses.
    """

    def distance(response: Response) -> Tensor:
        luminance, structure = dissimilarity(response, EPSILON * white**2)
        return luminance @ alpha.to(luminance.device) + structure @ beta.to(structure.device)

    return distance
