"""Tensors from a file into a module, every one of them accounted for."""

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn

from iqa_lab.config import WeightsConfig
from iqa_lab.errors import UserError, counted, first_names
from iqa_lab.networks.files import read_file

# BatchNorm's counter of training steps: no network reads it in evaluation, and older files lack it.
_COUNTER = "num_batches_tracked"


def is_counter(key: str) -> bool:
    """Whether a tensor only counts steps of training.

    >>> is_counter("bn1.num_batches_tracked")
    True
    """
    return key.endswith(_COUNTER)


def read_state_dict(path: Path, state: str | None, prefix: str, ignores: Sequence[str] = ()) -> dict[str, Tensor]:
    """The named tensors of a weights file; no code in it is ever executed.

    Args:
        path: a ``.safetensors`` file, or anything that ``torch.save`` wrote.
        state: where the tensors lie inside nested dictionaries, as ``a/b/c``.
        prefix: taken off every key.
        ignores: patterns of keys that are left out if they do not begin with the prefix.

    Raises:
        UserError: the file is damaged, holds code, or has no tensors at that place.
    """
    content = read_file(path)
    for key in state.split("/") if state else []:
        if not isinstance(content, Mapping) or key not in content:
            keys = first_names(map(str, content), 6) if isinstance(content, Mapping) else type(content).__name__
            raise UserError(f"{path} has nothing at weights.state={state}: it holds {keys}")
        content = content[key]
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{path} holds no state dict but {type(content).__name__}")
    others = [str(key) for key, value in content.items() if not isinstance(value, Tensor)]
    if others:
        inner = [key for key, value in content.items() if _is_state(value)]
        inside = f"{state}/" if state else ""
        raise UserError(
            f"{path} holds more than tensors at its top ({first_names(others)}): "
            f"say where the state dict lies with weights.state={inside}{inner[0] if len(inner) == 1 else 'KEY'}"
        )
    unnamed = [key for key in content if not isinstance(key, str)]
    if unnamed:
        raise UserError(
            f"{path}: the keys of {len(unnamed)} tensors are no text, the first is {unnamed[0]!r}: "
            "name them as the architecture does"
        )
    without = [key for key in content if not key.startswith(prefix) and not _matches(key, ignores)]
    if without:
        number = counted(len(without), "key does", "keys do")
        raise UserError(f"{path}: {number} not begin with {prefix!r}: {first_names(without)}")
    return {key[len(prefix) :]: value for key, value in content.items() if key.startswith(prefix)}


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(entry, Tensor) for entry in value.values())


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def load_weights(module: nn.Module, path: Path, weights: WeightsConfig) -> list[str]:
    """Load a file into a module; returns the keys that stay at random, which the cell has declared.

    A declared key that has another shape in the file (another head) is as good as missing: it stays at random.

    Raises:
        UserError: keys are missing, left over or of another shape, and ``weights.ignores`` does not name them.
    """
    state = _renamed(read_state_dict(path, weights.state, weights.prefix, weights.ignores), weights.renames, path)
    wanted = module.state_dict()
    if weights.keys == "in_order":
        state = _rename_in_order(path, state, wanted)
    elif weights.keys == "timm":
        state = _converted_by_timm(state, module)
    elif weights.keys != "same":
        raise UserError(f"weights.keys={weights.keys}: choose same, in_order or timm")

    def declared(key: str) -> bool:
        return key.endswith(_COUNTER) or _matches(key, weights.ignores)

    def fits(key: str) -> bool:
        return key not in wanted or wanted[key].shape == state[key].shape

    state = {key: value for key, value in state.items() if fits(key) or not declared(key)}
    missing = [key for key in wanted if key not in state]
    problems = {
        "missing": [key for key in missing if not declared(key)],
        "left over": [key for key in state if key not in wanted and not declared(key)],
        "of another shape": [key for key in state if not fits(key)],
    }
    found = [f"{counted(len(keys), 'key')} {what} ({first_names(keys)})" for what, keys in problems.items() if keys]
    if found:
        hint = _prefix_hint(state, wanted, weights)
        raise UserError(f"{path} does not fit this architecture: {'; '.join(found)}{hint}")
    converted = {key: _as_wanted(path, key, state[key], to) for key, to in wanted.items() if key in state}
    module.load_state_dict(converted, strict=False)
    return [key for key in missing if not key.endswith(_COUNTER)]


