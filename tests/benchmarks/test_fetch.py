"""Databases from a server on this machine: whole or not at all, and nothing outside of their folder."""

import csv
import hashlib
import io
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from iqa_lab.benchmarks import fetch
from iqa_lab.benchmarks.fetch import fetch_benchmarks
from iqa_lab.config import configuration_folder
from iqa_lab.downloads import archives
from iqa_lab.downloads import files as downloads
from iqa_lab.downloads.archives import unpack
from iqa_lab.errors import UnitFailed, UserError
from tests.conftest import Finished, needs_shared

# ---------------------------------------------------------------------------------------------------- archives

FILES = {"images/a.txt": b"first", "images/deep/b.txt": b"second" * 1000, "list.csv": b""}


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tar_of(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def seven_zip_of(path: Path, files: dict[str, bytes]) -> Path:
    libarchive = pytest.importorskip("libarchive", exc_type=(ImportError, TypeError, AttributeError))
    with libarchive.file_writer(str(path), "7zip") as archive:
        for name, content in files.items():
            archive.add_file_from_memory(name, len(content), content)
    return path


def rar_of(path: Path, files: dict[str, bytes]) -> Path:
    """A RAR 5 archive with stored files, by the format's public description: nobody makes rar files for free."""
    pytest.importorskip("libarchive", exc_type=(ImportError, TypeError, AttributeError))

    def number(value: int) -> bytes:
        digits = b""
        while value > 0x7F:
            digits += bytes([value & 0x7F | 0x80])
            value >>= 7
        return digits + bytes([value])

    def block(content: bytes) -> bytes:
        sized = number(len(content)) + content
        return struct.pack("<I", zlib.crc32(sized)) + sized

    parts = [b"Rar!\x1a\x07\x01\x00", block(number(1) + number(0) + number(0))]
    for name, content in files.items():
        encoded = name.encode()
        header = number(2) + number(2) + number(len(content))  # a file, with a data area of that length
        header += number(4) + number(len(content)) + number(0o100644) + struct.pack("<I", zlib.crc32(content))
        header += number(0) + number(1) + number(len(encoded)) + encoded
        parts += [block(header), content]
    path.write_bytes(b"".join([*parts, block(number(5) + number(0) + number(0))]))
    return path


MAKERS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "zip": zip_of, "tgz": tar_of, "tar": partial(tar_of, mode="w"), "tar.xz": partial(tar_of, mode="w:xz"),
    "7z": seven_zip_of, "rar": rar_of,
}  # fmt: skip


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", MAKERS)
def test_archives_are_unpacked(tmp_path: Path, kind: str) -> None:
    unpack(MAKERS[kind](tmp_path / f"x.{kind}", FILES), tmp_path / "out")
    assert tree(tmp_path / "out") == FILES


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/tmp/evil.txt", "C:/evil.txt", "..\\evil.txt"])
def test_files_that_point_elsewhere_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    archive = MAKERS[kind](tmp_path / f"x.{kind}", {name: b"evil"})
    with pytest.raises(UserError, match=r"is not unpacked: .*evil.txt in it points out of its folder"):
        unpack(archive, tmp_path / "a" / "out")
    assert not list(tmp_path.rglob("evil.txt")) and not Path("/tmp/evil.txt").exists()


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        with tarfile.open(tmp_path / "x.tar", "w") as archive:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = kind, "list.csv"
            archive.addfile(tarfile.TarInfo("list.csv"))
            archive.addfile(member)
        with pytest.raises(UserError, match="link in it is "):
            unpack(tmp_path / "x.tar", tmp_path / f"out{kind!r}")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive_:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive_.writestr(link, "/etc")
    with pytest.raises(UserError, match="link in it is no plain file"):
        unpack(tmp_path / "x.zip", tmp_path / "out")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", FILES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "list.csv").write_text("mine")
    with pytest.raises(UserError, match="list.csv in it is there twice"):
        unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "list.csv").read_text() == "mine"


