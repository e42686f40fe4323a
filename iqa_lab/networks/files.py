"""What a file of weights holds, read without running any code that is in it."""

import pickle
import pickletools
import warnings
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import load_file

from iqa_lab.errors import UserError, first_names


class _Inert:
    """In place of an object of a training program (its options, its optimiser): an empty dictionary, which is filled.

    Checkpoints carry such objects beside the tensors. Torch's restricted unpickler refuses a file for them; with this
    class under their names it reads on, and nothing of the classes' own code is imported or run.
    """

    def __new__(cls, *_arguments: Any, **_named: Any) -> Any:
        return OrderedDict()  # the one type into which that unpickler puts both items and attributes


class _InertNumber:
    """In place of a number or an array of NumPy's, whose state is no dictionary."""

    def __init__(self, *_arguments: Any) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


def read_file(path: Path) -> object:
    """The content of a ``.safetensors`` file or of what ``torch.save`` wrote: nested dictionaries of tensors.

    Objects beside the tensors become empty stand-ins. Python 2 files are read, their text as Latin-1.

    Raises:
        UserError: the file is damaged, is a program (TorchScript), or is a network as a whole.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        foreign = _foreign_names(path)
        with torch.serialization.safe_globals([_stand_in(name) for name in foreign]):
            content = _load(path)
    except pickle.UnpicklingError as error:
        if "weights_only" in str(error).lower() or "weights only" in str(error).lower():
            raise UserError(
                f"{path} was not opened: it holds more than tensors (code could run); "
                "save its state dict again with torch.save(model.state_dict(), FILE)"
            ) from error
        raise UserError(f"{path} is damaged: it cannot be read as a weights file") from error
    except UserError:
        raise
    except Exception as error:  # of a damaged file torch, pickle and safetensors may raise anything
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path} is damaged or no weights file: {reason}") from error
    if foreign and isinstance(content, OrderedDict) and not content:
        raise UserError(
            f"{path} holds no state dict but an object ({first_names(sorted(foreign))}), whose code was not run: "
            "save its state dict again with torch.save(model.state_dict(), FILE)"
        )
    return content


def _load(path: Path) -> object:
    """What torch reads without running code; text that is no UTF-8, as Python 2 left it, as Latin-1."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnicodeDecodeError:
        with warnings.catch_warnings():
            # torch says that it does not use the encoding, and does
            warnings.filterwarnings("ignore", message="pickle_load_args only works")
            return torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")


def _foreign_names(path: Path) -> set[str]:
    """The names of everything that a file's pickles would import, but for what torch's restricted unpickler knows.

    Raises:
        UserError: the file is a TorchScript program, or a checksum in it is wrong.
    """
    names: set[str] = set()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch itself does not look at the checksums
            if damaged is not None:
                raise UserError(f"{path} is damaged: the checksum of {damaged} in it is wrong; get the file again")
            members = archive.namelist()
            if any(name.endswith("/constants.pkl") for name in members):
                raise UserError(
                    f"{path} is a TorchScript program, which is code: save its state dict instead with "
                    "torch.save(torch.jit.load(FILE).state_dict(), OTHER_FILE)"
                )
            for member in members:
                if member.endswith("data.pkl"):
                    with archive.open(member) as file:
                        names |= _imported_names(file)  # type: ignore[arg-type]
    else:
        with path.open("rb") as file:  # before torch 1.6: a magic number, a version, facts on the machine, the content
            for _ in range(4):
                try:
                    names |= _imported_names(file)
                except ValueError:  # no pickle, or its end is missing: torch will say so
                    break
    return {name for name in names if not name.startswith(("torch.", "collections.", "_codecs."))}


def _imported_names(file: BinaryIO) -> set[str]:
    """The dotted names of all GLOBAL instructions of the pickle that begins here, by their names in Python 3."""
    names = set()
    for instruction, argument, _ in pickletools.genops(file):
        if instruction.name == "GLOBAL":
            module, name = str(argument).split(" ", 1)
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            names.add(f"{module}.{name}")
    return names


def _stand_in(name: str) -> tuple[type, str]:
    return (_InertNumber if name.startswith("numpy.") else _Inert), name
