"""What zlib compressed -> the bytes that it was, and checksums: by Intel's library, in half of zlib's time."""

import zlib
from typing import Any

fast: Any
try:
    from isal import isal_zlib as fast  # as zlib, and to be exchanged with it
except ImportError:  # a platform without wheels
    fast = zlib


def inflated(data: bytes, number: int) -> bytes | None:
    """The first bytes, this many at most, of what was compressed; None of damaged data."""
    try:
        result: bytes = fast.decompressobj().decompress(data, number)
    except (zlib.error, fast.error):
        return None
    return result


def crc32(data: bytes | memoryview, before: int = 0) -> int:
    """CRC-32 of some bytes, which follow those whose CRC-32 is ``before``."""
    result: int = fast.crc32(data, before)
    return result
