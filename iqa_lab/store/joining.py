"""Rows of pairs -> the same rows in the order of other pairs: by their images, never by their position."""

from pathlib import Path

import pandas as pd

from iqa_lab.store.reading import DAMAGED, Unusable

KEYS = ["reference", "distorted"]


def in_order_of(pairs: pd.DataFrame, rows: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The rows of the same pairs, in the order of ``pairs``.

    Of choices an image may stand in several triplets with the same reference. Its distance is the same in each of
    them; its rows are taken in their order, so that opinions stay with their sides, too.

    Args:
        pairs: ``reference`` and ``distorted``, in the wanted order.
        rows: with the same two columns.
        file: where the rows come from, for the error.

    Raises:
        Unusable: they are not of the same pairs.
    """
    wanted, there = _identities(pairs), _identities(rows)
    if wanted.equals(there):
        return rows.reset_index(drop=True)
    place = there.get_indexer(wanted)
    if len(wanted) != len(there) or (place < 0).any():
        raise Unusable(DAMAGED, file, "its scores are of other pairs than the benchmark's")
    return rows.iloc[place].reset_index(drop=True)


def _identities(rows: pd.DataFrame) -> pd.MultiIndex:
    names = rows[KEYS].astype(str)
    return pd.MultiIndex.from_frame(names.assign(time=names.groupby(KEYS, sort=False).cumcount()))
