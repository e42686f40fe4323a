"""Compiled loops over responses and pixels, and the one switch between them and what does the same without them.

The modules of this folder need Numba, or on a GPU Triton, and are imported by ``loops`` only. Where these cannot be
had, or with ``IQA_LAB_LOOPS=off`` in the environment, the readouts' definitions in torch do the same work, several
times slower, and Pillow decodes all images; tests hold the two together.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, TypeVar

from iqa_lab.errors import UserError, pass_on_interrupt
from iqa_lab.progress import console, say

Function = TypeVar("Function", bound=Callable[..., Any])

# sums may be added up in another order and products be fused with sums; NaN and infinity stay what they are
_FREEDOM = {"reassoc", "contract", "nsz"}


def switched_on(word: str) -> bool:
    """What a word of ``$IQA_LAB_LOOPS`` says; none says on.

    Raises:
        UserError: it is another word.

    >>> switched_on("off"), switched_on("On"), switched_on("")
    (False, True, True)
    """
    if word.lower() not in ("on", "off", ""):
        raise UserError(f"IQA_LAB_LOOPS={word}: choose on or off")
    return word.lower() != "off"


# The switch.
enabled = switched_on(os.environ.get("IQA_LAB_LOOPS", ""))


def loops(name: str) -> ModuleType | None:
    """Compiled loops: ``sums``, ``order``, ``matrices``, ``lines`` or ``gpu``.

    None where they cannot be had or are switched off.
    """
    return _compiled_module(name) if enabled else None


def sums_on(kind: str) -> ModuleType | None:
    """The module whose sums serve on this kind of device, ``cpu`` or ``cuda``; None: the definitions in torch do."""
    name = {"cpu": "sums", "cuda": "gpu"}.get(kind)
    return None if name is None else loops(name)


@cache
def _compiled_module(name: str) -> ModuleType | None:
    """The module, once it has shown that it runs; if it does not, that is said once."""
    compiler = "Triton" if name == "gpu" else "Numba"
    try:
        import_module(compiler.lower())
        module = import_module(f"{__name__}.{name}")
        module.try_out()
    except Exception as error:  # anything may come: a GPU is too old, a compiler is too new, or there is none of C
        pass_on_interrupt(error)
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        _say_once(f"{compiler} cannot be used, so readouts are several times slower: {reason}", "yellow")
        return None
    return module


def compile_loop(function: Function) -> Function:
    """The function, compiled when it is first called, and kept on the disk for other processes where that can be."""
    return _compiled(function, {})


def compile_sums(function: Function) -> Function:
    """As ``compile_loop``; what is summed up may be added in any order, so that vector instructions serve."""
    return _compiled(function, {"fastmath": _FREEDOM})


def _compiled(function: Function, how: dict[str, Any]) -> Function:
    njit: Any = import_module("numba").njit
    how = {"nogil": True, "error_model": "numpy", **how}
    try:
        compiled = njit(cache=True, **how)(function)
    except RuntimeError:  # there is no folder that can be written
        compiled = njit(**how)(function)
    kept: Any = getattr(compiled, "_cache", None)
    index: Any = getattr(kept, "_cache_file", None)
    if index is not None:  # Numba looks at a loop's own file, not at those of the loops that it calls
        index._source_stamp = index._source_stamp, _source()
    if hasattr(kept, "load_overload") and hasattr(kept, "save_overload"):
        kept.load_overload = _telling(_forgiving(kept.load_overload))
        kept.save_overload = _forgiving(kept.save_overload)
    result: Function = compiled
    return result


@cache
def _source() -> str:
    """A digest of all loops, by which what was compiled of others is recognised."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _forgiving(of_disk: Callable[..., object]) -> Callable[..., object]:
    """The same, but what cannot be read from the disk is compiled anew, and what cannot be written is not kept."""

    def forgiving(*arguments: object) -> object:
        try:
            return of_disk(*arguments)
        except Exception as error:  # a full disk, a file that was cut off: anything may come
            pass_on_interrupt(error)
            return None

    return forgiving


def _telling(of_disk: Callable[..., object]) -> Callable[..., object]:
    """The same; where nothing is found, which is then compiled, that is said."""

    def telling(*arguments: object) -> object:
        found = of_disk(*arguments)
        if found is None and console.is_terminal:
            _say_once("compiling loops for this processor: about twenty seconds, once after an installation")
        return found

    return telling


# Threads that decode images and the one that reads responses may ask for loops at the same moment.
_SAYING = Lock()


def _say_once(text: str, style: str = "") -> None:
    with _SAYING:
        _said(text, style)


@cache
def _said(text: str, style: str) -> None:
    say(text, style)
