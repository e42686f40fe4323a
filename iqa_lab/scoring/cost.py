"""What a pass will take: the size of its batches, memory and time, found out from its first images."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iqa_lab.benchmarks import Benchmark
from iqa_lab.benchmarks.index import look_at
from iqa_lab.config import Config
from iqa_lab.errors import UserError, counted
from iqa_lab.networks import Network
from iqa_lab.progress import duration, gibibytes, say
from iqa_lab.scoring.batches import number_of_images
from iqa_lab.scoring.columns import Plan
from iqa_lab.scoring.forward import layer_shapes
from iqa_lab.scoring.memory import free_memory, peak_memory_mib
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings, pass_settings
from iqa_lab.scoring.steady import check_steady

# On a CPU 32 images of 384 x 256 at once took 3 to 4 % less than 16 with all readouts of MobileNetV2, 64 another 2 to
# 4 %; more take more memory, and longer until something is seen. An H200 forwarded 256 at once up to 1.8 times as fast
# as 64, and started as many kernels for either. Of patches of 64 x 64 as many pixels at once are several times faster
# than as many images.
LARGEST_BATCH = {"cpu": 64, "cuda": 256}
# On a CPU bytes of a batch's largest response: of 64 such images for MobileNetV2, of 26 for VGG-16, which gains nothing
# from more.
LARGEST_RESPONSE = 640 * 2**20
_USUAL_PIXELS = 384 * 256
_MOST_IMAGES = 512

# Beside the largest response of a forward: its input, the convolution's own work space, sorted copies of readouts.
COPIES = 6

# Scores in float64 and float32, in a table, and ranked for statistics.
_COPIES_OF_SCORES = 6

# A pass is tried on a batch, or on one of so many pairs where they are few: twice, for little beside the pass itself.
TRIAL = 20

# Of the memory that is free: the rest is for decoded images, and for whoever else is there.
SHARE = 0.5


def choose_batch_size(plan: Plan, network: Network, benchmark: Benchmark, settings: Settings) -> int:
    """How many images to forward at once: as many as the processor likes and the memory holds."""
    of_image = bytes_per_image(network, benchmark, settings)
    free = SHARE * free_memory(settings.device) - kept_bytes(plan, network, benchmark, settings)
    fits = int(free / (COPIES * of_image))
    if settings.device.type == "cpu":
        fits = min(fits, LARGEST_RESPONSE // of_image)
    height, width, _ = benchmark.decode(benchmark.pairs["reference_path"].iloc[0], settings.resize).pixels.shape
    smaller = max(1.0, _USUAL_PIXELS / (height * width))
    liked = min(_MOST_IMAGES, int(LARGEST_BATCH.get(settings.device.type, 8) * smaller))
    return max(1, min(fits, liked))


def bytes_per_image(network: Network, benchmark: Benchmark, settings: Settings) -> int:
    """The largest output of any module for the benchmark's first image, from a real forward."""
    largest = 0

    def look(_module: torch.nn.Module, _inputs: object, output: object) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, 4 * output.numel())

    handles = [part.register_forward_hook(look) for part in network.module.modules()]
    try:
        path = benchmark.pairs["reference_path"].iloc[0]
        shapes = layer_shapes(network, path, layers_read(network), settings, benchmark.decode)
    finally:
        for handle in handles:
            handle.remove()
    return max([largest, *(4 * torch.Size(shape).numel() for shape in shapes.values())])


def layers_read(network: Network) -> list[str]:
    """All layers of a network, or those that a baseline compares; and the pixels."""
    own = [layer.name for layer in network.layers] if network.terms is None else list(network.terms)
    return list(dict.fromkeys(["pixels", *own]))


def layers_of(plan: Plan) -> set[str]:
    """The layers that a plan reads."""
    return {layer for column in plan.passed for layer in column.terms} | set(plan.channel_layers)


def kept_bytes(plan: Plan, network: Network, benchmark: Benchmark, settings: Settings) -> int:
    """What stays in memory from batch to batch: one reference's responses, as they are and in order; differences."""
    path = benchmark.pairs["reference_path"].iloc[0]
    shapes = layer_shapes(network, path, layers_of(plan), settings, benchmark.decode)
    reference = sum(2 * 4 * torch.Size(shape).numel() for shape in shapes.values())
    channels = sum(4 * shapes[layer][1] * len(benchmark.pairs) for layer in plan.channel_layers)
    return reference + channels


def announce(title: str, plan: Plan, network: Network, benchmark: Benchmark, settings: Settings) -> None:
    """Say what will be done, how much memory it takes and about how long.

    Raises:
        UserError: the network's responses depend on chance or on the batch.
    """
    pairs = f"{len(benchmark.pairs)} of {counted(benchmark.n_expected, 'pair')}"
    say(f"{title}: {pairs}, {foreseen_cost(plan, network, benchmark, settings)}")


