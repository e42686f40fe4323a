"""How a result came about: versions, device, memory."""

import platform
import resource
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("iqa-lab", "torch", "torchvision", "timm", "numpy", "scipy", "pandas", "pillow", "scikit-image")
_STATUS = Path("/proc/self/status")  # Linux only


def circumstances(device: torch.device, batch_size: int) -> dict[str, Any]:
    """The machine and the programs of a run, for its ``result.json``."""
    return {
        "device": _device_name(device),
        "threads": torch.get_num_threads(),
        "batch_size": batch_size,
        "versions": {"python": platform.python_version(), **package_versions()},
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def peak_memory_mib(device: torch.device) -> int:
    """The most memory that this process has held so far: on the GPU if it used one, else in all."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) // 2**20
    if _STATUS.is_file():  # a child's ru_maxrss begins with the memory of whoever started it, this does not
        lines = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="utf-8").splitlines() if ":" in line)
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) // 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (2**20 if sys.platform == "darwin" else 2**10))  # bytes there, KiB elsewhere


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} {torch.cuda.get_device_name(device)}"
    return f"{device} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def package_versions() -> dict[str, str]:
    """The versions of the packages that make a score."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
