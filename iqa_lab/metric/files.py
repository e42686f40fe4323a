"""A metric and pairs of image files -> a table of distances, through the pass itself; kept in a CSV file as it grows.

Each row carries the digest of the metric and of its two files, so that what is there already is believed only where
both are still the same. A pair that cannot be scored becomes a row with its error, and the others go on.
"""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from iqa_lab.errors import UnitFailed, UserError, first_names
from iqa_lab.metric.module import Metric
from iqa_lab.metric.opinion import Opinions
from iqa_lab.metric.recipe import distances_of
from iqa_lab.networks.network import Layer
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.scoring.steady import check_steady
from iqa_lab.store.signature import digest_of
from iqa_lab.store.writing import readable_write_errors

PAIR = ["reference", "distorted"]
OPINION = ["opinion", "opinion_low", "opinion_high", "beyond_judged"]
LAST = ["metric", "files", "error"]
# pairs whose rows are written at once: a pass over fewer would forward references again and again
_AT_ONCE = 200


@dataclass(frozen=True)
class FileScorer:
    """Scores pairs of files with one metric.

    Args:
        metric: any.
        opinions: of a result, which are predicted beside; None: none are.
        batch_size: images that are forwarded at once.
        workers: threads that decode.
    """

    metric: Metric
    opinions: Opinions | None = None
    batch_size: int = 8
    workers: int = 2

    @property
    def columns(self) -> list[str]:
        """Of the table."""
        return [*PAIR, *self.metric.names, *(OPINION if self.opinions else []), *LAST]

    @property
    def fingerprint(self) -> str:
        """Of everything that may move a number: equal ones give equal tables."""
        metric, opinions = self.metric, self.opinions
        weights = {name: _sha256(values.cpu().numpy()) for name, values in metric.named_buffers(recurse=False)}
        curve = opinions and {
            "column": opinions.column,
            "curve": _sha256(np.stack([opinions.curve.distances, opinions.curve.opinions])),
            "half_width": repr(opinions.curve.half_width),
        }
        facts = {
            "recipe": metric.recipe.as_values(),
            "network": metric.about.get("weights_digest"),
            "build": metric.about.get("build"),
            "weights": weights,
            "resize": metric.resize,
            "precision": metric.precision,
            "opinions": curve,
        }
        return digest_of(facts)[:12]

    def score(
        self, pairs: pd.DataFrame, kept: pd.DataFrame | None = None, done: Callable[[pd.DataFrame], object] = len
    ) -> pd.DataFrame:
        """The table of all pairs, in their order.

        Args:
            pairs: with the paths ``reference`` and ``distorted``.
            kept: rows of an earlier table that hold still.
            done: gets the new rows, some at a time.

        Raises:
            UserError: the network's responses depend on chance or on the batch.
        """
        tables = [kept] if kept is not None and len(kept) else []
        known = set(map(tuple, kept[PAIR].to_numpy())) if tables and kept is not None else set()
        asked = pairs[PAIR].drop_duplicates()
        todo = asked[[tuple(pair) not in known for pair in asked.to_numpy()]]
        # pairs of one reference follow each other, so that it is forwarded once
        todo = pd.concat([group for _, group in todo.groupby("reference", sort=False)]) if len(todo) else todo
        checked = False
        for start in range(0, len(todo), _AT_ONCE):
            part = todo.iloc[start : start + _AT_ONCE].reset_index(drop=True)
            digests = [files_digest(*pair) for pair in part.to_numpy()]
            readable = [digest is not None for digest in digests]
            if not checked and any(readable):
                self._check_steady(str(part["reference"][readable.index(True)]))
                checked = True
            rows = list(self._rows(part))
            table = pd.DataFrame(rows, columns=[*PAIR, *self.metric.names, "error"])
            table["metric"], table["files"] = self.fingerprint, [digest or "" for digest in digests]
            table = self._with_opinions(table)[self.columns]
            tables.append(table)
            done(table)
        whole = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=self.columns)
        return pairs[PAIR].merge(whole.drop_duplicates(PAIR), on=PAIR, how="left", validate="many_to_one")[self.columns]

    def _settings(self) -> Settings:
        return Settings(
            device=self.metric.device,
            batch_size=self.batch_size,
            workers=self.workers,
            precision=self.metric.precision,
            resize=self.metric.resize,
        )

    def _check_steady(self, path: str) -> None:
        try:
            check_steady(self.metric.network, path, self.metric.read_layers(), self._settings())
        except UserError as error:
            if "differ by" in str(error):
                raise
            # the image itself: its pairs' own rows will say so

    def _rows(self, pairs: pd.DataFrame) -> Iterator[list[Any]]:
        """The rows of some pairs; where one of them fails, halves are tried until it stands alone."""
        try:
            values = self._distances(pairs)
        except (UserError, UnitFailed, MemoryError) as error:
            if len(pairs) == 1:
                nothing = [float("nan")] * len(self.metric.names)
                yield [*pairs.iloc[0][PAIR], *nothing, " ".join(str(error).split())]
                return
            middle = len(pairs) // 2
            for half in (pairs.iloc[:middle], pairs.iloc[middle:]):
                yield from self._rows(half.reset_index(drop=True))
            return
        for pair, row in zip(pairs[PAIR].to_numpy(), values, strict=True):
            yield [*pair, *row, ""]

    def _distances(self, pairs: pd.DataFrame) -> list[list[float]]:
        metric = self.metric
        columns = [
            Column(
                layer=Layer(term.layer, term.depth),
                readout=term.readout,
                terms=distances_of(term, metric.network, lambda place=place: metric.get_buffer(f"weights_{place}")),  # type: ignore[misc]
            )
            for place, term in enumerate(metric.recipe.terms)
        ]
        frame = pairs.assign(
            reference_path=pairs["reference"], distorted_path=pairs["distorted"], distorted=pairs["distorted"]
        )
        found = score(metric.network, frame, columns, self._settings())
        return metric.recipe.combined(torch.from_numpy(found.values).double()).float().tolist()

    def _with_opinions(self, table: pd.DataFrame) -> pd.DataFrame:
        if self.opinions is None:
            return table
        (name,) = self.metric.names
        predicted = self.opinions.curve.predict(table[name])
        table = table.assign(**dict(zip(OPINION, predicted, strict=True)))
        return table.assign(beyond_judged=table["beyond_judged"].where(table["error"] == "", False))


