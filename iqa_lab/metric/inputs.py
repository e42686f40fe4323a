"""Images of any kind that people have -> tensors ``[B, 3, H, W]`` of RGB in 0..255: the one door for images.

The type says where the channels are: a torch tensor is ``[B, 3, H, W]`` or ``[3, H, W]``, a NumPy array
``[B, H, W, 3]`` or ``[H, W, 3]``. Whole numbers are uint8 in 0..255, floats lie in 0..1. Nothing is guessed: what does
not fit is refused with the likely cause.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from iqa_lab.benchmarks.images import Resize, check_picture, decode
from iqa_lab.errors import UserError

# one image, a batch of images, or a list of images
Images = Tensor | NDArray[Any] | Image.Image | str | Path | Sequence["Tensor | NDArray[Any] | Image.Image | str | Path"]

Range = tuple[float, float]

# ranges that floats often have, and what usually makes them
_UNIT: Range = (0.0, 1.0)
_ROUNDING = 4  # units in the last place that arithmetic on images may add to 0 or 1


@dataclass(frozen=True)
class Batch:
    """Images of one call.

    Args:
        tensors: in their order, each ``[b, 3, H, W]`` in 0..255, uint8 or float; several, where sizes may differ.
        single: whether one image was given by itself.
    """

    tensors: tuple[Tensor, ...]
    single: bool

    def __len__(self) -> int:
        return sum(map(len, self.tensors))


def read_images(images: Images, name: str, value_range: Range | None = None, resize: Resize = None) -> Batch:
    """The images of one side of a call.

    Args:
        images: a tensor, an array, a PIL image or a path; or a list of them, one an image.
        name: ``reference`` or ``distorted``, for errors.
        value_range: what black and white are in floats; None: 0 and 1.
        resize: short side, or height and width, that images are brought to.

    Raises:
        UserError: it is none of these, or its shape, type or values are not as they must be.
    """
    if isinstance(images, (list, tuple)):
        if not images:
            raise UserError(f"{name}: the list holds no image")
        several = [_one(image, f"{name}[{number}]", value_range) for number, image in enumerate(images)]
        wrong = next((number for number, image in enumerate(several) if len(image) != 1), None)
        if wrong is not None:
            raise UserError(f"{name}[{wrong}] holds {len(several[wrong])} images: a list holds one image per entry")
        return Batch(tuple(_resized(image, resize) for image in several), single=False)
    found = _one(images, name, value_range)
    if len(found) == 0:
        raise UserError(f"{name}: the batch holds no image")
    single = not isinstance(images, (Tensor, np.ndarray)) or images.ndim == 3
    return Batch((_resized(found, resize),), single)


def pairs_of(reference: Batch, distorted: Batch) -> list[tuple[Tensor, Tensor]]:
    """The pairs of a call, in groups: references ``[1 or b, 3, H, W]`` and as large distorted images ``[b, 3, H, W]``.

    Raises:
        UserError: there are other numbers of references than of distorted images (but for one reference of all), or
            the images of a pair differ in size.
    """
    if len(reference) not in (1, len(distorted)):
        raise UserError(
            f"{len(reference)} reference and {len(distorted)} distorted images: give one reference for each distorted "
            "image, or one for all"
        )
    if len(reference.tensors) == len(distorted.tensors) == 1:
        pairs = [(reference.tensors[0], distorted.tensors[0])]
    else:
        first = [image for part in reference.tensors for image in part.split(1)]
        second = [image for part in distorted.tensors for image in part.split(1)]
        pairs = list(zip(first if len(first) > 1 else first * len(second), second, strict=True))
    for f, g in pairs:
        if f.shape[2:] != g.shape[2:]:
            raise UserError(
                f"a reference of {f.shape[3]} x {f.shape[2]} and a distorted image of {g.shape[3]} x {g.shape[2]} "
                "pixels: the images of a pair have one size; resize or crop one of them yourself"
            )
    return pairs if len(pairs) == 1 else _grouped(pairs)


def _grouped(pairs: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    """Neighbours of one size and type together."""
    groups: list[list[tuple[Tensor, Tensor]]] = []
    for f, g in pairs:
        last = groups[-1][-1] if groups else None
        if last is not None and all(
            a.shape == b.shape and a.dtype == b.dtype for a, b in zip(last, (f, g), strict=True)
        ):
            groups[-1].append((f, g))
        else:
            groups.append([(f, g)])
    return [(torch.cat([f for f, _ in group]), torch.cat([g for _, g in group])) for group in groups]


def _one(image: Any, name: str, value_range: Range | None) -> Tensor:
    if isinstance(image, (str, os.PathLike)):
        return _of_array(decode(os.fspath(image)).pixels)  # its error names the file
    if isinstance(image, Image.Image):
        return _of_array(_of_picture(image, name))
    if isinstance(image, Tensor):
        return _of_tensor(image, name, value_range)
    if isinstance(image, np.ndarray):
        return _of_numpy(image, name, value_range)
    raise UserError(
        f"{name} is a {type(image).__name__}: give a torch tensor [B, 3, H, W], a NumPy array [B, H, W, 3], a PIL "
        "image, a path, or a list of them"
    )


def _of_array(pixels: NDArray[Any]) -> Tensor:
    # a copy: arrays of PIL cannot be written, of which torch warns
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]


def _of_picture(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """The pixels of a PIL image as they would be read from its file: upright, grey and opaque ones as RGB."""
    if image.mode.startswith(("I", "F")):
        raise UserError(f"{name} is a PIL image of mode {image.mode}: scale it to 8 bits a channel yourself")
    if image.mode not in ("1", "L", "LA", "RGB", "RGBA", "P", "PA"):
        raise UserError(f"{name} is a PIL image of mode {image.mode}: convert it yourself, image.convert('RGB')")
    try:
        check_picture(image, name)
        upright = ImageOps.exif_transpose(image)  # which may be the first to read its file
        alpha = None
        if image.mode in ("LA", "RGBA", "PA", "P") or "transparency" in image.info:
            alpha = np.asarray(upright.convert("RGBA").getchannel("A"))
        pixels = np.asarray(upright.convert("RGB"))
    except (UserError, MemoryError):
        raise
    except Exception as error:  # of a closed or damaged file Pillow may raise anything
        raise UserError(f"{name} is a PIL image that cannot be read: {' '.join(str(error).split())[:100]}") from error
    if alpha is not None and alpha.min(initial=255) < 255:
        raise UserError(f"{name} is transparent in places: put it on a background yourself")
    return pixels


def _of_numpy(array: NDArray[Any], name: str, value_range: Range | None) -> Tensor:
    if array.ndim not in (3, 4) or array.shape[-1] != 3:
        shape = list(array.shape)
        if array.ndim in (3, 4) and array.shape[-3] == 3:
            hint = "channels stand last in a NumPy array: array.transpose(0, 2, 3, 1), or torch.from_numpy(array)"
        elif array.ndim == 2 or (array.ndim in (3, 4) and array.shape[-1] == 1):
            hint = "a grey image has to be made RGB: np.repeat(array[..., None], 3, axis=-1)"
        elif array.ndim in (3, 4) and array.shape[-1] == 4:
            hint = "take its alpha channel off: array[..., :3]"
        else:
            hint = "give [H, W, 3] for one image, [B, H, W, 3] for several"
        raise UserError(f"{name} is a NumPy array {shape}, not [B, H, W, 3]: {hint}")
    if isinstance(array, np.ma.MaskedArray):
        raise UserError(f"{name} is a masked array: say what stands behind the mask, array.filled(...)")
    if array.dtype.kind in "iuf" and not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    whole = array if array.ndim == 4 else array[None]
    try:
        # a copy of what cannot be written, of which torch warns
        tensor = torch.from_numpy(np.ascontiguousarray(whole) if array.flags.writeable else whole.copy())
    except TypeError as error:
        raise UserError(f"{name} holds {array.dtype}: give uint8 in 0..255 or float in 0..1") from error
    return _in_255(tensor.permute(0, 3, 1, 2), name, value_range)


def _of_tensor(tensor: Tensor, name: str, value_range: Range | None) -> Tensor:
    if tensor.is_nested or tensor.is_meta or tensor.is_quantized or tensor.layout != torch.strided:
        raise UserError(
            f"{name} is no plain tensor (nested, sparse, quantized or without values): give a dense one, or a list"
        )
    if tensor.ndim not in (3, 4) or tensor.shape[-3] != 3:
        shape = list(tensor.shape)
        if tensor.ndim in (3, 4) and tensor.shape[-1] == 3:
            order = "0, 3, 1, 2" if tensor.ndim == 4 else "2, 0, 1"
            hint = f"channels stand before positions in a tensor: tensor.permute({order})"
        elif tensor.ndim == 2 or (tensor.ndim in (3, 4) and tensor.shape[-3] == 1):
            hint = "a grey image has to be made RGB: tensor.expand(-1, 3, -1, -1)"
        else:
            hint = "give [3, H, W] for one image, [B, 3, H, W] for several"
        raise UserError(f"{name} is a tensor {shape}, not [B, 3, H, W]: {hint}")
    return _in_255(tensor if tensor.ndim == 4 else tensor[None], name, value_range)


def _in_255(images: Tensor, name: str, value_range: Range | None) -> Tensor:
    """Images ``[B, 3, H, W]`` in 0..255; uint8 stays uint8.

    Raises:
        UserError: the type is another, or values lie outside their range.
    """
    if 0 in images.shape[1:]:
        raise UserError(f"{name} has no pixels: its shape is {list(images.shape)}")
    if images.dtype == torch.uint8:
        if value_range not in (None, (0, 255)):
            raise UserError(f"{name} is uint8, whose range is 0..255: value_range={value_range} is for floats")
        return images
    if not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.")
        raise UserError(f"{name} holds {kind}: give uint8 in 0..255 or float in 0..1")
    low, high = checked_range(value_range)
    if images.numel() and not torch.compiler.is_compiling():
        _check_values(images, name, low, high, given=value_range is not None)
    if images.dtype in (torch.float16, torch.bfloat16):
        images = images.float()
    if (low, high) == (0, 255):
        return images
    return (images - low if low else images) * (255 / (high - low))


def checked_range(value_range: Range | None) -> Range:
    """What black and white are in floats.

    Raises:
        UserError: it is no pair of finite numbers, the first below the second.
    """
    if value_range is None:
        return _UNIT
    try:
        low, high = map(float, value_range)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise UserError(f"value_range={value_range}: give what black and white are, as (0, 1), (-1, 1) or (0, 255)")
    return low, high


def _check_values(images: Tensor, name: str, low: float, high: float, *, given: bool) -> None:
    smallest, largest = (float(value) for value in images.detach().aminmax())
    said = f"{name} has values from {smallest:.4g} to {largest:.4g}"
    if not (np.isfinite(smallest) and np.isfinite(largest)):
        raise UserError(f"{name} holds NaN or infinity: no distance could be a number")
    slack = _ROUNDING * torch.finfo(images.dtype).eps * (high - low)
    if smallest < low - slack or largest > high + slack:
        if given:
            raise UserError(f"{said}, outside of value_range=({low:g}, {high:g})")
        raise UserError(f"{said}, but floats are images in 0..1: {_likely(smallest, largest)}")
    if (low, high) == (0, 255) and 0 < largest <= 1:
        raise UserError(f"{said}: they look like 0..1, not like the 0..255 that value_range says")


def _likely(smallest: float, largest: float) -> str:
    """What floats outside of 0..1 probably are, and what to do."""
    if smallest >= 0 and 2 < largest <= 255.5:
        return "these look like 0..255; divide by 255, give uint8, or say value_range=(0, 255)"
    if -1.001 <= smallest < 0 and largest <= 1.001:
        return "these look like -1..1, as the lpips package takes them; say value_range=(-1, 1)"
    if -3 < smallest < 0 and largest < 3:
        return (
            "these look normalised by a mean and a standard deviation, or left the range in a descent; give them "
            "before they are normalised (the metric does that itself), or clamp them with .clamp(0, 1)"
        )
    return "scale or clamp them, or say value_range=(BLACK, WHITE)"


def _resized(images: Tensor, resize: Resize) -> Tensor:
    """Images at the size that the metric was found at: whole numbers as the pass does it, by PIL and rounded.

    Floats, which may need a gradient, with the same filter, not rounded.
    """
    if resize is None:
        return images
    height, width = images.shape[2:]
    if isinstance(resize, tuple):
        size = resize
    else:
        short = min(height, width)
        size = resize * height // short, resize * width // short
    if size == (height, width):
        return images
    if images.dtype != torch.uint8:
        return F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
    pictures = [Image.fromarray(image.permute(1, 2, 0).cpu().numpy()) for image in images]
    arrays = [np.asarray(one.resize(size[::-1], Image.Resampling.BILINEAR)) for one in pictures]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).to(images.device)
