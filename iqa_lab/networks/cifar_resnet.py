"""The residual networks for CIFAR-10 of He et al., Deep Residual Learning for Image Recognition (2016), section 4.2."""

import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut without parameters (option A of the paper)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.stride = stride
        self.added_channels = channels_out - channels_in

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, after its last ReLU."""
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.stride > 1:
            before = self.added_channels // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.added_channels - before))
        output: Tensor = (x + y).relu()
        return output


class CifarResNet(nn.Module):
    """Three stages of 16, 32 and 64 channels with ``blocks`` blocks each: depth 6 * blocks + 2."""

    def __init__(self, blocks: int, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = self._stage(16, 16, blocks, stride=1)
        self.layer2 = self._stage(16, 32, blocks, stride=2)
        self.layer3 = self._stage(32, 64, blocks, stride=2)
        self.linear = nn.Linear(64, num_classes)

    @staticmethod
    def _stage(channels_in: int, channels_out: int, blocks: int, stride: int) -> nn.Sequential:
        first = Block(channels_in, channels_out, stride)
        return nn.Sequential(first, *(Block(channels_out, channels_out, 1) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores ``[B, num_classes]`` of images ``[B, 3, H, W]``."""
        x = self.relu(self.bn1(self.conv1(x)))
        pooled = self.layer3(self.layer2(self.layer1(x))).mean((2, 3))
        scores: Tensor = self.linear(pooled)
        return scores
