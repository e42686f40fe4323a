"""A network ready to be read: its module, its input convention, and its named layers."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from iqa_lab.config import InputConfig
from iqa_lab.errors import UserError


@dataclass(frozen=True)
class Layer:
    """A named place in a network; the name is the path of the module whose output is read."""

    name: str
    depth: float  # position in [0, 1]: index over number of layers - 1


# The network's input itself, as RGB 0..255: the control that every unit carries.
PIXELS = Layer("pixels", 0.0)


@dataclass(frozen=True)
class TokenLayout:
    """How token sequences ``[B, prefix + H * W, C]`` are laid out as maps."""

    patch: int
    prefix: int


@dataclass(frozen=True)
class Network:
    """A network with its weights loaded, in evaluation mode."""

    module: nn.Module
    layers: tuple[Layer, ...]
    input: InputConfig
    tokens: TokenLayout | None
    weights: str  # the name of the training: architecture, with .recipe where there are several
    digest: str  # sha256 over the loaded tensors

    def prepare(self, images: Tensor) -> Tensor:
        """The network's input for RGB images ``[B, 3, H, W]`` in 0..255 (any dtype)."""
        colours = [2, 1, 0] if self.input.order == "bgr" else [0, 1, 2]
        mean = torch.tensor(self.input.mean, device=images.device).view(3, 1, 1)
        std = torch.tensor(self.input.std, device=images.device).view(3, 1, 1)
        return (images[:, colours].float() * (self.input.range / 255) - mean) / std

    def as_map(self, output: object, layer: str, height: int, width: int) -> Tensor:
        """A layer's output as ``[B, C, H, W]`` for images of height x width pixels; patch tokens become a map.

        Raises:
            UserError: the layer has no spatial extent.
        """
        if isinstance(output, Tensor) and self.tokens is None and output.ndim == 4:
            return output
        if isinstance(output, Tensor) and self.tokens is not None and output.ndim == 3:
            rows, columns = math.ceil(height / self.tokens.patch), math.ceil(width / self.tokens.patch)
            patches = output[:, self.tokens.prefix :]
            if patches.shape[1] == rows * columns:
                return patches.reshape(len(patches), rows, columns, -1).permute(0, 3, 1, 2)
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        expected = "[B, C, H, W]" if self.tokens is None else "[B, tokens, C]"
        raise UserError(
            f"layer {layer} gives {shape}, not {expected}: choose a layer with spatial extent "
            "(architecture.layout says whether outputs are maps or tokens)"
        )
