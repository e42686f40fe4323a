"""A network ready to be read: its module, its input convention, and its named layers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from iqa_lab.config import InputConfig
from iqa_lab.errors import UserError
from iqa_lab.networks.forms import AXES, MAP, TOKENS, Form
from iqa_lab.networks.trace import parts_of
from iqa_lab.readouts import Distance
from iqa_lab.readouts.gradients import passed_through


@dataclass(frozen=True)
class Layer:
    """A named place in a network; the name is the path of the module whose output is read.

    Behind it may stand ``:call2`` (the second time that the module runs in a forward), ``:0`` or ``:key`` (a part of a
    tuple or dictionary), and ``:class`` (the class token of a transformer's block, without the patch tokens).
    """

    name: str
    depth: float  # position in [0, 1]: index over number of layers - 1
    spatial: bool = True  # False: one number a channel, as in a class token or a pooled vector
    form: Form | None = None  # how the output becomes a map; None: it is one (pixels, baselines)
    stride: int | None = field(default=None, compare=False)  # pixels from one position to the next; a fact
    fine: bool = field(default=False, compare=False)  # read with layers=fine, or by its name


CLASS_TOKEN = ":class"


def module_of(layer: str) -> str:
    """The path of the module whose output a layer is.

    >>> module_of("blocks.3:class"), module_of("relu:call2")
    ('blocks.3', 'relu')
    """
    return layer.partition(":")[0]


def call_of(layer: str) -> int:
    """Which of its module's calls in one forward a layer is, from 1.

    >>> call_of("relu:call2"), call_of("blocks.3:0")
    (2, 1)
    """
    return int(found.group(1)) if (found := re.match(r"[^:]*:call(\d+)", layer)) else 1


def part_of(output: object, layer: str) -> object:
    """What a layer is of its module's output: the whole, or the part that it names."""
    key = re.sub(r"^[^:]*(:call\d+)?:?", "", layer.removesuffix(CLASS_TOKEN))
    if not key:
        return output
    return next((part for suffix, part in parts_of(output) if suffix == f":{key}"), None)


# Baselines name what they read themselves; all of it is maps.
_OF_BASELINES = Form(MAP)

# The network's input itself, as RGB 0..255: the control that every unit carries.
PIXELS = Layer("pixels", 0.0)

# Where a baseline's score stands in tables.
OUTPUT = Layer("output", 1.0)


def lightness(images: Tensor) -> Tensor:
    """L* of CIELAB in 8 bits, ``[B, 1, H, W]`` (100 is 255), of sRGB images ``[B, 3, H, W]`` in 0..255.

    IEC 61966-2-1 (sRGB) and CIE 15 for the white point D65, in OpenCV's fixed-point arithmetic, since the networks that
    read lightness learned from what that gives: exact rounding would move every seventh pixel by one level.
    Images that are no whole numbers are rounded first; a gradient is that of the formula before anything is rounded.
    """
    device = images.device
    level = torch.arange(256, dtype=torch.float64, device=device) / 255
    linear = torch.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    linear_table = (linear * 255 * 2**3).round().long()
    luminance = torch.arange(256 * 3 // 2 * 2**3, dtype=torch.float64, device=device) / (255 * 2**3)
    cubic = torch.where(luminance < 0.008856, luminance * 7.787 + 16 / 116, luminance ** (1 / 3))
    cubic_table = (cubic * 2**15).round().long()
    levels = images.detach().round().long() if images.is_floating_point() else images.long()
    red, green, blue = linear_table[levels].unbind(1)
    weighed = (871 * red + 2929 * green + 296 * blue + 2**11) >> 12  # .212671, .715160, .072169 in twelve bits
    scaled = 296 * cubic_table[weighed] - 1336934 + 2**14  # 116 and 16, both times 2.55
    found = (scaled >> 15).to(torch.uint8).unsqueeze(1)
    return passed_through(found, _exact_lightness(images)) if images.requires_grad else found


def _exact_lightness(images: Tensor) -> Tensor:
    """As ``lightness``, nothing being rounded."""
    level = images / 255
    linear = torch.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    weights = torch.tensor([0.212671, 0.715160, 0.072169], dtype=images.dtype, device=images.device)
    luminance = torch.einsum("bchw,c->bhw", linear, weights)
    dark = luminance < 0.008856
    root = torch.where(dark, luminance * 7.787 + 16 / 116, luminance.masked_fill(dark, 1) ** (1 / 3))
    return ((116 * root - 16) * 2.55).unsqueeze(1)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """The values on the device; the processor goes on while a GPU fetches them.

    >>> sent(torch.tensor([1, 2]), torch.device("cpu"))
    tensor([1, 2])
    """
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


@runtime_checkable
class OnDisplay(Protocol):
    """A module that sees images as they are on a display, and has to know which."""

    def shown_on(self, pixels_per_degree: float | None, peak_luminance: float | None) -> None:
        """Take the display that a benchmark's stimuli are made for; None where it says nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network with its weights loaded, in evaluation mode."""

    module: nn.Module
    layers: tuple[Layer, ...]
    input: InputConfig
    image_size: int | None  # side of the only square images that it takes
    weights: str  # the name of the training: architecture, with .recipe where there are several
    digest: str  # sha256 over the loaded tensors
    random: tuple[str, ...] = ()  # tensors that the file of the weights has not; no layer behind them is read
    terms: Mapping[str, Distance] | None = None  # of a baseline: the distances whose sum is its score, by layer read

    @property
    def reads(self) -> str:
        """What the network is given, in words: colours, range."""
        described = getattr(self.module, "reads", None)
        return described or f"{self.input.order} 0..{self.input.range:g}"

    def prepare(self, images: Tensor) -> Tensor:
        """The network's input for RGB images ``[B, 3, H, W]`` in 0..255; of any type: float32, of float64 float64."""
        if self.input.order == "bgr":
            images = images[:, [2, 1, 0]]
        elif self.input.order == "lightness":
            images = lightness(images)
        dtype = torch.float64 if images.dtype == torch.float64 else torch.float32
        mean, std = (
            sent(torch.tensor(values, dtype=dtype), images.device).view(-1, 1, 1)
            for values in (self.input.mean, self.input.std)
        )
        values = images.to(dtype, memory_format=torch.channels_last, copy=True)
        if self.input.range != 255:
            values.mul_(self.input.range / 255)
        return values.sub_(mean).div_(std)

    @cached_property
    def forms(self) -> dict[str, Form]:
        """How each layer's output becomes a map, in the order of the layers."""
        return {layer.name: layer.form for layer in self.layers if layer.form is not None}

    def as_map(self, output: object, layer: str, height: int, width: int) -> Tensor:
        """A layer's output as ``[B, C, H, W]`` for images of height x width pixels.

        Patch tokens become a map; a class token or a vector becomes a map of one position.

        Args:
            output: what the layer's module gave.
            layer: its name.
            height: of the images.
            width: of the images.

        Raises:
            UserError: the output has not the form that it had for small images.
        """
        form, part = self.forms.get(layer, _OF_BASELINES), part_of(output, layer)
        found = form.apply(part, height, width) if isinstance(part, Tensor) else None
        if found is not None:
            return found
        shape = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
        grid = f" and a grid of tokens {form.patch} pixels apart" if form.kind == TOKENS else ""
        raise UserError(
            f"layer {layer} gives {shape} for images of {height} x {width} pixels, not {AXES[form.kind]} with "
            f"{form.channels} channels{grid}: choose another layer, or resize the images with preprocess.resize"
        )
