"""A folder and a name -> the file of that name: an exact match wins, else the only one that differs in case.

Publishers' lists and archives disagree about upper and lower case, and some file systems about how accents are encoded.
Where several files differ in that only, a name that is none of them stands for nothing: it is refused.
"""

import os
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path, PurePosixPath

from iqa_lab.errors import UserError, first_names


def folded(name: str) -> str:
    """What is left of a name where case and the encoding of accents do not count."""
    return unicodedata.normalize("NFC", name).casefold()


def inside(path: str, setting: str) -> str:
    """The path, which is known to lead to a place below the folder that it starts from, or to that itself.

    Raises:
        UserError: it is absolute, or holds ``..`` or a drive.
    """
    parts = PurePosixPath(path.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or any(":" in part for part in parts.parts) or not path.isprintable():
        raise UserError(f"{setting}={path!r} leads out of its folder: name a folder below it, without .. and /")
    return path


class Names:
    """The entries of one folder, by name; none where there is no folder."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: is read once.

        Raises:
            UserError: it cannot be read.
        """
        self.folder = folder
        try:
            self._exact = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        except OSError as error:
            raise UserError(f"{folder} cannot be read: {error.strerror or error}") from error
        self._alike: dict[str, list[str]] = {}
        for name in self._exact:
            self._alike.setdefault(folded(name), []).append(name)

    def find(self, name: str) -> Path | None:
        """The entry of that name, else the only one that differs in case; None where there is neither.

        Raises:
            UserError: several entries differ from the name in case only.
        """
        if name in self._exact:
            return self.folder / name
        alike = sorted(self._alike.get(folded(name), []))
        if len(alike) > 1:
            raise UserError(
                f"{self.folder} has no {name}, but {first_names(alike)}, which differ in upper and lower case only: "
                "name the one that is meant"
            )
        return self.folder / alike[0] if alike else None

    def paths(self) -> list[Path]:
        """All entries, in the order of their names whatever the case."""
        return [self.folder / name for name in sorted(self._exact, key=lambda name: (folded(name), name))]


def places(paths: Iterable[str]) -> list[str]:
    """Files as they are told apart: absolute, through no linked folder, whichever way a list leads to them.

    A link to a file stays a file of its own: databases hold copies of images under several names.
    """
    paths = list(paths)
    real = {folder: os.path.realpath(folder) for folder in {os.path.dirname(path) for path in paths}}
    return [os.path.join(real[os.path.dirname(path)], os.path.basename(path)) for path in paths]


def find_entry(folder: Path, name: str) -> Path | None:
    """The file or folder of that name, as ``Names.find``.

    Raises:
        UserError: as there, or the folder cannot be read.
    """
    exact = folder / name
    return exact if os.path.exists(exact) else Names(folder).find(name)


def finder(root: Path) -> Callable[[str], str]:
    """A function from a path below ``root``, as a list spells it, to the path of that file; "" where there is none.

    Every folder is read once. A path may be absolute or hold ``..``, as those of one's own table may.
    """

    @cache
    def names(folder: str) -> Names | None:
        path: Path | None = root
        for part in PurePosixPath(folder).parts:
            path = find_entry(path, part) if path else None
        return Names(path) if path else None

    @cache  # lists of choices name an image many times
    def find(file: str) -> str:
        folder, _, name = file.rpartition("/")
        there = names(folder if folder or not file.startswith("/") else "/")
        path = there.find(name) if there and name not in ("", ".", "..") else None
        return str(path) if path else ""

    return find


def anywhere(root: Path) -> Callable[[str], str]:
    """A function from an image's name, as a list spells it, to its path below ``root``, in whatever folder it lies.

    For lists that do not say in which folder their images are. A name with folders that leads to a file from ``root``
    is that file. All folders are read once; a name that nothing answers to stays what it is.
    """
    here = finder(root)
    by_name: dict[str, list[str]] = {}
    for folder, below, files in os.walk(root):
        below.sort()
        inside_root = os.path.relpath(folder, root)
        for name in sorted(files):
            path = name if inside_root == "." else f"{inside_root.replace(os.sep, '/')}/{name}"
            by_name.setdefault(folded(name), []).append(path)

    @cache
    def find(file: str) -> str:
        """Raises: UserError: two images answer to one name."""
        if here(file):
            return file
        alike = by_name.get(folded(PurePosixPath(file.replace("\\", "/")).name), [])
        if len(alike) > 1:
            raise UserError(f"{root}: {first_names(alike)} all answer to the name {file}: leave the one that is meant")
        return alike[0] if alike else file

    return find
