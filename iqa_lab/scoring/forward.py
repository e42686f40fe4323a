"""Images -> the responses of layers, from one forward: hooks, device, precision."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import count
from weakref import WeakSet

import torch
from torch import Tensor, nn

from iqa_lab.benchmarks.images import Decode, decode
from iqa_lab.errors import FOREIGN, UserError, first_names
from iqa_lab.networks.network import PIXELS, Network, call_of, module_of
from iqa_lab.scoring.memory import is_out_of_memory
from iqa_lab.scoring.settings import Settings


def read_layers(
    network: Network,
    images: Tensor,
    layers: Collection[str],
    settings: Settings,
    read: Callable[[str, Tensor | None], None],
) -> None:
    """Forward RGB images ``[B, 3, H, W]`` in 0..255 once; ``read`` gets each layer and its output ``[B, C, H, W]``.

    Raises:
        UserError: the images are too small for the network.
    """
    with numerics(settings.precision), torch.inference_mode():
        module = to_device(network.module, settings)
        forward(network, module, images.to(settings.device), layers, read, settings.precision)


def layer_shapes(
    network: Network, path: str, layers: Collection[str], settings: Settings, decode: Decode = decode
) -> dict[str, tuple[int, ...]]:
    """The shape ``[1, C, H, W]`` of every layer named, from one real forward of one image.

    Raises:
        UserError: the image is damaged, or too small for the network.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    image = torch.from_numpy(decode(path, settings.resize).pixels.copy()).permute(2, 0, 1)[None]

    def look(layer: str, output: Tensor | None) -> None:
        assert output is not None
        shapes[layer] = tuple(output.shape)

    read_layers(network, image, layers, settings, look)
    return shapes


# modules that hold bf16 weights since a pass in bf16
_ROUNDED: WeakSet[nn.Module] = WeakSet()


def to_device(module: nn.Module, settings: Settings) -> nn.Module:
    """The module on its device, in its precision, in the memory order that convolutions like best.

    Raises:
        UserError: its weights were rounded to bf16 before, which nothing can undo.
    """
    if settings.precision == "bf16":
        _ROUNDED.add(module)
    elif module in _ROUNDED:
        raise UserError(
            f"this network's weights were rounded to bf16 before: build it again for precision={settings.precision}"
        )
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float32
    # what is moved in inference mode could never be descended through, as a metric is after a pass
    made_there = any(weights.is_inference() for weights in module.parameters())
    with torch.inference_mode(made_there), torch.no_grad():
        return module.to(settings.device, dtype).to(memory_format=torch.channels_last)


@contextmanager
def numerics(precision: str) -> Iterator[None]:
    """Multiplications in exactly the precision asked for, restored afterwards."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    # torch lets convolutions use tf32 by default, which is not what fp32 says
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


# what torch says of pools and convolutions whose output would be empty
_TOO_SMALL = ("Output size is too small", "Kernel size can't be greater")


class _AllRead(Exception):
    """Every layer asked for has been read: the rest of the forward is not needed."""


def forward(
    network: Network,
    module: nn.Module,
    images: Tensor | None,
    layers: Collection[str],
    read: Callable[[str, Tensor | None], None],
    precision: str,
) -> None:
    """One forward of images ``[B, 3, H, W]`` in 0..255; ``read`` gets each layer's output as ``[B, C, H, W]``, once.

    Raises:
        UserError: the images do not suit the network, its forward fails, or a layer does not give one response an
            image, once a forward.
    """
    if images is None:
        for layer in layers:
            read(layer, None)
        return
    if PIXELS.name in layers:
        read(PIXELS.name, images)
    height, width = images.shape[2:]
    waiting: dict[str, list[str]] = {}  # the layers of each module: patch tokens and class token, say
    for layer in layers:
        if layer != PIXELS.name:
            waiting.setdefault(module_of(layer), []).append(layer)
    if not waiting:
        return
    side = network.image_size
    if side is not None and (height, width) != (side, side):
        raise UserError(
            f"this network takes images of {side} x {side} pixels only, not {width} x {height}: "
            f"preprocess.resize=[{side},{side}]"
        )

    once = {module_of(layer) for layer in layers if ":call" not in layer}
    raised: list[BaseException] = []  # by what reads, not by the network; which might catch it and go on

    def hook(path: str) -> Callable[[nn.Module, object, object], None]:
        numbers = count(1)  # of the module's calls in this forward

        def at_module(_module: nn.Module, _inputs: object, output: object) -> None:
            try:
                number = next(numbers)
                if number > 1 and path in once:
                    raise UserError(
                        f"layer {path} runs more than once for images of {width} x {height} pixels: name the block "
                        f"around it, or one of its calls, {path}:call1 to {path}:call{number}"
                    )
                for layer in [layer for layer in waiting.get(path, ()) if call_of(layer) == number]:
                    read(layer, _one_an_image(network.as_map(output, layer, height, width), layer, len(images)))
                    waiting[path].remove(layer)
                if not waiting.get(path, True):
                    del waiting[path]
            except BaseException as error:
                raised.append(error)
                raise
            if not waiting:
                raise _AllRead

        return at_module

    handles = [module.get_submodule(path).register_forward_hook(hook(path)) for path in waiting]
    inputs = network.prepare(images).to(memory_format=torch.channels_last)
    try:
        module(inputs.bfloat16() if precision == "bf16" else inputs)
    except _AllRead:
        pass
    except FOREIGN as error:
        if raised or isinstance(error, UserError) or is_out_of_memory(error):
            raise
        raise _failed(error, len(images), height, width) from error
    finally:
        for handle in handles:
            handle.remove()
    if raised:
        raise raised[0]
    if waiting:
        missing = first_names(layer for layers in waiting.values() for layer in layers)
        raise UserError(
            f"{missing} did not run for {len(images)} images of {width} x {height} pixels: "
            "choose layers that every image passes through"
        )


def _one_an_image(responses: Tensor, layer: str, images: int) -> Tensor:
    """The responses.

    Raises:
        UserError: they are not one for each image, are complex, or have no positions.
    """
    if len(responses) != images:
        raise UserError(
            f"layer {layer} gives {len(responses)} responses for {images} images: choose a layer whose first axis is "
            "the images'"
        )
    if responses.is_complex():
        raise UserError(
            f"layer {layer} gives complex numbers, which no readout knows how to compare: choose another layer"
        )
    if responses.numel() == 0:
        raise UserError(f"the images are too small for this network: the responses of layer {layer} are empty")
    return responses


def _failed(error: BaseException, images: int, height: int, width: int) -> UserError:
    """The error of use that stands for what a network's own code raised."""
    if any(sign in str(error) for sign in _TOO_SMALL):
        return UserError(f"images of {width} x {height} pixels are too small for this network: {error}")
    lines = str(error).splitlines() or [""]
    return UserError(
        f"the network fails on {images} images of {width} x {height} pixels: {type(error).__name__}: {lines[0]}"
    )
