"""A network and the layers that a metric reads -> the tensors that nothing of it needs, and the network without them.

A forward ends behind the last layer that is read, so that later layers and the classifier never run. What runs is seen
in forwards of two sizes: every operation of torch says which tensors it takes. A module is kept as a whole where one of
its tensors is taken. The rest is left out only where the layers give the same bits without it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.networks.network import PIXELS, Network
from iqa_lab.networks.trace import SECOND_SIZES, TRACE_SIDE
from iqa_lab.scoring.forward import forward, numerics

Responses = list[tuple[str, Tensor]]


def left_out(network: Network, layers: Sequence[str], precision: str) -> list[str]:
    """The names of a network's tensors that these layers do not need; none where it cannot be told.

    Args:
        network: with its weights; unchanged afterwards. Of a baseline, whose readout has weights of its own, everything
            is needed, and so is everything of a module that was compiled by TorchScript, whose operations are not seen.
        layers: that are read.
        precision: ``fp32`` or ``tf32``.
    """
    module = network.module
    if network.terms is not None or any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        return []
    with _Seen() as seen:
        expected = _responses(network, layers, precision)
    tensors = module.state_dict(keep_vars=True)
    touched = {_owner(key) for key, values in tensors.items() if _place(values) in seen.places}
    unused = [key for key in tensors if _owner(key) not in touched]
    # nothing that runs was seen: its operations are hidden
    if not touched and any(layer != PIXELS.name for layer in layers):
        return []
    try:
        with _without(module, unused):
            found = _responses(network, layers, precision)
    except (UserError, LookupError) as error:
        pass_on_interrupt(error)
        return []
    same = len(found) == len(expected) and all(
        a[0] == b[0] and a[1].equal(b[1]) for a, b in zip(found, expected, strict=True)
    )
    return unused if same else []


def take_out(module: nn.Module, names: Sequence[str]) -> None:
    """Remove tensors from a module: it has no such weights any more, and fails where it would need them.

    Args:
        module: is changed.
        names: as of its ``state_dict``.

    Raises:
        LookupError: it has no tensor of such a name.
    """
    for name in names:
        _slots(module, name)[name.rpartition(".")[2]] = None


@contextmanager
def _without(module: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """The module without these tensors, which come back afterwards."""
    slots = [(_slots(module, name), name.rpartition(".")[2]) for name in names]
    kept = [(slot, name, slot[name]) for slot, name in slots]
    try:
        take_out(module, names)
        yield
    finally:
        for slot, name, values in kept:
            slot[name] = values


def _slots(module: nn.Module, name: str) -> dict[str, Any]:
    """Where a module keeps the tensor of this name."""
    path, _, attribute = name.rpartition(".")
    try:
        owner = module.get_submodule(path)
    except AttributeError as error:
        raise LookupError(name) from error
    found = next((slots for slots in (owner._parameters, owner._buffers) if attribute in slots), None)
    if found is None:
        raise LookupError(name)
    return found


def _responses(network: Network, layers: Sequence[str], precision: str) -> Responses:
    """The responses of all layers to noise of two sizes, or of the one that the network takes."""
    side = network.image_size
    sizes = [(side, side)] if side else [(TRACE_SIDE, TRACE_SIDE), *SECOND_SIZES]
    device = next((values.device for values in network.module.parameters()), torch.device("cpu"))
    found: Responses = []

    def keep(layer: str, output: Tensor | None) -> None:
        assert output is not None
        found.append((layer, output.clone()))

    with torch.no_grad(), numerics(precision), torch.random.fork_rng(devices=[]):
        for number, size in enumerate(sizes):
            images = torch.randint(0, 256, (1, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
            try:
                forward(network, network.module, images.to(device), layers, keep, precision)
            except UserError as error:
                pass_on_interrupt(error)
                if not number:  # some networks take no second size
                    raise
    return found


class _Seen(TorchDispatchMode):
    """Remembers where the tensors lie that operations take."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.places: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The operation itself."""
        del types
        self.places |= {_place(one) for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        return func(*args, **(kwargs or {}))


def _place(values: Tensor) -> int:
    """Of a tensor's memory; views share it."""
    return values.untyped_storage().data_ptr()


def _owner(name: str) -> str:
    """The path of the module that a tensor belongs to."""
    return name.rpartition(".")[0]
