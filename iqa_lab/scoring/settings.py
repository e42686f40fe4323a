"""A configuration -> how the pass is made: device, batch size, decoding threads, precision, resize."""

import os
from dataclasses import dataclass, field

import numpy as np
import torch

from iqa_lab.benchmarks.images import Resize
from iqa_lab.config import Config
from iqa_lab.errors import UserError
from iqa_lab.scoring.resize import image_size_of

_LONGEST = 8192  # pixels of a resized image's side: a longer one is a slip, and fills the memory


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the pass is made. Only precision and resize may move a score.

    Raises:
        UserError: a value that no pass can be made with.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int = 8
    workers: int = 2
    precision: str = "fp32"  # fp32 | tf32 | bf16
    resize: Resize = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UserError(f"runtime.batch_size={self.batch_size}: a batch holds at least 1 image; or say auto")
        if self.workers < 1:
            raise UserError(f"runtime.workers={self.workers}: at least one thread has to decode the images")
        if self.precision not in ("fp32", "tf32", "bf16"):
            raise UserError(f"precision={self.precision}: choose fp32, tf32 or bf16")
        if (
            self.resize is not None
            and not 1 <= min(np.atleast_1d(self.resize)) <= max(np.atleast_1d(self.resize)) <= _LONGEST
        ):
            raise UserError(f"preprocess.resize={self.resize}: a side has at least 1 pixel, and at most {_LONGEST}")


def pass_settings(config: Config, batch_size: int) -> Settings:
    """How the images go through the network, ``batch_size`` at once.

    Raises:
        UserError: a value that no pass can be made with, or a device that is not there.
    """
    device = device_named(config.runtime.device)
    workers = config.runtime.workers
    return Settings(
        device=device,
        batch_size=batch_size,
        workers=_usual_workers(device) if workers == "auto" else workers,
        precision=config.precision,
        resize=image_size_of(config),
    )


def _usual_workers(device: torch.device) -> int:
    """For a GPU more, since it is fast and each has a process; at most as many as there are cores."""
    return min(8, os.cpu_count() or 1) if device.type == "cuda" else 2


def device_named(name: str) -> torch.device:
    """The device of this name; ``auto`` is a GPU where there is one.

    Raises:
        UserError: it is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # of the device called meta nothing has a value
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"runtime.device={name} is not to be had here: {str(error).splitlines()[0]}") from error
    return device
