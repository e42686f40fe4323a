"""A metric and pairs of image files -> a table of distances, through the pass itself.

A pair that cannot be scored becomes a row with its error, and the others go on.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from iqa_lab.errors import UnitFailed, UserError, pass_on_interrupt
from iqa_lab.metric.growing import LAST, OPINION, PAIR, files_digest, row_digest
from iqa_lab.metric.module import Metric
from iqa_lab.metric.opinion import Opinions
from iqa_lab.metric.recipe import distances_of
from iqa_lab.metric.sources import SOURCES
from iqa_lab.networks.network import Layer
from iqa_lab.scoring.columns import Column
from iqa_lab.scoring.score import score
from iqa_lab.scoring.settings import Settings
from iqa_lab.scoring.steady import check_steady
from iqa_lab.store.signature import digest_of

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

    def __post_init__(self) -> None:
        self._settings()  # refuses what no pass can be made with, before the first pair

    @property
    def numbers(self) -> list[str]:
        """The columns of the table that hold numbers."""
        return [*self.metric.names, *(OPINION[:3] if self.opinions else [])]

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
            **({SOURCES: metric.about[SOURCES]} if metric.about.get(SOURCES) else {}),
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
            table = self._with_opinions(table)
            numbers = table[self.numbers].to_numpy(dtype=float)
            table["metric"], table["files"] = self.fingerprint, list(map(row_digest, digests, numbers))
            table = table[self.columns]
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
            pass_on_interrupt(error)
            if "differ by" in str(error):
                raise
            # the image itself: its pairs' own rows will say so

    def _rows(self, pairs: pd.DataFrame) -> Iterator[list[Any]]:
        """The rows of some pairs; where one of them fails, halves are tried until it stands alone."""
        try:
            values = self._distances(pairs)
        except (UserError, UnitFailed, MemoryError) as error:
            pass_on_interrupt(error)
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


def _sha256(values: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
