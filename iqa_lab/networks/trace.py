"""A module -> what each of its parts gives in real forwards of black images of two sizes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from iqa_lab.errors import FOREIGN, UserError, pass_on_interrupt

Shape = tuple[int, ...]

# Large enough for every architecture's strides and pools, small enough to cost nothing; whole patches of 8, 16, 32.
TRACE_SIDE = 96
# The second size differs in width only, so that rows and columns are told apart; square, where only that runs.
SECOND_SIZES = ((96, 128), (128, 128))
# sides that networks of one size take, to name the right one
_USUAL_SIDES = (224, 256, 384, 32)


@dataclass(frozen=True)
class Output:
    """One tensor that a module gave: when, in which of its calls, and its shape for each size of images."""

    order: int  # among all first outputs of modules
    kind: str  # class of the module
    shape: Shape
    second: Shape | None = None  # for the second size; None: the network does not run at another size


@dataclass(frozen=True)
class Trace:
    """What all parts of a module gave, by address.

    An address is a module's path, with ``:call2`` behind it where the module runs several times in one forward (the
    second time), and with ``:0`` or ``:key`` where its output is a tuple, a list or a dictionary of tensors.
    """

    outputs: dict[str, Output]
    first: dict[str, int]  # of every module that ran: its place in the order of first outputs
    times: dict[str, int]  # how often it ran
    size: tuple[int, int]  # height and width of the images; a batch of two
    second_size: tuple[int, int] | None  # of the second images; a batch of one


def parts_of(output: object) -> Iterator[tuple[str, Tensor]]:
    """The tensors of an output, each with what is appended to the module's path: nothing, ``:0`` or ``:key``."""
    if isinstance(output, Tensor):
        yield "", output
    elif isinstance(output, Mapping):
        yield from ((f":{key}", value) for key, value in output.items() if isinstance(value, Tensor))
    elif isinstance(output, (tuple, list)):
        yield from ((f":{number}", value) for number, value in enumerate(output) if isinstance(value, Tensor))


def trace(module: nn.Module, channels: int, side: int | None) -> Trace:
    """What every part of a module gives for images of two sizes.

    Args:
        module: in evaluation mode.
        channels: of its input.
        side: of the only square images that it takes; None: any.

    Raises:
        UserError: it does not run.
    """
    size = (side, side) if side else (TRACE_SIDE, TRACE_SIDE)
    first = _forward(module, torch.zeros(2, channels, *size))
    if isinstance(first, BaseException):
        raise UserError(_does_not_run(module, channels, size, first))
    second, second_size = None, None
    for other in () if side else SECOND_SIZES:
        found = _forward(module, torch.zeros(1, channels, *other))
        if not isinstance(found, BaseException):
            second, second_size = found, other
            break
    times: dict[str, int] = {}
    for call in first:
        times[call.path] = max(times.get(call.path, 0), call.number)
    shapes = {(call.path, call.number, call.part): call.shape for call in second or ()}
    outputs = {
        f"{call.path}{f':call{call.number}' if times[call.path] > 1 else ''}{call.part}": Output(
            order, call.kind, call.shape, shapes.get((call.path, call.number, call.part))
        )
        for order, call in enumerate(first)
        if call.shape is not None
    }
    order_of: dict[str, int] = {}
    for order, call in enumerate(first):
        order_of.setdefault(call.path, order)
    return Trace(outputs, order_of, times, size, second_size)


@dataclass(frozen=True)
class _Call:
    path: str
    number: int  # of the call, from 1
    part: str
    kind: str
    shape: Shape | None  # None: the output holds no tensor


def _forward(module: nn.Module, images: Tensor) -> list[_Call] | BaseException:
    """All outputs of one forward, in their order; or what went wrong."""
    calls: list[_Call] = []
    numbers: dict[str, int] = {}

    def record(path: str, part: nn.Module, output: object) -> None:
        numbers[path] = numbers.get(path, 0) + 1
        kind = type(part).__name__
        found = [_Call(path, numbers[path], suffix, kind, tuple(tensor.shape)) for suffix, tensor in parts_of(output)]
        calls.extend(found or [_Call(path, numbers[path], "", kind, None)])

    handles = [
        part.register_forward_hook(lambda part, _, output, path=path: record(path, part, output))
        for path, part in module.named_modules()
        if path
    ]
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            module(images)
    except FOREIGN as error:  # somebody else's code, which may fail in any way
        pass_on_interrupt(error)
        return error
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _does_not_run(module: nn.Module, channels: int, size: tuple[int, int], error: BaseException) -> str:
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    said = f"this network does not run on images of {size[0]} x {size[1]} pixels ({reason})"
    for side in _USUAL_SIDES:
        if (side, side) != size and not isinstance(
            _forward(module, torch.zeros(1, channels, side, side)), BaseException
        ):
            return f"{said}, but on {side} x {side}: architecture.image_size={side} preprocess.resize=[{side},{side}]"
    return f"{said}: if it takes images of one size only, give architecture.image_size=SIDE"
