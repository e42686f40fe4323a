"""The entry point: arguments -> an exit code, and for every expected failure one line on standard error.

It imports nothing heavy by itself, so that even Ctrl-C in the first second ends as it should.
"""

import os
import sys
from contextlib import suppress
from typing import NoReturn

DONE, FAILED, WRONG_USE = 0, 1, 2


def main(arguments: list[str] | None = None) -> None:
    """Run one command, then leave: 0 done, 1 a unit failed, 2 wrong use, configuration or data, or Ctrl-C.

    Args:
        arguments: of the command line; None takes this process's own.
    """
    try:
        from iqa_lab.cli.commands import call

        code, message = call(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code, message = WRONG_USE, "interrupted: nothing is half-written; the same command does the rest"
    except BrokenPipeError:  # as in iqa-lab list weights | head -1: the reader has what it wanted
        _let_go_of(sys.stdout.fileno())
        code, message = FAILED, ""
    except OSError as error:  # a full disk, a file that may not be read
        where = f"{error.filename}: " if error.filename else ""
        if not _can_write():
            _let_go_of(sys.stdout.fileno())
            where = "standard output cannot be written: "
        code, message = WRONG_USE, f"{where}{error.strerror or error}"
    _leave(code, message)


def _leave(code: int, message: str) -> NoReturn:
    try:
        if message:
            print(f"iqa-lab: {message}", file=sys.stderr, flush=True)
    except OSError:  # nobody is there to read it
        _let_go_of(sys.stderr.fileno())
    sys.exit(code)


def _can_write() -> bool:
    try:
        sys.stdout.flush()
    except OSError:
        return False
    return True


def _let_go_of(descriptor: int) -> None:
    """Send what is still to be written to a stream into nothing, so that Python's own end is quiet."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
