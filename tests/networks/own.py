"""Small networks of many layouts, for tests."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class Step(nn.Module):
    """A block of one function, with a part of its own, so that ``layers: auto`` looks at it."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.part = nn.Identity()
        self.function = function

    def forward(self, x: Tensor) -> object:
        return self.function(self.part(x))  # type: ignore[operator]


def grid_tokens(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, H * W, C], row by row."""
    return x.flatten(2).transpose(1, 2)


class Layouts(nn.Module):
    """One convolution of stride ``patch``, then its map in many layouts, each a layer under its own name."""

    def __init__(self, channels: int = 6, patch: int = 8, side: int | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, patch, patch)
        self.side = side
        self.relu = nn.ReLU()
        first = torch.ones(1, 1, channels)
        self.blocks = nn.ModuleDict(
            {
                name: Step(function)
                for name, function in {
                    "map": lambda x: x,
                    "map_last": lambda x: x.permute(0, 2, 3, 1),
                    "tokens": grid_tokens,
                    "class_first": lambda x: torch.cat([first.expand(len(x), -1, -1), grid_tokens(x)], 1),
                    "class_last": lambda x: torch.cat([grid_tokens(x), first.expand(len(x), -1, -1)], 1),
                    "by_columns": lambda x: grid_tokens(x.transpose(2, 3)),
                    "tokens_first": lambda x: grid_tokens(x).transpose(0, 1),
                    "channels_first": lambda x: x.flatten(2),
                    "turned": lambda x: x.transpose(2, 3),
                    "windows": lambda x: x.unflatten(3, (-1, 2)).permute(0, 3, 1, 2, 4).flatten(0, 1),
                    "attention": lambda x: grid_tokens(x)[:, None] @ x.flatten(2)[:, None],
                    "flat": lambda x: x.flatten(1),
                    "pooled": lambda x: x.mean((2, 3)),
                    "pair": lambda x: (x, x.permute(0, 2, 3, 1)),
                    "dictionary": lambda x: OrderedDict(out=x, aux=grid_tokens(x)),
                    "nothing": lambda x: {"size": x.shape},
                    "volume": lambda x: x[:, :, None],
                }.items()
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.side is not None and x.shape[-2:] != (self.side, self.side):
            raise AssertionError(f"only {self.side} x {self.side}")
        x = self.conv(x)
        for block in self.blocks.values():
            block(x)
        once = self.relu(x)
        twice: Tensor = self.relu(x - 1)
        return once + twice


def sequential() -> nn.Module:
    """Parts whose names are numbers."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU())


def lazy() -> nn.Module:
    """Parts that have no size before the first image."""
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU())


def leaves() -> nn.Module:
    """A constructor that ends the process."""
    raise SystemExit(0)


def fails() -> nn.Module:
    """A constructor with an error in it."""
    raise KeyError("no\nsuch thing")


class Leaves(nn.Module):
    """A forward that ends the process."""

    def forward(self, _images: Tensor) -> Tensor:
        raise SystemExit(0)
