"""An address -> whether a server answers there, and how large it says its file is; nothing is downloaded."""

import socket
from dataclasses import dataclass

import requests

from iqa_lab import __version__
from iqa_lab.downloads.files import TIMEOUTS, cause_of, mirrored

# servers that know no HEAD answer so, and are asked for one byte instead
_NO_HEAD = (400, 403, 404, 405, 501)


@dataclass(frozen=True)
class Answer:
    """What a server said of an address."""

    ok: bool
    said: str  # the status in words, or why there was no answer
    size: int | None = None  # bytes, where the server tells


def ask(url: str) -> Answer:
    """What a server says of an address, through ``$IQA_LAB_MIRROR`` if there is one.

    Args:
        url: http or https.
    """
    try:
        with requests.Session() as session:
            session.headers.update({"User-Agent": f"iqa_lab/{__version__}", "Accept-Encoding": "identity"})
            answer = session.head(mirrored(url), timeout=TIMEOUTS, allow_redirects=True)
            size = answer.headers.get("Content-Length")
            if answer.status_code in _NO_HEAD:
                with session.get(
                    mirrored(url), headers={"Range": "bytes=0-0"}, timeout=TIMEOUTS, stream=True
                ) as answer:
                    whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
                    size = whole if answer.status_code == 206 else answer.headers.get("Content-Length")
    except requests.RequestException as error:
        cause = cause_of(error)
        where = "no network, or no such server" if isinstance(cause, socket.gaierror) else type(cause).__name__
        return Answer(False, f"{where}: {' '.join(str(cause).split())[:120]}")
    if answer.status_code in (401, 403):
        return Answer(False, f"{answer.status_code} {answer.reason}: its publisher wants a login or a licence accepted")
    if answer.headers.get("Content-Type", "").startswith("text/html") and answer.ok:
        return Answer(False, "a page, not a file")
    known = int(size) if size and size.isdigit() else None
    return Answer(answer.status_code in (200, 206), f"{answer.status_code} {answer.reason}", known)
