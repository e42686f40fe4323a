"""Files from the network: resumed where they were cut, tried again, verified, and never half there.

pooch verifies and names files, but begins anew after every cut; weights of several hundred megabytes should not.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse

import requests
from filelock import FileLock

from iqa_lab import __version__
from iqa_lab.downloads.checksum import Checksum, parse_checksum
from iqa_lab.errors import UserError
from iqa_lab.progress import bytes_bar

ATTEMPTS = 4
WAIT = 1.0  # seconds before the second attempt; doubled after each
TIMEOUTS = (10.0, 60.0)  # seconds to connect, and between two pieces
_PIECE = 2**14  # what a cut can lose


class NotToBeHad(UserError):
    """A file that the network does not give."""


def download(url: str, path: Path, checksum: str | None = None) -> Path:
    """``path``, fetched from ``url`` if it is not there yet, and verified.

    What has come is kept in ``path`` + ``.part``; the next call goes on from there. Several processes may ask for the
    same file. With ``$IQA_LAB_MIRROR`` set, ``https://host/file`` is asked for as ``$IQA_LAB_MIRROR/host/file``.

    Args:
        url: http or https.
        path: where the file shall be; its folder is made.
        checksum: of the file, as ``parse_checksum`` reads it; None: not verified.

    Raises:
        NotToBeHad: the server refuses, or cannot be reached.
        UserError: the checksum is none, the disk cannot be written, or the file is another one than it should be (it is
            removed then, if it came now).
    """
    expected = parse_checksum(checksum, "checksum")
    if path.is_file():
        if expected:
            expected.verify(path)
        return path
    lock = Path(f"{path}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not path.is_file():
                part = path.with_name(path.name + ".part")
                _fetch(mirrored(url), part)
                _verify(part, url, expected)
                part.replace(path)
    except OSError as error:  # requests' own errors are caught where they happen
        raise UserError(f"could not write {path}: {error.strerror or error}; what came is kept") from error
    finally:
        with suppress(OSError):
            lock.unlink(missing_ok=True)
    return path


def mirrored(url: str) -> str:
    """The address to ask, with the mirror of ``$IQA_LAB_MIRROR`` in front if there is one."""
    mirror = os.environ.get("IQA_LAB_MIRROR", "").rstrip("/")
    if not mirror:
        return url
    parts = urlparse(url)
    return f"{mirror}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def _fetch(url: str, part: Path) -> None:
    """All of a file into ``part``, from where that ends.

    Raises:
        NotToBeHad: the server refuses, or cannot be reached several times in a row.
    """
    wait = WAIT
    failures = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            _fetch_once(url, part, before)
            return
        except _Refused as refusal:
            raise _not_to_be_had(url, str(refusal)) from refusal
        except requests.RequestException as error:
            came = (part.stat().st_size if part.is_file() else 0) > before
            failures = 1 if came else failures + 1  # a bad line that moves on is not given up
            cause = cause_of(error)
            if failures >= ATTEMPTS or isinstance(cause, socket.gaierror):  # no such name, or no network
                raise _not_to_be_had(url, f"{' '.join(str(cause).split())[:160]}; what came is kept") from error
        time.sleep(wait)
        wait = min(2 * wait, 60)


def _not_to_be_had(url: str, reason: str) -> NotToBeHad:
    return NotToBeHad(f"could not download {url} ({reason})")


class _Refused(Exception):
    """An answer that will be the same next time."""


def _fetch_once(url: str, part: Path, have: int) -> None:
    """One request for what is missing."""
    tag = part.with_name(part.name + ".etag")  # which version of the file was begun
    headers = {"User-Agent": f"iqa_lab/{__version__}", "Accept-Encoding": "identity"}
    if have and tag.is_file():
        headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text(encoding="utf-8")}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS) as answer:
        if answer.status_code >= 500 or answer.status_code == 429:
            raise requests.HTTPError(f"the server says {answer.status_code} {answer.reason}")
        if answer.status_code == 416:  # nothing is missing, or the file has changed: begin anew
            part.unlink(missing_ok=True)
            raise requests.HTTPError("the part that was here does not fit the file")
        if answer.status_code not in (200, 206):
            raise _Refused(f"the server says {answer.status_code} {answer.reason}")
        if answer.status_code == 200:
            have = 0
            version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            tag.write_text(version, encoding="utf-8") if version else tag.unlink(missing_ok=True)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if have else "wb") as file:
            for piece in bytes_bar(_pieces(answer), Path(urlparse(url).path).name, have, total):
                file.write(piece)
                have += len(piece)
        if total is not None and have != total:
            raise requests.ConnectionError(f"the line was cut after {have} of {total} bytes")
    tag.unlink(missing_ok=True)


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    yield from answer.iter_content(_PIECE)


def cause_of(error: BaseException) -> BaseException:
    """The innermost of nested errors, which is what a person can act on."""
    inner = error.__cause__ or error.__context__
    return error if inner is None else cause_of(inner)


def _verify(part: Path, url: str, expected: Checksum | None) -> None:
    different = expected.difference(part) if expected else None
    if different:
        part.unlink()
        raise UserError(f"{url} gave another file than expected and was removed: {different}")
