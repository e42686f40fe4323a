"""A running sweep -> one bar over all of its units: how many are done, failed and left, and the time left."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from iqa_lab.errors import counted
from iqa_lab.progress import progress_bar
from iqa_lab.sweep.ledger import DONE, FAILED, Ledger
from iqa_lab.sweep.plan import Planned

EVERY = 2.0  # seconds between two looks at the ledger
_SHARE = 0.05  # of the time at most: a ledger of ten thousand units takes a while to read


@contextmanager
def sweep_bar(units: Sequence[Planned], sweep: str, known: Ledger) -> Iterator[None]:
    """Show the bar while the sweep runs, wherever that is: the ledger says what has ended.

    Args:
        units: that are to be done.
        sweep: the name under which jobs record what they did.
        known: their ledger.
    """
    with progress_bar() as bar:
        if bar.disable:
            yield
            return
        task = bar.add_task("sweep", total=len(units), told=told(0, 0, len(units)), left=None)
        ended = Event()
        progress = Standing(units, sweep, known)

        def look() -> None:
            pause = EVERY
            while not ended.wait(pause):
                before = time.perf_counter()
                done, failed, left = progress.look()
                ended_so_far = done + failed
                said = told(done, failed, len(units) - ended_so_far)
                bar.update(task, completed=ended_so_far, told=said, left=left)
                pause = max(EVERY, (time.perf_counter() - before) / _SHARE)

        watcher = Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


class Standing:
    """How far the units of a sweep are; each record is read until it says that its unit has ended."""

    def __init__(self, units: Sequence[Planned], sweep: str, known: Ledger) -> None:
        self.sweep, self.known = sweep, known
        self.started = time.monotonic()
        self.waiting = {unit.key: unit.seconds for unit in units}
        self.expected = 0.0  # seconds that were foreseen for what has ended
        self.done = self.failed = 0

    def look(self) -> tuple[int, int, float | None]:
        """Units done and failed so far, and the seconds left; None: nothing has ended yet, so nobody knows."""
        for key in list(self.waiting):
            record = self.known.read(key)
            if record.get("sweep") == self.sweep and record.get("state") in (DONE, FAILED):
                self.expected += self.waiting.pop(key)
                self.done += record["state"] == DONE
                self.failed += record["state"] == FAILED
        if not self.expected:
            return self.done, self.failed, None
        pace = (time.monotonic() - self.started) / self.expected
        return self.done, self.failed, pace * sum(self.waiting.values())


def told(done: int, failed: int, left: int) -> str:
    """The counts of a bar.

    >>> told(3, 0, 1), told(3, 1, 0)
    ('3 units done, 1 left', '3 units done, 1 failed, 0 left')
    """
    return f"{counted(done, 'unit')} done, {f'{failed} failed, ' if failed else ''}{left} left"
