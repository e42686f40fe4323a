"""Tokens -> whether they stand in the order of an image's rows, tried with a change at a few places of an image.

Some networks keep their tokens in another order (Hiera by groups, Vim with the class token in the middle); a map made
of them row by row would be scrambled.
"""

import torch
from torch import Tensor, nn

from iqa_lab.networks.forms import TOKENS, Form, NoForm
from iqa_lab.networks.network import call_of, module_of, part_of
from iqa_lab.networks.trace import Trace

# rows and columns by which attention and convolutions before the layer may move the largest change, on large grids
_NEAR = 1
_LARGE = 6


class _Seen(Exception):
    """The output is there: the rest of the forward is not needed."""


class TokenOrder:
    """Whether tokens stand in rows: tried once for the network, or once for each number of tokens.

    The first ones are tried because a change of a patch shows there at that patch; deeper, it may show anywhere.
    """

    def __init__(self, module: nn.Module, channels: int, traced: Trace, declared: bool) -> None:
        """Nothing is run yet.

        Args:
            module: in evaluation mode.
            channels: of its input.
            traced: its trace.
            declared: tokens are known to be tokens; else, at one image size, every number of them is tried.
        """
        self.module, self.channels, self.traced = module, channels, traced
        self.once = declared or traced.second_size is not None
        self.tried: dict[object, bool] = {}

    def checked(self, address: str, found: Form | NoForm) -> Form | NoForm:
        """What was found of an output from its shape, if a change of the image does not show otherwise.

        Args:
            address: of the output in the trace.
            found: tokens on a grid; or why there are none, with what they could be.
        """
        doubtful = isinstance(found, NoForm)
        form = found.perhaps if isinstance(found, NoForm) else found
        if form is None or form.kind != TOKENS or any(value.is_meta for value in self.module.state_dict().values()):
            return found
        key = (doubtful, form.channels, form.patch, form.prefix) if not self.once else None
        if key not in self.tried:
            output = _output_at(self.module, self._images(form), address)
            self.tried[key] = self._in_rows(output, form)
            if isinstance(found, NoForm) and found.otherwise is not None:
                exchanged = _output_at(self.module, self._images(found.otherwise), address).mT
                self.tried[key] &= not self._in_rows(exchanged, found.otherwise)
        if self.tried[key]:
            return form
        advice = "" if self.once else ", as far as a change of the image shows (else say architecture.layout=tokens)"
        return (
            found
            if doubtful
            else NoForm(f"gives tokens that do not stand row by row behind {form.prefix} others{advice}")
        )

    def _places(self, form: Form) -> tuple[int, list[tuple[int, int]]]:
        """The number of columns, and the rows and columns where the image is changed."""
        assert form.patch is not None
        rows, columns = (-(-side // form.patch) for side in self.traced.size)
        return columns, [(0, 0), (0, columns - 1), (rows // 2, 0), (rows - 1, columns - 1)]

    def _images(self, form: Form) -> Tensor:
        """An image of noise, and the same changed at one patch, for each of the places."""
        assert form.patch is not None
        _, places = self._places(form)
        generator = torch.Generator().manual_seed(0)
        # noise, since a network that normalises would blow up the faintest trace of a change on black
        images = torch.randn(1, self.channels, *self.traced.size, generator=generator).repeat(1 + len(places), 1, 1, 1)
        patch = 2 * torch.randn(self.channels, form.patch, form.patch, generator=generator)
        for image, (row, column) in zip(images[1:], places, strict=True):
            here = image[:, row * form.patch :, column * form.patch :][:, : form.patch, : form.patch]
            here += patch[:, : here.shape[1], : here.shape[2]]
        return images

    def _in_rows(self, tokens: Tensor, form: Form) -> bool:
        """Whether each change is largest at the token of its row and column, or beside it."""
        columns, places = self._places(form)
        near = _NEAR if columns >= _LARGE else 0
        change = (tokens[1:] - tokens[:1]).float().norm(dim=2)
        if not change.isfinite().all() or not (change.amax(1) > 0).all():
            return False
        return all(
            found >= 0 and abs(found // columns - row) <= near and abs(found % columns - column) <= near
            for found, (row, column) in zip((change.argmax(1) - form.prefix).tolist(), places, strict=True)
        )


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
