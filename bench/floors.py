"""What forbids to be faster: the work that readouts cannot do without, by the fastest means at hand and nothing else.

`plain` has to decode images and to read what two of them give. All readouts have to sum up more of it, to multiply the
channels with each other (`gram`) and to put them into order (`wasserstein`, `jsd`). Here each is done alone, on
responses that lie ready, by the fastest means at hand, which are our own loops; the floor of a ratio follows from the
sum.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bench.races import Bench, Line, last_layer, untrained
from iqa_lab.benchmarks.images import decode
from iqa_lab.loops import loops
from iqa_lab.readouts.moments import FEW_CHANNELS, differences, moments
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
        responses[layer] = output.clone(memory_format=torch.preserve_format)

    batch = bench.decoded()[: bench.settings.batch_size]
    read_layers(network, batch, [layer for column in plan.passed for layer in column.terms], bench.settings, keep)
    given = list(responses.values())  # pixels as bytes
    of_layers = [values.float() for values in given]
    paths = dict.fromkeys([*bench.pairs["reference_path"], *bench.pairs["distorted_path"]])
    with torch.inference_mode():
        bare, decoding, *times = bench.race(
            bench.bare(network, last_layer(network)),
            lambda: [decode(path, thorough=False).pixels for path in paths],  # as a pass over what was examined
            lambda: [differences([values[:1]], [values[1:]]) for values in given],
            sums(of_layers),
            products(of_layers),
            ordering(of_layers),
        )
    share = len(bench.pairs) / (len(batch) - 1)
    reading, summing, multiplying, in_order = (share * time for time in times)
    parts = {
        "decoding": decoding,
        "reading (plain)": reading,
        "reading (sums for nine readouts)": summing,
        "products of channels (gram)": multiplying,
        "values in order (wasserstein, jsd)": in_order,
    }
    of_plain, of_all = bare + decoding + reading, bare + decoding + summing + multiplying + in_order
    return [
        *(Line(f"floor: {part}", architecture, time, bare, "bare forward") for part, time in parts.items()),
        Line("floor of plain", architecture, of_plain, bare, "bare forward", 0.90),
        Line("floor of every readout", architecture, of_all, bare, "bare forward", 0.60),
    ]


def products(of_layers: list[Tensor]) -> Callable[[], object]:
    """What `gram` takes of each pair, of what lies ready: of few channels a product of matrices, else our loop."""
    compiled = loops("matrices")
    assert compiled is not None
    ready = []
    for values in of_layers:
        rows = values.flatten(2).transpose(1, 2).contiguous()  # [1 + p, N, C]
        _, positions, channels = rows.shape
        if channels < FEW_CHANNELS:
            ready.append(partial(torch.bmm, rows[1:].transpose(1, 2), rows[1:]))
            continue
        loop = compiled.squares_apart if channels <= 2 * positions else compiled.squares_from_positions
        found = np.empty((len(rows) - 1, 3))
        first = found[:, 0].copy() if loop is compiled.squares_apart else found
        ready.append(partial(loop, rows[0].numpy(), rows[1:].numpy(), 0, len(rows) - 1, first))
    return lambda: [product() for product in ready]


def sums(of_layers: list[Tensor]) -> Callable[[], object]:
    """The sums that nine readouts are made of, from one read of what lies ready."""
    return lambda: [moments([values[:1]], [values[1:]]) for values in of_layers]


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
