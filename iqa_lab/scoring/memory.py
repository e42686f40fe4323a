"""How this process deals with the memory of large, short-lived tensors, and how much of it there is."""

import ctypes
import os
import platform
import resource
import sys
from contextlib import suppress
from pathlib import Path

import torch

# options of glibc's mallopt(3)
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1

_STATUS = Path("/proc/self/status")  # Linux only


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next tensor instead of handing it back to the kernel.

    glibc maps every large block afresh, and the kernel fills it with zeros page by page. Responses are tens of
    megabytes, made and dropped by the thousand: that costs a third of a forward on a CPU, and more of a readout. The
    price is that the process stays as large as it was at its peak. Elsewhere than on glibc this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)


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


def free_memory(device: torch.device) -> int:
    """Bytes that this process may still take on the device.

    On a CPU the memory that the kernel calls available, or what the process's control group leaves, if that is less.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [_available_on_machine()]
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):  # no control group, or one without a limit
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return max(0, min(limits))


def _available_on_machine() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
        return 1024 * kib
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, on whatever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)
