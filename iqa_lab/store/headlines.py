"""Results of a folder -> one row per unit: what the column gets that other references choose, then the best column."""

import numpy as np
import pandas as pd

from iqa_lab.statistics.direction import goodness, is_low_good
from iqa_lab.statistics.factors.units import candidate_rows
from iqa_lab.statistics.intervals.few import FEWEST
from iqa_lab.store.digits import three_digits, two_digits, with_interval
from iqa_lab.store.index import HEADLINE, UNIT
from iqa_lab.store.table import Results

_OF_A_UNIT = ["benchmark", "goal", "dataset", "architecture", "weights"]


def unit_headlines(found: Results) -> pd.DataFrame:
    """One row per unit, the best held-out value of each benchmark first.

    Returns:
        ``unit``, its factors, ``statistic`` (the benchmark's: ``srcc``, ``srcc_within_distortion``, ``agreement``,
        ``rms_db``, of which the lowest is the best), ``heldout``, ``heldout_low``, ``heldout_high`` and
        ``confidence``; then ``best``, ``layer``, ``depth`` and ``readout`` of the best of ``columns`` columns, chosen
        on the same opinions, and ``n``. Pixels and columns that were fitted to the same opinions are no candidates.
        NaN where a result does not say, as of an earlier method.
    """
    table = found.table
    needed = (*_OF_A_UNIT, "layer", "depth", "readout", "n")
    table = table.assign(**{name: np.nan for name in needed if name not in table})  # tables come from anywhere
    own = candidate_rows(table)
    rows = own.merge(found.headlines, on=UNIT, how="left")
    given = rows["statistic"].fillna("")
    choices = rows["agreement"].notna() if "agreement" in rows else pd.Series(False, index=rows.index)
    rows["statistic"] = given.where(given != "", np.where(choices, "agreement", "srcc"))
    rows["best"], rows["sign"] = np.nan, 1.0
    for name, some in rows.groupby("statistic"):
        if name in rows:
            rows.loc[some.index, "best"] = some[name].astype(float)
        rows.loc[some.index, "sign"] = goodness(1.0, str(name))
    rows["columns"] = rows.groupby(UNIT)[UNIT].transform("size")
    rows = rows.assign(good=rows["sign"] * rows["best"], good_heldout=rows["sign"] * rows["heldout"])
    first = rows.sort_values("good", ascending=False, kind="stable").drop_duplicates(UNIT)
    if "confidence" not in first:
        first["confidence"] = 0.95
    wanted = [UNIT, *_OF_A_UNIT, *HEADLINE, "confidence", "best", "layer", "depth", "readout", "columns", "n"]
    order = ["benchmark", "good_heldout", "good"]
    ordered = first.sort_values(order, ascending=[True, False, False], kind="stable")
    return ordered[wanted].reset_index(drop=True)


def shown(headlines: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of ``unit_headlines`` as they are printed: a table for each benchmark and its statistic."""
    tables = []
    for (_, statistic, confidence), rows in headlines.groupby(["benchmark", "statistic", "confidence"], sort=False):
        held_out = [
            with_interval(*map(float, values)) for values in rows[["heldout", "heldout_low", "heldout_high"]].to_numpy()
        ]
        tables.append(
            pd.DataFrame(
                {
                    **{name: rows[name] for name in _OF_A_UNIT},
                    **_told_apart(rows),
                    f"{statistic}_heldout [{100 * float(str(confidence)):g} %]": held_out,
                    f"{statistic}_best": [three_digits(float(value)) for value in rows["best"]],
                    **{name: rows[name] for name in ("layer", "readout")},
                    "depth": [two_digits(float(value)) for value in rows["depth"]],
                    **{name: rows[name] for name in ("columns", "n")},
                }
            )
        )
    return tables


def _told_apart(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """The signature of every unit, where a network was scored in several ways: with another resize, say."""
    alike = rows.duplicated(_OF_A_UNIT, keep=False)
    return {"result": rows[UNIT].str.rpartition("/")[2].where(alike, "")} if alike.any() else {}


def explained(headlines: pd.DataFrame) -> list[str]:
    """What a reader should know about these numbers, in sentences."""
    said = [
        "heldout: at the layer and readout that other references choose; best: the best of so many columns, chosen "
        "on the same opinions, hence optimistic and without an interval."
    ]
    if headlines["statistic"].map(is_low_good).any():
        said.append("rms_db: dB from people's thresholds, 0 is human: low is good; its references are the stimuli.")
    if headlines["heldout_low"].isna().any():
        said.append(
            f"No interval: fewer than {FEWEST} references, or a result of an earlier method, of which iqa-lab report "
            "--recompute makes it."
        )
    return said
