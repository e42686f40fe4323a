"""What forbids to be faster: the work that readouts cannot do without, by the fastest means at hand and nothing else.

`plain` has to decode images and to read what two of them give. All readouts have to multiply the channels with each
other (`gram`) and to put them into order (`wasserstein`, `jsd`), too. Here that is done alone, on responses that lie
ready, by torch's products of matrices and by the loops that sort as far as they have to; the floor of a ratio follows
from the sum.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench.races import Bench, Line, last_layer, untrained
from iqa_lab.benchmarks.images import decode
from iqa_lab.loops import loops
from iqa_lab.readouts.moments import differences
from iqa_lab.readouts.order import sort_positions
from iqa_lab.scoring.forward import read_layers


def floors(bench: Bench, architecture: str) -> list[Line]:
    """The bare forward over itself with the least that `plain`, and all readouts, have to do besides.

    Decoding and the forward are of all images; the rest is of one batch, a reference and its distorted images, and is
    scaled to all pairs.
    """
    network, plan = untrained(architecture)
    responses: dict[str, Tensor] = {}

    def keep(layer: str, output: Tensor | None) -> None:
        assert output is not None
        responses[layer] = output.float().clone(memory_format=torch.preserve_format)

    batch = bench.decoded()[: bench.settings.batch_size]
    read_layers(network, batch, [layer for column in plan.passed for layer in column.terms], bench.settings, keep)
    of_layers = list(responses.values())
    paths = dict.fromkeys([*bench.pairs["reference_path"], *bench.pairs["distorted_path"]])
    with torch.inference_mode():
        bare, decoding, *times = bench.race(
            bench.bare(network, last_layer(network)),
            lambda: [decode(path, thorough=False).pixels for path in paths],  # as a pass over what was examined
            lambda: [differences([values[:1]], [values[1:]]) for values in of_layers],
            products(of_layers),
            ordering(of_layers),
        )
    share = len(bench.pairs) / (len(batch) - 1)
    reading, multiplying, in_order = (share * time for time in times)
    parts = {
        "decoding": decoding,
        "reading (plain)": reading,
        "products of channels (gram)": multiplying,
        "values in order (wasserstein, jsd)": in_order,
    }
    of_plain = bare + decoding + reading
    return [
        *(Line(f"floor: {part}", architecture, time, bare, "bare forward") for part, time in parts.items()),
        Line("floor of plain", architecture, of_plain, bare, "bare forward", 0.90),
        Line("floor of every readout", architecture, of_plain + multiplying + in_order, bare, "bare forward", 0.60),
    ]


def products(of_layers: list[Tensor]) -> Callable[[], object]:
    """The one product that `gram` takes of each pair, or the two smaller ones, of what lies ready."""
    ready: list[tuple[Tensor, Tensor, int]] = []
    for values in of_layers:
        columns = values[1:].flatten(2).transpose(1, 2)  # [p, N, C]
        _, positions, channels = columns.shape
        if 3 * positions < channels:
            ready.append((columns, columns.transpose(1, 2), 2))
        else:
            ready.append((columns.transpose(1, 2), columns, 1))
    return lambda: [torch.bmm(left, right) for left, right, times in ready for _ in range(times)]


def ordering(of_layers: list[Tensor]) -> Callable[[], object]:
    """How far every channel of the distorted images is from the reference's in order, which lies ready."""
    compiled = loops("order")
    assert compiled is not None
    ready = [
        (sort_positions(values[:1])[0].numpy(), values[1:].flatten(2).transpose(1, 2).numpy()) for values in of_layers
    ]
    nothing = np.empty(0)

    def order() -> None:
        for reference, images in ready:
            sums = np.zeros((2, len(images)))
            compiled.compare_channels(reference, images, 0, len(reference), nothing, False, *sums)

    return order
