"""Whether loops can be compiled here, and how: the one switch between Numba and plain torch.

Where Numba cannot be had, or ``IQA_LAB_KERNELS=off`` is set, the readouts' own definitions in torch do the same work,
several times slower; tests hold the two together.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

import torch

from iqa_lab.progress import say

Function = TypeVar("Function", bound=Callable[..., Any])

# sums may be added up in another order and products be fused with sums; NaN and infinity stay what they are
_FREEDOM = {"reassoc", "contract", "nsz"}


@cache
def kernels() -> ModuleType | None:
    """The compiled loops; None where they cannot be had, which is said once."""
    if os.environ.get("IQA_LAB_KERNELS", "on") == "off":
        return None
    try:
        from iqa_lab.readouts import kernels as module
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())[:100]
        say(f"Numba cannot be imported, so readouts are several times slower: {reason}", "yellow")
        return None
    return module


def compile_loop(function: Function) -> Function:
    """The function, compiled when it is first called, and kept on the disk for other processes where that can be."""
    from numba import njit

    how = {"nogil": True, "fastmath": _FREEDOM, "error_model": "numpy"}
    try:
        compiled = njit(cache=True, **how)(function)
    except RuntimeError:  # there is no folder that can be written
        compiled = njit(**how)(function)
    result: Function = compiled
    return result


def share_out(work: Callable[[int, int, int], object], number: int, least: int) -> None:
    """Call ``work(thread, start, stop)`` for ranges that make up ``range(number)``, one on each thread of torch's.

    Args:
        work: leaves the interpreter, so that threads run beside each other.
        number: of what is shared out.
        least: how many are worth a thread.
    """
    threads = max(1, min(torch.get_num_threads(), number // max(1, least)))
    edges = [number * part // threads for part in range(threads + 1)]
    others = [_pool(os.getpid()).submit(work, part, edges[part], edges[part + 1]) for part in range(1, threads)]
    try:
        work(0, edges[0], edges[1])
    finally:
        for other in others:
            other.result()


@cache
def _pool(_process: int) -> ThreadPoolExecutor:
    """Threads that wait for work; a forked process has none of its parent's."""
    return ThreadPoolExecutor(max(1, os.cpu_count() or 1), thread_name_prefix="readouts")
