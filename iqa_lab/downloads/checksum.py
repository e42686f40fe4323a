"""A checksum as people write it, and a file -> nothing, or an error: parsed and compared here only."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from iqa_lab.errors import UserError

# hexadecimal digits of the whole; the shortest beginning that counts is what torchvision writes into its file names
_DIGITS = {"sha256": 64, "md5": 32}
_SHORTEST = 8


@dataclass(frozen=True)
class Checksum:
    """A digest, or how it begins."""

    kind: str  # sha256 | md5
    digits: str  # lower case, 8 or more

    def difference(self, path: Path) -> str | None:
        """How the digest of a file differs from these digits, in words; None where it begins with them."""
        with path.open("rb") as file:
            found = hashlib.file_digest(file, self.kind).hexdigest()
        if found.startswith(self.digits):
            return None
        return f"its {self.kind} begins with {found[:16]}, expected {self.digits[:16]}"

    def verify(self, path: Path) -> None:
        """Nothing, if a file is the one that is meant.

        Raises:
            UserError: it is another one.
        """
        different = self.difference(path)
        if different:
            raise UserError(f"{path} is damaged or another file: {different}; remove it and fetch it again")


def parse_checksum(text: str | None, setting: str, kinds: tuple[str, ...] = ("sha256", "md5")) -> Checksum | None:
    """What a setting says of a file; None where it says nothing (null).

    Args:
        text: hexadecimal digits, all or at least the first 8, perhaps after ``sha256:`` (meant without it) or ``md5:``.
        setting: whose value it is, for the message.
        kinds: that may be named.

    Raises:
        UserError: it is empty, too short, too long, or not hexadecimal: such a text would verify nothing.

    >>> parse_checksum("SHA256:7BE5BE79", "weights.sha256")
    Checksum(kind='sha256', digits='7be5be79')
    """
    if text is None:
        return None
    kind, colon, digits = text.strip().rpartition(":")
    kind, digits = kind.strip().lower() if colon else "sha256", digits.strip().lower()
    if kind not in kinds:
        raise UserError(f"{setting}={text}: a checksum here is {' or '.join(kinds)}, as in {kinds[0]}:DIGITS")
    if not re.fullmatch("[0-9a-f]*", digits) or not _SHORTEST <= len(digits) <= _DIGITS[kind]:
        raise UserError(
            f"{setting}={text}: give the {_DIGITS[kind]} hexadecimal digits of the file's {kind}, or at least the "
            f"first {_SHORTEST}; null, if there is nothing to compare with"
        )
    return Checksum(kind, digits)