@pytest.mark.parametrize("kind", MAKERS)
def test_damaged_archives_are_said_to_be(tmp_path: Path, kind: str) -> None:
    content = {"a.bin": np.random.default_rng(0).bytes(100_000)}
    archive = MAKERS[kind](tmp_path / f"x.{kind}", content)
    archive.write_bytes(archive.read_bytes()[:50_000])
    with pytest.raises(UserError, match="damaged or no archive"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", MAKERS)
def test_archives_that_become_much_larger_are_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = MAKERS[kind](tmp_path / f"x.{kind}", {"a.txt": b"small", "b.bin": bytes(3_000_000)})
    monkeypatch.setattr(archives, "SMALL", 1_000_000)
    monkeypatch.setattr(archives, "RATIO", 0.3)
    with pytest.raises(UserError, match=r"x\..* is not unpacked: it holds more than 1000000 bytes, though it has"):
        unpack(archive, tmp_path / "out")
    assert sum(len(content) for content in tree(tmp_path / "out").values()) <= 1_000_000
    monkeypatch.setattr(archives, "RATIO", 1e6)
    unpack(archive, tmp_path / "other")
    assert len(tree(tmp_path / "other")["b.bin"]) == 3_000_000


@pytest.mark.parametrize("kind", MAKERS)
def test_archives_of_too_many_files_or_for_a_larger_disk_are_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = MAKERS[kind](tmp_path / f"x.{kind}", {f"{number}.txt": b"0123" for number in range(30)})
    with monkeypatch.context() as few:
        few.setattr(archives, "MEMBERS", 20)
        with pytest.raises(UserError, match="is not unpacked: it holds more than 20 files"):
            unpack(archive, tmp_path / "out")
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 0, 100))
    with pytest.raises(UserError, match="the disk has no 1.. bytes left"):
        unpack(archive, tmp_path / "other")


def test_a_zip_file_that_lies_about_its_sizes_is_damaged_and_a_locked_one_refused(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", {"a.bin": bytes(100_000)})
    content = archive.read_bytes()
    true, false = struct.pack("<I", 100_000), struct.pack("<I", 10)
    archive.write_bytes(content.replace(true, false))
    with pytest.raises(UserError, match="damaged or no archive"):
        unpack(archive, tmp_path / "out")
    assert sum(len(each) for each in tree(tmp_path / "out").values()) <= 10
    flags = bytearray(content)
    flags[6] |= 1  # encrypted, in the file's own header and in the list of all
    flags[content.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(flags)
    with pytest.raises(UserError, match="password"):
        unpack(archive, tmp_path / "locked")


def test_without_libarchive_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = rar_of(tmp_path / "x.rar", FILES)
    monkeypatch.setitem(sys.modules, "libarchive", None)
    with pytest.raises(UserError, match=r"x.rar needs libarchive: install it \(apt install libarchive13"):
        unpack(archive, tmp_path / "out")


# ---------------------------------------------------------------------------------------------------- benchmarks


@dataclass
class Publisher:
    """A server of files, and a configuration folder of benchmarks that name them."""

    files: Path
    address: str
    conf: Path
    asked: list[str] = field(default_factory=list)

    def benchmark(self, name: str, archives: list[dict[str, str | None]], **changes: object) -> None:
        lines = {
            "name": name, "description": "a test", "family": "table", "opinion": "mos", "folder": name,
            "path": None, "expected": "{references: 2, pairs: 4, distortions: null}", "licence": "mine", **changes,
        }  # fmt: skip
        text = "".join(f"{key}: {'null' if value is None else value}\n" for key, value in lines.items())
        entries = [{**archive, "url": f"{self.address}/{archive['url']}"} for archive in archives]
        self.conf.joinpath("benchmark").mkdir(parents=True, exist_ok=True)
        self.conf.joinpath("benchmark", f"{name}.yaml").write_text(f"{text}archives: {entries}".replace("None", "null"))


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(downloads, "WAIT", 0.01)
    monkeypatch.delenv("IQA_LAB_MIRROR", raising=False)
    monkeypatch.setenv("IQA_LAB_DATA", str(tmp_path / "data"))
    files = tmp_path / "server"
    files.mkdir()
    it = Publisher(files, "", tmp_path / "conf")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            it.asked.append(self.path)
            super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=files))
    it.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield it
    server.shutdown()
    server.server_close()


