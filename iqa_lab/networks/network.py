"""A network ready to be read: its module, its input convention, and its named layers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from iqa_lab.config import InputConfig
from iqa_lab.errors import UserError
from iqa_lab.readouts import Distance


@dataclass(frozen=True)
class Layer:
    """A named place in a network; the name is the path of the module whose output is read.

    With ``:class`` behind it, it is the class token of a transformer's block, without the patch tokens.
    """

    name: str
    depth: float  # position in [0, 1]: index over number of layers - 1
    spatial: bool = True  # False: one number a channel, as in a class token or a pooled vector


CLASS_TOKEN = ":class"


def module_of(layer: str) -> str:
    """The path of the module whose output a layer is.

    >>> module_of("blocks.3:class")
    'blocks.3'
    """
    return layer.removesuffix(CLASS_TOKEN)


# The network's input itself, as RGB 0..255: the control that every unit carries.
PIXELS = Layer("pixels", 0.0)

# Where a baseline's score stands in tables.
OUTPUT = Layer("output", 1.0)


@dataclass(frozen=True)
class TokenLayout:
    """How token sequences ``[B, prefix + H * W, C]`` are laid out as maps."""

    patch: int
    prefix: int


def lightness(images: Tensor) -> Tensor:
    """L* of CIELAB in 8 bits, ``[B, 1, H, W]`` uint8 (100 is 255), of sRGB images ``[B, 3, H, W]`` in 0..255.

    IEC 61966-2-1 (sRGB) and CIE 15 for the white point D65, in OpenCV's fixed-point arithmetic, since the networks that
    read lightness learned from what that gives: exact rounding would move every seventh pixel by one level.
    """
    device = images.device
    level = torch.arange(256, dtype=torch.float64, device=device) / 255
    linear = torch.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    linear_table = (linear * 255 * 2**3).round().long()
    luminance = torch.arange(256 * 3 // 2 * 2**3, dtype=torch.float64, device=device) / (255 * 2**3)
    cubic = torch.where(luminance < 0.008856, luminance * 7.787 + 16 / 116, luminance ** (1 / 3))
    cubic_table = (cubic * 2**15).round().long()
    red, green, blue = linear_table[images.long()].unbind(1)
    weighed = (871 * red + 2929 * green + 296 * blue + 2**11) >> 12  # .212671, .715160, .072169 in twelve bits
    scaled = 296 * cubic_table[weighed] - 1336934 + 2**14  # 116 and 16, both times 2.55
    return (scaled >> 15).to(torch.uint8).unsqueeze(1)


@dataclass(frozen=True)
class Network:
    """A network with its weights loaded, in evaluation mode."""

    module: nn.Module
    layers: tuple[Layer, ...]
    input: InputConfig
    tokens: TokenLayout | None
    weights: str  # the name of the training: architecture, with .recipe where there are several
    digest: str  # sha256 over the loaded tensors
    channels_at_the_end: bool = False  # maps are [B, H, W, C]
    image_size: int | None = None  # side of the only square images that it takes
    terms: Mapping[str, Distance] | None = None  # of a baseline: the distances whose sum is its score, by layer read

    @property
    def reads(self) -> str:
        """What the network is given, in words: colours, range."""
        described = getattr(self.module, "reads", None)
        return described or f"{self.input.order} 0..{self.input.range:g}"

    def prepare(self, images: Tensor) -> Tensor:
        """The network's input for RGB images ``[B, 3, H, W]`` in 0..255 (any dtype)."""
        if self.input.order == "bgr":
            images = images[:, [2, 1, 0]]
        elif self.input.order == "lightness":
            images = lightness(images)
        mean = torch.tensor(self.input.mean, device=images.device).view(-1, 1, 1)
        std = torch.tensor(self.input.std, device=images.device).view(-1, 1, 1)
        values = images.to(torch.float32, memory_format=torch.channels_last, copy=True)
        if self.input.range != 255:
            values.mul_(self.input.range / 255)
        return values.sub_(mean).div_(std)

    def as_map(self, output: object, layer: str, height: int, width: int) -> Tensor:
        """A layer's output as ``[B, C, H, W]`` for images of height x width pixels.

        Patch tokens become a map; a class token or a vector becomes a map of one position.

        Raises:
            UserError: the output is none of these.
        """
        if isinstance(output, Tensor):
            if output.ndim == 2:
                return output[:, :, None, None]
            if self.tokens is None and output.ndim == 4:
                return output.permute(0, 3, 1, 2) if self.channels_at_the_end else output
            if self.tokens is not None and output.ndim == 3:
                if layer.endswith(CLASS_TOKEN):
                    return output[:, 0, :, None, None]
                rows, columns = math.ceil(height / self.tokens.patch), math.ceil(width / self.tokens.patch)
                patches = output[:, self.tokens.prefix :]
                if patches.shape[1] == rows * columns:
                    return patches.reshape(len(patches), rows, columns, -1).permute(0, 3, 1, 2)
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        expected = "[B, tokens, C]" if self.tokens else "[B, H, W, C]" if self.channels_at_the_end else "[B, C, H, W]"
        raise UserError(
            f"layer {layer} gives {shape}, not {expected} or [B, C]: choose another layer "
            "(architecture.layout says whether outputs are maps or tokens)"
        )
