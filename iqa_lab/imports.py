"""A dotted import path -> the object that it names; and the digest of its source, where it is somebody's own.

Scores made by one's own network or readout are those of its source. So the source is hashed as it is imported, and a
module whose source was changed since is imported anew.
"""

import ast
import hashlib
import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from iqa_lab.errors import FOREIGN, UserError

# packages whose version, or whose place in this checkout, says what they are
KNOWN = ("iqa_lab", "torch", "torchvision", "timm")

# of each module of one's own that was imported here: the digest of its source at that time, and all modules of it
_imported: dict[str, tuple[str | None, frozenset[str]]] = {}

# of each module asked for: the files, their sizes and times, and the digest that they had
_remembered: dict[tuple[str, tuple[str, ...]], tuple[dict[str, Path], list[tuple[int, int]], str | None]] = {}


def import_object(path: str, setting: str) -> Any:
    """The object at a dotted import path.

    Args:
        path: ``package.module.name``.
        setting: the configuration key that named it, for the error.

    Raises:
        UserError: it cannot be imported.
    """
    module, _, name = path.rpartition(".")
    if not module or ":" in path:
        raise UserError(
            f"{setting}={path}: write it as module.name, with a dot before the name of the function or class"
        )
    try:
        return getattr(_import(module), name)
    except FOREIGN as error:  # one's own module may fail in any way
        raise UserError(f"{setting}={path} cannot be imported: {_reason(error)}") from error


def import_module_of(path: str, setting: str) -> ModuleType:
    """The module at a dotted import path.

    Args:
        path: ``package.module``.
        setting: the configuration key that named it, for the error.

    Raises:
        UserError: it cannot be imported.
    """
    try:
        return _import(path)
    except FOREIGN as error:  # one's own module may fail in any way
        raise UserError(f"{setting}={path} cannot be imported: {_reason(error)}") from error


def is_own(path: str) -> bool:
    """Whether a dotted path names somebody's own code; a word without a dot names a module of ours.

    >>> is_own("nets.small.Net"), is_own("torchvision.models.alexnet"), is_own("plain")
    (True, False, False)
    """
    return "." in path and path.partition(".")[0] not in KNOWN


def source_imported(path: str, module_itself: bool = False) -> str | None:
    """The digest of the source of what was imported here under this path; None where no file of it is found.

    Args:
        path: of an object, as ``import_object`` took it.
        module_itself: it is the path of a module, as ``import_module_of`` took it.
    """
    module = path if module_itself else path.rpartition(".")[0]
    return _imported[module][0] if module in _imported else source_now(path, module_itself)


def source_now(path: str, module_itself: bool = False) -> str | None:
    """The digest that the source has on the disk at this moment; nothing is imported or run.

    It is over the module's file and over the files of all modules that it imports, as far as these are somebody's own:
    in the same package, or neither in Python itself nor in ``site-packages``.
    """
    module = path if module_itself else path.rpartition(".")[0]
    key = module, tuple(sys.path)
    if key in _remembered:
        files, then, digest = _remembered[key]
        if _stamps(files) == then:
            return digest
    files = source_files(module)
    _remembered[key] = files, _stamps(files), _digest(files)
    return _remembered[key][2]


def source_files(module: str) -> dict[str, Path]:
    """The files of a module and of all modules of somebody's own that it imports, by the modules' names."""
    importlib.invalidate_caches()
    package = module.partition(".")[0]
    found: dict[str, Path] = {}
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):  # a package's own file runs before those in it
            name = ".".join(parts[:end])
            if name in seen:
                continue
            seen.add(name)
            file, is_package = _find(name) or (None, False)
            if file is None or not file.is_file() or not _is_somebodys(name, file, package):
                continue
            found[name] = file
            waiting += _imports_of(file, name, is_package=is_package)
    return found


def _is_somebodys(module: str, file: Path, package: str) -> bool:
    top = module.partition(".")[0]
    if top == package:
        return True
    return top not in (*KNOWN, *sys.stdlib_module_names) and not {"site-packages", "dist-packages"} & set(file.parts)


