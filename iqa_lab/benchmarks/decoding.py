"""Image files -> their pixels, decoded by other processes beside each other.

Threads decode little more than one file at a time, since most of what Pillow does holds Python's lock; and whoever
feeds a GPU waits for that lock with them. Here a thread asks a process of its own, and only copies what that leaves in
memory which both see. As long as a process is not there yet, or where it has died, the thread decodes by itself.
"""

import atexit
import json
import mmap
import os
import select
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

import iqa_lab
from iqa_lab.benchmarks.images import Decode, Decoded, Resize, decode
from iqa_lab.errors import UserError
from iqa_lab.progress import say

# files that are worth the processes, which take as long to start as one decodes so many
ENOUGH = 500
_READY = b"ready\n"
# NumPy multiplies nothing there; and freed memory is kept for the next image: else the kernel clears it page by page
_THERE = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


def in_processes(number: int) -> Decode:
    """What decodes a file as ``images.decode`` does, by one of so many processes; threads may call it.

    The processes serve all passes of this one and end with it. Where there is no memory that two processes can share
    without a name (it is Linux that has it), that is ``images.decode``.
    """
    if not hasattr(os, "memfd_create") or not sys.executable:
        return decode
    free, started = _started(os.getpid())
    while len(started) < number:
        try:
            process = _Process()
        except OSError:  # no more processes, or no memory for them
            break
        started.append(process)
        free.put(process)

    def decode_elsewhere(path: str, resize: Resize = None, *, thorough: bool = True) -> Decoded:
        try:
            process = free.get_nowait()
        except Empty:
            return decode(path, resize, thorough=thorough)
        try:
            image = process.decode(path, resize, thorough) if process.is_ready() else None
        except (OSError, EOFError, ValueError) as error:  # ValueError: its files are closed, or it speaks nonsense
            process.end()
            started.remove(process)
            say(f"a process that decodes images ended, so others do its work: {error}", "yellow")
            image = None
        except BaseException:
            free.put(process)
            raise
        else:
            free.put(process)
        return decode(path, resize, thorough=thorough) if image is None else image

    return decode_elsewhere


@cache
def _started(_process: int) -> tuple["SimpleQueue[_Process]", list["_Process"]]:
    """The processes that wait for work, and all of them; a forked process has none of its parent's."""
    return SimpleQueue(), []


class _Process:
    """A process that decodes one file after the other."""

    def __init__(self) -> None:
        self._shared = os.memfd_create("pixels")
        places = [str(Path(iqa_lab.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self._shared)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[self._shared],
                env=os.environ | _THERE | {"PYTHONPATH": os.pathsep.join(filter(None, places))},
                start_new_session=True,  # Ctrl-C is for this process; the other ends when nobody asks any more
            )
        except OSError:
            os.close(self._shared)
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions, self._answers = self._process.stdin, self._process.stdout
        self._waiting = select.poll()  # select() takes no file with a number above 1023
        self._waiting.register(self._answers, select.POLLIN)
        self._ready = False
        self._pixels: mmap.mmap | None = None
        atexit.register(self.end)

    def is_ready(self) -> bool:
        """Whether it has started.

        Raises:
            EOFError: it has ended.
        """
        if not self._ready and self._waiting.poll(0):
            if self._answers.readline() != _READY:
                raise EOFError("it could not start")
            self._ready = True
        return self._ready

    def decode(self, path: str, resize: Resize, thorough: bool) -> Decoded:
        """As ``images.decode``, which it calls there.

        Raises:
            UserError: what that says.
            EOFError: it has ended.
            OSError: likewise.
        """
        question = {"folder": os.getcwd(), "path": path, "resize": resize, "thorough": thorough}
        self._questions.write(json.dumps(question).encode() + b"\n")
        self._questions.flush()
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError("it was killed, or met an image that no library should stumble over")
        answer = json.loads(line)
        if "error" in answer:
            raise UserError(answer["error"])
        if "failure" in answer:
            raise RuntimeError(f"{path}: {answer['failure']}")
        shape = tuple(answer["shape"])
        if self._pixels is None or len(self._pixels) < np.prod(shape):
            self._pixels = mmap.mmap(self._shared, 0, access=mmap.ACCESS_READ)
        pixels = np.empty(shape, np.uint8)
        pixels[...] = np.frombuffer(self._pixels, np.uint8, pixels.size).reshape(shape)
        conversion, checksum = answer["conversion"], answer["checksum"]
        return Decoded(pixels, conversion, known_checksum=checksum, whole_elsewhere=resize is not None)

    def end(self) -> None:
        """End it; it may have ended, and this process may be ending, too."""
        shared, self._shared = self._shared, -1
        if shared < 0:
            return
        atexit.unregister(self.end)
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        for file in (self._questions, self._answers):
            with suppress(OSError):
                file.close()
        os.close(shared)


def _answer(question: dict[str, Any], shared: int) -> dict[str, Any]:
    """What is to be said of one file, whose pixels are left in the shared memory."""
    resize = question["resize"]
    size = tuple(resize) if isinstance(resize, list) else resize
    try:
        os.chdir(question["folder"])
        image = decode(question["path"], size, thorough=question["thorough"])
    except UserError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"failure": f"{type(error).__name__}: {error}"}
    left = np.ascontiguousarray(image.pixels).data.cast("B")
    if os.fstat(shared).st_size < len(left):
        os.ftruncate(shared, len(left))
    while left:
        left = left[os.pwrite(shared, left, image.pixels.size - len(left)) :]
    return {"shape": image.pixels.shape, "conversion": image.conversion, "checksum": image.checksum}


def _main() -> None:
    """Answer questions, one a line, until there are no more."""
    shared = int(sys.argv[1])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing else may speak there
    answers.write(_READY)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(_answer(json.loads(line), shared)).encode() + b"\n")


if __name__ == "__main__":
    _main()
