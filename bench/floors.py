"""What forbids to be faster: the work that readouts cannot do without, by the fastest means at hand and nothing else.

`plain` has to decode images and to read what two of them give. All readouts have to multiply the channels with each
other (`gram`) and to put them into order (`wasserstein`, `jsd`), too. Here that is done alone, on responses that lie
ready, by torch's products of matrices and by the loops that sort; the floor of a ratio follows from the sum.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench.races import Bench, Line, last_layer, untrained
from iqa_lab.benchmarks.images import decode
from iqa_lab.readouts.loops import loops
from iqa_lab.readouts.moments import differences
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
            sorting(of_layers),
        )
    share = len(bench.pairs) / (len(batch) - 1)
    reading, multiplying, ordering = (share * time for time in times)
    parts = {
        "decoding": decoding,
        "reading (plain)": reading,
        "products of channels (gram)": multiplying,
        "sorting (wasserstein, jsd)": ordering,
    }
    of_plain = bare + decoding + reading
    return [
        *(Line(f"floor: {part}", architecture, time, bare, "bare forward") for part, time in parts.items()),
        Line("floor of plain", architecture, of_plain, bare, "bare forward", 0.90),
        Line("floor of every readout", architecture, of_plain + multiplying + ordering, bare, "bare forward", 0.60),
    ]


def products(of_layers: list[Tensor]) -> Callable[[], object]:
    """The one product that `gram` takes of each pair, or the three smaller ones, of what lies ready."""
    ready: list[tuple[Tensor, Tensor, int]] = []
    for values in of_layers:
        columns = values[1:].flatten(2).transpose(1, 2)  # [p, N, C]
        _, positions, channels = columns.shape
        if 6 * positions < channels:
            wide = columns.double()
            ready.append((wide, wide.transpose(1, 2), 3))
        else:
            ready.append((columns.transpose(1, 2), columns, 1))
    return lambda: [torch.bmm(left, right) for left, right, times in ready for _ in range(times)]


def sorting(of_layers: list[Tensor]) -> Callable[[], object]:
    """Every channel of every distorted image put into order."""
    compiled = loops("order")
    assert compiled is not None
    ready = [values[1:].flatten(2).transpose(1, 2).numpy() for values in of_layers]
    ordered = [np.empty(values.shape[:0:-1], np.float32) for values in ready]

    def sort() -> None:
        for images, result in zip(ready, ordered, strict=True):
            for image in images:
                compiled.sort_channels(image, result, 0, len(result))

    return sort
