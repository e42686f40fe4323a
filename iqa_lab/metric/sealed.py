"""Tensors and a text about them <-> one ``.safetensors`` file in which every change since it was written is found.

The text is JSON in the file's header. It holds a digest of itself, and the shape, type and digest of every tensor.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from iqa_lab import __version__
from iqa_lab.errors import UserError, first_names
from iqa_lab.store.signature import digest_of

KEY = "iqa_lab_metric"
SCHEMA = 1
_LARGEST_TEXT = 16 * 2**20  # of the JSON: a recipe of thousands of columns has some MiB
_NOTHING = "nothing"  # the format wants a tensor


def sealed(content: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> bytes:
    """The bytes of a file.

    Args:
        content: of the text, as JSON has it.
        tensors: by name, each contiguous and in memory of its own.
    """
    facts = {name: _facts(value) for name, value in tensors.items()}
    head = {"schema": SCHEMA, "made_by": f"iqa_lab {__version__}", **content, "tensors": facts}
    plain = json.loads(json.dumps(head))
    text = json.dumps({**plain, "digest": digest_of(plain)})
    return save_tensors(dict(tensors) or {_NOTHING: torch.zeros(1)}, metadata={KEY: text})


def read_description(path: Path) -> dict[str, Any]:
    """What the file of a metric says of itself; its tensors are not read.

    Raises:
        UserError: it is missing, unreadable, no metric, damaged or of another version.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
            length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
            if not 2 <= length <= 2 * _LARGEST_TEXT:
                raise UserError(f"{path} is no metric: it is no safetensors file")
            header = json.loads(file.read(length))
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: it is no safetensors file") from error
    said = header.get("__metadata__") if isinstance(header, dict) else None
    text = said.get(KEY) if isinstance(said, dict) else None
    if not isinstance(text, str):
        raise UserError(f"{path} is no metric: only weights; give them to an architecture with weights.path={path}")
    try:
        content = json.loads(text) if len(text) <= _LARGEST_TEXT else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UserError(f"{path} is damaged: what it says of itself is no JSON")
    if content.get("schema") != SCHEMA:
        raise UserError(f"{path} is a metric of another version of iqa_lab ({content.get('made_by')}): save it again")
    digest = content.pop("digest", None)
    if digest != digest_of(content):
        raise UserError(f"{path} is damaged: it was changed after it was written")
    return content


def read_tensors(path: Path, named: Mapping[str, Mapping[str, Any]]) -> dict[str, Tensor]:
    """The tensors, each as it was saved.

    Raises:
        UserError: one is missing, left over, or another.
    """
    try:
        tensors = load_tensors(path.read_bytes())
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path} is damaged: {' '.join(str(error).split())[:120]}") from error
    tensors.pop(_NOTHING, None)
    wrong = [name for name in {*tensors, *named} if name not in tensors or name not in named]
    wrong += [name for name in tensors if name in named and _facts(tensors[name]) != dict(named[name])]
    if wrong:
        raise UserError(f"{path} is damaged: {first_names(sorted(wrong))} are not the tensors that were saved")
    return tensors


def _facts(value: Tensor) -> dict[str, Any]:
    data = value.contiguous().flatten().view(torch.uint8).numpy().data if value.numel() else b""
    return {
        "shape": list(value.shape),
        "type": str(value.dtype).removeprefix("torch."),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
