"""A MATLAB file and the name of a variable in it -> its numbers or texts, or one line that says what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from iqa_lab.errors import UserError, first_names

LARGEST = 2**23  # bytes; the files of opinions of all databases have some thousands


class MatFile:
    """The variables of one file."""

    def __init__(self, path: Path) -> None:
        """Args: path: of the file.

        Raises:
            UserError: it is no MATLAB file of at most 8 MiB that SciPy reads.
        """
        self.path = path
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST >> 20} MiB")
            content: dict[str, Any] = scipy.io.loadmat(str(path))
        except Exception as error:  # of a damaged file SciPy may raise anything
            reason = " ".join(str(error).split())[:120]
            raise UserError(f"{path} is damaged or no MATLAB file: {reason}") from error
        self._content = {name: value for name, value in content.items() if not name.startswith("__")}

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def array(self, name: str) -> NDArray[Any]:
        """A variable as it is stored.

        Raises:
            UserError: there is none of that name.
        """
        if name not in self._content:
            raise UserError(f"{self.path} has no variable {name}: it has {first_names(self._content) or 'none'}")
        return np.asarray(self._content[name])

    def vector(self, name: str, count: int | None = None) -> NDArray[np.float64]:
        """A variable that is one row or one column of numbers.

        Args:
            name: of the variable.
            count: how many numbers are expected; None: any.

        Raises:
            UserError: it is not there, is something else, or has another length.
        """
        values = self._row(name)
        if values.dtype.kind not in "biuf":
            raise UserError(f"{self.path}: {name} holds no real numbers")
        self._check_count(name, len(values), count)
        wrong = int((~np.isfinite(values)).sum())
        if wrong:
            raise UserError(f"{self.path}: {wrong} of {len(values)} entries of {name} are no finite numbers")
        return values.astype(float)

    def texts(self, name: str, count: int | None = None) -> list[str]:
        """A variable that is one row or one column of cells with a text each. Args and errors as of ``vector``."""
        values = self._row(name)
        self._check_count(name, len(values), count)
        return [self._text(name, value) for value in values]

    def _row(self, name: str) -> NDArray[Any]:
        values = self.array(name)
        if sum(side != 1 for side in values.shape) > 1:
            sides = " x ".join(str(side) for side in values.shape)
            raise UserError(f"{self.path}: {name} is no row or column, but {sides}")
        return values.ravel()

    def _check_count(self, name: str, found: int, count: int | None) -> None:
        if count is not None and found != count:
            raise UserError(f"{self.path}: {name} has {found} entries, {count} are expected")

    def _text(self, name: str, value: Any) -> str:
        while isinstance(value, np.ndarray) and value.size == 1:
            value = value.ravel()[0]
        if not isinstance(value, str):
            raise UserError(f"{self.path}: {name} holds something else than texts")
        return value.strip()
