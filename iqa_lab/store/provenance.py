"""How a result came about: versions and device."""

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

_PACKAGES = ("iqa-lab", "torch", "torchvision", "timm", "numpy", "scipy", "pandas", "pillow", "scikit-image")


def circumstances(device: torch.device, batch_size: int) -> dict[str, Any]:
    """The machine and the programs of a run, for its ``result.json``."""
    return {
        "device": f"{device} {kind_of(device)}",
        "threads": torch.get_num_threads(),
        "batch_size": batch_size,
        "versions": {"python": platform.python_version(), **package_versions()},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def kind_of(device: torch.device) -> str:
    """What a device is, whichever of its kind: the name of a GPU, or the instructions that a CPU is computed with."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def package_versions() -> dict[str, str]:
    """The versions of the packages that make a score."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
