"""A unit's folder as it is read: every file as ``result.json`` says that it was written, or the trouble that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from iqa_lab.config import Config
from iqa_lab.store import reading
from iqa_lab.store.joining import in_order_of
from iqa_lab.store.reading import DAMAGED, MISPLACED, MISSING, Unusable, sha256
from iqa_lab.store.result import CONFIG, CORRELATIONS, FAILED, RESULT, SCORES, WEIGHTS, Definitions, read_result
from iqa_lab.store.writing import unfinished


@dataclass(frozen=True)
class StoredUnit:
    """The place of one unit's result."""

    folder: Path

    @property
    def scores_file(self) -> Path:
        """One row per pair, one column per layer x readout."""
        return self.folder / SCORES

    @property
    def correlations_file(self) -> Path:
        """One row per layer x readout."""
        return self.folder / CORRELATIONS

    @property
    def weights_file(self) -> Path:
        """One row per channel of the readouts that weigh channels."""
        return self.folder / WEIGHTS

    def read(self, *names: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        """What ``result.json`` says, and the contents of these files as it says that they are.

        Raises:
            Unusable: one of them is missing, unreadable, damaged or of another version.
        """
        trouble: Unusable | None = None
        # a killed writer has left the newest result beside its place; a living one puts it there meanwhile
        for file in (self.folder / RESULT, unfinished(self.folder / RESULT), self.folder / RESULT):
            try:
                result = self._own(read_result(file))
                return result, {name: self._content(name, result) for name in names}
            except Unusable as error:
                trouble = trouble or error
        assert trouble is not None
        raise trouble

    def _own(self, result: dict[str, Any]) -> dict[str, Any]:
        """A result, if it is this unit's: what was copied from another folder would be read as scores of this one.

        Raises:
            Unusable: it is another unit's.
        """
        of = result.get("signature", self.folder.name)
        if result["state"] != FAILED and of != self.folder.name:
            raise Unusable(MISPLACED, self.folder / RESULT, f"it is the result of unit {of}")
        return result

    def _content(self, name: str, result: Mapping[str, Any], *, beside: bool = True) -> bytes:
        file = self.folder / name
        expected = result.get("files", {}).get(name)
        if expected is None:
            raise Unusable(MISSING, file, f"its unit is {result['state']}")
        trouble: Unusable | None = None
        for place in (file, unfinished(file)) if beside else (file,):
            try:
                content = reading.read_bytes(place)
            except Unusable as error:
                trouble = trouble or error
                continue
            if sha256(content) == expected:
                return content
            trouble = trouble or Unusable(DAMAGED, file, f"it is not the file that {RESULT} was written with")
        assert trouble is not None
        raise trouble

    def result(self) -> dict[str, Any]:
        """What ``result.json`` says.

        Raises:
            Unusable: it is missing, unreadable, damaged or of another version.
        """
        return self.read()[0]

    def read_result(self) -> dict[str, Any] | None:
        """What ``result.json`` says, or None where there is none that can be used."""
        try:
            return self.result()
        except Unusable:
            return None

    def check(self) -> dict[str, Any]:
        """What ``result.json`` says, all its files being as it says.

        Raises:
            Unusable: one of them is missing, unreadable, damaged or of another version.
        """
        result = self.result()
        return self.read(*result.get("files", {}))[0]

    def table(self) -> pd.DataFrame:
        """What ``correlations.csv`` says.

        Raises:
            Unusable: there is none that can be used.
        """
        return reading.parse_correlations(self.read(CORRELATIONS)[1][CORRELATIONS], self.correlations_file)

    def weights(self) -> pd.DataFrame | None:
        """What ``channel_weights.csv`` says; None where no readout of this unit weighs channels.

        Raises:
            Unusable: there is none that can be used.
        """
        if WEIGHTS not in self.result().get("files", {}):
            return None
        return reading.parse_weights(self.read(WEIGHTS)[1][WEIGHTS], self.weights_file)

    def config(self) -> Config:
        """The configuration that the unit was made with.

        Raises:
            Unusable: there is none that can be used.
        """
        return reading.parse_config(self.read(CONFIG)[1][CONFIG], self.folder / CONFIG)

    def scores(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The pairs with these columns, or with all.

        Raises:
            Unusable: there are none that can be used.
        """
        return reading.parse_scores(self.read(SCORES)[1][SCORES], self.scores_file, columns)

    def read_columns(self, names: list[str], pairs: pd.DataFrame | None = None) -> pd.DataFrame:
        """The distances of columns that are there; in the order of these pairs, where they are given.

        Raises:
            Unusable: they cannot be used, or are of other pairs.
        """
        if not names:
            return pd.DataFrame()
        return self.scores(names) if pairs is None else in_order_of(pairs, self.scores(), self.scores_file)[names]

    def finished(self) -> Definitions:
        """The definitions of the columns that are there and need not be computed again."""
        try:
            return self.standing()
        except Unusable:
            return {}

    def standing(self) -> Definitions:
        """As ``finished``.

        Raises:
            Unusable: scores are damaged or of another version.
        """
        try:
            result, contents = self.read(SCORES)
        except Unusable as error:
            result_there = self.read_result()
            if error.kind == MISSING and (result_there is None or result_there["state"] == FAILED):
                return {}
            raise
        parsed = reading.parse_scores(contents[SCORES], self.scores_file)
        columns = {name: dict(facts) for name, facts in result["columns"].items() if name in parsed}
        try:
            self.weights()
        except Unusable:  # the columns are there, what they were weighed with is not
            columns = {name: facts for name, facts in columns.items() if name not in result.get("weighed", ())}
        return columns

    def is_whole(self, file: Path, *, beside: bool = True) -> bool:
        """Whether a ``result.json`` can be used and its files are there; ``beside``: or beside their places."""
        try:
            result = self._own(read_result(file))
            for name in result.get("files", {}):
                self._content(name, result, beside=beside)
        except Unusable:
            return False
        return True
