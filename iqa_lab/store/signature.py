"""Values -> their one JSON text, and a unit's signature."""

import hashlib
import json
from typing import Any

SCHEMA = 1


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def signature(identity: dict[str, Any]) -> str:
    """The first 12 digits of the sha256 over everything that may move a number."""
    return hashlib.sha256(canonical(identity).encode()).hexdigest()[:12]
