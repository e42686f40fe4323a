"""Five networks called AlexNet that are not torchvision's: each goal that was tried on AlexNet changed it.

Their shapes are facts of VISSL's trunks of these names (https://github.com/facebookresearch/vissl). Every one has five
convolutions ``conv1`` to ``conv5``, each with its normalisation and ReLU, and three pools.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class AlexNet(nn.Module):
    """Five convolutions with ReLUs, and pools after the first, the second and the last.

    Args:
        channels: of the five outputs.
        input_channels: of the images.
        first: stride and padding of the first convolution, whose kernel is 11 x 11.
        groups: of the second, fourth and fifth convolution.
        normalised: which convolutions (1 to 5) have batch normalisation before their ReLU.
        response_norm: where local response normalisation stands: ``before`` or ``after`` the first two pools, or None.
    """

    def __init__(
        self,
        channels: tuple[int, int, int, int, int],
        input_channels: int = 3,
        first: tuple[int, int] = (4, 0),
        groups: int = 1,
        normalised: tuple[int, ...] = (),
        response_norm: str | None = None,
    ) -> None:
        super().__init__()
        kernels = ((11, *first, 1), (5, 1, 2, groups), (3, 1, 1, 1), (3, 1, 1, groups), (3, 1, 1, groups))
        inputs = (input_channels, *channels[:4])
        for number, ((kernel, stride, padding, group), before, after) in enumerate(
            zip(kernels, inputs, channels, strict=True), start=1
        ):
            parts: list[nn.Module] = [nn.Conv2d(before, after, kernel, stride, padding, groups=group)]
            if number in normalised:
                parts.append(nn.BatchNorm2d(after))
            self.add_module(f"conv{number}", nn.Sequential(*parts, nn.ReLU(inplace=True)))
        pool, norm = nn.MaxPool2d(3, stride=2), nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)
        orders: dict[str | None, list[nn.Module]] = {None: [pool], "before": [norm, pool], "after": [pool, norm]}
        self.pool1 = nn.Sequential(*orders[response_norm])
        self.pool2 = nn.Sequential(*orders[response_norm])
        self.pool5 = nn.MaxPool2d(3, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        """The last pooled responses."""
        x = self.pool1(self.get_submodule("conv1")(images))
        x = self.pool2(self.get_submodule("conv2")(x))
        for number in (3, 4, 5):
            x = self.get_submodule(f"conv{number}")(x)
        pooled: Tensor = self.pool5(x)
        return pooled


class _OnEdges(AlexNet):
    """An AlexNet that sees the two Sobel derivatives of the mean of the colours."""

    sobel: Tensor

    def __init__(self) -> None:
        super().__init__((96, 256, 384, 384, 256), input_channels=2, first=(4, 2), normalised=(1, 2, 3, 4, 5))
        horizontal = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
        vertical = torch.tensor([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]])
        kernels = torch.stack([horizontal, vertical]).unsqueeze(1)
        self.register_buffer("sobel", kernels, persistent=False)  # fixed: no part of the weights

    def forward(self, images: Tensor) -> Tensor:
        """The last pooled responses."""
        return super().forward(F.conv2d(images.mean(1, keepdim=True), self.sobel, padding=1))


def alexnet_caffe() -> nn.Module:
    """The AlexNet of Caffe's model zoo (BVLC AlexNet; CaffeNet pools before it normalises), without weights."""
    return AlexNet((96, 256, 384, 384, 256), groups=2, response_norm="before")


def alexnet_jigsaw() -> nn.Module:
    """The AlexNet that solved jigsaw puzzles, without weights."""
    return AlexNet((96, 256, 384, 384, 256), first=(2, 0), groups=2, normalised=(3, 4, 5), response_norm="after")


def alexnet_colorization() -> nn.Module:
    """The AlexNet that coloured lightness images ``[B, 1, H, W]``, without weights."""
    return AlexNet((96, 256, 384, 384, 256), input_channels=1, groups=2, normalised=(1, 2, 3, 4, 5))


def alexnet_deepcluster() -> nn.Module:
    """The AlexNet of DeepCluster, which sees edges, without weights."""
    return _OnEdges()


def alexnet_rotation() -> nn.Module:
    """The AlexNet of RotNet, without weights."""
    return AlexNet((64, 192, 384, 256, 256), first=(4, 2), normalised=(1, 2, 3, 4, 5))