def _prefix_hint(state: Collection[str], wanted: Collection[str], weights: WeightsConfig) -> str:
    """What to say where most keys are the architecture's behind one prefix: training loops wrap networks."""
    names = {key for key in wanted if not key.endswith(_COUNTER)}
    prefixes = Counter(
        key[: dot + 1]
        for key in state
        for dot, letter in enumerate(key)
        if letter == "." and key[dot + 1 :] in names and key not in names
    )
    prefix, number = max(prefixes.items(), key=lambda one: one[1], default=("", 0))
    if 2 * number <= len(names):
        return ""
    others = [key for key in state if not key.startswith(prefix)]
    left_out = f" and weights.ignores=[...] for the others ({first_names(others)})" if others else ""
    said = f"{counted(number, 'key of it is', 'keys of it are')} this architecture's behind {prefix!r}"
    return f". {said}: try weights.prefix={weights.prefix}{prefix}{left_out}"


def _as_wanted(path: Path, key: str, value: Tensor, wanted: Tensor) -> Tensor:
    """A tensor of a file in the type that the module computes in: floats of 16, 32 and 64 bits are converted.

    Raises:
        UserError: it is of another kind than the module's (integers for floats, say), is stored in a form that is not
            its values (quantised, sparse), or holds NaN or infinity, before or after the conversion.
    """
    if key.endswith(_COUNTER):
        return value
    kind, expected = _kind(value), _kind(wanted)
    if kind != expected:
        hint = ": save the weights as plain floats" if expected == "floats" else ""
        raise UserError(f"{path}: {key} holds {kind}, where this architecture has {expected}{hint}")
    result = value.to(wanted.dtype)
    odd = ~result.isfinite()
    if not odd.any():
        return result
    # a mask of the architecture's own may be infinite, there and nowhere else
    if torch.equal(odd, ~wanted.isfinite()) and torch.equal(result[odd], wanted[odd]):
        return result
    what = "NaN" if result.isnan().any() else "infinity"
    if value.isfinite().all():
        what = f"numbers beyond {wanted.dtype}".replace("torch.", "")
    raise UserError(f"{path}: {key} holds {what} ({int(odd.sum())} of {odd.numel()}): no response could be a number")


# floating-point types that lose nothing but digits on their way to another
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _kind(value: Tensor) -> str:
    """What a tensor's numbers are, in words; two tensors of one kind can be converted into each other.

    >>> _kind(torch.zeros(1, dtype=torch.float16)), _kind(torch.zeros(1, dtype=torch.uint8))
    ('floats', 'uint8 numbers')
    """
    name = str(value.dtype).removeprefix("torch.")
    if value.is_quantized:
        return f"quantised numbers ({name})"
    if value.layout != torch.strided:
        return f"a sparse tensor ({str(value.layout).removeprefix('torch.')})"
    if value.is_meta:
        return "a tensor without values (meta)"
    if value.dtype in _FLOATS:
        return "floats"
    return f"{name} numbers"


def _renamed(state: dict[str, Tensor], renames: Mapping[str, str], path: Path) -> dict[str, Tensor]:
    """The same tensors, every key changed by the regular expressions one after the other."""
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        new = key
        for pattern, replacement in renames.items():
            try:
                new = re.sub(pattern, replacement, new)
            except re.error as error:
                raise UserError(f"weights.renames: {pattern!r} to {replacement!r} is wrong: {error}") from error
        if new in renamed:
            raise UserError(f"{path}: weights.renames makes {new} of two keys, {key} is the second")
        renamed[new] = value
    return renamed


def _converted_by_timm(state: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """The tensors as timm's own loading converts a publisher's names and shapes for a network of its own.

    Raises:
        UserError: timm's conversion fails.
    """
    convert = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
    try:
        return dict(convert(state, module)) if convert else state
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UserError(f"timm cannot convert these weights for this architecture: {error!r}") from error


def _rename_in_order(path: Path, state: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the module's own names, matched one to one by order and shape."""
    theirs = [(key, value) for key, value in state.items() if not key.endswith(_COUNTER)]
    ours = [(key, value) for key, value in wanted.items() if not key.endswith(_COUNTER)]
    if len(theirs) != len(ours):
        number = counted(len(theirs), "tensor")
        raise UserError(f"{path} does not fit this architecture: {number}, {len(ours)} expected")
    for (their_key, their_value), (our_key, our_value) in zip(theirs, ours, strict=True):
        if their_value.shape != our_value.shape:
            raise UserError(
                f"{path} does not fit this architecture: {their_key} is {tuple(their_value.shape)}, "
                f"{our_key} in its place {tuple(our_value.shape)}"
            )
    return {our_key: their_value for (_, their_value), (our_key, _) in zip(theirs, ours, strict=True)}


def weights_digest(module: nn.Module) -> str:
    """sha256 over the names, types, shapes and bytes of all tensors of a module."""
    return tensors_digest(module.state_dict())


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """As ``weights_digest``, of the tensors of a ``state_dict``."""
    digest = hashlib.sha256()
    for key, value in sorted(tensors.items()):
        if key.endswith(_COUNTER):
            continue
        tensor = value.detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