def files_digest(reference: str, distorted: str) -> str | None:
    """Of the two files of a pair, in 16 digits; None where one cannot be read."""
    digest = hashlib.blake2b(digest_size=8)
    for path in (reference, distorted):
        try:
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            return None
    return digest.hexdigest()


class GrowingTable:
    """A CSV file of rows that another process may have begun.

    Args:
        file: its path.
        scorer: whose rows it holds.
    """

    def __init__(self, file: Path, scorer: FileScorer) -> None:
        self.file, self.scorer = file, scorer

    def begun(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The rows that are there and hold still; errors, and pairs whose files changed, are done again.

        Raises:
            UserError: the file is another table, of another metric, or of other pairs.
        """
        table = self._read()
        if table is None:
            return pd.DataFrame(columns=self.scorer.columns)
        others = sorted(set(table["metric"]) - {self.scorer.fingerprint})
        if others:
            raise UserError(
                f"{self.file} was made by another metric ({others[0]}, this one is {self.scorer.fingerprint}): give "
                "another --out, or remove it"
            )
        asked = set(map(tuple, pairs[PAIR].to_numpy()))
        foreign = [f"{f} {g}" for f, g in table[PAIR].to_numpy() if (f, g) not in asked]
        if foreign:
            raise UserError(
                f"{self.file} has pairs that are not asked for ({first_names(foreign)}): give another --out"
            )
        holds = [
            error == "" and files_digest(f, g) == digest
            for f, g, digest, error in table[[*PAIR, "files", "error"]].to_numpy()
        ]
        numbers = [*self.scorer.metric.names, *(OPINION[:3] if self.scorer.opinions else [])]
        kept = table[holds].astype(dict.fromkeys(numbers, float))
        if self.scorer.opinions:
            kept["beyond_judged"] = kept["beyond_judged"] == "True"
        self.replace(kept)
        return kept.reset_index(drop=True)

    def _read(self) -> pd.DataFrame | None:
        """What is there, as text; a last line that was cut is left out."""
        if not self.file.exists():
            return None
        try:
            text = self.file.read_text(encoding="utf-8")
            whole = text[: text.rindex("\n") + 1] if "\n" in text else ""
            rows = list(csv.reader(io.StringIO(whole), strict=True))
        except (OSError, ValueError, csv.Error) as error:
            raise UserError(f"{self.file} cannot be continued: {error}; give another --out") from error
        if not rows:
            return None
        if rows[0] != self.scorer.columns or any(len(row) != len(rows[0]) for row in rows):
            raise UserError(
                f"{self.file} is another table (its columns are {first_names(rows[0], 6)}): give another --out"
            )
        return pd.DataFrame(rows[1:], columns=rows[0])

    def add(self, rows: pd.DataFrame) -> None:
        """Rows at the end of the file.

        Raises:
            UserError: it cannot be written.
        """
        with readable_write_errors(self.file.parent), self.file.open("a", encoding="utf-8", newline="") as file:
            rows.to_csv(file, index=False, header=file.tell() == 0, lineterminator="\n")

    def replace(self, table: pd.DataFrame) -> None:
        """The whole file anew, in one step.

        Raises:
            UserError: it cannot be written.
        """
        beside = self.file.with_name(f".{self.file.name}.part")
        with readable_write_errors(self.file.parent):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            table.to_csv(beside, index=False, lineterminator="\n")
            os.replace(beside, self.file)


def _sha256(values: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
