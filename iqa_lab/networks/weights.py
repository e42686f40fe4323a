"""Tensors from a file into a module, every one of them accounted for."""

import hashlib
import pickle
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from iqa_lab.config import WeightsConfig
from iqa_lab.errors import UserError, first_names

# BatchNorm's counter of training steps: no network reads it in evaluation, and older files lack it.
_COUNTER = "num_batches_tracked"


def read_state_dict(path: Path, state: str | None, prefix: str) -> dict[str, Tensor]:
    """The named tensors of a weights file; no code in it is ever executed.

    Args:
        path: a ``.safetensors`` file, or anything that ``torch.save`` wrote.
        state: where the tensors lie inside nested dictionaries, as ``a/b/c``.
        prefix: taken off every key.

    Raises:
        UserError: the file is damaged, holds code, or has no tensors at that place.
    """
    content = _read(path)
    for key in state.split("/") if state else []:
        if not isinstance(content, Mapping) or key not in content:
            keys = first_names(map(str, content), 6) if isinstance(content, Mapping) else type(content).__name__
            raise UserError(f"{path} has nothing at weights.state={state}: it holds {keys}")
        content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{path} holds no state dict but {type(content).__name__}")
    others = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise UserError(
            f"{path} holds more than tensors at its top ({first_names(others)}): "
            "say where the state dict lies with weights.state=KEY"
        )
    without = [key for key in content if not key.startswith(prefix)]
    if without:
        raise UserError(f"{path}: {len(without)} keys do not begin with {prefix!r}: {first_names(without)}")
    return {key[len(prefix) :]: value for key, value in content.items()}


def _read(path: Path) -> object:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" in str(error).lower() or "Weights only" in str(error):
            raise UserError(
                f"{path} was not opened: it holds more than tensors (code could run); "
                "save its state dict again with torch.save(model.state_dict(), FILE)"
            ) from error
        raise UserError(f"{path} is damaged: it cannot be read as a weights file") from error
    except (safetensors.SafetensorError, OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{path} is damaged or no weights file: {reason}") from error


def load_weights(module: nn.Module, path: Path, weights: WeightsConfig) -> list[str]:
    """Load a file into a module; returns the keys that stay at random, which the cell has declared.

    Raises:
        UserError: keys are missing, left over or of another shape, and ``weights.ignores`` does not name them.
    """
    state = read_state_dict(path, weights.state, weights.prefix)
    wanted = module.state_dict()
    if weights.keys == "in_order":
        state = _rename_in_order(path, state, wanted)
    elif weights.keys != "same":
        raise UserError(f"weights.keys={weights.keys}: choose same or in_order")

    def declared(key: str) -> bool:
        return key.endswith(_COUNTER) or any(fnmatchcase(key, pattern) for pattern in weights.ignores)

    missing = [key for key in wanted if key not in state]
    problems = {
        "missing": [key for key in missing if not declared(key)],
        "left over": [key for key in state if key not in wanted and not declared(key)],
        "of another shape": [key for key in wanted if key in state and wanted[key].shape != state[key].shape],
    }
    found = [f"{len(keys)} keys {what} ({first_names(keys)})" for what, keys in problems.items() if keys]
    if found:
        raise UserError(f"{path} does not fit this architecture: {'; '.join(found)}")
    module.load_state_dict(state, strict=False)
    return [key for key in missing if not key.endswith(_COUNTER)]


def _rename_in_order(path: Path, state: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the module's own names, matched one to one by order and shape."""
    theirs = [(key, value) for key, value in state.items() if not key.endswith(_COUNTER)]
    ours = [(key, value) for key, value in wanted.items() if not key.endswith(_COUNTER)]
    if len(theirs) != len(ours):
        raise UserError(f"{path} does not fit this architecture: {len(theirs)} tensors, {len(ours)} expected")
    for (their_key, their_value), (our_key, our_value) in zip(theirs, ours, strict=True):
        if their_value.shape != our_value.shape:
            raise UserError(
                f"{path} does not fit this architecture: {their_key} is {tuple(their_value.shape)}, "
                f"{our_key} in its place {tuple(our_value.shape)}"
            )
    return {our_key: their_value for (_, their_value), (our_key, _) in zip(theirs, ours, strict=True)}


def weights_digest(module: nn.Module) -> str:
    """sha256 over the names, types, shapes and bytes of all tensors of a module."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        if key.endswith(_COUNTER):
            continue
        tensor = value.detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
