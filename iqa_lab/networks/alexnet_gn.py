"""The AlexNet with group normalisation of Konkle & Alvarez's open_ipcl, without its fully connected layers.

Its convolutions and names are facts of https://github.com/harvard-visionlab/open_ipcl; weights load name for name.
"""

from torch import Tensor, nn

# channels before and after each convolution, its kernel, stride and padding, and whether a pool follows
_CONVOLUTIONS = (
    (3, 96, 11, 4, 2, True),
    (96, 256, 5, 1, 2, True),
    (256, 384, 3, 1, 1, False),
    (384, 384, 3, 1, 1, False),
    (384, 256, 3, 1, 1, True),
)
_GROUPS = 32


class AlexNetGN(nn.Module):
    """Images ``[B, 3, H, W]`` -> the pooled responses of the fifth convolution."""

    def __init__(self) -> None:
        super().__init__()
        for number, (before, after, kernel, stride, padding, pooled) in enumerate(_CONVOLUTIONS, start=1):
            parts: list[nn.Module] = [
                nn.Conv2d(before, after, kernel, stride, padding, bias=False),
                nn.GroupNorm(_GROUPS, after),
                nn.ReLU(inplace=True),
            ]
            self.add_module(f"conv_block_{number}", nn.Sequential(*parts, *([nn.MaxPool2d(3, 2)] if pooled else [])))

    def forward(self, images: Tensor) -> Tensor:
        """The last pooled responses."""
        x = images
        for block in self.children():
            x = block(x)
        return x


def alexnet_gn() -> nn.Module:
    """The AlexNet with group normalisation, without weights."""
    return AlexNetGN()
