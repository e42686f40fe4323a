"""A network -> nothing, or an error: whether its response to an image is that image's alone, each time the same.

Dropout or batch normalisation in training mode, noise, a normalisation over the batch: such networks give scores like
any other, which depend on chance or on how images were put into batches.
"""

import random
from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch
from torch import Tensor

from iqa_lab.benchmarks.images import Decode, decode
from iqa_lab.errors import UnitFailed, UserError
from iqa_lab.networks.network import PIXELS, Network
from iqa_lab.progress import say
from iqa_lab.scoring.forward import forward, numerics, to_device
from iqa_lab.scoring.memory import is_out_of_memory
from iqa_lab.scoring.settings import Settings

# How far apart two responses to one image may be, as a part of their size (Euclidean norms of the whole response),
# since convolutions may be computed in another order in a batch of another size. In fp32 on a CPU it was nothing for
# most networks and 5e-7 at most (SqueezeNet's last layer, of ten kinds of networks); on a GPU algorithms may differ
# more. The other two round what is multiplied to 11 and 8 bits: four units of these. Batch normalisation in training
# mode moves responses by a tenth and more.
TOLERANCE = {"fp32": 1e-4, "tf32": 4 * 2.0**-11, "bf16": 4 * 2.0**-8}

# How often the same image is given again to a network that draws random numbers: a path that is dropped one time in
# ten is seen with a probability of 1 - .9^50 = .995.
REPEATS = 50


def check_steady(
    network: Network, path: str, layers: Collection[str], settings: Settings, decode: Decode = decode
) -> None:
    """Nothing, if responses to an image are the same alone, again, and twice among others.

    Args:
        network: any.
        path: of an image of the benchmark; the others are its inverse and noise.
        layers: those that are read.
        settings: device, precision, resize.
        decode: of the benchmark: reads a file, or makes a stimulus.

    Raises:
        UserError: naming the first layer whose responses differ.
        UnitFailed: naming the first layer whose responses are no finite numbers.
    """
    read = [layer for layer in layers if layer != PIXELS.name]
    if not read:
        return
    image = torch.from_numpy(decode(path, settings.resize).pixels.copy()).permute(2, 0, 1)[None]
    noise = np.random.default_rng(0).integers(0, 256, tuple(image.shape), dtype=np.uint8)
    alone = image.to(settings.device)
    # twice: whatever puts the images of a batch into another order moves at least one of the two
    among = torch.cat([255 - image, image, torch.from_numpy(noise), image]).to(settings.device)
    tolerance = TOLERANCE[settings.precision]
    seen: dict[str, Tensor] = {}

    def remember(layer: str, output: Tensor | None) -> None:
        assert output is not None
        if not output.isfinite().all():
            raise UnitFailed(f"layer {layer} gives NaN or infinity for {path}: its scores are no finite numbers")
        seen[layer] = output.clone()

    def same(places: Sequence[int], most: float, otherwise: str) -> Callable[[str, Tensor | None], None]:
        def compare(layer: str, output: Tensor | None) -> None:
            assert output is not None
            apart = max(_apart(seen[layer], output[place : place + 1]) for place in places)
            if apart > most:
                raise UserError(f"layer {layer} {otherwise} (they differ by {100 * apart:.2g} %)")

        return compare

    with numerics(settings.precision), torch.inference_mode():
        module = to_device(network.module, settings)
        before = _random_state(settings.device)
        forward(network, module, alone, read, remember, settings.precision)
        draws = before != _random_state(settings.device)
        # The same batch again is computed in the same order, whatever the precision: on a CPU no bit differed. Where
        # random numbers are drawn, any difference is chance.
        again = same([0], 0.0 if draws else TOLERANCE["fp32"], _BY_CHANCE)
        for _ in range(REPEATS if draws else 1):
            forward(network, module, alone, read, again, settings.precision)
        try:
            forward(network, module, among, read, same([1, 3], tolerance, _BY_BATCH), settings.precision)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            say("four images at once do not fit into memory: not checked whether batches matter", "yellow")


_BY_CHANCE = (
    "does not give the same responses to the same image again: dropout or noise is on. "
    "Its scores would be chance: switch it off in the network's constructor"
)
_BY_BATCH = (
    "gives other responses to an image among others than alone: batch normalisation in training mode, say. "
    "Its scores would depend on the batches: let the network's constructor switch it off"
)


def _apart(one: Tensor, other: Tensor) -> float:
    """The distance of two responses over the size of the first."""
    first, second = one.double(), other.double()
    distance, size = float((second - first).norm()), float(first.norm())
    return distance / size if size > 0 else distance and float("inf")


def _random_state(device: torch.device) -> tuple[object, ...]:
    """What changes when a random number is drawn from torch, NumPy or Python."""
    kind, keys, position, *_ = np.random.get_state(legacy=True)
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return (
        *(state.numpy().tobytes() for state in states),
        kind,
        np.asarray(keys).tobytes(),
        position,
        random.getstate(),
    )
