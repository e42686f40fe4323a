"""Tokens -> whether they stand in the order of an image's rows, tried with a change at a few places of an image.

Some networks keep their tokens in another order (Hiera by groups, Vim with the class token in the middle); a map made
of them row by row would be scrambled.
"""

import torch
from torch import Tensor, nn

from iqa_lab.networks.forms import Form, grid_of
from iqa_lab.networks.network import call_of, module_of, part_of
from iqa_lab.networks.trace import Trace

# rows and columns by which attention and convolutions before the layer may move the largest change
_NEAR = 1


class _Seen(Exception):
    """The output is there: the rest of the forward is not needed."""


def in_rows(module: nn.Module, channels: int, traced: Trace, address: str, form: Form) -> bool:
    """Whether a change of one patch changes most the token of that row and column, or one beside it.

    For the first tokens that a network gives: deeper, a change may be largest anywhere. True where nothing can be
    tried: on the meta device, and where no token changes.

    Args:
        module: in evaluation mode.
        channels: of its input.
        traced: its trace.
        address: of the tokens in it.
        form: of the tokens.
    """
    if any(value.is_meta for value in module.state_dict().values()):
        return True
    assert form.patch is not None
    rows, columns = grid_of(traced.outputs[address], traced, form)
    places = [(0, 0), (0, columns - 1), (rows // 2, 0), (rows - 1, columns - 1)]
    images = torch.zeros(1 + len(places), channels, *traced.size)
    patch = torch.randn(channels, form.patch, form.patch, generator=torch.Generator().manual_seed(0))
    for image, (row, column) in zip(images[1:], places, strict=True):
        here = image[:, row * form.patch :, column * form.patch :][:, : form.patch, : form.patch]
        here.copy_(patch[:, : here.shape[1], : here.shape[2]])
    tokens = _output_at(module, images, address).float()
    change = (tokens[1:] - tokens[:1]).norm(dim=2)
    if not change.isfinite().all() or not change.max() > 0:
        return True
    for found, (row, column) in zip((change.argmax(1) - form.prefix).tolist(), places, strict=True):
        if found < 0 or abs(found // columns - row) > _NEAR or abs(found % columns - column) > _NEAR:
            return False
    return True


def _output_at(module: nn.Module, images: Tensor, address: str) -> Tensor:
    """The tensor that a module gives at an address of the trace; the forward ends there."""
    seen: list[object] = []

    def hook(_module: nn.Module, _inputs: object, output: object) -> None:
        seen.append(output)
        if len(seen) == call_of(address):
            raise _Seen

    handle = module.get_submodule(module_of(address)).register_forward_hook(hook)
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            module(images)
    except _Seen:
        pass
    finally:
        handle.remove()
    output = part_of(seen[-1], address)
    assert isinstance(output, Tensor)
    return output
