"""The named layers of a module: found, checked and described by one real forward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from iqa_lab.errors import UserError, nearest_first

_CONTAINERS = (nn.Sequential, nn.ModuleList)
_ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish, nn.Tanh, nn.Sigmoid,
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One module at work in a forward: when it ran, and what shape it gave."""

    order: int
    times: int
    shape: tuple[int, ...] | None  # None: no tensor
    kind: str

    @property
    def spatial(self) -> bool:
        """Whether the output has positions: neither a vector nor what a pool over the whole map leaves."""
        return self.shape is not None and len(self.shape) > 2 and not ("Pool" in self.kind and self.shape[2:] == (1, 1))


def trace(module: nn.Module, images: Tensor) -> dict[str, Call]:
    """What every submodule did in one forward of ``images``, by module path, in the order of their first outputs."""
    calls: dict[str, Call] = {}

    def record(name: str, kind: str, output: object) -> None:
        earlier = calls.get(name)
        shape = tuple(output.shape) if isinstance(output, Tensor) else None
        order = earlier.order if earlier else len(calls)
        calls[name] = Call(order, earlier.times + 1 if earlier else 1, shape, kind)

    handles = [
        part.register_forward_hook(lambda part, _, output, name=name: record(name, type(part).__name__, output))
        for name, part in module.named_modules()
        if name
    ]
    try:
        with torch.inference_mode():
            module(images)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def every_block(module: nn.Module, calls: dict[str, Call], dimensions: int) -> list[str]:
    """The layers that ``layers: auto`` means: blocks, and activations outside of blocks, in order of execution.

    A block is a module with parts of its own inside a plain ``Sequential`` or ``ModuleList``; blocks inside blocks do
    not count. Only modules that ran once and gave a tensor of ``dimensions`` axes are layers.
    """
    chosen: list[str] = []

    def visit(parent: nn.Module, path: str) -> None:
        for name, part in parent.named_children():
            full = f"{path}.{name}" if path else name
            is_block = type(parent) in _CONTAINERS and type(part) not in _CONTAINERS and bool(list(part.children()))
            if is_block or isinstance(part, _ACTIVATIONS):
                chosen.append(full)
            else:
                visit(part, full)

    visit(module, "")
    usable = [
        name
        for name in chosen
        if name in calls and calls[name].times == 1 and len(calls[name].shape or ()) == dimensions
    ]
    return sorted(usable, key=lambda name: calls[name].order)


def check_layers(names: Sequence[str], calls: dict[str, Call]) -> None:
    """Nothing, if every name is a module that runs exactly once.

    Raises:
        UserError: naming the first layer that does not exist, never runs, or runs more than once in a forward.
    """
    for name in names:
        if name not in calls:
            near = ", ".join(nearest_first(name, calls)[:6])
            raise UserError(f"there is no layer {name} in this network, or it never runs; the nearest are {near}")
        if calls[name].times > 1:
            raise UserError(f"layer {name} runs {calls[name].times} times in one forward: name the block around it")
    for earlier, later in zip(names, names[1:], strict=False):
        if calls[earlier].order >= calls[later].order:
            raise UserError(f"layers are listed from early to late, but {later} runs before {earlier}")


def trusted_layers(names: Sequence[str], calls: dict[str, Call], random_keys: Sequence[str]) -> list[str]:
    """The layers that run before any module whose weights stayed at random."""
    owners = {key.rpartition(".")[0] for key in random_keys}
    first_random = min((calls[owner].order for owner in owners if owner in calls), default=None)
    if first_random is None:
        return list(names)
    return [name for name in names if calls[name].order < first_random]


def select_layers(choice: Any, names: Sequence[str]) -> list[str]:
    """The layers that a setting means, in the network's own order, each once.

    ``all``; one name; a list of names or indices (negative ones count from the end); ``{last: n}``.

    >>> select_layers({"last": 2}, ["a", "b", "c"])
    ['b', 'c']
    >>> select_layers([0, "c"], ["a", "b", "c"])
    ['a', 'c']

    Raises:
        UserError: no such layer; all layers are listed.
    """
    if choice == "all":
        return list(names)
    if isinstance(choice, dict) and list(choice) == ["last"] and isinstance(choice["last"], int) and choice["last"] > 0:
        return list(names[-choice["last"] :])
    wanted = [choice] if isinstance(choice, (str, int)) else choice
    if not isinstance(wanted, list) or not wanted or isinstance(choice, bool):
        raise UserError(f"layers={choice}: give all, a list of names or indices, or {{last: n}}")
    chosen = {_one_layer(entry, names) for entry in wanted}
    return [name for name in names if name in chosen]


def _one_layer(entry: Any, names: Sequence[str]) -> str:
    if isinstance(entry, int) and -len(names) <= entry < len(names):
        return names[entry]
    if entry in names:
        return str(entry)
    listed = ", ".join(nearest_first(str(entry), names) if isinstance(entry, str) else names)
    raise UserError(f"no such layer: {entry}; the layers are {listed}")