def kadid_files(references: int = 81) -> dict[str, bytes]:
    """The files of KADID-10k, all with one tiny picture."""
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "png")
    files, lines = {}, ["dist_img,ref_img,dmos,var"]
    for reference in range(1, references + 1):
        files[f"images/I{reference:02}.png"] = picture.getvalue()
        for distortion in range(1, 26):
            for level in range(1, 6):
                name = f"I{reference:02}_{distortion:02}_{level:02}.png"
                files[f"images/{name}"] = picture.getvalue()
                lines.append(f"{name},I{reference:02}.png,3,.5")
    return {**files, "dmos.csv": "\n".join(lines).encode()}


SMALL = {"family": "kadid", "expected": "{references: 2, pairs: 250, distortions: 25}"}


def wrapped(files: dict[str, bytes], folder: str) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


def test_a_database_is_fetched_verified_and_checked(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = zip_of(publisher.files / "x.zip", wrapped(kadid_files(2), "KADID"))
    checksum = f"md5:{hashlib.md5(archive.read_bytes()).hexdigest()}"
    publisher.benchmark("small", [{"url": "x.zip", "checksum": checksum}], **SMALL)
    fetch_benchmarks(["small"], [publisher.conf])
    assert "small: fetched, 250 pairs in" in (said := capsys.readouterr().err) and "its licence: mine" in said
    assert "1 of 1 files had a checksum" in said
    assert (tmp_path / "data" / "small" / "dmos.csv").is_file()
    assert [entry.name for entry in (tmp_path / "data").iterdir() if "small" in entry.name] == ["small"]
    assert not (tmp_path / "data" / ".downloads" / "small").exists()
    fetch_benchmarks(["small"], [publisher.conf])
    assert "small: already here, 250 pairs in" in capsys.readouterr().err and len(publisher.asked) == 1


def test_several_archives_and_a_plain_file_make_one_database(publisher: Publisher, tmp_path: Path) -> None:
    files = kadid_files(2)
    images = {Path(name).name: content for name, content in files.items() if name.startswith("images/")}
    zip_of(publisher.files / "pictures.zip", wrapped(images, "Images"))
    (publisher.files / "dmos.csv").write_bytes(files["dmos.csv"])
    archives = [{"url": "dmos.csv"}, {"url": "pictures.zip", "into": "images"}]
    publisher.benchmark("small", archives, **SMALL)
    fetch_benchmarks(["small"], [publisher.conf])
    assert tree(tmp_path / "data" / "small") == files


def test_a_second_part_joins_the_first(publisher: Publisher, tmp_path: Path) -> None:
    def part(share: float) -> dict[str, bytes]:
        picture, answer = io.BytesIO(), io.BytesIO()
        Image.new("RGB", (4, 4)).save(picture, "png")
        np.save(answer, np.array([share], np.float32))
        names = {f"cnn/{folder}/0.png": picture.getvalue() for folder in ("ref", "p0", "p1")}
        return {**names, "cnn/judge/0.npy": answer.getvalue()}

    options = {"family": "bapps", "folder": "bapps", "protocol": "2afc"}
    options["expected"] = "{references: 1, pairs: 1, distortions: 1}"
    for name, share in {"val": 0.2, "train": 0.5}.items():
        tar_of(publisher.files / f"{name}.tar.gz", wrapped(part(share), name))
        archives = [{"url": f"{name}.tar.gz", "into": f"2afc/{name}"}]
        publisher.benchmark(name, archives, **options, opinions=name)
    fetch_benchmarks(["val"], [publisher.conf])
    before = tree(tmp_path / "data" / "bapps")
    fetch_benchmarks(["train", "val"], [publisher.conf])
    after = tree(tmp_path / "data" / "bapps")
    assert {name: after[name] for name in before} == before and len(after) == 2 * len(before) == 8


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({**kadid_files(2), "../evil": b""}, "evil in it points out of its folder"),
        ({name: content for name, content in kadid_files(2).items() if "I02_25_05" not in name}, "is incomplete: 249"),
        ({**kadid_files(2), "images/I02_25_05.png": b"no image"}, "I02_25_05.png is damaged"),
    ],
    ids=["hostile", "incomplete", "damaged"],
)
def test_what_is_not_whole_is_not_left_there(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], message: str
) -> None:
    zip_of(publisher.files / "x.zip", files)
    publisher.benchmark("small", [{"url": "x.zip"}], **SMALL)
    with pytest.raises(UnitFailed, match=r"1 of 1 benchmarks could not be fetched \(small\)"):
        fetch_benchmarks(["small"], [publisher.conf])
    said = capsys.readouterr().err
    assert message in said and "what was downloaded is kept in" in said
    assert not (tmp_path / "data" / "small").exists() and not (tmp_path / "data" / ".unfinished-small").exists()
    assert (tmp_path / "data" / ".downloads" / "small" / "x.zip").is_file()


