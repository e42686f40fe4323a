"""The shapes of one output at two image sizes -> which axis is what, and how the output becomes a map.

The channel axis is the one that stays while the image grows; rows stand before columns. A network of one image size,
or an output of one size (an adaptive pool), is told by its square: a square image gives as many rows as columns.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import, and whoever reads results needs the forms alone
    from torch import Tensor

    from iqa_lab.networks.trace import Output, Shape, Trace

MAP, MAP_LAST, TOKENS, VECTOR, CLASS = "map", "map_last", "tokens", "vector", "class"

# what architecture.layout may say
LAYOUTS = ("auto", MAP, MAP_LAST, TOKENS)

# class and register tokens before the patch tokens, where nobody says how many
_MOST_PREFIX = 8

AXES = {
    MAP: "[B, C, H, W]",
    MAP_LAST: "[B, H, W, C]",
    TOKENS: "[B, tokens, C]",
    VECTOR: "[B, C]",
    CLASS: "[B, tokens, C]",
}


@dataclass(frozen=True)
class Form:
    """How a layer's output is read as ``[B, C, H, W]``."""

    kind: str  # map | map_last | tokens | vector | class: the first of the tokens alone
    channels: int | None = None  # None: any number
    patch: int | None = None  # of tokens: the side of a patch in pixels
    prefix: int = 0  # tokens before the patch tokens

    def apply(self, output: "Tensor", height: int, width: int) -> "Tensor | None":
        """The output for images of height x width pixels as ``[B, C, H, W]``; None if it has another form."""
        match self.kind, output.ndim:
            case "vector", 2:
                found = output[:, :, None, None]
            case "map", 4:
                found = output
            case "map_last", 4:
                found = output.permute(0, 3, 1, 2)
            case "class", 3:
                found = output[:, 0, :, None, None]
            case "tokens", 3:
                grid = self.grid(output.shape[1] - self.prefix, height, width)
                if grid is None:
                    return None
                found = output[:, self.prefix :].reshape(len(output), *grid, -1).permute(0, 3, 1, 2)
            case _:
                return None
        return found if self.channels in (None, found.shape[1]) else None

    def grid(self, patches: int, height: int, width: int) -> tuple[int, int] | None:
        """Rows and columns of patches: those that reach beyond the image count, or (where N says so) do not."""
        assert self.patch is not None
        grids = (
            (math.ceil(height / self.patch), math.ceil(width / self.patch)),
            (height // self.patch, width // self.patch),
        )
        return next((grid for grid in grids if grid[0] * grid[1] == patches), None)


def grid_of(output: "Output", traced: "Trace", form: Form) -> tuple[int, int]:
    """Rows and columns of an output of that form, for the first images of the trace."""
    shape = output.shape
    match form.kind:
        case "map":
            return shape[2], shape[3]
        case "map_last":
            return shape[1], shape[2]
        case "tokens":
            return form.grid(shape[1] - form.prefix, *traced.size) or (1, 1)
    return 1, 1


def stride_of(output: "Output", traced: "Trace", form: Form) -> int | None:
    """How many pixels of the image lie between two positions; None where the image's size does not change how many.

    It is how many pixels wider the image has to be for one position more: so borders and unpadded convolutions, which
    the number of positions depends on as well, do not count. All strides that divide the difference of the two sizes
    (1, 2, 4, ... 32) are exact.
    """
    if form.patch:
        return form.patch
    width = positions_across(output.shape, form)
    if output.second is None or traced.second_size is None:  # a network of one size
        return round(traced.size[1] / width)
    wider = positions_across(output.second, form)
    pixels = traced.second_size[1] - traced.size[1]
    if wider <= width:
        return None
    if pixels % (wider - width) == 0:
        return pixels // (wider - width)
    sides = ((traced.size[1], width), (traced.second_size[1], wider))
    whole = [stride for stride in range(1, traced.size[1] + 1) if all(side // stride == n for side, n in sides)]
    return whole[0] if whole else round(pixels / (wider - width))


def positions_across(shape: "Shape", form: Form) -> int:
    """The number of columns of a map; 1 of a vector.

    >>> positions_across((2, 64, 11, 15), Form(MAP)), positions_across((2, 11, 15, 64), Form(MAP_LAST))
    (15, 15)
    """
    return {MAP: shape[-1], MAP_LAST: shape[-2]}.get(form.kind, 1) if len(shape) == 4 else 1


@dataclass(frozen=True)
class NoForm:
    """Why an output cannot be read as a map."""

    reason: str
    perhaps: Form | None = None  # what it would be, if a change of the image shows where its positions are
    otherwise: Form | None = None  # and with both axes exchanged


def form_of(output: "Output", traced: "Trace", layout: str, patch: int, prefix: int) -> Form | NoForm:
    """How one output is to be read, from its shapes.

    Args:
        output: one of the trace's.
        traced: which images there were.
        layout: what is declared: auto, or the layout that decides where shapes cannot.
        patch: side of a token's patch in pixels; 0: to be found.
        prefix: tokens before the patch tokens; 0: to be found, where the patch is.
    """
    shape, second = output.shape, output.second
    described = f"gives {list(shape)} for images of {traced.size[0]} x {traced.size[1]} in a batch of 2"
    if traced.second_size and second is None:
        return NoForm("runs or not according to the size of the image")
    if shape[:1] != (2,) or (second is not None and (second[:1] != (1,) or len(second) != len(shape))):
        return NoForm(f"{described}: its first axis is not the batch")
    moved = tuple(axis for axis in range(1, len(shape)) if second is not None and shape[axis] != second[axis])
    match len(shape):
        case 2 if not moved:
            return Form(VECTOR, shape[1])
        case 2:
            return NoForm(f"{described}: a vector whose length follows the image's size")
        case 3:
            return _of_tokens(output, traced, moved, layout, patch, prefix, f"{described}: ")
        case 4:
            kind = _of_map(shape, traced, moved, layout)
            if kind is None:
                return NoForm(f"{described}: neither [B, C, H, W] nor [B, H, W, C]")
            if not kind:
                return NoForm(f"{described}, three equal axes: say architecture.layout=map or map_last")
            return Form(kind, shape[1] if kind == MAP else shape[3])
    return NoForm(f"{described}: no map, tokens or vector")


def _of_map(shape: "Shape", traced: "Trace", moved: tuple[int, ...], layout: str) -> str | None:
    """Which of the two kinds of map an output of four axes is; empty: nobody can tell; None: it is neither."""
    square = {MAP: shape[2] == shape[3], MAP_LAST: shape[1] == shape[2]}  # the first images are
    if moved:
        assert traced.second_size is not None
        wider_only = traced.second_size[0] == traced.size[0]
        spatial = {MAP: (3,), MAP_LAST: (2,)} if wider_only else {MAP: (2, 3), MAP_LAST: (1, 2)}
        return next((kind for kind, axes in spatial.items() if axes == moved and square[kind]), None)
    if traced.second_size is None:  # positions of one stride
        square = {
            MAP: square[MAP] and _has_stride(shape[2], traced.size[0]),
            MAP_LAST: square[MAP_LAST] and _has_stride(shape[1], traced.size[0]),
        }
    fitting = [kind for kind, fits in square.items() if fits]
    if len(fitting) == 2:
        return layout if layout in fitting else MAP if shape[1:] == (1, 1, 1) else ""
    return fitting[0] if fitting else None


def _has_stride(rows: int, side: int) -> bool:
    """Whether that many rows are about an image's side over a whole number; unpadded convolutions lose a few.

    An attention's 197 x 197 of an image of 224 are not.
    """
    return any(abs(side / stride - rows) < 4 for stride in range(1, side + 1))


def _of_tokens(
    output: "Output", traced: "Trace", moved: tuple[int, ...], layout: str, patch: int, prefix: int, described: str
) -> Form | NoForm:
    """Tokens ``[B, prefix + H * W, C]``, if the positions lie on a grid of square patches."""
    shape, second = output.shape, output.second
    number, channels = shape[1:]
    if moved and moved != (1,):
        return NoForm(f"{described}channels stand before positions, [B, C, positions]")
    if traced.second_size is not None and not moved:
        return NoForm(f"{described}no axis follows the image's size")
    counts = [(number, traced.size)]
    if second is not None and traced.second_size is not None:
        counts.append((second[1], traced.second_size))
    found = next(_grids(counts, patch, prefix), None)
    if patch and found is None:
        fit = " x ".join(str(math.ceil(side / patch)) for side in traced.size)
        return NoForm(
            f"{described}with architecture.patch={patch} and prefix_tokens={prefix} there would be "
            f"{fit} + {prefix} tokens"
        )
    if found is None or number == 1:
        return NoForm(f"{described}its tokens lie on no grid of square patches")
    other = None if moved or layout == TOKENS else next(_grids([(channels, traced.size)], 0, prefix), None)
    if other:
        return NoForm(
            f"{described}both axes could be positions, at one image size: "
            "say architecture.layout=tokens, if they are the first axis after the batch",
            Form(TOKENS, channels, *found),
            Form(TOKENS, number, *other),
        )
    return Form(TOKENS, channels, *found)


def _grids(counts: list[tuple[int, tuple[int, int]]], patch: int, prefix: int) -> Iterator[tuple[int, int]]:
    """Sides of patches and numbers of tokens before them that explain the numbers of tokens, likeliest first."""
    height, _ = counts[0][1]
    strides = [patch] if patch else range(2, height + 1)
    # whole patches come first; at one size no others are looked for
    whole = [stride for stride in strides if height % stride == 0]
    others = [stride for stride in strides if stride not in whole] if len(counts) > 1 or patch else []
    for before in [prefix] if patch or prefix else range(_MOST_PREFIX + 1):
        for stride in [*whole, *others]:
            form = Form(TOKENS, patch=stride, prefix=before)
            if all(form.grid(number - before, *size) for number, size in counts):
                yield stride, before
