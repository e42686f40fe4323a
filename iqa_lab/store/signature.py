"""Values -> their one JSON text, a unit's signature, and the digest that a file of JSON carries of itself."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Of what a result is made of and how it is kept. 2: one's own source, versions of packages, digests of files.
# 3: plain and manhattan, and so the pixels' control of every result, are per pixel of the image.
SCHEMA = 3

DIGEST = "digest"


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def signature(identity: dict[str, Any]) -> str:
    """The first 12 digits of the sha256 over everything that may move a number."""
    return digest_of(identity)[:12]


def digest_of(value: Any) -> str:
    """The sha256 of a value's JSON text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as JSON knows it, with the version of its form and a digest of itself.

    >>> is_sealed(seal({"a": (1, 2)})), is_sealed({**seal({"a": 1}), "a": 2})
    (True, False)
    """
    plain = json.loads(json.dumps({**content, "schema": SCHEMA}))
    return {**plain, DIGEST: digest_of(plain)}


def is_sealed(content: Mapping[str, Any]) -> bool:
    """Whether nothing but white space and the order of keys has changed since it was sealed."""
    return content.get(DIGEST) == digest_of({key: value for key, value in content.items() if key != DIGEST})
