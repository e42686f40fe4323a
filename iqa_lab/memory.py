"""How this process deals with the memory of large, short-lived tensors."""

import ctypes
import platform

# options of glibc's mallopt(3)
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


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
