"""What a module's parts gave -> the names of its layers; what a list of layers says -> whether they are there."""

from collections.abc import Callable, Sequence

from torch import nn

from iqa_lab.errors import UserError, first_names, nearest_first
from iqa_lab.networks.forms import AXES, VECTOR, Form, NoForm
from iqa_lab.networks.layer import module_of
from iqa_lab.networks.trace import Trace

_CONTAINERS = (nn.Sequential, nn.ModuleList)
_ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish, nn.Tanh, nn.Sigmoid,
)  # fmt: skip


def blocks_of(module: nn.Module) -> list[str]:
    """The paths of what ``layers: auto`` looks at: blocks, and activations outside of blocks.

    A block is a module with parts of its own inside a plain ``Sequential`` or ``ModuleList``; blocks inside blocks do
    not count.
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
    return chosen


def every_block(
    module: nn.Module, traced: Trace, form_at: Callable[[str], Form | NoForm], layout: str
) -> tuple[list[str], dict[str, str]]:
    """The layers that ``layers: auto`` means, in order of execution; and why other blocks are none.

    Args:
        module: whose layers are wanted.
        traced: what its parts gave.
        form_at: how an output is to be read.
        layout: the only one that counts, or auto.
    """
    found: list[str] = []
    others: dict[str, str] = {}
    for path in blocks_of(module):
        times = traced.times.get(path, 0)
        addresses = [address for address in traced.outputs if module_of(address) == path] if times == 1 else []
        reasons = [f"runs {times} times in one forward"] if times != 1 else ["gives no tensor"]
        for address in addresses:
            form = form_at(address)
            if isinstance(form, Form) and form.kind == (layout if layout != "auto" else form.kind) != VECTOR:
                found.append(address)
            else:
                reasons = [form.reason if isinstance(form, NoForm) else f"gives {AXES[form.kind]}"]
        if not any(module_of(address) == path for address in found) and list(module.get_submodule(path).children()):
            others[path] = reasons[-1]
    return sorted(found, key=lambda address: traced.outputs[address].order), others


def check_layers(names: Sequence[str], traced: Trace) -> None:
    """Nothing, if every name is the address of an output, and they come in this order.

    Raises:
        UserError: naming the first layer that does not exist, never runs, gives no tensor of its own, or runs more
            than once in a forward.
    """
    for name in names:
        if name in traced.outputs:
            continue
        times = traced.times.get(name, 0)
        if times > 1:
            raise UserError(
                f"layer {name} runs {times} times in one forward: name the block around it, or one of its calls, "
                f"{name}:call1 to {name}:call{times}"
            )
        inside = [address for address in traced.outputs if module_of(address) == module_of(name)]
        if name in traced.times:
            choose = f"one of its parts, {first_names(inside, 6)}" if inside else "a module inside or around it"
            raise UserError(f"layer {name} gives no tensor of its own: choose {choose}")
        near = ", ".join(inside or nearest_first(name, traced.times)[:6])
        raise UserError(f"there is no layer {name} in this network, or it never runs; the nearest are {near}")
    for earlier, later in zip(names, names[1:], strict=False):
        if traced.outputs[earlier].order >= traced.outputs[later].order:
            raise UserError(f"layers are listed from early to late, but {later} runs before {earlier}")


def trusted_layers(names: Sequence[str], traced: Trace, random_keys: Sequence[str]) -> list[str]:
    """The layers that run before any module whose weights stayed at random."""
    owners = {key.rpartition(".")[0] for key in random_keys}
    first_random = min((traced.first[owner] for owner in owners if owner in traced.first), default=None)
    if first_random is None:
        return list(names)
    return [name for name in names if traced.outputs[name].order < first_random]