def foreseen_cost(plan: Plan, network: Network, benchmark: Benchmark, settings: Settings) -> str:
    """What a pass will take, in words: forwards, columns, memory, time; from a few images, really scored.

    Raises:
        UserError: the network's responses depend on chance or on the batch.
    """
    check_steady(network, benchmark.pairs["reference_path"].iloc[0], layers_of(plan), settings, benchmark.decode)
    images = number_of_images(benchmark.pairs)
    pixels = pixels_of(benchmark, settings)
    largest = _tried(pixels, settings)
    few = benchmark.pairs.iloc[largest].reset_index(drop=True)
    # the second of two: in the first the processor and the memory are cold
    trial = [
        score(network, few, plan.passed, settings, plan.channel_layers, decode=benchmark.decode) for _ in range(2)
    ][-1]
    share = float(pixels.mean() / pixels[largest].mean())  # large images take longer
    memory = foreseen_memory(plan, network, benchmark, settings)
    return (
        f"{counted(images, 'forward')}, {counted(len(plan.definitions), 'column')}, batches of {settings.batch_size}, "
        f"at most about {gibibytes(memory)} and "
        f"{duration(share * trial.seconds / max(1, trial.forwards) * images)} on {settings.device}"
    )


def _tried(pixels: NDArray[np.float64], settings: Settings) -> NDArray[np.int64]:
    """The places of the pairs that are tried: those with the largest images; of one size the first ones."""
    most = min(settings.batch_size - 1, len(pixels) // TRIAL)
    return np.argsort(-pixels, kind="stable")[: max(1, most)]


def pixels_of(benchmark: Benchmark, settings: Settings) -> NDArray[np.float64]:
    """How many pixels the images of every pair have in the pass, ``[n]``."""
    if benchmark.experiment is not None:  # stimuli of one size
        return np.ones(len(benchmark.pairs))
    paths = benchmark.pairs["reference_path"].tolist()
    seen = look_at(paths, benchmark.config.name).set_index("path").loc[paths]
    height, width = seen["height"].to_numpy(float), seen["width"].to_numpy(float)
    if isinstance(settings.resize, tuple):
        return np.full(len(paths), float(np.prod(settings.resize)))
    scale = 1.0 if settings.resize is None else settings.resize / np.minimum(height, width)
    return np.asarray(height * width * scale**2)


# Beyond the trial's peak: what the allocator does not find again among freed pieces, and the statistics.
_MARGIN, _LEAST_MARGIN = 0.1, 192 * 2**20


def foreseen_memory(plan: Plan, network: Network, benchmark: Benchmark, settings: Settings) -> int:
    """Bytes that the process will have held at its peak; on a GPU bytes of the GPU.

    The trial has just scored some of the largest images, so that everything is counted that is there already: Python,
    torch, the weights. What a whole pass adds are the other images of a batch, scores, the channels' differences and
    images that wait.
    """
    so_far = peak_memory_mib(settings.device) * 2**20
    pixels = pixels_of(benchmark, settings)
    tried = len(_tried(pixels, settings)) + 1
    others = max(0, min(settings.batch_size, number_of_images(benchmark.pairs)) - tried)
    larger = float(pixels.max() / pixels[0])
    batch = int(COPIES * others * larger * bytes_per_image(network, benchmark, settings)) if others else 0
    pairs, columns = len(benchmark.pairs), len(plan.definitions)
    path = benchmark.pairs["reference_path"].iloc[0]
    shapes = layer_shapes(network, path, layers_of(plan), settings, benchmark.decode)
    channels = sum(4 * shapes[layer][1] * pairs for layer in plan.channel_layers)
    scores = _COPIES_OF_SCORES * 8 * pairs * columns
    height, width = shapes["pixels"][2:] if "pixels" in shapes else (0, 0)
    waiting = 3 * (3 * settings.batch_size + settings.workers) * height * width if settings.device.type == "cpu" else 0
    margin = max(_LEAST_MARGIN, int(_MARGIN * so_far)) if settings.device.type == "cpu" else int(_MARGIN * so_far)
    return so_far + batch + scores + 2 * channels + waiting + margin


def settings_of(config: Config, network: Network, benchmark: Benchmark, plan: Plan) -> Settings:
    """How the pass is made, with the batch size that the configuration asks for or, where it says auto, a fitting one.

    Raises:
        UserError: a value that no pass can be made with, or a device that is not there.
    """
    size = config.runtime.batch_size
    if size != "auto" and (not isinstance(size, int) or isinstance(size, bool)):
        raise UserError(f"runtime.batch_size={size}: give a number of images, or auto")
    if size != "auto":
        return pass_settings(config, size)
    settings = pass_settings(config, 1)
    return replace(settings, batch_size=choose_batch_size(plan, network, benchmark, settings))
