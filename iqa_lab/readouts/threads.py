"""Work on responses, shared out to as many threads as torch has."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from typing import TypeVar

import torch

Result = TypeVar("Result")


def share_out(work: Callable[[int, int], Result], number: int, least: int) -> list[Result]:
    """What ``work(start, stop)`` gives for ranges that make up ``range(number)``, one on each thread of torch's.

    Args:
        work: leaves the interpreter, so that threads run beside each other.
        number: of what is shared out.
        least: how many are worth a thread.
    """
    threads = max(1, min(torch.get_num_threads(), number // least))
    edges = [number * part // threads for part in range(threads + 1)]
    if threads == 1:
        return [work(0, number)]
    others = [_pool(os.getpid()).submit(work, start, stop) for start, stop in pairwise(edges[1:])]
    try:
        first = work(0, edges[1])
    finally:
        wait(others)
    return [first, *(other.result() for other in others)]


@cache
def _pool(_process: int) -> ThreadPoolExecutor:
    """Threads that wait for work; a forked process has none of its parent's."""
    return ThreadPoolExecutor(max(1, os.cpu_count() or 1), thread_name_prefix="readouts")
