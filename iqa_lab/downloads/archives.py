"""An archive from the network -> its files below one folder: zip and tar by Python itself, 7z and rar by libarchive.

Nothing lands elsewhere, and a small archive does not fill the disk.
"""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from iqa_lab.errors import UserError
from iqa_lab.progress import track

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")

MEMBERS = 2_000_000  # files of an archive: the largest database has 152,000
# An archive may become SMALL bytes whatever its own size, and then so many times that: images do not shrink to 1 %.
SMALL, RATIO = 4 * 2**30, 100
_PIECE = 2**20
_OF_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)


def is_archive(name: str) -> bool:
    """Whether a file of that name is to be unpacked."""
    return name.lower().endswith(SUFFIXES)


def unpack(archive: Path, folder: Path) -> None:
    """All files of an archive, below a folder; directories are made as they are needed.

    Args:
        archive: zip, tar (compressed or not), 7z or rar, told by their content.
        folder: is made; files that are there stay, and an archive that holds one of them is refused.

    Raises:
        UserError: the archive is damaged, or holds absolute paths, ``..``, links, devices, too many files or much more
            than its size lets expect; or libarchive is needed and is not installed; or the disk is full.
    """
    try:
        limits = _Limits(archive, folder)
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder, limits)
        elif tarfile.is_tarfile(archive):
            _untar(archive, folder, limits)
        else:
            _unpack_others(archive, folder, limits)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        RuntimeError,
        ValueError,
    ) as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        raise UserError(f"cannot unpack {archive.name} into {folder}: {error.strerror or error}") from error


class _Limits:
    """How many files and bytes may still come out of an archive."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._archive = archive
        self._most = max(SMALL, RATIO * archive.stat().st_size)
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        self._free = shutil.disk_usage(there).free
        self.files = self.bytes = 0

    def declare(self, size: int) -> None:
        """One more file, of so many bytes as the archive says.

        Raises:
            UserError: there are too many, or they are too large for such an archive or for the disk.
        """
        self.files += 1
        if self.files > MEMBERS:
            raise self._bomb(f"more than {MEMBERS} files")
        self._check(self.bytes + size)

    def write(self, content: IO[bytes], target: IO[bytes]) -> None:
        """Copy one file, and count what really comes.

        Raises:
            UserError: it is too much.
        """
        while piece := content.read(_PIECE):
            self.count(piece)
            target.write(piece)

    def count(self, piece: bytes) -> None:
        """Count a piece of a file before it is written.

        Raises:
            UserError: it is too much.
        """
        self.bytes += len(piece)
        self._check(self.bytes)

    def _check(self, total: int) -> None:
        if total > self._most:
            size = self._archive.stat().st_size
            raise self._bomb(f"more than {self._most} bytes, though it has {size} itself")
        if total > self._free:
            raise UserError(f"cannot unpack {self._archive.name}: the disk has no {total} bytes left")

    def _bomb(self, what: str) -> UserError:
        return UserError(f"{self._archive.name} is not unpacked: it holds {what}")


def _unzip(archive: Path, folder: Path, limits: _Limits) -> None:
    with zipfile.ZipFile(archive) as file:
        beforehand = _Limits(archive, folder)  # of what it says itself, before anything is written
        for member in file.infolist():
            beforehand.declare(member.file_size)
            beforehand.bytes += member.file_size
        for member in track(file.infolist(), f"unpacking {archive.name}"):
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                continue
            if member.flag_bits & 1:
                raise _hostile(archive, member.filename, "needs a password")
            if kind not in (0, stat.S_IFREG):
                raise _hostile(archive, member.filename, "is no plain file")
            limits.declare(member.file_size)
            with file.open(member) as content, _new_file(archive, folder, member.filename) as target:
                limits.write(content, target)


def _untar(archive: Path, folder: Path, limits: _Limits) -> None:
    with tarfile.open(archive) as file:
        for member in track(file, f"unpacking {archive.name}"):
            if member.isdir():
                continue
            content = file.extractfile(member) if member.isreg() else None
            if content is None:
                raise _hostile(archive, member.name, "is no plain file")
            limits.declare(member.size)
            with content, _new_file(archive, folder, member.name) as target:
                limits.write(content, target)


def _unpack_others(archive: Path, folder: Path, limits: _Limits) -> None:
    try:
        import libarchive
        from libarchive.exception import ArchiveError
    except (ImportError, AttributeError, TypeError, OSError) as error:  # ctypes' ways to say that there is no library
        raise UserError(
            f"{archive.name} needs libarchive: install it (apt install libarchive13, brew install libarchive, "
            f"conda install libarchive) and give the same command again, or unpack {archive} yourself"
        ) from error
    try:
        with libarchive.file_reader(str(archive)) as entries:
            for entry in track(entries, f"unpacking {archive.name}"):
                if entry.isdir:
                    continue
                if not entry.isreg:
                    raise _hostile(archive, entry.pathname, "is no plain file")
                limits.declare(entry.size or 0)
                with _new_file(archive, folder, entry.pathname) as target:
                    for block in entry.get_blocks():
                        limits.count(block)
                        target.write(block)
    except ArchiveError as error:
        raise _damaged(archive, error) from error


@contextmanager
def _new_file(archive: Path, folder: Path, name: str) -> Iterator[IO[bytes]]:
    """A file of the archive, to be written below the folder.

    Raises:
        UserError: it would lie elsewhere, or is there already.
    """
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or not inside.parts or ":" in inside.parts[0]:
        raise _hostile(archive, name, "points out of its folder")
    path = folder / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            yield file
    except FileExistsError:
        raise _hostile(archive, name, "is there twice") from None


def _hostile(archive: Path, name: str, what: str) -> UserError:
    return UserError(f"{archive.name} is not unpacked: {name} in it {what}")


def _damaged(archive: Path, error: Exception) -> UserError:
    return UserError(
        f"{archive} is damaged or no archive ({' '.join(str(error).split())[:100]}): delete it and fetch it again"
    )
