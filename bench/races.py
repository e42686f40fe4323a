"""Networks, images and settings -> milliseconds an image of ours and of its rivals, taken in turns."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from iqa_lab.benchmarks.images import decode
from iqa_lab.config import Config, configuration_folder, register_schema
from iqa_lab.networks import Network, build_network
from iqa_lab.scoring.columns import Plan, plan_columns
from iqa_lab.scoring.forward import forward, numerics, to_device
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings

MEASURED = Path(__file__).parent / "measured"


@dataclass(frozen=True)
class Line:
    """One comparison: milliseconds an image of ours and of its rival (or MiB); the ratio is rival over ours."""

    what: str
    network: str
    ours: float
    rival: float
    against: str
    target: float | None = None
    unit: str = "ms/image"

    @property
    def ratio(self) -> float:
        """How many times faster, or smaller, ours is."""
        return self.rival / self.ours


@dataclass(frozen=True)
class Bench:
    """What all lines share."""

    settings: Settings
    pairs: pd.DataFrame
    rounds: int
    warm: bool = True  # with a round before those that count
    clock: str = "wall"  # or processor: the time of this process, which others on the machine move less

    @property
    def images(self) -> int:
        """Number of distinct images."""
        return len(self.pairs) + self.pairs["reference_path"].nunique()

    def decoded(self) -> torch.Tensor:
        """All distinct images, ``[B, 3, H, W]`` uint8."""
        paths = dict.fromkeys([*self.pairs["reference_path"], *self.pairs["distorted_path"]])
        return torch.from_numpy(np.stack([decode(path).pixels for path in paths])).permute(0, 3, 1, 2)

    def race(self, *runners: Callable[[], object]) -> list[float]:
        """The median milliseconds an image of each runner, taken in turns."""
        times: list[list[float]] = [[] for _ in runners]
        now = perf_counter if self.clock == "wall" else process_time
        for number in range(self.rounds + self.warm):
            for place, run in enumerate(runners):
                start = now()
                run()
                self.synchronise()
                if number >= self.warm:
                    times[place].append(1e3 * (now() - start) / self.images)
        return [median(entries) for entries in times]

    def synchronise(self) -> None:
        """Wait for a GPU."""
        if self.settings.device.type == "cuda":
            torch.cuda.synchronize()

    def passes(self, network: Network, plan: Plan, **how: Any) -> Callable[[], object]:
        """The pass with all that a plan reads."""
        settings = replace(self.settings, **how)
        return lambda: score(network, self.pairs, plan.passed, settings, plan.channel_layers)

    def bare(self, network: Network, last: str, **how: Any) -> Callable[[], object]:
        """Forwards of the same images in the same batches, up to the layer ``last``."""
        settings, images = replace(self.settings, **how), self.decoded()

        def run() -> None:
            with numerics(settings.precision), torch.inference_mode():
                module = to_device(network.module, settings)  # once, as a pass does
                for batch in images.split(settings.batch_size):
                    forward(network, module, batch.to(settings.device), [last], _nothing, settings.precision)

        return run


def _nothing(_layer: str, _output: object) -> None:
    """A layer is read, and nothing of it."""


def configured(*overrides: str) -> Config:
    """The configuration of these overrides."""
    register_schema()
    with initialize_config_dir(str(configuration_folder()), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", overrides=list(overrides)))
    assert isinstance(config, Config)
    return config


def untrained(architecture: str, *overrides: str) -> tuple[Network, Plan]:
    """A seeded random network, and what a run of it reads."""
    config = configured("goal=untrained", "dataset=none", f"architecture={architecture}", *overrides)
    network = build_network(config)
    return network, plan_columns(config, network)


def last_layer(network: Network) -> str:
    """The layer that runs last."""
    return network.layers[-1].name


def machine(device: torch.device) -> str:
    """The name of the processor that computes."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
