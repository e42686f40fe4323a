"""A unit's folder: written in one step, grown by columns, read only as it was written.

It holds ``scores.parquet``, ``correlations.csv``, ``config.yaml`` and ``result.json``, which has the digests of the
others and is renamed into its place last. All files of one step are first written beside their places, so that a
process that is killed between two renames leaves everything there: readers find it, the next writer completes it.
"""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
from filelock import FileLock

from iqa_lab.errors import UnitFailed
from iqa_lab.store import reading
from iqa_lab.store.reading import Unusable, sha256
from iqa_lab.store.result import (
    APART,
    CONFIG,
    CORRELATIONS,
    DONE,
    FAILED,
    RESULT,
    SCORED,
    SCORES,
    WEIGHTS,
    Definitions,
    pass_of,
    passes_of,
    read_result,
)
from iqa_lab.store.signature import DIGEST, digest_of, seal
from iqa_lab.store.stored import StoredUnit
from iqa_lab.store.writing import UNFINISHED, readable_write_errors, replace_all, unfinished

Tabulate = Callable[[pd.DataFrame, Definitions], pd.DataFrame]  # of scores and the definitions of their columns
Summarise = Callable[[pd.DataFrame, pd.DataFrame], dict[str, Any]]  # of scores and their table


@dataclass(frozen=True)
class UnitFolder(StoredUnit):
    """The place of one unit's result, to be read and written."""

    def write(
        self,
        scores: pd.DataFrame,
        definitions: Definitions,
        result: dict[str, Any],
        config: str,
        tabulate: Tabulate,
        weights: pd.DataFrame | None = None,
        summarise: Summarise = lambda _scores, _table: {},
    ) -> pd.DataFrame:
        """Add columns to the unit, then make its table anew; returns the table.

        Args:
            scores: one row per pair, with the columns to add.
            definitions: of the columns to add.
            result: what ``result.json`` shall say besides.
            config: the text of ``config.yaml``.
            tabulate: makes the correlations of all columns, old and new.
            weights: of channels, with ``readout`` and ``layer``; replaces those of the same readout and layer.
            summarise: makes the headline in ``result.json`` of all scores and the table.

        Raises:
            UserError: the disk is full, or the folder cannot be written.
            UnitFailed: the scores are kept, but their statistics could not be made.
        """
        with self._locked():
            known = {name: facts for name, facts in self.finished().items() if name not in definitions}
            earlier = (self.read_result() or {}) if known else {}
            try:
                scores = pd.concat([scores, self.read_columns(list(known), scores)], axis=1)
            except Unusable:  # they are of other pairs, and nobody's any more
                known, earlier = {}, {}
            everything = {**known, **definitions}
            merged = self._with_earlier_weights(weights, everything)
            contents = {CONFIG: config.encode(), SCORES: _parquet(scores)}
            if merged is not None:
                contents = {WEIGHTS: merged.to_csv(index=False).encode(), **contents}
            facts = {
                **result,
                "columns": everything,
                "weighed": sorted(everything.keys() & _columns_of(merged)),
                "passes": [*passes_of(earlier, known), pass_of(result, definitions)],
            }
            self._commit(contents, facts, SCORED, {})
            return self._tabulate(scores, facts, {name: sha256(content) for name, content in contents.items()},
                                  tabulate, summarise)  # fmt: skip

    def tabulate_again(
        self,
        tabulate: Tabulate,
        summarise: Summarise,
        statistics: Mapping[str, Any] | None = None,
        config: str | None = None,
    ) -> pd.DataFrame:
        """Make the table and the headline anew from the scores; returns the table.

        Columns that channels were weighed for are left out where their weights cannot be used.

        Args:
            tabulate: makes the correlations.
            summarise: makes the headline.
            statistics: what they are made with now; None: as before.
            config: the text of ``config.yaml``; None: as before.

        Raises:
            UserError: the scores cannot be used, or the folder cannot be written.
            UnitFailed: the statistics could not be made.
        """
        with self._locked():
            facts, contents = self.read(SCORES)
            scores = reading.parse_scores(contents[SCORES], self.scores_file)
            columns = self.standing()
            left_out = {CORRELATIONS} if facts["columns"].keys() == columns.keys() else {CORRELATIONS, WEIGHTS}
            files = {name: digest for name, digest in facts["files"].items() if name not in left_out}
            facts = {**facts, "columns": columns, "weighed": [name for name in facts["weighed"] if name in columns]}
            new: dict[str, bytes] = {} if config is None else {CONFIG: config.encode()}
            if statistics is not None:
                facts = {**facts, "statistics": dict(statistics)}
            files |= {name: sha256(content) for name, content in new.items()}
            return self._tabulate(scores, facts, files, tabulate, summarise, new)

    def _tabulate(
        self, scores: pd.DataFrame, facts: dict[str, Any], files: dict[str, str], tabulate: Tabulate,
        summarise: Summarise, new: Mapping[str, bytes] | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """The second step: statistics of scores that are on the disk."""
        try:
            table = tabulate(scores, facts["columns"])
            headline = summarise(scores, table)
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise UnitFailed(
                f"the scores are kept in {self.folder}, but their statistics failed ({type(error).__name__}: "
                f"{reason}); iqa-lab report --recompute {self.folder} makes them without another pass"
            ) from error
        contents = {**(new or {}), CORRELATIONS: table.to_csv(index=False).encode()}
        self._commit(contents, {**facts, "headline": headline}, DONE, files)
        return table

    def _commit(
        self, contents: Mapping[str, bytes], facts: Mapping[str, Any], state: str, files: Mapping[str, str]
    ) -> None:
        """Files in one step, and ``result.json`` with the digests of all."""
        digests = {**files, **{name: sha256(content) for name, content in contents.items()}}
        kept = {name: value for name, value in facts.items() if name not in ("state", "files", DIGEST, *APART)}
        headline = json.loads(json.dumps(facts.get("headline", {})))
        sealed = seal({"state": state, **kept, "files": digests, "headline_digest": digest_of(headline)})
        order = ("state", "signature")
        first = {name: sealed[name] for name in order if name in sealed}
        text = json.dumps({**first, "headline": headline, **sealed}, indent=2) + "\n"
        replace_all(self.folder, {**contents, RESULT: text.encode()})

    def _with_earlier_weights(self, weights: pd.DataFrame | None, definitions: Definitions) -> pd.DataFrame | None:
        """New weights, and the earlier ones of other columns that are still there."""
        try:
            earlier = self.weights()
        except Unusable:
            earlier = None
        if earlier is None:
            return weights
        new = _columns_of(weights)
        kept = earlier[(earlier["readout"] + "@" + earlier["layer"]).isin(set(definitions) - new)]
        together = kept if weights is None else pd.concat([weights, kept], ignore_index=True)
        return together if len(together) else None

    def write_failure(self, result: dict[str, Any], error: str) -> None:
        """Record that the unit failed, unless an earlier result is there, which stays."""
        with self._locked():
            if not self.finished():
                text = json.dumps({"state": FAILED, "error": error, **result}, indent=2) + "\n"
                replace_all(self.folder, {RESULT: text.encode()})

    def complete(self) -> None:
        """Finish what a killed writer began: its files are all there, beside their places, or the step is undone.

        Raises:
            UserError: the folder cannot be written.
        """
        if any(self.folder.glob(f"{UNFINISHED}*")):
            with self._locked():
                pass

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with readable_write_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                self._complete()
                yield

    def _complete(self) -> None:
        """As ``complete``, the lock being held: what is in its place and whole stays, else the newest is put there."""
        newest = unfinished(self.folder / RESULT)
        left = [file for file in self.folder.glob(f"{UNFINISHED}*") if file != newest]
        if newest.exists() and not self.is_whole(self.folder / RESULT, beside=False) and self.is_whole(newest):
            expected = read_result(newest)["files"]
            for file in left:
                name = file.name.removeprefix(UNFINISHED)
                if name in expected and sha256(file.read_bytes()) == expected[name]:
                    os.replace(file, self.folder / name)
            os.replace(newest, self.folder / RESULT)
        for file in [*left, newest]:
            file.unlink(missing_ok=True)


def _parquet(scores: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    scores.to_parquet(content, index=False)
    return content.getvalue()


def _columns_of(weights: pd.DataFrame | None) -> set[str]:
    """The columns that were weighed."""
    return set() if weights is None else set(weights["readout"] + "@" + weights["layer"])
