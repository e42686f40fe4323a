"""A small network whose layers have every layout, and which overwrites its responses in place."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """A convolution and an in-place ReLU; the convolution's own output is overwritten."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, 2, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.relu(self.conv(x))
        return found


class Last(nn.Module):
    """Channels behind positions."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.mix(x.permute(0, 2, 3, 1))
        return found


class Tokens(nn.Module):
    """A class token, then tokens row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(6, 7)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        found: Tensor = self.mix(torch.cat([tokens.mean(1, keepdim=True), tokens], 1))
        return found


class Kinds(nn.Module):
    """Maps, maps with channels last, and tokens with a class token, one after the other."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.first, self.second = Block(channels, 5), Block(5, 6)
        self.last, self.tokens = Last(), Tokens()
        self.end = nn.Linear(7, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x))
        y = self.last(x)
        y += 1  # of a response that was read
        tokens = self.tokens(y.permute(0, 3, 1, 2))
        tokens.mul_(2).clamp_(min=-0.1)
        found: Tensor = self.end(tokens.mean(1))
        return found


LAYERS = ("first.conv", "first", "second", "last", "tokens")
OVERRIDES = (
    "architecture=custom",
    "architecture.constructor=tests.metric.own.Kinds",
    f"architecture.layers=[{','.join(LAYERS)}]",
)
