"""Rows of results and where a claim reads networks -> one row a unit, with the columns among which others choose."""

from collections.abc import Hashable

import numpy as np
import pandas as pd

from iqa_lab.statistics.factors.claims import BEST, CONCAT, DEPTH, FIRST, LAST, LINK, Claim, NoSuchLevel
from iqa_lab.statistics.factors.units import FACTORS, UNIT, Columns, candidate_rows, joined

NETWORK = [*FACTORS, "weights"]
PAPERS_READOUT = "plain"  # of a claim that names none


def readouts_of(claim: Claim, rows: pd.DataFrame) -> tuple[str, ...]:
    """The readouts that a claim is about: those that it names, else the papers' own, else the only one that there is.

    Args:
        claim: its conditions count.
        rows: of the networks that it is about.

    Raises:
        NoSuchLevel: the networks were read in several ways, and none is the papers'.
    """
    if "readout" in claim.only:
        return claim.only["readout"]
    own = rows[(rows["goal"] != "baseline") & (rows["layer"] != "pixels")]
    there = sorted(set(own["readout"].astype(str)))
    if PAPERS_READOUT in there or not there:
        return (PAPERS_READOUT,)
    if len(there) > 1:
        raise NoSuchLevel(f"networks were read in several ways ({', '.join(there)}): add 'for readout = NAME'")
    return (there[0],)


def read_in(rows: pd.DataFrame, readouts: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    """The rows of these readouts, of the networks that have all of them; and the names of those that do not.

    The best of many readouts beats the best of few, so a network that lacks one is left out. Baselines stay.

    Args:
        rows: of any number of units.
        readouts: that a claim is about.
    """
    rows = candidate_rows(rows)
    rows = rows[rows["value"].notna()]
    baseline = rows["goal"] == "baseline"
    own = rows[~baseline & rows["readout"].astype(str).isin(readouts)]
    having = own.groupby(UNIT)["readout"].transform("nunique") if len(own) else pd.Series(dtype=float)
    whole = own[having == len(readouts)]
    everything = set(joined(rows[~baseline], NETWORK))
    return pd.concat([whole, rows[baseline]]), sorted(everything - set(joined(whole, NETWORK)))


def one_a_unit(rows: pd.DataFrame, place: str) -> pd.DataFrame:
    """One row a unit with ``columns``: the names of the rows among which other references choose.

    Args:
        rows: as ``read_in`` gives them.
        place: where networks are read: best layer, first layer, last layer, concat, ``layer NAME`` or ``depth NUMBER``.

    Raises:
        NoSuchLevel: no network has such a layer.
    """
    names = rows["layer"].astype(str)
    together = names.str.startswith("concat_")
    baseline = rows["goal"] == "baseline"
    depth = rows["depth"].astype(float)
    single = rows[~together & ~baseline]
    if place == BEST:
        own = single
    elif place == CONCAT:
        own = rows[together & ~baseline]
    elif place in (FIRST, LAST):
        by_unit = single.groupby(UNIT)["depth"]
        own = single[single["depth"] == (by_unit.transform("min") if place == FIRST else by_unit.transform("max"))]
    elif place.startswith("layer "):
        own = single[names[single.index] == place.removeprefix("layer ")]
    else:
        away = (depth[single.index] - float(place.removeprefix("depth "))).abs()
        nearest = away.groupby([single[name] for name in UNIT]).transform("min")
        own = single[np.isclose(away, nearest)]
        # of two that are as near, the earlier
        own = own[own["depth"] == own.groupby(UNIT)["depth"].transform("min")]
    if len(single) and not len(own):
        raise NoSuchLevel(f"no network that this is about has a {place}")
    kept = pd.concat([own, rows[baseline]])
    unit = kept.groupby(UNIT, sort=True).ngroup().to_numpy()
    columns: dict[int, list[Hashable]] = {}
    for number, name in zip(unit, kept.index, strict=True):
        columns.setdefault(int(number), []).append(name)
    _, first = np.unique(unit, return_index=True)  # the first row of each unit, units in order
    candidates = pd.Series([tuple(sorted(columns[number])) for number in range(len(first))], dtype=object)  # type: ignore[type-var]
    return kept.iloc[first].reset_index(drop=True).assign(columns=candidates)


def columns_of(units: pd.DataFrame) -> list[Columns]:
    """All sets of columns of such rows."""
    return list(units["columns"])


def layers_in_order(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Rows for a trend along the depth: single layers of networks, from the first to the last."""
    assert claim.left == DEPTH or LINK.fullmatch(claim.left)
    own = rows[(rows["goal"] != "baseline") & ~rows["layer"].astype(str).str.startswith("concat_")]
    return own.sort_values([*UNIT, "readout", "depth"])