@pytest.mark.parametrize(
    ("archive", "changes"),
    [
        ({"into": "../../evil"}, {}),
        ({"into": "/tmp/evil"}, {}),
        ({"into": "a/../../evil"}, {}),
        ({}, {"folder": "../outside"}),
        ({}, {"folder": "/tmp/outside"}),
        ({}, {"opinions": "../secret"}),
        ({"url": ".."}, {}),
        ({"url": ""}, {}),
    ],
)
def test_configurations_that_point_out_of_the_data_folder_write_nothing(
    publisher: Publisher,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    archive: dict[str, str | None],
    changes: dict[str, object],
) -> None:
    zip_of(publisher.files / "x.zip", kadid_files(2))
    publisher.benchmark("small", [{"url": "x.zip", **archive}], **{**SMALL, **changes})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UnitFailed):
        fetch_benchmarks(["small"], [publisher.conf])
    said = " ".join(capsys.readouterr().err.split())
    assert "leads out of its folder" in said or "does not end in a file's name" in said
    assert sorted(tmp_path.rglob("*")) == before and not publisher.asked


def test_what_is_there_is_never_overwritten(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zip_of(publisher.files / "x.zip", kadid_files(2))
    publisher.benchmark("small", [{"url": "x.zip"}], **SMALL)
    (tmp_path / "data" / "small").mkdir(parents=True)
    (tmp_path / "data" / "small" / "mine.txt").write_text("years of work")
    with pytest.raises(UnitFailed):
        fetch_benchmarks(["small"], [publisher.conf])
    assert "move it away: nothing is overwritten" in capsys.readouterr().err and not publisher.asked
    assert tree(tmp_path / "data" / "small") == {"mine.txt": b"years of work"}


def test_where_a_person_is_needed_the_steps_are_printed(
    iqa_lab: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no source answers."""

    def nobody(url: str, *_: object) -> Path:
        raise downloads.NotToBeHad(f"could not download {url}")

    monkeypatch.setattr(fetch, "download", nobody)
    done = iqa_lab("fetch", "benchmark=live,vclfer")
    assert done.code == 1 and "2 of 2 benchmarks could not be fetched (live, vclfer)" in done.error_line
    assert "live: not fetched: it needs you. Fill in the form at https://live.ece.utexas.edu" in done.err
    assert "could not download https://huggingface.co" in done.err
    assert "vclfer: not fetched: it needs you. Get http://www.vcl.fer.hr/quality/vlc@fer.rar" in done.err
    unknown = iqa_lab("fetch", "benchmark=tid2031")
    assert unknown.code == 2 and "there is no benchmark tid2031; choose from tid2013" in unknown.error_line


# ------------------------------------------------------------------------------------- wrapping folders, sources


def own_files(inner: str) -> dict[str, bytes]:
    """A database of two references and four pairs, of which the list is yet to be made."""
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "png")
    return {f"{inner}{name}": picture.getvalue() for name in ("r0", "r1", "d0", "d1", "d2", "d3")}


def own_list(inner: str) -> bytes:
    rows = [f"db/{inner}d{n},noise,db/{inner}r{n % 2},{n}" for n in range(4)]
    return "\n".join(["dis_img_path,dis_type,ref_img_path,score", *rows]).encode()


@pytest.mark.parametrize("inner", ["", "images/", "To_Release/Part 1/", "db/"])
@pytest.mark.parametrize("wrapper", ["", "db/", "db/db/", "Some Folder/db/"])
@pytest.mark.parametrize("apart", [True, False], ids=["list apart", "list inside"])
def test_only_folders_that_are_not_the_databases_own_are_taken_off(
    publisher: Publisher, tmp_path: Path, inner: str, wrapper: str, apart: bool
) -> None:
    files = own_files(inner) | ({} if apart else {"list.txt": own_list(inner)})
    tar_of(publisher.files / "db.tar", {f"{wrapper}{name}": content for name, content in files.items()}, mode="w")
    (publisher.files / "list.txt").write_bytes(own_list(inner))
    archives: list[dict[str, str | None]] = [{"url": "db.tar"}, *([{"url": "list.txt"}] if apart else [])]
    publisher.benchmark("db", archives, family="listed", opinions="list.txt")
    fetch_benchmarks(["db"], [publisher.conf])
    assert tree(tmp_path / "data" / "db") == own_files(inner) | {"list.txt": own_list(inner)}


@pytest.mark.parametrize("name", ["a57", "live_md", "mdid2013", "sdivl"])
def test_what_waterloo_repacked_is_fetched_as_its_list_has_it(publisher: Publisher, tmp_path: Path, name: str) -> None:
    content = yaml.safe_load((configuration_folder() / "benchmark" / f"{name}.yaml").read_text())
    file = needs_shared("data", "labels", "iqa-dataset", content["opinions"])
    rows = list(csv.DictReader(file.read_text().splitlines()))
    (picture,) = set(own_files("").values())
    images = {row[side]: picture for row in rows for side in ("dis_img_path", "ref_img_path")}
    content["archives"] = [archive for archive in content["archives"] if archive["source"] == "waterloo"]
    for archive in content["archives"]:
        archive["url"] = f"{publisher.address}/{archive['url'].rpartition('/')[2]}"
    tar_of(publisher.files / f"{file.stem}.tar", images, mode="w")
    (publisher.files / file.name).write_bytes(file.read_bytes())
    (publisher.conf / "benchmark").mkdir(parents=True)
    (publisher.conf / "benchmark" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    fetch_benchmarks([name], [publisher.conf])
    assert len(tree(tmp_path / "data" / content["folder"])) == len(images) + 1


def test_two_archives_of_one_name_are_told_apart(publisher: Publisher, tmp_path: Path, capsys: Any) -> None:
    files = own_files("images/") | {"list.txt": own_list("images/")}
    zip_of(publisher.files / "db.zip", wrapped(files, "db"))
    (publisher.files / "list.txt").write_bytes(own_list("images/"))
    archives: list[dict[str, str | None]] = [{"url": "db.zip"}, {"url": "list.txt"}]
    publisher.benchmark("db", archives, family="listed", opinions="list.txt")
    fetch_benchmarks(["db"], [publisher.conf])  # the same list in both
    assert tree(tmp_path / "data" / "db") == files
    shutil.rmtree(tmp_path / "data")
    (publisher.files / "list.txt").write_bytes(own_list("images/") + b"\n")
    with pytest.raises(UnitFailed):
        fetch_benchmarks(["db"], [publisher.conf])
    assert "two of its archives hold list.txt, and not the same" in capsys.readouterr().err
    assert not (tmp_path / "data" / "db").exists()


def mirrors(publisher: Publisher, **first: str | None) -> list[dict[str, str | None]]:
    """A source that does not work, and one that does."""
    zip_of(publisher.files / "small.zip", wrapped(kadid_files(2), "KADID"))
    second = {"url": "small.zip", "source": "elsewhere", "terms": "For research, says elsewhere."}
    return [{"url": "x.zip", **first}, second]


@pytest.mark.parametrize("kind", ["gone", "another file", "damaged", "half", "hostile"])
def test_the_first_source_that_works_is_taken(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    archives = mirrors(publisher, checksum=f"sha256:{'0' * 64}" if kind == "another file" else None)
    files = kadid_files(2)
    half = {name: content for name, content in files.items() if "I02" not in name}
    broken = {"another file": files, "half": half, "hostile": {**files, "../evil": b""}}
    if kind == "damaged":
        (publisher.files / "x.zip").write_bytes(b"no archive")
    elif kind != "gone":
        zip_of(publisher.files / "x.zip", broken[kind])
    publisher.benchmark("small", archives, **SMALL)
    fetch_benchmarks(["small"], [publisher.conf])
    said = " ".join(capsys.readouterr().err.split())
    assert "small: not from publisher: " in said and "small: from elsewhere: For research, says elsewhere." in said
    assert "small: fetched, 250 pairs in" in said and publisher.asked == ["/x.zip", "/small.zip"]
    assert tree(tmp_path / "data" / "small") == files
    assert sorted(entry.name for entry in (tmp_path / "data").iterdir()) in ([".downloads", "small"], ["small"])


def test_where_no_source_works_all_of_them_are_named(
    publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archives = mirrors(publisher)
    (publisher.files / "small.zip").unlink()
    publisher.benchmark("small", archives, **SMALL, steps="Ask the authors.")
    with pytest.raises(UnitFailed):
        fetch_benchmarks(["small"], [publisher.conf])
    said = " ".join(capsys.readouterr().err.split())
    assert "it needs you. Ask the authors. (publisher: could not download" in said and "; elsewhere: could not" in said
    assert publisher.asked == ["/x.zip", "/small.zip"] and not (tmp_path / "data" / "small").exists()


def test_a_source_that_works_is_the_only_one_that_is_asked(publisher: Publisher) -> None:
    archives = mirrors(publisher)
    publisher.benchmark("small", archives[::-1], **SMALL)
    fetch_benchmarks(["small"], [publisher.conf])
    assert publisher.asked == ["/small.zip"]


_FULL_DISK = """
import resource, sys
from pathlib import Path
from iqa_lab.benchmarks import fetch
from iqa_lab.benchmarks.fetch import fetch_benchmarks
from iqa_lab.config import configuration_folder
from iqa_lab.errors import UnitFailed
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    fetch_benchmarks(["small"], [Path(sys.argv[1])])
except UnitFailed as error:
    print(error)
"""


def test_a_full_disk_leaves_nothing_half_unpacked(publisher: Publisher, tmp_path: Path) -> None:
    files = {**kadid_files(2), "video.avi": bytes(10_000_000)}  # small as an archive, not when unpacked
    zip_of(publisher.files / "x.zip", files)
    publisher.benchmark("small", [{"url": "x.zip"}], **SMALL)
    command = [sys.executable, "-c", _FULL_DISK, str(publisher.conf)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not be fetched" in done.stdout and "cannot unpack x.zip" in done.stderr
    assert "what was downloaded is kept" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "data" / "small").exists() and not (tmp_path / "data" / ".unfinished-small").exists()
    asked = len(publisher.asked)
    fetch_benchmarks(["small"], [publisher.conf])  # with room again: from what was kept
    assert len(publisher.asked) == asked and (tmp_path / "data" / "small" / "dmos.csv").is_file()


def test_a_killed_process_leaves_only_what_the_next_one_removes(publisher: Publisher, tmp_path: Path) -> None:
    zip_of(publisher.files / "x.zip", kadid_files(2))
    publisher.benchmark("small", [{"url": "x.zip"}], **SMALL)
    leftover = tmp_path / "data" / ".unfinished-small" / "images"
    leftover.mkdir(parents=True)
    (leftover / "I01.png").write_bytes(b"half")
    fetch_benchmarks(["small"], [publisher.conf])
    assert not leftover.exists() and len(tree(tmp_path / "data" / "small")) == 253
    shutil.rmtree(tmp_path / "data")