def _find(module: str) -> tuple[Path | None, bool] | None:
    """The file of a module, and whether it is a package; None if there is no such module.

    Unlike ``importlib.util.find_spec`` it imports no package on the way.
    """
    place: list[str] | None = None
    file: Path | None = None
    parts = module.split(".")
    for end, last in enumerate(parts, start=1):
        folders = [folder for folder in map(Path, sys.path if place is None else place) if (folder / last).is_dir()]
        spec = _spec(".".join(parts[:end]), place)
        if spec is not None and spec.has_location and spec.origin:
            file = Path(spec.origin)
            place = None if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
        elif folders:  # a package without a file of its own
            file, place = None, [str(folder / last) for folder in folders]
        else:
            return None
        if place is None and end < len(parts):
            return None
    return file, place is not None


def _spec(module: str, place: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(module, place) if hasattr(finder, "find_spec") else None
        except (ImportError, KeyError):  # of a package without a file of its own that was not imported
            continue
        if spec is not None:
            return spec
    return None


def _imports_of(file: Path, module: str, *, is_package: bool) -> Iterator[str]:
    """The names of all modules that a file imports, and of what may be modules."""
    try:
        tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    except (OSError, SyntaxError, ValueError, RecursionError):
        return  # importing it will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")
            above = above[: len(above) + int(is_package) - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base:
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _stamps(files: dict[str, Path]) -> list[tuple[int, int]]:
    """Size and time of every file; one that is gone has neither."""
    stamps = []
    for file in files.values():
        try:
            facts = file.stat()
            stamps.append((facts.st_size, facts.st_mtime_ns))
        except OSError:
            stamps.append((-1, -1))
    return stamps


def _digest(files: dict[str, Path]) -> str | None:
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        try:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError:
            content = "unreadable"
        digest.update(f"{name}\t{content}\n".encode())
    return digest.hexdigest() if files else None


def _import(module: str) -> ModuleType:
    """The module; one of somebody's own as its source is now."""
    if not module or module.partition(".")[0] in KNOWN:
        with without_widgets():
            return importlib.import_module(module)
    files = source_files(module)
    digest = _digest(files)
    earlier, names = _imported.get(module, (digest, frozenset()))
    if earlier != digest:
        for name in names | files.keys():
            sys.modules.pop(name, None)
    with _no_compiled_files(), without_widgets():
        found = importlib.import_module(module)
    if _digest(files) != digest:
        raise ImportError("its source was changed while it was imported")
    _imported[module] = digest, frozenset(files)
    return found


@contextmanager
def without_widgets() -> Iterator[None]:
    """No warning in a notebook that ipywidgets is missing: it comes with tqdm, which timm and the hub's client import.

    Nothing here needs it, and tqdm goes on without it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield


@contextmanager
def _no_compiled_files() -> Iterator[None]:
    """Python compares compiled files by whole seconds: within one, an edited source could be passed over."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


class _Catalogue(ModuleType):
    """A package that can be called for the table of what is in it."""

    def __call__(self, **filters: str) -> Any:
        """What there is, a row an option, as ``iqa-lab list`` shows it.

        Args:
            filters: only rows whose column shows this text or one of these, as ``goal="jigsaw,rotation"``.

        Raises:
            UserError: there is no such column.
        """
        from iqa_lab import _table  # the package reaches up for it

        return _table(self.__name__.rpartition(".")[2], filters)


def callable_package(name: str) -> None:
    """Let a package be called, as ``iqa_lab.networks()``, though its name is that of a package.

    Python lets the class of a module be set (``object.__class__``, in its reference manual: "Customizing module
    attribute access"). The package itself says so in its ``__init__``, so that it holds whichever is imported first.

    Args:
        name: of the package, its ``__name__``.
    """
    sys.modules[name].__class__ = _Catalogue


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, ImportError | AttributeError | ValueError) else f"{type(error).__name__}: {text}"
