"""The entry point: arguments -> an exit code, and for every expected failure one line on standard error.

It imports nothing heavy by itself, so that even Ctrl-C in the first second ends as it should.
"""

import errno
import os
import shutil
import sys
import textwrap
from contextlib import suppress
from typing import NoReturn, TextIO

from iqa_lab.errors import DONE, FAILED, WRONG_USE, is_interrupt


def main(arguments: list[str] | None = None) -> None:
    """Run one command, then leave: 0 done, 1 a unit failed, 2 wrong use, configuration or data, or Ctrl-C.

    Args:
        arguments: of the command line; None takes this process's own.
    """
    words = sys.argv[1:] if arguments is None else arguments
    _let_threads_rest()
    try:
        if arguments is None and os.environ.get("_IQA_LAB_COMPLETE"):
            from iqa_lab.cli.completion import answer  # a shell asks what Tab may put there

            sys.stdout.write(answer(os.environ["_IQA_LAB_COMPLETE"]))
            _leave(DONE, "")
        from iqa_lab.cli.commands import call

        code, message = call(words)
        _flush()
    except (Exception, KeyboardInterrupt) as error:
        ended = _ended_by(error)
        if ended is None:
            raise
        code, message = ended
    _leave(code, message)


def _ended_by(error: BaseException) -> tuple[int, str] | None:
    """The exit code and the message, if Ctrl-C or the system ended the command; otherwise it is a fault of ours."""
    if is_interrupt(error):
        return WRONG_USE, "interrupted: nothing is half-written; the same command does the rest"
    if not isinstance(error, OSError):
        return None
    _let_go_of(sys.stdout)
    if isinstance(error, BrokenPipeError):  # as in iqa-lab list weights | head -1: the reader has what it wanted
        return FAILED, ""
    # a file that may not be read; or standard output, on a full disk
    where = error.filename or ("standard output" if error.errno == errno.ENOSPC else type(error).__name__)
    return WRONG_USE, f"{where}: {error.strerror or error}"


def _let_threads_rest() -> None:
    """Lets torch's threads go to sleep half a millisecond after an operation, unless the environment says when.

    GNU OpenMP keeps them busy waiting for the next one for some 5 ms, on the cores that readouts' threads are to use:
    a pass with all readouts takes a tenth longer. It reads the variable when torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "30000")


def _leave(code: int, message: str) -> NoReturn:
    # Python would end by a signal, whatever its exit code, where Ctrl-C met an exec(), as dataclasses are made by;
    # another exec() takes that back
    exec("")
    try:
        if message:
            print(_broken_between_words(f"iqa-lab: {message}"), file=sys.stderr, flush=True)
    except OSError:  # nobody is there to read it
        _let_go_of(sys.stderr)
    sys.exit(code)


def _broken_between_words(text: str) -> str:
    """A line broken between words where a terminal shows it; elsewhere it stays one line."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def _flush() -> None:
    """Write what is still waiting, so that a full disk is found out here and not at Python's own end."""
    if sys.stdout is not None:  # closed by the shell: >&-
        sys.stdout.flush()


def _let_go_of(stream: TextIO | None) -> None:
    """If a stream cannot be written, discard the rest, so that Python ends without a message."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
