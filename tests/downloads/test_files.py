"""Downloads from a server on this machine that behaves as badly as servers do."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from iqa_lab.downloads import files as downloads
from iqa_lab.downloads.files import download, mirrored
from iqa_lab.errors import UserError

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server does, and what it was asked for."""

    address: str = ""
    content: bytes = CONTENT
    version: str = '"1"'
    cut_after: list[int | None] = field(default_factory=list)  # bytes of each answer before the line is cut
    answers: list[int] = field(default_factory=list)  # status codes instead of the file, one a request
    silent: list[float] = field(default_factory=list)  # seconds before each answer
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range of every request


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of one file, its waiting times shortened."""
    monkeypatch.setattr(downloads, "WAIT", 0.01)
    monkeypatch.setattr(downloads, "TIMEOUTS", (2.0, 0.6))
    monkeypatch.delenv("IQA_LAB_MIRROR", raising=False)
    server = Server()
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.asked.append((self.path, wanted))
            if server.silent and (seconds := server.silent.pop(0)):
                released.wait(seconds)
            with suppress(BrokenPipeError, ConnectionResetError):
                self.answer(wanted)

        def answer(self, wanted: str | None) -> None:
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/file")
                self.end_headers()
                return
            if server.answers:
                self.send_error(server.answers.pop(0))
                return
            start = 0
            if wanted and server.ranges and self.headers.get("If-Range") == server.version:
                start = begins(wanted)
            body = server.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", server.version)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = server.cut_after.pop(0) if server.cut_after else None
            self.wfile.write(body[:cut])

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=[0.01], daemon=True).start()
        server.address = f"http://127.0.0.1:{http.server_port}"
        yield server
        released.set()
        http.shutdown()


def begins(wanted: str | None) -> int:
    """Where a request begins to read."""
    return int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0


def test_a_file_comes_whole_and_once(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file.pth"
    assert download(f"{server.address}/file", path, SHA256[:8]) == path
    assert path.read_bytes() == CONTENT
    assert [entry.name for entry in path.parent.iterdir()] == ["file.pth"]  # no part, lock or tag is left
    download(f"{server.address}/file", path)
    assert len(server.asked) == 1


def test_a_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    assert download(f"{server.address}/moved", tmp_path / "x", SHA256).read_bytes() == CONTENT


def test_a_cut_line_is_gone_on_from_where_it_was_cut(server: Server, tmp_path: Path) -> None:
    server.cut_after = [300_000, 200_000]
    assert download(f"{server.address}/file", tmp_path / "x", SHA256).read_bytes() == CONTENT
    first, second, third = (begins(wanted) for _, wanted in server.asked)
    assert first == 0 and second > 280_000 and third > 460_000  # a cut may lose one small piece


def test_what_came_is_kept_for_the_next_call(server: Server, tmp_path: Path) -> None:
    server.cut_after, server.answers = [400_000], []
    server.silent = [0, 2, 2, 2, 2]  # after the cut the server says nothing for longer than we wait
    with pytest.raises(UserError, match="could not download .*/file .*timed out.*what came is kept"):
        download(f"{server.address}/file", tmp_path / "x", SHA256)
    assert not (tmp_path / "x").exists()
    server.silent.clear()
    before = len(server.asked)
    assert download(f"{server.address}/file", tmp_path / "x", SHA256).read_bytes() == CONTENT
    assert begins(server.asked[before][1]) > 380_000


def test_a_slow_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.silent = [2, 2]
    assert download(f"{server.address}/file", tmp_path / "x", SHA256).read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_a_server_in_trouble_is_asked_again_and_not_for_ever(server: Server, tmp_path: Path) -> None:
    server.answers = [503, 500, 429]
    assert download(f"{server.address}/file", tmp_path / "x", SHA256).read_bytes() == CONTENT
    server.answers = [503] * 10
    with pytest.raises(UserError, match="could not download .*503"):
        download(f"{server.address}/file", tmp_path / "y", SHA256)
    assert len(server.answers) == 10 - downloads.ATTEMPTS


def test_a_missing_file_is_said_at_once(server: Server, tmp_path: Path) -> None:
    server.answers = [404]
    with pytest.raises(UserError, match=r"could not download .*\(the server says 404"):
        download(f"{server.address}/file", tmp_path / "x")
    assert len(server.asked) == 1 and not (tmp_path / "x").exists()


def test_a_file_that_changed_meanwhile_is_begun_anew(server: Server, tmp_path: Path) -> None:
    server.cut_after = [300_000]
    server.silent = [0, 2, 2, 2, 2]
    with pytest.raises(UserError):
        download(f"{server.address}/file", tmp_path / "x")
    server.silent.clear()
    server.content, server.version = CONTENT[::-1], '"2"'
    assert download(f"{server.address}/file", tmp_path / "x").read_bytes() == CONTENT[::-1]


def test_without_ranges_a_cut_file_is_begun_anew(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, [300_000]
    assert download(f"{server.address}/file", tmp_path / "x", SHA256).read_bytes() == CONTENT


def test_another_file_than_expected_is_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"expected and was removed: its sha256 begins with {SHA256[:16]}"):
        download(f"{server.address}/file", tmp_path / "x", "0" * 64)
    assert not list(tmp_path.glob("x*"))


def test_a_place_that_cannot_be_written_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="could not write"):
        download(f"{server.address}/file", tmp_path / "file" / "x")


def test_no_such_host_is_said_at_once(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slept(_: float) -> None:
        raise AssertionError("waited")

    monkeypatch.setattr(downloads.time, "sleep", slept)
    with pytest.raises(UserError, match="could not download http://no-such-host.invalid/x"):
        download("http://no-such-host.invalid/x", tmp_path / "x")


def test_a_mirror_stands_before_every_address(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IQA_LAB_MIRROR", f"{server.address}/mirror/")
    assert mirrored("https://a.org/b/c?d=1") == f"{server.address}/mirror/a.org/b/c?d=1"
    download("https://download.pytorch.org/models/x.pth", tmp_path / "x", SHA256)
    assert server.asked[0][0] == "/mirror/download.pytorch.org/models/x.pth"


def test_several_threads_fetch_a_file_once(server: Server, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=download, args=(f"{server.address}/file", tmp_path / "x", SHA256)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1 and (tmp_path / "x").read_bytes() == CONTENT
